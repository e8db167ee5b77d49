use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer, Serialize};

/// One line of a run's log.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Line {
    /// Steps taken by then.
    pub step: u64,
    /// What is told.
    #[serde(flatten)]
    pub record: Record,
}

/// What a line of the log tells; its kind stands in the line as `kind`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind")]
pub enum Record {
    /// A step was taken.
    #[serde(rename = "step")]
    Step(StepRecord),
    /// The validation videos were classified.
    #[serde(rename = "eval")]
    Evaluation(EvaluationRecord),
    /// A training video was not as it should be.
    #[serde(rename = "video")]
    Video(VideoRecord),
}

/// A training video that was not as it should be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct VideoRecord {
    /// Epochs completed before.
    pub epoch: usize,
    /// Its path in the manifest.
    pub path: String,
    /// What is wrong with it.
    pub reason: String,
    /// The video shown instead, where another took its place.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub replaced_by: Option<String>,
}

/// What one step measured.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StepRecord {
    /// Epochs completed before the step.
    pub epoch: usize,
    /// The rate of the step.
    #[serde(deserialize_with = "number")]
    pub learning_rate: f64,
    /// Classification loss on the natural clips, or on what they were mixed to, before the step, nats.
    #[serde(deserialize_with = "number")]
    pub loss: f64,
    /// Classification loss on the perturbed clips before the step, not weighted, where clips were perturbed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub perturbed_loss: Option<f64>,
    /// Mean divergence of the answers to perturbed clips from those to the natural ones, nats, not weighted, where it is a part of
    /// the loss.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub consistency: Option<f64>,
    /// Mean divergence of the answers to variants of the clips from those to the clips, nats, not weighted, where it is a part of the
    /// loss.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub alignment: Option<f64>,
    /// Mean divergence of the attention on the natural clips from even attention, nats, not weighted, where it is a part of the loss.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unevenness: Option<f64>,
    /// Mean entropy in nats of the attention on the natural clips that were perturbed, before the step.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attention_entropy: Option<f64>,
    /// Share of those clips whose highest logit was that of the label, or of the one that weighs more in a mixed clip.
    #[serde(deserialize_with = "number")]
    pub accuracy: f64,
    /// Euclidean norm of all gradients together, before clipping.
    #[serde(deserialize_with = "number")]
    pub gradient_norm: f64,
    /// How many clips the adversary found no slope at, and left as they were.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub flat: usize,
    /// How long the step took, without the wait for its clips.
    #[serde(deserialize_with = "number")]
    pub seconds: f64,
    /// How long it waited for its clips before.
    #[serde(default)]
    pub waited_seconds: f64,
}

impl StepRecord {
    /// How long the step took with the wait before it, seconds.
    pub fn whole_seconds(&self) -> f64 {
        self.seconds + self.waited_seconds
    }

    /// The share of that which went by waiting for clips, in [0, 1].
    pub fn waited_share(&self) -> f64 {
        if self.waited_seconds > 0.0 { self.waited_seconds / self.whole_seconds() } else { 0.0 }
    }
}

fn is_zero(count: &usize) -> bool {
    *count == 0
}

/// What an evaluation measured.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct EvaluationRecord {
    /// Epochs completed.
    pub epoch: usize,
    /// Mean loss on the natural clips over the epoch, nats.
    #[serde(deserialize_with = "number")]
    pub train_loss: f64,
    /// Share of videos whose highest score is on the label.
    #[serde(deserialize_with = "number")]
    pub top1: f64,
    /// Share of videos whose label is among the five highest scores.
    #[serde(deserialize_with = "number")]
    pub top5: f64,
    /// Mean of minus the logarithm of the label's probability, nats.
    #[serde(deserialize_with = "number")]
    pub log_loss: f64,
}

/// JSON has no number that is none: such a number is written as `null`.
fn number<'de, D: Deserializer<'de>>(json: D) -> Result<f64, D::Error> {
    Ok(Option::deserialize(json)?.unwrap_or(f64::NAN))
}

/// The steps of a log.
pub fn steps(log: &[Line]) -> impl DoubleEndedIterator<Item = &StepRecord> {
    log.iter().filter_map(|line| match &line.record {
        Record::Step(step) => Some(step),
        Record::Evaluation(_) | Record::Video(_) => None,
    })
}

/// The mean of a value over the steps of each epoch, against the number of epochs done by then.
pub fn epoch_means(log: &[Line], value: impl Fn(&StepRecord) -> Option<f64>) -> Vec<(f64, f64)> {
    let mut epochs = BTreeMap::<usize, (f64, f64)>::new();
    for step in steps(log) {
        if let Some(value) = value(step) {
            let (sum, steps) = epochs.entry(step.epoch).or_default();
            (*sum, *steps) = (*sum + value, *steps + 1.0);
        }
    }
    epochs.into_iter().map(|(epoch, (sum, steps))| ((epoch + 1) as f64, sum / steps)).collect()
}

/// Top-1 on the validation videos, against the number of epochs done by then.
pub fn accuracies(log: &[Line]) -> Vec<(f64, f64)> {
    let point = |line: &Line| match &line.record {
        Record::Evaluation(evaluation) => Some((evaluation.epoch as f64, evaluation.top1)),
        Record::Step(_) | Record::Video(_) => None,
    };
    log.iter().filter_map(point).collect()
}

/// How often each video was replaced, by path.
pub fn replaced(log: &[Line]) -> BTreeMap<&str, usize> {
    let mut counts = BTreeMap::new();
    for line in log {
        if let Record::Video(VideoRecord { path, replaced_by: Some(_), .. }) = &line.record {
            *counts.entry(path.as_str()).or_default() += 1;
        }
    }
    counts
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    pub fn step(epoch: usize, loss: f64) -> Record {
        Record::Step(StepRecord {
            epoch,
            learning_rate: 0.1,
            loss,
            perturbed_loss: None,
            consistency: None,
            alignment: None,
            unevenness: None,
            attention_entropy: None,
            accuracy: 0.5,
            gradient_norm: 1.0,
            flat: 0,
            seconds: 0.25,
            waited_seconds: 0.0,
        })
    }

    pub fn evaluation(epoch: usize, top1: f64) -> Record {
        Record::Evaluation(EvaluationRecord { epoch, train_loss: 1.0, top1, top5: 1.0, log_loss: 0.5 })
    }

    #[test]
    fn a_line_is_as_it_always_was() {
        let line = Line { step: 7, record: evaluation(2, 0.75) };
        let json = r#"{"step":7,"kind":"eval","epoch":2,"train_loss":1.0,"top1":0.75,"top5":1.0,"log_loss":0.5}"#;
        assert_eq!(serde_json::to_string(&line).unwrap(), json);
        assert_eq!(serde_json::from_str::<Line>(json).unwrap(), line);
        let line = Line { step: 1, record: step(0, 2.5) };
        let json = serde_json::to_string(&line).unwrap();
        assert!(
            json.starts_with(r#"{"step":1,"kind":"step","epoch":0,"learning_rate":0.1,"loss":2.5,"accuracy""#),
            "{json}"
        );
        assert_eq!(serde_json::from_str::<Line>(&json).unwrap(), line);
    }

    #[test]
    fn a_number_that_is_none_comes_back_as_one() {
        let json = serde_json::to_string(&Line { step: 1, record: step(0, f64::NAN) }).unwrap();
        let Record::Step(back) = serde_json::from_str::<Line>(&json).unwrap().record else { panic!("{json}") };
        assert!(back.loss.is_nan() && json.contains("\"loss\":null"));
    }

    #[test]
    fn videos_that_were_replaced_are_counted_and_damaged_ones_are_not() {
        let video = |path: &str, by: Option<&str>| Line {
            step: 1,
            record: Record::Video(VideoRecord {
                epoch: 0,
                path: path.into(),
                reason: "it ends too early".into(),
                replaced_by: by.map(str::to_owned),
            }),
        };
        let log = [video("b", Some("c")), video("a", None), video("b", Some("d"))];
        assert_eq!(replaced(&log), BTreeMap::from([("b", 2)]));
        let json = serde_json::to_string(&log[0]).unwrap();
        assert!(json.starts_with(r#"{"step":1,"kind":"video","epoch":0,"path":"b""#), "{json}");
        assert_eq!(serde_json::from_str::<Line>(&json).unwrap(), log[0]);
    }

    #[test]
    fn steps_are_averaged_by_epoch_and_evaluations_stand_where_they_were_made() {
        let records = [step(0, 3.0), step(0, 1.0), evaluation(1, 0.5), step(1, 0.5)];
        let log: Vec<Line> = records.into_iter().map(|record| Line { step: 1, record }).collect();
        assert_eq!(epoch_means(&log, |step| Some(step.loss)), [(1.0, 2.0), (2.0, 0.5)]);
        assert!(epoch_means(&log, |step| step.perturbed_loss).is_empty());
        assert_eq!(accuracies(&log), [(1.0, 0.5)]);
    }
}
