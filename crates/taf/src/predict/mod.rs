//! A trained network at work on videos whose classes nobody may know: whole videos, and long ones moment by moment.
//!
//! A [`Classifier`] is a network and the way it is shown videos, which is that of its evaluation. It gives an [`Answer`] for
//! every video, or for every window of a long one; [`stretches`] puts neighbouring windows of one class together.

mod answer;
mod classifier;
mod stretch;

pub use answer::Answer;
pub use classifier::{Classifier, Manner, Moment};
pub use stretch::{Stretch, Stretches, stretches};
