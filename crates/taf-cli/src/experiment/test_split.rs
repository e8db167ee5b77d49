use anyhow::{Result, bail, ensure};
use taf::experiment::Cell;
use taf::recipe::Recipe;
use taf_report::experiment::{CellName, Choice, Choices, Split};

use super::Place;
use super::state::{State, States};
use crate::session::differences;

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
    choice.is_at(cell) && runs()
}

/// Refuses other recipes than those that chose. Settings that are new in the program are not among them.
fn refuse_other_recipes(place: &Place, choice: &Choice) -> Result<()> {
    let file = place.results.choices_path();
    for candidate in &choice.candidates {
        // Files of old versions hold no recipes.
        for (seed, recipe) in choice.seeds.iter().zip(&candidate.recipes) {
            let Choice { data, model, .. } = choice;
            let name = CellName { data: data.clone(), model: model.clone(), seed: *seed, run: candidate.run.clone() };
            let Some(cell) = place.grid.cell(&name) else { continue };
            let other = differences(&Recipe::parse(recipe, &file, &[])?, &cell.recipe);
            ensure!(
                other.is_empty(),
                "the test clips were read for {name}, whose recipe must stay: {}: {}",
                other.join("; "),
                file.display()
            );
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
        let is_new = |cell: &CellName| {
            choice.is_at(cell) && choices.of([&choice.data, &choice.model, &choice.method], cell.seed).is_none()
        };
        // What has no test clips stays open.
        if place.grid.cells.iter().any(|cell| !cell.test.is_empty() && is_new(&cell.name)) {
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
    let CellName { data, model, seed, run } = &cell.name;
    match &cell.method {
        Some(method) => choices.of([data, model, method], *seed).is_some_and(|choice| choice.run == *run),
        None => choices.choices.iter().any(|choice| choice.is_at(&cell.name)),
    }
}

#[cfg(test)]
mod tests {
    use taf_report::experiment::Candidate;

    use super::super::testing::{changed, lab, name};
    use super::*;

    /// A choice of plain by recipes as they were.
    fn choose_plain(place: &Place, recipe: String) {
        let run = "plain".to_owned();
        let candidate =
            Candidate { run: run.clone(), top1: 0.5, recipes_sha256: vec!["old".into()], recipes: vec![recipe] };
        let [data, model, method] = ["d", "m", "plain"].map(str::to_owned);
        let choice = Choice { data, model, method, seed: None, run, candidates: vec![candidate], seeds: vec![0] };
        place.results.write_choices(&Choices { choices: vec![choice] }).unwrap();
    }

    #[test]
    fn settings_that_did_not_exist_when_a_choice_was_made_change_nothing_and_others_do() {
        let (folder, place) = lab();
        let recipe = place.grid.cell(&name("plain")).unwrap().recipe.to_toml();
        let older: Vec<&str> = recipe.lines().filter(|line| !line.starts_with("keep_last")).collect();
        assert_ne!(older.len(), recipe.lines().count());
        choose_plain(&place, older.join("\n"));
        let refused = |place: &Place| refuse_changes(place, &States::of(place, Split::Validation).unwrap());
        refused(&place).unwrap();
        let other = changed(&folder, "plain = true", "plain = true\nset = [\"train.label_smoothing=0.1\"]");
        let error = refused(&other).unwrap_err().to_string();
        assert!(error.contains("must stay: train.label_smoothing") && error.contains("choices.json"), "{error}");
    }
}
