use std::path::{Path, PathBuf};

use super::super::path::{folder_of, plain};
use super::ReadOptions;
use super::folder::DownloadedFolder;
use super::splits::splits_of;
use crate::{Error, Result};

/// How the annotation files of a published data set are called.
pub(super) struct KnownFiles {
    /// The names of the classes.
    pub classes: &'static [&'static str],
    /// The videos of each split.
    pub lists: &'static [(&'static str, &'static [&'static str])],
}

/// The files that say what the videos of a published data set show.
pub(super) struct Annotations {
    /// The names of the classes.
    pub classes: PathBuf,
    /// The videos of each split, by its name.
    pub lists: Vec<(String, PathBuf)>,
    origin: Origin,
    /// Where the videos are said to lie.
    root: Option<PathBuf>,
}

/// Where the files come from.
enum Origin {
    /// A folder as it was downloaded.
    Downloaded(DownloadedFolder),
    /// Files that were named, the first of which lies in this folder.
    Named(PathBuf),
}

impl Annotations {
    /// Finds the files in a downloaded folder, or takes those that are named.
    pub(super) fn of(sources: &[PathBuf], options: &ReadOptions, known: &KnownFiles) -> Result<Self> {
        let root = options.root.as_deref().map(plain).transpose()?;
        match sources {
            [folder] if folder.is_dir() => Self::downloaded(DownloadedFolder::open(folder)?, root, options, known),
            _ => Self::named(sources, root, options, known),
        }
    }

    fn downloaded(
        folder: DownloadedFolder,
        root: Option<PathBuf>,
        options: &ReadOptions,
        known: &KnownFiles,
    ) -> Result<Self> {
        let classes = options.classes.clone().map_or_else(|| folder.require(known.classes), Ok)?;
        let found = known.lists.iter().filter_map(|(split, names)| Some(((*split).to_owned(), folder.find(names)?)));
        let mut lists: Vec<(String, PathBuf)> = found.collect();
        if let Some(missing) = options.splits.iter().find(|split| lists.iter().all(|(found, _)| found != *split)) {
            return Err(Error::content(&folder.root, format!("a list of the split {missing}"), "none"));
        }
        lists.retain(|(split, _)| options.splits.is_empty() || options.splits.contains(split));
        if lists.is_empty() {
            let names: Vec<&str> = known.lists.iter().flat_map(|(_, names)| names.iter().copied()).collect();
            folder.require(&names)?;
        }
        Ok(Self { classes, lists, origin: Origin::Downloaded(folder), root })
    }

    fn named(sources: &[PathBuf], root: Option<PathBuf>, options: &ReadOptions, known: &KnownFiles) -> Result<Self> {
        let missing = || Error::setting("classes", "the file with the names of the classes, beside lists", "none");
        let classes = options.classes.clone().ok_or_else(missing)?;
        let lists = splits_of(sources, &options.splits, |name| known.split_of(name).map(str::to_owned))?;
        Ok(Self { classes, lists, origin: Origin::Named(folder_of(&sources[0])?), root })
    }

    /// The folder of the videos, of which some are called so.
    pub(super) fn videos<'a>(&self, names: impl Iterator<Item = &'a str>) -> Result<PathBuf> {
        let mut names = names.peekable();
        if names.peek().is_none() {
            let list = self.lists.first().map_or(&self.classes, |(_, list)| list);
            return Err(Error::content(list, "at least one video", "none"));
        }
        match (&self.root, &self.origin) {
            (Some(root), _) | (None, Origin::Named(root)) => Ok(root.clone()),
            (None, Origin::Downloaded(folder)) => folder.of_videos(names),
        }
    }

    /// Another file of a downloaded folder, where it is there.
    pub(super) fn find(&self, names: &[&str]) -> Option<PathBuf> {
        match &self.origin {
            Origin::Downloaded(folder) => folder.find(names),
            Origin::Named(_) => None,
        }
    }
}

impl KnownFiles {
    fn split_of(&self, file_name: &str) -> Option<&'static str> {
        self.lists.iter().find(|(_, names)| names.contains(&file_name)).map(|(split, _)| *split)
    }

    /// Whether a downloaded folder is one of this data set.
    pub(super) fn are_in(&self, folder: &DownloadedFolder) -> bool {
        folder.find(self.classes).is_some()
            && self.lists.iter().any(|(_, names)| names.iter().any(|name| folder.find(&[name]).is_some()))
    }

    /// Whether a file has one of these names.
    pub(super) fn have(&self, file: &Path) -> bool {
        file.file_name().and_then(|name| name.to_str()).is_some_and(|name| self.split_of(name).is_some())
    }
}
