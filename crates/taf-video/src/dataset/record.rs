use std::borrow::Cow;
use std::path::{Component, Path};

use super::{Content, Part};
use crate::cache::SamplePlace;
use crate::{Error, Result};

/// One video of a [`Manifest`](super::Manifest).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Record {
    /// Where the video lies: relative to the manifest's folder, or absolute.
    pub path: String,
    /// The place of its class in [`Manifest::classes`](super::Manifest::classes); `None` where it is kept secret, as in the
    /// test split of Something-Something.
    pub label: Option<usize>,
    /// What it is used for: "train", "val", "test" or any other word.
    pub split: String,
    /// How many frames it has, at least 1.
    pub frames: usize,
    /// The part of the file that it is, of `frames` frames; `None` for all of it.
    pub part: Option<Part>,
    /// What it shares with related videos, if known.
    pub group: Option<String>,
    /// What lay at the path when the manifest was prepared; `None` where nobody looked.
    pub content: Option<Content>,
    /// Some of it did not decode: the frames are those that are left.
    pub damaged: bool,
    /// Where its pictures lie, if they were cached: then nothing is read at `path`.
    pub shard: Option<SamplePlace>,
}

impl Record {
    /// A name that no other record of the manifest has: the path, and for a part of a file its frames too.
    pub fn id(&self) -> Cow<'_, str> {
        match self.part {
            None => Cow::Borrowed(&self.path),
            Some(Part { start, end }) => Cow::Owned(format!("{}#{start}-{end}", self.path)),
        }
    }

    /// The label of a video that must have one.
    ///
    /// # Errors
    /// [`Error::Content`] if it has none.
    pub fn known_label(&self) -> Result<usize> {
        self.label.ok_or_else(|| Error::content(Path::new(&*self.id()), "a labelled video", "one without label"))
    }

    /// Refuses what no manifest can say.
    pub(super) fn verify(&self, folder: &Path, num_classes: usize) -> Result<()> {
        let error = |expected: String, found: String| Err(Error::content(&folder.join(&self.path), expected, found));
        if let Some((expected, found)) = path_fault(&self.path) {
            error(expected.into(), found)
        } else if let Some((expected, found)) = self.shard.as_ref().and_then(|place| path_fault(&place.file)) {
            error(expected.into(), found)
        } else if let Some(label) = self.label.filter(|&label| label >= num_classes) {
            error(format!("a label below {num_classes}"), label.to_string())
        } else if self.split.trim().is_empty() {
            error("the name of a split".into(), format!("{:?}", self.split))
        } else if let Some((expected, found)) = frames_fault(self.frames, self.part) {
            error(expected.into(), found)
        } else {
            Ok(())
        }
    }
}

/// What is wrong with the number of frames of a record, as (expected, found).
pub(super) fn frames_fault(frames: usize, part: Option<Part>) -> Option<(&'static str, String)> {
    match part {
        _ if frames == 0 => Some(("at least one frame", "none".into())),
        Some(part) if part.frames() != frames => {
            let Part { start, end } = part;
            Some(("as many frames as lie between start and end", format!("{frames} from {start} to {end}")))
        }
        _ => None,
    }
}

/// What is wrong with the path of a record, as (expected, found).
pub(super) fn path_fault(path: &str) -> Option<(&'static str, String)> {
    let climbs = || Path::new(path).components().any(|part| part == Component::ParentDir);
    if path.is_empty() {
        Some(("a path", "an empty one".into()))
    } else if path.contains('\0') {
        Some(("a path without a zero byte", format!("{path:?}")))
    } else if climbs() {
        Some(("a path without \"..\"", format!("{path:?}")))
    } else {
        None
    }
}
