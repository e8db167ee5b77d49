use burn::tensor::TensorData;

use super::error::{OnnxError, Result};
use super::network::{Architecture, FrameModule, Network};
use crate::exchange::tensors;
use crate::model::{BlockKind, RecognizerConfig, ResNetConfig, StateDict, Temporal, TrunkConfig, VideoModel};

impl Network {
    /// The network that `config` builds, for clips of `frames` frames of any size. `classes` are in label order.
    ///
    /// # Errors
    /// If the configuration is none of a published network.
    pub fn of(config: &RecognizerConfig, name: &str, classes: &[String], frames: usize) -> Result<Self> {
        Ok(Self {
            name: name.to_owned(),
            architecture: architecture(config)?,
            frames,
            side: None,
            pixels: config.pixels,
            classes: classes.to_vec(),
        })
    }
}

fn architecture(config: &RecognizerConfig) -> Result<Architecture> {
    match (&config.trunk, config.temporal, config.pyramid_groups) {
        (TrunkConfig::ResNet(trunk), temporal, None) => on_frames(trunk, temporal),
        (TrunkConfig::ResNet(trunk), temporal, Some(groups)) => pyramid(trunk, temporal, groups),
        (TrunkConfig::MobileNetV2(_), Temporal::None, None) => Ok(Architecture::MobileNetV2 { shift_divisor: None }),
        (TrunkConfig::MobileNetV2(_), Temporal::Shift { divisor, .. }, None) => {
            Ok(Architecture::MobileNetV2 { shift_divisor: Some(divisor) })
        }
        (TrunkConfig::MobileNetV2(_), _, Some(_)) => Err(unpublished("a pyramid over MobileNetV2".to_owned())),
        (TrunkConfig::MobileNetV2(_), temporal, None) => Err(unpublished(format!("{temporal:?} in MobileNetV2"))),
    }
}

fn pyramid(trunk: &ResNetConfig, temporal: Temporal, groups: usize) -> Result<Architecture> {
    let shift_shortcut = match (trunk.block, temporal) {
        (BlockKind::Bottleneck, Temporal::ShiftBlock { divisor: 8 }) => true,
        (BlockKind::Bottleneck, Temporal::Shift { divisor: 8, every: 1 }) => false,
        (BlockKind::Bottleneck, _) => return Err(unpublished(format!("a pyramid over {temporal:?}"))),
        (BlockKind::Basic, _) => return Err(unpublished("a pyramid over basic blocks".to_owned())),
    };
    Ok(Architecture::Tpn { layers: trunk.layers.clone(), groups, shift_shortcut })
}

fn on_frames(trunk: &ResNetConfig, temporal: Temporal) -> Result<Architecture> {
    let module = match temporal {
        Temporal::None => FrameModule::None,
        Temporal::Shift { divisor, every } => FrameModule::Shift { divisor, every },
        Temporal::Adaptive { .. } => FrameModule::Adaptive,
        Temporal::Grouped(grouping) => {
            return Ok(Architecture::Gst { layers: trunk.layers.clone(), beta: grouping.beta });
        }
        Temporal::ShiftBlock { .. } => return Err(unpublished(format!("{temporal:?} without a pyramid"))),
    };
    Ok(Architecture::Frames { trunk: trunk.clone(), module })
}

fn unpublished(found: String) -> OnnxError {
    let expected = "be that of TSN, TSM, TAM, GST or TPN".to_owned();
    OnnxError::Description { what: "the network", expected, found }
}

/// The weights of a network by their published names and in PyTorch's layouts. An auxiliary batch-norm branch is left out.
pub fn published_state<M: VideoModel>(model: &M) -> StateDict {
    let tensors = tensors(model).into_iter();
    tensors.map(|tensor| (tensor.name, TensorData::new(tensor.values, tensor.shape))).collect()
}
