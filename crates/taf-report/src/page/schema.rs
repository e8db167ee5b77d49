use serde::{Deserialize, Serialize};

use super::{Chart, Details};
use crate::metrics::{AttentionSummary, Comparison, FEW_GROUPS, LEVEL, Scores};

/// Everything a report says, as plain values: the schema of `report.json`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Report {
    /// Version of this schema, 2.
    pub schema: u32,
    /// Headline.
    pub title: String,
    /// What was asked, one sentence.
    pub question: Option<String>,
    /// What came out, one sentence, with the interval.
    pub answer: String,
    /// What else came out, a sentence each.
    pub findings: Vec<String>,
    /// Class names in class order.
    pub classes: Vec<String>,
    /// The models in the order they are shown.
    pub models: Vec<Named>,
    /// The suites in the order they are shown; the first is the one the answer speaks of.
    pub suites: Vec<Named>,
    /// One entry for every model on every suite it was asked about.
    pub results: Vec<SuiteResult>,
    /// Paired comparisons, by pair and then by suite.
    pub differences: Vec<Difference>,
    /// How each model spreads its attention over time.
    pub attention: Vec<ModelAttention>,
    /// Training curves.
    pub curves: Vec<Chart>,
    /// Pictures of where the models look.
    pub pictures: Vec<Picture>,
    /// What a reader needs to know of it.
    #[serde(flatten)]
    pub details: Details,
}

/// A name and what it stands for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Named {
    /// Name as shown in tables.
    pub name: String,
    /// One sentence; may be empty.
    pub description: String,
}

/// What one model scored on one suite.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SuiteResult {
    /// Name of the model.
    pub model: String,
    /// Name of the suite.
    pub suite: String,
    /// Its scores.
    pub scores: Scores,
}

/// Two models on one suite.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Difference {
    /// Name of the suite.
    pub suite: String,
    /// Name of the model that is subtracted.
    pub first: String,
    /// Name of the model it is subtracted from.
    pub second: String,
    /// The second minus the first.
    pub comparison: Comparison,
    /// The comparison's p-value, corrected for all comparisons of the report (Holm).
    pub p_corrected: f64,
}

/// What a difference amounts to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The second model is better.
    Higher,
    /// The second model is worse.
    Lower,
    /// Chance alone may make such a difference.
    NotShown,
    /// There are too few groups to tell.
    TooFewGroups,
}

impl Verdict {
    /// What is allowed to say of a difference between models that rests on so many groups, its p-value corrected for all
    /// comparisons.
    pub fn of(difference: f64, groups: usize, p_corrected: f64) -> Self {
        match difference {
            _ if groups < FEW_GROUPS => Self::TooFewGroups,
            _ if p_corrected > 1.0 - LEVEL => Self::NotShown,
            difference if difference > 0.0 => Self::Higher,
            _ => Self::Lower,
        }
    }
}

impl Difference {
    /// What the permutation test by group allows to say about the second model, given all comparisons of the report.
    pub fn verdict(&self) -> Verdict {
        Verdict::of(self.comparison.top1.difference, self.comparison.groups, self.p_corrected)
    }
}

/// The attention of one model.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ModelAttention {
    /// Name of the model.
    pub model: String,
    /// Its attention over many clips.
    pub summary: AttentionSummary,
}

/// A picture and what it shows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Picture {
    /// Short heading.
    pub title: String,
    /// What to see in it, a sentence.
    pub caption: String,
    /// The bytes of a PNG file; base64 in JSON.
    #[serde(with = "base64_text")]
    pub png: Vec<u8>,
}

impl Report {
    /// The scores of a model on a suite, where it was asked.
    pub fn scores(&self, model: &str, suite: &str) -> Option<&Scores> {
        self.results.iter().find(|r| r.model == model && r.suite == suite).map(|r| &r.scores)
    }

    /// The report as JSON, indented.
    pub fn to_json(&self) -> String {
        let mut text = serde_json::to_string_pretty(self).expect("a report holds only numbers, text and lists");
        text.push('\n');
        text
    }
}

mod base64_text {
    use base64::Engine;
    use base64::engine::general_purpose::STANDARD;
    use serde::{Deserialize, Deserializer, Serializer};

    pub fn serialize<S: Serializer>(bytes: &[u8], serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&STANDARD.encode(bytes))
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<u8>, D::Error> {
        STANDARD.decode(String::deserialize(deserializer)?).map_err(serde::de::Error::custom)
    }
}
