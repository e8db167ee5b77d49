//! Sizes of the networks against those of the published ones.

use burn::tensor::{Device, Tensor};
use taf::model::{BlockKind, MobileNetV2Config, Pass, Recognizer, RecognizerConfig, ResNetConfig, VideoModel, shapes};
use taf::profile::record;

/// Of Something-Something.
const CLASSES: usize = 174;

/// Weights of a built network, running statistics not counted.
fn weights(model: &Recognizer, wanted: impl Fn(&str) -> bool) -> usize {
    let shapes = shapes(model).into_iter().filter(|(name, _)| !name.contains(".running_") && wanted(name));
    shapes.map(|(_, shape)| shape.iter().product::<usize>()).sum()
}

#[test]
fn networks_have_as_many_weights_as_the_published_ones() {
    let tsm = RecognizerConfig::tsm(ResNetConfig::resnet50(), CLASSES);
    let tpn = RecognizerConfig::tpn(ResNetConfig::resnet50(), CLASSES);
    // torchvision's MobileNetV2 has 3 504 872, of which 1 281 000 are the classifier of ImageNet.
    let mobile = RecognizerConfig::tsm(MobileNetV2Config::default(), CLASSES);
    for (config, expected) in [(tsm, 23_864_558), (tpn.clone(), 82_445_724), (mobile, 2_223_872 + 1281 * CLASSES)] {
        assert_eq!(config.num_parameters(), expected, "{config:?}");
    }
    assert_eq!(tpn.num_inference_parameters(), 63_210_734);
    assert_eq!(RecognizerConfig { classes: 48, ..tpn }.num_parameters(), 81_929_376);
}

#[test]
fn weights_are_counted_without_building_the_network() {
    let bottlenecks = ResNetConfig { block: BlockKind::Bottleneck, layers: vec![1, 2, 1, 1], width: 8 };
    let configs = [
        RecognizerConfig::tpn(bottlenecks.clone(), 5),
        RecognizerConfig::tsm(bottlenecks, 5),
        RecognizerConfig::tsm(MobileNetV2Config { width: 8 }, 5),
        RecognizerConfig::tsm(MobileNetV2Config { width: 48 }, 5),
    ];
    for config in configs {
        let model = config.init(&Device::flex(), 0);
        assert_eq!(weights(&model, |_| true), config.num_parameters(), "{config:?}");
        let inference = weights(&model, |name| !name.starts_with("neck.auxiliary."));
        assert_eq!(inference, config.num_inference_parameters(), "{config:?}");
    }
}

/// Of convolutions alone; the classifiers add less than a million.
fn multiply_adds(config: &RecognizerConfig) -> f64 {
    let model = config.init(&Device::flex(), 0);
    let clips = Tensor::zeros([1, 8, 3, 224, 224], &Device::flex());
    let (_, profile) = record(|| model.forward(clips, &mut Pass::inference()));
    profile.flops() as f64 / 2.0
}

#[test]
fn a_clip_of_eight_frames_costs_what_it_costs_in_the_published_networks() {
    let tpn = multiply_adds(&RecognizerConfig::tpn(ResNetConfig::resnet50(), CLASSES));
    assert_eq!((tpn / 1e7).round() / 100.0, 41.23, "TPN computes {tpn}");
    // The MobileNetV2 of the paper computes 300 million for a picture, its classifier included.
    let mobile = multiply_adds(&RecognizerConfig::tsm(MobileNetV2Config::default(), CLASSES)) / 8.0;
    assert_eq!((mobile / 1e7).round(), 30.0, "MobileNetV2 computes {mobile} for a picture");
}
