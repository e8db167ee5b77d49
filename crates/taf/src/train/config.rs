use serde::{Deserialize, Serialize};

use super::{OptimizerConfig, Schedule};
use crate::adversary::TemporalAdversary;
use crate::model::{BatchNormTraining, Branch};
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
            validate_every: 1,
            checkpoint_steps: 0,
            keep_last: 2,
        }
    }
}

/// The `[taf]` table: fine-tuning on natural and temporal adversarial clips,
/// `E[CE(f(x), y) + weight * CE(f(x_TA), y)]`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct TafConfig {
    /// What a perturbed clip weighs in the loss against a natural one, at least 0; default 1.
    pub weight: f64,
    /// Share of each batch that is perturbed, in (0, 1]; rounded up to whole clips, the first of the shuffled batch,
    /// in however many pieces it is taken. Default 1. The loss on the others has no perturbed part.
    pub fraction: f64,
    /// Batch-norm branch the perturbed clips train; default `main` (shared). `auxiliary` gives every batch norm a
    /// second set of parameters and statistics that inference never uses (AdvProp).
    pub branch: Branch,
    /// How the clips are perturbed.
    pub adversary: TemporalAdversary,
}

impl Default for TafConfig {
    fn default() -> Self {
        Self { weight: 1.0, fraction: 1.0, branch: Branch::Main, adversary: TemporalAdversary::default() }
    }
}

/// What a product of a fraction and a number of clips is off by at most.
const ROUNDING: f64 = 1e-9;

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
        self.schedule.check(self.epochs)?;
        let smoothing = self.label_smoothing;
        within("train.label_smoothing", "lie in [0, 1)", smoothing, (0.0..1.0).contains(&smoothing))
    }
}

impl TafConfig {
    pub(crate) fn check(&self) -> Result<(), SettingError> {
        within("taf.weight", "be at least 0", self.weight, self.weight >= 0.0)?;
        within("taf.fraction", "lie in (0, 1]", self.fraction, self.fraction > 0.0 && self.fraction <= 1.0)?;
        self.adversary.check("taf.adversary")
    }

    /// Whether the network needs a second set of batch norms.
    pub fn needs_auxiliary_norms(&self) -> bool {
        self.branch == Branch::Auxiliary
    }

    /// How many clips of a batch are perturbed.
    pub(crate) fn perturbed(&self, batch: usize) -> usize {
        let exact = batch as f64 * self.fraction;
        // 20 times 0.55 is a little more than 11, and means 11.
        let whole = if (exact - exact.round()).abs() < ROUNDING { exact.round() } else { exact.ceil() };
        (whole as usize).clamp(1, batch)
    }
}

#[cfg(test)]
mod tests {
    use super::TafConfig;

    #[test]
    fn a_share_of_a_batch_is_rounded_up_to_whole_clips_and_not_beyond() {
        let perturbed = |batch, fraction| TafConfig { fraction, ..TafConfig::default() }.perturbed(batch);
        assert_eq!([perturbed(20, 0.55), perturbed(10, 0.7), perturbed(100, 0.07)], [11, 7, 7]);
        assert_eq!([perturbed(8, 0.51), perturbed(8, 1e-6), perturbed(8, 1.0), perturbed(3, 1.0 / 3.0)], [5, 1, 8, 1]);
    }
}
