//! Jester V1, as it is distributed.

use std::path::PathBuf;

use super::super::Listing;
use super::annotations::{Annotations, KnownFiles};
use super::something::folders_of_pictures;
use super::{ReadOptions, class_names};
use crate::Result;

pub(super) const FILES: KnownFiles = KnownFiles {
    classes: &["jester-v1-labels.csv"],
    lists: &[
        ("train", &["jester-v1-train.csv"]),
        ("val", &["jester-v1-validation.csv"]),
        ("test", &["jester-v1-test.csv"]),
    ],
};

/// A folder of pictures for each video, CSV files of `id;label`; the labels are numbered as their file lists them.
pub(super) fn jester(sources: &[PathBuf], options: &ReadOptions) -> Result<Listing> {
    let annotations = Annotations::of(sources, options, &FILES)?;
    let classes = class_names(&annotations.classes)?;
    Ok(folders_of_pictures(&annotations, classes, options)?.with_label_set("jester"))
}
