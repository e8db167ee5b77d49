use maud::{Markup, html};

use super::charts::{forest, heat, mean_curve, row_curve};
use super::schema::{BenchmarkResult, Part, RobustnessDifference, RobustnessReport};
use super::sections::Section;
use super::{tables, words};
use crate::page::html::{facts, legend_of_names, shown, tabular, whole};
use crate::page::svg::line_chart;
use crate::page::words::level;

impl RobustnessReport {
    /// One self-contained HTML page: no script, nothing loaded from elsewhere, light and dark, fit to print.
    pub fn to_html(&self) -> String {
        let body = html! {
            (header(self))
            @for benchmark in &self.benchmarks { (of_benchmark(self, benchmark)) }
            @for section in self.trials.sections() { (of_trial(&section)) }
            section { h2 { "Details" } (facts(&self.details)) }
        };
        whole(&self.title, &body, "robustness.json")
    }
}

fn header(report: &RobustnessReport) -> Markup {
    html! {
        header {
            p.kicker { (report.title) }
            h1 { (report.answer) }
            @for finding in &report.findings { p.finding { (finding) } }
            p.caption { (words::caption(report)) }
            @if report.models.len() > 1 && !report.benchmarks.is_empty() { p.caption { (words::decision(report)) } }
            (legend_of_names("Models", &report.models))
        }
    }
}

fn of_benchmark(report: &RobustnessReport, benchmark: &BenchmarkResult) -> Markup {
    html! {
        section {
            h2 { (benchmark.about.name) }
            p.caption { (words::about(benchmark)) }
            (tabular(&tables::main(report, benchmark)))
            p.caption { (words::measures(benchmark)) }
            (differences(benchmark))
            (curves(report, benchmark))
            (maps(report, benchmark))
            (parts(report, benchmark))
            (published(report, benchmark))
            (pictures(benchmark))
        }
    }
}

fn of_trial(trial: &Section) -> Markup {
    html! {
        section {
            h2 { (trial.title) }
            @for caption in &trial.captions { p.caption { (caption) } }
            div.charts {
                @for chart in &trial.charts { figure { figcaption { (chart.title) } (line_chart(chart)) } }
            }
            @for (title, table) in &trial.tables { h3 { (title) } (tabular(table)) }
            @for picture in &trial.pictures { (shown(picture)) }
        }
    }
}

fn differences(benchmark: &BenchmarkResult) -> Markup {
    let mut seconds: Vec<&str> = benchmark.differences.iter().map(|of| of.second.as_str()).collect();
    seconds.dedup();
    let of = |second: &str| -> Vec<&RobustnessDifference> {
        benchmark.differences.iter().filter(|of| of.second == second).collect()
    };
    html! {
        @if !seconds.is_empty() {
            h3 { "Differences" }
            (tabular(&tables::whole_differences(benchmark)))
            @for second in seconds {
                @let rows = of(second);
                figure {
                    figcaption { strong { (second) " \u{2212} " (rows[0].first) } ", mean top-1 of all and of every part" }
                    (forest(benchmark, &rows))
                }
            }
            details { summary { "Every part in numbers" } (tabular(&tables::differences(benchmark))) }
        }
    }
}

fn curves(report: &RobustnessReport, benchmark: &BenchmarkResult) -> Markup {
    html! {
        @if let Some(mean) = mean_curve(report, benchmark) {
            h3 { "By " (benchmark.about.level) }
            div.charts {
                @if benchmark.rows.len() > 1 { figure { figcaption { (mean.title) } (line_chart(&mean)) } }
                @for row in benchmark.rows.iter().filter(|row| is_drawn(benchmark, &row.family)) {
                    figure { figcaption { (row.name) } (line_chart(&row_curve(report, benchmark, row))) }
                }
            }
            p.caption {
                "Bands: " (level()) " intervals."
                @if benchmark.about.level == words::SEVERITY { " Severity 0 is the clean video." }
            }
        }
    }
}

/// Rows whose levels are a scale of time are read as curves; of the others the map and the mean say enough.
fn is_drawn(benchmark: &BenchmarkResult, family: &str) -> bool {
    matches!(family, "temporal" | "span") || benchmark.rows.len() == 1
}

fn maps(report: &RobustnessReport, benchmark: &BenchmarkResult) -> Markup {
    html! {
        @if benchmark.rows.len() > 1 {
            h3 { "Top-1 (%) of everything" }
            div.maps {
                @for (place, model) in report.models.iter().enumerate() {
                    figure { figcaption { (model.name) } (heat(report, benchmark, place)) }
                }
            }
            p.caption { "The stronger the colour, the more of the model's clean top-1 is lost." }
            details {
                summary { "With intervals" }
                @for (place, model) in report.models.iter().enumerate() {
                    h3 { (model.name) }
                    (tabular(&tables::cells(benchmark, place)))
                }
            }
        }
    }
}

fn parts(report: &RobustnessReport, benchmark: &BenchmarkResult) -> Markup {
    let has_families = benchmark.parts.iter().any(|part| matches!(part.part, Part::Family(_)));
    html! {
        @if benchmark.parts.len() > 1 {
            details open[has_families] {
                summary { "By " @if has_families { "family and " } (benchmark.about.level) ", in numbers" }
                (tabular(&tables::parts(report, benchmark)))
            }
        }
    }
}

fn published(report: &RobustnessReport, benchmark: &BenchmarkResult) -> Markup {
    let table = tables::published(report, benchmark);
    let differs = benchmark.about.published.iter().any(|of| !of.same_data_set);
    html! {
        @if !table.rows.is_empty() {
            details open[!differs] {
                summary { "Beside published results" @if differs { " of other data sets" } }
                (tabular(&table))
                p.caption {
                    "Published rows: " (benchmark.about.source)
                    @if differs {
                        " Rows of another data set are no measure of this report's models: other videos, classes and files."
                    }
                }
            }
        }
    }
}

fn pictures(benchmark: &BenchmarkResult) -> Markup {
    html! {
        @if !benchmark.about.pictures.is_empty() {
            details open {
                summary { "The same clip in every row" }
                div.clips { @for picture in &benchmark.about.pictures { (shown(picture)) } }
            }
        }
    }
}
