//! Diving48, as it is distributed.

use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::super::{Listing, ListingEntry, Part};
use super::annotations::{Annotations, KnownFiles};
use super::folder::DownloadedFolder;
use super::text::read_json;
use super::{ReadOptions, class_names};
use crate::{Error, Result};

const VOCABULARY: &[&str] = &["Diving48_vocab.json"];

/// A version of the labels. Those of V1 were found wrong in many videos and made anew.
struct LabelVersion {
    label_set: &'static str,
    files: KnownFiles,
}

const V1: LabelVersion = LabelVersion {
    label_set: "diving48-v1",
    files: KnownFiles {
        classes: VOCABULARY,
        lists: &[("train", &["Diving48_train.json"]), ("test", &["Diving48_test.json"])],
    },
};

const V2: LabelVersion = LabelVersion {
    label_set: "diving48-v2",
    files: KnownFiles {
        classes: VOCABULARY,
        lists: &[("train", &["Diving48_V2_train.json"]), ("test", &["Diving48_V2_test.json"])],
    },
};

/// Whether a downloaded folder is Diving48.
pub(super) fn is_in(folder: &DownloadedFolder) -> bool {
    [V1, V2].iter().any(|version| version.files.are_in(folder))
}

/// Whether a file is one of Diving48's lists.
pub(super) fn has(file: &Path) -> bool {
    [V1, V2].iter().any(|version| version.files.have(file))
}

/// H.264 files, and JSON files of `{"vid_name", "label", "start_frame", "end_frame"}` of one of two versions.
pub(super) fn diving48(sources: &[PathBuf], options: &ReadOptions) -> Result<Listing> {
    let version = version(sources, options.label_set.as_deref())?;
    let annotations = Annotations::of(sources, options, &version.files)?;
    let classes = class_names(&annotations.classes)?;
    let mut entries = Vec::new();
    for (split, file) in &annotations.lists {
        for dive in read_json::<Vec<Dive>>(file, "an array of \"vid_name\", \"label\", \"start_frame\", \"end_frame\"")?
        {
            entries.push(dive.entry(file, split, &classes)?);
        }
    }
    let videos = annotations.videos(entries.iter().map(|entry| entry.path.as_str()))?;
    let note = format!("these are the labels {}", version.label_set);
    Ok(Listing::new(&videos, None, entries, Vec::new())?
        .with_classes(classes)?
        .with_label_set(version.label_set)
        .with_note(note))
}

/// The version that is asked for, or the only one that is there.
fn version(sources: &[PathBuf], asked: Option<&str>) -> Result<LabelVersion> {
    let is_there = |version: &LabelVersion| -> Result<bool> {
        match sources {
            [folder] if folder.is_dir() => Ok(version.files.are_in(&DownloadedFolder::open(folder)?)),
            files => Ok(files.iter().all(|file| version.files.have(file))),
        }
    };
    let expected = "diving48-v1 or diving48-v2, the version of the labels";
    match asked {
        Some(name) => {
            let version = [V1, V2].into_iter().find(|version| version.label_set == name);
            version.ok_or_else(|| Error::setting("label set", expected, name))
        }
        None => match (is_there(&V1)?, is_there(&V2)?) {
            (true, false) => Ok(V1),
            (false, true) => Ok(V2),
            (true, true) => Err(Error::setting("label set", format!("{expected}, where both are there"), "none")),
            (false, false) => {
                let expected = "Diving48_vocab.json with Diving48_V2_train.json or Diving48_train.json (lists of other names need --label-set)";
                Err(Error::content(
                    sources.first().map_or(Path::new("."), PathBuf::as_path),
                    expected,
                    "none of one version",
                ))
            }
        },
    }
}

/// One video of a JSON file.
#[derive(Deserialize)]
struct Dive {
    vid_name: String,
    label: usize,
    start_frame: usize,
    end_frame: usize,
}

impl Dive {
    fn entry(self, file: &Path, split: &str, classes: &[String]) -> Result<ListingEntry> {
        let Self { vid_name, label, start_frame: start, end_frame: end } = self;
        let Some(class) = classes.get(label) else {
            let expected = format!("a label below {}, the classes of the vocabulary", classes.len());
            return Err(Error::content(file, expected, format!("{label} for the video {vid_name:?}")));
        };
        if end <= start {
            let found = format!("{start} to {end} for the video {vid_name:?}");
            return Err(Error::content(file, "an end_frame after start_frame", found));
        }
        // Each dive is a file of its own; its first frame is 0 in the published lists.
        let part = (start > 0).then_some(Part { start, end });
        Ok(ListingEntry {
            path: format!("{vid_name}.mp4"),
            part,
            label: Some(class.clone()),
            split: Some(split.to_owned()),
            frames: Some(end - start),
            ..Default::default()
        })
    }
}
