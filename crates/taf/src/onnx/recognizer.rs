use burn::tensor::TensorData;

use super::network::{Architecture, FrameModule, Network};
use crate::model::{RecognizerConfig, StateDict, Temporal, published_name, to_published_layout};

impl Network {
    /// The network that `config` builds, for clips of `frames` frames of any size. `classes` are in label order.
    pub fn of(config: &RecognizerConfig, name: &str, classes: &[String], frames: usize) -> Self {
        let module = match config.temporal {
            Temporal::None => FrameModule::None,
            Temporal::Shift { divisor, every } => FrameModule::Shift { divisor, every },
        };
        Self {
            name: name.to_owned(),
            architecture: Architecture::Frames { trunk: config.trunk.clone(), module },
            frames,
            side: None,
            pixels: config.pixels,
            classes: classes.to_vec(),
        }
    }
}

/// The weights of a [`crate::model::Recognizer`] by their published names and in PyTorch's layouts. An auxiliary
/// batch-norm branch is left out.
pub fn published_state(state: &StateDict) -> StateDict {
    let published =
        |(name, data): (&String, &TensorData)| Some((published_name(name)?, to_published_layout(data.clone())));
    state.iter().filter_map(published).collect()
}
