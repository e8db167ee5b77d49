use burn::module::{Module, Param};
use burn::tensor::{Device, Int, Tensor};
use rand_chacha::ChaCha8Rng;

use super::{Pass, PublishedNames, conv::normal};
use crate::ops;

/// Spread of the classifier's first weights, as the TSN and TSM repositories.
const DEVIATION: f32 = 0.001;

/// The classifier of TSN and its kin: pool each frame, drop out, classify it, average the frames' logits.
///
/// Because every step after the features is linear in them, the class-activation map is exact: the logit is the mean
/// of the map over frames and places, plus the bias (Zhou et al., CVPR 2016).
#[derive(Module, Debug)]
pub struct ConsensusHead {
    weight: Param<Tensor<2>>,
    bias: Param<Tensor<1>>,
    #[module(skip)]
    dropout: f64,
}

impl ConsensusHead {
    /// `dropout` in [0, 1) is the probability of zeroing a pooled feature while training.
    pub fn new(channels: usize, classes: usize, dropout: f64, device: &Device, rng: &mut ChaCha8Rng) -> Self {
        Self::spread(DEVIATION, [channels, classes], dropout, device, rng)
    }

    /// [`ConsensusHead::new`] with first weights of another standard deviation.
    pub(super) fn spread(
        deviation: f32,
        [channels, classes]: [usize; 2],
        dropout: f64,
        device: &Device,
        rng: &mut ChaCha8Rng,
    ) -> Self {
        Self {
            weight: Param::from_tensor(normal([classes, channels], deviation, device, rng)),
            bias: Param::from_tensor(Tensor::zeros([classes], device)),
            dropout,
        }
    }

    /// `[batch, time, height, width, channels]` to logits `[batch, classes]`.
    pub fn forward(&self, features: Tensor<5>, pass: &mut Pass) -> Tensor<2> {
        let [batch, time, height, width, channels] = features.dims();
        let pooled = ops::average_pool(ops::reshape(features, [batch * time, height * width, channels]));
        let pooled = pass.dropout(pooled, self.dropout);
        // The mean over frames and the classifier commute; averaging first makes the product `time` times smaller.
        let clip = ops::average_pool(ops::reshape(pooled, [batch, time, channels]));
        ops::linear(clip, self.weight.val(), self.bias.val())
    }

    pub(super) fn publish(&self, names: &mut PublishedNames) {
        names.same(&self.weight, "weight");
        names.same(&self.bias, "bias");
    }

    /// Channel weights of the class-activation map: the classifier's rows, `[batch, channels]`, as constants.
    pub fn cam_weights(&self, classes: Tensor<1, Int>) -> Tensor<2> {
        self.weight.val().detach().select(0, classes)
    }

    /// The same, through which the classifier learns.
    pub fn rows(&self, classes: Tensor<1, Int>) -> Tensor<2> {
        self.weight.val().select(0, classes)
    }

    /// Number of classes.
    pub fn classes(&self) -> usize {
        self.bias.dims()[0]
    }
}

#[cfg(test)]
mod tests {
    use taf_video::Seed;

    use super::*;
    use crate::ops::values;

    /// Sums of the same numbers in another order.
    const ROUNDING: f32 = 1e-5;

    /// What TPN's code calls fully convolutional testing, on the 8 x 8 map of a crop of 256.
    #[test]
    fn the_mean_of_the_answers_for_every_place_is_the_answer_to_the_mean_over_places() {
        let (device, mut rng) = (Device::flex(), Seed::new(1).rng());
        let head = ConsensusHead::spread(1.0, [5, 3], 0.0, &device, &mut rng);
        let features: Tensor<5> = normal([2, 1, 8, 8, 5], 1.0, &device, &mut rng);
        let pooled = head.forward(features.clone(), &mut Pass::inference());
        let places = head.forward(features.reshape([128, 1, 1, 1, 5]), &mut Pass::inference());
        let averaged = places.reshape([2, 64, 3]).mean_dim(1);
        for (a, b) in values(pooled).into_iter().zip(values(averaged)) {
            assert!((a - b).abs() <= ROUNDING, "{a} {b}");
        }
    }
}
