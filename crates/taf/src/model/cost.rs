//! What a network costs, counted without building it.

use super::adaptive::{HIDDEN_PER_FRAME, SQUEEZE, TAPS};
use super::mobilenet::Plan;
use super::{BlockKind, MobileNetV2Config, RecognizerConfig, ResNetConfig, Temporal, TpnConfig, TrunkConfig};

impl RecognizerConfig {
    /// Weights of the network, running statistics not counted, without building anything.
    pub fn num_parameters(&self) -> usize {
        let auxiliary = self.neck().map_or(0, |neck| neck.num_auxiliary_parameters());
        self.count(1, 1).parameters + auxiliary
    }

    /// [`RecognizerConfig::num_parameters`] without those that only training uses.
    pub fn num_inference_parameters(&self) -> usize {
        self.count(1, 1).parameters
    }

    /// Multiplications with additions it takes to classify a clip of `frames` pictures of `size` by `size` pixels, in
    /// convolutions and linear layers alone, as publications count them.
    pub fn multiply_adds(&self, frames: usize, size: usize) -> u64 {
        self.count(frames, size).multiply_adds
    }

    fn count(&self, frames: usize, size: usize) -> Count {
        let mut count = Count { parameters: 0, multiply_adds: 0, frames, side: size };
        match &self.trunk {
            TrunkConfig::ResNet(config) => count.resnet(config, self.temporal),
            TrunkConfig::MobileNetV2(config) => count.mobilenet(config),
        }
        if let Some(config) = self.neck() {
            count.neck(&config);
        }
        count.classifier([self.trunk.channels_out(), self.classes]);
        count
    }
}

/// A walk through a network.
struct Count {
    parameters: usize,
    multiply_adds: u64,
    /// Where the walk stands.
    frames: usize,
    side: usize,
}

impl Count {
    /// A convolution of so many taps, computed at every pixel of every frame.
    fn conv(&mut self, taps: usize, [channels_in, channels_out]: [usize; 2]) {
        let weights = taps * channels_in * channels_out;
        self.parameters += weights;
        self.multiply_adds += (weights * self.frames * self.side * self.side) as u64;
    }

    fn unit(&mut self, taps: usize, channels: [usize; 2]) {
        self.conv(taps, channels);
        self.norm(channels[1]);
    }

    fn norm(&mut self, channels: usize) {
        self.parameters += 2 * channels;
    }

    /// What a window of odd size with padding leaves of the side.
    fn stride(&mut self, stride: usize) {
        self.side = self.side.div_ceil(stride);
    }

    fn resnet(&mut self, config: &ResNetConfig, temporal: Temporal) {
        self.stride(2);
        self.unit(7 * 7, [3, config.width]);
        self.stride(2);
        let mut channels = config.width;
        for (stage, &blocks) in config.layers.iter().enumerate() {
            let planes = config.width << stage;
            let out = planes * config.block.expansion();
            for block in 0..blocks {
                let stride = if block == 0 && stage > 0 { 2 } else { 1 };
                match config.block {
                    BlockKind::Basic => self.basic([channels, planes], stride),
                    BlockKind::Bottleneck => self.bottleneck([channels, planes, out], stride, temporal),
                }
                if stride != 1 || channels != out {
                    self.unit(1, [channels, out]);
                }
                channels = out;
            }
        }
    }

    fn basic(&mut self, [channels, planes]: [usize; 2], stride: usize) {
        self.stride(stride);
        self.unit(9, [channels, planes]);
        self.unit(9, [planes, planes]);
    }

    fn bottleneck(&mut self, [channels, planes, out]: [usize; 3], stride: usize, temporal: Temporal) {
        self.unit(1, [channels, planes]);
        if let Temporal::Adaptive { frames } = temporal {
            self.adaptive(planes, frames);
        }
        self.stride(stride);
        match temporal {
            Temporal::Grouped(grouping) => {
                let ([space, time], inputs) = (grouping.outputs(planes), grouping.inputs(planes));
                self.conv(9, [inputs, space]);
                self.conv(27, [inputs, time]);
                self.norm(planes);
            }
            _ => self.unit(9, [planes, planes]),
        }
        self.unit(1, [planes, out]);
    }

    fn adaptive(&mut self, channels: usize, frames: usize) {
        let (units, few) = (HIDDEN_PER_FRAME * frames, channels / SQUEEZE);
        let kernels = units * frames + TAPS * units;
        let gates = (TAPS + 1) * channels * few;
        self.parameters += kernels + gates;
        self.norm(units);
        self.norm(few);
        // The kernels are made for each channel, the gates for each frame; the filter reads three frames at each pixel.
        let filter = TAPS * channels * self.side * self.side * self.frames;
        self.multiply_adds += (kernels * channels + gates * self.frames + filter) as u64;
    }

    fn mobilenet(&mut self, config: &MobileNetV2Config) {
        self.stride(2);
        self.unit(9, [3, config.width]);
        let mut channels = config.width;
        for Plan { channels: [from, to], hidden, stride } in config.blocks() {
            if hidden > from {
                self.unit(1, [from, hidden]);
            }
            self.stride(stride);
            self.unit(9, [1, hidden]);
            self.unit(1, [hidden, to]);
            channels = to;
        }
        self.unit(1, [channels, config.channels_out()]);
    }

    fn neck(&mut self, config: &TpnConfig) {
        let (few, many, groups) = (config.channels, 2 * config.channels, config.groups);
        self.unit(9, [few, many]);
        for _ in 0..2 {
            self.conv(3, [many / groups, few]);
        }
        // Nothing is left of time behind the greatest answer of the clip.
        self.frames = 1;
        self.conv(3, [few, few]);
        for _ in 0..2 {
            self.unit(1, [few / groups, few]);
            self.unit(1, [few / groups, few]);
            self.unit(1, [2 * few, many]);
        }
        self.unit(1, [2 * many, many]);
    }

    /// It sees each frame, and has a bias.
    fn classifier(&mut self, channels: [usize; 2]) {
        self.side = 1;
        self.conv(1, channels);
        self.parameters += channels[1];
    }
}
