use serde::{Deserialize, Serialize};

use super::{Error, Predictions, Proportion, Result, ScoreKind, wilson};

/// How well one model did on one list of samples. All accuracies lie in [0, 1].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Scores {
    /// Number of samples.
    pub n: usize,
    /// Share of samples whose highest score is on the label, with its Wilson interval.
    pub top1: Proportion,
    /// Share of samples whose label is among the five highest scores: 1 by definition with five classes or fewer.
    pub top5: Proportion,
    /// Mean over the classes that occur of the class's own top-1: every class counts the same.
    pub mean_class_accuracy: f64,
    /// Mean of minus the logarithm of the label's probability, in nats. A probability below 1e-12 counts as 1e-12.
    pub log_loss: f64,
    /// Per class, in class order.
    pub per_class: Vec<ClassScore>,
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
    pub top1: Option<Proportion>,
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
        let confusion = confusion(predictions);
        let per_class = per_class(&confusion, class_names);
        let right: u32 = (0..classes).map(|k| confusion[k][k]).sum();
        let in_five = rows(predictions).filter(|(row, label)| rank(row, *label) < 5).count();
        Ok(Self {
            n: predictions.len(),
            top1: wilson(right as usize, predictions.len()),
            top5: wilson(in_five, predictions.len()),
            mean_class_accuracy: mean(per_class.iter().filter_map(|c| Some(c.top1.as_ref()?.value))),
            log_loss: mean(rows(predictions).map(|(row, label)| -log_probability(predictions.kind(), row, label))),
            per_class,
            confusion,
        })
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

fn per_class(confusion: &[Vec<u32>], names: &[String]) -> Vec<ClassScore> {
    let score = |(class, name): (usize, &String)| {
        let support = confusion[class].iter().sum::<u32>() as usize;
        let top1 = (support > 0).then(|| wilson(confusion[class][class] as usize, support));
        ClassScore { name: name.clone(), support, top1 }
    };
    names.iter().enumerate().map(score).collect()
}

fn mean(values: impl Iterator<Item = f64>) -> f64 {
    let (sum, count) = values.fold((0.0, 0usize), |(sum, count), v| (sum + v, count + 1));
    sum / count.max(1) as f64
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
        assert!((s.mean_class_accuracy - (2.0 / 3.0 + 1.0) / 2.0).abs() < 1e-12);
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
        assert_eq!(Scores::new(&p, &names(6)).unwrap().top5.successes, 1);
    }

    #[test]
    fn a_tie_at_the_fifth_place_goes_to_the_lower_class() {
        let p = predictions(ScoreKind::Logits, vec![4, 5], vec![vec![0.0; 6], vec![0.0; 6]]);
        let s = Scores::new(&p, &names(6)).unwrap();
        assert_eq!(s.top5.successes, 1);
        assert_eq!(s.top1.successes, 0);
    }

    #[test]
    fn class_names_must_match_the_classes() {
        let p = predictions(ScoreKind::Logits, vec![0], vec![vec![0.0, 1.0]]);
        assert!(Scores::new(&p, &names(3)).is_err());
    }
}
