//! The blocks of TEA (Li et al.: "TEA: Temporal Excitation and Aggregation for Action Recognition", CVPR 2020).

use burn::module::{Module, Param};
use burn::tensor::{Device, Tensor, TensorData};
use rand_chacha::ChaCha8Rng;

use super::{Conv2d, ConvNorm, Pass, PublishedNames};
use crate::ops::{self, ConvOptions};

/// Groups of channels in a block, of which each has this share of the stage's: the 26w x 4s of Res2Net.
const GROUPS: usize = 4;
const SHARE: (usize, usize) = (26, 64);
/// Motion is seen in this share of a block's channels.
const SQUEEZE: usize = 16;
/// Frames that a filter reaches over, and sides of the windows that a stage's first block takes means of.
const TAPS: usize = 3;

/// Channels inside a block of a stage that works at `planes`.
pub(super) fn channels_inside(planes: usize) -> usize {
    GROUPS * group_channels(planes)
}

fn group_channels(planes: usize) -> usize {
    planes * SHARE.0 / SHARE.1
}

/// What a bottleneck of TEA has in the place of its middle convolution: motion excites channels, and groups of channels
/// are filtered over time and space one after the other, each with the one before it.
#[derive(Module, Debug)]
pub struct ExcitationAggregation {
    excitation: MotionExcitation,
    /// One per group.
    filters: Vec<TimeFilter>,
    /// One per group but the last.
    convs: Vec<ConvNorm>,
    /// In the first block of a stage groups do not see each other, and the last one's means are taken with this stride.
    #[module(skip)]
    first_stride: Option<usize>,
}

impl ExcitationAggregation {
    /// For a stage that works at `planes`, 3 or more. `first_stride` is the stride of a stage's first block; none for others.
    pub fn new(planes: usize, first_stride: Option<usize>, device: &Device, rng: &mut ChaCha8Rng) -> Self {
        let (channels, stride) = (group_channels(planes), first_stride.unwrap_or(1));
        Self {
            excitation: MotionExcitation::new(GROUPS * channels, device, rng),
            filters: (1..=GROUPS).map(|group| TimeFilter::new(channels, group == GROUPS, device)).collect(),
            convs: (1..GROUPS).map(|_| ConvNorm::new([channels; 2], 3, stride, device, rng)).collect(),
            first_stride,
        }
    }

    /// `[clips * frames, height, width, channels]` to `[clips * frames, height', width', channels]`.
    pub fn forward(&self, x: Tensor<4>, frames: usize, pass: &mut Pass) -> Tensor<4> {
        let x = self.excitation.forward(x, frames, pass);
        let channels = x.dims()[3] / GROUPS;
        let group = |index: usize| ops::slice(x.clone(), 3, index * channels, channels);
        let mut done: Vec<Tensor<4>> = Vec::with_capacity(GROUPS);
        for (index, conv) in self.convs.iter().enumerate() {
            let own = group(index);
            let seen = match done.last() {
                Some(before) if self.first_stride.is_none() => ops::add(own, before.clone()),
                _ => own,
            };
            done.push(conv.forward_relu(self.filters[index].forward(seen, frames), pass));
        }
        let last = self.filters[GROUPS - 1].forward(group(GROUPS - 1), frames);
        done.push(self.first_stride.map_or(last.clone(), |stride| window_means(last, stride)));
        ops::concatenate(done, 3)
    }

    pub(super) fn publish(&self, names: &mut PublishedNames) {
        names.under("me", |names| self.excitation.publish(names));
        for (index, filter) in self.filters.iter().enumerate() {
            names.convolution(&filter.weight, &format!("shifts.{index}.conv.weight"));
        }
        for (index, conv) in self.convs.iter().enumerate() {
            conv.publish([&format!("convs.{index}"), &format!("bns.{index}")], names);
        }
    }

    /// Gives every batch norm an auxiliary branch.
    pub fn with_auxiliary_norms(self) -> Self {
        Self {
            excitation: self.excitation.with_auxiliary_norms(),
            convs: self.convs.into_iter().map(ConvNorm::with_auxiliary_norm).collect(),
            ..self
        }
    }
}

/// Means of 3x3 windows, of which the zeros around the image are a part.
fn window_means(x: Tensor<4>, stride: usize) -> Tensor<4> {
    let [_, _, _, channels] = x.dims();
    let weight = ops::filled([TAPS, TAPS, 1, channels], 1.0 / (TAPS * TAPS) as f32, &x.device());
    ops::conv2d(x, weight, ConvOptions { stride, padding: TAPS / 2, groups: channels, shift: None })
}

/// Scales every channel of a frame, by half to one and a half, by how its features are about to change.
#[derive(Module, Debug)]
struct MotionExcitation {
    squeeze: ConvNorm,
    /// Applied to the frame that comes before it is compared.
    transform: Conv2d,
    expand: ConvNorm,
}

impl MotionExcitation {
    fn new(channels: usize, device: &Device, rng: &mut ChaCha8Rng) -> Self {
        let few = (channels / SQUEEZE).max(1);
        Self {
            squeeze: ConvNorm::new([channels, few], 1, 1, device, rng),
            transform: Conv2d::depthwise(few, 3, 1, device, rng),
            expand: ConvNorm::new([few, channels], 1, 1, device, rng),
        }
    }

    /// Images of whole clips to the same shape.
    fn forward(&self, x: Tensor<4>, frames: usize, pass: &mut Pass) -> Tensor<4> {
        let now = self.squeeze.forward(x.clone(), pass);
        let next = self.transform.forward(now.clone());
        let motion = change(pooled(now), pooled(next), frames);
        let gates = ops::sigmoid(self.expand.forward(motion, pass));
        let half = ops::filled([1; 4], 0.5, &gates.device());
        ops::multiply(x, ops::add(gates, half))
    }

    fn publish(&self, names: &mut PublishedNames) {
        self.squeeze.publish(["conv1", "bn1"], names);
        self.transform.publish("conv2", names);
        self.expand.publish(["conv3", "bn3"], names);
    }

    fn with_auxiliary_norms(self) -> Self {
        Self {
            squeeze: self.squeeze.with_auxiliary_norm(),
            expand: self.expand.with_auxiliary_norm(),
            transform: self.transform,
        }
    }
}

/// Means over the pixels, `[images, 1, 1, channels]`: the change of means is the mean of changes.
fn pooled(x: Tensor<4>) -> Tensor<4> {
    let [images, height, width, channels] = x.dims();
    let means = ops::average_pool(ops::reshape(x, [images, height * width, channels]));
    ops::reshape(means, [images, 1, 1, channels])
}

/// `next` of the following frame less `now` of each frame; nothing for a clip's last one.
fn change(now: Tensor<4>, next: Tensor<4>, frames: usize) -> Tensor<4> {
    let [_, _, _, channels] = now.dims();
    // A shift of everything by half each way: the first half comes from the following frame, the second from the one before.
    let neighbours = |following, before| ops::temporal_shift(ops::concatenate(vec![following, before], 3), frames, 2);
    let before = ops::slice(neighbours(now.clone(), now), 3, channels, channels);
    let arrived = ops::subtract(next, before);
    ops::slice(neighbours(arrived.clone(), arrived), 3, 0, channels)
}

/// A filter over three frames per channel, without bias.
#[derive(Module, Debug)]
struct TimeFilter {
    /// `[3, 1, channels]`
    weight: Param<Tensor<3>>,
}

impl TimeFilter {
    /// Starts as what changes nothing, or as a temporal shift of half the channels each way.
    fn new(channels: usize, shifts: bool, device: &Device) -> Self {
        let moved = if shifts { channels / 2 } else { 0 };
        let tap = |channel| match channel {
            _ if channel < moved => 2,
            _ if channel < 2 * moved => 0,
            _ => 1,
        };
        let value = |index: usize| if tap(index % channels) == index / channels { 1.0 } else { 0.0 };
        let values: Vec<f32> = (0..TAPS * channels).map(value).collect();
        Self { weight: Param::from_tensor(Tensor::from_data(TensorData::new(values, [TAPS, 1, channels]), device)) }
    }

    /// Images of whole clips to the same shape.
    fn forward(&self, x: Tensor<4>, frames: usize) -> Tensor<4> {
        let [images, height, width, channels] = x.dims();
        let rows = ops::reshape(x, [images / frames, frames, height * width, channels]);
        let weight = ops::reshape(self.weight.val(), [TAPS, 1, 1, channels]);
        ops::reshape(ops::conv_time(rows, weight, channels), [images, height, width, channels])
    }
}

#[cfg(test)]
mod tests {
    use super::super::{RecognizerConfig, ResNetConfig};

    /// Parameters as in the published code, and the 35 billion multiply-adds of the paper's tables.
    #[test]
    fn the_published_network_has_the_known_size_and_work() {
        let cost = RecognizerConfig::tea(ResNetConfig::resnet50(), 174).cost(8, 224);
        assert_eq!(cost.parameters, 24_456_280);
        assert_eq!((cost.multiply_adds + 500_000_000) / 1_000_000_000, 35);
    }
}
