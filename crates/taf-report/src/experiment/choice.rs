use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::{CellName, CellResult};

/// Which candidates were chosen, before the test clips were read.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Choices {
    /// One for each data set, network and method, and of folds for each seed; what stands here stays.
    pub choices: Vec<Choice>,
}

/// Which of a method's candidates was chosen for one data set and network, or one seed of them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Choice {
    /// The data set.
    pub data: String,
    /// The network.
    pub model: String,
    /// The method.
    pub method: String,
    /// The seed it is for, where each chooses by itself: of folds, one seed's validation clips are another's test clips.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seed: Option<u64>,
    /// The run that was chosen: the method, with `.CANDIDATE` where it has some.
    pub run: String,
    /// What it was chosen from.
    pub candidates: Vec<Candidate>,
    /// The seeds whose mean decided.
    pub seeds: Vec<u64>,
}

/// What a choice was made from.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Candidate {
    /// The run: the method, with `.CANDIDATE` where it has some.
    pub run: String,
    /// Mean over the seeds of top-1 on the clean validation clips.
    pub top1: f64,
    /// SHA-256 of the recipe of each seed, in the order of the seeds.
    pub recipes_sha256: Vec<String>,
    /// These recipes, TOML; none in files of old versions.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub recipes: Vec<String>,
}

impl Choices {
    /// The choice for a data set, a network, a method and a seed.
    pub fn of(&self, place: [&str; 3], seed: u64) -> Option<&Choice> {
        self.choices
            .iter()
            .find(|of| [of.data.as_str(), &of.model, &of.method] == place && of.seed.is_none_or(|own| own == seed))
    }
}

impl Choice {
    /// Whether it counts for a cell of any method.
    pub fn is_at(&self, cell: &CellName) -> bool {
        (&self.data, &self.model) == (&cell.data, &cell.model) && self.seed.is_none_or(|seed| seed == cell.seed)
    }

    /// Whether other seeds may have chosen another of several candidates.
    pub fn is_of_seed(&self) -> bool {
        self.seed.is_some() && self.candidates.len() > 1
    }
}

/// The version of the clips that chooses.
const CLEAN: &str = "clean";

/// Chooses among the runs of a method by mean top-1 on the clean validation clips over the seeds that all of them have; of equal
/// means the first. With `seed` by this one alone. None where no seed has a result of all.
///
/// `clips` tells how many clips a result is about.
pub fn choose(
    [data, model, method]: [&str; 3],
    seed: Option<u64>,
    runs: &[String],
    results: &BTreeMap<CellName, CellResult>,
    clips: impl Fn(&CellResult) -> usize,
) -> Option<Choice> {
    let of_run = |run: &str| -> BTreeMap<u64, &CellResult> {
        let is_of = |cell: &CellName| {
            cell.data == data && cell.model == model && cell.run == run && seed.is_none_or(|seed| seed == cell.seed)
        };
        results.iter().filter(|(cell, _)| is_of(cell)).map(|(cell, result)| (cell.seed, result)).collect()
    };
    let by_run: Vec<_> = runs.iter().map(|run| of_run(run)).collect();
    let seeds: BTreeSet<u64> = by_run.first()?.keys().copied().collect();
    let seeds: Vec<u64> = seeds.into_iter().filter(|seed| by_run.iter().all(|of| of.contains_key(seed))).collect();
    if seeds.is_empty() {
        return None;
    }
    let candidate = |(run, of): (&String, &BTreeMap<u64, &CellResult>)| {
        let top1 = |seed: &u64| of[seed].top1(CLEAN, clips(of[seed]));
        let sum: f64 = seeds.iter().map(top1).sum::<Option<f64>>()?;
        let recipes_sha256 = seeds.iter().map(|seed| of[seed].recipe_sha256.clone()).collect();
        let recipes = seeds.iter().map(|seed| of[seed].recipe.clone()).collect();
        Some(Candidate { run: run.clone(), top1: sum / seeds.len() as f64, recipes_sha256, recipes })
    };
    let candidates: Vec<Candidate> = runs.iter().zip(&by_run).map(candidate).collect::<Option<_>>()?;
    let best = candidates.iter().reduce(|best, other| if other.top1 > best.top1 { other } else { best })?.run.clone();
    let [data, model, method] = [data, model, method].map(str::to_owned);
    Some(Choice { data, model, method, seed, run: best, candidates, seeds })
}

#[cfg(test)]
mod tests {
    use super::super::testing::result;
    use super::*;

    fn chosen(results: &[(&str, u64, &[bool])]) -> Option<Choice> {
        chosen_for(None, results)
    }

    fn chosen_for(seed: Option<u64>, results: &[(&str, u64, &[bool])]) -> Option<Choice> {
        let result = |(run, seed, right): &(&str, u64, &[bool])| result(run, *seed, right);
        let results = results.iter().map(result).map(|result| (result.cell.clone(), result)).collect();
        choose(["d", "m", "taf"], seed, &["taf.a".into(), "taf.b".into()], &results, |_| 2)
    }

    #[test]
    fn the_best_mean_over_common_seeds_is_chosen_and_of_equals_the_first() {
        let (none, half, all) = ([false; 2], [true, false], [true; 2]);
        let choice = chosen(&[("taf.a", 0, &half), ("taf.a", 1, &half), ("taf.b", 0, &none), ("taf.b", 1, &all)]);
        let choice = choice.unwrap();
        assert_eq!((choice.run.as_str(), choice.seeds.as_slice()), ("taf.a", &[0, 1][..]));
        assert_eq!(choice.candidates.iter().map(|of| of.top1).collect::<Vec<_>>(), [0.5, 0.5]);
        // The first's seed 2 has no counterpart and does not count.
        let choice = chosen(&[("taf.a", 0, &half), ("taf.a", 2, &all), ("taf.b", 0, &all)]).unwrap();
        assert_eq!((choice.run.as_str(), choice.seeds.as_slice()), ("taf.b", &[0][..]));
    }

    #[test]
    fn a_seed_that_chooses_by_itself_asks_no_other() {
        let (none, half, all) = ([false; 2], [true, false], [true; 2]);
        let results: [(&str, u64, &[bool]); 4] =
            [("taf.a", 0, &half), ("taf.b", 0, &none), ("taf.a", 1, &none), ("taf.b", 1, &all)];
        assert_eq!(chosen(&results).unwrap().run, "taf.b");
        let choices = Choices { choices: [0, 1].map(|seed| chosen_for(Some(seed), &results).unwrap()).into() };
        let of = |seed| choices.of(["d", "m", "taf"], seed).map(|choice| (choice.run.as_str(), choice.seeds.clone()));
        assert_eq!([of(0), of(1), of(2)], [Some(("taf.a", vec![0])), Some(("taf.b", vec![1])), None]);
        assert_eq!(choices.choices[0].candidates[0].recipes, [""]);
    }

    #[test]
    fn without_a_seed_of_all_candidates_nothing_is_chosen() {
        assert_eq!(chosen(&[("taf.a", 0, &[true; 2]), ("taf.b", 1, &[true; 2])]), None);
        assert_eq!(chosen(&[("taf.a", 0, &[true; 2])]), None);
    }
}
