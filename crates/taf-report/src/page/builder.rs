use super::{
    Chart, Detailed, Details, Difference, Error, ModelAttention, Named, Picture, Report, Result, SuiteResult, words,
};
use crate::metrics::{AttentionSummary, Predictions, Scores, compare, holm};

/// Collects what a report is made of; [`ReportBuilder::build`] scores and compares it.
///
/// Models and suites are shown in the order they are first named. The first suite, and the first pair to compare, are
/// what the answer speaks of.
#[derive(Clone, Debug)]
pub struct ReportBuilder {
    report: Report,
    predictions: Vec<(String, String, Predictions)>,
    pairs: Vec<(String, String)>,
}

impl Report {
    /// Starts a report.
    pub fn builder(title: impl Into<String>) -> ReportBuilder {
        ReportBuilder::new(title)
    }
}

impl Detailed for ReportBuilder {
    fn details(&mut self) -> &mut Details {
        &mut self.report.details
    }
}

impl ReportBuilder {
    fn new(title: impl Into<String>) -> Self {
        let report = Report {
            schema: 2,
            title: title.into(),
            question: None,
            answer: String::new(),
            findings: Vec::new(),
            classes: Vec::new(),
            models: Vec::new(),
            suites: Vec::new(),
            results: Vec::new(),
            differences: Vec::new(),
            attention: Vec::new(),
            curves: Vec::new(),
            pictures: Vec::new(),
            details: Details::default(),
        };
        Self { report, predictions: Vec::new(), pairs: Vec::new() }
    }

    /// What the report answers, one sentence.
    pub fn question(mut self, question: impl Into<String>) -> Self {
        self.report.question = Some(question.into());
        self
    }

    /// Replaces the answer that would be made from the numbers.
    pub fn answer(mut self, answer: impl Into<String>) -> Self {
        self.report.answer = answer.into();
        self
    }

    /// Adds a sentence after those that are made from the numbers.
    pub fn finding(mut self, sentence: impl Into<String>) -> Self {
        self.report.findings.push(sentence.into());
        self
    }

    /// The class names, in class order.
    pub fn classes(mut self, names: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.report.classes = names.into_iter().map(Into::into).collect();
        self
    }

    /// Names a model and says what it is.
    pub fn model(mut self, name: impl Into<String>, description: impl Into<String>) -> Self {
        describe(&mut self.report.models, name.into(), description.into());
        self
    }

    /// Names a suite and says what it does to the videos.
    pub fn suite(mut self, name: impl Into<String>, description: impl Into<String>) -> Self {
        describe(&mut self.report.suites, name.into(), description.into());
        self
    }

    /// Adds what a model said about the samples of a suite.
    pub fn predictions(mut self, model: &str, suite: &str, predictions: Predictions) -> Self {
        mention(&mut self.report.models, model);
        mention(&mut self.report.suites, suite);
        self.predictions.push((model.to_owned(), suite.to_owned(), predictions));
        self
    }

    /// Compares two models, second minus first, on every suite both have; a pair that was named before is compared once.
    pub fn compare(mut self, first: impl Into<String>, second: impl Into<String>) -> Self {
        let pair = (first.into(), second.into());
        if !self.pairs.contains(&pair) {
            self.pairs.push(pair);
        }
        self
    }

    /// Adds how a model spreads its attention.
    pub fn attention(mut self, model: impl Into<String>, summary: AttentionSummary) -> Self {
        self.report.attention.push(ModelAttention { model: model.into(), summary });
        self
    }

    /// Adds a training curve.
    pub fn curve(mut self, chart: Chart) -> Self {
        self.report.curves.push(chart);
        self
    }

    /// Adds a picture; `png` are the bytes of a PNG file.
    pub fn picture(mut self, title: impl Into<String>, caption: impl Into<String>, png: Vec<u8>) -> Self {
        self.report.pictures.push(Picture { title: title.into(), caption: caption.into(), png });
        self
    }

    /// Scores, compares and puts the answer into words.
    ///
    /// # Errors
    /// If there are no predictions, a model has two answers for one suite, predictions do not fit the classes, or two
    /// models to compare share no suite or were asked about different samples.
    pub fn build(mut self) -> Result<Report> {
        self.score()?;
        for (first, second) in std::mem::take(&mut self.pairs) {
            self.compare_pair(&first, &second)?;
        }
        self.correct_p_values();
        if self.report.answer.is_empty() {
            self.report.answer = words::answer(&self.report);
        }
        let added = std::mem::take(&mut self.report.findings);
        self.report.findings = words::findings(&self.report).into_iter().chain(added).collect();
        Ok(self.report)
    }

    fn score(&mut self) -> Result<()> {
        if self.predictions.is_empty() {
            return Err(Error::content("predictions of at least one model on one suite", "none"));
        }
        for (model, suite, predictions) in &self.predictions {
            if self.report.scores(model, suite).is_some() {
                let found = format!("two sets for model {model:?} on suite {suite:?}");
                return Err(Error::content("one set of predictions per model and suite", found));
            }
            let scores = Scores::new(predictions, &self.report.classes).map_err(|source| Error::Scores {
                model: model.clone(),
                suite: suite.clone(),
                source,
            })?;
            self.report.results.push(SuiteResult { model: model.clone(), suite: suite.clone(), scores });
        }
        Ok(())
    }

    fn compare_pair(&mut self, first: &str, second: &str) -> Result<()> {
        let before = self.report.differences.len();
        for Named { name: suite, .. } in &self.report.suites {
            let (Some(a), Some(b)) = (self.find(first, suite), self.find(second, suite)) else { continue };
            let comparison = compare(a, b).map_err(|source| Error::Scores {
                model: format!("{second} against {first}"),
                suite: suite.clone(),
                source,
            })?;
            let (first, second) = (first.to_owned(), second.to_owned());
            let p_corrected = comparison.p;
            let difference = Difference { suite: suite.clone(), first, second, comparison, p_corrected };
            self.report.differences.push(difference);
        }
        if self.report.differences.len() == before {
            return Err(Error::content(format!("a suite that both {first:?} and {second:?} were asked"), "none"));
        }
        Ok(())
    }

    fn correct_p_values(&mut self) {
        let alone: Vec<f64> = self.report.differences.iter().map(|difference| difference.comparison.p).collect();
        for (difference, p) in self.report.differences.iter_mut().zip(holm(&alone)) {
            difference.p_corrected = p;
        }
    }

    fn find(&self, model: &str, suite: &str) -> Option<&Predictions> {
        self.predictions.iter().find(|(m, s, _)| m == model && s == suite).map(|(_, _, p)| p)
    }
}

fn describe(list: &mut Vec<Named>, name: String, description: String) {
    match list.iter_mut().find(|n| n.name == name) {
        Some(named) => named.description = description,
        None => list.push(Named { name, description }),
    }
}

fn mention(list: &mut Vec<Named>, name: &str) {
    if list.iter().all(|n| n.name != name) {
        list.push(Named { name: name.to_owned(), description: String::new() });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::ScoreKind;
    use crate::page::Verdict;

    fn answers(right: &[bool]) -> Predictions {
        let scores = right.iter().map(|&r| if r { vec![1.0, 0.0] } else { vec![0.0, 1.0] }).collect();
        let ids = (0..right.len()).map(|i| i.to_string()).collect();
        Predictions::new(ids, vec![0; right.len()], ScoreKind::Logits, scores).unwrap()
    }

    fn two_models() -> ReportBuilder {
        Report::builder("test")
            .classes(["left", "right"])
            .predictions("plain", "clean", answers(&[true, false, true]))
            .predictions("TAF", "clean", answers(&[true, true, true]))
    }

    #[test]
    fn models_and_suites_stand_in_the_order_they_are_named() {
        let report = two_models().suite("noisy", "sensor noise").predictions("TAF", "noisy", answers(&[true])).build();
        let report = report.unwrap();
        assert_eq!(report.models.iter().map(|m| m.name.as_str()).collect::<Vec<_>>(), ["plain", "TAF"]);
        assert_eq!(report.suites[1].description, "sensor noise");
        assert_eq!(report.scores("TAF", "clean").unwrap().top1.value, 1.0);
        assert!(report.scores("plain", "noisy").is_none());
    }

    #[test]
    fn a_comparison_needs_a_common_suite_and_the_same_samples() {
        assert!(two_models().compare("plain", "TSN").build().unwrap_err().to_string().contains("\"TSN\""));
        let other = two_models().predictions("old", "clean", answers(&[true])).compare("old", "TAF").build();
        assert!(other.unwrap_err().to_string().contains("same samples"));
    }

    #[test]
    fn predictions_must_fit_the_classes_and_come_once() {
        assert!(two_models().classes(["one"]).build().unwrap_err().to_string().contains("model \"plain\""));
        assert!(two_models().predictions("TAF", "clean", answers(&[true])).build().is_err());
        assert!(Report::builder("empty").build().is_err());
    }

    #[test]
    fn every_comparison_of_the_page_makes_the_others_less_sure() {
        let right = |right: usize| answers(&(0..20).map(|i| i < right).collect::<Vec<_>>());
        let with = |suites: usize| {
            let start = Report::builder("t").classes(["left", "right"]);
            let names: Vec<String> = (0..suites).map(|i| format!("suite {i}")).collect();
            let report = names.iter().fold(start, |report, suite| {
                report.predictions("plain", suite, right(10)).predictions("TAF", suite, right(17))
            });
            report.compare("plain", "TAF").compare("plain", "TAF").build().unwrap()
        };
        // Seven gains and no loss have a p-value of 2 / 128.
        let (one, four) = (with(1), with(4));
        assert_eq!((one.differences.len(), four.differences.len()), (1, 4));
        assert_eq!((one.differences[0].p_corrected, four.differences[0].p_corrected), (2.0 / 128.0, 8.0 / 128.0));
        assert_eq!((one.differences[0].verdict(), four.differences[0].verdict()), (Verdict::Higher, Verdict::NotShown));
    }

    #[test]
    fn a_few_groups_have_no_verdict_however_large_the_difference() {
        let right =
            |right: bool| answers(&[right; 16]).with_groups((0..16).map(|i| (i % 8).to_string()).collect()).unwrap();
        let report = Report::builder("t").classes(["left", "right"]);
        let report = report.predictions("plain", "clean", right(false)).predictions("TAF", "clean", right(true));
        let report = report.compare("plain", "TAF").build().unwrap();
        assert_eq!(report.differences[0].verdict(), Verdict::TooFewGroups);
        assert!(
            report.answer.starts_with("Too few groups to say whether TAF and plain differ on clean"),
            "{}",
            report.answer
        );
        assert!(report.answer.contains("16 videos in 8 groups"), "{}", report.answer);
    }

    #[test]
    fn a_report_in_json_has_its_pictures_as_text() {
        let report = two_models().compare("plain", "TAF").picture("p", "c", vec![1, 2, 255]).build().unwrap();
        assert_eq!(serde_json::from_str::<Report>(&report.to_json()).unwrap(), report);
    }
}
