use std::fs;
use std::path::{Path, PathBuf};

use super::lock::is_held;
use super::{Error, Result, RunDir};

/// How far a run has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// It came to its end.
    Finished,
    /// Its weights are from elsewhere: it has them, and no log of training.
    Imported,
    /// A process is writing it.
    Running,
    /// It was stopped or killed, and can be gone on with.
    Interrupted,
}

/// What is found under a folder.
#[derive(Debug, Default)]
pub struct Found {
    /// The runs, by path.
    pub runs: Vec<RunDir>,
    /// Folders right under it that neither are nor hold a run.
    pub others: Vec<PathBuf>,
}

/// Folders in folders that are searched: `experiment/runs/data/network/seed/run`, as `taf experiment` lays them out.
const DEPTH: usize = 6;

impl Found {
    /// Finds the runs in a folder: the folder itself where it is one, or else those under it. Hidden folders are passed over.
    ///
    /// # Errors
    /// If the folder cannot be listed.
    pub fn under(folder: &Path) -> Result<Self> {
        if let Some(run) = RunDir::find(folder) {
            return Ok(Self { runs: vec![run], others: Vec::new() });
        }
        let mut found = Self::default();
        for child in folders_in(folder)? {
            let before = found.runs.len();
            collect(&child, DEPTH, &mut found.runs);
            if found.runs.len() == before {
                found.others.push(child);
            }
        }
        Ok(found)
    }
}

impl RunDir {
    /// The run in a folder, where there is one. A recipe alone does not make a run: users keep theirs under the same name.
    fn find(folder: &Path) -> Option<Self> {
        Self::open(folder).ok().filter(|run| run.provenance_path().is_file() || run.metrics_path().is_file())
    }

    /// How far it has come, as far as can be told from outside: where the file system has no locks, a run that is being written
    /// looks interrupted.
    pub fn state(&self) -> State {
        match self.is_finished() {
            true if fs::metadata(self.metrics_path()).map_or(0, |log| log.len()) == 0 => State::Imported,
            true => State::Finished,
            false if is_held(self.path()) => State::Running,
            false => State::Interrupted,
        }
    }

    /// What it is called in tables: the name of its folder.
    pub fn name(&self) -> String {
        let path = self.path();
        let whole = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
        whole.file_name().map_or_else(|| path.display().to_string(), |name| name.to_string_lossy().into_owned())
    }
}

fn collect(folder: &Path, depth: usize, runs: &mut Vec<RunDir>) {
    match RunDir::find(folder) {
        Some(run) => runs.push(run),
        // What cannot be listed holds no run for whoever asks.
        None if depth > 1 => folders_in(folder).unwrap_or_default().iter().for_each(|f| collect(f, depth - 1, runs)),
        None => {}
    }
}

/// The folders in a folder that are not hidden, by name.
fn folders_in(folder: &Path) -> Result<Vec<PathBuf>> {
    let is_hidden = |path: &PathBuf| path.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(b"."));
    let entries = fs::read_dir(folder).map_err(Error::io("list", folder))?;
    let paths = entries.flatten().map(|entry| entry.path());
    let mut folders: Vec<PathBuf> = paths.filter(|path| path.is_dir() && !is_hidden(path)).collect();
    folders.sort();
    Ok(folders)
}

#[cfg(test)]
mod tests {
    use super::super::{Existing, Provenance};
    use super::*;

    fn run(path: &Path) -> RunDir {
        let run = RunDir::create(path, Existing::Refuse, &[]).unwrap();
        run.write_origin(Provenance::new("cpu", 1), "seed = 1\n").unwrap();
        run
    }

    fn names(found: &Found) -> Vec<String> {
        found.runs.iter().map(RunDir::name).collect()
    }

    #[test]
    fn runs_are_found_at_any_depth_and_what_holds_none_is_named() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["b", "a", "deep/er/c"] {
            run(&folder.path().join(name));
        }
        for other in ["notes/2026", ".hidden", "mine"] {
            fs::create_dir_all(folder.path().join(other)).unwrap();
        }
        fs::write(folder.path().join("mine/recipe.toml"), "seed = 1\n").unwrap();
        let found = Found::under(folder.path()).unwrap();
        assert_eq!(names(&found), ["a", "b", "c"]);
        assert_eq!(found.others, ["mine", "notes"].map(|name| folder.path().join(name)));
    }

    #[test]
    fn the_cells_of_an_experiment_are_found_from_the_folder_of_all_experiments_on() {
        let folder = tempfile::tempdir().unwrap();
        run(&folder.path().join("shapes/runs/shapes/tsm/seed0/plain"));
        for from in ["", "shapes", "shapes/runs"] {
            assert_eq!(names(&Found::under(&folder.path().join(from)).unwrap()), ["plain"], "{from}");
        }
    }

    #[test]
    fn a_folder_that_is_a_run_is_that_run_alone() {
        let folder = tempfile::tempdir().unwrap();
        drop(run(folder.path()));
        run(&folder.path().join("within"));
        assert_eq!(Found::under(folder.path()).unwrap().runs.len(), 1);
        assert!(Found::under(&folder.path().join("nowhere")).unwrap_err().to_string().contains("nowhere"));
    }

    #[test]
    fn a_run_is_running_as_long_as_a_process_has_it() {
        let folder = tempfile::tempdir().unwrap();
        let writing = run(folder.path());
        let looked_at = RunDir::open(folder.path()).unwrap();
        assert_eq!(looked_at.state(), State::Running);
        drop(writing);
        assert_eq!(looked_at.state(), State::Interrupted);
        looked_at.finish().unwrap();
        assert_eq!(looked_at.state(), State::Imported, "nothing was trained");
        fs::write(looked_at.metrics_path(), "{}\n").unwrap();
        assert_eq!(looked_at.state(), State::Finished);
    }
}
