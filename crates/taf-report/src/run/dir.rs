use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::Write;
use std::path::{Path, PathBuf};

use taf_files::{create_folder, remove_unfinished, write_atomic};

use super::{Error, MetricsLog, Provenance, Result, provenance};

const RECIPE: &str = "recipe.toml";
const PROVENANCE: &str = "provenance.json";
const METRICS: &str = "metrics.jsonl";
const CHECKPOINTS: &str = "checkpoints";
const FINISHED: &str = "finished.json";
const LOCK: &str = ".lock";
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
    /// Held for as long as this process writes the run; the operating system lets go of it when the process ends,
    /// however it ends.
    _lock: Option<File>,
}

impl RunDir {
    /// Makes the folder of a new run, or takes up the one that is there, and locks it for this process.
    ///
    /// # Errors
    /// If another process writes the run, `existing` refuses what is there, or the folder holds other files.
    pub fn create(path: impl Into<PathBuf>, existing: Existing) -> Result<Self> {
        let path = path.into();
        refuse_foreign(&path)?;
        let checkpoints = path.join(CHECKPOINTS);
        create_folder(&path)?;
        let run = Self { _lock: Some(lock(&path)?), path };
        if run.holds_run() {
            match existing {
                Existing::Refuse => return Err(Error::Exists { finished: run.is_finished(), path: run.path }),
                Existing::Resume => {}
                Existing::Replace => run.remove_files()?,
            }
        }
        create_folder(&checkpoints)?;
        remove_unfinished(&run.path)?;
        remove_unfinished(&checkpoints)?;
        Ok(run)
    }

    /// Opens a run to read it or to add a report. It may be in the middle of being written by another process.
    ///
    /// # Errors
    /// If the folder holds no run.
    pub fn open(path: impl Into<PathBuf>) -> Result<Self> {
        let run = Self { path: path.into(), _lock: None };
        match run.recipe_path().is_file() {
            true => Ok(run),
            false => Err(Error::Missing { path: run.path }),
        }
    }

    /// The folder.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The resolved recipe.
    pub fn recipe_path(&self) -> PathBuf {
        self.path.join(RECIPE)
    }

    /// The log.
    pub fn metrics_path(&self) -> PathBuf {
        self.path.join(METRICS)
    }

    /// The folder of the checkpoints.
    pub fn checkpoints(&self) -> PathBuf {
        self.path.join(CHECKPOINTS)
    }

    /// Whether the run came to its end.
    pub fn is_finished(&self) -> bool {
        self.path.join(FINISHED).is_file()
    }

    /// Whether the folder holds a run, finished or not: false in one that was only just made.
    pub fn holds_run(&self) -> bool {
        self.recipe_path().is_file() || self.metrics_path().is_file()
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

    /// Writes the resolved recipe, TOML.
    ///
    /// # Errors
    /// If the folder cannot be written.
    pub fn write_recipe(&self, toml: &str) -> Result<()> {
        self.write(RECIPE, toml.as_bytes()).map(drop)
    }

    /// Reads the resolved recipe, TOML.
    ///
    /// # Errors
    /// If it cannot be read.
    pub fn read_recipe(&self) -> Result<String> {
        let path = self.recipe_path();
        fs::read_to_string(&path).map_err(Error::io("read", &path))
    }

    /// Writes where the run came from.
    ///
    /// # Errors
    /// If the folder cannot be written.
    pub fn write_provenance(&self, provenance: &Provenance) -> Result<()> {
        let mut json = serde_json::to_vec_pretty(provenance).expect("provenance holds only text and whole numbers");
        json.push(b'\n');
        self.write(PROVENANCE, &json).map(drop)
    }

    /// Reads where the run came from.
    ///
    /// # Errors
    /// If the file cannot be read or does not hold provenance.
    pub fn read_provenance(&self) -> Result<Provenance> {
        let path = self.path.join(PROVENANCE);
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

    /// Removes the files a run writes, and no others.
    fn remove_files(&self) -> Result<()> {
        let files = [FINISHED, METRICS, PROVENANCE].into_iter().chain(REPORTS);
        for path in files.map(|name| self.path.join(name)).filter(|p| p.exists()) {
            fs::remove_file(&path).map_err(Error::io("remove", &path))?;
        }
        let checkpoints = self.checkpoints();
        if checkpoints.exists() {
            fs::remove_dir_all(&checkpoints).map_err(Error::io("remove", &checkpoints))?;
        }
        // Last, since it is what makes the folder a run: a kill in between leaves one that can be replaced again.
        let recipe = self.recipe_path();
        if recipe.exists() { fs::remove_file(&recipe).map_err(Error::io("remove", &recipe)) } else { Ok(()) }
    }
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

/// Takes the run's lock. It is a lock of the operating system on an open file, not the file's existence, so a process
/// that was killed leaves nothing to clean up.
fn lock(folder: &Path) -> Result<File> {
    let path = folder.join(LOCK);
    let opened = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(&path);
    let mut file = opened.map_err(Error::io("open", &path))?;
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => {
            let owner = fs::read_to_string(&path).ok().map(|o| o.trim().to_owned()).filter(|o| !o.is_empty());
            return Err(Error::Locked { path: folder.to_owned(), owner });
        }
        // Some network file systems have no locks; a run there is only as safe as its user is careful.
        Err(TryLockError::Error(error)) if error.kind() == std::io::ErrorKind::Unsupported => return Ok(file),
        Err(TryLockError::Error(error)) => return Err(Error::io("lock", &path)(error)),
    }
    let note = format!("process {} since {}\n", std::process::id(), provenance::now());
    let written = file.set_len(0).and_then(|()| file.write_all(note.as_bytes()));
    written.map_err(Error::io("write", &path))?;
    Ok(file)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn started(path: &Path) -> RunDir {
        let run = RunDir::create(path, Existing::Refuse).unwrap();
        run.write_recipe("seed = 1\n").unwrap();
        run
    }

    #[test]
    fn a_run_is_not_overwritten_by_accident() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("deep/run");
        let run = started(&path);
        run.finish().unwrap();
        drop(run);
        let error = RunDir::create(&path, Existing::Refuse).unwrap_err();
        assert!(matches!(error, Error::Exists { finished: true, .. }), "{error}");
        assert!(error.to_string().contains("a finished run"));
    }

    #[test]
    fn resuming_keeps_what_is_there_and_cleans_up() {
        let folder = tempfile::tempdir().unwrap();
        let run = started(folder.path());
        let half = run.checkpoints().join(".last.1.0.taf-unfinished");
        let an_hour_ago = std::time::SystemTime::now() - std::time::Duration::from_secs(3600);
        File::create(&half).unwrap().set_modified(an_hour_ago).unwrap();
        run.metrics().unwrap();
        drop(run);
        let run = RunDir::create(folder.path(), Existing::Resume).unwrap();
        assert!(!half.exists());
        assert!(run.holds_run() && run.metrics_path().exists());
        assert_eq!(run.read_recipe().unwrap(), "seed = 1\n");
    }

    #[test]
    fn starting_over_removes_the_run_and_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let run = started(folder.path());
        run.write("checkpoints/last", b"weights").unwrap();
        run.write("report.html", b"old").unwrap();
        run.write("notes.txt", b"mine").unwrap();
        drop(run);
        let run = RunDir::create(folder.path(), Existing::Replace).unwrap();
        assert!(!run.holds_run());
        assert!(!folder.path().join("report.html").exists() && !run.checkpoints().join("last").exists());
        assert!(folder.path().join("notes.txt").exists());
    }

    #[test]
    fn a_folder_of_someone_else_is_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("thesis.tex"), b"x").unwrap();
        for existing in [Existing::Refuse, Existing::Resume, Existing::Replace] {
            let error = RunDir::create(folder.path(), existing).unwrap_err();
            assert!(error.to_string().contains("thesis.tex"), "{error}");
        }
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_recipe_that_a_user_keeps_in_a_folder_is_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let recipe = folder.path().join(RECIPE);
        fs::write(&recipe, "seed = 1\n").unwrap();
        assert!(matches!(RunDir::create(folder.path(), Existing::Replace), Err(Error::Foreign { .. })));
        assert!(recipe.is_file());
    }

    #[test]
    fn two_writers_cannot_have_one_run() {
        let folder = tempfile::tempdir().unwrap();
        let first = started(folder.path());
        let error = RunDir::create(folder.path(), Existing::Resume).unwrap_err();
        assert!(error.to_string().contains(&format!("process {}", std::process::id())), "{error}");
        drop(first);
        assert!(RunDir::create(folder.path(), Existing::Resume).is_ok());
    }

    #[test]
    fn a_lock_left_by_a_dead_process_does_not_stop_anyone() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join(LOCK), "process 1 since 1970-01-01T00:00:00Z\n").unwrap();
        assert!(RunDir::create(folder.path(), Existing::Refuse).is_ok());
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
        run.write_provenance(&provenance).unwrap();
        assert_eq!(run.read_provenance().unwrap(), provenance);
        run.write(PROVENANCE, b"{}").unwrap();
        assert!(run.read_provenance().unwrap_err().to_string().contains("provenance.json"));
    }
}
