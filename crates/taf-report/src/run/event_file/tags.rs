use super::message::{Content, Event, Summary, Value};
use crate::run::{EvaluationRecord, Line, Record, StepRecord};

/// The group of what steps measured.
const TRAIN: &str = "train/";

/// What an evaluation found is about the validation videos.
const VALIDATION: &str = "validation/";

impl Event {
    /// The numbers of a line of the log; none where it has no numbers.
    pub fn of_line(line: &Line, wall_time: f64) -> Option<Self> {
        let (group, numbers) = match &line.record {
            Record::Step(step) => (TRAIN, of_step(step)),
            Record::Evaluation(evaluation) => (VALIDATION, of_evaluation(evaluation)),
            Record::Video(_) => return None,
        };
        let value = |(name, number): (&str, f64)| Value {
            tag: format!("{group}{name}"),
            content: Some(Content::Scalar(number as f32)),
        };
        let summary = Summary { value: numbers.into_iter().map(value).collect() };
        Some(Self { wall_time, step: line.step as i64, file_version: None, summary: Some(summary) })
    }

    /// Whether it tells of a step, and of no evaluation.
    pub fn is_of_step(&self) -> bool {
        self.summary.iter().flat_map(|summary| &summary.value).all(|value| value.tag.starts_with(TRAIN))
    }
}

fn of_step(step: &StepRecord) -> Vec<(&'static str, f64)> {
    let mut numbers = vec![
        ("loss", step.loss),
        ("accuracy", step.accuracy),
        ("learning rate", step.learning_rate),
        ("gradient norm", step.gradient_norm),
        ("waited share", step.waited_share()),
        ("seconds", step.seconds),
    ];
    numbers.extend(step.perturbed_loss.map(|loss| ("perturbed loss", loss)));
    numbers.extend(step.consistency.map(|divergence| ("consistency", divergence)));
    numbers.extend(step.alignment.map(|divergence| ("alignment", divergence)));
    numbers.extend(step.unevenness.map(|divergence| ("unevenness of attention", divergence)));
    numbers.extend(step.attention_entropy.map(|entropy| ("attention entropy", entropy)));
    numbers
}

fn of_evaluation(evaluation: &EvaluationRecord) -> Vec<(&'static str, f64)> {
    vec![("top-1", evaluation.top1), ("top-5", evaluation.top5), ("log loss", evaluation.log_loss)]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::run::record::tests::{evaluation, step};

    fn tags(record: Record) -> Vec<String> {
        let event = Event::of_line(&Line { step: 3, record }, 1.0).unwrap();
        assert_eq!(event.step, 3);
        event.summary.unwrap().value.into_iter().map(|value| value.tag).collect()
    }

    #[test]
    fn a_step_of_plain_training_has_no_perturbed_loss_and_no_attention() {
        let plain = tags(step(0, 2.0));
        assert!(plain.contains(&"train/loss".into()) && plain.contains(&"train/waited share".into()), "{plain:?}");
        assert!(!plain.iter().any(|tag| tag.contains("perturbed") || tag.contains("attention")), "{plain:?}");
        let Record::Step(of_taf) = step(0, 2.0) else { unreachable!("a step is a step") };
        let of_taf = StepRecord { perturbed_loss: Some(3.0), attention_entropy: Some(1.5), ..of_taf };
        let of_taf = tags(Record::Step(of_taf));
        assert!(of_taf.ends_with(&["train/perturbed loss".into(), "train/attention entropy".into()]), "{of_taf:?}");
    }

    #[test]
    fn an_evaluation_stands_in_a_group_of_its_own() {
        assert_eq!(tags(evaluation(1, 0.5)), ["validation/top-1", "validation/top-5", "validation/log loss"]);
        let line = Line { step: 3, record: evaluation(1, 0.5) };
        assert!(!Event::of_line(&line, 0.0).unwrap().is_of_step());
    }
}
