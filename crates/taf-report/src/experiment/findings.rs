use std::collections::{BTreeMap, BTreeSet};

use super::{CellName, CellResult, Split, TablePlan};

/// What a reader should know of a table, a sentence each; `measured` are the results that the choices were made by.
pub fn findings(
    plan: &TablePlan,
    results: &BTreeMap<CellName, CellResult>,
    split: Split,
    measured: &BTreeMap<CellName, CellResult>,
) -> Vec<String> {
    let mut all = vec![progress(plan, results, split)];
    all.extend(other_weights(results, measured));
    all.extend(one_seed(results));
    all.extend(other_clips(results));
    all.extend(other_starts(results));
    all.extend(programs(results));
    all
}

fn progress(plan: &TablePlan, results: &BTreeMap<CellName, CellResult>, split: Split) -> String {
    let spent = |result: &CellResult| result.processor_seconds.training + result.processor_seconds.evaluating;
    let hours = results.values().map(spent).sum::<f64>() / 3600.0;
    let (done, cells, name) = (results.len(), plan.cells.len(), split.name());
    format!("{done} of {cells} runs have results on the {name} clips; {hours:.2} processor-hours.")
}

fn one_seed(results: &BTreeMap<CellName, CellResult>) -> Option<String> {
    let seeds: BTreeSet<u64> = results.keys().map(|cell| cell.seed).collect();
    (seeds.len() == 1).then(|| {
        "One seed: intervals are over groups of clips alone and say nothing of how another seed would have done."
            .to_owned()
    })
}

/// Methods that were asked about different clips are not compared.
fn other_clips(results: &BTreeMap<CellName, CellResult>) -> Option<String> {
    let mut lists: BTreeMap<(&str, &str, u64), BTreeSet<&str>> = BTreeMap::new();
    for (cell, result) in results.iter().filter(|(cell, _)| cell.run != CellName::START) {
        lists.entry((&cell.data, &cell.model, cell.seed)).or_default().insert(&result.clips);
    }
    let differing: Vec<String> = lists
        .iter()
        .filter(|(_, lists)| lists.len() > 1)
        .map(|((data, model, seed), lists)| {
            let lists: Vec<&str> = lists.iter().copied().collect();
            format!("{data}/{model}/seed{seed} ({})", lists.join(", "))
        })
        .collect();
    (!differing.is_empty()).then(|| {
        format!(
            "Methods were asked about different clips, and no difference between those is told: {}.",
            differing.join("; ")
        )
    })
}

/// Runs of one data set, network and seed that began with different weights are no pair.
fn other_starts(results: &BTreeMap<CellName, CellResult>) -> Option<String> {
    let mut starts: BTreeMap<(&str, &str, u64), BTreeSet<&str>> = BTreeMap::new();
    for (cell, result) in results {
        let weights =
            if cell.run == CellName::START { Some(&result.weights_sha256) } else { result.start_sha256.as_ref() };
        let place = starts.entry((&cell.data, &cell.model, cell.seed)).or_default();
        place.extend(weights.map(String::as_str));
    }
    let differing: Vec<String> = starts
        .iter()
        .filter(|(_, weights)| weights.len() > 1)
        .map(|((data, model, seed), _)| format!("{data}/{model}/seed{seed}"))
        .collect();
    (!differing.is_empty()).then(|| {
        format!(
            "Runs of the same start began with different weights, so that their pairing is loose: {}.",
            differing.join(", ")
        )
    })
}

/// Weights that are gone are trained again, on another machine perhaps to others.
fn other_weights(
    results: &BTreeMap<CellName, CellResult>,
    measured: &BTreeMap<CellName, CellResult>,
) -> Option<String> {
    let is_other = |cell: &&CellName| {
        measured.get(*cell).is_some_and(|before| before.weights_sha256 != results[*cell].weights_sha256)
    };
    let others: Vec<String> = results.keys().filter(is_other).map(CellName::to_string).collect();
    (!others.is_empty()).then(|| {
        format!("These were trained again, and not to the weights that validation measured: {}.", others.join(", "))
    })
}

fn programs(results: &BTreeMap<CellName, CellResult>) -> Option<String> {
    let programs: BTreeSet<&str> = results.values().map(|result| result.program.as_str()).collect();
    (programs.len() > 1).then(|| {
        format!(
            "Results of {} builds of the program: {}.",
            programs.len(),
            programs.into_iter().collect::<Vec<_>>().join(", ")
        )
    })
}

#[cfg(test)]
mod tests {
    use super::super::testing::result;
    use super::*;

    #[test]
    fn runs_whose_weights_are_not_those_that_were_measured_are_named() {
        let of = |weights: &str| {
            let result = CellResult { weights_sha256: weights.into(), ..result("taf", 3, &[true]) };
            BTreeMap::from([(result.cell.clone(), result)])
        };
        assert_eq!(other_weights(&of("x"), &of("x")), None);
        assert_eq!(other_weights(&of("x"), &BTreeMap::new()), None);
        assert!(other_weights(&of("x"), &of("y")).unwrap().contains("d/m/seed3/taf"));
    }

    #[test]
    fn methods_that_were_asked_about_different_clips_are_told() {
        let of = |run: &str, clips: &str| {
            let result = CellResult { clips: clips.into(), ..result(run, 3, &[true]) };
            (result.cell.clone(), result)
        };
        assert_eq!(other_clips(&[of("start", "x"), of("plain", "y"), of("taf", "y")].into()), None);
        let told = other_clips(&[of("plain", "x"), of("taf", "y")].into()).unwrap();
        assert!(told.contains("d/m/seed3 (x, y)"), "{told}");
    }

    #[test]
    fn runs_that_began_otherwise_are_named() {
        let from = |run: &str, start: &str| {
            let result = CellResult { start_sha256: Some(start.into()), ..result(run, 3, &[true]) };
            (result.cell.clone(), result)
        };
        let same = [from("plain", "x"), from("taf", "x")].into();
        assert_eq!(other_starts(&same), None);
        let other = [from("plain", "x"), from("taf", "y")].into();
        assert!(other_starts(&other).unwrap().contains("d/m/seed3"));
    }
}
