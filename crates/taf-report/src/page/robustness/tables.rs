//! The tables of a report on robustness.

use super::schema::{BenchmarkResult, Measure, Part, RobustnessDifference, RobustnessReport};
use super::words;
use crate::metrics::{Estimate, Robustness, Share};
use crate::page::terminal::without;
use crate::page::words::{bounds, p_value, percent, points, said};
use crate::page::{Cell, Table};

/// The measures of every model on the whole of a benchmark.
pub fn main(report: &RobustnessReport, benchmark: &BenchmarkResult) -> Table {
    let headings = benchmark.about.measures.iter().map(|measure| words::heading(*measure).to_owned());
    let header = ["model".to_owned(), "clean".to_owned()].into_iter().chain(headings).collect();
    let row = |(place, of): (usize, &Robustness)| {
        let numbers = benchmark.about.measures.iter().map(|measure| measured(*measure, of));
        [Cell::new(&report.models[place].name), accuracy(&report.clean[place])].into_iter().chain(numbers).collect()
    };
    Table { header, rows: benchmark.parts[0].models.iter().enumerate().map(row).collect() }
}

/// A share with its interval.
pub fn accuracy(share: &Share) -> Cell {
    Cell::with_detail(percent(share.value), bounds(share))
}

fn measured(measure: Measure, of: &Robustness) -> Cell {
    match measure {
        Measure::Mpc => accuracy(&of.mpc),
        Measure::Rpc => of.rpc.map_or_else(Cell::missing, |rpc| {
            let [low, high] = [rpc.low, rpc.high].map(|end| 100.0 * end);
            Cell::with_detail(percent(rpc.value), format!("[{low:.1}, {high:.1}]"))
        }),
        Measure::AbsoluteGamma => decimal(&of.gamma),
        Measure::RelativeGamma => of.rpc.map_or_else(Cell::missing, |rpc| decimal(&rpc)),
    }
}

fn decimal(of: &Estimate) -> Cell {
    Cell::with_interval(of.value, [of.low, of.high], 3)
}

/// Mean top-1 of every model on every family and level; no row where a benchmark has no parts.
pub fn parts(report: &RobustnessReport, benchmark: &BenchmarkResult) -> Table {
    let row = |part: &super::BenchmarkPart| {
        let cells = part.models.iter().map(|of| accuracy(&of.mpc));
        [Cell::new(words::part(&part.part, &benchmark.about.level))].into_iter().chain(cells).collect()
    };
    Table { header: with_models("mean top-1 on", report), rows: benchmark.parts[1..].iter().map(row).collect() }
}

fn with_models(corner: &str, report: &RobustnessReport) -> Vec<String> {
    [corner.to_owned()].into_iter().chain(report.models.iter().map(|model| model.name.clone())).collect()
}

/// Top-1 of one model in every row at every level.
pub fn cells(benchmark: &BenchmarkResult, model: usize) -> Table {
    let levels = benchmark.about.levels.iter().map(|level| words::at_level(&benchmark.about.level, level));
    let header = ["top-1 on".to_owned()].into_iter().chain(levels).collect();
    let row = |row: &super::BenchmarkRow| {
        [Cell::new(&row.name)].into_iter().chain(row.top1[model].iter().map(accuracy)).collect()
    };
    Table { header, rows: benchmark.rows.iter().map(row).collect() }
}

/// Every comparison on a benchmark, whole and in parts.
pub fn differences(benchmark: &BenchmarkResult) -> Table {
    compared(benchmark, |_| true)
}

/// The comparisons on a whole benchmark.
pub fn whole_differences(benchmark: &BenchmarkResult) -> Table {
    without(compared(benchmark, |part| *part == Part::Whole), &["on", "groups"])
}

fn compared(benchmark: &BenchmarkResult, keep: impl Fn(&Part) -> bool) -> Table {
    let header =
        ["comparison", "on", "mPC (points)", "rPC (points)", "absolute \u{3b3}", "groups", "p", "p (all)", "shown"];
    let row = |difference: &RobustnessDifference| {
        let RobustnessDifference { first, second, part, gain, p_corrected } = difference;
        let (mpc, interval) = words::gained(difference);
        let in_points =
            |of: Estimate| Cell::with_detail(points(of.value), format!("[{}, {}]", points(of.low), points(of.high)));
        let verdict = difference.verdict();
        vec![
            Cell::new(format!("{second} \u{2212} {first}")),
            Cell::new(words::part(part, &benchmark.about.level)),
            Cell::with_detail(mpc, interval),
            gain.rpc.map_or_else(Cell::missing, in_points),
            Cell::with_detail(
                signed(gain.gamma.value),
                format!("[{}, {}]", signed(gain.gamma.low), signed(gain.gamma.high)),
            ),
            Cell::new(gain.groups.to_string()),
            Cell::new(p_value(gain.p)),
            Cell::new(p_corrected.map_or_else(String::new, p_value)),
            Cell { verdict, ..Cell::new(verdict.map_or("", said)) },
        ]
    };
    let rows = benchmark.differences.iter().filter(|difference| keep(&difference.part)).map(row).collect();
    Table { header: header.map(str::to_owned).into(), rows }
}

fn signed(value: f64) -> String {
    let text = format!("{value:+.3}").replace('-', "\u{2212}");
    if text.ends_with("0.000") { "0.000".to_owned() } else { text }
}

/// Our models beside what others published.
pub fn published(report: &RobustnessReport, benchmark: &BenchmarkResult) -> Table {
    let header = ["model", "videos", "clean (%)", "mPC (%)", "rPC (%)"].map(str::to_owned).into();
    if benchmark.about.published.is_empty() {
        return Table { header, rows: Vec::new() };
    }
    let number = |share: f64| Cell::new(format!("{:.1}", 100.0 * share));
    let row = |model: &str, videos: Cell, [clean, mpc]: [f64; 2], rpc: Option<f64>| {
        let rpc = rpc.map_or_else(Cell::missing, number);
        vec![Cell::new(model), videos, number(clean), number(mpc), rpc]
    };
    let own = report.models.iter().zip(&report.clean).zip(&benchmark.parts[0].models);
    let own = own.map(|((model, clean), of)| {
        row(&model.name, Cell::new("this report's"), [clean.value, of.mpc.value], of.rpc.map(|rpc| rpc.value))
    });
    let others = benchmark.about.published.iter().map(|of| {
        let other = if of.same_data_set { "" } else { "another data set" };
        row(&of.model, Cell::with_detail(&of.data_set, other), [of.clean, of.mpc], Some(of.rpc))
    });
    Table { header, rows: own.chain(others).collect() }
}
