//! Every built-in network is a sound `VideoModel`, and a broken one is found out.

#[path = "../examples/bring_your_own_model.rs"]
#[allow(dead_code)]
mod bring_your_own_model;
mod common;

use burn::module::Module;
use burn::tensor::{Device, Int, Tensor};
use common::network;
use taf::conformance::{ClipSize, check};
use taf::model::{
    BlockKind, MobileNetV2Config, Pass, Recognizer, RecognizerConfig, ResNetConfig, VideoModel, VideoOutput,
    parameter_names,
};

const SIZE: ClipSize = ClipSize { frames: 4, side: 32 };
/// For networks of which four clips of [`SIZE`] would leave a handful of pixels to take statistics of.
const LARGE: ClipSize = ClipSize { frames: 4, side: 64 };

fn device() -> Device {
    Device::flex().autodiff()
}

fn small(block: BlockKind) -> ResNetConfig {
    ResNetConfig { block, layers: vec![1, 1, 1, 1], width: 8 }
}

fn without_dropout(config: RecognizerConfig) -> Recognizer {
    RecognizerConfig { dropout: 0.0, ..config }.init(&device(), 1)
}

#[test]
fn tsn_and_tsm_conform_on_both_kinds_of_blocks() {
    for block in [BlockKind::Basic, BlockKind::Bottleneck] {
        for config in [RecognizerConfig::tsn(small(block), 3), RecognizerConfig::tsm(small(block), 3)] {
            assert_eq!(check(without_dropout(config.clone()), SIZE), Vec::<String>::new(), "{config:?}");
        }
    }
}

#[test]
fn tsn_and_tsm_conform_on_mobilenet() {
    let trunk = MobileNetV2Config { width: 8 };
    for config in [RecognizerConfig::tsn(trunk.clone(), 3), RecognizerConfig::tsm(trunk, 3)] {
        let model = without_dropout(config.clone()).with_auxiliary_norms();
        assert_eq!(check(model, LARGE), Vec::<String>::new(), "{config:?}");
    }
}

#[test]
fn networks_of_bottlenecks_conform() {
    for (name, config) in network::of_bottlenecks(&small(BlockKind::Bottleneck), 3, SIZE.frames) {
        assert_eq!(check(without_dropout(config), SIZE), Vec::<String>::new(), "{name}");
    }
}

#[test]
fn tpn_conforms() {
    let model = without_dropout(RecognizerConfig::tpn(small(BlockKind::Bottleneck), 3)).with_auxiliary_norms();
    assert_eq!(check(model, LARGE), Vec::<String>::new());
}

#[test]
fn networks_with_auxiliary_norms_conform() {
    let tsm = ("tsm", RecognizerConfig::tsm(small(BlockKind::Basic), 3));
    let all = network::of_bottlenecks(&small(BlockKind::Bottleneck), 3, SIZE.frames).into_iter().chain([tsm]);
    for (name, config) in all {
        let plain = without_dropout(config);
        let norms = |model: &Recognizer, part| parameter_names(model).iter().filter(|name| name.contains(part)).count();
        let main = norms(&plain, ".main.");
        let model = plain.with_auxiliary_norms();
        assert_eq!(norms(&model, ".auxiliary."), main, "every norm has the branch: {name}");
        assert_eq!(check(model, SIZE), Vec::<String>::new(), "{name}");
    }
}

#[test]
#[should_panic(expected = "frames of the clips, and those the temporal adaptive module is made for")]
fn tam_refuses_clips_of_another_length() {
    let model = without_dropout(RecognizerConfig::tam(small(BlockKind::Bottleneck), 3, 8));
    model.forward(Tensor::zeros([1, 4, 3, 32, 32], &Device::flex()), &mut Pass::inference());
}

#[test]
fn the_network_of_the_example_conforms() {
    let model = bring_your_own_model::Small3d::new(10, &device());
    assert_eq!(check(model, ClipSize { frames: 8, side: 32 }), Vec::<String>::new());
}

/// A network that mixes the clips of a batch, and whose classifier nobody finds.
#[derive(Module, Debug)]
struct Careless {
    inner: Recognizer,
    #[module(skip)]
    claimed_classes: usize,
}

impl VideoModel for Careless {
    fn forward(&self, clips: Tensor<5>, pass: &mut Pass) -> VideoOutput {
        let output = self.inner.forward(clips, pass);
        VideoOutput { logits: output.logits.clone() - output.logits.mean_dim(0), ..output }
    }

    fn cam_weights(&self, output: &VideoOutput, classes: Tensor<1, Int>) -> Tensor<2> {
        self.inner.cam_weights(output, classes)
    }

    fn classes(&self) -> usize {
        self.claimed_classes
    }
}

#[test]
fn a_careless_network_is_found_out() {
    let failures = |claimed_classes| {
        let inner = without_dropout(RecognizerConfig::tsn(small(BlockKind::Basic), 3));
        check(Careless { inner, claimed_classes }, SIZE).join("\n")
    };
    let found = failures(3);
    for sentence in ["depends on the other clips", "is_head names no parameter"] {
        assert!(found.contains(sentence), "{sentence:?} among:\n{found}");
    }
    assert!(failures(2).contains("classes() is 2"), "{}", failures(2));
}
