use super::standalone::standalone;
use super::terminal::{sparkline, visible};
use super::{Axis, Chart, Result, Series, raster, svg};
use crate::run::{Line, Record, StepRecord, steps};

/// What the learning of runs is drawn over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Over {
    /// Epochs, in fractions.
    Epochs,
    /// Steps.
    Steps,
    /// Hours of training, with the waits for clips and without evaluations.
    Hours,
}

/// The logs of some runs as curves that lie over each other.
#[derive(Clone, Debug)]
pub struct LearningCurves {
    charts: Vec<Chart>,
    tracks: Vec<Track>,
}

/// What one run measured, in order.
#[derive(Clone, Debug)]
struct Track {
    name: String,
    /// Where each step lies, and what it measured.
    steps: Vec<(f64, StepRecord)>,
    /// Where each evaluation lies, and its top-1 in per cent.
    top1: Vec<(f64, f64)>,
}

/// Letters of a curve on a terminal.
const SPARKLINE: usize = 32;

impl LearningCurves {
    /// Curves of runs by name, each with its log. What steps measured is smoothed by a moving mean in which the values before a
    /// step weigh `smoothing` in [0, 1), 0 for the values as they are; evaluations and the learning rate never are.
    pub fn new(runs: &[(String, Vec<Line>)], over: Over, smoothing: f64) -> Self {
        let tracks: Vec<Track> = runs.iter().map(|(name, log)| Track::new(name, log, over)).collect();
        let series = |value: fn(&StepRecord) -> Option<f64>, smoothing: f64| {
            tracks.iter().map(|track| track.series(value, smoothing)).collect::<Vec<Series>>()
        };
        let smooth = |value| series(value, smoothing);
        let nats = || Axis::with_unit("cross-entropy", "nats");
        let divergence = || Axis::with_unit("divergence", "nats");
        let percent = |label: &str| Axis::with_unit(label, "%");
        let top1 = tracks.iter().map(|track| Series::new(&track.name, track.top1.iter().copied())).collect();
        let charts = [
            ("Training loss", nats(), smooth(|step| Some(step.loss))),
            ("Validation top-1", percent("top-1"), top1),
            ("Training accuracy", percent("right answers"), smooth(|step| Some(100.0 * step.accuracy))),
            ("Learning rate", Axis::new("learning rate"), series(|step| Some(step.learning_rate), 0.0)),
            ("Training loss on perturbed clips", nats(), smooth(|step| step.perturbed_loss)),
            ("Divergence of answers to perturbed clips", divergence(), smooth(|step| step.consistency)),
            ("Divergence of answers to variants", divergence(), smooth(|step| step.alignment)),
            ("Divergence of attention from even", divergence(), smooth(|step| step.unevenness)),
            ("Entropy of attention", Axis::with_unit("entropy", "nats"), smooth(|step| step.attention_entropy)),
        ];
        let has_points = |series: &[Series]| series.iter().any(|series| !series.points.is_empty());
        let chart = |(title, y, series): (&str, Axis, Vec<Series>)| {
            has_points(&series).then(|| series.into_iter().fold(Chart::new(title, over.axis(), y), Chart::with))
        };
        Self { charts: charts.into_iter().filter_map(chart).collect(), tracks }
    }

    /// A drawing that stands alone: its style is in it, light or dark as the reader's.
    pub fn to_svg(&self) -> String {
        standalone(&svg::figure(&self.charts))
    }

    /// The same as the bytes of a PNG file.
    ///
    /// # Errors
    /// If it is larger than a picture can be.
    pub fn to_png(&self) -> Result<Vec<u8>> {
        raster::to_png(&svg::figure(&self.charts).0, raster::PICTURE_SCALE)
    }

    /// Training loss and validation top-1 of every run in a line of letters, with the first and the last value.
    pub fn to_terminal(&self) -> String {
        self.tracks.iter().map(Track::to_terminal).collect()
    }
}

impl Over {
    fn axis(self) -> Axis {
        match self {
            Self::Epochs => Axis::with_unit("training", "epochs"),
            Self::Steps => Axis::with_unit("training", "steps"),
            Self::Hours => Axis::with_unit("training", "hours"),
        }
    }
}

impl Track {
    fn new(name: &str, log: &[Line], over: Over) -> Self {
        let mut track = Self { name: name.to_owned(), steps: Vec::new(), top1: Vec::new() };
        let steps_per_epoch = steps_per_epoch(log);
        let mut hours = 0.0;
        for Line { step, record } in log {
            if let Record::Step(record) = record {
                hours += record.whole_seconds() / 3600.0;
            }
            let place = match over {
                Over::Epochs => *step as f64 / steps_per_epoch,
                Over::Steps => *step as f64,
                Over::Hours => hours,
            };
            match record {
                Record::Step(record) => track.steps.push((place, record.clone())),
                Record::Evaluation(evaluation) => track.top1.push((place, 100.0 * evaluation.top1)),
                Record::Video(_) => {}
            }
        }
        track
    }

    fn series(&self, value: impl Fn(&StepRecord) -> Option<f64>, smoothing: f64) -> Series {
        let points = self.steps.iter().filter_map(|(place, step)| Some((*place, value(step)?)));
        Series::new(&self.name, smoothed(points, smoothing))
    }

    fn to_terminal(&self) -> String {
        let losses: Vec<f64> = self.steps.iter().map(|(_, step)| step.loss).collect();
        let top1: Vec<f64> = self.top1.iter().map(|(_, top1)| *top1).collect();
        let line = |what: &str, values: &[f64], say: fn(f64) -> String| match (values.first(), values.last()) {
            (Some(first), Some(last)) => {
                format!("  {what:<16}  {}  {} to {}\n", sparkline(values, SPARKLINE), say(*first), say(*last))
            }
            _ => format!("  {what:<16}  nothing in the log\n"),
        };
        let (loss, top1) = (
            line("training loss", &losses, |loss| format!("{loss:.3}")),
            line("validation top-1", &top1, |top1| format!("{top1:.1} %")),
        );
        format!("{}\n{loss}{top1}", visible(&self.name))
    }
}

/// Steps of a whole epoch: those of the longest, since the running one is not whole.
fn steps_per_epoch(log: &[Line]) -> f64 {
    let mut counts = std::collections::BTreeMap::<usize, u32>::new();
    steps(log).for_each(|step| *counts.entry(step.epoch).or_default() += 1);
    f64::from(counts.into_values().max().unwrap_or(1))
}

/// A mean in which what came before weighs `weight`, without the pull of a beginning at zero; numbers that are not finite are
/// passed over.
fn smoothed(points: impl Iterator<Item = (f64, f64)>, weight: f64) -> impl Iterator<Item = (f64, f64)> {
    let (mut sum, mut weights) = (0.0, 0.0);
    points.filter(|(_, value)| value.is_finite()).map(move |(place, value)| {
        sum = weight * sum + (1.0 - weight) * value;
        weights = weight * weights + (1.0 - weight);
        (place, sum / weights)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::run::testing::{evaluation, step};

    fn log(epochs: usize, steps: u64) -> Vec<Line> {
        let mut log = Vec::new();
        for epoch in 0..epochs {
            let first = epoch as u64 * steps;
            log.extend((1..=steps).map(|at| Line { step: first + at, record: step(epoch, 2.0 / (first + at) as f64) }));
            log.push(Line { step: first + steps, record: evaluation(epoch + 1, 0.5) });
        }
        log
    }

    fn titles(curves: &LearningCurves) -> Vec<&str> {
        curves.charts.iter().map(|chart| chart.title.as_str()).collect()
    }

    #[test]
    fn every_run_is_in_every_chart_and_plain_training_has_no_perturbed_loss() {
        let curves = LearningCurves::new(&[("a".into(), log(2, 5)), ("b".into(), log(1, 3))], Over::Epochs, 0.0);
        assert_eq!(titles(&curves), ["Training loss", "Validation top-1", "Training accuracy", "Learning rate"]);
        assert!(curves.charts.iter().all(|chart| chart.series.len() == 2));
    }

    #[test]
    fn losses_are_smoothed_and_learning_rates_are_not() {
        let mut log = log(1, 2);
        let Record::Step(second) = &mut log[1].record else { panic!("the log begins with steps") };
        second.learning_rate = 0.3;
        let curves = LearningCurves::new(&[("a".into(), log)], Over::Steps, 0.5);
        let last = |chart: usize| curves.charts[chart].series[0].points[1].1.unwrap();
        assert!(last(0) > 1.0 && last(3) == 0.3, "{} {}", last(0), last(3));
    }

    #[test]
    fn an_epoch_is_as_long_in_every_run_and_an_evaluation_stands_at_its_end() {
        let mut running = log(2, 4);
        running.truncate(running.len() - 3);
        for log in [log(2, 4), log(2, 7), running] {
            let curves = LearningCurves::new(&[("a".into(), log)], Over::Epochs, 0.0);
            assert_eq!(curves.charts[1].series[0].points[0], (1.0, Some(50.0)));
        }
        let curves = LearningCurves::new(&[("a".into(), log(2, 4))], Over::Steps, 0.0);
        assert_eq!(curves.charts[1].series[0].points[1], (8.0, Some(50.0)));
        let curves = LearningCurves::new(&[("a".into(), log(1, 4))], Over::Hours, 0.0);
        assert_eq!(curves.charts[1].series[0].points[0], (4.0 * 0.25 / 3600.0, Some(50.0)));
    }

    #[test]
    fn smoothing_begins_at_the_first_value_and_forgets() {
        let smooth = |values: &[f64]| -> Vec<f64> {
            smoothed(values.iter().map(|value| (0.0, *value)), 0.5).map(|(_, value)| value).collect()
        };
        assert_eq!(smooth(&[4.0, 4.0, f64::NAN, 4.0]), [4.0, 4.0, 4.0]);
        assert_eq!(smooth(&[4.0, 1.0]), [4.0, 2.0]);
    }

    #[test]
    fn runs_without_any_step_are_drawn_as_nothing() {
        let curves = LearningCurves::new(&[("a".into(), Vec::new())], Over::Epochs, 0.6);
        assert!(curves.to_svg().contains("nothing to draw") && curves.to_terminal().contains("nothing in the log"));
        assert!(curves.to_png().unwrap().starts_with(b"\x89PNG"));
    }

    #[test]
    fn a_drawing_stands_alone_and_a_picture_shows_the_same() {
        let curves = LearningCurves::new(&[("<a> & b".into(), log(1, 1))], Over::Steps, 0.6);
        let svg = curves.to_svg();
        let tree = roxmltree::Document::parse(&svg).unwrap();
        assert!(tree.descendants().any(|node| node.text() == Some("<a> & b")));
        assert!(svg.contains("prefers-color-scheme") && !svg.contains("NaN"));
        assert!(curves.to_png().unwrap().len() > 1000);
    }
}
