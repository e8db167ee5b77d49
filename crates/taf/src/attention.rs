//! How much each frame argues for a class.

use burn::tensor::{Tensor, activation};
use serde::{Deserialize, Serialize};

use crate::model::{VideoModel, VideoOutput, class_tensor};

/// Positive evidence below this is none: the smallest float that is not denormal.
const SMALLEST_EVIDENCE: f64 = f32::MIN_POSITIVE as f64;

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

    /// The logarithm of [`Self::of`], with a slope also where the attention itself is too small for a float.
    pub fn log_of(&self, output: &VideoOutput, cam_weights: Tensor<2>) -> Tensor<2> {
        self.log_from_cam(class_activation_map(output.features.clone(), cam_weights))
    }

    /// The attention behind a class-activation map, `[batch, time, height, width]` to `[batch, time]`.
    pub fn from_cam(&self, cam: Tensor<4>) -> Tensor<2> {
        match self.rule {
            AttentionRule::Softmax => activation::softmax(self.evidence(cam), 1),
            AttentionRule::Relu => share(self.evidence(cam)),
        }
    }

    /// The logarithm of [`Self::from_cam`]. Under the `relu` rule a frame without positive evidence has a very low one, and no
    /// slope.
    pub fn log_from_cam(&self, cam: Tensor<4>) -> Tensor<2> {
        match self.rule {
            AttentionRule::Softmax => activation::log_softmax(self.evidence(cam), 1),
            AttentionRule::Relu => log_share(self.evidence(cam)),
        }
    }

    /// What each frame argues, `[batch, time, height, width]` to `[batch, time]`.
    fn evidence(&self, cam: Tensor<4>) -> Tensor<2> {
        let [batch, time, height, width] = cam.dims();
        let places = cam.reshape([batch, time, height * width]);
        match self.rule {
            AttentionRule::Softmax => places.mean_dim(2).reshape([batch, time]) / self.temperature,
            AttentionRule::Relu => activation::relu(places).sum_dim(2).reshape([batch, time]),
        }
    }
}

/// Each entry's share of its row; uniform where the row is zero. `[batch, time]` to the same.
fn share(mass: Tensor<2>) -> Tensor<2> {
    let [_, time] = mass.dims();
    let total = mass.clone().sum_dim(1);
    let empty = total.clone().detach().lower_elem(SMALLEST_EVIDENCE).expand(mass.shape());
    let shares = mass / total.clamp_min(SMALLEST_EVIDENCE);
    shares.mask_fill(empty, 1.0 / time as f64)
}

/// The logarithm of [`share`]. An entry without evidence is a constant: the total, which its logarithm is made with, gives
/// it no slope.
fn log_share(mass: Tensor<2>) -> Tensor<2> {
    let [_, time] = mass.dims();
    let total = mass.clone().sum_dim(1);
    let empty = total.clone().detach().lower_elem(SMALLEST_EVIDENCE).expand(mass.shape());
    let none = mass.clone().detach().lower_elem(SMALLEST_EVIDENCE);
    let shares = mass.clamp_min(SMALLEST_EVIDENCE).log() - total.clamp_min(SMALLEST_EVIDENCE).log();
    let shares = shares.clone().mask_where(none, shares.detach());
    shares.mask_fill(empty, -(time as f64).ln())
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
    classes: &[usize],
) -> (Tensor<4>, Tensor<2>) {
    let classes = class_tensor(classes, &output.logits.device().without_autodiff());
    let cam = class_activation_map(output.features.clone(), model.cam_weights(output, classes));
    let attention = rule.from_cam(cam.clone());
    (cam, attention)
}

#[cfg(test)]
mod tests {
    use super::{AttentionRule, TemporalAttention};
    use burn::tensor::{Device, Tensor};

    /// Logarithms near -70 are 8e-6 apart, and so are the shares behind them, relatively.
    const ROUNDING: f32 = 2e-5;

    #[test]
    fn shares_of_very_little_positive_evidence_sum_to_one_too() {
        let rule = TemporalAttention { rule: AttentionRule::Relu, temperature: 1.0 };
        for scale in [1.0, 1e-13, 1e-30, 0.0] {
            let cam = Tensor::<4>::from_data([[[[1.0]], [[3.0]], [[-2.0]], [[0.5]]]], &Device::flex()) * scale;
            for attention in [rule.from_cam(cam.clone()), rule.log_from_cam(cam).exp()] {
                let total = attention.sum().into_scalar::<f32>();
                assert!((total - 1.0).abs() < ROUNDING, "{total} at scale {scale}");
            }
        }
    }
}
