use serde::{Deserialize, Serialize};

use super::trials::Trials;
use crate::metrics::{Robustness, RobustnessGain, Share};
use crate::page::{Details, Named, Picture, Verdict};

/// Everything that is said about the robustness of networks, as plain values: the schema of `robustness.json`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RobustnessReport {
    /// Version of this schema, 1.
    pub schema: u32,
    /// Headline.
    pub title: String,
    /// What came out, one sentence, with the interval.
    pub answer: String,
    /// What else came out, a sentence each.
    pub findings: Vec<String>,
    /// The models in the order they are shown; each is compared with the first.
    pub models: Vec<Named>,
    /// Number of classes.
    pub classes: usize,
    /// Number of videos that benchmarks were asked about; 0 without benchmarks.
    pub videos: usize,
    /// Number of groups they fall into.
    pub groups: usize,
    /// Top-1 of every model on the videos as they are; none without benchmarks.
    pub clean: Vec<Share>,
    /// The models that were shown other clips than the first: in another way, by another list or of other files.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub other_clips: Vec<String>,
    /// The benchmarks in the order they are shown; the answer speaks of the first.
    pub benchmarks: Vec<BenchmarkResult>,
    /// What the models were tried for beside benchmarks.
    #[serde(default, skip_serializing_if = "Trials::is_empty")]
    pub trials: Trials,
    /// What a reader needs to know of it.
    #[serde(flatten)]
    pub details: Details,
}

/// What the models scored on one benchmark.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct BenchmarkResult {
    /// What it is.
    #[serde(flatten)]
    pub about: BenchmarkAbout,
    /// What is done to the videos, one after another.
    pub rows: Vec<BenchmarkRow>,
    /// The whole, then every family and every level where there are several.
    pub parts: Vec<BenchmarkPart>,
    /// Paired comparisons, by pair and then by part.
    pub differences: Vec<RobustnessDifference>,
}

/// What a benchmark is, whatever models score on it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct BenchmarkAbout {
    /// Its name.
    pub name: String,
    /// What it does to the videos, one sentence.
    pub summary: String,
    /// Who proposed it.
    pub source: String,
    /// What it has elsewhere and not here: then its means are not those of the benchmark.
    pub lacks: Vec<String>,
    /// What the levels, its columns, are: "severity".
    pub level: String,
    /// Names of the levels, at least one.
    pub levels: Vec<String>,
    /// The numbers it is reported by.
    pub measures: Vec<Measure>,
    /// What others published.
    pub published: Vec<Published>,
    /// One clip in every row.
    pub pictures: Vec<Picture>,
}

/// One thing that is done to the videos.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct BenchmarkRow {
    /// Its name.
    pub name: String,
    /// What kind of trouble it is.
    pub family: String,
    /// Top-1 by model and level.
    pub top1: Vec<Vec<Share>>,
}

/// A part of a benchmark that has numbers of its own.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct BenchmarkPart {
    /// Which part.
    pub part: Part,
    /// The numbers of every model.
    pub models: Vec<Robustness>,
}

/// Which part of a benchmark.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Part {
    /// All of it.
    Whole,
    /// The rows of one family.
    Family(String),
    /// All rows at one level.
    Level(String),
}

/// How much more robust one model is than another on a part of a benchmark.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RobustnessDifference {
    /// Name of the model that is subtracted.
    pub first: String,
    /// Name of the model it is subtracted from.
    pub second: String,
    /// Which part.
    pub part: Part,
    /// The second minus the first.
    pub gain: RobustnessGain,
    /// The p-value of the mean top-1, corrected for all models and benchmarks of the report (Holm); of the whole alone.
    pub p_corrected: Option<f64>,
}

impl RobustnessDifference {
    /// What the permutation test by group allows to say about the second model on the whole of a benchmark.
    pub fn verdict(&self) -> Option<Verdict> {
        Some(Verdict::of(self.gain.mpc.difference, self.gain.groups, self.p_corrected?))
    }
}

/// A number that a benchmark is reported by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Measure {
    /// Mean top-1 over rows and levels.
    Mpc,
    /// That as a share of the clean top-1.
    Rpc,
    /// One less the points that are lost.
    AbsoluteGamma,
    /// The same number as [`Self::Rpc`], as another paper writes it.
    RelativeGamma,
}

/// A published result, in shares.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Published {
    /// The network.
    pub model: String,
    /// The data set.
    pub data_set: String,
    /// Whether the videos of this report are of that data set.
    pub same_data_set: bool,
    /// Top-1 on the videos as they are.
    pub clean: f64,
    /// Mean top-1 over corruptions and severities.
    pub mpc: f64,
    /// That as a share of the clean top-1.
    pub rpc: f64,
}

/// What a benchmark asks, and where the answers lie among the versions of [`Outcomes`](crate::metrics::Outcomes).
#[derive(Clone, Debug)]
pub struct BenchmarkPlan {
    /// What it is.
    pub about: BenchmarkAbout,
    /// What is done to the videos; at least one row.
    pub rows: Vec<PlannedRow>,
}

/// A row of a benchmark before it is scored.
#[derive(Clone, Debug)]
pub struct PlannedRow {
    /// Its name.
    pub name: String,
    /// What kind of trouble it is.
    pub family: String,
    /// The place of every level among the versions.
    pub versions: Vec<usize>,
}

impl RobustnessReport {
    /// The report as JSON, indented.
    pub fn to_json(&self) -> String {
        let mut text = serde_json::to_string_pretty(self).expect("a report holds only numbers, text and lists");
        text.push('\n');
        text
    }
}
