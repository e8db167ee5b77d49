//! ONNX files of the golden instances. `TAF_ONNX_DIR` keeps them, for `parity/test_onnx.py` to run.

mod common;

use std::collections::{BTreeMap, HashMap, HashSet};
use std::path::Path;

use burn::tensor::{Device, TensorData};
use common::golden::{Golden, fill};
use prost::Message;
use taf::model::{
    BlockKind, MobileNetV2Config, PixelNorm, RecognizerConfig, ResNetConfig, StateDict, Temporal, VideoModel,
    load_state, published,
};
use taf::onnx::proto::{FLOAT, GraphProto, ModelProto, TensorProto};
use taf::onnx::{Architecture, FrameModule, Network, published_state, to_onnx, write_onnx};

const KINDS: [&str; 7] = ["tsn", "tsm", "tsm_basic", "tam", "gst", "tpn", "mobilenet_tsm"];
const SHIFT: FrameModule = FrameModule::Shift { divisor: 8, every: 1 };

/// The instance's description, and its weights made from their names.
fn instance(kind: &str) -> (Network, StateDict) {
    let golden = Golden::read(kind, "onnx");
    let layers: Vec<usize> = golden.meta("layers");
    let (frames, groups) = (golden.meta("frames"), golden.meta("groups"));
    let block = if kind == "tsm_basic" { BlockKind::Basic } else { BlockKind::Bottleneck };
    let trunk = ResNetConfig { block, layers: layers.clone(), width: golden.meta("width") };
    let architecture = match kind {
        "tsn" => Architecture::Frames { trunk, module: FrameModule::None },
        "tam" => Architecture::Frames { trunk, module: FrameModule::Adaptive },
        "gst" => Architecture::Gst { layers, beta: 2 },
        "tpn" => Architecture::Tpn { layers, groups, shift_shortcut: true },
        "mobilenet_tsm" => Architecture::MobileNetV2 { shift_divisor: Some(8) },
        _ => Architecture::Frames { trunk, module: SHIFT },
    };
    let classes = (0..golden.meta("classes")).map(|class| format!("class \"{class}\"")).collect();
    let pixels = PixelNorm::IDENTITY;
    let network = Network { name: kind.to_owned(), architecture, frames, side: None, pixels, classes };
    let shapes: HashMap<String, Vec<usize>> = golden.meta("shapes");
    let tensor = |(name, shape): (String, Vec<usize>)| {
        let values = fill(&name, &shape);
        (name, TensorData::new(values, shape))
    };
    (network, shapes.into_iter().map(tensor).collect())
}

fn graph(network: &Network, weights: &StateDict) -> GraphProto {
    to_onnx(network, weights).expect("the weights fit").graph.expect("a graph")
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
        let (network, weights) = instance(kind);
        let path = folder.join(format!("{kind}.onnx"));
        let bytes = write_onnx(&path, &network, &weights).unwrap();
        let written = std::fs::read(&path).unwrap();
        assert_eq!(written.len(), bytes, "{kind}");
        let read = ModelProto::decode(written.as_slice()).unwrap();
        assert_eq!(read, to_onnx(&network, &weights).unwrap(), "{kind}");
    }
}

#[test]
fn names_are_defined_once_and_before_they_are_read() {
    for kind in KINDS {
        let (network, weights) = instance(kind);
        let graph = graph(&network, &weights);
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
        let (network, weights) = instance(kind);
        for TensorProto { dims, data_type, name, raw_data } in graph(&network, &weights).initializer {
            let size = if data_type == FLOAT { 4 } else { 8 };
            assert_eq!(raw_data.len() as i64, size * dims.iter().product::<i64>(), "{kind}: {name}");
        }
    }
}

#[test]
fn norms_disappear_into_convolutions() {
    // Blocks per stage 1, 2, 1, 1; stem, three or two units per block, a projection per stage.
    for (kind, convolutions) in [("tsn", 20), ("tsm", 20), ("tsm_basic", 14)] {
        let (network, weights) = instance(kind);
        let graph = graph(&network, &weights);
        let counts = operators(&graph);
        assert_eq!(counts["Conv"], convolutions, "{kind}");
        assert!(!counts.contains_key("BatchNormalization"), "{kind}");
    }
}

#[test]
fn every_block_of_tsm_shifts_and_none_of_tsn() {
    let (tsm, weights) = instance("tsm");
    assert_eq!(operators(&graph(&tsm, &weights))["Pad"], 2 * 5);
    let (tsn, weights) = instance("tsn");
    assert!(!operators(&graph(&tsn, &weights)).contains_key("Pad"));
}

#[test]
fn deep_trunks_shift_every_other_block() {
    let (tsm, weights) = instance("tsm");
    let Architecture::Frames { trunk, .. } = tsm.architecture.clone() else { unreachable!() };
    let module = FrameModule::Shift { divisor: 8, every: 2 };
    let sparse = Network { architecture: Architecture::Frames { trunk, module }, ..tsm };
    assert_eq!(operators(&graph(&sparse, &weights))["Pad"], 2 * 4);
}

#[test]
fn gst_keeps_three_dimensions_only_where_time_is_seen() {
    let (network, weights) = instance("gst");
    let graph = graph(&network, &weights);
    assert_eq!(initializer(&graph, "base_model.layer1.0.conv2.weight").dims, [12, 8, 3, 3]);
    assert_eq!(initializer(&graph, "base_model.layer1.0.Tconv.weight").dims, [4, 8, 3, 3, 3]);
}

#[test]
fn tpn_drops_its_auxiliary_head() {
    let (network, weights) = instance("tpn");
    assert!(weights.keys().any(|name| name.contains("aux_head")));
    assert!(graph(&network, &weights).initializer.iter().all(|tensor| !tensor.name.contains("aux_head")));
}

/// A network of this configuration with the weights `weights`, or fresh ones.
fn exported(config: &RecognizerConfig, weights: Option<&StateDict>) -> GraphProto {
    let classes: Vec<String> = (0..config.classes).map(|class| class.to_string()).collect();
    let network = Network::of(config, "it", &classes, 4).expect("the network was published");
    let fresh = || published_state(&config.init(&Device::flex(), 0));
    graph(&network, &weights.cloned().unwrap_or_else(fresh))
}

#[test]
fn blocks_of_mobilenet_that_keep_channels_and_sides_add_their_input() {
    // Where the network is so narrow that its first block has as many channels as the stem, that one too; but without a
    // first convolution there is nothing to shift in front of.
    for (width, shortcuts) in [(8, 11), (16, 10)] {
        let graph = exported(&RecognizerConfig::tsm(MobileNetV2Config { width }, 5), None);
        let counts = operators(&graph);
        assert_eq!((counts["Add"], counts["Pad"]), (shortcuts, 2 * 10), "width {width}");
    }
}

#[test]
fn the_shortcuts_of_tpn_see_what_those_of_its_repository_or_of_mmaction2_see() {
    let (_, weights) = instance("tpn");
    let ours = config("tpn");
    let theirs = RecognizerConfig { temporal: Temporal::Shift { divisor: 8, every: 1 }, ..ours.clone() };
    for (config, same) in [(&ours, true), (&theirs, false)] {
        let graph = exported(config, Some(&weights));
        let reads = |name: &str| {
            let name = format!("backbone.layer2.0.{name}");
            graph.node.iter().find(|node| node.name == name).expect("the block projects").input[0].clone()
        };
        assert_eq!(reads("conv1") == reads("downsample.0"), same, "{:?}", config.temporal);
    }
}

#[test]
fn pyramids_that_nobody_published_are_refused() {
    let tpn = RecognizerConfig::tpn(ResNetConfig::resnet50(), 5);
    let basic = RecognizerConfig { trunk: ResNetConfig::resnet18().into(), ..tpn.clone() };
    let still = RecognizerConfig { temporal: Temporal::None, ..tpn };
    for (config, found) in [(basic, "a pyramid over basic blocks"), (still, "a pyramid over None")] {
        let error = Network::of(&config, "it", &[], 8).unwrap_err().to_string();
        assert_eq!(error, format!("the network must be that of TSN, TSM, TAM, GST or TPN, got {found}"));
    }
}

#[test]
fn clips_that_are_too_short_long_small_or_large_are_refused() {
    let (tsm, weights) = instance("tsm");
    let fault = |network: Network| to_onnx(&network, &weights).err().map(|error| error.to_string());
    for frames in [0, 513, usize::MAX] {
        let expected = format!("frames must lie between 1 and 512, got {frames}");
        assert_eq!(fault(Network { frames, ..tsm.clone() }), Some(expected));
    }
    for side in [31, 2049, usize::MAX] {
        let expected = format!("the clips' side must lie between 32 and 2048, got {side}");
        assert_eq!(fault(Network { side: Some(side), ..tsm.clone() }), Some(expected));
    }
    assert_eq!(fault(Network { frames: 512, side: Some(2048), ..tsm }), None);
}

#[test]
fn the_file_says_what_it_is() {
    let (network, weights) = instance("tsm");
    let model = to_onnx(&network, &weights).unwrap();
    let of = |key: &str| &model.metadata_props.iter().find(|entry| entry.key == key).unwrap().value;
    assert_eq!(serde_json::from_str::<Vec<String>>(of("classes")).unwrap(), network.classes);
    assert_eq!((model.producer_name.as_str(), of("model").as_str(), of("frames").as_str()), ("taf", "tsm", "4"));
}

#[test]
fn pixels_are_normalised_as_the_network_asks() {
    let (tsn, weights) = instance("tsn");
    let graph = graph(&Network { pixels: PixelNorm::IMAGENET, ..tsn }, &weights);
    let values = |name: &str| -> Vec<f32> {
        let bytes = initializer(&graph, name).raw_data.chunks_exact(4);
        bytes.map(|bytes| f32::from_le_bytes(bytes.try_into().unwrap())).collect()
    };
    assert_eq!(values("pixels.mean"), PixelNorm::IMAGENET.mean);
    assert_eq!(values("pixels.std"), PixelNorm::IMAGENET.std);
}

/// What builds the instance in this crate.
fn config(kind: &str) -> RecognizerConfig {
    let golden = Golden::read(kind, "onnx");
    let (width, classes) = (golden.meta("width"), golden.meta("classes"));
    let trunk = |block| ResNetConfig { block, layers: golden.meta("layers"), width };
    let config = match kind {
        "tsn" => RecognizerConfig::tsn(trunk(BlockKind::Bottleneck), classes),
        "tsm_basic" => RecognizerConfig::tsm(trunk(BlockKind::Basic), classes),
        "tam" => RecognizerConfig::tam(trunk(BlockKind::Bottleneck), classes, golden.meta("frames")),
        "gst" => RecognizerConfig::gst(trunk(BlockKind::Bottleneck), classes),
        "tpn" => {
            let config = RecognizerConfig::tpn(trunk(BlockKind::Bottleneck), classes);
            RecognizerConfig { pyramid_groups: Some(golden.meta("groups")), ..config }
        }
        "mobilenet_tsm" => RecognizerConfig::tsm(MobileNetV2Config { width }, classes),
        _ => RecognizerConfig::tsm(trunk(BlockKind::Bottleneck), classes),
    };
    RecognizerConfig { pixels: PixelNorm::IDENTITY, ..config }
}

#[test]
fn a_recognizer_is_exported_like_the_published_network_with_its_weights() {
    for kind in KINDS {
        let (network, weights) = instance(kind);
        let config = config(kind);
        let model = config.init(&Device::flex(), 0);
        let own = published(&model).into_iter().map(|parameter| {
            let data = parameter.take(weights[&parameter.weight.name].clone());
            (parameter.own, data)
        });
        let own = own.collect();
        let model = load_state(model, own).unwrap().with_auxiliary_norms();
        let described = Network::of(&config, kind, &network.classes, network.frames).unwrap();
        let exported = to_onnx(&described, &published_state(&model)).unwrap();
        assert!(exported == to_onnx(&network, &weights).unwrap(), "{kind}");
    }
}

#[test]
fn weights_of_another_network_are_refused() {
    let message = |network: &Network, weights: &StateDict| to_onnx(network, weights).unwrap_err().to_string();
    let (tsm, tsm_weights) = instance("tsm");
    let (tam, tam_weights) = instance("tam");
    assert!(message(&tam, &tsm_weights).contains("found no tensor \"base_model.layer1.0.tam.G.0.weight\""));
    assert!(message(&tsm, &tam_weights).contains("60 tensors it does not have, such as \"base_model.layer1.0.tam.G.0"));
}

#[test]
fn tam_is_exported_for_the_frames_it_was_trained_on() {
    let (tam, weights) = instance("tam");
    let error = to_onnx(&Network { frames: 8, ..tam }, &weights).unwrap_err().to_string();
    let expected =
        "expected base_model.layer1.0.tam.G.0.weight to have shape [16, 8] for clips of 8 frames, found [8, 4]";
    assert_eq!(error, expected);
}

#[test]
fn a_gst_whose_paths_see_half_the_channels_is_not_one_whose_paths_see_all() {
    let (gst, weights) = instance("gst");
    let Architecture::Gst { layers, .. } = gst.architecture.clone() else { unreachable!() };
    let error = to_onnx(&Network { architecture: Architecture::Gst { layers, beta: 1 }, ..gst }, &weights).unwrap_err();
    let expected = "expected base_model.layer1.0.conv2.weight to take 16 channels in 1 groups, found [12, 8, 3, 3]";
    assert_eq!(error.to_string(), expected);
}

#[test]
fn a_wrong_number_of_class_names_is_refused() {
    let (tsm, weights) = instance("tsm");
    let error = to_onnx(&Network { classes: vec!["one".into()], ..tsm }, &weights).unwrap_err();
    assert_eq!(error.to_string(), "class names must name the classifier's 7 classes, got 1");
}

#[test]
fn a_failed_export_leaves_no_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.onnx");
    let (tsm, _) = instance("tsm");
    write_onnx(&path, &tsm, &StateDict::new()).unwrap_err();
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
}
