use burn::module::{ModuleMapper, Param};
use burn::tensor::Tensor;

use super::state::Path;
use super::{Pass, VideoModel};
use crate::trace::{Graph, Input, TraceError, input, placeholder, record_pass};

/// Clips to follow a pass with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClipShape {
    /// How many.
    pub batch: usize,
    /// Frames of each.
    pub frames: usize,
    /// Pixels of each frame.
    pub height: usize,
    /// Pixels of each frame.
    pub width: usize,
}

/// What `model` does at inference with clips of this shape. Nothing is computed, whatever the sizes.
///
/// # Errors
/// If the pass leaves the functions of [`ops`](crate::ops).
pub fn trace<M: VideoModel>(model: &M, clips: ClipShape) -> Result<Graph, TraceError> {
    let mut blank = Blank { path: Path::default(), parameters: Vec::new() };
    let model = model.clone().map(&mut blank);
    let ClipShape { batch, frames, height, width } = clips;
    record_pass([batch, frames, 3, height, width], blank.parameters, |clips| {
        model.forward(clips, &mut Pass::inference()).logits
    })
}

/// Puts a placeholder in the place of every parameter.
struct Blank {
    path: Path,
    parameters: Vec<(String, Input)>,
}

impl ModuleMapper for Blank {
    fn enter_module(&mut self, name: &str, container: &str) {
        self.path.enter(name, container);
    }

    fn exit_module(&mut self, _: &str, container: &str) {
        self.path.exit(container);
    }

    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        let blank = placeholder(param.dims());
        self.parameters.push((self.path.name(), input(&blank)));
        Param::initialized(param.id, blank)
    }
}
