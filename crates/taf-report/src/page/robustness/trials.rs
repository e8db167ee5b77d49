use serde::{Deserialize, Serialize};

use crate::metrics::{AttentionAgreement, AttentionMove, Faithfulness, MaskingReport, RobustAccuracy, TransferMatrix};
use crate::page::Picture;

/// What networks were tried for beside benchmarks: attacks, and whether their attention can be trusted.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Trials {
    /// What attacks leave of each network.
    pub adversarial: Vec<AttackedModel>,
    /// What networks answer to clips crafted on each other, for all that are shown the same clips where these are several.
    pub transfer: Vec<TransferMatrix>,
    /// Whether the attention of each network tells what its answers rest on.
    pub attention: Vec<TrustedAttention>,
    /// How far attention moved from the first network to others.
    pub moved: Vec<MovedAttention>,
    /// The clips where it moved most.
    pub pictures: Vec<Picture>,
}

/// A network under attack.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AttackedModel {
    /// Its name.
    pub model: String,
    /// Accuracy over the size of the perturbation.
    pub robust: RobustAccuracy,
    /// Whether the attacks can be believed.
    pub masking: MaskingReport,
}

/// The attention of a network, tried.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TrustedAttention {
    /// Its name.
    pub model: String,
    /// Deletion and insertion of frames.
    pub faithfulness: Faithfulness,
    /// How alike definitions of attention are.
    pub agreement: AttentionAgreement,
}

/// Attention of two networks on the same clips.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MovedAttention {
    /// The network it moved from.
    pub first: String,
    /// The one it moved to.
    pub second: String,
    /// How far.
    pub moved: AttentionMove,
}

impl Trials {
    /// Whether nothing was tried.
    pub fn is_empty(&self) -> bool {
        self.adversarial.is_empty() && self.attention.is_empty()
    }
}
