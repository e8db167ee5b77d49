use std::path::Path;

use prost::Message;

use super::draft::Draft;
use super::error::{OnnxError, Result};
use super::graph::{Dim, Value};
use super::proto::{ModelProto, OperatorSetIdProto, StringStringEntryProto};
use crate::model::{PixelNorm, ResNetConfig, StateDict};
use crate::run::write_atomic;

/// Name of the graph's input: clips `[batch, time, 3, height, width]`, RGB in [0, 1].
pub const INPUT: &str = "clips";
/// Name of the graph's output: class scores before the softmax, `[batch, classes]`.
pub const OUTPUT: &str = "logits";

const IR_VERSION: i64 = 7;
const OPERATOR_SET: i64 = 13;
/// The most bytes a protocol buffer may have.
const MOST_BYTES: usize = i32::MAX as usize;

/// What is exported: everything but the weights.
#[derive(Clone, Debug, PartialEq)]
pub struct Network {
    /// The graph's name.
    pub name: String,
    /// What the weights belong to.
    pub architecture: Architecture,
    /// Frames per clip, at least 1. Networks that look at neighbouring frames are exported for one length.
    pub frames: usize,
    /// Height and width of the clips; `None` leaves both to the caller.
    pub side: Option<usize>,
    /// Normalisation of pixels.
    pub pixels: PixelNorm,
    /// Class names in label order, which the file carries as the metadata `classes`, a JSON list.
    pub classes: Vec<String>,
}

/// The published networks. The trunk of TPN is of bottlenecks and so is that of GST.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Architecture {
    /// A ResNet on frames, logits averaged: TSN, TSM, TAM. Weights under `base_model.` and `new_fc.`.
    Frames {
        /// The ResNet.
        trunk: ResNetConfig,
        /// How its blocks see neighbouring frames.
        module: FrameModule,
    },
    /// MobileNetV2 on frames, logits averaged: TSN or, with a shift in front of every residual branch, TSM. Weights by
    /// torchvision's names under `base_model.`, and `new_fc.`.
    MobileNetV2 {
        /// `channels / divisor` channels move each way; `None` for TSN.
        shift_divisor: Option<usize>,
    },
    /// GST (Luo and Yuille, ICCV 2019). Weights under `base_model.` and `new_fc.`.
    Gst {
        /// Blocks per stage.
        layers: Vec<usize>,
        /// 2 where the spatial and the temporal path have half the channels each to look at, 1 where both see all.
        beta: usize,
    },
    /// TPN over TSM on the last two stages, each pooled over the whole clip (Yang et al., CVPR 2020). Weights under `backbone.`, `necks.` and `cls_head.`.
    Tpn {
        /// Blocks per stage.
        layers: Vec<usize>,
        /// Groups of the neck's convolutions, 32 in the published network.
        groups: usize,
    },
}

/// How the blocks of a frame network see neighbouring frames.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FrameModule {
    /// Not at all: TSN.
    None,
    /// Temporal shift in front of the residual branch: TSM.
    Shift {
        /// `channels / divisor` channels move each way.
        divisor: usize,
        /// Every how many blocks of a stage, from its first.
        every: usize,
    },
    /// The temporal adaptive module behind each bottleneck's first convolution: TAM (Liu et al., ICCV 2021).
    Adaptive,
}

/// Makes the graph of `network` with `weights`, which have the names and layouts of the published PyTorch checkpoints.
///
/// # Errors
/// If the weights lack a tensor, hold one too many, or one of another shape; if the description contradicts itself.
pub fn to_onnx(network: &Network, weights: &StateDict) -> Result<ModelProto> {
    network.check()?;
    let mut draft = Draft::new(network, weights);
    let images = draft.clip_input(network);
    let logits = draft.logits(&network.architecture, &images)?;
    draft.weights.check_all_used()?;
    network.check_classes(&logits)?;
    draft.graph.output(&logits, OUTPUT, &[Dim::Free("batch"), Dim::Fixed(logits.channels)]);
    Ok(ModelProto {
        ir_version: IR_VERSION,
        opset_import: vec![OperatorSetIdProto { domain: String::new(), version: OPERATOR_SET }],
        producer_name: "taf".into(),
        producer_version: env!("CARGO_PKG_VERSION").into(),
        graph: Some(draft.graph.finish()),
        metadata_props: network.metadata(),
    })
}

/// Writes [`to_onnx`]'s graph to a file, whole or not at all. Returns the bytes of the file.
///
/// # Errors
/// As [`to_onnx`]; if the file would exceed 2 GiB or cannot be written.
pub fn write_onnx(path: &Path, network: &Network, weights: &StateDict) -> Result<usize> {
    let model = to_onnx(network, weights)?;
    let bytes = model.encoded_len();
    if bytes > MOST_BYTES {
        return Err(OnnxError::TooLarge { bytes });
    }
    write_atomic(path, &model.encode_to_vec())?;
    Ok(bytes)
}

impl Network {
    fn check(&self) -> Result<()> {
        let wrong = |what, expected: &str, found: String| {
            Err(OnnxError::Description { what, expected: expected.to_owned(), found })
        };
        match (&self.architecture, self.frames, self.side) {
            (_, 0, _) => wrong("frames", "be at least 1", "0".into()),
            (_, _, Some(side)) if side < 32 => wrong("the clips' side", "be at least 32 pixels", side.to_string()),
            (Architecture::Gst { beta, .. }, ..) if ![1, 2].contains(beta) => {
                wrong("GST's beta", "be 1 or 2", beta.to_string())
            }
            (Architecture::Tpn { layers, .. }, ..) if layers.len() < 2 => {
                wrong("TPN's trunk", "have two stages or more", layers.len().to_string())
            }
            _ => Ok(()),
        }
    }

    fn check_classes(&self, logits: &Value) -> Result<()> {
        if self.classes.len() == logits.channels {
            return Ok(());
        }
        let expected = format!("name the classifier's {} classes", logits.channels);
        Err(OnnxError::Description { what: "class names", expected, found: self.classes.len().to_string() })
    }

    fn metadata(&self) -> Vec<StringStringEntryProto> {
        let entry = |key: &str, value: String| StringStringEntryProto { key: key.to_owned(), value };
        let classes = serde_json::to_string(&self.classes).expect("texts are JSON");
        vec![entry("model", self.name.clone()), entry("classes", classes), entry("frames", self.frames.to_string())]
    }
}
