//! What is tried on networks clip by clip, such as attacks: stopped at any batch, kept, and gone on with.

mod kept;
mod underway;

pub use kept::{TrialFile, TrialKey};
pub use underway::{Tried, Underway};

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::EvaluationError;
use super::shown::Shown;

/// Something that is tried on networks with one batch of clips after another.
pub trait Trial {
    /// How many clips were tried: those of the first videos.
    fn clips(&self) -> usize;

    /// Tries the next ones.
    ///
    /// # Errors
    /// If a network answers something that is not finite; then nothing changes.
    fn add(&mut self, shown: &Shown) -> Result<(), EvaluationError>;

    /// What it found, as it is kept.
    fn found(&self) -> Value;

    /// Goes on from what an earlier one found on so many clips; false where it cannot have found that, and then nothing changes.
    fn go_on_from(&mut self, found: Value, clips: usize) -> bool;
}

pub(super) fn to_json(found: &impl Serialize) -> Value {
    serde_json::to_value(found).expect("what is found is made of JSON's types")
}

/// Takes what was kept, where it fits.
pub(super) fn replace<T: DeserializeOwned>(found: &mut T, by: Value, fits: impl FnOnce(&T) -> bool) -> bool {
    serde_json::from_value(by).ok().filter(fits).map(|known| *found = known).is_some()
}
