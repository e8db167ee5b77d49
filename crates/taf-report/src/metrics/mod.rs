//! What a model's answers are worth: accuracy with its uncertainty, paired comparison, attention in numbers.
//!
//! Plain values in, plain values out; nothing here knows a tensor. [`Predictions`] are what a model said about a list of
//! samples, [`Scores`] what that amounts to, [`compare`] whether two models differ by more than the luck of the sample,
//! and [`AttentionSummary`] how a model spreads its attention over time.

mod attention;
mod error;
mod interval;
mod paired;
mod predictions;
mod scores;

pub use attention::{
    AttentionPair, AttentionSummary, Summary, attention_entropy, effective_frames, max_share, neglected_frames,
    neglected_share, total_variation,
};
pub use error::{Error, Result};
pub use interval::{Interval, LEVEL, Proportion, mcnemar_exact, wilson};
pub use paired::{Bootstrap, Comparison, compare, paired_bootstrap};
pub use predictions::highest;
pub use predictions::{Predictions, ScoreKind};
pub use scores::{ClassScore, Scores};
