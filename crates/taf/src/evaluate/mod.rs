//! How good a model is: on clips as they are, too early, too late, lossy or noisy, and what it attends to meanwhile.
//!
//! An [`Evaluation`] is a list of videos and the way a network is shown them; it knows nothing of how the network was
//! trained. It asks any [`VideoModel`](crate::model::VideoModel) about one [`Version`] of the videos at a time, and a
//! [`Suite`] puts versions together to one number. A [`Store`] keeps the answers.

mod evaluation;
mod explanation;
mod labels;
mod probe;
mod store;
mod suite;
mod version;
mod views;

pub use evaluation::{Evaluation, Progress};
pub use explanation::{Explanation, Seen};
pub use labels::labelled_by;
pub use store::{AnswerKey, Store};
pub use suite::{Suite, UnknownSuite};
pub use version::{UnknownVersion, Version};
pub use views::Views;

/// Why an evaluation ended before its time.
#[derive(Debug, thiserror::Error)]
pub enum EvaluationError {
    /// A video could not be read.
    #[error(transparent)]
    Data(#[from] taf_video::Error),
    /// The model's answers are no scores.
    #[error(transparent)]
    Metrics(#[from] taf_report::metrics::Error),
    /// A picture could not be drawn.
    #[error(transparent)]
    Picture(#[from] taf_report::page::Error),
}
