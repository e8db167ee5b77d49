use std::ops::RangeInclusive;

use super::sample::{List, Samples};
use super::store::Store;
use crate::synthetic::role::Role;

/// What a form is made of.
pub(super) struct Traits {
    pub name: &'static str,
    /// In the order of the data set's own list of classes.
    pub roles: &'static [Role],
    pub clips_folder: &'static str,
    pub store: Store,
    pub short_side: usize,
    pub frames: RangeInclusive<usize>,
    pub lists: fn(&Samples) -> Vec<List>,
}
