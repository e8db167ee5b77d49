//! What a model's answers are worth: accuracy with its uncertainty, paired comparison, attention in numbers.
//!
//! Plain values in, plain values out; nothing here knows a tensor. [`Predictions`] are what a model said about a list of
//! samples, [`Scores`] what that amounts to, [`compare`] whether two models differ by more than the luck of the sample,
//! [`compare_over_seeds`] whether two methods of training do by more than that and the luck of their seeds, [`mixed`] what several say together, [`Outcomes`] how much of a model's accuracy is left where
//! videos are spoiled, and [`AttentionSummary`] how a model spreads its attention over time.
//! [`RobustAccuracy`] is what attacks leave, [`Faithfulness`] whether attention tells what an answer rests on.
//!
//! Every interval and every verdict takes whole [`Groups`] as independent, never the samples in them.

mod adversarial;
mod attention;
mod crossed;
mod ensemble;
mod error;
mod faithfulness;
mod groups;
mod interval;
mod paired;
mod permutation;
mod predictions;
mod robustness;
mod scores;
#[cfg(test)]
mod simulated;

pub use adversarial::{
    AttackOutcome, AttackedClip, MASKING_SLACK, MaskingCheck, MaskingReport, MaskingTest, RobustAccuracy, RobustPoint,
    TransferMatrix, TransferRow, UNBOUNDED_LEFT,
};
pub use attention::{
    AttentionPair, AttentionSummary, Summary, attention_entropy, effective_frames, max_share, neglected_frames,
    neglected_share, total_variation,
};
pub use crossed::{Over, SeedComparison, SeedGains, compare_over_seeds};
pub use ensemble::{learnt_weights, mixed};
pub use error::{Error, Result};
pub use faithfulness::{
    Area, AttentionAgreement, AttentionMove, ClipAttention, Definition, Faithfulness, FrameCurve, FrameRemovals,
    MovedClip, PairAgreement, rank_correlation,
};
pub use groups::Groups;
pub use interval::{FEW_GROUPS, Interval, LEVEL, Share};
pub use paired::{Comparison, compare};
pub use permutation::{holm, sign_flip_p};
pub use predictions::{Predictions, ScoreKind, highest, softmax};
pub use robustness::{Estimate, Outcomes, Robustness, RobustnessGain};
pub use scores::{ClassScore, Scores, VersionScore};
