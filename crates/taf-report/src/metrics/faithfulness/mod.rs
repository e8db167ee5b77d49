//! Whether attention tells what an answer rests on: accuracy as frames are deleted and inserted in its order, how alike its
//! definitions are, and how far it moved between two networks.

mod agreement;
mod clip;
mod curve;
mod moved;
mod rank;
mod removal;

pub use agreement::{AttentionAgreement, Definition, PairAgreement};
pub use clip::ClipAttention;
pub use curve::FrameCurve;
pub use moved::{AttentionMove, MovedClip};
pub use rank::rank_correlation;
pub use removal::{Area, Faithfulness, FrameRemovals};
