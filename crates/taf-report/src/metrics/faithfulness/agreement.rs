use serde::{Deserialize, Serialize};

use super::rank::summary_of_ranks;
use super::{ClipAttention, rank_correlation};
use crate::metrics::{Error, Groups, Result, Summary, effective_frames, total_variation};

/// How alike several definitions of attention are on the same clips.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AttentionAgreement {
    /// How many clips were looked at.
    pub clips: usize,
    /// How many groups they fall into.
    pub groups: usize,
    /// The definitions.
    pub definitions: Vec<Definition>,
    /// Every two of them, in their order.
    pub pairs: Vec<PairAgreement>,
}

/// One definition of attention.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Definition {
    /// Its name.
    pub name: String,
    /// How many frames the attention is worth: exp of its entropy.
    pub effective_frames: Summary,
}

/// How alike two definitions are.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PairAgreement {
    /// The first.
    pub first: String,
    /// The second.
    pub second: String,
    /// Spearman's rank correlation of the frames, over the clips that have one: 1 where both order the frames alike. None
    /// where no clip has one.
    pub rank_correlation: Option<Summary>,
    /// On how many clips one of the two is the same for all frames, so that there is no order.
    pub without_order: usize,
    /// The share of attention on other frames: total variation.
    pub total_variation: Summary,
    /// On how many clips both attend most to the same frame, of equals the earlier.
    pub same_frame: usize,
}

impl AttentionAgreement {
    /// Compares attention to the same clips by several definitions, each with its name.
    ///
    /// # Errors
    /// If there is no definition or no clip, the clips differ, or a row is no distribution.
    pub fn new(definitions: &[(String, Vec<ClipAttention>)]) -> Result<Self> {
        let (_, clips) = definitions.first().ok_or_else(|| Error::NotPaired("no definition of attention".into()))?;
        for (_, other) in definitions {
            ClipAttention::check_paired(clips, other)?;
        }
        let groups = ClipAttention::groups(clips);
        let pairs = definitions.iter().enumerate().flat_map(|(place, first)| {
            definitions[place + 1..].iter().map(|second| PairAgreement::of(first, second, &groups)).collect::<Vec<_>>()
        });
        Ok(Self {
            clips: clips.len(),
            groups: groups.count(),
            definitions: definitions.iter().map(|definition| Definition::of(definition, &groups)).collect(),
            pairs: pairs.collect(),
        })
    }
}

impl Definition {
    fn of((name, clips): &(String, Vec<ClipAttention>), groups: &Groups) -> Self {
        let frames: Vec<f64> = clips.iter().map(|clip| effective_frames(&clip.attention)).collect();
        Self { name: name.clone(), effective_frames: summary(&frames, groups) }
    }
}

impl PairAgreement {
    fn of(first: &(String, Vec<ClipAttention>), second: &(String, Vec<ClipAttention>), groups: &Groups) -> Self {
        let rows = || first.1.iter().zip(&second.1).map(|(a, b)| (a.attention.as_slice(), b.attention.as_slice()));
        let ranks: Vec<Option<f64>> = rows().map(|(a, b)| rank_correlation(a, b)).collect();
        let moved: Vec<f64> = rows().map(|(a, b)| total_variation(a, b)).collect();
        Self {
            first: first.0.clone(),
            second: second.0.clone(),
            rank_correlation: summary_of_ranks(&ranks, groups),
            without_order: ranks.iter().filter(|rank| rank.is_none()).count(),
            total_variation: summary(&moved, groups),
            same_frame: rows().filter(|(a, b)| most_attended(a) == most_attended(b)).count(),
        }
    }
}

fn summary(values: &[f64], groups: &Groups) -> Summary {
    Summary::of(values, groups).expect("the lists were seen to hold a clip")
}

/// The frame with the most attention, of equals the earlier.
fn most_attended(attention: &[f32]) -> usize {
    (0..attention.len()).rev().max_by(|&a, &b| attention[a].total_cmp(&attention[b])).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(name: &str, rows: &[&[f32]]) -> (String, Vec<ClipAttention>) {
        let clip = |(place, row): (usize, &&[f32])| ClipAttention {
            id: place.to_string(),
            group: place.to_string(),
            attention: row.to_vec(),
        };
        (name.to_owned(), rows.iter().enumerate().map(clip).collect())
    }

    #[test]
    fn two_definitions_are_compared_clip_by_clip() {
        let soft = named("softmax", &[&[0.2, 0.3, 0.5], &[0.5, 0.3, 0.2]]);
        let sharp = named("sharp", &[&[0.0, 0.25, 0.75], &[0.2, 0.3, 0.5]]);
        let even = named("even", &[&[1.0 / 3.0; 3], &[1.0 / 3.0; 3]]);
        let agreement = AttentionAgreement::new(&[soft, sharp, even]).unwrap();
        let names: Vec<_> = agreement.pairs.iter().map(|pair| (pair.first.as_str(), pair.second.as_str())).collect();
        assert_eq!(names, [("softmax", "sharp"), ("softmax", "even"), ("sharp", "even")]);
        let pair = &agreement.pairs[0];
        let ranks = pair.rank_correlation.unwrap();
        assert_eq!((ranks.min, ranks.max, pair.without_order, pair.same_frame), (-1.0, 1.0, 0, 1));
        assert!((pair.total_variation.mean - (0.25 + 0.3) / 2.0).abs() < 1e-6);
        let none = &agreement.pairs[1];
        // Of equals the first is attended most, as in one of the two clips.
        assert_eq!((none.rank_correlation, none.without_order, none.same_frame), (None, 2, 1));
        assert!((agreement.definitions[2].effective_frames.mean - 3.0).abs() < 1e-6);
    }

    #[test]
    fn other_clips_and_rows_that_are_no_shares_are_refused() {
        let one = named("a", &[&[1.0]]);
        assert!(AttentionAgreement::new(&[]).is_err());
        assert!(AttentionAgreement::new(&[named("a", &[])]).is_err());
        assert!(AttentionAgreement::new(&[one.clone(), named("b", &[&[1.0], &[1.0]])]).is_err());
        assert!(AttentionAgreement::new(&[one.clone(), named("b", &[&[0.7]])]).is_err());
        assert!(AttentionAgreement::new(&[one, named("b", &[&[f32::NAN]])]).is_err());
    }
}
