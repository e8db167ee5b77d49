use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use crate::{Error, Result};

/// A file under construction: a hidden sibling of the one it will become, removed again unless it gets there.
pub(super) struct PartialFile {
    path: PathBuf,
    finished: bool,
}

impl PartialFile {
    /// Reserves a name beside `path` that no other writer uses.
    pub(super) fn beside(path: &Path) -> Result<Self> {
        static COUNTER: AtomicU64 = AtomicU64::new(0);
        let file_name = path.file_name().ok_or_else(|| Error::content(path, "a file name", "a folder"))?;
        let mut name = OsString::from(".");
        name.push(file_name);
        name.push(format!(".{}-{}.part", std::process::id(), COUNTER.fetch_add(1, Ordering::Relaxed)));
        let path = path.with_file_name(name);
        // Created here, so that a missing folder or permission is reported in the operating system's words.
        std::fs::File::create(&path).map_err(|source| Error::io("create", &path, source))?;
        Ok(Self { path, finished: false })
    }

    /// The name as FFmpeg takes it, with no protocol to be read into it.
    pub(super) fn url(&self) -> OsString {
        let mut url = OsString::from("file:");
        url.push(&self.path);
        url
    }

    /// Gives the file its final name, replacing what had it.
    pub(super) fn rename_to(mut self, path: &Path) -> Result<()> {
        std::fs::rename(&self.path, path).map_err(|source| Error::io("rename a finished file to", path, source))?;
        self.finished = true;
        Ok(())
    }
}

impl Drop for PartialFile {
    fn drop(&mut self) {
        if !self.finished {
            // Nobody is left to hear of a failure, and the file is harmless.
            let _ = std::fs::remove_file(&self.path);
        }
    }
}
