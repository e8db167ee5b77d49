use burn::module::Module;
use burn::tensor::{Device, Tensor};
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};

use super::{ConvNorm, Pass, StageOutputs};
use crate::ops::{self, FrameShift};

/// The two residual blocks of He et al., CVPR 2016.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum BlockKind {
    /// Two 3x3 convolutions (ResNet-18, -34).
    Basic,
    /// 1x1, 3x3, 1x1 with four times the channels at the end (ResNet-50, -101).
    Bottleneck,
}

impl BlockKind {
    fn expansion(self) -> usize {
        match self {
            Self::Basic => 1,
            Self::Bottleneck => 4,
        }
    }
}

/// Shape of a ResNet trunk.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ResNetConfig {
    /// Kind of every block.
    pub block: BlockKind,
    /// Blocks per stage; every stage but the first halves the sides.
    pub layers: Vec<usize>,
    /// Channels of the stem; stage `i` works at `width * 2^i`. 64 in the published networks.
    pub width: usize,
}

impl ResNetConfig {
    /// ResNet-18: 2-2-2-2 basic blocks.
    pub fn resnet18() -> Self {
        Self::of(BlockKind::Basic, [2, 2, 2, 2], 64)
    }

    /// ResNet-34: 3-4-6-3 basic blocks.
    pub fn resnet34() -> Self {
        Self::of(BlockKind::Basic, [3, 4, 6, 3], 64)
    }

    /// ResNet-50: 3-4-6-3 bottlenecks.
    pub fn resnet50() -> Self {
        Self::of(BlockKind::Bottleneck, [3, 4, 6, 3], 64)
    }

    /// ResNet-101: 3-4-23-3 bottlenecks.
    pub fn resnet101() -> Self {
        Self::of(BlockKind::Bottleneck, [3, 4, 23, 3], 64)
    }

    /// A quarter of ResNet-10's channels: for small clips on a processor.
    pub fn tiny() -> Self {
        Self::of(BlockKind::Basic, [1, 1, 1, 1], 16)
    }

    fn of(block: BlockKind, layers: [usize; 4], width: usize) -> Self {
        Self { block, layers: layers.to_vec(), width }
    }

    /// Weights of the convolutions and norms, counted without building anything.
    pub fn num_parameters(&self) -> usize {
        let norm = |channels: usize| 2 * channels;
        let mut count = 7 * 7 * 3 * self.width + norm(self.width);
        let mut channels = self.width;
        for (stage, &blocks) in self.layers.iter().enumerate() {
            let planes = self.width << stage;
            let out = planes * self.block.expansion();
            for block in 0..blocks {
                count += match self.block {
                    BlockKind::Basic => 9 * planes * (channels + planes) + 2 * norm(planes),
                    BlockKind::Bottleneck => planes * (channels + 9 * planes + out) + 2 * norm(planes) + norm(out),
                };
                let projected = block == 0 && (stage > 0 || channels != out);
                count += if projected { channels * out + norm(out) } else { 0 };
                channels = out;
            }
        }
        count
    }

    /// Channels of the last stage.
    pub fn channels_out(&self) -> usize {
        self.width * (1 << (self.layers.len() - 1)) * self.block.expansion()
    }
}

/// How a block sees its neighbours in time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Temporal {
    /// Not at all: every frame for itself.
    None,
    /// Temporal shift in front of the residual branch's first convolution; the shortcut sees the unshifted input.
    Shift {
        /// `channels / divisor` channels move each way; 8 in the published networks.
        divisor: usize,
        /// Every how many blocks of a stage, from its first: 2 in ResNet-101, else 1.
        every: usize,
    },
    /// Temporal shift of what a block reads: the residual branch, and the shortcut where it projects, see the shifted
    /// input, as in TPN's trunk. A shortcut without a projection sees the unshifted one.
    ShiftBlock {
        /// `channels / divisor` channels move each way; 8 in the published network.
        divisor: usize,
    },
}

impl Temporal {
    fn for_block(self, index: usize) -> Self {
        match self {
            Self::Shift { every, .. } if !index.is_multiple_of(every) => Self::None,
            _ => self,
        }
    }

    /// What the first unit of a residual branch makes of the block's input, whole clips of `time` images.
    fn enter(self, unit: &ConvNorm, x: Tensor<4>, time: usize, pass: &mut Pass) -> Tensor<4> {
        match self {
            Self::None => unit.forward_relu(x, pass),
            Self::Shift { divisor, .. } | Self::ShiftBlock { divisor } => {
                let shift = frame_shift(&x, time, divisor);
                unit.forward_shifted_relu(x, shift, pass)
            }
        }
    }

    /// What a projecting shortcut makes of the block's input.
    fn project(self, unit: &ConvNorm, x: Tensor<4>, time: usize, pass: &mut Pass) -> Tensor<4> {
        match self {
            Self::ShiftBlock { divisor } => {
                let shift = frame_shift(&x, time, divisor);
                unit.forward_shifted(x, shift, pass)
            }
            _ => unit.forward(x, pass),
        }
    }
}

/// The shift of `channels / divisor` channels each way within clips of `time` images.
pub(super) fn frame_shift(x: &Tensor<4>, time: usize, divisor: usize) -> FrameShift {
    FrameShift { frames: time, fold: x.dims()[3] / divisor }
}

/// ResNet without its classifier, on channels-last images.
#[derive(Module, Debug)]
pub struct ResNet {
    stem: ConvNorm,
    stages: Vec<Vec<Block>>,
}

impl ResNet {
    /// Builds the trunk with fresh weights. `temporal` says how blocks look at neighbouring frames.
    pub fn new(config: &ResNetConfig, temporal: Temporal, device: &Device, rng: &mut ChaCha8Rng) -> Self {
        let stem = ConvNorm::new([3, config.width], 7, 2, device, rng);
        let mut channels = config.width;
        let mut stages = Vec::with_capacity(config.layers.len());
        for (stage, &blocks) in config.layers.iter().enumerate() {
            let plan =
                StagePlan { kind: config.block, planes: config.width << stage, stride: 1 + usize::from(stage > 0) };
            let build = |index| {
                let block = plan.block(index, channels, temporal.for_block(index), device, rng);
                channels = plan.channels_out();
                block
            };
            stages.push((0..blocks).map(build).collect());
        }
        Self { stem, stages }
    }

    /// `[n, height, width, 3]` to the last stages' features; `[n, height / 32, width / 32, channels]` from the last of
    /// four (sides rounded up). The images are whole clips of `time` frames.
    pub fn forward(&self, x: Tensor<4>, time: usize, pass: &mut Pass) -> StageOutputs {
        let mut last = ops::max_pool2d(self.stem.forward_relu(x, pass), 3, 2, 1);
        let mut earlier = None;
        for (stage, blocks) in self.stages.iter().enumerate() {
            earlier = (stage > 0).then(|| last.clone());
            last = blocks.iter().fold(last, |x, block| block.forward(x, time, pass));
        }
        StageOutputs { earlier, last }
    }

    /// Gives every batch norm an auxiliary branch.
    pub fn with_auxiliary_norms(mut self) -> Self {
        self.stem = self.stem.with_auxiliary_norm();
        let doubled = |stage: Vec<Block>| stage.into_iter().map(Block::with_auxiliary_norms).collect();
        self.stages = self.stages.into_iter().map(doubled).collect();
        self
    }
}

/// What the blocks of one stage share.
struct StagePlan {
    kind: BlockKind,
    planes: usize,
    stride: usize,
}

impl StagePlan {
    fn channels_out(&self) -> usize {
        self.planes * self.kind.expansion()
    }

    fn block(
        &self,
        index: usize,
        channels_in: usize,
        temporal: Temporal,
        device: &Device,
        rng: &mut ChaCha8Rng,
    ) -> Block {
        let stride = if index == 0 { self.stride } else { 1 };
        let mut unit = |from, to, kernel, stride| ConvNorm::new([from, to], kernel, stride, device, rng);
        let (planes, channels_out) = (self.planes, self.channels_out());
        let units = match self.kind {
            BlockKind::Basic => vec![unit(channels_in, planes, 3, stride), unit(planes, planes, 3, 1)],
            BlockKind::Bottleneck => {
                vec![unit(channels_in, planes, 1, 1), unit(planes, planes, 3, stride), unit(planes, channels_out, 1, 1)]
            }
        };
        let projected = stride != 1 || channels_in != channels_out;
        let downsample = projected.then(|| unit(channels_in, channels_out, 1, stride));
        Block { units, downsample, temporal }
    }
}

/// A residual block: convolutions with norms, the last of which ends in the sum with the shortcut.
#[derive(Module, Debug)]
pub struct Block {
    units: Vec<ConvNorm>,
    downsample: Option<ConvNorm>,
    #[module(skip)]
    temporal: Temporal,
}

impl Block {
    fn forward(&self, x: Tensor<4>, time: usize, pass: &mut Pass) -> Tensor<4> {
        let [first, middle @ .., last] = self.units.as_slice() else {
            panic!("a residual block has two units or more")
        };
        let branch = self.temporal.enter(first, x.clone(), time, pass);
        let branch = middle.iter().fold(branch, |y, unit| unit.forward_relu(y, pass));
        let residual = match &self.downsample {
            Some(unit) => self.temporal.project(unit, x, time, pass),
            None => x,
        };
        last.forward_residual(branch, residual, pass)
    }

    fn with_auxiliary_norms(self) -> Self {
        Self {
            units: self.units.into_iter().map(ConvNorm::with_auxiliary_norm).collect(),
            downsample: self.downsample.map(ConvNorm::with_auxiliary_norm),
            temporal: self.temporal,
        }
    }
}
