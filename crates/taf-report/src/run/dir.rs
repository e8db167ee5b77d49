use std::fs;
use std::path::{Path, PathBuf};

use taf_files::{create_folder, remove_unfinished, write_atomic};

use super::event_file::event_files;
use super::lock::{LOCK, Lock};
use super::{Error, MetricsLog, Provenance, Result, provenance};

const RECIPE: &str = "recipe.toml";
const PROVENANCE: &str = "provenance.json";
const METRICS: &str = "metrics.jsonl";
const CHECKPOINTS: &str = "checkpoints";
const PREDICTIONS: &str = "predictions";
const FINISHED: &str = "finished.json";
const REPORTS: [&str; 3] = ["report.html", "report.json", "report.md"];

/// What to do when the folder already holds a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Existing {
    /// Leave it alone and say so.
    Refuse,
    /// Go on with it.
    Resume,
    /// Remove its files and start over.
    Replace,
}

/// The folder of one run. Paths are explicit: nothing is ever written relative to the working directory by itself.
#[derive(Debug)]
pub struct RunDir {
    path: PathBuf,
    /// None where it is only read.
    lock: Option<Lock>,
}

impl RunDir {
    /// Makes the folder of a new run, or takes up the one that is there, and locks it for this process. `sources` are the files
    /// the run is made from: a run that holds one of them is not replaced.
    ///
    /// # Errors
    /// If another process writes the run, `existing` refuses what is there, checkpoints or a log are to be taken up without
    /// the recipe they belong to, or the folder holds other files.
    pub fn create(path: impl Into<PathBuf>, existing: Existing, sources: &[&Path]) -> Result<Self> {
        let path = path.into();
        refuse_foreign(&path)?;
        create_folder(&path)?;
        let run = Self { lock: Some(Lock::take(&path)?), path };
        match (existing, run.remains()?) {
            (_, None) => {}
            (Existing::Refuse, Some(_)) => return Err(Error::Exists { finished: run.is_finished(), path: run.path }),
            (Existing::Resume, Some(_)) if run.recipe_path().is_file() => {}
            (Existing::Resume, Some(found)) => return Err(Error::NoRecipe { path: run.path, found }),
            (Existing::Replace, Some(_)) => run.remove_files(sources)?,
        }
        for folder in [&run.path, &run.checkpoints()] {
            create_folder(folder)?;
            remove_unfinished(folder)?;
        }
        Ok(run)
    }

    /// Opens a run to read it or to add a report. It may be in the middle of being written by another process.
    ///
    /// # Errors
    /// If the folder holds no run.
    pub fn open(path: impl Into<PathBuf>) -> Result<Self> {
        let run = Self { path: path.into(), lock: None };
        match run.recipe_path().is_file() {
            true => Ok(run),
            false => Err(Error::Missing { path: run.path }),
        }
    }

    /// Every file and folder that a run in the folder `path` writes of its own accord, whether it is there or not.
    pub fn own_paths(path: &Path) -> Vec<PathBuf> {
        let mut own = own_files(path);
        own.push(path.join(LOCK));
        own
    }

    /// The folder.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Whether other processes are kept from writing the run meanwhile: not where it was opened only to be read, nor on a file
    /// system that has no locks. Two processes that write one run there destroy it, so its user should be told.
    pub fn is_locked(&self) -> bool {
        self.lock.as_ref().is_some_and(|lock| lock.holds)
    }

    /// The resolved recipe.
    pub fn recipe_path(&self) -> PathBuf {
        self.path.join(RECIPE)
    }

    /// The log.
    pub fn metrics_path(&self) -> PathBuf {
        self.path.join(METRICS)
    }

    /// Where the run came from.
    pub fn provenance_path(&self) -> PathBuf {
        self.path.join(PROVENANCE)
    }

    /// The folder of the checkpoints.
    pub fn checkpoints(&self) -> PathBuf {
        self.path.join(CHECKPOINTS)
    }

    /// The folder of what the run's network said about videos.
    pub fn predictions(&self) -> PathBuf {
        self.path.join(PREDICTIONS)
    }

    /// Every file and folder that a new start removes, whether it is there or not.
    pub fn files(&self) -> Vec<PathBuf> {
        own_files(&self.path)
    }

    /// Whether the run came to its end.
    pub fn is_finished(&self) -> bool {
        self.path.join(FINISHED).is_file()
    }

    /// What there is of a run, finished or not: its recipe, its log, or a checkpoint. None in a folder that was only just made.
    fn remains(&self) -> Result<Option<String>> {
        if let Some(name) = [RECIPE, METRICS].into_iter().find(|name| self.path.join(name).is_file()) {
            return Ok(Some(name.to_owned()));
        }
        let checkpoints = self.checkpoints();
        match fs::read_dir(&checkpoints) {
            Ok(mut entries) => Ok(entries.next().map(|_| format!("{CHECKPOINTS} with files"))),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(Error::io("read", &checkpoints)(error)),
        }
    }

    /// Notes that the run came to its end.
    ///
    /// # Errors
    /// If the folder cannot be written.
    pub fn finish(&self) -> Result<()> {
        let note = serde_json::json!({ "finished": provenance::now() });
        self.write(FINISHED, format!("{note}\n").as_bytes()).map(drop)
    }

    /// Writes a file of the run atomically and says where it is. `name` is taken relative to the folder.
    ///
    /// # Errors
    /// If the folder cannot be written.
    pub fn write(&self, name: impl AsRef<Path>, bytes: &[u8]) -> Result<PathBuf> {
        let path = self.path.join(name);
        write_atomic(&path, bytes)?;
        Ok(path)
    }

    /// Writes where the run came from and its resolved recipe, TOML, whose hash is noted in `provenance`.
    ///
    /// # Errors
    /// If the folder cannot be written.
    pub fn write_origin(&self, mut provenance: Provenance, recipe: &str) -> Result<()> {
        provenance.note_recipe(recipe);
        let mut json = serde_json::to_vec_pretty(&provenance).expect("provenance holds only text and whole numbers");
        json.push(b'\n');
        self.write(PROVENANCE, &json)?;
        self.write(RECIPE, recipe.as_bytes()).map(drop)
    }

    /// Reads the resolved recipe, TOML.
    ///
    /// # Errors
    /// If it cannot be read.
    pub fn read_recipe(&self) -> Result<String> {
        let path = self.recipe_path();
        fs::read_to_string(&path).map_err(Error::io("read", &path))
    }

    /// Refuses a recipe that was edited after the run began: what was trained with the old one would go on with the new.
    ///
    /// # Errors
    /// If recipe.toml is not one that [`Self::write_origin`] wrote, or cannot be read.
    pub fn check_recipe(&self) -> Result<()> {
        match self.read_provenance()?.knows_recipe(&self.read_recipe()?) {
            true => Ok(()),
            false => {
                let expected = "the recipe that the run began with";
                Err(Error::content(
                    &self.recipe_path(),
                    expected,
                    "one that was edited since; restore it, or start a new run",
                ))
            }
        }
    }

    /// Reads where the run came from.
    ///
    /// # Errors
    /// If the file cannot be read or does not hold provenance.
    pub fn read_provenance(&self) -> Result<Provenance> {
        let path = self.provenance_path();
        let bytes = fs::read(&path).map_err(Error::io("read", &path))?;
        serde_json::from_slice(&bytes).map_err(|e| Error::content(&path, "the provenance of a run", e))
    }

    /// Opens the log to go on at its end.
    ///
    /// # Errors
    /// As [`MetricsLog::open`].
    pub fn metrics(&self) -> Result<MetricsLog> {
        MetricsLog::open(self.metrics_path())
    }

    /// Removes the files a run writes, and no others; none where one of them is among `sources` or holds one.
    fn remove_files(&self, sources: &[&Path]) -> Result<()> {
        let files = self.files();
        for source in sources.iter().filter_map(|source| fs::canonicalize(source).ok()) {
            if files.iter().filter_map(|file| fs::canonicalize(file).ok()).any(|file| source.starts_with(file)) {
                return Err(Error::Source { path: self.path.clone(), read: source });
            }
        }
        for path in files {
            let removed = if path.is_dir() { fs::remove_dir_all(&path) } else { fs::remove_file(&path) };
            match removed {
                Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                    return Err(Error::io("remove", &path)(error));
                }
                _ => {}
            }
        }
        Ok(())
    }
}

/// What a run in the folder `path` is made of, in the order in which a new start removes it. The recipe comes last: a kill in
/// between leaves what still is a run, and can be replaced again.
fn own_files(path: &Path) -> Vec<PathBuf> {
    let first = [FINISHED, METRICS, PROVENANCE, PREDICTIONS].into_iter().chain(REPORTS).chain([CHECKPOINTS]);
    let named = first.map(|name| path.join(name));
    named.chain(event_files(path)).chain([path.join(RECIPE)]).collect()
}

/// A folder with files but without a run belongs to someone else. A recipe alone does not make a run: users keep theirs
/// under the same name.
fn refuse_foreign(path: &Path) -> Result<()> {
    if [PROVENANCE, METRICS, LOCK].iter().any(|name| path.join(name).exists()) {
        return Ok(());
    }
    let entries = match fs::read_dir(path) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(Error::io("read", path)(error)),
    };
    match entries.flatten().next() {
        None => Ok(()),
        Some(entry) => {
            Err(Error::Foreign { path: path.to_owned(), found: entry.file_name().to_string_lossy().into_owned() })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn create(path: &Path, existing: Existing) -> Result<RunDir> {
        RunDir::create(path, existing, &[])
    }

    fn started(path: &Path) -> RunDir {
        let run = create(path, Existing::Refuse).unwrap();
        run.write_origin(Provenance::new("cpu", 2), "seed = 1\n").unwrap();
        run
    }

    #[test]
    fn a_run_is_not_overwritten_by_accident() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("deep/run");
        let run = started(&path);
        run.finish().unwrap();
        drop(run);
        let error = create(&path, Existing::Refuse).unwrap_err();
        assert!(matches!(error, Error::Exists { finished: true, .. }), "{error}");
        assert!(error.to_string().contains("a finished run"));
    }

    #[test]
    fn resuming_keeps_what_is_there_and_cleans_up() {
        let folder = tempfile::tempdir().unwrap();
        let run = started(folder.path());
        let half = run.checkpoints().join(".last.1.0.taf-unfinished");
        fs::write(&half, b"half").unwrap();
        run.metrics().unwrap();
        drop(run);
        let run = create(folder.path(), Existing::Resume).unwrap();
        assert!(!half.exists());
        assert!(run.metrics_path().exists() && run.is_locked());
        assert_eq!(run.read_recipe().unwrap(), "seed = 1\n");
    }

    #[test]
    fn starting_over_removes_the_run_and_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let run = started(folder.path());
        run.write("checkpoints/last", b"weights").unwrap();
        run.write("report.html", b"old").unwrap();
        create_folder(&run.predictions()).unwrap();
        run.write("notes.txt", b"mine").unwrap();
        drop(run);
        let run = create(folder.path(), Existing::Replace).unwrap();
        assert_eq!(run.remains().unwrap(), None);
        assert!(
            !folder.path().join("report.html").exists()
                && !run.predictions().exists()
                && !run.checkpoints().join("last").exists()
        );
        assert!(folder.path().join("notes.txt").exists());
    }

    #[test]
    fn what_a_new_start_removes_is_the_runs_own_and_so_is_its_lock() {
        let folder = tempfile::tempdir().unwrap();
        let run = started(folder.path());
        let own = RunDir::own_paths(folder.path());
        let others: Vec<_> = own.iter().filter(|path| !run.files().contains(path)).collect();
        assert!(run.files().iter().all(|path| own.contains(path)), "{own:?}");
        assert_eq!(others, [&folder.path().join(LOCK)]);
    }

    #[test]
    fn a_folder_of_someone_else_is_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("thesis.tex"), b"x").unwrap();
        for existing in [Existing::Refuse, Existing::Resume, Existing::Replace] {
            let error = create(folder.path(), existing).unwrap_err();
            assert!(error.to_string().contains("thesis.tex"), "{error}");
        }
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_recipe_that_a_user_keeps_in_a_folder_is_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let recipe = folder.path().join(RECIPE);
        fs::write(&recipe, "seed = 1\n").unwrap();
        assert!(matches!(create(folder.path(), Existing::Replace), Err(Error::Foreign { .. })));
        assert!(recipe.is_file());
    }

    #[test]
    fn two_writers_cannot_have_one_run() {
        let folder = tempfile::tempdir().unwrap();
        let first = started(folder.path());
        assert!(matches!(create(folder.path(), Existing::Resume), Err(Error::Locked { .. })));
        drop(first);
        assert!(create(folder.path(), Existing::Resume).is_ok());
    }

    #[test]
    fn checkpoints_without_their_recipe_are_neither_a_new_run_nor_one_to_go_on_with() {
        let folder = tempfile::tempdir().unwrap();
        let run = started(folder.path());
        run.write("checkpoints/last.safetensors", b"weights").unwrap();
        fs::remove_file(run.recipe_path()).unwrap();
        drop(run);
        assert!(matches!(create(folder.path(), Existing::Refuse), Err(Error::Exists { .. })));
        let error = create(folder.path(), Existing::Resume).unwrap_err();
        assert!(error.to_string().contains("checkpoints with files"), "{error}");
        let run = create(folder.path(), Existing::Replace).unwrap();
        assert_eq!(fs::read_dir(run.checkpoints()).unwrap().count(), 0);
    }

    #[test]
    fn a_log_without_its_recipe_is_not_gone_on_with() {
        let folder = tempfile::tempdir().unwrap();
        let run = started(folder.path());
        run.metrics().unwrap();
        fs::remove_file(run.recipe_path()).unwrap();
        drop(run);
        let error = create(folder.path(), Existing::Resume).unwrap_err();
        assert!(error.to_string().contains("found metrics.jsonl without"), "{error}");
    }

    #[test]
    fn a_run_that_holds_what_the_new_one_is_made_from_is_not_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let (path, other) = (folder.path().join("run"), folder.path().join("other"));
        let run = started(&path);
        let weights = run.write("checkpoints/best.safetensors", b"weights").unwrap();
        drop(run);
        fs::create_dir(&other).unwrap();
        let indirect = other.join("../run/checkpoints/best.safetensors");
        for source in [&weights, &indirect, &path.join(RECIPE)] {
            let error = RunDir::create(&path, Existing::Replace, &[source]).unwrap_err();
            assert!(matches!(error, Error::Source { .. }), "{error}");
            assert!(weights.is_file() && path.join(RECIPE).is_file());
        }
        let list = path.join("list.jsonl");
        fs::write(&list, b"mine").unwrap();
        RunDir::create(&path, Existing::Replace, &[&list]).unwrap();
        assert!(list.is_file() && !weights.exists());
    }

    #[test]
    fn an_edited_recipe_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let run = started(folder.path());
        run.check_recipe().unwrap();
        let mut provenance = run.read_provenance().unwrap();
        provenance.mark_resumed();
        run.write_origin(provenance, "seed = 1\nworkers = 2\n").unwrap();
        run.check_recipe().unwrap();
        fs::write(run.recipe_path(), "seed = 2\n").unwrap();
        let error = run.check_recipe().unwrap_err().to_string();
        assert!(error.contains("edited since") && error.ends_with("recipe.toml"), "{error}");
    }

    #[test]
    fn reading_needs_a_run_but_no_lock() {
        let folder = tempfile::tempdir().unwrap();
        assert!(matches!(RunDir::open(folder.path()), Err(Error::Missing { .. })));
        let _writer = started(folder.path());
        assert!(RunDir::open(folder.path()).is_ok());
    }

    #[test]
    fn provenance_comes_back_as_it_was() {
        let folder = tempfile::tempdir().unwrap();
        let run = started(folder.path());
        let mut provenance = Provenance::new("cpu", 2).with_seed("train", 7).with_data(&run.recipe_path()).unwrap();
        provenance.mark_resumed();
        run.write_origin(provenance.clone(), "seed = 1\n").unwrap();
        provenance.note_recipe("seed = 1\n");
        assert_eq!(run.read_provenance().unwrap(), provenance);
        run.write(PROVENANCE, b"{}").unwrap();
        assert!(run.read_provenance().unwrap_err().to_string().contains("provenance.json"));
    }
}
