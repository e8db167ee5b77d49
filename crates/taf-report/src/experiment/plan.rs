use super::{CellName, Choice};

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
            choices.iter().any(|choice| (&choice.data, &choice.model) == (&cell.data, &cell.model) && is_of(choice))
        };
        Self { cells: self.cells.iter().filter(is_chosen).cloned().collect(), ..self.clone() }
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
