use std::path::{Path, PathBuf, absolute};

use super::FrameNames;
use super::classes::in_label_order;
use super::record::path_fault;
use crate::{Error, Result};

/// What a reader found in a source of videos, before anything is decoded.
///
/// A reader for another kind of source needs to make only this; [`prepare`](super::prepare) does the rest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listing {
    /// The folder that relative paths start from; absolute.
    pub root: PathBuf,
    /// The names of the classes, in the order of their label ids.
    pub classes: Vec<String>,
    /// How pictures are named, if the videos are folders of pictures.
    pub frame_names: Option<FrameNames>,
    /// The videos.
    pub entries: Vec<ListingEntry>,
    /// How many files were passed over: hidden, or not videos.
    pub skipped: usize,
}

/// One video of a [`Listing`].
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ListingEntry {
    /// Where the video lies: relative to the root, or absolute.
    pub path: String,
    /// The name of its class.
    pub label: String,
    /// The split, if the source says so; all entries have one, or none.
    pub split: Option<String>,
    /// What it shares with related videos, if the source says so.
    pub group: Option<String>,
}

impl Listing {
    /// Wraps entries: sorted by path, the classes being all their labels: in the order of their
    /// values where all are whole numbers, else in that of the alphabet.
    ///
    /// # Errors
    /// If there is no entry, or a path occurs twice or holds `..`.
    pub fn new(
        root: &Path,
        frame_names: Option<FrameNames>,
        mut entries: Vec<ListingEntry>,
        skipped: usize,
    ) -> Result<Self> {
        let root = absolute(root).map_err(|source| Error::io("open", root, source))?;
        entries.sort();
        if entries.is_empty() {
            return Err(Error::content(&root, "at least one video", format!("none ({skipped} other files)")));
        }
        if let Some((expected, found)) = entries.iter().find_map(|entry| path_fault(&entry.path)) {
            return Err(Error::content(&root, expected, found));
        }
        if let Some(pair) = entries.windows(2).find(|pair| pair[0].path == pair[1].path) {
            return Err(Error::content(&root.join(&pair[0].path), "every path once", "it twice"));
        }
        let classes = in_label_order(entries.iter().map(|entry| entry.label.clone()).collect());
        Ok(Self { root, classes, frame_names, entries, skipped })
    }
}
