//! How good a model is: on clips as they are, too early, too late, lossy or noisy, and what it attends to meanwhile.

mod attention;
mod explanation;
mod predict;
mod suite;

pub use attention::probe;
pub use explanation::{Explanation, Seen};
pub use predict::{Progress, predict};
pub use suite::{Suite, predict_suite};

/// Why an evaluation ended before its time.
#[derive(Debug, thiserror::Error)]
pub enum EvalError {
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
