//! Video networks: tensors in, tensors out.
//!
//! [`VideoModel`] is all the method asks of a network. The published networks are [`Recognizer`]s.

mod adaptive;
mod block;
mod classes;
mod conv;
mod cost;
mod drop_path;
mod head;
mod kind;
mod mobilenet;
mod norm;
mod pass;
mod pixels;
mod published;
mod recipe;
mod recognizer;
mod resnet;
mod space_time;
mod state;
mod tea;
mod tpn;
mod traced;
mod trunk;

pub use adaptive::TemporalAdaptive;
pub use block::{Block, BlockKind, Temporal, Unit};
pub(crate) use classes::class_tensor;
pub use classes::predictions;
pub use conv::{Conv2d, ConvNorm};
pub use cost::{Cost, cost};
pub use head::ConsensusHead;
pub use kind::ModelKind;
pub use mobilenet::{InvertedResidual, MobileNetV2, MobileNetV2Config};
pub use norm::BatchNorm;
pub use pass::{BatchNormTraining, Branch, Pass, Statistics};
pub use pixels::PixelNorm;
pub use published::{PublishedNames, PublishedParameter, published};
pub(crate) use recipe::MOST_FRAMES;
pub use recipe::{ModelRecipe, TrunkName};
pub use recognizer::{Recognizer, RecognizerConfig};
pub use resnet::{ResNet, ResNetConfig, StageOutputs};
pub use space_time::{Grouping, SpaceTimeNorm};
pub(crate) use state::Path;
pub use state::{StateDict, StateError, load_state, num_parameters, parameter_names, shapes, state_dict};
pub use tea::ExcitationAggregation;
pub use tpn::{TpnConfig, TpnNeck};
pub use traced::{ClipShape, trace};
pub use trunk::{Trunk, TrunkConfig};

use burn::module::Module;
use burn::tensor::{Int, Tensor};

/// A network that classifies clips and can say which features argued for a class.
///
/// Any Burn module that answers these questions can be attacked, fine-tuned and explained; `conformance` checks that it
/// answers them consistently.
pub trait VideoModel: Module + Sync {
    /// Classifies clips.
    ///
    /// # Shapes
    /// - `clips`: `[batch, time, 3, height, width]`, RGB in [0, 1]; the model normalises them itself
    fn forward(&self, clips: Tensor<5>, pass: &mut Pass) -> VideoOutput;

    /// Channel weights of the class-activation map of one class per clip, as constants: `[batch, channels]`, the
    /// channels being those of [`VideoOutput::features`].
    fn cam_weights(&self, output: &VideoOutput, classes: Tensor<1, Int>) -> Tensor<2>;

    /// [`Self::cam_weights`] of a network that learns: tracked where they are a parameter, so that a loss of the attention moves
    /// it too. Constants otherwise, which is the default.
    fn learnt_cam_weights(&self, output: &VideoOutput, classes: Tensor<1, Int>) -> Tensor<2> {
        self.cam_weights(output, classes)
    }

    /// Number of classes.
    fn classes(&self) -> usize;

    /// Whether the parameter of this name belongs to the classifier, which fine-tuning recipes train faster.
    fn is_head(&self, parameter: &str) -> bool {
        parameter.starts_with("head.")
    }

    /// Says what published code calls the parameters, for networks that were published.
    fn publish(&self, _names: &mut PublishedNames) {}

    /// The same network with an auxiliary batch-norm branch for perturbed clips, where it knows such a thing.
    fn with_auxiliary_norms(self) -> Self {
        self
    }
}

/// What a [`VideoModel`] says about a batch of clips.
#[derive(Clone, Debug)]
pub struct VideoOutput {
    /// Class scores before the softmax, `[batch, classes]`.
    pub logits: Tensor<2>,
    /// The last features that still know time and place, `[batch, time, height, width, channels]`.
    pub features: Tensor<5>,
    /// Earlier features that the classifier reads as well, in the same order of axes; most models have none.
    pub context: Vec<Tensor<5>>,
    /// What a second classifier says, which only training listens to.
    pub auxiliary: Option<AuxiliaryOutput>,
}

/// What a second classifier in the middle of the network says while it trains.
#[derive(Clone, Debug)]
pub struct AuxiliaryOutput {
    /// Class scores before the softmax, `[batch, classes]`.
    pub logits: Tensor<2>,
    /// How much their cross-entropy weighs beside that of the main logits.
    pub weight: f64,
}

impl VideoOutput {
    /// Of a model whose classifier reads the features alone.
    pub fn new(logits: Tensor<2>, features: Tensor<5>) -> Self {
        Self { logits, features, context: Vec::new(), auxiliary: None }
    }
}
