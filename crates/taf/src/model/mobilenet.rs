use burn::module::Module;
use burn::tensor::{Device, Tensor};
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};

use super::block::frame_shift;
use super::drop_path;
use super::{Conv2d, ConvNorm, Pass, PublishedNames, Temporal};
use crate::ops;

/// Channels of the published stem, to which the table of stages belongs.
const WIDTH: usize = 32;
/// Channels of the published last convolution; narrower networks keep them.
const LAST_CHANNELS: usize = 1280;
/// Channel counts are multiples of this.
const UNIT: usize = 8;
/// Where activations are cut off: the ReLU6 of the paper.
const CEILING: f32 = 6.0;

/// Blocks of one width.
struct Stage {
    /// How many times the channels of its input a block has inside.
    expansion: usize,
    channels: usize,
    /// How many there are.
    blocks: usize,
    /// Of the first; the others have 1.
    stride: usize,
}

/// Table 2 of the paper.
const STAGES: [Stage; 7] = [
    Stage { expansion: 1, channels: 16, blocks: 1, stride: 1 },
    Stage { expansion: 6, channels: 24, blocks: 2, stride: 2 },
    Stage { expansion: 6, channels: 32, blocks: 3, stride: 2 },
    Stage { expansion: 6, channels: 64, blocks: 4, stride: 2 },
    Stage { expansion: 6, channels: 96, blocks: 3, stride: 1 },
    Stage { expansion: 6, channels: 160, blocks: 3, stride: 2 },
    Stage { expansion: 6, channels: 320, blocks: 1, stride: 1 },
];

/// Shape of a MobileNetV2 trunk (Sandler et al., CVPR 2018).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MobileNetV2Config {
    /// Channels of the stem, a multiple of 8; every other width grows with it. 32 in the published network.
    pub width: usize,
}

impl Default for MobileNetV2Config {
    fn default() -> Self {
        Self { width: WIDTH }
    }
}

impl MobileNetV2Config {
    /// Channels of the last features: 1280, more in networks wider than the published one.
    pub fn channels_out(&self) -> usize {
        if self.width > WIDTH { self.scaled(LAST_CHANNELS) } else { LAST_CHANNELS }
    }

    /// torchvision's rounding to a multiple of 8, by no more than a tenth downwards.
    fn scaled(&self, channels: usize) -> usize {
        let exact = channels as f64 * self.width as f64 / WIDTH as f64;
        let rounded = ((exact + UNIT as f64 / 2.0) as usize / UNIT * UNIT).max(UNIT);
        if (rounded as f64) < 0.9 * exact { rounded + UNIT } else { rounded }
    }

    fn blocks(&self) -> impl Iterator<Item = BlockSizes> {
        let mut channels = self.width;
        let each = STAGES.iter().flat_map(|stage| (0..stage.blocks).map(move |block| (stage, block)));
        each.map(move |(stage, block)| {
            let from = std::mem::replace(&mut channels, self.scaled(stage.channels));
            let stride = if block == 0 { stage.stride } else { 1 };
            BlockSizes { channels: [from, channels], hidden: from * stage.expansion, stride }
        })
    }
}

/// Sizes of one block.
struct BlockSizes {
    channels: [usize; 2],
    hidden: usize,
    stride: usize,
}

/// MobileNetV2 without its classifier, on channels-last images.
#[derive(Module, Debug)]
pub struct MobileNetV2 {
    first: ConvNorm,
    blocks: Vec<InvertedResidual>,
    last: ConvNorm,
}

impl MobileNetV2 {
    /// Builds the trunk with fresh weights. With a temporal shift, blocks with a shortcut shift what their residual
    /// branch reads, as the TSM repository.
    ///
    /// # Panics
    /// If `temporal` is another way of seeing time than the shift: these are defined for residual blocks.
    pub fn new(config: &MobileNetV2Config, temporal: Temporal, device: &Device, rng: &mut ChaCha8Rng) -> Self {
        let divisor = match temporal {
            Temporal::None => None,
            Temporal::Shift { divisor, .. } => Some(divisor),
            _ => panic!("{temporal:?} is defined for a ResNet, not for MobileNetV2"),
        };
        let first = ConvNorm::new([3, config.width], 3, 2, device, rng);
        let blocks: Vec<_> = config.blocks().map(|sizes| InvertedResidual::new(&sizes, divisor, device, rng)).collect();
        let channels = config.scaled(STAGES[6].channels);
        let last = ConvNorm::new([channels, config.channels_out()], 1, 1, device, rng);
        Self { first, blocks, last }
    }

    /// `[n, height, width, 3]` to `[n, height / 32, width / 32, channels]` (sides rounded up). The images are whole
    /// clips of `time` frames.
    pub fn forward(&self, x: Tensor<4>, time: usize, pass: &mut Pass) -> Tensor<4> {
        let x = below_ceiling(self.first.forward_relu(x, pass));
        let x = self.blocks.iter().fold(x, |x, block| block.forward(x, time, pass));
        below_ceiling(self.last.forward_relu(x, pass))
    }

    /// torchvision's names.
    pub(super) fn publish(&self, names: &mut PublishedNames) {
        names.under("features", |names| {
            names.under("0", |names| self.first.publish(["0", "1"], names));
            for (index, block) in self.blocks.iter().enumerate() {
                names.under(&format!("{}.conv", index + 1), |names| block.publish(names));
            }
            names.under(&format!("{}", self.blocks.len() + 1), |names| self.last.publish(["0", "1"], names));
        });
    }

    /// Leaves residual branches out while training, the last block's at this rate, in [0, 1). Blocks without a shortcut have
    /// none, and count.
    pub(super) fn with_drop_path(self, last: f64) -> Self {
        let count = self.blocks.len();
        let dropping = |(index, block)| InvertedResidual { drop_path: drop_path::rate_of(index, count, last), ..block };
        Self { blocks: self.blocks.into_iter().enumerate().map(dropping).collect(), ..self }
    }

    /// Gives every batch norm an auxiliary branch.
    pub fn with_auxiliary_norms(self) -> Self {
        Self {
            first: self.first.with_auxiliary_norm(),
            blocks: self.blocks.into_iter().map(InvertedResidual::with_auxiliary_norms).collect(),
            last: self.last.with_auxiliary_norm(),
        }
    }
}

/// From few channels to many, a filter for each, and back to few without a ReLU.
#[derive(Module, Debug)]
pub struct InvertedResidual {
    expand: Option<ConvNorm>,
    filter: ConvNorm,
    project: ConvNorm,
    #[module(skip)]
    shortcut: bool,
    /// Of the temporal shift, where there is one.
    #[module(skip)]
    divisor: Option<usize>,
    /// What the residual branch of a clip is left out with while training, in [0, 1).
    #[module(skip)]
    drop_path: f64,
}

impl InvertedResidual {
    fn new(sizes: &BlockSizes, divisor: Option<usize>, device: &Device, rng: &mut ChaCha8Rng) -> Self {
        let BlockSizes { channels: [from, to], hidden, stride } = *sizes;
        let expand = (hidden > from).then(|| ConvNorm::new([from, hidden], 1, 1, device, rng));
        let filter = ConvNorm::behind(Conv2d::depthwise(hidden, 3, stride, device, rng));
        let project = ConvNorm::new([hidden, to], 1, 1, device, rng);
        let shortcut = stride == 1 && from == to;
        Self { expand, filter, project, shortcut, divisor: divisor.filter(|_| shortcut), drop_path: 0.0 }
    }

    fn forward(&self, x: Tensor<4>, time: usize, pass: &mut Pass) -> Tensor<4> {
        let hidden = match (&self.expand, self.divisor) {
            (None, _) => x.clone(),
            (Some(expand), None) => below_ceiling(expand.forward_relu(x.clone(), pass)),
            (Some(expand), Some(divisor)) => {
                let shift = frame_shift(&x, time, divisor);
                below_ceiling(expand.forward_shifted_relu(x.clone(), shift, pass))
            }
        };
        let hidden = below_ceiling(self.filter.forward_relu(hidden, pass));
        match self.shortcut {
            true if pass.drops_paths(self.drop_path) => {
                drop_path::forward_sum(&self.project, hidden, x, time, self.drop_path, pass)
            }
            true => self.project.forward_sum(hidden, x, pass),
            false => self.project.forward(hidden, pass),
        }
    }

    /// Convolution, norm and ReLU6 are one layer of the block; the last convolution and its norm are two.
    fn publish(&self, names: &mut PublishedNames) {
        let layers = self.expand.iter().chain([&self.filter]);
        for (layer, unit) in layers.clone().enumerate() {
            names.under(&layer.to_string(), |names| unit.publish(["0", "1"], names));
        }
        let last = layers.count();
        self.project.publish([&last.to_string(), &(last + 1).to_string()], names);
        if let Some(unit) = self.expand.as_ref().filter(|_| self.divisor.is_some()) {
            unit.publish_shift(names);
        }
    }

    fn with_auxiliary_norms(self) -> Self {
        Self {
            expand: self.expand.map(ConvNorm::with_auxiliary_norm),
            filter: self.filter.with_auxiliary_norm(),
            project: self.project.with_auxiliary_norm(),
            ..self
        }
    }
}

/// The upper half of ReLU6.
fn below_ceiling(x: Tensor<4>) -> Tensor<4> {
    ops::clamp_max(x, CEILING)
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;

    use super::*;

    #[test]
    #[should_panic(expected = "Adaptive { frames: 8 } is defined for a ResNet, not for MobileNetV2")]
    fn ways_of_seeing_time_that_do_not_fit_are_refused() {
        let mut rng = ChaCha8Rng::seed_from_u64(0);
        MobileNetV2::new(&MobileNetV2Config { width: 8 }, Temporal::Adaptive { frames: 8 }, &Device::flex(), &mut rng);
    }
}
