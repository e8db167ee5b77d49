use crate::experiment::{Block, ExperimentTable, Row};
use crate::metrics::{FEW_GROUPS, LEVEL, Over, SeedComparison};
use crate::page::words::{count, level, p_value, point_bounds, points, said};
use crate::page::{Cell, Table, Verdict};

/// One data set and network: what stands under one heading.
pub struct Section<'a> {
    /// The data set.
    pub data: &'a str,
    /// The network.
    pub model: &'a str,
    /// One for each suite.
    pub blocks: Vec<&'a Block>,
}

impl<'a> Section<'a> {
    /// The sections of a table, in its order.
    pub fn of(table: &'a ExperimentTable) -> Vec<Self> {
        let mut sections: Vec<Self> = Vec::new();
        for block in &table.blocks {
            match sections.iter_mut().find(|section| (section.data, section.model) == (&block.data, &block.model)) {
                Some(section) => section.blocks.push(block),
                None => sections.push(Self { data: &block.data, model: &block.model, blocks: vec![block] }),
            }
        }
        sections
    }

    /// The runs that have any result, in the order of the first suite that knows them.
    fn runs(&self) -> Vec<&'a Row> {
        let mut rows: Vec<&Row> = Vec::new();
        for row in self.blocks.iter().flat_map(|block| &block.rows) {
            if rows.iter().all(|known| known.run != row.run) {
                rows.push(row);
            }
        }
        rows
    }

    /// What the numbers rest on.
    pub fn basis(&self) -> String {
        let Some(first) = self.blocks.first() else { return String::new() };
        let mut seeds: Vec<u64> = first.rows.iter().flat_map(|row| row.seeds.iter().copied()).collect();
        seeds.sort_unstable();
        seeds.dedup();
        let (clips, groups, seeds) =
            (count(first.clips, "clip"), count(first.groups, "group"), count(seeds.len(), "seed"));
        let versions =
            self.blocks.iter().map(|block| format!("{} in {}", block.suite, count(block.versions, "version")));
        format!("{clips} in {groups}; {seeds}; {}.", versions.collect::<Vec<_>>().join(", "))
    }

    /// What came out, in a sentence: every difference to the baseline that is more than chance.
    pub fn answer(&self, baseline: &str) -> String {
        let shown: Vec<String> = self.runs().into_iter().filter_map(|row| self.shown(&row.run)).collect();
        match shown.is_empty() {
            true => format!("No difference to {baseline} is shown."),
            false => format!("Beside {baseline}, in points: {}.", shown.join("; ")),
        }
    }

    /// The suites on which a run is shown to differ, and by how much.
    fn shown(&self, run: &str) -> Option<String> {
        let differs = |block: &&'a Block| {
            let row =
                of_run(block, run).filter(|row| matches!(verdict(row), Some(Verdict::Higher | Verdict::Lower)))?;
            let top1 = row.difference?.top1;
            Some(format!("{} {} on {}", points(top1.difference), point_bounds(&top1), block.suite))
        };
        let all: Vec<String> = self.blocks.iter().filter_map(differs).collect();
        (!all.is_empty()).then(|| format!("{run} {}", all.join(", ")))
    }

    /// Runs down and suites across.
    pub fn main(&self) -> Table {
        let suites = self.blocks.iter().map(|block| block.suite.clone());
        let ends = ["training top-1", "seeds", "processor-s a seed"].map(str::to_owned);
        let header = ["method".to_owned()].into_iter().chain(suites).chain(ends).collect();
        Table { header, rows: self.runs().into_iter().map(|row| self.line(row)).collect() }
    }

    fn line(&self, row: &Row) -> Vec<Cell> {
        let mut line = vec![Cell::new(name(row))];
        line.extend(self.blocks.iter().map(|block| of_run(block, &row.run).map_or_else(Cell::missing, accuracy)));
        line.push(row.train_top1.map_or_else(Cell::missing, |top1| Cell::new(format!("{:.1}", 100.0 * top1))));
        line.push(Cell::new(row.seeds.len().to_string()));
        line.push(Cell::new(format!("{:.0}", row.training_seconds)));
        line
    }

    /// Every difference to the baseline with what it rests on.
    pub fn differences(&self) -> Table {
        let header = ["method", "suite", "difference (points)", "p", "p (Holm)", "over", "seeds", "groups", "shown"];
        let row = |(block, row): (&&Block, &Row)| {
            let difference = row.difference?;
            Some(vec![
                Cell::new(name(row)),
                Cell::new(&block.suite),
                Cell::with_detail(points(difference.top1.difference), point_bounds(&difference.top1)),
                Cell::new(p_value(difference.p)),
                Cell::new(row.p_corrected.map_or_else(String::new, p_value)),
                Cell::new(over(difference.over)),
                Cell::new(difference.seeds.to_string()),
                Cell::new(difference.groups.to_string()),
                Cell { verdict: verdict(row), ..Cell::new(verdict(row).map_or("", said)) },
            ])
        };
        let rows = self.blocks.iter().flat_map(|block| block.rows.iter().map(move |row| (block, row))).filter_map(row);
        Table { header: header.map(str::to_owned).into(), rows: rows.collect() }
    }

    /// Top-1 of every seed: what a mean hides.
    pub fn seeds(&self) -> Table {
        let all = self.blocks.iter().flat_map(|block| &block.rows).flat_map(|row| row.seeds.iter().copied());
        let mut seeds: Vec<u64> = all.collect();
        seeds.sort_unstable();
        seeds.dedup();
        let named = seeds.iter().map(|seed| format!("seed {seed}"));
        let header = ["method".to_owned(), "suite".to_owned()].into_iter().chain(named).collect();
        let of_seed = |row: &Row, seed: &u64| {
            let at = row.seeds.iter().position(|known| known == seed);
            at.map_or_else(Cell::missing, |at| Cell::new(format!("{:.1}", 100.0 * row.top1[at])))
        };
        let line = |block: &&'a Block, row: &'a Row| {
            let shares = seeds.iter().map(|seed| of_seed(row, seed)).collect::<Vec<_>>();
            [Cell::new(name(row)), Cell::new(&block.suite)].into_iter().chain(shares).collect()
        };
        let rows =
            self.blocks.iter().flat_map(|block| block.rows.iter().map(|row| line(block, row)).collect::<Vec<_>>());
        Table { header, rows: rows.collect() }
    }
}

/// What the differences to the baseline amount to.
pub fn verdict(row: &Row) -> Option<Verdict> {
    let SeedComparison { top1, over, groups, .. } = row.difference?;
    Some(match row.p_corrected? {
        // Folds are observations of their own, whatever the groups in them.
        _ if over != Over::Folds && groups < FEW_GROUPS => Verdict::TooFewGroups,
        p if p > 1.0 - LEVEL => Verdict::NotShown,
        _ if top1.difference > 0.0 => Verdict::Higher,
        _ => Verdict::Lower,
    })
}

fn over(over: Over) -> &'static str {
    match over {
        Over::Groups => "groups",
        Over::SeedsAndGroups => "seeds and groups",
        Over::Folds => "folds",
    }
}

/// A run's name, and whether it was chosen among others.
pub fn name(row: &Row) -> String {
    if row.chosen { format!("{} (chosen)", row.run) } else { row.run.clone() }
}

fn of_run<'a>(block: &'a Block, run: &str) -> Option<&'a Row> {
    block.rows.iter().find(|row| row.run == run)
}

fn accuracy(row: &Row) -> Cell {
    let spread = row.deviation.map_or_else(String::new, |deviation| format!(" \u{b1} {:.1}", 100.0 * deviation));
    let detail = row.difference.map_or_else(String::new, |SeedComparison { top1, .. }| {
        let sure = if matches!(verdict(row), Some(Verdict::Higher | Verdict::Lower)) { "*" } else { "" };
        format!("{}{sure} {}", points(top1.difference), point_bounds(&top1))
    });
    Cell { verdict: verdict(row), ..Cell::with_detail(format!("{:.1}{spread}", 100.0 * row.mean), detail) }
}

/// How to read the numbers.
pub fn caption(table: &ExperimentTable) -> String {
    let rows = || table.blocks.iter().flat_map(|block| &block.rows);
    let spread =
        if rows().any(|row| row.deviation.is_some()) { ", mean and standard deviation over seeds" } else { "" };
    let trained = "Training top-1 is of the last epoch's clips as they were shown, mixed ones by the heavier label. \
                   Processor-seconds are those of one training.";
    let mut bases: Vec<&str> = rows().filter_map(|row| Some(over(row.difference?.over))).collect();
    bases.sort_unstable();
    bases.dedup();
    if bases.is_empty() {
        return format!("Top-1 in per cent{spread}. {trained}");
    }
    format!(
        "Top-1 in per cent{spread}; behind it the paired difference to {} in points with its {} interval over {}. A star: more \
         than chance at {:.0} %, corrected for all methods of the column (Holm); with fewer than {FEW_GROUPS} groups nothing is \
         said. {trained}",
        table.baseline,
        level(),
        bases.join(", or "),
        100.0 * (1.0 - LEVEL)
    )
}

/// The headline.
pub fn title(table: &ExperimentTable) -> String {
    format!("{}: {} clips", table.name, table.split.name())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::experiment::Split;
    use crate::metrics::Interval;

    fn row(over: Over, groups: usize) -> Row {
        let top1 = Interval { difference: 0.2, low: 0.1, high: 0.3 };
        Row {
            run: "taf".into(),
            chosen: false,
            seeds: vec![0],
            top1: vec![0.5],
            mean: 0.5,
            deviation: None,
            log_loss: 0.7,
            train_top1: None,
            difference: Some(SeedComparison { top1, p: 0.001, over, seeds: 1, groups }),
            p_corrected: Some(0.001),
            training_seconds: 1.0,
            processor_seconds: 1.0,
        }
    }

    fn captioned(rows: Vec<Row>) -> String {
        let (data, model, suite) = ("d".to_owned(), "m".to_owned(), "clean".to_owned());
        let blocks = vec![Block { data, model, suite, versions: 1, clips: 40, groups: 40, rows }];
        let (name, baseline, split) = ("e".to_owned(), "plain".to_owned(), Split::Validation);
        caption(&ExperimentTable { schema: 1, name, split, baseline, findings: Vec::new(), blocks })
    }

    #[test]
    fn of_few_groups_nothing_is_said_but_where_folds_are_what_is_observed() {
        for over in [Over::Groups, Over::SeedsAndGroups] {
            assert_eq!(verdict(&row(over, FEW_GROUPS)), Some(Verdict::Higher));
            let few = row(over, FEW_GROUPS - 1);
            assert_eq!(verdict(&few).map(said), Some("too few groups to say"));
            assert_eq!(accuracy(&few).detail, "+20.0 [+10.0, +30.0]", "no star");
        }
        assert_eq!(verdict(&row(Over::Folds, 5)), Some(Verdict::Higher));
    }

    #[test]
    fn the_caption_says_what_intervals_rest_on() {
        let one = captioned(vec![row(Over::Groups, 40)]);
        assert!(
            one.starts_with("Top-1 in per cent; behind it") && one.contains("interval over groups. A star"),
            "{one}"
        );
        let several = Row { deviation: Some(0.1), ..row(Over::SeedsAndGroups, 40) };
        let mixed = captioned(vec![row(Over::Folds, 40), several]);
        assert!(mixed.contains("deviation over seeds; behind"), "{mixed}");
        assert!(mixed.contains("interval over folds, or seeds and groups. A star"), "{mixed}");
        assert!(!captioned(vec![Row { difference: None, ..row(Over::Groups, 40) }]).contains("interval"));
    }
}
