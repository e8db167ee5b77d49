//! What a network costs, counted without building it.

use super::adaptive::{HIDDEN_PER_FRAME, SQUEEZE, TAPS};
use super::mobilenet::Plan;
use super::{BlockKind, MobileNetV2Config, RecognizerConfig, ResNetConfig, Temporal, TpnConfig, TrunkConfig};

/// Size and work of a network.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Cost {
    /// Weights that training changes; no running statistics, no auxiliary branch of norms.
    pub parameters: usize,
    /// Those of them that inference does without: TPN's auxiliary classifier.
    pub training_parameters: usize,
    /// Multiplications with additions for classifying one clip, in convolutions and linear layers alone, as publications
    /// count them.
    pub multiply_adds: u64,
}

impl RecognizerConfig {
    /// What the network costs for clips of `frames` pictures of `size` by `size` pixels, counted without building it.
    pub fn cost(&self, frames: usize, size: usize) -> Cost {
        let mut count = Count::new(frames, size);
        match &self.trunk {
            TrunkConfig::ResNet(config) => count.resnet(config, self.temporal),
            TrunkConfig::MobileNetV2(config) => count.mobilenet(config),
        }
        if let Some(neck) = self.neck() {
            count.pyramid(&neck);
        }
        // The classifier sees each frame that is left, and has a bias.
        count.side = 1;
        count.conv(1, [self.trunk.channels_out(), self.classes]);
        count.cost.parameters += self.classes;
        count.cost
    }
}

/// A walk through a network.
struct Count {
    cost: Cost,
    frames: usize,
    /// Height and width where the walk stands.
    side: usize,
}

impl Count {
    fn new(frames: usize, side: usize) -> Self {
        Self { cost: Cost::default(), frames, side }
    }

    /// A convolution of so many taps, computed at every pixel of the current side.
    fn conv(&mut self, taps: usize, [channels_in, channels_out]: [usize; 2]) {
        let weights = taps * channels_in * channels_out;
        self.cost.parameters += weights;
        self.cost.multiply_adds += (weights * self.frames * self.side * self.side) as u64;
    }

    fn unit(&mut self, taps: usize, channels: [usize; 2]) {
        self.conv(taps, channels);
        self.norm(channels[1]);
    }

    fn norm(&mut self, channels: usize) {
        self.cost.parameters += 2 * channels;
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
        self.cost.parameters += kernels + gates;
        self.norm(units);
        self.norm(few);
        // The kernels are made for each channel, the gates for each frame; the filter reads three frames at each pixel.
        let filter = TAPS * channels * self.side * self.side * self.frames;
        self.cost.multiply_adds += (kernels * channels + gates * self.frames + filter) as u64;
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

    fn pyramid(&mut self, config: &TpnConfig) {
        let TpnConfig { channels: few, groups, classes, .. } = *config;
        let many = 2 * few;
        self.unit(9, [few, many]);
        for _level in 0..2 {
            self.conv(3, [many / groups, few]);
        }
        // The maximum over time leaves one frame.
        self.frames = 1;
        self.conv(3, [few, few]);
        for _flow in 0..2 {
            self.unit(1, [few / groups, few]);
            self.unit(1, [few / groups, few]);
            self.unit(1, [many, many]);
        }
        self.unit(1, [2 * many, many]);
        self.auxiliary([few, many], classes);
    }

    /// Counted as parameters, but not as work: inference does without it.
    fn auxiliary(&mut self, [few, many]: [usize; 2], classes: usize) {
        let parameters = 9 * few * many + 2 * many + (many + 1) * classes;
        self.cost.parameters += parameters;
        self.cost.training_parameters = parameters;
    }
}

#[cfg(test)]
mod tests {
    use super::super::{
        BlockKind, MobileNetV2Config, Pass, RecognizerConfig, ResNetConfig, VideoModel, num_parameters,
    };
    use crate::profile::record;
    use burn::tensor::{Device, Tensor};

    /// What is known of the published networks: parameters, and the multiply-adds of a clip for 174 classes in units of 10
    /// million.
    fn published(frames: usize, classes: usize) -> [(RecognizerConfig, usize, u64); 4] {
        let longer = (frames / 8) as u64;
        let trunk = ResNetConfig::resnet50;
        let of = |eight: usize| eight - (174 - classes) * 2049;
        let tam = if frames == 16 { 25_134_670 } else { 25_127_246 };
        [
            (RecognizerConfig::tsm(trunk(), classes), of(23_864_558), 3270 * longer),
            (RecognizerConfig::gst(trunk(), classes), of(21_035_246), 2900 * longer),
            (RecognizerConfig::gst_large(trunk(), classes), of(29_523_182), 4010 * longer),
            (RecognizerConfig::tam(trunk(), classes, frames), of(tam), if frames == 16 { 6551 } else { 3276 }),
        ]
    }

    #[test]
    fn the_published_networks_have_the_known_size_and_work() {
        for (frames, classes) in [(8, 174), (16, 174), (8, 48)] {
            for (config, parameters, work) in published(frames, classes) {
                let cost = config.cost(frames, 224);
                assert_eq!(cost.parameters, parameters, "{:?}, {frames} frames, {classes} classes", config.temporal);
                let found = (cost.multiply_adds + 5_000_000) / 10_000_000;
                assert!(classes != 174 || found == work, "{found} for {:?}, {frames} frames", config.temporal);
            }
        }
    }

    #[test]
    fn the_work_is_that_of_the_sizes_published_for_256_pixels() {
        let work = |config: RecognizerConfig, frames| (config.cost(frames, 256).multiply_adds + 5_000_000) / 10_000_000;
        let trunk = ResNetConfig::resnet50;
        assert_eq!(work(RecognizerConfig::tsm(trunk(), 174), 8), 4271);
        assert_eq!(work(RecognizerConfig::tam(trunk(), 174, 8), 8), 4278);
        assert_eq!(work(RecognizerConfig::tam(trunk(), 174, 16), 16), 8556);
        let deep = RecognizerConfig::tsm(ResNetConfig::resnet101(), 174).cost(8, 224);
        assert_eq!((deep.parameters, (deep.multiply_adds + 5_000_000) / 10_000_000), (42_856_686, 6240));
    }

    #[test]
    fn a_pyramid_and_a_mobile_network_have_the_known_size_and_work() {
        let tpn = |classes| RecognizerConfig::tpn(ResNetConfig::resnet50(), classes).cost(8, 224);
        let cost = tpn(174);
        assert_eq!((cost.parameters, cost.parameters - cost.training_parameters), (82_445_724, 63_210_734));
        assert_eq!((cost.multiply_adds + 5_000_000) / 10_000_000, 4123);
        assert_eq!(tpn(48).parameters, 81_929_376);
        // torchvision's MobileNetV2 has 3 504 872, of which 1 281 000 are the classifier of ImageNet; the paper's computes
        // 300 million for a picture.
        let mobile = RecognizerConfig::tsm(MobileNetV2Config::default(), 174).cost(8, 224);
        assert_eq!(mobile.parameters, 2_223_872 + 1281 * 174);
        assert_eq!((mobile.multiply_adds / 8 + 5_000_000) / 10_000_000, 30);
    }

    #[test]
    fn the_work_counted_is_the_work_done() {
        let trunk = || ResNetConfig { block: BlockKind::Bottleneck, layers: vec![1, 1, 1, 1], width: 8 };
        for config in [
            RecognizerConfig::tsm(trunk(), 5),
            RecognizerConfig::gst(trunk(), 5),
            RecognizerConfig::tpn(trunk(), 5),
            RecognizerConfig::tsm(MobileNetV2Config { width: 8 }, 5),
        ] {
            let model = config.init(&Device::flex(), 0);
            let clips = Tensor::zeros([1, 4, 3, 64, 64], &Device::flex());
            let (_, profile) = record(|| model.forward(clips, &mut Pass::inference()));
            let classifier = (4 * config.trunk.channels_out() * config.classes) as u64;
            let (done, counted) = (profile.flops() / 2, config.cost(4, 64).multiply_adds);
            assert!(counted >= done && counted - done <= classifier, "{counted} counted, {done} done: {config:?}");
        }
    }

    #[test]
    fn as_many_parameters_are_counted_as_a_network_has() {
        let small = |block| ResNetConfig { block, layers: vec![2, 1, 1], width: 16 };
        let bottlenecks = || small(BlockKind::Bottleneck);
        for config in [
            RecognizerConfig::tsn(small(BlockKind::Basic), 5),
            RecognizerConfig::tsm(bottlenecks(), 5),
            RecognizerConfig::tam(bottlenecks(), 5, 6),
            RecognizerConfig::gst(bottlenecks(), 5),
            RecognizerConfig::gst_large(bottlenecks(), 5),
            RecognizerConfig::tpn(bottlenecks(), 5),
            RecognizerConfig::tsm(MobileNetV2Config { width: 8 }, 5),
            RecognizerConfig::tsm(MobileNetV2Config { width: 48 }, 5),
        ] {
            let model = config.init(&Device::flex(), 1);
            assert_eq!(config.cost(6, 64).parameters, num_parameters(&model), "{config:?}");
        }
    }
}
