use taf_video::Seed;
use taf_video::transform::TrainTransform;

use super::{TafConfig, TrainConfig, freeze};
use crate::data::ClipSource;
use crate::evaluate::Evaluation;
use crate::model::{ModelRecipe, VideoModel};
use crate::setting::SettingError;

/// What a trainer is to do: a recipe's settings of training, beside the videos it names.
#[derive(Clone, Copy, Debug)]
pub struct Course<'a> {
    /// Where every random choice of a step grows from.
    pub seed: Seed,
    /// The network, as checkpoints describe it.
    pub model: &'a ModelRecipe,
    /// Frames per clip.
    pub frames: usize,
    /// Class names in label order.
    pub classes: &'a [String],
    /// Which labels these are, where it is known.
    pub label_set: Option<&'a str>,
    /// The `[train]` table.
    pub train: &'a TrainConfig,
    /// The `[taf]` table; none for plain training.
    pub taf: Option<&'a TafConfig>,
    /// Clips to train on.
    pub clips: &'a ClipSource,
    /// Their crop, flips and colour.
    pub transform: &'a TrainTransform,
    /// Threads that decode ahead of training.
    pub workers: usize,
    /// Videos to evaluate on, and how the network is shown them.
    pub evaluation: &'a Evaluation,
}

impl Course<'_> {
    /// Whether the network needs a second set of batch norms.
    pub fn needs_auxiliary_norms(&self) -> bool {
        self.taf.is_some_and(TafConfig::needs_auxiliary_norms)
    }

    /// `model` as it is trained: with a second set of batch norms where the course needs them, and without gradients to layers
    /// that stay as they are.
    ///
    /// # Errors
    /// If such a layer is none of the model's.
    pub fn prepare<M: VideoModel>(&self, model: M) -> Result<M, SettingError> {
        freeze(if self.needs_auxiliary_norms() { model.with_auxiliary_norms() } else { model }, self.train)
    }

    /// Clips of a step: those of the recipe, or all there are.
    pub fn batch_size(&self) -> usize {
        self.train.batch_size.min(self.clips.records().len())
    }

    /// The learning rate before the schedule, scaled to the size of the batches.
    pub fn learning_rate(&self) -> f64 {
        self.train.optimizer.learning_rate() * self.train.rate_scale(self.batch_size())
    }

    /// Batches of a whole epoch.
    pub fn batches_per_epoch(&self) -> usize {
        self.clips.train_batches_per_epoch(self.train.batch_size)
    }
}
