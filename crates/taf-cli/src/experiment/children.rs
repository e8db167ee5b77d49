use std::env;
use std::fs::{self, File, OpenOptions};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use taf_files::create_folder;
use taf_report::experiment::{CellName, Split};

use super::Place;
use crate::exit::INTERRUPTED;

/// Processes that do a cell each.
pub struct Children<'a> {
    place: &'a Place,
    split: Split,
    redo: bool,
    running: Vec<Running>,
}

struct Running {
    cell: CellName,
    child: Child,
    began: Instant,
    /// Length of its log before.
    log_from: u64,
}

/// A process that is over.
pub struct Ended {
    /// The cell it did.
    pub cell: CellName,
    /// How long it ran.
    pub took: Duration,
    /// How it ended.
    pub end: End,
}

/// How a process ended.
pub enum End {
    /// It did the cell.
    Done,
    /// It was asked to stop.
    Stopped,
    /// It failed: why, in a few words.
    Failed(String),
}

/// Says how many threads compute.
const THREADS: &str = "RAYON_NUM_THREADS";

impl<'a> Children<'a> {
    /// None yet.
    pub fn new(place: &'a Place, split: Split, redo: bool) -> Self {
        Self { place, split, redo, running: Vec::new() }
    }

    /// How many run.
    pub fn count(&self) -> usize {
        self.running.len()
    }

    /// Those that run, and for how long.
    pub fn running(&self) -> impl Iterator<Item = (&CellName, Duration)> {
        self.running.iter().map(|running| (&running.cell, running.began.elapsed()))
    }

    /// Begins a cell, of `beside` cells that share the threads.
    pub fn begin(&mut self, cell: &CellName, beside: usize) -> Result<()> {
        let log = self.place.log(cell);
        let out = open_log(&log)?;
        let log_from = out.metadata().map_or(0, |log| log.len());
        let err = out.try_clone().with_context(|| format!("cannot write {}", log.display()))?;
        let mut command = Command::new(program()?);
        command.arg("experiment").arg(&self.place.file).arg("--cell").arg(cell.to_string());
        command.arg("--out").arg(&self.place.out).arg("--results").arg(self.place.results.path());
        command.args((self.split == Split::Test).then_some("--test")).args(self.redo.then_some("--redo"));
        command.stdin(Stdio::piped()).stdout(out).stderr(err);
        command.env(THREADS, (rayon::current_num_threads() / beside.max(1)).max(1).to_string());
        let child = command.spawn().with_context(|| format!("cannot start the process of {cell}"))?;
        self.running.push(Running { cell: cell.clone(), child, began: Instant::now(), log_from });
        Ok(())
    }

    /// Asks all to stop at a safe place: they wait for the end of their input, which also comes when this process is killed.
    pub fn stop(&mut self) {
        self.running.iter_mut().for_each(|running| drop(running.child.stdin.take()));
    }

    /// Those that ended since the last look.
    pub fn ended(&mut self) -> Result<Vec<Ended>> {
        let mut ended = Vec::new();
        for running in std::mem::take(&mut self.running) {
            let Running { cell, mut child, began, log_from } = running;
            match child.try_wait().with_context(|| format!("cannot wait for the process of {cell}"))? {
                None => self.running.push(Running { cell, child, began, log_from }),
                Some(status) => {
                    let end = end(status, &self.place.log(&cell), log_from);
                    ended.push(Ended { cell, took: began.elapsed(), end });
                }
            }
        }
        Ok(ended)
    }
}

/// Whoever goes on, or reads an error, finds nobody at work any more.
impl Drop for Children<'_> {
    fn drop(&mut self) {
        self.stop();
        for running in &mut self.running {
            let _ = running.child.wait();
        }
    }
}

fn end(status: ExitStatus, log: &Path, log_from: u64) -> End {
    match status.code() {
        Some(0) => End::Done,
        Some(code) if code == i32::from(INTERRUPTED) => End::Stopped,
        _ => End::Failed(last_error(log, log_from).unwrap_or_else(|| status.to_string())),
    }
}

/// The last error that a log tells from a place on: what stands before it is of earlier attempts.
fn last_error(log: &Path, from: u64) -> Option<String> {
    let text = fs::read(log).unwrap_or_default();
    let text = String::from_utf8_lossy(text.get(usize::try_from(from).ok()?..)?);
    let (_, error) = text.rsplit_once("error: ")?;
    Some(error.trim().lines().next().unwrap_or_default().to_owned())
}

fn open_log(path: &Path) -> Result<File> {
    path.parent().map_or(Ok(()), create_folder)?;
    let file = OpenOptions::new().create(true).append(true).open(path);
    file.with_context(|| format!("cannot write {}", path.display()))
}

/// This program, even where its file was replaced since it began: by a build, for example.
fn program() -> Result<PathBuf> {
    let own = Path::new("/proc/self/exe");
    match own.exists() {
        true => Ok(own.to_owned()),
        false => env::current_exe().context("cannot find this program's own file"),
    }
}

#[cfg(test)]
mod tests {
    use super::last_error;

    #[test]
    fn an_error_of_an_earlier_attempt_is_not_that_of_the_last() {
        let folder = tempfile::tempdir().unwrap();
        let log = folder.path().join("plain.log");
        let before = "error: of yesterday: m.jsonl\n";
        std::fs::write(&log, format!("{before}step 1\n")).unwrap();
        assert_eq!(last_error(&log, 0).unwrap(), "of yesterday: m.jsonl");
        assert_eq!(last_error(&log, before.len() as u64), None, "it was killed");
        std::fs::write(&log, format!("{before}step 1\nerror: of today\nhelp\n")).unwrap();
        assert_eq!(last_error(&log, before.len() as u64).unwrap(), "of today");
        assert_eq!(last_error(&log, 1000), None);
    }
}
