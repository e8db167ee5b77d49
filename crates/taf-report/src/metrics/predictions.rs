use serde::{Deserialize, Serialize};

use super::{Error, Groups, Result};

/// What the numbers of a score row mean.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ScoreKind {
    /// Unbounded; the softmax of a row gives its probabilities.
    Logits,
    /// Each in [0, 1], rows summing to 1.
    Probabilities,
}

/// What one model said about a list of samples, and what was right. A sample is a video, or one version of it.
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
    #[serde(default, skip_serializing_if = "Option::is_none")]
    versions: Option<Vec<String>>,
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
        Parts { samples, labels, kind, scores, groups: None, versions: None }.try_into()
    }

    /// Names the group of every sample (its scene, its person): groups, not samples, are then taken as independent. Without
    /// it every id is a group of its own.
    ///
    /// # Errors
    /// If there is not one group name per sample.
    pub fn with_groups(self, groups: Vec<String>) -> Result<Self> {
        Parts { groups: Some(groups), ..self.0 }.try_into()
    }

    /// Puts what was said about several versions of the same videos together, each with the name of its version. The ids may
    /// be those of the videos in every part.
    ///
    /// # Errors
    /// If there is no part, a version comes twice for a sample, or classes, kinds or groups do not fit each other.
    pub fn joined(parts: impl IntoIterator<Item = (String, Self)>) -> Result<Self> {
        let mut parts = parts.into_iter();
        let (name, Self(mut all)) = parts.next().ok_or_else(|| Error::predictions("at least one version", "none"))?;
        all.versions = Some(vec![name; all.samples.len()]);
        for (name, Self(part)) in parts {
            all.append(name, part)?;
        }
        all.try_into()
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

    /// The name of every sample's group.
    pub fn group_names(&self) -> &[String] {
        self.0.groups.as_deref().unwrap_or(self.samples())
    }

    /// Which samples belong together.
    pub fn groups(&self) -> Groups {
        Groups::new(self.group_names().iter().map(String::as_str))
    }

    /// How many videos the samples are of: each id is one, in however many versions.
    pub fn num_videos(&self) -> usize {
        Groups::new(self.samples().iter().map(String::as_str)).count()
    }

    /// The version of every sample; none where versions have no name.
    pub fn versions(&self) -> Option<&[String]> {
        self.0.versions.as_deref()
    }

    /// Id and version of a sample, for messages.
    pub(super) fn name(&self, at: usize) -> String {
        self.0.name(at)
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

/// The probabilities that logits stand for; of none, none.
pub fn softmax(logits: &[f32]) -> Vec<f32> {
    let top = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let mut row: Vec<f32> = logits.iter().map(|&logit| (logit - top).exp()).collect();
    let sum: f32 = row.iter().sum();
    row.iter_mut().for_each(|value| *value /= sum);
    row
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
        for (at, row) in parts.scores.iter().enumerate() {
            check_row(parts.kind, row).map_err(|found| {
                let expected = match parts.kind {
                    ScoreKind::Logits => "finite logits",
                    ScoreKind::Probabilities => "probabilities in [0, 1] that sum to 1",
                };
                Error::predictions(expected, format!("{found} for sample {:?}", parts.name(at)))
            })?;
        }
        Ok(Self(parts))
    }
}

impl Parts {
    fn append(&mut self, version: String, part: Self) -> Result<()> {
        if part.kind != self.kind || part.groups.is_some() != self.groups.is_some() {
            return Err(Error::predictions("one kind of scores, and groups in all versions or none", "a mixture"));
        }
        self.versions.get_or_insert_default().extend(vec![version; part.samples.len()]);
        self.groups.get_or_insert_default().extend(part.groups.unwrap_or_default());
        self.groups.take_if(|groups| groups.is_empty());
        self.samples.extend(part.samples);
        self.labels.extend(part.labels);
        self.scores.extend(part.scores);
        Ok(())
    }

    fn name(&self, at: usize) -> String {
        match &self.versions {
            Some(versions) => format!("{} {}", self.samples[at], versions[at]),
            None => self.samples[at].clone(),
        }
    }

    fn check_lengths(&self) -> Result<()> {
        let n = self.samples.len();
        if n == 0 || self.scores.first().is_none_or(Vec::is_empty) {
            return Err(Error::predictions("at least one sample and one class", "none"));
        }
        for (what, found) in [
            ("labels", self.labels.len()),
            ("score rows", self.scores.len()),
            ("groups", self.groups.as_ref().map_or(n, Vec::len)),
            ("versions", self.versions.as_ref().map_or(n, Vec::len)),
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
        for (at, (&label, row)) in self.labels.iter().zip(&self.scores).enumerate() {
            if row.len() != classes {
                let found = format!("{} for sample {:?}", row.len(), self.name(at));
                return Err(Error::predictions(format!("{classes} scores a sample, as the first has"), found));
            }
            if label >= classes {
                let found = format!("label {label} of sample {:?}", self.name(at));
                return Err(Error::predictions(format!("labels under {classes}"), found));
            }
            if !seen.insert((&self.samples[at], self.versions.as_ref().map(|versions| &versions[at]))) {
                return Err(Error::predictions("every sample once", format!("{:?} twice", self.name(at))));
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
    fn versions_of_the_same_videos_are_put_together() {
        let part = |answer: f32| {
            let p = Predictions::new(ids(2), vec![0, 1], ScoreKind::Logits, vec![vec![answer, 0.0], vec![0.0, 1.0]]);
            p.unwrap().with_groups(vec!["g".into(), "h".into()]).unwrap()
        };
        let joined = Predictions::joined([("clean".into(), part(1.0)), ("noise:3".into(), part(-1.0))]).unwrap();
        assert_eq!((joined.len(), joined.num_videos(), joined.groups().count()), (4, 2, 2));
        assert_eq!(joined.versions().unwrap(), ["clean", "clean", "noise:3", "noise:3"]);
        assert_eq!(joined.correct(), [true, true, false, true]);
        let twice = Predictions::joined([("clean".into(), part(1.0)), ("clean".into(), part(1.0))]);
        assert!(twice.unwrap_err().to_string().contains("\"v0 clean\" twice"));
        assert!(Predictions::joined([]).is_err());
    }

    #[test]
    fn versions_without_groups_are_grouped_by_their_video() {
        let part = || Predictions::new(ids(3), vec![0; 3], ScoreKind::Logits, vec![vec![1.0, 0.0]; 3]).unwrap();
        let joined = Predictions::joined([("a".into(), part()), ("b".into(), part())]).unwrap();
        assert_eq!((joined.groups().count(), joined.num_videos()), (3, 3));
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
