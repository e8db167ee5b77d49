//! The drawings of a report on robustness.

use maud::Markup;

use super::schema::{BenchmarkResult, BenchmarkRow, Part, RobustnessDifference, RobustnessReport};
use crate::metrics::Share;
use crate::page::svg::{ForestRow, ValueMap, forest_of};
use crate::page::{Axis, Chart, Series};

/// Mean top-1 over the rows by level, a line for every model; none where there is one level.
pub fn mean_curve(report: &RobustnessReport, benchmark: &BenchmarkResult) -> Option<Chart> {
    let levels = |place: usize| {
        let of_level = |level: &String| {
            let part = benchmark.parts.iter().find(|part| part.part == Part::Level(level.clone()))?;
            Some(part.models[place].mpc)
        };
        benchmark.about.levels.iter().map(of_level).collect::<Option<Vec<Share>>>()
    };
    let lines = (0..report.models.len()).map(levels).collect::<Option<Vec<_>>>()?;
    Some(curve(report, benchmark, "mean of all", lines))
}

/// Top-1 in one row by level, a line for every model.
pub fn row_curve(report: &RobustnessReport, benchmark: &BenchmarkResult, row: &BenchmarkRow) -> Chart {
    curve(report, benchmark, &row.name, row.top1.clone())
}

fn curve(report: &RobustnessReport, benchmark: &BenchmarkResult, title: &str, lines: Vec<Vec<Share>>) -> Chart {
    let chart = Chart::new(title, Axis::new(&benchmark.about.level), Axis::with_unit("top-1", "%"));
    let line = |(place, shares): (usize, Vec<Share>)| {
        // Severity 0 is the clean video; numbers of frames have no such end.
        let clean = (benchmark.about.level == super::words::SEVERITY).then(|| (0.0, report.clean[place]));
        let x = |name: &String| name.parse().unwrap_or(f64::NAN);
        let levels = benchmark.about.levels.iter().map(x).zip(shares);
        let points: Vec<(f64, Share)> = clean.into_iter().chain(levels).collect();
        Series::new(&report.models[place].name, points.iter().map(|(x, share)| (*x, 100.0 * share.value)))
            .with_intervals(points.iter().map(|(x, share)| [*x, 100.0 * share.low, 100.0 * share.high]))
    };
    lines.into_iter().enumerate().map(line).fold(chart, Chart::with)
}

/// Rows down and levels across, coloured by what is lost of the clean top-1.
pub fn heat(report: &RobustnessReport, benchmark: &BenchmarkResult, model: usize) -> Markup {
    let clean = report.clean[model].value;
    let rows: Vec<&str> = benchmark.rows.iter().map(|row| row.name.as_str()).collect();
    let cell = |share: &Share| {
        let lost = if clean > 0.0 { (1.0 - share.value / clean).clamp(0.0, 1.0) } else { 0.0 };
        (format!("{:.0}", 100.0 * share.value), lost)
    };
    let cells: Vec<Vec<(String, f64)>> =
        benchmark.rows.iter().map(|row| row.top1[model].iter().map(cell).collect()).collect();
    ValueMap {
        title: &report.models[model].name,
        across: &benchmark.about.level,
        rows: &rows,
        columns: &benchmark.about.levels,
    }
    .draw(&cells)
}

/// The differences of one pair: the whole and every part.
pub fn forest(benchmark: &BenchmarkResult, of: &[&RobustnessDifference]) -> Markup {
    let names: Vec<String> = of.iter().map(|of| super::words::part(&of.part, &benchmark.about.level)).collect();
    let row = |(difference, name)| {
        let difference: &&RobustnessDifference = difference;
        let name: &String = name;
        // Parts have an interval and no verdict.
        let verdict = difference.verdict().unwrap_or(crate::page::Verdict::NotShown);
        ForestRow { name, interval: difference.gain.mpc, verdict }
    };
    let rows: Vec<ForestRow> = of.iter().zip(&names).map(row).collect();
    forest_of(&rows)
}
