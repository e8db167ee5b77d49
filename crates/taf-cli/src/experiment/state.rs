use std::collections::BTreeMap;
use std::path::PathBuf;

use anyhow::Result;
use taf::experiment::Cell;
use taf::recipe::Recipe;
use taf_report::experiment::{CellName, CellResult, Split};
use taf_video::dataset::Manifest;

use super::Place;
use crate::session::differences;

/// How far a cell is.
#[derive(Clone, Debug, PartialEq)]
pub enum State {
    /// Its result is there.
    Done,
    /// A result is there, of another recipe, a start of another recipe, or other videos: what differs.
    Stale(String),
    /// A result is there, of other first weights than the start now has.
    OtherStart(String),
    /// There is no result.
    Open,
}

/// The states of all cells.
pub struct States {
    states: BTreeMap<CellName, State>,
    /// Results that are there, for how long cells take.
    pub results: Vec<CellResult>,
}

impl States {
    /// Looks at the results of all cells.
    pub fn of(place: &Place, split: Split) -> Result<Self> {
        let mut manifests = Manifests::default();
        let (mut states, mut results) = (BTreeMap::new(), Vec::new());
        for cell in &place.grid.cells {
            let result = place.results.result(&cell.name, split)?;
            let from = cell.start.as_ref().and_then(|start| states.get(start));
            // It is among the last.
            let start =
                cell.start.as_ref().and_then(|name| results.iter().rev().find(|of: &&CellResult| of.cell == *name));
            let state = match (&result, from) {
                (None, _) => State::Open,
                (Some(_), Some(State::Stale(why))) => State::Stale(format!("its start is: {why}")),
                (Some(result), _) => state(place, cell, result, start, split, &mut manifests),
            };
            states.insert(cell.name.clone(), state);
            results.extend(result);
        }
        Ok(Self { states, results })
    }

    /// How far a cell of the grid is.
    pub fn get(&self, cell: &CellName) -> &State {
        self.states.get(cell).unwrap_or(&State::Open)
    }

    /// Cells whose results are of something else, and what differs.
    pub fn stale(&self) -> impl Iterator<Item = (&CellName, &str)> {
        self.states.iter().filter_map(|(cell, state)| match state {
            State::Stale(why) | State::OtherStart(why) => Some((cell, why.as_str())),
            State::Done | State::Open => None,
        })
    }

    /// Those of them that the file or the manifest changed.
    pub fn changed(&self) -> impl Iterator<Item = (&CellName, &str)> {
        self.stale().filter(|(cell, _)| matches!(self.get(cell), State::Stale(_)))
    }
}

/// Whether a cell has its result, of these weights; whatever became of the others.
pub fn is_of_weights(place: &Place, cell: &Cell, split: Split, sha256: &str) -> Result<bool> {
    let Some(result) = place.results.result(&cell.name, split)? else { return Ok(false) };
    let state = state(place, cell, &result, None, split, &mut Manifests::default());
    Ok(state == State::Done && result.weights_sha256 == sha256)
}

fn state(
    place: &Place,
    cell: &Cell,
    result: &CellResult,
    start: Option<&CellResult>,
    split: Split,
    manifests: &mut Manifests,
) -> State {
    let path = place.results.result_path(&cell.name, split);
    let mut differing = match Recipe::parse(&result.recipe, &path, &[]) {
        Ok(stored) => differences(&stored, &cell.recipe),
        Err(error) => vec![format!("its recipe cannot be read: {error}")],
    };
    if manifests.hash(&cell.recipe).is_some_and(|hash| hash != result.manifest_sha256) {
        differing.push(format!("data.manifest has other contents: {}", cell.recipe.data.manifest.display()));
    }
    let clips = cell.clips(&place.splits(cell, split));
    if clips != result.clips {
        differing.push(format!("the clips are {clips} and were {}", result.clips));
    }
    if cell.start.is_some() != result.start_sha256.is_some() {
        differing.push("it began with another run's weights, or is to do so".to_owned());
    }
    if !differing.is_empty() {
        return State::Stale(differing.join("; "));
    }
    if let Some(start) = start.filter(|start| result.start_sha256.as_ref() != Some(&start.weights_sha256)) {
        return State::OtherStart(format!("its start {} was trained again, to other weights", start.cell));
    }
    // What was not asked is asked of the weights that are there.
    let versions = place.grid.versions();
    let lacks = versions.iter().any(|version| !result.versions.contains_key(&version.to_string()));
    if lacks { State::Open } else { State::Done }
}

/// Hashes of manifests that are there.
#[derive(Default)]
struct Manifests(BTreeMap<PathBuf, Option<String>>);

impl Manifests {
    fn hash(&mut self, recipe: &Recipe) -> Option<String> {
        let path = &recipe.data.manifest;
        let read = || Manifest::read(path).ok().map(|manifest| manifest.portable_hash());
        self.0.entry(path.clone()).or_insert_with(read).clone()
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{lab, name, result};
    use super::*;

    #[test]
    fn what_began_with_other_weights_than_its_start_now_has_is_not_done() {
        let (_folder, place) = lab();
        result(&place, "start", "new", None);
        result(&place, "plain", "p", Some("new"));
        result(&place, "taf.a", "a", Some("old"));
        result(&place, "taf.b", "b", None);
        let states = States::of(&place, Split::Validation).unwrap();
        assert_eq!([states.get(&name("start")), states.get(&name("plain"))], [&State::Done; 2]);
        assert!(matches!(states.get(&name("taf.a")), State::OtherStart(why) if why.contains("d/m/seed0/start")));
        assert!(matches!(states.get(&name("taf.b")), State::Stale(_)));
        assert_eq!(states.stale().count(), 2);
        assert_eq!(states.changed().count(), 1, "the file did not change for taf.a");
    }

    #[test]
    fn a_result_is_of_the_weights_it_tells() {
        let (_folder, place) = lab();
        let cell = place.grid.cell(&name("start")).unwrap();
        assert!(!is_of_weights(&place, cell, Split::Validation, "x").unwrap());
        result(&place, "start", "x", None);
        assert!(is_of_weights(&place, cell, Split::Validation, "x").unwrap());
        assert!(!is_of_weights(&place, cell, Split::Validation, "y").unwrap());
    }
}
