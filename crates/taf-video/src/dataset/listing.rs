use std::path::{Path, PathBuf};

use super::classes::in_label_order;
use super::heading::Heading;
use super::path::plain;
use super::record::path_fault;
use super::{FrameNames, lines};
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
    /// The files that were passed over, relative to the root: hidden ones, and those that are not called like videos.
    pub passed_over: Vec<String>,
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
    /// If there is no entry, a path occurs twice or holds `..`, or the names of the classes are too long for a manifest.
    pub fn new(
        root: &Path,
        frame_names: Option<FrameNames>,
        mut entries: Vec<ListingEntry>,
        mut passed_over: Vec<String>,
    ) -> Result<Self> {
        let root = plain(root)?;
        entries.sort();
        passed_over.sort();
        if entries.is_empty() {
            let found = format!("none ({} other files)", passed_over.len());
            return Err(Error::content(&root, "at least one video", found));
        }
        if let Some((expected, found)) = entries.iter().find_map(|entry| path_fault(&entry.path)) {
            return Err(Error::content(&root, expected, found));
        }
        if let Some(pair) = entries.windows(2).find(|pair| pair[0].path == pair[1].path) {
            return Err(Error::content(&root.join(&pair[0].path), "every path once", "it twice"));
        }
        let classes = in_label_order(entries.iter().map(|entry| entry.label.clone()).collect());
        let heading = Heading { classes, frame_names, ..Default::default() };
        if let Some(bytes) = lines::long_header(&heading) {
            let expected = format!("names of classes that take at most {} bytes together", lines::MAX_LINE_BYTES);
            return Err(Error::content(&root, expected, format!("{} names, {bytes} bytes", heading.classes.len())));
        }
        let Heading { classes, frame_names, .. } = heading;
        Ok(Self { root, classes, frame_names, entries, passed_over })
    }
}
