//! ONNX files of the golden instances. `TAF_ONNX_DIR` keeps them, for `parity/test_onnx.py` to run.

#[path = "../examples/bring_your_own_model.rs"]
#[allow(dead_code)]
mod bring_your_own_model;
mod common;

use std::collections::{BTreeMap, HashSet};
use std::path::Path;

use burn::module::Module;
use burn::nn::{Linear, LinearConfig};
use burn::tensor::{Device, Int, Tensor};
use common::golden::Golden;
use common::network::{KINDS, config, filled};
use prost::Message;
use taf::model::{
    MobileNetV2Config, Pass, PixelNorm, Recognizer, RecognizerConfig, Temporal, VideoModel, VideoOutput, cost,
};
use taf::onnx::proto::{FLOAT, GraphProto, ModelProto, TensorProto};
use taf::onnx::{Description, to_onnx, write_onnx};
use taf::ops::{self, ConvOptions};

/// The instance with its weights made from their names, and its description.
fn instance(kind: &str) -> (Recognizer, Description) {
    let golden = Golden::read(kind, "onnx");
    let config = RecognizerConfig { pixels: PixelNorm::IDENTITY, ..config(&golden) };
    (filled(&golden, config.init(&Device::flex(), 0)), described(&config, kind, golden.meta("frames")))
}

fn described(config: &RecognizerConfig, name: &str, frames: usize) -> Description {
    let classes = (0..config.classes).map(|class| format!("class \"{class}\"")).collect();
    Description { name: name.to_owned(), frames, side: None, classes }
}

fn graph<M: VideoModel>(model: &M, description: &Description) -> GraphProto {
    to_onnx(model, description).expect("the pass can be followed").graph.expect("a graph")
}

/// The graph of a golden instance.
fn instance_graph(kind: &str) -> GraphProto {
    let (model, description) = instance(kind);
    graph(&model, &description)
}

fn operators(graph: &GraphProto) -> BTreeMap<&str, usize> {
    let mut counts = BTreeMap::new();
    graph.node.iter().for_each(|node| *counts.entry(node.op_type.as_str()).or_default() += 1);
    counts
}

fn initializer<'a>(graph: &'a GraphProto, name: &str) -> &'a TensorProto {
    graph.initializer.iter().find(|tensor| tensor.name == name).unwrap_or_else(|| panic!("the graph holds {name}"))
}

#[test]
fn every_kind_is_written_and_read_back_the_same() {
    let temporary = tempfile::tempdir().unwrap();
    let kept = std::env::var_os("TAF_ONNX_DIR");
    let folder = kept.as_ref().map_or(temporary.path(), Path::new);
    for kind in KINDS {
        let (model, description) = instance(kind);
        let path = folder.join(format!("{kind}.onnx"));
        let bytes = write_onnx(&path, &model, &description).unwrap();
        let written = std::fs::read(&path).unwrap();
        assert_eq!(written.len(), bytes, "{kind}");
        let read = ModelProto::decode(written.as_slice()).unwrap();
        assert_eq!(read, to_onnx(&model, &description).unwrap(), "{kind}");
    }
}

#[test]
fn names_are_defined_once_and_before_they_are_read() {
    for kind in KINDS {
        let graph = instance_graph(kind);
        let mut known = HashSet::new();
        let given = graph.input.iter().map(|input| &input.name).chain(graph.initializer.iter().map(|t| &t.name));
        given.for_each(|name| assert!(known.insert(name.clone()), "{kind}: {name} twice"));
        for node in &graph.node {
            node.input.iter().for_each(|name| assert!(known.contains(name), "{kind}: {name} too early"));
            node.output.iter().for_each(|name| assert!(known.insert(name.clone()), "{kind}: {name} twice"));
        }
        assert!(graph.output.iter().all(|output| known.contains(&output.name)), "{kind}");
    }
}

#[test]
fn initialisers_hold_as_many_bytes_as_their_shapes_say() {
    for kind in KINDS {
        for TensorProto { dims, data_type, name, raw_data } in instance_graph(kind).initializer {
            let size = if data_type == FLOAT { 4 } else { 8 };
            assert_eq!(raw_data.len() as i64, size * dims.iter().product::<i64>(), "{kind}: {name}");
        }
    }
}

#[test]
fn norms_disappear_into_convolutions() {
    // Blocks per stage 1, 2, 1, 1; stem, three or two units per block, a projection per stage.
    for (kind, convolutions) in [("tsn", 20), ("tsm", 20), ("tsm_basic", 14)] {
        let graph = instance_graph(kind);
        let counts = operators(&graph);
        assert_eq!(counts["Conv"], convolutions, "{kind}");
        assert!(!counts.contains_key("BatchNormalization") && !counts.contains_key("Mul"), "{kind}");
    }
}

#[test]
fn every_block_of_tsm_shifts_and_none_of_tsn() {
    assert_eq!(operators(&instance_graph("tsm"))["Pad"], 2 * 5);
    assert!(!operators(&instance_graph("tsn")).contains_key("Pad"));
}

#[test]
fn deep_trunks_shift_every_other_block() {
    let config =
        RecognizerConfig { temporal: Temporal::Shift { divisor: 8, every: 2 }, ..config(&Golden::read("tsm", "onnx")) };
    let graph = graph(&config.init(&Device::flex(), 0), &described(&config, "tsm", 4));
    assert_eq!(operators(&graph)["Pad"], 2 * 4);
}

#[test]
fn gst_keeps_three_dimensions_only_where_time_is_seen() {
    let graph = instance_graph("gst");
    assert_eq!(initializer(&graph, "base_model.layer1.0.conv2.weight").dims, [12, 8, 3, 3]);
    assert_eq!(initializer(&graph, "base_model.layer1.0.Tconv.weight").dims, [4, 8, 3, 3, 3]);
}

#[test]
fn tpn_drops_its_auxiliary_head() {
    let graph = instance_graph("tpn");
    assert!(graph.initializer.iter().any(|tensor| tensor.name == "necks.pyramid_fusion_op.0.weight"));
    assert!(graph.initializer.iter().all(|tensor| !tensor.name.contains("aux_head")));
}

#[test]
fn an_auxiliary_branch_of_norms_changes_nothing() {
    for kind in KINDS {
        let (model, description) = instance(kind);
        let branched = to_onnx(&model.clone().with_auxiliary_norms(), &description).unwrap();
        assert!(branched == to_onnx(&model, &description).unwrap(), "{kind}");
    }
}

#[test]
fn blocks_of_mobilenet_that_keep_channels_and_sides_add_their_input() {
    // Where the network is so narrow that its first block has as many channels as the stem, that one too; but without a
    // first convolution there is nothing to shift in front of.
    for (width, shortcuts) in [(8, 11), (16, 10)] {
        let config = RecognizerConfig::tsm(MobileNetV2Config { width }, 5);
        let graph = graph(&config.init(&Device::flex(), 0), &described(&config, "it", 4));
        let counts = operators(&graph);
        assert_eq!((counts["Add"], counts["Pad"]), (shortcuts, 2 * 10), "width {width}");
    }
}

#[test]
fn the_shortcuts_of_tpn_see_what_those_of_its_repository_or_of_mmaction2_see() {
    let ours = config(&Golden::read("tpn", "onnx"));
    let theirs = RecognizerConfig { temporal: Temporal::Shift { divisor: 8, every: 1 }, ..ours.clone() };
    for (config, same) in [(&ours, true), (&theirs, false)] {
        let graph = graph(&config.init(&Device::flex(), 0), &described(config, "it", 4));
        let reads = |name: &str| {
            let name = format!("backbone.layer2.0.{name}");
            graph.node.iter().find(|node| node.name == name).expect("the block projects").input[0].clone()
        };
        assert_eq!(reads("conv1") == reads("downsample.0"), same, "{:?}", config.temporal);
    }
}

#[test]
fn clips_that_are_too_short_long_small_or_large_are_refused() {
    let (tsm, description) = instance("tsm");
    let fault = |description: Description| to_onnx(&tsm, &description).err().map(|error| error.to_string());
    for frames in [0, 513, usize::MAX] {
        let expected = format!("frames must lie between 1 and 512, got {frames}");
        assert_eq!(fault(Description { frames, ..description.clone() }), Some(expected));
    }
    for side in [31, 2049, usize::MAX] {
        let expected = format!("the clips' side must lie between 32 and 2048, got {side}");
        assert_eq!(fault(Description { side: Some(side), ..description.clone() }), Some(expected));
    }
    assert_eq!(fault(Description { frames: 512, side: Some(2048), ..description.clone() }), None);
    assert_eq!(fault(Description { frames: 1, ..description }), None);
}

#[test]
fn the_file_says_what_it_is() {
    let (tsm, description) = instance("tsm");
    let model = to_onnx(&tsm, &description).unwrap();
    let of = |key: &str| &model.metadata_props.iter().find(|entry| entry.key == key).unwrap().value;
    assert_eq!(serde_json::from_str::<Vec<String>>(of("classes")).unwrap(), description.classes);
    assert_eq!((model.producer_name.as_str(), of("model").as_str(), of("frames").as_str()), ("taf", "tsm", "4"));
}

#[test]
fn pixels_are_normalised_as_the_network_asks() {
    let config = RecognizerConfig { pixels: PixelNorm::IMAGENET, ..config(&Golden::read("tsn", "onnx")) };
    let graph = graph(&config.init(&Device::flex(), 0), &described(&config, "tsn", 4));
    let values = |name: &str| -> Vec<f32> {
        let bytes = initializer(&graph, name).raw_data.chunks_exact(4);
        bytes.map(|bytes| f32::from_le_bytes(bytes.try_into().unwrap())).collect()
    };
    assert_eq!(values("pixels.mean"), PixelNorm::IMAGENET.mean);
    assert_eq!(values("pixels.std"), PixelNorm::IMAGENET.std);
}

#[test]
fn a_wrong_number_of_class_names_is_refused() {
    let (tsm, description) = instance("tsm");
    let error = to_onnx(&tsm, &Description { classes: vec!["one".into()], ..description }).unwrap_err();
    assert_eq!(error.to_string(), "class names must name the classifier's 7 classes, got 1");
}

#[test]
fn a_failed_export_leaves_no_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.onnx");
    let (tsm, description) = instance("tsm");
    write_onnx(&path, &tsm, &Description { frames: 0, ..description }).unwrap_err();
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[test]
fn a_network_of_ones_own_has_a_cost_and_an_onnx_file() {
    let model = bring_your_own_model::Small3d::new(10, &Device::flex().autodiff());
    let known = cost(&model, 8, 32).unwrap();
    let [first, second, classifier] = [27 * 3 * 16, 27 * 16 * 32, 32 * 10];
    assert_eq!(known.parameters, first + second + 2 * 32 + classifier + 10);
    assert_eq!(known.multiply_adds, (first * 8 * 16 * 16 + second * 8 * 8 * 8 + classifier) as u64);
    let classes = (0..10).map(|class| class.to_string()).collect();
    let graph = graph(&model, &Description { name: "mine".into(), frames: 8, side: None, classes });
    assert_eq!(initializer(&graph, "conv2.weight").dims, [32, 16, 3, 3, 3]);
    assert_eq!(operators(&graph)["Conv"], 2, "the norm is in the second");
}

/// A network that doubles its logits outside of what is recorded, or looks at its clips backwards.
#[derive(Module, Debug)]
struct Untraceable {
    inner: Recognizer,
    #[module(skip)]
    backwards: bool,
}

impl VideoModel for Untraceable {
    fn forward(&self, clips: Tensor<5>, pass: &mut Pass) -> VideoOutput {
        if self.backwards {
            return self.inner.forward(clips.flip([1]), pass);
        }
        let output = self.inner.forward(clips, pass);
        VideoOutput { logits: output.logits * 2.0, ..output }
    }

    fn cam_weights(&self, output: &VideoOutput, classes: Tensor<1, Int>) -> Tensor<2> {
        self.inner.cam_weights(output, classes)
    }

    fn classes(&self) -> usize {
        self.inner.classes()
    }
}

#[test]
fn a_pass_that_leaves_what_is_recorded_is_refused_where_it_does() {
    let (inner, description) = instance("tsn");
    for (backwards, expected) in [
        (false, "expected the end of the pass to read what functions of taf::ops made, found a tensor of shape [3, 7]"),
        (true, "expected reshape to read a tensor as a function of taf::ops made it, found one of shape"),
    ] {
        let model = Untraceable { inner: inner.clone(), backwards };
        let error = to_onnx(&model, &description).unwrap_err().to_string();
        assert!(error.starts_with(expected), "{error}");
    }
}

/// What a network of one's own does with the pixels of its clips.
#[derive(Clone, Copy, Debug)]
enum Reads {
    /// All values of a clip are features of a linear layer.
    Features,
    /// All values of a clip are channels of a convolution.
    Channels,
    /// The classifier's features are means of colours over space and time, mapped by a linear layer before.
    Means,
}

#[derive(Module, Debug)]
struct Own {
    map: Linear,
    head: Linear,
    #[module(skip)]
    reads: Reads,
}

impl Own {
    /// Classifies into two classes from so many features.
    fn new(reads: Reads, features: usize) -> Self {
        let device = Device::flex();
        Self { map: LinearConfig::new(3, 3).init(&device), head: LinearConfig::new(features, 2).init(&device), reads }
    }

    fn described(side: Option<usize>) -> Description {
        Description { name: "own".into(), frames: 1, side, classes: vec!["a".into(), "b".into()] }
    }
}

fn linear(layer: &Linear, x: Tensor<2>) -> Tensor<2> {
    ops::linear(x, ops::permute(layer.weight.val(), [1, 0]), layer.bias.as_ref().unwrap().val())
}

impl VideoModel for Own {
    fn forward(&self, clips: Tensor<5>, _: &mut Pass) -> VideoOutput {
        let [batch, time, colors, height, width] = clips.dims();
        let images = PixelNorm::IDENTITY.to_images(clips);
        let all = time * height * width * colors;
        let logits = match self.reads {
            Reads::Features => linear(&self.head, ops::reshape(images.clone(), [batch, all])),
            Reads::Channels => {
                let weight = ops::reshape(self.head.weight.val(), [1, 1, all, 2]);
                let options = ConvOptions { stride: 1, padding: 0, groups: 1, shift: None };
                let x = ops::conv2d(ops::reshape(images.clone(), [batch, 1, 1, all]), weight, options);
                ops::reshape(x, [batch, 2])
            }
            Reads::Means => {
                let frames = ops::average_pool(ops::reshape(images.clone(), [batch * time, height * width, colors]));
                let clip = ops::average_pool(ops::reshape(frames, [batch, time, colors]));
                linear(&self.head, linear(&self.map, clip))
            }
        };
        VideoOutput::new(logits, ops::reshape(images, [batch, time, height, width, colors]))
    }

    fn cam_weights(&self, _: &VideoOutput, classes: Tensor<1, Int>) -> Tensor<2> {
        self.head.weight.val().transpose().select(0, classes)
    }

    fn classes(&self) -> usize {
        2
    }
}

/// Values of a picture of this size.
const fn values(height: usize, width: usize) -> usize {
    3 * height * width
}

#[test]
fn a_network_made_for_one_size_is_written_for_that_size_alone() {
    let made_for = Own::new(Reads::Features, values(32, 32));
    let faults = [
        (to_onnx(&made_for, &Own::described(None)).unwrap_err().to_string(), values(160, 224)),
        (to_onnx(&made_for, &Own::described(Some(64))).unwrap_err().to_string(), values(64, 64)),
        (cost(&made_for, 1, 64).unwrap_err().to_string(), values(64, 64)),
    ];
    for (fault, found) in faults {
        let expected = "expected 3072 features for a linear layer, as its weight has, found ";
        assert_eq!(fault, format!("{expected}{found} at this size of clips"));
    }
    assert_eq!(cost(&made_for, 1, 32).unwrap().multiply_adds, 2 * values(32, 32) as u64);
    assert_eq!(operators(&graph(&made_for, &Own::described(Some(32))))["Gemm"], 1);
}

#[test]
fn features_and_channels_that_the_caller_chooses_are_refused_where_their_number_happens_to_fit() {
    for (reads, expected) in [
        (
            Reads::Features,
            "expected a linear layer of a form that ONNX can say for clips of any number and size, found features",
        ),
        (
            Reads::Channels,
            "expected a convolution of a form that ONNX can say for clips of any number and size, found channels",
        ),
    ] {
        // The lengths that stand for the caller's height and width in the pass that is followed.
        let error = to_onnx(&Own::new(reads, values(160, 224)), &Own::described(None)).unwrap_err().to_string();
        assert_eq!(error, format!("{expected} whose number the caller chooses"));
        graph(&Own::new(reads, values(32, 32)), &Own::described(Some(32)));
    }
}

#[test]
fn a_layer_on_a_mean_that_is_no_classifier_counts_once_whatever_the_frames() {
    let network = Own::new(Reads::Means, 3);
    let [map, classifier] = [3 * 3, 3 * 2];
    assert_eq!(cost(&network, 8, 32).unwrap().multiply_adds, map + classifier);
}
