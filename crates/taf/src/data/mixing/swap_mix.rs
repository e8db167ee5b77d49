use burn::tensor::{Tensor, TensorData};
use rand::RngExt;
use serde::{Deserialize, Serialize};
use taf_video::Seed;

use super::{chosen, draw};

/// SwapMix (Zhang et al., "Don't Judge by the Look", ICLR 2024): `λ x + (1 - λ) x'`, where x' has its colour channels in another
/// order, with the label of x. λ is drawn for each clip, the order for each batch.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SwapMix {
    /// Of the distribution `Beta(alpha, alpha)` of λ, in (0, 1000]; default 1, as published.
    pub alpha: f64,
    /// Share of the batches that are mixed, in [0, 1]; default 1, as published.
    pub share: f64,
}

/// Motion coherent augmentation (the same paper): SwapMix and variation alignment. Clips and their variants go through the network
/// together, so batch norm sees both; minimised is `CE(f(x), y) + alignment · KL(f(x) ‖ f(x'))`, where f(x) is a constant in the
/// divergence, the mean over the batch. A step costs about twice a plain one, in time and in memory.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct MotionCoherent {
    /// As [`SwapMix::alpha`]; default 1.
    pub alpha: f64,
    /// Share of the batches that have variants, in [0, 1]; default 1, as published.
    pub share: f64,
    /// What the divergence weighs, at least 0; default 1. The paper takes 1 on Something-Something and 0.4 on Kinetics-400;
    /// its program for TSM multiplies either by 3.
    pub alignment: f64,
}

impl Default for SwapMix {
    fn default() -> Self {
        Self { alpha: 1.0, share: 1.0 }
    }
}

impl Default for MotionCoherent {
    fn default() -> Self {
        Self { alpha: 1.0, share: 1.0, alignment: 1.0 }
    }
}

/// Orders of red, green and blue other than that.
const ORDERS: [[usize; 3]; 5] = [[0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]];

/// Every clip mixed with itself in other colours.
pub(super) fn exchange(clips: &Tensor<5>, alpha: f64, seed: Seed) -> Tensor<5> {
    let batch = clips.dims()[0];
    let order = ORDERS[seed.with("channels").rng().random_range(0..ORDERS.len())];
    let own: Vec<f32> = (0..batch).map(|clip| draw::weight(alpha, seed.at(clip)) as f32).collect();
    let own = Tensor::<5>::from_data(TensorData::new(own, [batch, 1, 1, 1, 1]), &clips.device());
    let recoloured = chosen(clips, 2, &order);
    recoloured.clone() + (clips.clone() - recoloured) * own
}
