//! Something-Something V1 and V2, as they are distributed.

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::super::{FrameNames, Listing, ListingEntry};
use super::annotations::{Annotations, KnownFiles};
use super::pictures::names_in_first;
use super::text::{TextLines, line_error, read_json};
use super::{ReadOptions, SomethingOrder, class_names};
use crate::{Error, Result};

pub(super) const V1: KnownFiles = KnownFiles {
    classes: &["something-something-v1-labels.csv"],
    lists: &[
        ("train", &["something-something-v1-train.csv"]),
        ("val", &["something-something-v1-validation.csv"]),
        ("test", &["something-something-v1-test.csv"]),
    ],
};

/// Under the names of the first distribution (20BN) and of the second (Qualcomm).
pub(super) const V2: KnownFiles = KnownFiles {
    classes: &["something-something-v2-labels.json", "labels.json"],
    lists: &[
        ("train", &["something-something-v2-train.json", "train.json"]),
        ("val", &["something-something-v2-validation.json", "validation.json"]),
        ("test", &["something-something-v2-test.json", "test.json"]),
    ],
};
const ANSWERS: [&str; 2] = ["test-answers.csv", "something-something-v2-test-answers.csv"];

/// V1: a folder of pictures for each video, CSV files of `id;template`, and a label file that is not in alphabetical order.
pub(super) fn v1(sources: &[PathBuf], options: &ReadOptions) -> Result<Listing> {
    let annotations = Annotations::of(sources, options, &V1)?;
    let mut classes = class_names(&annotations.classes)?;
    let order = options.label_order.unwrap_or(SomethingOrder::Sorted);
    if order == SomethingOrder::Sorted {
        classes.sort();
    }
    let listing = folders_of_pictures(&annotations, classes, options)?;
    let note = format!("the order of the labels is {}; --label-order chooses", order.description());
    Ok(listing.with_label_set("something-something-v1").with_note(note))
}

/// V2: WebM files, JSON files of `{"id", "template"}`, and labels that are numbered alphabetically.
pub(super) fn v2(sources: &[PathBuf], options: &ReadOptions) -> Result<Listing> {
    let annotations = Annotations::of(sources, options, &V2)?;
    let mut classes = class_names(&annotations.classes)?;
    if let Some(order) = options.label_order {
        classes = order.arrange(&classes)?;
    }
    let answers = annotations.find(&ANSWERS).map(|file| read_answers(&file)).transpose()?.unwrap_or_default();
    let mut entries = Vec::new();
    for (split, file) in &annotations.lists {
        for (id, label) in read_videos(file, &classes, &answers)? {
            let path = format!("{id}.webm");
            entries.push(ListingEntry { path, label, split: Some(split.clone()), ..Default::default() });
        }
    }
    let videos = annotations.videos(entries.iter().map(|entry| entry.path.as_str()))?;
    Ok(Listing::new(&videos, None, entries, Vec::new())?
        .with_classes(classes)?
        .with_label_set("something-something-v2"))
}

/// One video of a JSON file; of the test split only the id.
#[derive(Deserialize)]
struct Video {
    id: String,
    template: Option<String>,
}

type VideoAndLabel = (String, Option<String>);

/// The videos of a JSON file and their labels, which must be among the classes; or else those of `answers`.
fn read_videos(file: &Path, classes: &[String], answers: &HashMap<String, String>) -> Result<Vec<VideoAndLabel>> {
    let known: HashSet<&str> = classes.iter().map(String::as_str).collect();
    let videos: Vec<Video> = read_json(file, "an array of videos with \"id\", and \"template\" where it is known")?;
    let labelled = videos.into_iter().map(|Video { id, template }| {
        let label = template.map(|template| template.replace(['[', ']'], "")).or_else(|| answers.get(&id).cloned());
        match label.as_deref().filter(|label| !known.contains(label)) {
            Some(other) => {
                Err(Error::content(file, "a label among the classes", format!("{other:?} for the video {id:?}")))
            }
            None => Ok((id, label)),
        }
    });
    labelled.collect()
}

/// The labels that JSON files of V2 give to videos.
pub(super) fn labels_of(files: &[PathBuf], classes: &[String]) -> Result<HashMap<String, String>> {
    let mut labels = HashMap::new();
    for file in files {
        let videos = read_videos(file, classes, &HashMap::new())?;
        labels.extend(videos.into_iter().filter_map(|(id, label)| Some((id, label?))));
    }
    Ok(labels)
}

/// Labels by video.
fn read_answers(file: &Path) -> Result<HashMap<String, String>> {
    let rows = TextLines::open(file)?.map(|line| {
        let (number, row) = line?;
        let (id, label) = id_and_label(&row);
        let missing = || line_error(file, number, "a row id;label", format!("{row:?}"));
        Ok((id.to_owned(), label.ok_or_else(missing)?.to_owned()))
    });
    rows.collect()
}

/// Reads data sets of folders of pictures with CSV files of `id;label`, or of ids alone where the labels are secret.
pub(super) fn folders_of_pictures(
    annotations: &Annotations,
    classes: Vec<String>,
    options: &ReadOptions,
) -> Result<Listing> {
    let known: HashSet<&str> = classes.iter().map(String::as_str).collect();
    let mut entries = Vec::new();
    for (split, file) in &annotations.lists {
        for line in TextLines::open(file)? {
            let (number, row) = line?;
            let (id, label) = id_and_label(&row);
            if let Some(label) = label.filter(|label| !known.contains(label)) {
                let expected = format!("a row id;label with a class of {}", annotations.classes.display());
                return Err(line_error(file, number, expected, format!("{label:?}")));
            }
            if label.is_none() && split != "test" {
                return Err(line_error(file, number, "a row id;label", format!("{row:?}")));
            }
            let (path, label) = (id.to_owned(), label.map(str::to_owned));
            entries.push(ListingEntry { path, label, split: Some(split.clone()), ..Default::default() });
        }
    }
    let videos = annotations.videos(entries.iter().map(|entry| entry.path.as_str()))?;
    let names = options.frame_names.clone().unwrap_or_else(|| frame_names(&videos, &entries));
    let note = format!("pictures are called {}, from {} on", names.template, names.first_index);
    Ok(Listing::new(&videos, Some(names), entries, Vec::new())?.with_classes(classes)?.with_note(note))
}

fn id_and_label(row: &str) -> (&str, Option<&str>) {
    match row.split_once(';') {
        Some((id, label)) => (id.trim(), Some(label.trim()).filter(|label| !label.is_empty())),
        None => (row.trim(), None),
    }
}

/// As the pictures of the first video that is there are called, or else as both data sets name them.
fn frame_names(videos: &Path, entries: &[ListingEntry]) -> FrameNames {
    let usual = || FrameNames { template: "{:05}.jpg".to_owned(), first_index: 1 };
    names_in_first(videos, entries).unwrap_or_else(usual)
}
