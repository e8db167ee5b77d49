use burn::tensor::Tensor;

use super::soft_targets;
use crate::data::{Sample, clips_to_tensor};
use crate::model::VideoModel;

/// Clips on the device, with what the network should answer to them.
pub(super) struct Examples {
    /// `[batch, time, 3, height, width]` in [0, 1].
    pub(super) clips: Tensor<5>,
    /// One per clip, which accuracy is counted against.
    pub(super) labels: Vec<usize>,
    /// `[batch, classes]`.
    pub(super) targets: Tensor<2>,
}

impl Examples {
    pub(super) fn new<M: VideoModel>(samples: &[Sample], model: &M, smoothing: f64) -> Self {
        let device = model.devices().first().cloned().unwrap_or_default().without_autodiff();
        let clips = clips_to_tensor(samples.iter().map(|sample| &sample.clip), &device);
        let labels: Vec<usize> = samples.iter().map(|sample| sample.label).collect();
        let targets = soft_targets(&labels, model.classes(), smoothing, &device);
        Self { clips, labels, targets }
    }

    /// The first `count` of them.
    pub(super) fn first(&self, count: usize) -> Self {
        Self {
            clips: self.clips.clone().narrow(0, 0, count),
            labels: self.labels[..count].to_vec(),
            targets: self.targets.clone().narrow(0, 0, count),
        }
    }
}
