use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use serde::Serialize;
use taf_files::write_atomic;

use super::MovingShapes;
use crate::{Error, Result};

/// To be raised when the same options come to give other pictures: files of an older revision are then made anew.
const REVISION: u32 = 2;

/// What generated pictures depend on; lies beside the clips.
#[derive(Serialize)]
pub(super) struct Settings {
    /// The data set whose form the folder has.
    #[serde(skip_serializing_if = "Option::is_none")]
    like: Option<&'static str>,
    revision: u32,
    seed: u64,
    size: usize,
    fewest_frames: usize,
    most_frames: usize,
    difficulty: f32,
}

impl MovingShapes {
    /// The file beside the clips that says what they were made with, and so that they were generated.
    pub const SETTINGS_FILE: &str = "moving-shapes.json";

    pub(super) fn settings(&self) -> Settings {
        Settings {
            like: None,
            revision: REVISION,
            seed: self.seed.value(),
            size: self.size,
            fewest_frames: *self.frames.start(),
            most_frames: *self.frames.end(),
            difficulty: self.difficulty.value(),
        }
    }
}

impl Settings {
    pub(super) fn like(self, form: &'static str) -> Self {
        Self { like: Some(form), ..self }
    }

    /// Removes `others` where they were made with other settings than these, and writes these down.
    pub(super) fn keep_or_drop(&self, root: &Path, others: &[PathBuf]) -> Result<()> {
        let settings = serde_json::to_vec_pretty(self).expect("numbers are always JSON");
        let path = root.join(MovingShapes::SETTINGS_FILE);
        if fs::read(&path).is_ok_and(|found| found == settings) {
            return Ok(());
        }
        // The old settings stay until all that was made with them is gone: a process killed before can be run again.
        others.iter().try_for_each(|file| remove(file))?;
        Ok(write_atomic(&path, &settings)?)
    }
}

/// Removes a file, or a folder with all it holds, or nothing.
fn remove(path: &Path) -> Result<()> {
    let removed = if path.is_dir() { fs::remove_dir_all(path) } else { fs::remove_file(path) };
    match removed {
        Err(source) if source.kind() != ErrorKind::NotFound => Err(Error::io("remove", path, source)),
        _ => Ok(()),
    }
}
