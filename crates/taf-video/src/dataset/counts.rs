use std::collections::HashMap;

use serde::Serialize;

use super::Record;

/// How many videos a split has.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct SplitCounts {
    /// The name of the split.
    pub split: String,
    /// Videos per class, in the order of the label ids.
    pub per_class: Vec<usize>,
    /// Videos without label.
    pub unlabelled: usize,
}

impl SplitCounts {
    /// The counts of every split, in the order of the splits' first records.
    pub fn of<'a>(records: impl IntoIterator<Item = &'a Record>, num_classes: usize) -> Vec<Self> {
        let mut counts = Vec::<Self>::new();
        let mut places = HashMap::new();
        for record in records {
            let place = *places.entry(&record.split).or_insert_with(|| {
                counts.push(Self { split: record.split.clone(), per_class: vec![0; num_classes], unlabelled: 0 });
                counts.len() - 1
            });
            match record.label {
                Some(label) => counts[place].per_class[label] += 1,
                None => counts[place].unlabelled += 1,
            }
        }
        counts
    }

    /// Whether any of its videos has a label.
    pub fn has_labels(&self) -> bool {
        self.per_class.iter().any(|&count| count > 0)
    }

    /// Videos in all.
    pub fn videos(&self) -> usize {
        self.per_class.iter().sum::<usize>() + self.unlabelled
    }
}
