use maud::{Markup, html};

use super::tables::{Section, caption, name, title, verdict};
use crate::experiment::{Block, ExperimentTable, Row};
use crate::metrics::Interval;
use crate::page::Report;
use crate::page::html::{looks, tabular, whole};
use crate::page::svg::{Bar, BarGroup, ForestRow, forest_of, grouped_bars};
use crate::page::words::level;

impl ExperimentTable {
    /// One self-contained HTML page: no script, nothing loaded from elsewhere, light and dark, fit to print.
    pub fn to_html(&self) -> String {
        let title = title(self);
        let header = html! {
            h1 { (title) }
            @for finding in &self.findings { p.finding { (finding) } }
            p.caption { (caption(self)) }
        };
        self.page(&title, &header, &html! {})
    }

    /// The same page about a question, with a closer look at the networks of one seed: where they look, how they were
    /// trained, which classes they know.
    pub fn to_html_beside(&self, look: &Report) -> String {
        let header = html! {
            p.kicker { (look.title) }
            @if let Some(question) = &look.question { p.question { (question) } }
            @for section in Section::of(self) { h1 { (section.answer(&self.baseline)) } }
            @for finding in self.findings.iter().chain(&look.findings) { p.finding { (finding) } }
            p.caption { (caption(self)) }
        };
        self.page(&look.title, &header, &looks(look))
    }

    fn page(&self, title: &str, header: &Markup, end: &Markup) -> String {
        let body = html! {
            header { (header) }
            @for section in Section::of(self) { (of_place(self, &section)) }
            (end)
        };
        whole(title, &body, &format!("{}.json", self.split.name()))
    }
}

fn of_place(table: &ExperimentTable, section: &Section) -> Markup {
    html! {
        section {
            h2 { (section.data) ", " (section.model) }
            p.finding { (section.answer(&table.baseline)) }
            (tabular(&section.main()))
            p.caption { (section.basis()) }
            @if section.blocks.iter().any(|block| block.rows.iter().any(|row| row.difference.is_some())) {
                h3 { "Difference to " (table.baseline) ", with " (level()) " intervals" }
                @for block in &section.blocks {
                    figure { figcaption { strong { (block.suite) } } (differences(block)) }
                }
            }
            figure { (seeds(section)) figcaption { "Top-1 over the seeds: mean, lowest and highest." } }
            details { summary { "Differences in numbers" } (tabular(&section.differences())) }
            details { summary { "Top-1 of every seed" } (tabular(&section.seeds())) }
        }
    }
}

fn differences(block: &Block) -> Markup {
    let named: Vec<(String, &Row)> = block.rows.iter().map(|row| (name(row), row)).collect();
    let row = |(name, row): &'_ (String, &Row)| -> Option<(Interval, crate::page::Verdict, usize)> {
        let at = named.iter().position(|(other, _)| other == name)?;
        Some((row.difference?.top1, verdict(row)?, at))
    };
    let drawn: Vec<_> = named.iter().filter_map(row).collect();
    let rows: Vec<ForestRow> =
        drawn.iter().map(|&(interval, verdict, at)| ForestRow { name: &named[at].0, interval, verdict }).collect();
    forest_of(&rows)
}

fn seeds(section: &Section) -> Markup {
    let mut names: Vec<String> = Vec::new();
    for row in section.blocks.iter().flat_map(|block| &block.rows) {
        if !names.contains(&row.run) {
            names.push(row.run.clone());
        }
    }
    let bar = |block: &Block, run: &str| {
        let row = block.rows.iter().find(|row| row.run == run)?;
        let low = row.top1.iter().copied().fold(f64::INFINITY, f64::min);
        let high = row.top1.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        Some(Bar { value: row.mean * 100.0, low: low * 100.0, high: high * 100.0 })
    };
    let group = |block: &&Block| BarGroup {
        name: block.suite.clone(),
        bars: names.iter().map(|run| bar(block, run)).collect(),
    };
    let groups: Vec<BarGroup> = section.blocks.iter().map(group).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    grouped_bars("top-1 (%)", "", Some(100.0), &names, &groups, None)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::experiment::{Row, Split};
    use crate::metrics::{Over, Predictions, ScoreKind, SeedComparison};

    const HOSTILE: &str = "\"><script>alert('x')</script>|*";

    fn row(run: &str, mean: f64, difference: Option<f64>) -> Row {
        let top1 = |difference: f64| Interval { difference, low: difference - 0.02, high: difference + 0.02 };
        let compared = |d| SeedComparison { top1: top1(d), p: 0.01, over: Over::SeedsAndGroups, seeds: 2, groups: 20 };
        Row {
            run: run.into(),
            chosen: false,
            seeds: vec![0, 4],
            top1: vec![mean - 0.01, mean + 0.01],
            mean,
            deviation: Some(0.01),
            log_loss: 1.0,
            train_top1: Some(0.99),
            difference: difference.map(compared),
            p_corrected: difference.map(|_| 0.02),
            training_seconds: 123.0,
            processor_seconds: 250.0,
        }
    }

    fn table() -> ExperimentTable {
        let rows = vec![row("plain", 0.7, None), row(HOSTILE, 0.75, Some(0.05)), row("aa", 0.6, Some(-0.1))];
        let block = |suite: &str| Block {
            data: HOSTILE.into(),
            model: "tsm".into(),
            suite: suite.into(),
            versions: 1,
            clips: 40,
            groups: 20,
            rows: rows.clone(),
        };
        let blocks = vec![block("clean"), block("noise")];
        let findings = vec![HOSTILE.to_owned()];
        let (name, baseline) = ("e".to_owned(), "plain".to_owned());
        ExperimentTable { schema: 1, name, split: Split::Validation, baseline, findings, blocks }
    }

    #[test]
    fn every_number_stands_on_the_page_with_its_interval_and_names_stay_text() {
        let page = table().to_html();
        assert!(!page.contains("<script") && page.contains("&lt;script&gt;"));
        assert!(page.contains("75.0 \u{b1} 1.0") && page.contains("+5.0* [+3.0, +7.0]"));
        assert_eq!(page.matches("point higher").count(), 2);
        assert_eq!(page.matches("point lower").count(), 2);
        assert!(page.contains("40 clips in 20 groups; 2 seeds; clean in 1 version, noise in 1 version."));
    }

    #[test]
    fn the_answer_names_what_is_shown_and_no_more() {
        let answer = "Beside plain, in points: \"><script>alert('x')</script>|* +5.0 [+3.0, +7.0] on clean, +5.0 [+3.0, +7.0] on noise; \
                      aa \u{2212}10.0 [\u{2212}12.0, \u{2212}8.0] on clean, \u{2212}10.0 [\u{2212}12.0, \u{2212}8.0] on noise.";
        let mut table = table();
        assert_eq!(Section::of(&table)[0].answer("plain"), answer);
        for row in table.blocks.iter_mut().flat_map(|block| &mut block.rows) {
            row.p_corrected = row.p_corrected.map(|_| 0.06);
        }
        assert_eq!(Section::of(&table)[0].answer("plain"), "No difference to plain is shown.");
    }

    #[test]
    fn a_closer_look_stands_under_the_table_without_accuracies_of_its_own() {
        let answers = Predictions::new(vec!["c".into()], vec![0], ScoreKind::Logits, vec![vec![1.0, 0.0]]).unwrap();
        let look = Report::builder("t").classes(["a", "b"]).predictions("start", "clean", answers);
        let look = look.question("better?").picture("start sees", "frames", vec![1]).build().unwrap();
        let page = table().to_html_beside(&look);
        let (table, pictures) =
            (page.find("Difference to plain").unwrap(), page.find("Where the models look").unwrap());
        assert!(page.contains("better?") && table < pictures);
        assert!(!page.contains("Top-1 accuracy") && !page.contains("<script"));
    }

    #[test]
    fn markdown_has_the_same_numbers_in_tables_that_names_cannot_break() {
        let text = table().to_markdown();
        let line = text.lines().find(|line| line.starts_with("| aa ")).unwrap();
        assert!(line.contains("| 60.0 \u{b1} 1.0 \u{2212}10.0\\* [\u{2212}12.0, \u{2212}8.0] |"), "{line}");
        assert_eq!(line.replace("\\|", "").matches('|').count(), 7, "{line}");
        assert!(text.contains("&lt;script>alert"), "{text}");
    }

    #[test]
    fn an_empty_table_is_a_page_too() {
        let empty = ExperimentTable { blocks: Vec::new(), ..table() };
        assert!(empty.to_html().contains("</html>") && empty.to_markdown().starts_with("# e: validation clips"));
    }
}
