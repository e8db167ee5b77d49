use serde::{Deserialize, Serialize};

use super::file;
use crate::metrics::{Groups, Predictions};
use crate::run::sha256;

/// The clips that the right and wrong answers of results stand for, in their order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ClipList {
    /// The names of the classes, in the order of their numbers.
    pub classes: Vec<String>,
    /// Every clip's name.
    pub ids: Vec<String>,
    /// Every clip's class, by number.
    pub labels: Vec<usize>,
    /// What every clip belongs to, such as its scene or its person: whole groups are taken as independent.
    pub groups: Vec<String>,
}

impl ClipList {
    /// The clips that predictions are about.
    pub fn of(predictions: &Predictions, classes: &[String]) -> Self {
        Self {
            classes: classes.to_vec(),
            ids: predictions.samples().to_vec(),
            labels: predictions.labels().to_vec(),
            groups: predictions.group_names().to_vec(),
        }
    }

    /// The same clips and groups under other names.
    pub fn renamed(self, name: impl Fn(&str) -> String) -> Self {
        let all = |names: Vec<String>| names.iter().map(|one| name(one)).collect();
        Self { ids: all(self.ids), groups: all(self.groups), ..self }
    }

    /// How many clips there are.
    #[allow(clippy::len_without_is_empty)] // no list is made of none
    pub fn len(&self) -> usize {
        self.ids.len()
    }

    /// Which clips belong together.
    pub fn groups(&self) -> Groups {
        Groups::new(self.groups.iter().map(String::as_str))
    }

    /// What tells the list from all others: SHA-256 of its file.
    pub fn hash(&self) -> String {
        sha256(file::text(self).as_bytes())
    }

    /// What is wrong with it, if anything is.
    pub(super) fn fault(&self) -> Option<String> {
        let lengths = [self.ids.len(), self.labels.len(), self.groups.len()];
        let beyond = self.labels.iter().find(|label| **label >= self.classes.len());
        match beyond {
            _ if self.ids.is_empty() => Some("none".into()),
            _ if lengths != [self.ids.len(); 3] => Some(format!("lists of {lengths:?}")),
            Some(label) => Some(format!("class {label} of {}", self.classes.len())),
            None => None,
        }
    }
}
