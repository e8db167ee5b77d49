//! Requirements on results, such as `clean.top1>=0.75`.

use std::fmt;
use std::str::FromStr;

use taf_report::metrics::Scores;
use taf_report::page::Report;

/// A bound on one measure of one suite.
#[derive(Clone, Debug, PartialEq)]
pub struct Requirement {
    suite: String,
    measure: Measure,
    at_least: bool,
    bound: f64,
}

/// What can be required.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Measure {
    Top1,
    Top5,
    MeanClassAccuracy,
    LogLoss,
}

impl Measure {
    const ALL: [Self; 4] = [Self::Top1, Self::Top5, Self::MeanClassAccuracy, Self::LogLoss];

    fn name(self) -> &'static str {
        match self {
            Self::Top1 => "top1",
            Self::Top5 => "top5",
            Self::MeanClassAccuracy => "mean_class_accuracy",
            Self::LogLoss => "log_loss",
        }
    }

    fn of(self, scores: &Scores) -> f64 {
        match self {
            Self::Top1 => scores.top1.value,
            Self::Top5 => scores.top5.value,
            Self::MeanClassAccuracy => scores.mean_class_accuracy.value,
            Self::LogLoss => scores.log_loss,
        }
    }
}

impl Requirement {
    /// The suite it speaks of.
    pub fn suite(&self) -> &str {
        &self.suite
    }

    /// What is wrong, if it is not met by `model`; a suite that was not evaluated does not meet it.
    pub fn failure(&self, report: &Report, model: &str) -> Option<String> {
        let Some(scores) = report.scores(model, &self.suite) else {
            return Some(format!("required {self}, but {} was not evaluated", self.suite));
        };
        let found = self.measure.of(scores);
        let met = if self.at_least { found >= self.bound } else { found <= self.bound };
        (!met).then(|| format!("required {self}, found {found:.4}"))
    }
}

impl FromStr for Requirement {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let shape = || "expected SUITE.MEASURE>=VALUE or SUITE.MEASURE<=VALUE, such as clean.top1>=0.75".to_owned();
        let at_least = text.contains(">=");
        let (left, bound) = text.split_once(if at_least { ">=" } else { "<=" }).ok_or_else(shape)?;
        let (suite, name) = left.trim().rsplit_once('.').ok_or_else(shape)?;
        let names = Measure::ALL.map(Measure::name).join(", ");
        let measure = Measure::ALL.into_iter().find(|measure| measure.name() == name);
        let measure = measure.ok_or_else(|| format!("expected one of {names}, got {name:?}"))?;
        let bound = bound.trim().parse().ok().filter(|bound: &f64| bound.is_finite()).ok_or_else(shape)?;
        Ok(Self { suite: suite.to_owned(), measure, at_least, bound })
    }
}

impl fmt::Display for Requirement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.at_least { ">=" } else { "<=" };
        write!(f, "{}.{} {sign} {}", self.suite, self.measure.name(), self.bound)
    }
}

#[cfg(test)]
mod tests {
    use taf_report::metrics::{Predictions, ScoreKind};

    use super::*;

    #[test]
    fn a_requirement_is_met_at_its_bound_and_not_below() {
        let scores = vec![vec![1.0, 0.0], vec![1.0, 0.0]];
        let names = ["a", "b"].map(str::to_owned).to_vec();
        let half_right = Predictions::new(names, vec![0, 1], ScoreKind::Logits, scores).unwrap();
        let report = Report::builder("t").classes(["a", "b"]).predictions("m", "clean", half_right).build().unwrap();
        let failure = |text: &str| text.parse::<Requirement>().unwrap().failure(&report, "m");
        assert_eq!(failure("clean.top1>=0.5"), None);
        assert_eq!(failure("clean.top1<=0.5"), None);
        assert_eq!(failure("clean.top1>=0.51").unwrap(), "required clean.top1 >= 0.51, found 0.5000");
        assert!(failure("noise.top1 >= 0").unwrap().contains("not evaluated"));
    }

    #[test]
    fn what_is_no_requirement_is_refused_with_an_example() {
        for text in ["", "clean", "clean.top1", "top1>=0.5", "clean.top1>=x", "clean.top1>=NaN"] {
            assert!(text.parse::<Requirement>().unwrap_err().contains("clean.top1>=0.75"), "{text}");
        }
        assert!("clean.f1>=1".parse::<Requirement>().unwrap_err().contains("log_loss"));
    }
}
