use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use maud::{DOCTYPE, Markup, PreEscaped, html};

use super::svg::{Bar, BarGroup, forest, grouped_bars, heat_map, line_chart};
use super::words::{decision, intervals, level, percent, weights};
use super::{Axis, Cell, Chart, Details, Difference, Picture, Reference, Report, Series, Table, Verdict, table};
use crate::metrics::Summary;

/// How pages and the drawings in them look, in light, in the dark and on paper.
pub const STYLE: &str = include_str!("html/style.css");

/// Longer tables of classes are folded away.
const MAX_OPEN_CLASSES: usize = 24;

impl Report {
    /// One self-contained HTML page: no script, nothing loaded from elsewhere, light and dark, fit to print.
    pub fn to_html(&self) -> String {
        page(self)
    }
}

/// The page: the answer, the main table, the plots, where the models look, then the details.
fn page(report: &Report) -> String {
    let body = html! {
        (header(report))
        (results(report))
        (differences(report))
        (looks(report))
    };
    whole(&report.title, &body, "report.json")
}

/// Everything but the accuracies and what they differ by: where the models look, how they were trained, class by class.
pub(super) fn looks(report: &Report) -> Markup {
    html! {
        (pictures(&report.pictures))
        (attention(report))
        (curves(report))
        (classes(report))
        (details(report))
    }
}

/// A page that stands alone, with where the numbers behind it are.
pub(super) fn whole(title: &str, body: &Markup, numbers: &str) -> String {
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                title { (title) }
                style { (PreEscaped(STYLE)) }
            }
            body { main {
                (body)
                footer { "Made by taf " (env!("CARGO_PKG_VERSION")) ". The numbers behind this page are in " (numbers) "." }
            } }
        }
    };
    page.into_string()
}

fn header(report: &Report) -> Markup {
    html! {
        header {
            p.kicker { (report.title) }
            @if let Some(question) = &report.question { p.question { (question) } }
            h1 { (report.answer) }
            @for finding in &report.findings { p.finding { (finding) } }
        }
    }
}

fn results(report: &Report) -> Markup {
    html! {
        section {
            h2 { "Top-1 accuracy" }
            (tabular(&table::main(report)))
            p.caption { (intervals()) " " (chance_words(report)) }
            @if let Some(weights) = weights(report) { p.caption { (weights) } }
            figure { (accuracy_bars(report)) }
            (legend_of_names("Models", &report.models))
            (legend_of_names("Suites", &report.suites))
        }
    }
}

fn chance_words(report: &Report) -> String {
    let k = report.classes.len();
    format!("Guessing among the {k} classes gives {}.", percent(1.0 / k.max(1) as f64))
}

pub(super) fn legend_of_names(title: &str, names: &[super::Named]) -> Markup {
    html! {
        @if names.iter().any(|n| !n.description.is_empty()) {
            details open { summary { (title) } dl {
                @for named in names.iter().filter(|n| !n.description.is_empty()) {
                    dt { (named.name) } dd { (named.description) }
                }
            } }
        }
    }
}

fn accuracy_bars(report: &Report) -> Markup {
    let names: Vec<&str> = report.models.iter().map(|m| m.name.as_str()).collect();
    let bar = |model: &str, suite: &str| {
        let p = &report.scores(model, suite)?.top1;
        Some(Bar { value: p.value * 100.0, low: p.low * 100.0, high: p.high * 100.0 })
    };
    let group = |suite: &super::Named| BarGroup {
        name: suite.name.clone(),
        bars: names.iter().map(|model| bar(model, &suite.name)).collect(),
    };
    let groups: Vec<BarGroup> = report.suites.iter().map(group).collect();
    let chance = Reference { name: "chance".into(), y: 100.0 / report.classes.len().max(1) as f64 };
    grouped_bars("top-1 (%)", "", Some(100.0), &names, &groups, Some(&chance))
}

fn differences(report: &Report) -> Markup {
    let mut pairs: Vec<(&str, &str)> =
        report.differences.iter().map(|d| (d.first.as_str(), d.second.as_str())).collect();
    pairs.dedup();
    html! {
        @if !pairs.is_empty() {
            section {
                h2 { "Do the models differ?" }
                p.caption { (decision(report)) }
                @for (first, second) in &pairs {
                    @let rows: Vec<&Difference> =
                        report.differences.iter().filter(|d| d.first == *first && d.second == *second).collect();
                    h3 { (second) " \u{2212} " (first) }
                    figure { (forest(&rows)) }
                }
                details { summary { "The same in numbers" } (tabular(&table::differences(report))) }
            }
        }
    }
}

fn pictures(pictures: &[Picture]) -> Markup {
    html! {
        @if !pictures.is_empty() {
            section {
                h2 { "Where the models look" }
                @for picture in pictures { (shown(picture)) }
            }
        }
    }
}

/// A picture under its caption.
pub(super) fn shown(picture: &Picture) -> Markup {
    html! {
        figure.picture {
            figcaption { strong { (picture.title) } " " (picture.caption) }
            img alt=(picture.title) src={"data:image/png;base64," (STANDARD.encode(&picture.png))};
        }
    }
}

fn attention(report: &Report) -> Markup {
    html! {
        @if !report.attention.is_empty() {
            section {
                h2 { "Attention over time" }
                p.caption {
                    "Attention is how much each frame argues for the class; it sums to 1 over a clip. Effective frames are "
                    "exp(entropy): 1 when one frame has it all. Moved is the total variation between a clip and its "
                    "perturbed version. Means over clips, in brackets their " (level()) " interval, which takes whole groups of "
                    "videos as independent."
                }
                (tabular(&table::attention(report)))
                div.charts {
                    figure { (line_chart(&attention_chart(report))) figcaption { "Mean attention on natural clips." } }
                    figure { (frames_bars(report)) figcaption { "Effective frames, mean with interval." } }
                }
            }
        }
    }
}

fn attention_chart(report: &Report) -> Chart {
    let frames = report.attention.iter().map(|a| a.summary.frames).max().unwrap_or(1).max(1);
    let chart = Chart::new("mean attention per frame", Axis::new("frame"), Axis::new("share of attention"));
    let line = |row: &[f64], name: String| Series::new(name, row.iter().enumerate().map(|(t, &a)| ((t + 1) as f64, a)));
    let lines = report.attention.iter().map(|a| line(&a.summary.mean_natural, a.model.clone()));
    lines.fold(chart.with_reference("even", 1.0 / frames as f64), Chart::with)
}

fn frames_bars(report: &Report) -> Markup {
    let names: Vec<&str> = report.attention.iter().map(|a| a.model.as_str()).collect();
    let bar = |s: &Summary| Bar { value: s.mean, low: s.low, high: s.high };
    let natural = report.attention.iter().map(|a| Some(bar(&a.summary.effective_frames))).collect();
    let perturbed: Vec<Option<Bar>> =
        report.attention.iter().map(|a| a.summary.perturbed_effective_frames.as_ref().map(bar)).collect();
    let mut groups = vec![BarGroup { name: "natural clips".into(), bars: natural }];
    if perturbed.iter().any(Option::is_some) {
        groups.push(BarGroup { name: "perturbed clips".into(), bars: perturbed });
    }
    grouped_bars("effective frames", "", None, &names, &groups, None)
}

fn curves(report: &Report) -> Markup {
    html! {
        @if !report.curves.is_empty() {
            section {
                h2 { "Training" }
                div.charts {
                    @for chart in &report.curves { figure { h3 { (chart.title) } (line_chart(chart)) } }
                }
            }
        }
    }
}

fn classes(report: &Report) -> Markup {
    let Some(suite) = report.suites.first() else { return html! {} };
    let matrices = report.models.iter().filter_map(|m| Some((m, &report.scores(&m.name, &suite.name)?.confusion)));
    html! {
        section {
            h2 { "Class by class, on " (suite.name) }
            details open[report.classes.len() <= MAX_OPEN_CLASSES] {
                summary { "Top-1 of every class" }
                (tabular(&table::classes(report)))
            }
            div.charts {
                @for (model, confusion) in matrices {
                    figure {
                        h3 { (model.name) }
                        (heat_map(&report.classes, confusion))
                    }
                }
            }
            p.caption { "Every row is coloured by its own shares: right answers in blue, wrong ones in orange." }
        }
    }
}

fn details(report: &Report) -> Markup {
    let versions = table::versions(report);
    html! {
        section {
            h2 { "Details" }
            details { summary { "All scores" } (tabular(&table::scores(report))) }
            @if !versions.rows.is_empty() {
                details { summary { "Top-1 by version of the videos" } (tabular(&versions)) }
            }
            (facts(&report.details))
        }
    }
}

/// Names beside values, then texts folded away.
pub(super) fn facts(details: &Details) -> Markup {
    let rows = table::details(details).rows;
    html! {
        @if !rows.is_empty() {
            table.details { tbody {
                @for row in &rows { tr { th scope="row" { (row[0].text) } td { (row[1].text) } } }
            } }
        }
        @for listing in &details.listings {
            details { summary { (listing.title) } pre { (listing.text) } }
        }
    }
}

/// A table with its heading.
pub(super) fn tabular(table: &Table) -> Markup {
    html! {
        div.scroll { table {
            thead { tr { @for heading in &table.header { th scope="col" { (heading) } } } }
            tbody {
                @for row in &table.rows {
                    tr { @for (at, cell) in row.iter().enumerate() { (tabular_cell(cell, at == 0)) } }
                }
            }
        } }
    }
}

fn tabular_cell(cell: &Cell, first: bool) -> Markup {
    let class = match cell.verdict {
        Some(Verdict::Higher) => Some("verdict higher"),
        Some(Verdict::Lower) => Some("verdict lower"),
        Some(Verdict::NotShown | Verdict::TooFewGroups) => Some("verdict unclear"),
        None => None,
    };
    html! {
        @if first {
            th scope="row" { (cell.text) }
        } @else {
            td class=[class] {
                (cell.text)
                @if !cell.detail.is_empty() { " " span.bounds { (cell.detail) } }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::{AttentionPair, AttentionSummary, Predictions, ScoreKind};
    use crate::page::Detailed;

    const HOSTILE: &str = "\"><script>alert('x')</script><img src=http://evil.example/x onerror=1>";

    fn answers(n: usize, right: usize) -> Predictions {
        let scores = (0..n).map(|i| if i < right { vec![1.0, 0.0] } else { vec![0.0, 1.0] }).collect();
        let ids = (0..n).map(|i| i.to_string()).collect();
        Predictions::new(ids, vec![0; n], ScoreKind::Logits, scores).unwrap()
    }

    /// A report in which every text a user can set is an attack.
    fn hostile() -> Report {
        let pair = AttentionPair { group: HOSTILE.into(), natural: vec![0.5, 0.5], perturbed: Some(vec![0.9, 0.1]) };
        Report::builder(HOSTILE)
            .question(HOSTILE)
            .classes([HOSTILE, "right"])
            .model(HOSTILE, HOSTILE)
            .suite(HOSTILE, HOSTILE)
            .predictions(HOSTILE, HOSTILE, answers(20, 10))
            .predictions("TAF", HOSTILE, answers(20, 11))
            .compare(HOSTILE, "TAF")
            .attention(HOSTILE, AttentionSummary::new(&[pair], 1).unwrap())
            .curve(
                Chart::new(HOSTILE, Axis::new(HOSTILE), Axis::with_unit(HOSTILE, HOSTILE)).with_reference(HOSTILE, 1.0),
            )
            .picture(HOSTILE, HOSTILE, vec![1, 2, 3])
            .fact(HOSTILE, HOSTILE)
            .listing(HOSTILE, HOSTILE)
            .build()
            .unwrap()
    }

    #[test]
    fn hostile_names_stay_text() {
        let page = page(&hostile());
        assert!(!page.contains("<script") && !page.contains("<img src=http"));
        assert!(page.contains("&lt;script&gt;"));
        let tags: usize = page.matches("<img ").count();
        assert_eq!(tags, 1, "only the picture of the report itself");
    }

    #[test]
    fn the_page_loads_nothing_from_elsewhere() {
        let clean = Report::builder("t").classes(["a", "b"]).predictions("m", "s", answers(4, 2)).build().unwrap();
        let page = page(&clean).replace("xmlns=\"http://www.w3.org/2000/svg\"", "");
        for outside in ["http:", "https:", "src=\"", "href=", "url(", "@import", "<link", "<script"] {
            assert!(!page.contains(outside), "{outside} in the page");
        }
    }

    #[test]
    fn every_accuracy_stands_with_its_interval() {
        let page = page(&hostile());
        assert!(page.contains("50.0 % <span class=\"bounds\">[29.9, 70.1]</span>"));
        assert!(page.contains("no difference shown"));
    }

    #[test]
    fn a_report_with_one_model_has_no_comparison() {
        let one = Report::builder("t").classes(["a", "b"]).predictions("m", "s", answers(4, 2)).build().unwrap();
        let page = page(&one);
        assert!(!page.contains("Do the models differ?") && page.contains("m reaches 50.0 % top-1 on s"));
    }
}
