use serde::{Deserialize, Serialize};

use super::{Error, Result};

/// What the numbers of a score row mean.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ScoreKind {
    /// Unbounded; the softmax of a row gives its probabilities.
    Logits,
    /// Each in [0, 1], rows summing to 1.
    Probabilities,
}

/// What one model said about a list of samples, and what was right.
///
/// Made only by [`Predictions::new`], which checks it, so every reader can trust the lengths and the labels.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Parts", into = "Parts")]
pub struct Predictions(Parts);

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Parts {
    samples: Vec<String>,
    labels: Vec<usize>,
    kind: ScoreKind,
    scores: Vec<Vec<f32>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    groups: Option<Vec<String>>,
}

/// How far the sum of a probability row may lie from 1: room for single precision over a few hundred classes.
const SUM_TOLERANCE: f64 = 1e-3;

impl Predictions {
    /// Puts one model's answers together.
    ///
    /// # Shapes
    /// `samples [n]` (unique ids), `labels [n]` (each under `k`), `scores [n][k]`, with `n >= 1` and `k >= 1`.
    ///
    /// # Errors
    /// If lengths differ, an id comes twice, a label is no class, or a score is not finite (or no probability).
    pub fn new(samples: Vec<String>, labels: Vec<usize>, kind: ScoreKind, scores: Vec<Vec<f32>>) -> Result<Self> {
        Parts { samples, labels, kind, scores, groups: None }.try_into()
    }

    /// Names the group of every sample (its video, its person): groups, not samples, are then taken as independent.
    ///
    /// # Errors
    /// If there is not one group name per sample.
    pub fn with_groups(self, groups: Vec<String>) -> Result<Self> {
        Parts { groups: Some(groups), ..self.0 }.try_into()
    }

    /// Number of samples, at least 1.
    #[allow(clippy::len_without_is_empty)] // predictions are never empty
    pub fn len(&self) -> usize {
        self.0.samples.len()
    }

    /// Number of classes, at least 1.
    pub fn num_classes(&self) -> usize {
        self.0.scores[0].len()
    }

    /// The id of every sample, in the order of all the other lists.
    pub fn samples(&self) -> &[String] {
        &self.0.samples
    }

    /// The right class of every sample.
    pub fn labels(&self) -> &[usize] {
        &self.0.labels
    }

    /// The group of every sample, where groups are known.
    pub fn groups(&self) -> Option<&[String]> {
        self.0.groups.as_deref()
    }

    /// What the rows of [`Self::scores`] mean.
    pub fn kind(&self) -> ScoreKind {
        self.0.kind
    }

    /// The scores `[n][k]`.
    pub fn scores(&self) -> &[Vec<f32>] {
        &self.0.scores
    }

    /// The class with the highest score for every sample; of equal scores the lower class.
    pub fn predicted(&self) -> Vec<usize> {
        self.0.scores.iter().map(|row| highest(row)).collect()
    }

    /// Whether the highest score is on the label, for every sample.
    pub fn correct(&self) -> Vec<bool> {
        self.predicted().iter().zip(self.labels()).map(|(said, label)| said == label).collect()
    }
}

/// Index of the largest value; of equal values the first.
pub fn highest(row: &[f32]) -> usize {
    (1..row.len()).fold(0, |best, at| if row[at] > row[best] { at } else { best })
}

impl From<Predictions> for Parts {
    fn from(predictions: Predictions) -> Self {
        predictions.0
    }
}

impl TryFrom<Parts> for Predictions {
    type Error = Error;

    fn try_from(parts: Parts) -> Result<Self> {
        parts.check_lengths()?;
        parts.check_samples()?;
        for (sample, row) in parts.samples.iter().zip(&parts.scores) {
            check_row(parts.kind, row).map_err(|found| {
                let expected = match parts.kind {
                    ScoreKind::Logits => "finite logits",
                    ScoreKind::Probabilities => "probabilities in [0, 1] that sum to 1",
                };
                Error::predictions(expected, format!("{found} for sample {sample:?}"))
            })?;
        }
        Ok(Self(parts))
    }
}

impl Parts {
    fn check_lengths(&self) -> Result<()> {
        let n = self.samples.len();
        if n == 0 || self.scores.first().is_none_or(Vec::is_empty) {
            return Err(Error::predictions("at least one sample and one class", "none"));
        }
        for (what, found) in [
            ("labels", self.labels.len()),
            ("score rows", self.scores.len()),
            ("groups", self.groups.as_ref().map_or(n, Vec::len)),
        ] {
            if found != n {
                return Err(Error::predictions(format!("{n} {what}, one per sample"), found.to_string()));
            }
        }
        Ok(())
    }

    fn check_samples(&self) -> Result<()> {
        let classes = self.scores[0].len();
        let mut seen = std::collections::HashSet::new();
        for ((sample, &label), row) in self.samples.iter().zip(&self.labels).zip(&self.scores) {
            if row.len() != classes {
                let found = format!("{} for sample {sample:?}", row.len());
                return Err(Error::predictions(format!("{classes} scores a sample, as the first has"), found));
            }
            if label >= classes {
                let found = format!("label {label} of sample {sample:?}");
                return Err(Error::predictions(format!("labels under {classes}"), found));
            }
            if !seen.insert(sample) {
                return Err(Error::predictions("every sample once", format!("{sample:?} twice")));
            }
        }
        Ok(())
    }
}

fn check_row(kind: ScoreKind, row: &[f32]) -> std::result::Result<(), String> {
    let bad = |v: &&f32| !v.is_finite() || (kind == ScoreKind::Probabilities && !(0.0..=1.0 + 1e-4).contains(*v));
    if let Some(value) = row.iter().find(bad) {
        return Err(value.to_string());
    }
    let sum: f64 = row.iter().map(|&v| f64::from(v)).sum();
    if kind == ScoreKind::Probabilities && (sum - 1.0).abs() > SUM_TOLERANCE {
        return Err(format!("a sum of {sum:.4}"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ids(n: usize) -> Vec<String> {
        (0..n).map(|i| format!("v{i}")).collect()
    }

    #[test]
    fn equal_scores_go_to_the_lower_class() {
        let p = Predictions::new(ids(2), vec![0, 2], ScoreKind::Logits, vec![vec![1.0, 1.0, 1.0], vec![0.0, 2.0, 2.0]]);
        let p = p.unwrap();
        assert_eq!(p.predicted(), [0, 1]);
        assert_eq!(p.correct(), [true, false]);
    }

    #[test]
    fn a_score_that_is_not_a_number_is_an_error_naming_the_sample() {
        let scores = vec![vec![0.0, 1.0], vec![f32::NAN, 1.0]];
        let error = Predictions::new(ids(2), vec![0, 1], ScoreKind::Logits, scores).unwrap_err();
        assert_eq!(error.to_string(), "predictions need finite logits, found NaN for sample \"v1\"");
    }

    #[test]
    fn probabilities_must_sum_to_one() {
        let make = |row| Predictions::new(ids(1), vec![0], ScoreKind::Probabilities, vec![row]);
        assert!(make(vec![0.25, 0.75]).is_ok());
        assert!(make(vec![0.25, 0.25]).unwrap_err().to_string().contains("a sum of 0.5000"));
        assert!(make(vec![1.5, -0.5]).is_err());
    }

    #[test]
    fn parts_that_do_not_fit_each_other_are_refused() {
        let row = || vec![0.0, 1.0];
        let make = |ids, labels, scores| Predictions::new(ids, labels, ScoreKind::Logits, scores);
        assert!(make(ids(0), vec![], vec![]).is_err());
        assert!(make(ids(2), vec![0], vec![row(), row()]).is_err());
        assert!(make(ids(2), vec![0, 2], vec![row(), row()]).unwrap_err().to_string().contains("label 2"));
        assert!(make(ids(2), vec![0, 1], vec![row(), vec![1.0]]).is_err());
        assert!(make(vec!["a".into(), "a".into()], vec![0, 1], vec![row(), row()]).is_err());
        let one = make(ids(1), vec![0], vec![row()]).unwrap();
        assert!(one.with_groups(vec![]).is_err());
    }

    #[test]
    fn reading_checks_what_writing_wrote() {
        let p = Predictions::new(ids(1), vec![1], ScoreKind::Logits, vec![vec![0.5, 1.5]]).unwrap();
        let p = p.with_groups(vec!["person 1".into()]).unwrap();
        let text = serde_json::to_string(&p).unwrap();
        assert_eq!(serde_json::from_str::<Predictions>(&text).unwrap(), p);
        assert!(serde_json::from_str::<Predictions>(&text.replace("[1]", "[7]")).is_err());
    }
}
