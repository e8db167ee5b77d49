use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::CellName;
use super::bits::Bits;
use crate::metrics::Predictions;

/// What a trained run leaves behind: its answers to every clip, and how it was made. No weights.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CellResult {
    /// Version of this schema, 1.
    pub schema: u32,
    /// Which run of the grid.
    pub cell: CellName,
    /// The list of clips it was asked about, by its name in `clips/`.
    pub clips: String,
    /// SHA-256 of that list.
    pub clips_sha256: String,
    /// What it answered, by version of the clips.
    pub versions: BTreeMap<String, Answered>,
    /// Mean of the last epoch's cross-entropy on natural training clips, mixed where `train.mix` mixes them, nats; none of a run whose log is gone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub train_loss: Option<f64>,
    /// Share of right answers to these clips in the last epoch: of mixed ones, the heavier label.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub train_top1: Option<f64>,
    /// What it cost.
    pub processor_seconds: ProcessorSeconds,
    /// How long it took, by the clock on the wall; with other work beside it, longer.
    pub seconds: f64,
    /// SHA-256 of its weights.
    pub weights_sha256: String,
    /// SHA-256 of the weights it began with, where it began with another run's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub start_sha256: Option<String>,
    /// SHA-256 of the manifest of its videos.
    pub manifest_sha256: String,
    /// SHA-256 of its recipe as it stands here.
    pub recipe_sha256: String,
    /// Version and commit of the program.
    pub program: String,
    /// Its recipe, TOML, every setting written out.
    pub recipe: String,
}

/// What was answered to one version of the clips.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Answered {
    /// Which clips were answered right, hexadecimal: four clips a digit, the first the highest bit.
    pub(super) right: Bits,
    /// Mean of minus the logarithm of the right class's probability, nats.
    pub log_loss: f64,
}

/// User and system time of the processor, seconds, with what was lost by interruptions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProcessorSeconds {
    /// Training, with the evaluations in it.
    pub training: f64,
    /// Answering all versions of the clips.
    pub evaluating: f64,
}

impl Answered {
    /// What a network said about one version of the clips.
    pub fn of(predictions: &Predictions) -> Self {
        Self { right: Bits::new(&predictions.correct()), log_loss: predictions.log_loss() }
    }
}

impl CellResult {
    /// Schema of results that are written now.
    pub const SCHEMA: u32 = 1;

    /// Which of so many clips were answered right in a version; none where the version was not asked about, or other clips.
    pub fn right(&self, version: &str, clips: usize) -> Option<Vec<bool>> {
        self.versions.get(version)?.right.values(clips)
    }

    /// Share of right answers to a version.
    pub fn top1(&self, version: &str, clips: usize) -> Option<f64> {
        let right = self.right(version, clips)?;
        Some(right.iter().filter(|&&right| right).count() as f64 / clips as f64)
    }
}
