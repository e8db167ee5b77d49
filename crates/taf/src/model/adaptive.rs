//! The temporal adaptive module (Liu et al.: "TAM: Temporal Adaptive Module for Video Recognition", ICCV 2021).

use burn::module::{Module, Param};
use burn::tensor::{Device, Tensor};
use rand_chacha::ChaCha8Rng;

use super::{BatchNorm, Pass, PublishedNames, conv::uniform};
use crate::ops::{self, Conv3dOptions, ConvOptions};

/// Frames a kernel reaches over.
const TAPS: usize = 3;
/// Units of the kernels' hidden layer per frame.
const HIDDEN_PER_FRAME: usize = 2;
/// The gates' hidden layer has this share of the channels.
const SQUEEZE: usize = 4;

/// Where PyTorch's linear layers and convolutions start: within this of 0.
fn linear_bound(fan_in: usize) -> f32 {
    1.0 / (fan_in as f32).sqrt()
}

const POINTWISE: ConvOptions = ConvOptions { stride: 1, padding: 0, groups: 1, shift: None };

/// Filters features over time, per clip and channel, with kernels and gates it makes from their means over the pixels.
#[derive(Module, Debug)]
pub struct TemporalAdaptive {
    kernel: KernelBranch,
    gate: GateBranch,
}

impl TemporalAdaptive {
    /// For features of `channels`, at least 4, in clips of `frames`. Fresh weights as PyTorch's linear layers.
    pub fn new(channels: usize, frames: usize, device: &Device, rng: &mut ChaCha8Rng) -> Self {
        Self { kernel: KernelBranch::new(frames, device, rng), gate: GateBranch::new(channels, device, rng) }
    }

    /// `[clips * frames, height, width, channels]` to the same.
    ///
    /// # Panics
    /// If the clips have another length than the module was made for.
    pub fn forward(&self, x: Tensor<4>, frames: usize, pass: &mut Pass) -> Tensor<4> {
        let [images, height, width, channels] = x.dims();
        assert_eq!(
            frames,
            self.kernel.frames(),
            "frames of the clips, and those the temporal adaptive module is made for"
        );
        let means = ops::average_pool(ops::reshape(x.clone(), [images, height * width, channels]));
        let means = ops::reshape(means, [images / frames, frames, channels]);
        let kernels = self.kernel.forward(means.clone(), pass);
        ops::temporal_adaptive(x, kernels, self.gate.forward(means, pass))
    }

    /// The two branches are PyTorch's sequences: layer 0, norm 1, ReLU 2, layer 3, and what bounds the result.
    pub(super) fn publish(&self, names: &mut PublishedNames) {
        let Self { kernel, gate } = self;
        names.under("G", |names| {
            names.same(&kernel.hidden, "0.weight");
            kernel.norm.publish("1", names);
            names.same(&kernel.out, "3.weight");
        });
        names.under("L", |names| {
            names.convolution(&gate.squeeze, "0.weight");
            gate.norm.publish("1", names);
            names.convolution(&gate.expand, "3.weight");
        });
    }

    /// Gives both batch norms an auxiliary branch.
    pub fn with_auxiliary_norms(self) -> Self {
        let Self { kernel, gate } = self;
        Self {
            kernel: KernelBranch { norm: kernel.norm.with_auxiliary_branch(), ..kernel },
            gate: GateBranch { norm: gate.norm.with_auxiliary_branch(), ..gate },
        }
    }
}

/// The global branch: from all means of a channel to its kernel.
#[derive(Module, Debug)]
struct KernelBranch {
    /// `[2 * frames, frames]`
    hidden: Param<Tensor<2>>,
    norm: BatchNorm,
    /// `[3, 2 * frames]`
    out: Param<Tensor<2>>,
}

impl KernelBranch {
    fn new(frames: usize, device: &Device, rng: &mut ChaCha8Rng) -> Self {
        let units = HIDDEN_PER_FRAME * frames;
        Self {
            hidden: Param::from_tensor(uniform([units, frames], linear_bound(frames), device, rng)),
            norm: BatchNorm::new(units, device),
            out: Param::from_tensor(uniform([TAPS, units], linear_bound(units), device, rng)),
        }
    }

    fn frames(&self) -> usize {
        self.hidden.dims()[1]
    }

    /// `[clips, frames, channels]` to kernels `[clips, channels, 3]` that sum to 1.
    fn forward(&self, means: Tensor<3>, pass: &mut Pass) -> Tensor<3> {
        let [clips, frames, channels] = means.dims();
        let rows = ops::reshape(ops::permute(means, [0, 2, 1]), [clips * channels, 1, 1, frames]);
        let hidden = self.norm.behind_conv(rows, pointwise(self.hidden.val()), POINTWISE, None, true, pass);
        let kernels = ops::conv2d(hidden, pointwise(self.out.val()), POINTWISE);
        ops::softmax(ops::reshape(kernels, [clips, channels, TAPS]))
    }
}

/// `[outputs, inputs]` as the weights of a 1x1 convolution.
fn pointwise(weight: Tensor<2>) -> Tensor<4> {
    let [outputs, inputs] = weight.dims();
    ops::reshape(ops::permute(weight, [1, 0]), [1, 1, inputs, outputs])
}

/// The local branch: from the means of neighbouring frames to each frame's gates.
#[derive(Module, Debug)]
struct GateBranch {
    /// `[3, channels, channels / 4]`
    squeeze: Param<Tensor<3>>,
    norm: BatchNorm,
    /// `[1, channels / 4, channels]`
    expand: Param<Tensor<3>>,
}

impl GateBranch {
    fn new(channels: usize, device: &Device, rng: &mut ChaCha8Rng) -> Self {
        let few = channels / SQUEEZE;
        Self {
            squeeze: Param::from_tensor(uniform([TAPS, channels, few], linear_bound(TAPS * channels), device, rng)),
            norm: BatchNorm::new(few, device),
            expand: Param::from_tensor(uniform([1, few, channels], linear_bound(few), device, rng)),
        }
    }

    /// `[clips, frames, channels]` to gates between 0 and 1 of the same shape.
    fn forward(&self, means: Tensor<3>, pass: &mut Pass) -> Tensor<3> {
        let [clips, frames, channels] = means.dims();
        let few = channels / SQUEEZE;
        let over_time = Conv3dOptions { stride: [1; 3], padding: [TAPS / 2, 0, 0] };
        let squeeze = ops::reshape(self.squeeze.val(), [TAPS, 1, 1, channels, few]);
        let hidden = ops::conv3d(ops::reshape(means, [clips, frames, 1, 1, channels]), squeeze, over_time);
        let hidden = ops::reshape(self.norm.forward_relu(hidden, pass), [clips * frames, 1, 1, few]);
        let expand = ops::reshape(self.expand.val(), [1, 1, few, channels]);
        let gates = ops::conv2d(hidden, expand, POINTWISE);
        ops::sigmoid(ops::reshape(gates, [clips, frames, channels]))
    }
}
