use serde::{Deserialize, Serialize};

use super::groups::{GroupSum, Groups, Weighted};
use super::{Error, Predictions, Result, ScoreKind, Share};

/// How well one model did on one list of samples, with intervals that take whole groups as independent.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Scores {
    /// Number of samples: of videos, each counted once for every version.
    pub samples: usize,
    /// Number of videos.
    pub videos: usize,
    /// Number of groups the videos fall into.
    pub groups: usize,
    /// Share of samples whose highest score is on the label.
    pub top1: Share,
    /// Share of samples whose label is among the five highest scores: 1 by definition with five classes or fewer.
    pub top5: Share,
    /// Mean over the classes that occur of the class's own top-1: every class counts the same.
    pub mean_class_accuracy: Share,
    /// Mean of minus the logarithm of the label's probability, in nats. A probability below 1e-12 counts as 1e-12.
    pub log_loss: f64,
    /// Per class, in class order.
    pub per_class: Vec<ClassScore>,
    /// Per version of the videos, in the order they were evaluated; empty where versions have no name.
    pub per_version: Vec<VersionScore>,
    /// `confusion[label][predicted]`, in samples.
    pub confusion: Vec<Vec<u32>>,
}

/// How well a model did on the samples of one class.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ClassScore {
    /// Name of the class.
    pub name: String,
    /// Samples that belong to it.
    pub support: usize,
    /// Share of them that were recognised; none where no sample belongs to the class.
    pub top1: Option<Share>,
}

/// How well a model did on one version of the videos.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct VersionScore {
    /// Name of the version.
    pub name: String,
    /// Share of the videos that were recognised in it.
    pub top1: Share,
}

/// Smallest probability that enters the log loss, as small as it can be in double precision and still mean something.
const MIN_PROBABILITY: f64 = 1e-12;

impl Scores {
    /// Scores predictions; `class_names` are in class order.
    ///
    /// Ties: of equal scores the lower class stands first, in top-1 as in top-5.
    ///
    /// # Errors
    /// If there is not one name per class.
    pub fn new(predictions: &Predictions, class_names: &[String]) -> Result<Self> {
        let classes = predictions.num_classes();
        if class_names.len() != classes {
            return Err(Error::predictions(format!("{classes} class names"), class_names.len().to_string()));
        }
        let (groups, right) = (predictions.groups(), predictions.correct());
        let confusion = confusion(predictions);
        let in_five: Vec<bool> = rows(predictions).map(|(row, label)| rank(row, label) < 5).collect();
        Ok(Self {
            samples: predictions.len(),
            videos: predictions.num_videos(),
            groups: groups.count(),
            top1: share(&groups, right.iter().map(|&r| Some(r))).expect("predictions are never empty"),
            top5: share(&groups, in_five.iter().map(|&r| Some(r))).expect("predictions are never empty"),
            mean_class_accuracy: mean_class_accuracy(&groups, predictions.labels(), &right, &confusion),
            log_loss: predictions.log_loss(),
            per_class: per_class(&groups, predictions.labels(), &right, class_names),
            per_version: per_version(&groups, predictions, &right),
            confusion,
        })
    }

    /// How many versions of the videos there are, at least 1.
    pub fn versions(&self) -> usize {
        self.per_version.len().max(1)
    }
}

/// The share of right answers among the samples that have one; none where there are none.
fn share(groups: &Groups, right: impl Iterator<Item = Option<bool>>) -> Option<Share> {
    let sums = groups.sums(right.map(|right| right.map(|right| Weighted::once(f64::from(u8::from(right))))));
    (!sums.is_empty()).then(|| Share::of(&sums))
}

/// A share in which a sample counts the more, the fewer its class has.
fn mean_class_accuracy(groups: &Groups, labels: &[usize], right: &[bool], confusion: &[Vec<u32>]) -> Share {
    let supports: Vec<f64> = confusion.iter().map(|row| f64::from(row.iter().sum::<u32>())).collect();
    let weighted = |(&label, &right): (&usize, &bool)| {
        Some(Weighted { value: f64::from(u8::from(right)), weight: 1.0 / supports[label] })
    };
    let sums: Vec<GroupSum> = groups.sums(labels.iter().zip(right).map(weighted));
    Share::of(&sums)
}

fn per_class(groups: &Groups, labels: &[usize], right: &[bool], names: &[String]) -> Vec<ClassScore> {
    let score = |(class, name): (usize, &String)| {
        let of_class = labels.iter().zip(right).map(|(&label, &right)| (label == class).then_some(right));
        let support = labels.iter().filter(|&&label| label == class).count();
        ClassScore { name: name.clone(), support, top1: share(groups, of_class) }
    };
    names.iter().enumerate().map(score).collect()
}

fn per_version(groups: &Groups, predictions: &Predictions, right: &[bool]) -> Vec<VersionScore> {
    let Some(versions) = predictions.versions() else { return Vec::new() };
    let mut names: Vec<&String> = Vec::new();
    versions.iter().for_each(|name| {
        if !names.contains(&name) {
            names.push(name);
        }
    });
    let score = |name: &String| {
        let of_version = versions.iter().zip(right).map(|(version, &right)| (version == name).then_some(right));
        Some(VersionScore { name: name.clone(), top1: share(groups, of_version)? })
    };
    names.into_iter().filter_map(score).collect()
}

impl Predictions {
    /// Mean of minus the logarithm of the label's probability, in nats. A probability below 1e-12 counts as 1e-12.
    pub fn log_loss(&self) -> f64 {
        let losses = rows(self).map(|(row, label)| -log_probability(self.kind(), row, label));
        losses.sum::<f64>() / self.len() as f64
    }
}

fn rows(predictions: &Predictions) -> impl Iterator<Item = (&[f32], usize)> {
    predictions.scores().iter().map(Vec::as_slice).zip(predictions.labels().iter().copied())
}

/// How many classes stand before `label` when the row is sorted by falling score, ties by rising class.
fn rank(row: &[f32], label: usize) -> usize {
    let before = |(class, &score): (usize, &f32)| score > row[label] || (score == row[label] && class < label);
    row.iter().enumerate().filter(|&entry| before(entry)).count()
}

/// The probability of a label, at least 1e-12.
pub(super) fn label_probability(kind: ScoreKind, row: &[f32], label: usize) -> f64 {
    log_probability(kind, row, label).exp()
}

fn log_probability(kind: ScoreKind, row: &[f32], label: usize) -> f64 {
    let log = match kind {
        ScoreKind::Probabilities => f64::from(row[label]).ln(),
        ScoreKind::Logits => {
            let top = f64::from(row.iter().copied().fold(f32::NEG_INFINITY, f32::max));
            let sum: f64 = row.iter().map(|&v| (f64::from(v) - top).exp()).sum();
            f64::from(row[label]) - top - sum.ln()
        }
    };
    log.max(MIN_PROBABILITY.ln())
}

fn confusion(predictions: &Predictions) -> Vec<Vec<u32>> {
    let classes = predictions.num_classes();
    let mut counts = vec![vec![0; classes]; classes];
    for (said, &label) in predictions.predicted().into_iter().zip(predictions.labels()) {
        counts[label][said] += 1;
    }
    counts
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(k: usize) -> Vec<String> {
        (0..k).map(|i| format!("class {i}")).collect()
    }

    fn predictions(kind: ScoreKind, labels: Vec<usize>, scores: Vec<Vec<f32>>) -> Predictions {
        let ids = (0..labels.len()).map(|i| i.to_string()).collect();
        Predictions::new(ids, labels, kind, scores).unwrap()
    }

    /// One-hot logits for the class that was said.
    fn said(classes: usize, answers: &[usize]) -> Vec<Vec<f32>> {
        answers.iter().map(|&a| (0..classes).map(|k| if k == a { 1.0 } else { 0.0 }).collect()).collect()
    }

    #[test]
    fn four_answers_counted_by_hand() {
        // labels 0 0 0 1 against answers 0 0 1 1; class 2 never occurs.
        let p = predictions(ScoreKind::Logits, vec![0, 0, 0, 1], said(3, &[0, 0, 1, 1]));
        let s = Scores::new(&p, &names(3)).unwrap();
        assert_eq!(s.top1.value, 0.75);
        assert_eq!(s.top5.value, 1.0);
        assert_eq!(s.confusion, [[2, 1, 0], [0, 1, 0], [0, 0, 0]]);
        assert!((s.mean_class_accuracy.value - (2.0 / 3.0 + 1.0) / 2.0).abs() < 1e-12);
        assert_eq!(s.per_class[2].support, 0);
        assert_eq!(s.per_class[2].top1, None);
    }

    #[test]
    fn log_loss_of_logits_is_that_of_their_softmax() {
        let logits = predictions(ScoreKind::Logits, vec![0], vec![vec![1.0, 2.0, 3.0]]);
        let expected = (1f64.exp() + 2f64.exp() + 3f64.exp()).ln() - 1.0;
        assert!((Scores::new(&logits, &names(3)).unwrap().log_loss - expected).abs() < 1e-12);

        let sure = predictions(ScoreKind::Probabilities, vec![0, 1], vec![vec![0.25, 0.75], vec![1.0, 0.0]]);
        let expected = (-(0.25f64.ln()) - MIN_PROBABILITY.ln()) / 2.0;
        assert!((Scores::new(&sure, &names(2)).unwrap().log_loss - expected).abs() < 1e-12);
    }

    #[test]
    fn the_sixth_highest_score_is_not_in_the_top_five() {
        let row = vec![6.0, 5.0, 4.0, 3.0, 2.0, 1.0];
        let p = predictions(ScoreKind::Logits, vec![4, 5], vec![row.clone(), row]);
        assert_eq!(Scores::new(&p, &names(6)).unwrap().top5.value, 0.5);
    }

    #[test]
    fn a_tie_at_the_fifth_place_goes_to_the_lower_class() {
        let p = predictions(ScoreKind::Logits, vec![4, 5], vec![vec![0.0; 6], vec![0.0; 6]]);
        let s = Scores::new(&p, &names(6)).unwrap();
        assert_eq!(s.top5.value, 0.5);
        assert_eq!(s.top1.value, 0.0);
    }

    /// 80 videos in 40 groups, each in ten versions: a group is right or wrong as a whole.
    fn spoiled() -> Predictions {
        let part = |version: usize| {
            let answers: Vec<usize> = (0..80).map(|video| usize::from(video / 2 % 8 != 0)).collect();
            let groups = (0..80).map(|video| format!("scene {}", video / 2)).collect();
            let p = predictions(ScoreKind::Logits, vec![0; 80], said(2, &answers)).with_groups(groups).unwrap();
            (format!("noise:{version}"), p)
        };
        Predictions::joined((0..10).map(part)).unwrap()
    }

    #[test]
    fn versions_of_one_video_do_not_narrow_the_interval() {
        let s = Scores::new(&spoiled(), &names(2)).unwrap();
        assert_eq!((s.samples, s.videos, s.groups, s.versions()), (800, 80, 40, 10));
        assert_eq!(s.top1.value, 0.125);
        // As 5 of 40, where 100 of 800 would have [0.104, 0.150].
        assert!(s.top1.low < 0.06 && s.top1.high > 0.25, "{:?}", s.top1);
        assert_eq!((s.per_version.len(), s.per_version[3].name.as_str()), (10, "noise:3"));
        assert_eq!(s.per_version[3].top1, s.top1);
        assert_eq!(s.per_class[0].top1, Some(s.top1));
    }

    #[test]
    fn classes_of_one_size_make_the_mean_over_classes_the_share_of_all() {
        let p = predictions(ScoreKind::Logits, vec![0, 0, 0, 1, 1, 1], said(2, &[0, 0, 1, 1, 0, 0]));
        let s = Scores::new(&p, &names(2)).unwrap();
        assert!((s.mean_class_accuracy.low - s.top1.low).abs() < 1e-12);
        assert!((s.mean_class_accuracy.high - s.top1.high).abs() < 1e-12);
    }

    #[test]
    fn class_names_must_match_the_classes() {
        let p = predictions(ScoreKind::Logits, vec![0], vec![vec![0.0, 1.0]]);
        assert!(Scores::new(&p, &names(3)).is_err());
    }
}
