use burn::tensor::Tensor;

use crate::adversary::{Perturbed, TemporalAdversary};
use crate::model::{Pass, VideoModel};
use crate::ops::on_workers;

/// A network that can be asked and attacked, whatever its type: any [`VideoModel`] is one, so that networks of several types
/// can be attacked together. It should live on a plain device (see `Module::valid`).
pub trait Target {
    /// Class scores before the softmax, `[batch, time, 3, height, width]` to `[batch, classes]`.
    fn logits(&self, clips: Tensor<5>) -> Tensor<2>;

    /// [`TemporalAdversary::perturb_each`] against this network.
    fn perturb(&self, by: &TemporalAdversary, clips: Tensor<5>, labels: &[usize], seeds: &[u64]) -> Perturbed;
}

impl<M: VideoModel> Target for M {
    fn logits(&self, clips: Tensor<5>) -> Tensor<2> {
        on_workers(|| self.forward(clips, &mut Pass::inference()).logits)
    }

    fn perturb(&self, by: &TemporalAdversary, clips: Tensor<5>, labels: &[usize], seeds: &[u64]) -> Perturbed {
        by.perturb_each(self, clips, labels, seeds)
    }
}
