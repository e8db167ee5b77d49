use burn::tensor::Tensor;
use serde::{Deserialize, Serialize};
use taf_video::Seed;

use super::{Blend, Mixed, chosen, draw};

/// Mixup (Zhang et al., ICLR 2018): `λ x_a + (1 - λ) x_b` with the label `λ y_a + (1 - λ) y_b`, one λ for all pairs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Mixup {
    /// Of the distribution `Beta(alpha, alpha)` of λ, in (0, 1000]; default 0.2, as on ImageNet. Near 0, λ is near 0 or 1.
    pub alpha: f64,
    /// Share of the batches that are mixed, in [0, 1]; default 1.
    pub share: f64,
}

impl Default for Mixup {
    fn default() -> Self {
        Self { alpha: 0.2, share: 1.0 }
    }
}

impl Mixup {
    pub(super) fn mix(&self, clips: &Tensor<5>, seed: Seed) -> Mixed {
        let labels = Blend { partners: draw::partners(clips.dims()[0], seed), own: draw::weight(self.alpha, seed) };
        let clips = clips.clone() * labels.own + chosen(clips, 0, &labels.partners) * (1.0 - labels.own);
        Mixed::Instead { clips, labels }
    }
}
