//! What attacks leave of a network: accuracy over the size of the perturbation, whether the attacks can be believed, and
//! whether clips crafted on one network fool another.

mod masking;
mod robust;
mod transfer;

pub use masking::{AttackOutcome, MASKING_SLACK, MaskingCheck, MaskingReport, MaskingTest, UNBOUNDED_LEFT};
pub use robust::{AttackedClip, RobustAccuracy, RobustPoint};
pub use transfer::{TransferMatrix, TransferRow};
