//! What a command may write, given what it reads: asked before any work is done.

use std::path::{Path, PathBuf};

use anyhow::{Result, ensure};
use taf_files::{Input, Output, check_outputs};
use taf_report::run::{Existing, RunDir};

/// Endings of pages.
pub const PAGE: &[&str] = &["html", "htm"];
/// Endings of manifests.
pub const MANIFEST: &[&str] = &["jsonl"];
/// Endings of answers for a leaderboard.
pub const LEADERBOARD: &[&str] = &["csv"];
/// Endings of pictures.
pub const PICTURE: &[&str] = &["png"];
/// Endings of drawings.
pub const DRAWING: &[&str] = &["svg", "png"];
/// Endings of videos whose containers hold H.264.
pub const VIDEO: &[&str] = &["mp4", "m4v", "mov", "mkv", "avi"];

/// Whether a drawing is to be SVG.
pub fn is_svg(path: &Path) -> bool {
    path.extension().is_some_and(|ending| ending.eq_ignore_ascii_case("svg"))
}

/// The files and folders a command reads.
#[derive(Default)]
pub struct Reading(Vec<Input>);

impl Reading {
    /// A file or folder, where one is named.
    pub fn at<'a>(mut self, path: impl Into<Option<&'a Path>>) -> Self {
        self.0.extend(path.into().map(Input::at));
        self
    }

    /// What a run writes of its own accord, or a checkpoint; other files that lie in a run's folder are not the run's.
    pub fn run(mut self, run: &Path) -> Self {
        if run.is_file() {
            return self.at(run);
        }
        self.0.extend(RunDir::own_paths(run).iter().map(|path| Input::at(path)));
        self
    }

    /// Refuses to write `outputs` where that would cost any of it, or cannot be done in the end.
    pub fn allows(&self, outputs: &[Output]) -> Result<()> {
        Ok(check_outputs(outputs, &self.0)?)
    }

    /// [`Reading::allows`] for a run folder, which is emptied where a run in it is to be replaced.
    pub fn allows_run(&self, out: &Path, existing: Existing) -> Result<()> {
        let removed = match existing {
            Existing::Replace => RunDir::own_paths(out),
            Existing::Refuse | Existing::Resume => Vec::new(),
        };
        self.allows(&[Output::emptied_folder("--out", out, removed)])
    }
}

/// An output that need not be named.
pub fn perhaps<'a>(option: &'static str, path: Option<&'a PathBuf>, endings: &'a [&'a str]) -> Option<Output<'a>> {
    path.map(|path| Output::file(option, path, endings))
}

/// Refuses a folder of files that nothing here wrote; `mark` is what ours holds.
pub fn refuse_foreign_folder(out: &Path, mark: &str) -> Result<()> {
    let is_empty = std::fs::read_dir(out).map_or(true, |mut entries| entries.next().is_none());
    ensure!(
        is_empty || out.join(mark).exists(),
        "expected a new folder, or one with {mark} from an earlier time, found other files: {}",
        out.display()
    );
    Ok(())
}
