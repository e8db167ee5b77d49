//! Sizes of the networks against those of the published ones.

use burn::tensor::{Device, Tensor};
use taf::model::{
    BlockKind, MobileNetV2Config, Pass, RecognizerConfig, ResNetConfig, Temporal, VideoModel, num_parameters, shapes,
};
use taf::profile::record;

/// Of Something-Something.
const CLASSES: usize = 174;

/// A published network with what is known of it.
struct Known {
    config: RecognizerConfig,
    parameters: usize,
    /// In billions to two digits: frames, side, multiply-adds.
    work: &'static [(usize, usize, f64)],
}

fn published() -> Vec<Known> {
    let trunk = ResNetConfig::resnet50;
    let known = |config, parameters, work| Known { config, parameters, work };
    vec![
        known(
            RecognizerConfig::tsm(trunk(), CLASSES),
            23_864_558,
            &[(8, 224, 32.70), (16, 224, 65.40), (8, 256, 42.71), (16, 256, 85.42)],
        ),
        known(RecognizerConfig::tsm(ResNetConfig::resnet101(), CLASSES), 42_856_686, &[(8, 224, 62.40)]),
        known(RecognizerConfig::gst(trunk(), CLASSES), 21_035_246, &[(8, 224, 29.00), (16, 224, 58.00)]),
        known(RecognizerConfig::gst_large(trunk(), CLASSES), 29_523_182, &[(8, 224, 40.10), (16, 224, 80.20)]),
        known(RecognizerConfig::tam(trunk(), CLASSES, 8), 25_127_246, &[(8, 224, 32.76), (8, 256, 42.78)]),
        known(RecognizerConfig::tam(trunk(), CLASSES, 16), 25_134_670, &[(16, 224, 65.51), (16, 256, 85.56)]),
        known(
            RecognizerConfig::tpn(trunk(), CLASSES),
            82_445_724,
            &[(8, 224, 41.23), (16, 224, 81.48), (8, 256, 53.86), (16, 256, 106.43)],
        ),
        // torchvision's MobileNetV2 has 3 504 872, of which 1 281 000 are the classifier of ImageNet; the paper's computes
        // 300 million for a picture.
        known(
            RecognizerConfig::tsm(MobileNetV2Config::default(), CLASSES),
            2_223_872 + 1281 * CLASSES,
            &[(1, 224, 0.30)],
        ),
    ]
}

#[test]
fn networks_have_as_many_weights_as_the_published_ones() {
    for Known { config, parameters, .. } in published() {
        assert_eq!(config.num_parameters(), parameters, "{config:?}");
    }
    // Of Diving48.
    let trunk = ResNetConfig::resnet50;
    for (config, parameters) in [
        (RecognizerConfig::tsm(trunk(), 48), 23_606_384),
        (RecognizerConfig::gst(trunk(), 48), 20_777_072),
        (RecognizerConfig::gst_large(trunk(), 48), 29_265_008),
        (RecognizerConfig::tam(trunk(), 48, 8), 24_869_072),
        (RecognizerConfig::tpn(trunk(), 48), 81_929_376),
    ] {
        assert_eq!(config.num_parameters(), parameters, "{config:?}");
    }
    assert_eq!(RecognizerConfig::tpn(trunk(), CLASSES).num_inference_parameters(), 63_210_734);
}

#[test]
fn a_clip_costs_what_it_costs_in_the_published_networks() {
    for Known { config, work, .. } in published() {
        for &(frames, side, billions) in work {
            let found = (config.multiply_adds(frames, side) as f64 / 1e7).round() / 100.0;
            assert_eq!(found, billions, "{frames} frames of {side}x{side}: {config:?}");
        }
    }
}

fn small() -> Vec<RecognizerConfig> {
    let trunk = |block| ResNetConfig { block, layers: vec![1, 2, 1, 1], width: 8 };
    let bottlenecks = || trunk(BlockKind::Bottleneck);
    vec![
        RecognizerConfig::tsn(trunk(BlockKind::Basic), 5),
        RecognizerConfig::tsm(bottlenecks(), 5),
        RecognizerConfig::gst(bottlenecks(), 5),
        RecognizerConfig::gst_large(bottlenecks(), 5),
        RecognizerConfig::tpn(bottlenecks(), 5),
        RecognizerConfig::tsm(MobileNetV2Config { width: 8 }, 5),
        RecognizerConfig::tsm(MobileNetV2Config { width: 48 }, 5),
        RecognizerConfig::tam(bottlenecks(), 5, FRAMES),
    ]
}

const FRAMES: usize = 6;

#[test]
fn weights_are_counted_without_building_the_network() {
    for config in small() {
        let model = config.init(&Device::flex(), 0);
        assert_eq!(num_parameters(&model), config.num_parameters(), "{config:?}");
        let with_branches = model.clone().with_auxiliary_norms();
        assert_eq!(num_parameters(&with_branches), config.num_parameters(), "{config:?}");
        let only_training = shapes(&model).into_iter().filter(|(name, _)| name.starts_with("neck.auxiliary."));
        let only_training = only_training.filter(|(name, _)| !name.contains(".running_"));
        let only_training: usize = only_training.map(|(_, shape)| shape.iter().product::<usize>()).sum();
        assert_eq!(config.num_parameters() - only_training, config.num_inference_parameters(), "{config:?}");
    }
}

#[test]
fn the_convolutions_that_are_counted_are_those_that_are_computed() {
    const SIDE: usize = 72;
    for config in small() {
        let model = config.init(&Device::flex(), 0);
        let clips = Tensor::zeros([1, FRAMES, 3, SIDE, SIDE], &Device::flex());
        let (_, profile) = record(|| model.forward(clips, &mut Pass::inference()));
        // Classifiers see every frame in what is counted, but are applied once, as linear layers, and TAM's filter is none.
        let others = config.multiply_adds(FRAMES, SIDE) - profile.flops() / 2;
        let frames = if config.pyramid_groups.is_some() { 1 } else { FRAMES };
        let classifier = (frames * config.trunk.channels_out() * config.classes) as u64;
        let filter: u64 = match config.temporal {
            // Stages of 1, 2, 1 and 1 blocks, whose first filter sees the side of the stage before.
            Temporal::Adaptive { .. } => {
                let pixels = 8 * 18 * 18 + 16 * (18 * 18 + 9 * 9) + 32 * 9 * 9 + 64 * 5 * 5;
                (3 * FRAMES * pixels) as u64
            }
            _ => 0,
        };
        assert_eq!(others, classifier + filter, "{config:?}");
    }
}
