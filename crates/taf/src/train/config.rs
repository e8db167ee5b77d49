use serde::{Deserialize, Serialize};

use super::{AverageConfig, OptimizerConfig, Schedule};
use crate::data::Mixing;
use crate::model::BatchNormTraining;
use crate::setting::{SettingError, at_least_one, within};

/// The `[train]` table: how long, how fast, and what is kept.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct TrainConfig {
    /// Passes over the training clips, at least 1; default 50.
    pub epochs: usize,
    /// Clips per step, at least 1; default 8. More than there are means all of them.
    pub batch_size: usize,
    /// Pieces that a batch is taken in, one after the other, at least 1; default 1. The gradient of a step is the mean over the
    /// whole batch, memory holds a piece of `batch_size / accumulate` clips (rounded up), and batch norm sees a piece at a time,
    /// as where a batch is shared out over so many GPUs.
    pub accumulate: usize,
    /// Clips of a batch that the learning rate is meant for, at least 1: it is multiplied by `batch_size / base_batch` (Goyal et
    /// al., 2017). Default: that of any batch.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub base_batch: Option<usize>,
    /// Which batch norms learn: `"train"` (all), `"first"` (partial batch norm) or `"frozen"` (none); default `"train"`.
    pub batch_norm: BatchNormTraining,
    /// The optimiser.
    pub optimizer: OptimizerConfig,
    /// The learning rate over time.
    pub schedule: Schedule,
    /// Share of the label spread evenly over all classes, in [0, 1); default 0.
    pub label_smoothing: f64,
    /// How clips and labels are mixed, each piece of a batch for itself; default not at all. Accuracy is then counted against
    /// the label that weighs more. Where `[taf]` is present, it perturbs the clips as they are before.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mix: Option<Mixing>,
    /// Layers that stay as they are, by their names or those of published code, such as `["stem", "layer1"]`: no gradient, no
    /// weight decay, and batch norms that use and keep their running statistics. Below the first layer that learns nothing is
    /// differentiated. Default none.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub freeze: Vec<String>,
    /// An average of the weights over the steps, which then is what is evaluated and what the run is worth. Default none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub average: Option<AverageConfig>,
    /// Epochs between evaluations on the validation clips; the last epoch is always evaluated. Default 1.
    pub validate_every: usize,
    /// Steps between checkpoints besides the one at the end of each epoch; 0 for none. Default 0.
    pub checkpoint_steps: usize,
    /// How many of the newest checkpoints are kept, at least 1; the best one is kept besides. Default 2.
    pub keep_last: usize,
}

impl Default for TrainConfig {
    fn default() -> Self {
        Self {
            epochs: 50,
            batch_size: 8,
            accumulate: 1,
            base_batch: None,
            batch_norm: BatchNormTraining::Train,
            optimizer: OptimizerConfig::default(),
            schedule: Schedule::default(),
            label_smoothing: 0.0,
            mix: None,
            freeze: Vec::new(),
            average: None,
            validate_every: 1,
            checkpoint_steps: 0,
            keep_last: 2,
        }
    }
}

impl TrainConfig {
    /// Clips that go through the network together, at most.
    pub fn piece(&self) -> usize {
        self.batch_size.div_ceil(self.accumulate)
    }

    /// What the learning rate is multiplied by for batches of so many clips.
    pub fn rate_scale(&self, batch: usize) -> f64 {
        self.base_batch.map_or(1.0, |base| batch as f64 / base as f64)
    }

    pub(crate) fn check(&self) -> Result<(), SettingError> {
        at_least_one("train.epochs", self.epochs)?;
        at_least_one("train.batch_size", self.batch_size)?;
        at_least_one("train.accumulate", self.accumulate)?;
        self.base_batch.map_or(Ok(()), |clips| at_least_one("train.base_batch", clips))?;
        at_least_one("train.validate_every", self.validate_every)?;
        at_least_one("train.keep_last", self.keep_last)?;
        self.optimizer.check()?;
        self.average.map_or(Ok(()), |average| average.check())?;
        self.schedule.check(self.epochs)?;
        self.mix.as_ref().map_or(Ok(()), |mix| mix.check("train.mix", self.piece()))?;
        let smoothing = self.label_smoothing;
        within("train.label_smoothing", "lie in [0, 1)", smoothing, (0.0..1.0).contains(&smoothing))
    }
}
