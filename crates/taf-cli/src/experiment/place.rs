use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use taf::experiment::{Cell, Grid};
use taf_files::{create_folder, write_atomic};
use taf_report::experiment::{CellName, ExperimentTable, ResultsFolder, Split};
use taf_report::run::{RunDir, State};

use super::fit;
use crate::exit::Status;
use crate::output::{self, say};

/// An experiment and where it lies.
pub struct Place {
    /// Its file.
    pub file: PathBuf,
    /// What the file says.
    pub grid: Grid,
    /// Folder of the runs.
    pub out: PathBuf,
    /// Folder of the results.
    pub results: ResultsFolder,
}

impl Place {
    /// Reads the file of an experiment and checks it.
    pub fn new(file: PathBuf, out: Option<PathBuf>, results: Option<PathBuf>) -> Result<Self> {
        let grid = Grid::read(&file)?;
        let out = out.unwrap_or_else(|| Path::new("runs").join(&grid.experiment.name));
        let named = results.or_else(|| grid.experiment.results.clone());
        let results = ResultsFolder::new(named.context("an experiment that was read has a folder of results")?);
        Ok(Self { file, grid, out, results })
    }

    /// Folder of a cell's run.
    pub fn run(&self, cell: &CellName) -> PathBuf {
        self.out.join("runs").join(cell.to_string())
    }

    /// What a cell's processes said.
    pub fn log(&self, cell: &CellName) -> PathBuf {
        self.out.join("logs").join(format!("{cell}.log"))
    }

    /// What a cell has cost so far.
    pub fn bill(&self, cell: &CellName) -> PathBuf {
        self.out.join("bills").join(format!("{cell}.json"))
    }

    /// Whether others can start from a cell's run: it came to its end as the grid says, and its weights are there and are those of
    /// its result, where it has one.
    pub fn is_trained(&self, cell: &Cell, split: Split) -> bool {
        let Ok(run) = RunDir::open(self.run(&cell.name)) else { return false };
        if !fit::has_result(&run) || !fit::misfits(&run, cell).is_ok_and(|other| other.is_empty()) {
            return false;
        }
        match self.results.result(&cell.name, split) {
            Ok(Some(result)) => fit::weights_hash(&run).is_some_and(|hash| hash == result.weights_sha256),
            Ok(None) => true,
            Err(_) => false,
        }
    }

    /// Whether another process trains a cell: one whose parent was killed, and that is about to end.
    pub fn is_running(&self, cell: &CellName) -> bool {
        RunDir::open(self.run(cell)).is_ok_and(|run| run.state() == State::Running)
    }

    /// Whether choices were made to read the test clips.
    pub fn has_read_test(&self) -> Result<bool> {
        Ok(!self.results.choices()?.choices.is_empty())
    }

    /// The splits that a cell is asked about.
    pub fn splits(&self, cell: &Cell, split: Split) -> Vec<String> {
        match split {
            Split::Validation => cell.recipe.data.validation.clone(),
            Split::Test => cell.test.clone(),
        }
    }

    /// Draws the table, writes it beside the results and prints it.
    pub fn tell_table(&self, split: Split, json: bool) -> Result<Status> {
        let table = ExperimentTable::draw(&self.grid.table(), &self.results, split)?;
        let folder = self.results.path();
        create_folder(folder)?;
        let page = folder.join(format!("{}.html", split.name()));
        let write = |ending: &str, text: String| {
            write_atomic(&folder.join(format!("{}.{ending}", split.name())), text.as_bytes())
        };
        write("json", table.to_json())?;
        write("md", table.to_markdown())?;
        write("html", table.to_html())?;
        output::print(&if json { table.to_json() } else { table.to_markdown() })?;
        say(format_args!("table: {}", page.display()));
        Ok(Status::Done)
    }
}
