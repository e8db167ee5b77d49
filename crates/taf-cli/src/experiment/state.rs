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
    /// A result is there, of another recipe, another start or other videos: what differs.
    Stale(String),
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
            let state = match (&result, from) {
                (None, _) => State::Open,
                (Some(_), Some(State::Stale(why))) => State::Stale(format!("its start is: {why}")),
                (Some(result), _) => state(place, cell, result, split, &mut manifests),
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
            State::Stale(why) => Some((cell, why.as_str())),
            State::Done | State::Open => None,
        })
    }
}

/// How far one cell is, whatever became of the others.
pub fn alone(place: &Place, cell: &Cell, split: Split) -> Result<State> {
    match place.results.result(&cell.name, split)? {
        None => Ok(State::Open),
        Some(result) => Ok(state(place, cell, &result, split, &mut Manifests::default())),
    }
}

fn state(place: &Place, cell: &Cell, result: &CellResult, split: Split, manifests: &mut Manifests) -> State {
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
    // What was not asked is asked of the weights that are there.
    let versions = place.grid.versions();
    let lacks = versions.iter().any(|version| !result.versions.contains_key(&version.to_string()));
    match differing.is_empty() {
        false => State::Stale(differing.join("; ")),
        true if lacks => State::Open,
        true => State::Done,
    }
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
