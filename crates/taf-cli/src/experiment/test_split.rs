use anyhow::{Result, bail, ensure};
use taf::experiment::Cell;
use taf_report::experiment::{CellName, Choice, Choices, Split};

use super::Place;
use super::state::{State, States};

/// Refuses an experiment whose candidates are no longer those from which one was chosen for the test clips.
pub fn refuse_changes(place: &Place, states: &States) -> Result<()> {
    let (choices, plan) = (place.results.choices()?, place.grid.table());
    let file = place.results.choices_path();
    for choice in &choices.choices {
        let Choice { data, model, method, .. } = choice;
        let is_there = place.grid.cells.iter().any(|cell| cell.name.data == *data && cell.name.model == *model);
        let Some((_, runs)) = plan.methods().into_iter().find(|(name, _)| is_there && name == method) else { continue };
        let known: Vec<&String> = choice.candidates.iter().map(|candidate| &candidate.run).collect();
        ensure!(
            runs.iter().eq(known.iter().copied()),
            "the test clips of {data}/{model} were read for {method}, chosen from {known:?}: expected these candidates, found \
             {runs:?}; give what is new a name of its own: {}",
            file.display()
        );
        if let Some((cell, why)) = states.changed().find(|(cell, _)| is_of(choice, cell)) {
            bail!("the test clips were read for {cell}, whose recipe must stay: {why}: {}", file.display());
        }
        refuse_other_recipes(place, choice)?;
    }
    Ok(())
}

fn is_of(choice: &Choice, cell: &CellName) -> bool {
    let runs = || choice.candidates.iter().any(|candidate| candidate.run == cell.run);
    cell.data == choice.data && cell.model == choice.model && runs()
}

/// Refuses results that took the place of those that chose.
fn refuse_other_recipes(place: &Place, choice: &Choice) -> Result<()> {
    for candidate in &choice.candidates {
        for (seed, hash) in choice.seeds.iter().zip(&candidate.recipes_sha256) {
            let Choice { data, model, .. } = choice;
            let cell = CellName { data: data.clone(), model: model.clone(), seed: *seed, run: candidate.run.clone() };
            if let Some(result) = place.results.result(&cell, Split::Validation)? {
                ensure!(
                    result.recipe_sha256 == *hash,
                    "the test clips were read for {cell} with another recipe (SHA-256 {hash}), found {}: {}",
                    result.recipe_sha256,
                    place.results.choices_path().display()
                );
            }
        }
    }
    Ok(())
}

/// Chooses a candidate of every method by validation and writes the choices down; what was chosen before stays. All cells must
/// have their results.
pub fn choose(place: &Place) -> Result<Choices> {
    ensure!(
        place.grid.has_test(),
        "expected test = [...] or folds in a [[data]], found none: {}",
        place.file.display()
    );
    let states = States::of(place, Split::Validation)?;
    refuse_changes(place, &states)?;
    let open: Vec<&Cell> = place.grid.cells.iter().filter(|cell| *states.get(&cell.name) != State::Done).collect();
    if let Some(first) = open.first() {
        let (open, all) = (open.len(), place.grid.cells.len());
        bail!(
            "the test clips are read once all cells have their results, and {open} of {all} have none or others, such as {}; \
             finish them without --test",
            first.name
        );
    }
    let mut choices = place.results.choices()?;
    for choice in place.grid.table().choices(&place.results)? {
        if choices.of(&choice.data, &choice.model, &choice.method).is_none() {
            choices.choices.push(choice);
        }
    }
    place.results.write_choices(&choices)?;
    Ok(choices)
}

/// Refuses to show test clips to a run that was not chosen.
pub fn refuse_unchosen(place: &Place, cell: &Cell) -> Result<()> {
    let choices = place.results.choices()?;
    ensure!(is_chosen(&choices, cell), "{} was not chosen by validation and is not asked about test clips", cell.name);
    Ok(())
}

/// Whether a cell is one that was chosen, or that others start from, after a choice was made.
pub fn is_chosen(choices: &Choices, cell: &Cell) -> bool {
    let CellName { data, model, run, .. } = &cell.name;
    match &cell.method {
        Some(method) => choices.of(data, model, method).is_some_and(|choice| choice.run == *run),
        None => choices.choices.iter().any(|choice| (&choice.data, &choice.model) == (data, model)),
    }
}
