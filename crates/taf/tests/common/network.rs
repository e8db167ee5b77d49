//! The networks that tests go through, and those that the golden files are of.

use std::collections::HashMap;

use burn::tensor::TensorData;
use taf::model::{BlockKind, MobileNetV2Config, Recognizer, RecognizerConfig, ResNetConfig, load_state, published};
use taf_checkpoint::layout::Weight;

use super::golden::{Golden, fill};

/// Every golden file.
pub const KINDS: [&str; 8] = ["tsn", "tsm", "tsm_basic", "tam", "gst", "tea", "tpn", "mobilenet_tsm"];

/// The networks with a temporal module in every bottleneck. Their names are those of their golden files; `gst_large` has
/// none, and is made as a `gst` whose beta is 1.
pub fn of_bottlenecks(trunk: &ResNetConfig, classes: usize, frames: usize) -> Vec<(&'static str, RecognizerConfig)> {
    let trunk = || trunk.clone();
    vec![
        ("tam", RecognizerConfig::tam(trunk(), classes, frames)),
        ("gst", RecognizerConfig::gst(trunk(), classes)),
        ("gst_large", RecognizerConfig::gst_large(trunk(), classes)),
        ("tea", RecognizerConfig::tea(trunk(), classes)),
    ]
}

/// What builds the instance.
pub fn config(golden: &Golden) -> RecognizerConfig {
    let (width, classes) = (golden.meta("width"), golden.meta("classes"));
    let resnet = |block| ResNetConfig { block, layers: golden.meta("layers"), width };
    match golden.kind() {
        "tsn" => RecognizerConfig::tsn(resnet(BlockKind::Bottleneck), classes),
        "tsm" => RecognizerConfig::tsm(resnet(BlockKind::Bottleneck), classes),
        "tsm_basic" => RecognizerConfig::tsm(resnet(BlockKind::Basic), classes),
        "mobilenet_tsm" => RecognizerConfig::tsm(MobileNetV2Config { width }, classes),
        "tpn" => {
            let config = RecognizerConfig::tpn(resnet(BlockKind::Bottleneck), classes);
            RecognizerConfig { pyramid_groups: Some(golden.meta("groups")), ..config }
        }
        kind => {
            let name = if golden.find_meta("beta") == Some(1) { "gst_large" } else { kind };
            let all = of_bottlenecks(&resnet(BlockKind::Bottleneck), classes, golden.meta("frames"));
            all.into_iter().find(|(known, _)| *known == name).unwrap_or_else(|| panic!("no network is called {name}")).1
        }
    }
}

/// The network with the weights that PyTorch's had, which their published names make.
pub fn filled(golden: &Golden, model: Recognizer) -> Recognizer {
    let shapes: HashMap<String, Vec<usize>> = golden.meta("shapes");
    let parameters = published(&model);
    assert_eq!(parameters.len(), shapes.len(), "as many tensors as PyTorch's model");
    let filled = parameters.into_iter().map(|parameter| {
        let Weight { name, shape, .. } = &parameter.weight;
        let expected = shapes.get(name).unwrap_or_else(|| panic!("PyTorch's model has no {name}"));
        assert_eq!(shape, expected, "{name}");
        let data = parameter.take(TensorData::new(fill(name, shape), shape.clone()));
        (parameter.own, data)
    });
    let state = filled.collect();
    load_state(model, state).expect("every parameter has a published name, and the shapes agree")
}
