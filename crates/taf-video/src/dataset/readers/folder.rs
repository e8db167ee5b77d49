use std::fs;
use std::path::{Path, PathBuf};

use super::super::path::plain;
use crate::{Error, Result};

/// Videos that are looked for until one is found: some may be missing.
const TRIED: usize = 100;

/// A folder as a data set is downloaded to, with the folders in it.
pub(super) struct DownloadedFolder {
    pub root: PathBuf,
    places: Vec<PathBuf>,
}

impl DownloadedFolder {
    pub(super) fn open(root: &Path) -> Result<Self> {
        let root = plain(root)?;
        let cannot = |source| Error::io("read folder", &root, source);
        let mut below = Vec::new();
        for entry in fs::read_dir(&root).map_err(cannot)? {
            let entry = entry.map_err(cannot)?;
            // Links are followed: data sets lie on other disks.
            if fs::metadata(entry.path()).is_ok_and(|about| about.is_dir()) {
                below.push(entry.path());
            }
        }
        below.sort();
        let places = [vec![root.clone()], below].concat();
        Ok(Self { root, places })
    }

    /// The first file that has one of the names, in the folder itself or in one below.
    pub(super) fn find(&self, names: &[&str]) -> Option<PathBuf> {
        let paths = names.iter().flat_map(|name| self.places.iter().map(move |place| place.join(name)));
        paths.into_iter().find(|path| path.is_file())
    }

    /// [`Self::find`], of a file that must be there.
    pub(super) fn require(&self, names: &[&str]) -> Result<PathBuf> {
        let expected = || format!("a file {} in this folder or one in it", names.join(" or "));
        self.find(names).ok_or_else(|| Error::content(&self.root, expected(), "none"))
    }

    /// The folder that holds videos, told by the first of `names` that is anywhere.
    pub(super) fn of_videos<'a>(&self, names: impl Iterator<Item = &'a str>) -> Result<PathBuf> {
        let names: Vec<&str> = names.take(TRIED).collect();
        let holds = |place: &&PathBuf| names.iter().any(|name| place.join(name).exists());
        let expected = || format!("videos such as {} in this folder or one in it", names.first().unwrap_or(&"any"));
        self.places.iter().find(holds).cloned().ok_or_else(|| Error::content(&self.root, expected(), "none"))
    }
}
