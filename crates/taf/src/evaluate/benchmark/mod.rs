//! Robustness benchmarks by name: what is done to the videos, at which levels, and who proposed it.
//!
//! To add one: an entry of the table in `listed.rs`, and the rows others published in `published.rs`.

mod listed;
mod published;

use std::collections::BTreeSet;
use std::num::NonZeroUsize;

use taf_report::page::Measure;
use taf_video::corrupt::{Corruption, Severity};

use self::listed::{Asks, LISTED, Listed};
pub use self::published::{PublishedRow, PublishedSet};
use super::{Condition, Version};

/// Conditions that are reported together, as rows with a few levels each.
#[derive(Clone, Debug, PartialEq)]
pub struct Benchmark {
    /// Its name on the command line and in reports.
    pub name: &'static str,
    /// What it does to the videos, one sentence without the full stop.
    pub summary: &'static str,
    /// Who proposed it, and what is done otherwise here, in sentences.
    pub source: &'static str,
    /// What the levels are: "severity", "frames".
    pub level: &'static str,
    /// The numbers it is reported by.
    pub measures: &'static [Measure],
    /// What is done to the videos, one after another; all rows have the same levels.
    pub rows: Vec<BenchmarkRow>,
    /// What it has elsewhere and not here: where there is such, its means are not those of the benchmark.
    pub lacks: &'static [&'static str],
    /// What others published.
    pub published: &'static [PublishedRow],
}

/// One thing that is done to the videos.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BenchmarkRow {
    /// Its name in tables.
    pub name: String,
    /// What kind of trouble it is.
    pub family: &'static str,
    /// The levels by name, and what is asked at each.
    pub levels: Vec<(String, Condition)>,
}

/// Why there is no such benchmark.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UnknownBenchmark {
    /// None has the name.
    #[error("benchmark must be {}, got {name:?}", Benchmark::names().join(", "))]
    Name {
        /// The name as given.
        name: String,
    },
    /// It has no such severity.
    #[error("severities of benchmark {benchmark} must be among {}, got {severity}", severities.join(", "))]
    Severity {
        /// The benchmark.
        benchmark: &'static str,
        /// Those it has.
        severities: Vec<String>,
        /// The one that was asked for.
        severity: Severity,
    },
    /// Its levels are no severities.
    #[error("benchmark {benchmark} has no severities; leave --severities out, or ask for it alone")]
    NoSeverities {
        /// The benchmark.
        benchmark: &'static str,
    },
}

impl Benchmark {
    /// The names of all benchmarks.
    pub fn names() -> Vec<&'static str> {
        LISTED.iter().map(|listed| listed.name).collect()
    }

    /// All benchmarks with all their levels.
    pub fn all() -> Vec<Self> {
        let whole = |listed: &'static Listed| Self::of(listed, &[]).expect("a benchmark has its own levels");
        LISTED.iter().map(whole).collect()
    }

    /// The benchmark of one of [`Self::names`], at some of its severities; at all where none is named.
    ///
    /// # Errors
    /// If there is none of that name, or it has no such severity.
    pub fn named(name: &str, severities: &[Severity]) -> Result<Self, UnknownBenchmark> {
        let listed = LISTED.iter().find(|listed| listed.name == name);
        Self::of(listed.ok_or_else(|| UnknownBenchmark::Name { name: name.to_owned() })?, severities)
    }

    /// The names of the levels, the same for every row.
    pub fn levels(&self) -> Vec<String> {
        self.rows.first().map_or_else(Vec::new, |row| row.levels.iter().map(|(name, _)| name.clone()).collect())
    }

    /// Everything that is asked, row by row.
    pub fn conditions(&self) -> impl Iterator<Item = Condition> {
        self.rows.iter().flat_map(|row| row.levels.iter().map(|(_, condition)| *condition))
    }

    /// What it does to videos, once each; nothing where it asks for other things than corruptions.
    pub(super) fn corruptions(&self) -> impl Iterator<Item = Corruption> {
        let first = self.rows.iter().filter_map(|row| row.levels.first());
        first.filter_map(|(_, condition)| match condition {
            Condition::Version(Version::Corrupted(corruption, _)) => Some(*corruption),
            _ => None,
        })
    }

    /// Everything that some benchmarks ask beside the videos as they are, once.
    pub fn all_conditions(benchmarks: &[Self]) -> Vec<Condition> {
        let asked: BTreeSet<Condition> = benchmarks.iter().flat_map(Self::conditions).collect();
        asked.into_iter().collect()
    }

    fn of(listed: &'static Listed, severities: &[Severity]) -> Result<Self, UnknownBenchmark> {
        let Listed { name, summary, source, measures, lacks, published, .. } = *listed;
        let (level, rows) = match listed.asks {
            Asks::Corruptions(named, own) => ("severity", corrupted(named, &chosen(name, own, severities)?)),
            Asks::Frames(_) if !severities.is_empty() => {
                return Err(UnknownBenchmark::NoSeverities { benchmark: name });
            }
            Asks::Frames(counts) => ("frames", vec![lengths(counts)]),
        };
        Ok(Self { name, summary, source, level, measures, rows, lacks, published })
    }
}

/// The severities that are asked for, of those that a benchmark has, in its order.
fn chosen(benchmark: &'static str, own: &[u8], asked: &[Severity]) -> Result<Vec<Severity>, UnknownBenchmark> {
    if let Some(&severity) = asked.iter().find(|severity| !own.contains(&severity.get())) {
        let severities = own.iter().map(u8::to_string).collect();
        return Err(UnknownBenchmark::Severity { benchmark, severities, severity });
    }
    let is_asked = |severity: &Severity| asked.is_empty() || asked.contains(severity);
    Ok(Severity::ALL.into_iter().filter(|severity| own.contains(&severity.get()) && is_asked(severity)).collect())
}

fn corrupted(named: &[listed::Row], severities: &[Severity]) -> Vec<BenchmarkRow> {
    let level = |row: &listed::Row, severity: Severity| {
        (severity.to_string(), Condition::Version(Version::Corrupted(row.corruption, severity)))
    };
    let row = |row: &listed::Row| BenchmarkRow {
        name: row.name.unwrap_or(row.corruption.name()).to_owned(),
        family: row.corruption.family().name(),
        levels: severities.iter().map(|&severity| level(row, severity)).collect(),
    };
    named.iter().map(row).collect()
}

fn lengths(counts: &[NonZeroUsize]) -> BenchmarkRow {
    let level = |&frames: &NonZeroUsize| (frames.to_string(), Condition::Frames(frames));
    BenchmarkRow { name: "frames".to_owned(), family: "frames", levels: counts.iter().map(level).collect() }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn every_benchmark_is_found_by_its_name_and_asks_each_condition_once() {
        for benchmark in Benchmark::all() {
            assert_eq!(Benchmark::named(benchmark.name, &[]).as_ref(), Ok(&benchmark));
            let conditions: Vec<_> = benchmark.conditions().collect();
            let once: HashSet<_> = conditions.iter().collect();
            assert_eq!(once.len(), conditions.len(), "{}", benchmark.name);
            assert!(
                benchmark.rows.iter().all(|row| row.levels.len() == benchmark.levels().len() && !row.levels.is_empty())
            );
            let names: HashSet<_> = benchmark.rows.iter().map(|row| &row.name).collect();
            assert_eq!(names.len(), benchmark.rows.len(), "{}", benchmark.name);
            assert!(!benchmark.summary.ends_with('.') && benchmark.source.ends_with('.'), "{}", benchmark.name);
        }
        let error = Benchmark::named("imagenet", &[]).unwrap_err().to_string();
        assert!(error.contains("imagenet-c, ") && error.ends_with("got \"imagenet\""), "{error}");
    }

    #[test]
    fn severities_are_taken_in_order_once_and_only_where_there_are_any() {
        let [one, three] = [1, 3].map(|number| Severity::new(number).unwrap());
        assert_eq!(Benchmark::named("imagenet-c", &[three, one, three]).unwrap().levels(), ["1", "3"]);
        let error = Benchmark::named("vitta", &[one]).unwrap_err().to_string();
        assert_eq!(error, "severities of benchmark vitta must be among 5, got 1");
        assert!(Benchmark::named("frames", &[one]).unwrap_err().to_string().contains("no severities"));
    }
}
