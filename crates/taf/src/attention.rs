//! How much each frame argues for a class.

use burn::tensor::{Int, Tensor, activation};
use serde::{Deserialize, Serialize};

use crate::model::{VideoModel, VideoOutput};

/// Below this, an attention is taken as zero when its logarithm or reciprocal is formed.
pub const SMALLEST_ATTENTION: f64 = 1e-12;

/// How a class-activation map becomes one number per frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum AttentionRule {
    /// Each frame's share of the positive evidence; uniform where no frame has any.
    Relu,
    /// Softmax over frames of the map's spatial mean, so that evidence against the class counts as well.
    Softmax,
}

/// Temporal attention of a clip: its class-activation map, reduced to one share per frame.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct TemporalAttention {
    /// Default `softmax`.
    pub rule: AttentionRule,
    /// Divides the evidence before the softmax, above 0; default 1. The `relu` rule does not use it.
    pub temperature: f64,
}

impl Default for TemporalAttention {
    fn default() -> Self {
        Self { rule: AttentionRule::Softmax, temperature: 1.0 }
    }
}

impl TemporalAttention {
    /// The attention of each clip for one class, differentiable with respect to the features.
    ///
    /// # Shapes
    /// - `output.features`: `[batch, time, height, width, channels]`; `cam_weights`: `[batch, channels]`
    /// - result: `[batch, time]`, rows sum to 1
    pub fn of(&self, output: &VideoOutput, cam_weights: Tensor<2>) -> Tensor<2> {
        self.from_cam(class_activation_map(output.features.clone(), cam_weights))
    }

    /// The attention behind a class-activation map, `[batch, time, height, width]` to `[batch, time]`.
    pub fn from_cam(&self, cam: Tensor<4>) -> Tensor<2> {
        let [batch, time, height, width] = cam.dims();
        let places = cam.reshape([batch, time, height * width]);
        match self.rule {
            AttentionRule::Softmax => {
                let evidence = places.mean_dim(2).reshape([batch, time]);
                activation::softmax(evidence / self.temperature, 1)
            }
            AttentionRule::Relu => share(activation::relu(places).sum_dim(2).reshape([batch, time])),
        }
    }
}

/// Each entry's share of its row; uniform where the row is zero. `[batch, time]` to the same.
fn share(mass: Tensor<2>) -> Tensor<2> {
    let [_, time] = mass.dims();
    let total = mass.clone().sum_dim(1);
    let empty = total.clone().detach().lower_equal_elem(0.0).expand(mass.shape());
    let shares = mass / total.clamp_min(SMALLEST_ATTENTION);
    shares.mask_fill(empty, 1.0 / time as f64)
}

/// Class-activation map (Zhou et al., CVPR 2016): the features weighted by what their channels argue for the class.
///
/// # Shapes
/// - `features`: `[batch, time, height, width, channels]`; `weights`: `[batch, channels]`
/// - result: `[batch, time, height, width]`
pub fn class_activation_map(features: Tensor<5>, weights: Tensor<2>) -> Tensor<4> {
    let [batch, time, height, width, channels] = features.dims();
    assert_eq!(weights.dims(), [batch, channels], "one row of channel weights per clip");
    let rows = features.reshape([batch, time * height * width, channels]);
    rows.matmul(weights.reshape([batch, channels, 1])).reshape([batch, time, height, width])
}

/// Class-activation map and attention of `output` for the given class of each clip.
pub fn explain<M: VideoModel>(
    model: &M,
    rule: &TemporalAttention,
    output: &VideoOutput,
    classes: Tensor<1, Int>,
) -> (Tensor<4>, Tensor<2>) {
    let cam = class_activation_map(output.features.clone(), model.cam_weights(output, classes));
    let attention = rule.from_cam(cam.clone());
    (cam, attention)
}
