//! Sentences about robustness.

use super::schema::{BenchmarkAbout, BenchmarkResult, Measure, Part, RobustnessDifference, RobustnessReport};
use crate::metrics::{FEW_GROUPS, LEVEL, Robustness};
use crate::page::Verdict;
use crate::page::words::{count, level, p_value, percent, point_bounds, points};

/// What came out on the first benchmark, or the first trial.
pub fn answer(report: &RobustnessReport) -> String {
    everything(report).next().unwrap_or_default()
}

/// What came out beside the answer.
pub fn findings(report: &RobustnessReport) -> Vec<String> {
    everything(report).skip(1).collect()
}

/// Every sentence, the answer first.
fn everything(report: &RobustnessReport) -> impl Iterator<Item = String> {
    let benchmarks = report.benchmarks.iter().flat_map(|benchmark| said(report, benchmark));
    benchmarks.chain(report.trials.said())
}

/// A sentence for every pair, or for the one model.
fn said(report: &RobustnessReport, benchmark: &BenchmarkResult) -> Vec<String> {
    let whole = benchmark.differences.iter().filter(|difference| difference.part == Part::Whole);
    let compared: Vec<String> = whole.map(|difference| comparison(report, benchmark, difference)).collect();
    if compared.is_empty() { vec![alone(report, benchmark)] } else { compared }
}

fn alone(report: &RobustnessReport, benchmark: &BenchmarkResult) -> String {
    let (of, name) = (&benchmark.parts[0].models[0], &report.models[0].name);
    let kept = of.rpc.map_or_else(String::new, |rpc| {
        let ends = [rpc.low, rpc.high].map(|end| format!("{:.1}", 100.0 * end));
        format!(", {} of its clean top-1 ({} interval {} to {})", percent(rpc.value), level(), ends[0], ends[1])
    });
    let clean = percent(report.clean[0].value);
    format!(
        "{name} keeps {} top-1 on {} of {clean} on clean videos{kept}.",
        percent(of.mpc.value),
        benchmark.about.name
    )
}

fn comparison(report: &RobustnessReport, benchmark: &BenchmarkResult, difference: &RobustnessDifference) -> String {
    let RobustnessDifference { first, second, gain, .. } = difference;
    let on = &benchmark.about.name;
    let said = match difference.verdict().unwrap_or(Verdict::NotShown) {
        Verdict::Higher => format!("{second} does better than {first} on {on}"),
        Verdict::Lower => format!("{second} does worse than {first} on {on}"),
        Verdict::NotShown => format!("No difference shown between {second} and {first} on {on}"),
        Verdict::TooFewGroups => format!("Too few groups to say whether {second} and {first} differ on {on}"),
    };
    let mpc = |model: &str| mean(report, benchmark, model).map_or_else(String::new, |of| percent(of.mpc.value));
    format!(
        "{said}: {} against {} mean top-1, {} points ({} interval {} to {}; p {}).",
        mpc(second),
        mpc(first),
        points(gain.mpc.difference),
        level(),
        points(gain.mpc.low),
        points(gain.mpc.high),
        p_value(difference.p_corrected.unwrap_or(gain.p)),
    )
}

fn mean<'a>(report: &RobustnessReport, benchmark: &'a BenchmarkResult, model: &str) -> Option<&'a Robustness> {
    let place = report.models.iter().position(|named| named.name == model)?;
    benchmark.parts[0].models.get(place)
}

/// What the numbers rest on: `80 videos in 40 groups`.
pub fn basis(report: &RobustnessReport) -> String {
    let videos = count(report.videos, "video");
    if report.groups == report.videos { videos } else { format!("{videos} in {}", count(report.groups, "group")) }
}

/// How to read the numbers of all tables.
pub fn caption(report: &RobustnessReport) -> String {
    // Without benchmarks every trial says how many videos it had.
    let basis = if report.videos == 0 { String::new() } else { format!("{}. ", basis(report)) };
    format!(
        "{basis}In brackets: {} intervals, each on its own, which take whole groups of videos as independent; with fewer than \
         {FEW_GROUPS} groups they are rough. Guessing among the {} classes gives {}.{}",
        level(),
        report.classes,
        percent(1.0 / report.classes.max(1) as f64),
        other_clips(report)
    )
}

/// Which models do not share the clips of the first.
fn other_clips(report: &RobustnessReport) -> String {
    if report.other_clips.is_empty() {
        return String::new();
    }
    format!(
        " Shown other clips than {}, in another way, by another list or of other files: {}. Where these differ from it, the clips \
         may do as well as the models.",
        report.models[0].name,
        report.other_clips.join(", ")
    )
}

/// What decides the words of a comparison.
pub fn decision(report: &RobustnessReport) -> String {
    let tests = report.benchmarks.iter().flat_map(|of| &of.differences).filter(|of| of.part == Part::Whole).count();
    let number = match tests {
        1 => "the one comparison".to_owned(),
        n => format!("all {n} comparisons of models over whole benchmarks (Holm)"),
    };
    let same = if report.other_clips.is_empty() { "Models were shown the same spoiled clips. " } else { "" };
    format!(
        "{same}The words come from an exact permutation test of the mean top-1 that swaps \
         the models' answers for whole groups, at {:.0} % for {number}; with fewer than {FEW_GROUPS} groups nothing is said. \
         Parts of a benchmark have intervals alone. No difference shown is no proof that there is none.",
        100.0 * (1.0 - LEVEL)
    )
}

/// What a benchmark is, and what of it is not there.
pub fn about(benchmark: &BenchmarkResult) -> String {
    let BenchmarkAbout { summary, source, lacks, .. } = &benchmark.about;
    let lacking = match lacks.is_empty() {
        true => String::new(),
        false => format!(" Without {}, so that its means are not those of the benchmark.", lacks.join(", ")),
    };
    format!("{summary}. {source}{lacking}")
}

/// What the measures of a benchmark are.
pub fn measures(benchmark: &BenchmarkResult) -> String {
    let said: Vec<&str> = benchmark.about.measures.iter().map(|measure| explained(*measure)).collect();
    format!("{}.", said.join("; "))
}

fn explained(measure: Measure) -> &'static str {
    match measure {
        Measure::Mpc => "mPC: top-1, mean over the levels of each row and then over the rows",
        Measure::Rpc => "rPC: mPC as a share of the clean top-1",
        Measure::AbsoluteGamma => "absolute \u{3b3}: one less the points of top-1 that are lost, as a share",
        Measure::RelativeGamma => "relative \u{3b3}: one less the share of the clean top-1 that is lost, which is rPC",
    }
}

/// A measure's heading.
pub fn heading(measure: Measure) -> &'static str {
    match measure {
        Measure::Mpc => "mPC",
        Measure::Rpc => "rPC",
        Measure::AbsoluteGamma => "absolute \u{3b3}",
        Measure::RelativeGamma => "relative \u{3b3}",
    }
}

/// A part's name in a table; `level` is what the levels are.
pub fn part(part: &Part, level: &str) -> String {
    match part {
        Part::Whole => "all".to_owned(),
        Part::Family(name) => name.clone(),
        Part::Level(name) => at_level(level, name),
    }
}

/// A level's name in a table: `severity 3`, `8 frames`.
pub fn at_level(level: &str, name: &str) -> String {
    if level == SEVERITY { format!("{level} {name}") } else { format!("{name} {level}") }
}

/// What levels of corruptions are called; clean videos have severity 0.
pub const SEVERITY: &str = "severity";

/// A difference of the mean top-1, with its interval.
pub fn gained(difference: &RobustnessDifference) -> (String, String) {
    (points(difference.gain.mpc.difference), point_bounds(&difference.gain.mpc))
}
