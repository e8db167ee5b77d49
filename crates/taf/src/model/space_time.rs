//! The middle of GST's bottlenecks (Luo and Yuille: "Grouped Spatial-Temporal Aggregation for Efficient Action
//! Recognition", ICCV 2019).

use burn::module::{Module, Param};
use burn::tensor::{Device, Tensor};
use rand_chacha::ChaCha8Rng;

use super::conv::{kaiming, normal};
use super::norm::{BatchNorm, Norm};
use super::{Pass, PublishedNames};
use crate::ops::{self, SpaceTimeConv};

/// How GST shares out channels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Grouping {
    /// One of `alpha` output channels comes from the convolution over space and time, the others from that over space.
    pub alpha: usize,
    /// Each convolution sees one of `beta` parts of the input channels: all of them (1) or its half (2).
    pub beta: usize,
}

impl Grouping {
    /// GST.
    pub const GST: Self = Self { alpha: 4, beta: 2 };
    /// GST-Large.
    pub const LARGE: Self = Self { alpha: 4, beta: 1 };

    /// Input channels of either convolution.
    fn inputs(self, channels: usize) -> usize {
        channels / self.beta
    }

    /// Output channels of the convolution over space, and of that over space and time.
    fn outputs(self, channels: usize) -> [usize; 2] {
        let time = channels / self.alpha;
        [channels - time, time]
    }
}

/// A 3x3 convolution over space and a 3x3x3 convolution over space and time, side by side, and the norm behind them.
#[derive(Module, Debug)]
pub struct SpaceTimeNorm {
    space: Param<Tensor<4>>,
    time: Param<Tensor<5>>,
    norm: BatchNorm,
    #[module(skip)]
    stride: usize,
}

impl SpaceTimeNorm {
    /// As many channels out as in, weights as [`super::Conv2d::new`].
    ///
    /// # Panics
    /// If `alpha` or `beta` do not divide the channels, or `beta` is neither 1 nor 2.
    pub fn new(channels: usize, grouping: Grouping, stride: usize, device: &Device, rng: &mut ChaCha8Rng) -> Self {
        let Grouping { alpha, beta } = grouping;
        let divides = alpha > 1 && channels.is_multiple_of(alpha) && channels.is_multiple_of(beta);
        assert!(divides && (1..=2).contains(&beta), "{grouping:?} cannot share out {channels} channels");
        let ([space, time], inputs) = (grouping.outputs(channels), grouping.inputs(channels));
        Self {
            space: Param::from_tensor(normal([3, 3, inputs, space], kaiming(9, space), device, rng)),
            time: Param::from_tensor(normal([3, 3, 3, inputs, time], kaiming(27, time), device, rng)),
            norm: BatchNorm::new(channels, device),
            stride,
        }
    }

    /// `relu(normalise(conv(x)))` of whole clips of `frames` images.
    pub fn forward_relu(&self, x: Tensor<4>, frames: usize, pass: &mut Pass) -> Tensor<4> {
        let (space, time) = (self.space.val(), self.time.val());
        let conv = SpaceTimeConv { space, time, frames, stride: self.stride };
        match self.norm.prepare(pass) {
            Norm::Running(map) => ops::space_time_conv_affine(x, conv, map, true),
            Norm::Batch(norm) => self.norm.observe(ops::space_time_conv_batch_norm(x, conv, norm, true), pass),
        }
    }

    pub(super) fn publish(&self, [conv, norm]: [&str; 2], names: &mut PublishedNames) {
        names.under(conv, |names| names.convolution(&self.space, "weight"));
        names.under("Tconv", |names| names.convolution(&self.time, "weight"));
        self.norm.publish(norm, names);
    }

    /// Gives the norm an auxiliary branch.
    pub fn with_auxiliary_norm(self) -> Self {
        Self { norm: self.norm.with_auxiliary_branch(), ..self }
    }
}
