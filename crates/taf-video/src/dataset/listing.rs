use std::collections::HashSet;
use std::path::{Path, PathBuf};

use super::classes::{in_label_order, shortened};
use super::heading::Heading;
use super::path::plain;
use super::record::path_fault;
use super::{FrameNames, Part, lines};
use crate::{Error, Result};

/// What a reader found in a source of videos, before anything is decoded.
///
/// A reader for another kind of source needs to make only this; [`prepare`](super::prepare) does the rest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listing {
    /// The folder that relative paths start from; absolute.
    pub root: PathBuf,
    /// What the manifest will say of all videos.
    pub(super) heading: Heading,
    /// The videos.
    pub entries: Vec<ListingEntry>,
    /// The files that were passed over, relative to the root: hidden ones, and those that are not called like videos.
    pub passed_over: Vec<String>,
    /// What the reader decided or found out by itself, a sentence each, for the user to confirm.
    pub notes: Vec<String>,
}

/// One video of a [`Listing`].
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct ListingEntry {
    /// Where the video lies: relative to the root, or absolute.
    pub path: String,
    /// The part of it that is meant; `None` for all.
    pub part: Option<Part>,
    /// The name of its class, if it is known.
    pub label: Option<String>,
    /// The split, if the source says so; all entries have one, or none.
    pub split: Option<String>,
    /// What it shares with related videos, if the source says so.
    pub group: Option<String>,
    /// How many frames it has, if the source says so.
    pub frames: Option<usize>,
}

impl Listing {
    /// Wraps entries: sorted by path, the classes being all their labels: in the order of their
    /// values where all are whole numbers, else in that of the alphabet.
    ///
    /// # Errors
    /// If there is no entry, a path occurs twice or holds `..`, the template of the pictures cannot be read, or the names of the
    /// classes are too long for a manifest.
    pub fn new(
        root: &Path,
        frame_names: Option<FrameNames>,
        mut entries: Vec<ListingEntry>,
        mut passed_over: Vec<String>,
    ) -> Result<Self> {
        let root = plain(root)?;
        frame_names.as_ref().map_or(Ok(()), FrameNames::check)?;
        entries.sort();
        passed_over.sort();
        if entries.is_empty() {
            let found = format!("none ({} other files)", passed_over.len());
            return Err(Error::content(&root, "at least one video", found));
        }
        if let Some((expected, found)) = entries.iter().find_map(|entry| path_fault(&entry.path)) {
            return Err(Error::content(&root, expected, found));
        }
        let twice = |pair: &&[ListingEntry]| (&pair[0].path, pair[0].part) == (&pair[1].path, pair[1].part);
        if let Some(pair) = entries.windows(2).find(twice) {
            return Err(Error::content(&root.join(&pair[0].path), "every path once", twice_in(pair)));
        }
        let heading = Heading { classes: in_label_order(labels_of(&entries)), frame_names, ..Default::default() };
        Self { root, heading, entries, passed_over, notes: Vec::new() }.verified()
    }

    /// The same with all classes of its data set, in the order of their label ids.
    ///
    /// # Errors
    /// If a video is of another class, or their names are too long for a manifest.
    pub fn with_classes(mut self, classes: Vec<String>) -> Result<Self> {
        let known: HashSet<&String> = classes.iter().collect();
        if let Some(other) = self.heading.classes.iter().find(|class| !known.contains(class)) {
            let expected = format!("labels among {}", shortened(&classes));
            return Err(Error::content(&self.root, expected, format!("{other:?}")));
        }
        self.heading.classes = classes;
        self.verified()
    }

    /// The same, of which it is known which labels these are.
    pub fn with_label_set(mut self, name: &str) -> Self {
        self.heading.label_set = Some(name.to_owned());
        self
    }

    /// The same, of which it is known what label ids a left-right mirror exchanges.
    pub(super) fn with_mirror_pairs(mut self, pairs: &[[usize; 2]]) -> Self {
        let classes = &self.heading.classes;
        self.heading.mirror_pairs = pairs.iter().map(|pair| pair.map(|id| classes[id].clone())).collect();
        self
    }

    /// The same with something for the user to know.
    pub fn with_note(mut self, note: impl Into<String>) -> Self {
        self.notes.push(note.into());
        self
    }

    /// The names of the classes, in the order of their label ids.
    pub fn classes(&self) -> &[String] {
        &self.heading.classes
    }

    /// How pictures are named, if the videos are folders of pictures.
    pub fn frame_names(&self) -> Option<&FrameNames> {
        self.heading.frame_names.as_ref()
    }

    fn verified(self) -> Result<Self> {
        if let Some(bytes) = lines::long_header(&self.heading) {
            let expected = format!("names of classes that take at most {} bytes together", lines::MAX_LINE_BYTES);
            let found = format!("{} names, {bytes} bytes", self.heading.classes.len());
            return Err(Error::content(&self.root, expected, found));
        }
        Ok(self)
    }
}

/// Every label that occurs, once.
fn labels_of(entries: &[ListingEntry]) -> Vec<String> {
    let labels: HashSet<&String> = entries.iter().filter_map(|entry| entry.label.as_ref()).collect();
    labels.into_iter().cloned().collect()
}

fn twice_in(pair: &[ListingEntry]) -> String {
    match (&pair[0].split, &pair[1].split) {
        (Some(first), Some(second)) if first != second => format!("it in the splits {first} and {second}"),
        _ => "it twice".to_owned(),
    }
}
