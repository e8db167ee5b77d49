use burn::module::{Module, Param};
use burn::tensor::{Device, Tensor, TensorData};
use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use rand_distr::StandardNormal;

use super::norm::BatchNorm;
use super::{Pass, PublishedNames};
use crate::ops::{self, ConvOptions, FrameShift};
use crate::trace::{placeholder, values_wanted};

/// Convolution without bias on channels-last images, weights `[kernel, kernel, channels_in / groups, channels_out]`.
#[derive(Module, Debug)]
pub struct Conv2d {
    weight: Param<Tensor<4>>,
    #[module(skip)]
    stride: usize,
    #[module(skip)]
    padding: usize,
    #[module(skip)]
    groups: usize,
}

impl Conv2d {
    /// Square kernel, padding that keeps the side at stride 1, Kaiming-normal weights over the outputs' fan
    /// (He et al., 2015, the choice of torchvision's ResNet).
    pub fn new(
        [channels_in, channels_out]: [usize; 2],
        kernel: usize,
        stride: usize,
        device: &Device,
        rng: &mut ChaCha8Rng,
    ) -> Self {
        let deviation = kaiming(kernel * kernel, channels_out);
        Self::from_weight(normal([kernel, kernel, channels_in, channels_out], deviation, device, rng), stride, 1)
    }

    /// One filter per channel; kernel, padding and weights as [`Conv2d::new`].
    pub fn depthwise(channels: usize, kernel: usize, stride: usize, device: &Device, rng: &mut ChaCha8Rng) -> Self {
        let deviation = kaiming(kernel * kernel, channels);
        Self::from_weight(normal([kernel, kernel, 1, channels], deviation, device, rng), stride, channels)
    }

    /// A square kernel of these weights, with padding that keeps the side at stride 1.
    pub(super) fn from_weight(weight: Tensor<4>, stride: usize, groups: usize) -> Self {
        let [kernel, ..] = weight.dims();
        Self { weight: Param::from_tensor(weight), stride, padding: kernel / 2, groups }
    }

    /// `[n, height, width, channels_in]` to `[n, height', width', channels_out]`.
    pub fn forward(&self, x: Tensor<4>) -> Tensor<4> {
        ops::conv2d(x, self.weight.val(), self.options(None))
    }

    pub(super) fn publish(&self, name: &str, names: &mut PublishedNames) {
        names.under(name, |names| names.convolution(&self.weight, "weight"));
    }

    fn options(&self, shift: Option<FrameShift>) -> ConvOptions {
        ConvOptions { stride: self.stride, padding: self.padding, groups: self.groups, shift }
    }
}

/// A convolution and the norm behind it, computed together.
#[derive(Module, Debug)]
pub struct ConvNorm {
    conv: Conv2d,
    norm: BatchNorm,
}

impl ConvNorm {
    /// See [`Conv2d::new`] and [`BatchNorm::new`].
    pub fn new(channels: [usize; 2], kernel: usize, stride: usize, device: &Device, rng: &mut ChaCha8Rng) -> Self {
        Self::behind(Conv2d::new(channels, kernel, stride, device, rng))
    }

    /// A fresh norm behind `conv`.
    pub fn behind(conv: Conv2d) -> Self {
        let [_, _, _, channels] = conv.weight.dims();
        let device = conv.weight.device();
        Self { conv, norm: BatchNorm::new(channels, &device) }
    }

    /// `normalise(conv(x))`.
    pub fn forward(&self, x: Tensor<4>, pass: &mut Pass) -> Tensor<4> {
        self.compute(x, None, None, false, pass)
    }

    /// `relu(normalise(conv(x)))`.
    pub fn forward_relu(&self, x: Tensor<4>, pass: &mut Pass) -> Tensor<4> {
        self.compute(x, None, None, true, pass)
    }

    /// `relu(normalise(conv(temporal_shift(x))))`.
    pub fn forward_shifted_relu(&self, x: Tensor<4>, shift: FrameShift, pass: &mut Pass) -> Tensor<4> {
        self.compute(x, Some(shift), None, true, pass)
    }

    /// `normalise(conv(temporal_shift(x)))`.
    pub fn forward_shifted(&self, x: Tensor<4>, shift: FrameShift, pass: &mut Pass) -> Tensor<4> {
        self.compute(x, Some(shift), None, false, pass)
    }

    /// `normalise(conv(x)) + residual`: the end of a residual block that stays linear.
    pub fn forward_sum(&self, x: Tensor<4>, residual: Tensor<4>, pass: &mut Pass) -> Tensor<4> {
        self.compute(x, None, Some(residual), false, pass)
    }

    /// `relu(normalise(conv(x)) + residual)`: the end of a residual block.
    pub fn forward_residual(&self, x: Tensor<4>, residual: Tensor<4>, pass: &mut Pass) -> Tensor<4> {
        self.compute(x, None, Some(residual), true, pass)
    }

    fn compute(
        &self,
        x: Tensor<4>,
        shift: Option<FrameShift>,
        residual: Option<Tensor<4>>,
        relu: bool,
        pass: &mut Pass,
    ) -> Tensor<4> {
        self.norm.behind_conv(x, self.conv.weight.val(), self.conv.options(shift), residual, relu, pass)
    }

    pub(super) fn publish(&self, [conv, norm]: [&str; 2], names: &mut PublishedNames) {
        self.conv.publish(conv, names);
        self.norm.publish(norm, names);
    }

    /// Says that a temporal shift goes in front.
    pub(super) fn publish_shift(&self, names: &mut PublishedNames) {
        names.shifted(&self.conv.weight);
    }

    /// Gives the norm an auxiliary branch.
    pub fn with_auxiliary_norm(self) -> Self {
        Self { conv: self.conv, norm: self.norm.with_auxiliary_branch() }
    }
}

/// Standard deviation of weights of so many taps that keep the spread of gradients (He et al., 2015).
pub(super) fn kaiming(taps: usize, channels_out: usize) -> f32 {
    (2.0 / (taps * channels_out) as f32).sqrt()
}

/// Values spread evenly between `-bound` and `bound`, from `rng` on every device.
pub(crate) fn uniform<const D: usize>(
    shape: [usize; D],
    bound: f32,
    device: &Device,
    rng: &mut ChaCha8Rng,
) -> Tensor<D> {
    drawn(shape, device, || rng.random_range(-bound..=bound))
}

/// Normally distributed values around 0, from `rng` on every device.
pub(crate) fn normal<const D: usize>(
    shape: [usize; D],
    deviation: f32,
    device: &Device,
    rng: &mut ChaCha8Rng,
) -> Tensor<D> {
    drawn(shape, device, || deviation * rng.sample::<f32, _>(StandardNormal))
}

fn drawn<const D: usize>(shape: [usize; D], device: &Device, mut draw: impl FnMut() -> f32) -> Tensor<D> {
    if !values_wanted() {
        return placeholder(shape);
    }
    let count = shape.iter().product();
    Tensor::from_data(TensorData::new::<f32, _>((0..count).map(|_| draw()).collect(), shape), device)
}
