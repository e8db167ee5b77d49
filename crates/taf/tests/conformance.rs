//! Every built-in network is a sound `VideoModel`, and a broken one is found out.

#[path = "../examples/bring_your_own_model.rs"]
#[allow(dead_code)]
mod bring_your_own_model;

use burn::module::Module;
use burn::tensor::{Device, Int, Tensor};
use taf::conformance::{ClipSize, check};
use taf::model::{BlockKind, Pass, Recognizer, RecognizerConfig, ResNetConfig, VideoModel, VideoOutput};

const SIZE: ClipSize = ClipSize { frames: 4, side: 32 };

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
fn a_network_with_auxiliary_norms_conforms() {
    let model = without_dropout(RecognizerConfig::tsm(small(BlockKind::Basic), 3)).with_auxiliary_norms();
    assert_eq!(check(model, SIZE), Vec::<String>::new());
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
