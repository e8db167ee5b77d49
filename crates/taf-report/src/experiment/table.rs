use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::findings::findings;
use super::known::Known;
use super::{CellName, CellResult, Choice, ClipList, Result, ResultsFolder, RunLine, Split, SuiteLine, TablePlan};
use crate::metrics::{SeedComparison, SeedGains, compare_over_seeds, holm};

/// The table of an experiment: the schema of `validation.json` and `test.json`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ExperimentTable {
    /// Version of this schema, 1.
    pub schema: u32,
    /// Name of the experiment.
    pub name: String,
    /// Which clips.
    pub split: Split,
    /// The method that others are compared with.
    pub baseline: String,
    /// What a reader should know of it, a sentence each.
    pub findings: Vec<String>,
    /// One for each data set, network and suite.
    pub blocks: Vec<Block>,
}

/// All methods on one data set, with one network, by one suite.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Block {
    /// The data set.
    pub data: String,
    /// The network.
    pub model: String,
    /// The suite.
    pub suite: String,
    /// Versions of every clip, whose mean is reported.
    pub versions: usize,
    /// Clips, those of all folds together.
    pub clips: usize,
    /// Groups they fall into.
    pub groups: usize,
    /// The runs that have results.
    pub rows: Vec<Row>,
}

/// A method, or one of its candidates.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Row {
    /// The run.
    pub run: String,
    /// Whether it is the one of several candidates that validation chose, or what each seed chose.
    pub chosen: bool,
    /// Its seeds.
    pub seeds: Vec<u64>,
    /// Top-1 of each seed.
    pub top1: Vec<f64>,
    /// Mean of top-1 over the seeds; with several lists of clips, such as folds, the mean of the lists' means.
    pub mean: f64,
    /// Standard deviation of top-1 over the seeds; none of one.
    pub deviation: Option<f64>,
    /// Mean over seeds and versions of the log loss, nats.
    pub log_loss: f64,
    /// Mean over the seeds of [`CellResult::train_top1`].
    pub train_top1: Option<f64>,
    /// Difference to the baseline over the seeds that both have; none of the baseline.
    pub difference: Option<SeedComparison>,
    /// The p-value of the difference, corrected for all rows of the block (Holm 1979).
    pub p_corrected: Option<f64>,
    /// Processor-seconds of a seed's training, mean.
    pub training_seconds: f64,
    /// Processor-seconds of all seeds, training and evaluating.
    pub processor_seconds: f64,
}

impl ExperimentTable {
    /// Draws the table from the results that are there. On test clips the candidates are those that were chosen before.
    ///
    /// # Errors
    /// If a result or a list of clips cannot be read, or they do not fit each other.
    pub fn draw(plan: &TablePlan, folder: &ResultsFolder, split: Split) -> Result<Self> {
        let (plan, choices) = match split {
            Split::Validation => (plan.clone(), plan.choices(folder)?),
            Split::Test => {
                let choices = folder.choices()?.choices;
                (plan.with_chosen(&choices), choices)
            }
        };
        let known = Known::read(folder, &plan.cells, split)?;
        let measured = folder.results(&plan.cells, Split::Validation)?;
        let mut blocks = Vec::new();
        for (data, model) in plan.places() {
            for suite in &plan.suites {
                let of_place = |choice: &&Choice| choice.data == data && choice.model == model;
                let chosen: Vec<&Choice> = choices.iter().filter(of_place).collect();
                blocks.extend(Placed { plan: &plan, known: &known, data, model, suite, chosen }.block());
            }
        }
        Ok(Self {
            schema: 1,
            name: plan.name.clone(),
            split,
            baseline: plan.baseline.clone(),
            findings: findings(&plan, &known.results, split, &measured),
            blocks,
        })
    }

    /// The table as JSON, indented.
    pub fn to_json(&self) -> String {
        super::file::text(self)
    }
}

/// One data set, one network and one suite.
struct Placed<'a> {
    plan: &'a TablePlan,
    known: &'a Known,
    data: &'a str,
    model: &'a str,
    suite: &'a SuiteLine,
    chosen: Vec<&'a Choice>,
}

impl Placed<'_> {
    /// None where no run has results.
    fn block(&self) -> Option<Block> {
        let lines = self.plan.lines(&self.chosen, self.known.split);
        let mut rows: Vec<Row> = lines.iter().filter_map(|line| self.row(line)).collect();
        let p_values: Vec<f64> = rows.iter().filter_map(|row| Some(row.difference?.p)).collect();
        let compared = rows.iter_mut().filter(|row| row.difference.is_some());
        compared.zip(holm(&p_values)).for_each(|(row, p)| row.p_corrected = Some(p));
        if rows.is_empty() {
            return None;
        }
        let of_place = |(cell, result): (&CellName, &CellResult)| {
            (cell.data == self.data && cell.model == self.model).then(|| result.clips.clone())
        };
        let names: BTreeSet<String> = self.known.results.iter().filter_map(of_place).collect();
        let lists = || names.iter().map(|name| &self.known.lists[name]);
        Some(Block {
            data: self.data.to_owned(),
            model: self.model.to_owned(),
            suite: self.suite.name.clone(),
            versions: self.suite.versions.len(),
            clips: lists().map(ClipList::len).sum(),
            groups: lists().map(|list| list.groups().count()).sum(),
            rows,
        })
    }

    /// None where there is no result of the run with all versions of the suite.
    fn row(&self, line: &RunLine) -> Option<Row> {
        let results = self.results(&line.run);
        let (seeds, top1): (Vec<u64>, Vec<f64>) =
            results.iter().map(|result| (result.cell.seed, self.top1(result))).unzip();
        let mean = mean_over_lists(&results, &top1)?;
        let difference = self.baseline().filter(|baseline| *baseline != line.run && line.method.is_some());
        let versions = || self.suite.versions.iter();
        let losses = results.iter().flat_map(|result| versions().map(|version| result.versions[version].log_loss));
        let spent = |result: &&CellResult| result.processor_seconds.training + result.processor_seconds.evaluating;
        Some(Row {
            run: line.run.clone(),
            chosen: self.is_chosen(line),
            deviation: deviation(&top1),
            mean,
            log_loss: self::mean(losses)?,
            train_top1: results
                .iter()
                .map(|result| result.train_top1)
                .collect::<Option<Vec<_>>>()
                .and_then(|all| self::mean(all.into_iter())),
            difference: difference.and_then(|baseline| self.compared(&self.results(baseline), &results)),
            p_corrected: None,
            training_seconds: self::mean(results.iter().map(|result| result.processor_seconds.training))?,
            processor_seconds: results.iter().map(spent).sum(),
            seeds,
            top1,
        })
    }

    /// The run that others are compared with: of several candidates of the baseline the chosen one.
    fn baseline(&self) -> Option<&str> {
        let choice = self.chosen.iter().find(|choice| choice.method == self.plan.baseline)?;
        Some(if choice.is_of_seed() { &choice.method } else { &choice.run })
    }

    fn is_chosen(&self, line: &RunLine) -> bool {
        let name = |choice: &&Choice| if choice.is_of_seed() { choice.method.clone() } else { choice.run.clone() };
        self.chosen.iter().any(|choice| choice.candidates.len() > 1 && name(choice) == line.run)
    }

    /// The results of a run that have all versions of the suite, by seed; of a method whose seeds chose by themselves, what each
    /// chose.
    fn results(&self, run: &str) -> Vec<&CellResult> {
        let has_all =
            |result: &CellResult| self.suite.versions.iter().all(|version| result.versions.contains_key(version));
        let chose = |choice: &&Choice, cell: &CellName| {
            choice.is_of_seed() && choice.is_at(cell) && choice.method == run && choice.run == cell.run
        };
        let is_run = |cell: &CellName| cell.run == run || self.chosen.iter().any(|choice| chose(choice, cell));
        let is_of = |cell: &CellName| cell.data == self.data && cell.model == self.model && is_run(cell);
        let of_run = self.known.results.iter().filter(|(cell, result)| is_of(cell) && has_all(result));
        of_run.map(|(_, result)| result).collect()
    }

    fn top1(&self, result: &CellResult) -> f64 {
        let clips = self.known.clips(result);
        let shares = self.suite.versions.iter().map(|version| result.top1(version, clips).unwrap_or_default());
        shares.sum::<f64>() / self.suite.versions.len() as f64
    }

    /// The second run against the first, over the seeds that both have.
    fn compared(&self, first: &[&CellResult], second: &[&CellResult]) -> Option<SeedComparison> {
        let pairs: Vec<_> = second
            .iter()
            .filter_map(|second| Some((first.iter().find(|first| first.cell.seed == second.cell.seed)?, second)))
            .filter(|(first, second)| first.clips == second.clips)
            .collect();
        let groups: BTreeMap<&str, _> =
            pairs.iter().map(|(first, _)| (first.clips.as_str(), self.known.lists[&first.clips].groups())).collect();
        let gains = |(first, second): &(&&CellResult, &&CellResult)| SeedGains {
            list: groups.get_key_value(first.clips.as_str()).expect("every pair has its groups").0,
            groups: &groups[first.clips.as_str()],
            gains: self.right(second).iter().zip(self.right(first)).map(|(second, first)| second - first).collect(),
            versions: self.suite.versions.len(),
        };
        compare_over_seeds(&pairs.iter().map(gains).collect::<Vec<_>>())
    }

    /// In how many versions of the suite each clip was answered right.
    fn right(&self, result: &CellResult) -> Vec<i32> {
        let clips = self.known.clips(result);
        let mut right = vec![0; clips];
        for answers in self.suite.versions.iter().filter_map(|version| result.right(version, clips)) {
            right.iter_mut().zip(answers).for_each(|(sum, right)| *sum += i32::from(right));
        }
        right
    }
}

fn mean(values: impl Iterator<Item = f64>) -> Option<f64> {
    let (sum, count) = values.fold((0.0, 0), |(sum, count), value| (sum + value, count + 1));
    (count > 0).then(|| sum / f64::from(count))
}

/// Mean over the lists of clips of the mean over the seeds that were asked about each, as differences are made.
fn mean_over_lists(results: &[&CellResult], top1: &[f64]) -> Option<f64> {
    let mut lists: BTreeMap<&str, Vec<f64>> = BTreeMap::new();
    results.iter().zip(top1).for_each(|(result, &top1)| lists.entry(&result.clips).or_default().push(top1));
    mean(lists.into_values().filter_map(|of_list| mean(of_list.into_iter())))
}

fn deviation(values: &[f64]) -> Option<f64> {
    let mean = mean(values.iter().copied())?;
    let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
    (values.len() > 1).then(|| (squares / (values.len() - 1) as f64).sqrt())
}

#[cfg(test)]
mod tests {
    use super::super::testing::{cell, clips, result};
    use super::*;
    use crate::metrics::Over;

    /// Three methods, one with two candidates; two seeds.
    fn plan() -> TablePlan {
        let line = |run: &str, method: Option<&str>| RunLine { run: run.into(), method: method.map(str::to_owned) };
        let runs = vec![
            line("start", None),
            line("plain", Some("plain")),
            line("taf.a", Some("taf")),
            line("taf.b", Some("taf")),
        ];
        let cells = (0..2).flat_map(|seed| runs.iter().map(move |line| cell(&line.run, seed))).collect();
        let suites = vec![SuiteLine { name: "clean".into(), versions: vec!["clean".into()] }];
        TablePlan { name: "e".into(), baseline: "plain".into(), cells, runs, folded: BTreeSet::new(), suites }
    }

    fn filled(results: &[(&str, u64, [bool; 4])]) -> (tempfile::TempDir, ResultsFolder) {
        let folder = tempfile::tempdir().unwrap();
        let results_folder = ResultsFolder::new(folder.path().to_owned());
        for (run, seed, right) in results {
            results_folder.write(&result(run, *seed, right), Split::Validation, &clips(4)).unwrap();
        }
        (folder, results_folder)
    }

    const HALF: [bool; 4] = [true, true, false, false];
    const MOST: [bool; 4] = [true, true, true, false];

    #[test]
    fn rows_hold_what_can_be_counted_by_hand() {
        let results = [("plain", 0, HALF), ("plain", 1, MOST), ("taf.a", 0, MOST), ("taf.a", 1, [true; 4])];
        let (_kept, folder) = filled(&results);
        let table = ExperimentTable::draw(&plan(), &folder, Split::Validation).unwrap();
        let [block] = &table.blocks[..] else { panic!("{table:?}") };
        assert_eq!((block.clips, block.groups, block.rows.len()), (4, 4, 2));
        let [plain, taf] = &block.rows[..] else { panic!("{block:?}") };
        assert_eq!((plain.mean, plain.top1.as_slice(), plain.difference), (0.625, &[0.5, 0.75][..], None));
        assert!((plain.deviation.unwrap() - 0.125 * 2f64.sqrt()).abs() < 1e-12);
        let difference = taf.difference.unwrap();
        assert_eq!((difference.top1.difference, difference.over, difference.seeds), (0.25, Over::SeedsAndGroups, 2));
        assert_eq!((taf.p_corrected, taf.training_seconds, taf.processor_seconds), (Some(difference.p), 10.0, 22.0));
        assert!(table.findings.iter().any(|line| line.contains("4 of 8")), "{:?}", table.findings);
    }

    #[test]
    fn the_chosen_candidate_is_marked_and_every_comparison_of_a_block_is_corrected() {
        let results = [("start", 0, HALF), ("plain", 0, HALF), ("taf.a", 0, HALF), ("taf.b", 0, MOST)];
        let (_kept, folder) = filled(&results);
        let table = ExperimentTable::draw(&plan(), &folder, Split::Validation).unwrap();
        let rows = &table.blocks[0].rows;
        assert_eq!(rows.iter().map(|row| row.chosen).collect::<Vec<_>>(), [false, false, false, true]);
        assert!(rows[0].difference.is_none(), "what the others start from is no method");
        let p = rows[3].difference.unwrap().p;
        assert!((rows[3].p_corrected.unwrap() - (2.0 * p).min(1.0)).abs() < 1e-12);
        assert_eq!(rows[3].difference.unwrap().over, Over::Groups);
        assert!(table.findings.iter().any(|line| line.contains("One seed")), "{:?}", table.findings);
    }

    #[test]
    fn with_folds_of_unlike_many_seeds_the_difference_is_that_of_the_means() {
        let (_kept, folder) = filled(&[]);
        let seeds = [("one", 0, HALF), ("one", 1, HALF), ("two", 2, MOST)];
        for (list, seed, right) in seeds {
            for (run, right) in [("plain", right), ("taf.a", if list == "two" { [true; 4] } else { right })] {
                let clips = ClipList { groups: (0..4).map(|clip| format!("{list} {clip}")).collect(), ..clips(4) };
                let of = CellResult { clips: list.into(), clips_sha256: clips.hash(), ..result(run, seed, &right) };
                folder.write(&of, Split::Validation, &clips).unwrap();
            }
        }
        let mut plan = plan();
        plan.cells.extend(["plain", "taf.a"].map(|run| cell(run, 2)));
        let table = ExperimentTable::draw(&plan, &folder, Split::Validation).unwrap();
        let [plain, taf] = &table.blocks[0].rows[..] else { panic!("{table:?}") };
        assert_eq!((plain.mean, taf.mean), (0.625, 0.75));
        let difference = taf.difference.unwrap();
        assert_eq!((difference.over, difference.top1.difference), (Over::Folds, 0.125));
        assert!(table.findings.iter().all(|line| !line.contains("different clips")), "{:?}", table.findings);
    }

    #[test]
    fn with_folds_every_seed_shows_its_own_choice_and_is_tested_by_it_alone() {
        let results = [
            ("plain", 0, HALF),
            ("plain", 1, HALF),
            ("taf.a", 0, MOST),
            ("taf.a", 1, HALF),
            ("taf.b", 0, HALF),
            ("taf.b", 1, [true; 4]),
        ];
        let (_kept, folder) = filled(&results);
        let plan = TablePlan { folded: ["d".to_owned()].into(), ..plan() };
        let rows = |table: &ExperimentTable| -> Vec<(String, bool, Vec<f64>)> {
            let row = |row: &Row| (row.run.clone(), row.chosen, row.top1.clone());
            table.blocks[0].rows.iter().map(row).collect()
        };
        let table = ExperimentTable::draw(&plan, &folder, Split::Validation).unwrap();
        let named = |run: &str, chosen, top1: [f64; 2]| (run.to_owned(), chosen, top1.to_vec());
        let together = named("taf", true, [0.75, 1.0]);
        let [plain, a, b] = [("plain", [0.5; 2]), ("taf.a", [0.75, 0.5]), ("taf.b", [0.5, 1.0])]
            .map(|(run, top1)| named(run, false, top1));
        assert_eq!(rows(&table), [plain.clone(), a, b, together.clone()]);
        folder.write_choices(&crate::experiment::Choices { choices: plan.choices(&folder).unwrap() }).unwrap();
        for (run, seed, right) in results {
            folder.write(&result(run, seed, &right), Split::Test, &clips(4)).unwrap();
        }
        let table = ExperimentTable::draw(&plan, &folder, Split::Test).unwrap();
        assert_eq!(rows(&table), [plain, together]);
        assert!((table.blocks[0].rows[1].difference.unwrap().top1.difference - 0.375).abs() < 1e-12);
    }

    #[test]
    fn a_table_of_nothing_says_so_and_a_missing_list_is_named() {
        let (kept, folder) = filled(&[]);
        let table = ExperimentTable::draw(&plan(), &folder, Split::Test).unwrap();
        assert!(table.blocks.is_empty() && table.findings.iter().any(|line| line.contains("0 of 0")));
        let (_, again) = (kept, filled(&[("plain", 0, HALF)]));
        std::fs::remove_dir_all(again.1.path().join("clips")).unwrap();
        let error = ExperimentTable::draw(&plan(), &again.1, Split::Validation).unwrap_err();
        assert!(error.to_string().contains("d/m/seed0/plain"), "{error}");
    }
}
