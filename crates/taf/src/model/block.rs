//! The blocks that ResNets are made of, and how blocks look at neighbouring frames.

use burn::module::Module;
use burn::tensor::{Device, Tensor};
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};

use super::drop_path;
use super::{ConvNorm, ExcitationAggregation, Grouping, Pass, PublishedNames, SpaceTimeNorm, TemporalAdaptive, tea};
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
    pub(super) fn expansion(self) -> usize {
        match self {
            Self::Basic => 1,
            Self::Bottleneck => 4,
        }
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
    /// A filter over time between the first two convolutions of every bottleneck, with kernels made from the clip (TAM).
    Adaptive {
        /// Frames of every clip.
        frames: usize,
    },
    /// The middle convolution of every bottleneck is one over space beside one over space and time (GST).
    Grouped(Grouping),
    /// In the place of every bottleneck's middle convolution motion excites channels, and groups of channels are filtered
    /// over time and space one after the other (TEA).
    Excited,
}

impl Temporal {
    /// Whether the module is defined for bottlenecks alone.
    pub fn needs_bottlenecks(self) -> bool {
        matches!(self, Self::Adaptive { .. } | Self::Grouped(_) | Self::Excited)
    }

    pub(super) fn for_block(self, index: usize) -> Self {
        match self {
            Self::Shift { every, .. } if !index.is_multiple_of(every) => Self::None,
            _ => self,
        }
    }

    /// What the first unit of a residual branch makes of the block's input, whole clips of `time` images.
    fn enter(self, unit: &Unit, x: Tensor<4>, time: usize, pass: &mut Pass) -> Tensor<4> {
        match (self, unit) {
            (Self::Shift { divisor, .. } | Self::ShiftBlock { divisor }, Unit::Conv(unit)) => {
                let shift = frame_shift(&x, time, divisor);
                unit.forward_shifted_relu(x, shift, pass)
            }
            _ => unit.forward_relu(x, time, pass),
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

/// What the blocks of one stage share.
pub(super) struct StagePlan {
    pub kind: BlockKind,
    pub planes: usize,
    /// Of the first block; the others have 1.
    pub stride: usize,
}

impl StagePlan {
    pub fn channels_out(&self) -> usize {
        self.planes * self.kind.expansion()
    }

    pub fn block(
        &self,
        index: usize,
        channels_in: usize,
        temporal: Temporal,
        device: &Device,
        rng: &mut ChaCha8Rng,
    ) -> Block {
        let stride = if index == 0 { self.stride } else { 1 };
        let (planes, channels_out) = (self.planes, self.channels_out());
        let mut unit = |from, to, kernel, stride| ConvNorm::new([from, to], kernel, stride, device, rng);
        let units = match (self.kind, temporal) {
            (BlockKind::Basic, _) => {
                vec![Unit::Conv(unit(channels_in, planes, 3, stride)), Unit::Conv(unit(planes, planes, 3, 1))]
            }
            (BlockKind::Bottleneck, Temporal::Grouped(grouping)) => {
                let [first, last] = [unit(channels_in, planes, 1, 1), unit(planes, channels_out, 1, 1)].map(Unit::Conv);
                let middle = SpaceTimeNorm::new(planes, grouping, stride, device, rng);
                vec![first, Unit::SpaceTime(middle), last]
            }
            (BlockKind::Bottleneck, Temporal::Excited) => {
                let inside = tea::channels_inside(planes);
                let [first, last] = [unit(channels_in, inside, 1, 1), unit(inside, channels_out, 1, 1)].map(Unit::Conv);
                let first_stride = (index == 0).then_some(stride);
                let middle = ExcitationAggregation::new(planes, first_stride, device, rng);
                vec![first, Unit::Excited(middle), last]
            }
            (BlockKind::Bottleneck, _) => {
                let units = [
                    unit(channels_in, planes, 1, 1),
                    unit(planes, planes, 3, stride),
                    unit(planes, channels_out, 1, 1),
                ];
                units.map(Unit::Conv).into()
            }
        };
        let projected = stride != 1 || channels_in != channels_out;
        let downsample = projected.then(|| ConvNorm::new([channels_in, channels_out], 1, stride, device, rng));
        let adaptive = match temporal {
            Temporal::Adaptive { frames } => Some(TemporalAdaptive::new(planes, frames, device, rng)),
            _ => None,
        };
        Block { units, adaptive, downsample, temporal, drop_path: 0.0 }
    }
}

/// A convolution of a block and the norm behind it.
#[expect(clippy::large_enum_variant, reason = "a network has some dozen, and Burn's modules are not boxed")]
#[derive(Module, Debug)]
pub enum Unit {
    /// Every frame for itself.
    Conv(ConvNorm),
    /// GST's pair of convolutions.
    SpaceTime(SpaceTimeNorm),
    /// TEA's excitation and aggregation.
    Excited(ExcitationAggregation),
}

impl Unit {
    /// `relu(normalise(conv(x)))` of whole clips of `time` images.
    fn forward_relu(&self, x: Tensor<4>, time: usize, pass: &mut Pass) -> Tensor<4> {
        match self {
            Self::Conv(unit) => unit.forward_relu(x, pass),
            Self::SpaceTime(unit) => unit.forward_relu(x, time, pass),
            Self::Excited(unit) => unit.forward(x, time, pass),
        }
    }

    /// The unit of this number, from 1.
    fn publish(&self, number: usize, names: &mut PublishedNames) {
        let [conv, norm] = ["conv", "bn"].map(|name| format!("{name}{number}"));
        match self {
            Self::Conv(unit) => unit.publish([&conv, &norm], names),
            Self::SpaceTime(unit) => unit.publish([&conv, &norm], names),
            Self::Excited(unit) => unit.publish(names),
        }
    }

    fn with_auxiliary_norm(self) -> Self {
        match self {
            Self::Conv(unit) => Self::Conv(unit.with_auxiliary_norm()),
            Self::SpaceTime(unit) => Self::SpaceTime(unit.with_auxiliary_norm()),
            Self::Excited(unit) => Self::Excited(unit.with_auxiliary_norms()),
        }
    }
}

/// A residual block: convolutions with norms, the last of which ends in the sum with the shortcut.
#[derive(Module, Debug)]
pub struct Block {
    units: Vec<Unit>,
    adaptive: Option<TemporalAdaptive>,
    downsample: Option<ConvNorm>,
    #[module(skip)]
    temporal: Temporal,
    /// What the residual branch of a clip is left out with while training, in [0, 1).
    #[module(skip)]
    drop_path: f64,
}

impl Block {
    pub(super) fn forward(&self, x: Tensor<4>, time: usize, pass: &mut Pass) -> Tensor<4> {
        let [first, middle @ .., Unit::Conv(last)] = self.units.as_slice() else {
            panic!("a residual block has two units or more, and ends in a plain one")
        };
        let branch = self.temporal.enter(first, x.clone(), time, pass);
        let branch = match &self.adaptive {
            Some(adaptive) => adaptive.forward(branch, time, pass),
            None => branch,
        };
        let branch = middle.iter().fold(branch, |y, unit| unit.forward_relu(y, time, pass));
        let residual = match &self.downsample {
            Some(unit) => self.temporal.project(unit, x, time, pass),
            None => x,
        };
        if pass.drops_paths(self.drop_path) {
            return ops::relu(drop_path::forward_sum(last, branch, residual, time, self.drop_path, pass));
        }
        last.forward_residual(branch, residual, pass)
    }

    pub(super) fn with_drop_path(self, drop_path: f64) -> Self {
        Self { drop_path, ..self }
    }

    pub(super) fn publish(&self, names: &mut PublishedNames) {
        self.units.iter().enumerate().for_each(|(index, unit)| unit.publish(index + 1, names));
        if let Some(adaptive) = &self.adaptive {
            names.under("tam", |names| adaptive.publish(names));
        }
        if let Some(unit) = &self.downsample {
            unit.publish(["downsample.0", "downsample.1"], names);
        }
        self.publish_shifts(names);
    }

    /// Whether published code gives every weight of the network an axis for time.
    pub(super) fn is_over_space_and_time(&self) -> bool {
        matches!(self.temporal, Temporal::Grouped(_))
    }

    fn publish_shifts(&self, names: &mut PublishedNames) {
        let first = match &self.units[0] {
            Unit::Conv(unit) => Some(unit),
            Unit::SpaceTime(_) | Unit::Excited(_) => None,
        };
        let shortcut = self.downsample.as_ref();
        let shifted = match self.temporal {
            Temporal::Shift { .. } => [first, None],
            Temporal::ShiftBlock { .. } => [first, shortcut],
            Temporal::None | Temporal::Adaptive { .. } | Temporal::Grouped(_) | Temporal::Excited => [None, None],
        };
        shifted.into_iter().flatten().for_each(|unit| unit.publish_shift(names));
    }

    pub(super) fn with_auxiliary_norms(self) -> Self {
        Self {
            units: self.units.into_iter().map(Unit::with_auxiliary_norm).collect(),
            adaptive: self.adaptive.map(TemporalAdaptive::with_auxiliary_norms),
            downsample: self.downsample.map(ConvNorm::with_auxiliary_norm),
            ..self
        }
    }
}
