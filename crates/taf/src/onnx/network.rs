use std::ops::RangeInclusive;
use std::path::Path;

use prost::Message;

use super::draft::Draft;
use super::error::{OnnxError, Result};
use super::graph::{Dim, Value};
use super::proto::{ModelProto, OperatorSetIdProto, StringStringEntryProto};
use crate::model::{MOST_FRAMES, PixelNorm, ResNetConfig, StateDict};
use taf_files::write_atomic;

/// Name of the graph's input: clips `[batch, time, 3, height, width]`, RGB in [0, 1].
pub const INPUT: &str = "clips";
/// Name of the graph's output: class scores before the softmax, `[batch, classes]`.
pub const OUTPUT: &str = "logits";

const IR_VERSION: i64 = 7;
const OPERATOR_SET: i64 = 13;
/// The most bytes a protocol buffer may have.
const MOST_BYTES: usize = i32::MAX as usize;
/// Pixels along a side: from what the trunks leave one place of, to what recipes take.
const SIDES: RangeInclusive<usize> = 32..=2048;

/// What is exported: everything but the weights.
#[derive(Clone, Debug, PartialEq)]
pub struct Network {
    /// The graph's name.
    pub name: String,
    /// What the weights belong to.
    pub architecture: Architecture,
    /// Frames per clip, 1 to 512. Networks that look at neighbouring frames are exported for one length.
    pub frames: usize,
    /// Height and width of the clips, 32 to 2048 pixels; `None` leaves both to the caller.
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
        /// Whether the trunk's projecting shortcuts see the shifted input too, as in TPN's repository; in mmaction2 they
        /// do not.
        shift_shortcut: bool,
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
        within("frames", self.frames, 1..=MOST_FRAMES)?;
        self.side.map_or(Ok(()), |side| within("the clips' side", side, SIDES))?;
        match &self.architecture {
            Architecture::Gst { beta, .. } => within("GST's beta", *beta, 1..=2),
            Architecture::Tpn { layers, .. } if layers.len() < 2 => {
                let expected = "have two stages or more".to_owned();
                Err(OnnxError::Description { what: "TPN's trunk", expected, found: layers.len().to_string() })
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

fn within(what: &'static str, value: usize, range: RangeInclusive<usize>) -> Result<()> {
    if range.contains(&value) {
        return Ok(());
    }
    let expected = format!("lie between {} and {}", range.start(), range.end());
    Err(OnnxError::Description { what, expected, found: value.to_string() })
}
