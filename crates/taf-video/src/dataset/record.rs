use std::path::{Component, Path};

use super::Content;
use crate::{Error, Result};

/// One video of a [`Manifest`](super::Manifest).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Record {
    /// Where the video lies: relative to the manifest's folder, or absolute.
    pub path: String,
    /// The place of its class in [`Manifest::classes`](super::Manifest::classes).
    pub label: usize,
    /// What it is used for: "train", "val", "test" or any other word.
    pub split: String,
    /// How many frames it has, at least 1.
    pub frames: usize,
    /// What it shares with related videos, if known.
    pub group: Option<String>,
    /// What lay at the path when the manifest was prepared; `None` where nobody looked.
    pub content: Option<Content>,
    /// Some of it did not decode: the frames are those that are left.
    pub damaged: bool,
}

impl Record {
    /// Refuses what no manifest can say.
    pub(super) fn verify(&self, folder: &Path, num_classes: usize) -> Result<()> {
        let error = |expected: String, found: String| Err(Error::content(&folder.join(&self.path), expected, found));
        if let Some((expected, found)) = path_fault(&self.path) {
            error(expected.into(), found)
        } else if self.label >= num_classes {
            error(format!("a label below {num_classes}"), self.label.to_string())
        } else if self.split.trim().is_empty() {
            error("the name of a split".into(), format!("{:?}", self.split))
        } else if self.frames == 0 {
            error("at least one frame".into(), "none".into())
        } else {
            Ok(())
        }
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
