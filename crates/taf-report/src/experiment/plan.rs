use std::collections::BTreeSet;

use super::{CellName, Choice, Split};

/// What a table is to show, as the file of an experiment says it.
#[derive(Clone, Debug)]
pub struct TablePlan {
    /// Name of the experiment.
    pub name: String,
    /// The method that others are compared with.
    pub baseline: String,
    /// Every cell of the grid.
    pub cells: Vec<CellName>,
    /// The runs of every data set, network and seed, in the order they are shown.
    pub runs: Vec<RunLine>,
    /// Data sets of folds, where every seed chooses by itself.
    pub folded: BTreeSet<String>,
    /// What is reported as one number each.
    pub suites: Vec<SuiteLine>,
}

/// A run of the grid, whatever its data set, network and seed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunLine {
    /// Its name in cells.
    pub run: String,
    /// The method it is a candidate of; none for the run that others start from.
    pub method: Option<String>,
}

/// Versions of the clips that are reported as one number: their mean.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SuiteLine {
    /// Its name.
    pub name: String,
    /// Its versions.
    pub versions: Vec<String>,
}

impl TablePlan {
    /// Every data set and network, in the order of the cells.
    pub fn places(&self) -> Vec<(&str, &str)> {
        let mut places = Vec::new();
        for cell in &self.cells {
            let place = (cell.data.as_str(), cell.model.as_str());
            if !places.contains(&place) {
                places.push(place);
            }
        }
        places
    }

    /// The cells of runs that were chosen, and those that others start from: the ones that are asked about test clips.
    pub fn with_chosen(&self, choices: &[Choice]) -> Self {
        let is_chosen = |cell: &&CellName| {
            let is_of = |choice: &Choice| choice.run == cell.run || cell.run == CellName::START;
            choices.iter().any(|choice| choice.is_at(cell) && is_of(choice))
        };
        Self { cells: self.cells.iter().filter(is_chosen).cloned().collect(), ..self.clone() }
    }

    /// The seeds that choose by themselves on a data set with a network; none alone where all choose together.
    pub(super) fn choosing(&self, data: &str, model: &str) -> Vec<Option<u64>> {
        if !self.folded.contains(data) {
            return vec![None];
        }
        let is_of = |cell: &&CellName| cell.data == data && cell.model == model;
        let seeds: BTreeSet<u64> = self.cells.iter().filter(is_of).map(|cell| cell.seed).collect();
        seeds.into_iter().map(Some).collect()
    }

    /// The lines of a table of a data set and a network. What seeds chose by themselves stands together under the method's name,
    /// on test clips instead of the candidates.
    pub(super) fn lines(&self, chosen: &[&Choice], split: Split) -> Vec<RunLine> {
        let is_of_seed =
            |method: &Option<String>| chosen.iter().any(|of| Some(&of.method) == method.as_ref() && of.is_of_seed());
        let mut lines = Vec::new();
        for of_method in self.runs.chunk_by(|one, other| one.method == other.method) {
            let method = &of_method[0].method;
            if split == Split::Validation || !is_of_seed(method) {
                lines.extend(of_method.iter().cloned());
            }
            let together = method.clone().filter(|_| is_of_seed(method));
            lines.extend(together.map(|run| RunLine { run, method: method.clone() }));
        }
        lines
    }

    /// The methods, each with its runs.
    pub fn methods(&self) -> Vec<(&str, Vec<String>)> {
        let mut methods: Vec<(&str, Vec<String>)> = Vec::new();
        for line in &self.runs {
            let Some(method) = line.method.as_deref() else { continue };
            match methods.iter_mut().find(|(name, _)| *name == method) {
                Some((_, runs)) => runs.push(line.run.clone()),
                None => methods.push((method, vec![line.run.clone()])),
            }
        }
        methods
    }
}
