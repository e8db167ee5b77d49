use burn::module::{Module, Param};
use burn::tensor::{Device, Tensor};
use rand_chacha::ChaCha8Rng;

use super::conv::uniform;
use super::{AuxiliaryOutput, ConsensusHead, Conv2d, ConvNorm, Pass, PublishedNames};
use crate::ops;

/// Weight of the auxiliary loss.
const AUXILIARY_WEIGHT: f64 = 0.5;
/// Spread of a classifier's first weights, as the TPN repository.
pub(super) const DEVIATION: f32 = 0.01;

/// Shape of the neck of a temporal pyramid network over two stages.
#[derive(Clone, Debug, PartialEq)]
pub struct TpnConfig {
    /// Channels of the earlier stage; the last stage has twice as many.
    pub channels: usize,
    /// Independent parts of the grouped convolutions, a divisor of `channels`. 32 in the published network.
    pub groups: usize,
    /// Number of classes, which the auxiliary classifier tells apart.
    pub classes: usize,
    /// Dropout before the auxiliary classifier, in [0, 1).
    pub dropout: f64,
}

/// The neck of a temporal pyramid network (Yang et al., CVPR 2020) over the last two stages of a trunk, in the form of
/// the published Something-Something models: both stages are brought to the size of the last one, seen over the whole
/// clip, and exchange what they found downwards and upwards.
///
/// One detail follows the published code rather than the paper: the upward flow starts from the sums of the downward one.
#[derive(Module, Debug)]
pub struct TpnNeck {
    /// Brings the earlier stage to the last one's size.
    spatial: ConvNorm,
    /// One per stage.
    temporal: Vec<TemporalConv>,
    upward: TemporalConv,
    top_down: LevelFusion,
    bottom_up: LevelFusion,
    pyramid: ConvNorm,
    auxiliary: AuxiliaryHead,
}

impl TpnNeck {
    /// Builds the neck with fresh weights: Xavier-uniform convolutions, as the TPN repository.
    ///
    /// # Panics
    /// If the groups do not divide the channels.
    pub fn new(config: &TpnConfig, device: &Device, rng: &mut ChaCha8Rng) -> Self {
        let TpnConfig { channels: few, groups, .. } = *config;
        assert!(groups > 0 && few.is_multiple_of(groups), "{groups} groups divide {few} channels");
        let many = 2 * few;
        let mut fresh = Fresh { device, rng };
        Self {
            spatial: fresh.unit([few, many], 3, 2, 1),
            temporal: (0..2).map(|_| fresh.temporal([many, few], groups)).collect(),
            upward: fresh.temporal([few, few], 1),
            top_down: LevelFusion::new([few, many], groups, &mut fresh),
            bottom_up: LevelFusion::new([few, many], groups, &mut fresh),
            pyramid: fresh.unit([2 * many, many], 1, 1, 1),
            auxiliary: AuxiliaryHead {
                unit: fresh.unit([few, many], 3, 2, 1),
                head: ConsensusHead::spread(DEVIATION, [many, config.classes], config.dropout, device, rng),
            },
        }
    }

    /// What the earlier stage contributes: `[batch, time, 2 height, 2 width, channels]` to
    /// `[batch, 1, height, width, channels]`.
    pub fn earlier_level(&self, earlier: Tensor<5>, pass: &mut Pass) -> Tensor<5> {
        let [batch, time, height, width, channels] = earlier.dims();
        let images = ops::reshape(earlier, [batch * time, height, width, channels]);
        let images = self.spatial.forward_relu(images, pass);
        let [_, height, width, channels] = images.dims();
        self.temporal[0].over_clip(ops::reshape(images, [batch, time, height, width, channels]))
    }

    /// What both levels say together, for the classifier.
    ///
    /// # Shapes
    /// - `earlier`: what [`TpnNeck::earlier_level`] made, `[batch, 1, height, width, channels]`
    /// - `features`: of the last stage, `[batch, time, height, width, 2 channels]`
    /// - result: `[batch, 1, height, width, 2 channels]`
    pub fn fuse(&self, earlier: Tensor<5>, features: Tensor<5>, pass: &mut Pass) -> Tensor<5> {
        let [batch, _, height, width, channels] = earlier.dims();
        let images = |level: Tensor<5>| ops::reshape(level, [batch, height, width, channels]);
        let last = images(self.temporal[1].over_clip(features));
        let earlier = ops::add(images(earlier), last.clone());
        let down = self.top_down.forward([earlier.clone(), last.clone()], pass);
        let step = self.upward.forward(ops::reshape(earlier.clone(), [batch, 1, height * width, channels]));
        let last = ops::add(last, ops::reshape(step, [batch, height, width, channels]));
        let up = self.bottom_up.forward([earlier, last], pass);
        let fused = self.pyramid.forward_relu(ops::concatenate(vec![down, up], 3), pass);
        ops::reshape(fused, [batch, 1, height, width, 2 * channels])
    }

    /// What the auxiliary classifier says of the earlier stage, `[batch, time, height, width, channels]`.
    pub fn auxiliary(&self, earlier: Tensor<5>, pass: &mut Pass) -> AuxiliaryOutput {
        AuxiliaryOutput { logits: self.auxiliary.forward(earlier, pass), weight: AUXILIARY_WEIGHT }
    }

    /// The TPN repository's names. All its convolutions have an axis for time.
    pub(super) fn publish(&self, names: &mut PublishedNames) {
        names.with_time_axis(|names| {
            names.under("spatial_modulation.spatial_modulation.0.0", |names| {
                self.spatial.publish(["conv", "bn"], names);
            });
            for (level, convolution) in self.temporal.iter().enumerate() {
                names.under(&format!("temporal_modulation_ops.{level}.conv"), |names| convolution.publish(names));
            }
            names.under("downsampling_ops.0.conv", |names| self.upward.publish(names));
            names.under("level_fusion_op2", |names| self.top_down.publish(names));
            names.under("level_fusion_op", |names| self.bottom_up.publish(names));
            names.under("pyramid_fusion_op", |names| self.pyramid.publish(["0", "1"], names));
            names.under("aux_head", |names| self.auxiliary.publish(names));
        });
    }

    /// Gives every batch norm an auxiliary branch.
    pub fn with_auxiliary_norms(self) -> Self {
        Self {
            spatial: self.spatial.with_auxiliary_norm(),
            top_down: self.top_down.with_auxiliary_norms(),
            bottom_up: self.bottom_up.with_auxiliary_norms(),
            pyramid: self.pyramid.with_auxiliary_norm(),
            auxiliary: AuxiliaryHead { unit: self.auxiliary.unit.with_auxiliary_norm(), head: self.auxiliary.head },
            ..self
        }
    }
}

/// Convolution over three frames, without bias; weights `[3, 1, channels_in / groups, channels_out]`.
#[derive(Module, Debug)]
struct TemporalConv {
    weight: Param<Tensor<4>>,
    #[module(skip)]
    groups: usize,
}

impl TemporalConv {
    /// `[batch, time, pixels, channels]` to the same with other channels.
    fn forward(&self, x: Tensor<4>) -> Tensor<4> {
        ops::conv_time(x, self.weight.val(), self.groups)
    }

    fn publish(&self, names: &mut PublishedNames) {
        names.convolution_over_time(&self.weight, "weight");
    }

    /// The greatest answer of the whole clip: `[batch, time, height, width, channels]` to `[batch, 1, height, width, _]`.
    fn over_clip(&self, x: Tensor<5>) -> Tensor<5> {
        let [batch, time, height, width, channels] = x.dims();
        let y = ops::max_over_time(self.forward(ops::reshape(x, [batch, time, height * width, channels])));
        let [_, _, _, channels] = y.dims();
        ops::reshape(y, [batch, 1, height, width, channels])
    }
}

/// Both levels side by side, each through a grouped convolution, then mixed.
#[derive(Module, Debug)]
struct LevelFusion {
    levels: Vec<ConvNorm>,
    mix: ConvNorm,
}

impl LevelFusion {
    fn new([few, many]: [usize; 2], groups: usize, fresh: &mut Fresh) -> Self {
        Self {
            levels: (0..2).map(|_| fresh.unit([few, few], 1, 1, groups)).collect(),
            mix: fresh.unit([2 * few, many], 1, 1, 1),
        }
    }

    fn forward(&self, levels: [Tensor<4>; 2], pass: &mut Pass) -> Tensor<4> {
        let levels = self.levels.iter().zip(levels).map(|(unit, level)| unit.forward_relu(level, pass)).collect();
        self.mix.forward_relu(ops::concatenate(levels, 3), pass)
    }

    fn publish(&self, names: &mut PublishedNames) {
        for (level, unit) in self.levels.iter().enumerate() {
            names.under(&format!("ops.{level}"), |names| unit.publish(["conv", "norm"], names));
        }
        names.under("fusion_conv", |names| self.mix.publish(["0", "1"], names));
    }

    fn with_auxiliary_norms(self) -> Self {
        Self {
            levels: self.levels.into_iter().map(ConvNorm::with_auxiliary_norm).collect(),
            mix: self.mix.with_auxiliary_norm(),
        }
    }
}

/// A classifier of the earlier stage, which keeps its gradients strong while training.
#[derive(Module, Debug)]
struct AuxiliaryHead {
    unit: ConvNorm,
    head: ConsensusHead,
}

impl AuxiliaryHead {
    fn publish(&self, names: &mut PublishedNames) {
        names.under("convs", |names| self.unit.publish(["conv", "bn"], names));
        names.under("fc", |names| self.head.publish(names));
    }

    fn forward(&self, earlier: Tensor<5>, pass: &mut Pass) -> Tensor<2> {
        let [batch, time, height, width, channels] = earlier.dims();
        let images = self.unit.forward_relu(ops::reshape(earlier, [batch * time, height, width, channels]), pass);
        let [_, height, width, channels] = images.dims();
        // Pooled over time as well before the dropout: one image per clip, as far as the head can see.
        self.head.forward(ops::reshape(images, [batch, 1, time * height, width, channels]), pass)
    }
}

/// Where fresh weights come from.
struct Fresh<'a> {
    device: &'a Device,
    rng: &'a mut ChaCha8Rng,
}

impl Fresh<'_> {
    fn unit(&mut self, channels: [usize; 2], kernel: usize, stride: usize, groups: usize) -> ConvNorm {
        ConvNorm::behind(Conv2d::from_weight(self.xavier([kernel, kernel], channels, groups), stride, groups))
    }

    fn temporal(&mut self, channels: [usize; 2], groups: usize) -> TemporalConv {
        TemporalConv { weight: Param::from_tensor(self.xavier([3, 1], channels, groups)), groups }
    }

    /// Glorot and Bengio, 2010. The fan of the outputs counts all groups, as PyTorch.
    fn xavier(&mut self, [height, width]: [usize; 2], [from, to]: [usize; 2], groups: usize) -> Tensor<4> {
        let bound = (6.0 / (height * width * (from / groups + to)) as f32).sqrt();
        uniform([height, width, from / groups, to], bound, self.device, self.rng)
    }
}
