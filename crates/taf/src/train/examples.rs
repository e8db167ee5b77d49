use burn::tensor::Tensor;
use taf_video::Seed;

use super::{classification_loss, divergence, soft_targets};
use crate::data::{Mixed, Mixing, Sample, clips_to_tensor};
use crate::model::{VideoModel, VideoOutput};

/// Clips on the device, with what the network should answer to them.
pub(super) struct Examples {
    /// `[batch, time, 3, height, width]` in [0, 1]; where answers are aligned, a variant of each clip follows the clips.
    pub(super) clips: Tensor<5>,
    /// One per clip, which accuracy is counted against.
    pub(super) labels: Vec<usize>,
    /// `[batch, classes]`.
    pub(super) targets: Tensor<2>,
    /// What it weighs that the answers to the variants are those to the clips, if there are variants.
    pub(super) alignment: Option<f64>,
}

impl Examples {
    pub(super) fn new<M: VideoModel>(samples: &[Sample], model: &M, smoothing: f64) -> Self {
        let device = model.devices().first().cloned().unwrap_or_default().without_autodiff();
        let clips = clips_to_tensor(samples.iter().map(|sample| &sample.clip), &device);
        let labels: Vec<usize> = samples.iter().map(|sample| sample.label).collect();
        let targets = soft_targets(&labels, model.classes(), smoothing, &device);
        Self { clips, labels, targets, alignment: None }
    }

    /// The first `count` of them.
    pub(super) fn first(&self, count: usize) -> Self {
        Self {
            clips: self.clips.clone().narrow(0, 0, count),
            labels: self.labels[..count].to_vec(),
            targets: self.targets.clone().narrow(0, 0, count),
            alignment: None,
        }
    }

    /// What the network learns from instead, if the batch is one of those that are mixed.
    pub(super) fn mixed(self, mixing: Option<&Mixing>, seed: Seed) -> Self {
        match mixing.map_or(Mixed::Not, |mixing| mixing.mix(&self.clips, seed)) {
            Mixed::Not => self,
            Mixed::Instead { clips, labels } => {
                Self { clips, targets: labels.targets(self.targets), labels: labels.labels(&self.labels), ..self }
            }
            Mixed::Beside { variants, alignment } => {
                Self { clips: Tensor::cat(vec![self.clips, variants], 0), alignment: Some(alignment), ..self }
            }
        }
    }
}

/// What the network says to [`Examples::clips`] makes of the loss: on the targets, and, where answers are aligned, how far those
/// to the variants are apart, with its weight.
pub(super) fn losses(
    mut output: VideoOutput,
    targets: Tensor<2>,
    alignment: Option<f64>,
) -> (Tensor<1>, Option<(Tensor<1>, f64)>) {
    let Some(weight) = alignment else { return (classification_loss(&output, targets), None) };
    let [clips, _] = targets.dims();
    let variants = output.logits.clone().narrow(0, clips, clips);
    output.logits = output.logits.narrow(0, 0, clips);
    if let Some(auxiliary) = &mut output.auxiliary {
        auxiliary.logits = auxiliary.logits.clone().narrow(0, 0, clips);
    }
    let apart = divergence(output.logits.clone().without_autodiff(), variants);
    (classification_loss(&output, targets), Some((apart, weight)))
}
