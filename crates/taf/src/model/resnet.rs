use burn::module::Module;
use burn::tensor::{Device, Tensor};
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};

use super::block::StagePlan;
use super::drop_path;
use super::{Block, BlockKind, ConvNorm, Pass, PublishedNames, Temporal};
use crate::ops;

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

    /// Channels of the last stage.
    pub fn channels_out(&self) -> usize {
        self.width * (1 << (self.layers.len() - 1)) * self.block.expansion()
    }
}

/// What a trunk says of whole clips of images.
#[derive(Clone, Debug)]
pub struct StageOutputs {
    /// Of the stage before the last, where there is one: `[n, height, width, channels]`.
    pub earlier: Option<Tensor<4>>,
    /// Of the last stage: `[n, height, width, channels]`.
    pub last: Tensor<4>,
}

/// ResNet without its classifier, on channels-last images.
#[derive(Module, Debug)]
pub struct ResNet {
    stem: ConvNorm,
    stages: Vec<Vec<Block>>,
}

impl ResNet {
    /// Builds the trunk with fresh weights. `temporal` says how blocks look at neighbouring frames.
    ///
    /// # Panics
    /// If `temporal` needs bottlenecks and the trunk has basic blocks.
    pub fn new(config: &ResNetConfig, temporal: Temporal, device: &Device, rng: &mut ChaCha8Rng) -> Self {
        let fits = config.block == BlockKind::Bottleneck || !temporal.needs_bottlenecks();
        assert!(fits, "{temporal:?} is defined for bottlenecks, not for basic blocks");
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

    /// torchvision's names. All convolutions of GST have an axis for time.
    pub(super) fn publish(&self, names: &mut PublishedNames) {
        if self.stages.iter().flatten().any(Block::is_over_space_and_time) {
            names.with_time_axis(|names| self.publish_stages(names));
        } else {
            self.publish_stages(names);
        }
    }

    fn publish_stages(&self, names: &mut PublishedNames) {
        self.stem.publish(["conv1", "bn1"], names);
        for (stage, blocks) in self.stages.iter().enumerate() {
            for (index, block) in blocks.iter().enumerate() {
                names.under(&format!("layer{}.{index}", stage + 1), |names| block.publish(names));
            }
        }
    }

    /// Leaves residual branches out while training, the last block's at this rate, in [0, 1).
    pub(super) fn with_drop_path(mut self, last: f64) -> Self {
        let count = self.stages.iter().map(Vec::len).sum();
        let mut rates = (0..count).map(|index| drop_path::rate_of(index, count, last));
        let mut dropping = |block: Block| block.with_drop_path(rates.next().expect("there is a rate for every block"));
        self.stages = self.stages.into_iter().map(|blocks| blocks.into_iter().map(&mut dropping).collect()).collect();
        self
    }

    /// Gives every batch norm an auxiliary branch.
    pub fn with_auxiliary_norms(mut self) -> Self {
        self.stem = self.stem.with_auxiliary_norm();
        let doubled = |stage: Vec<Block>| stage.into_iter().map(Block::with_auxiliary_norms).collect();
        self.stages = self.stages.into_iter().map(doubled).collect();
        self
    }
}
