use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};

use rayon::prelude::*;
use serde::Serialize;

use super::duplicates::{Seen, same_contents};
use super::examination::Examination;
use super::examined::{Examined, Way};
use super::heading::Heading;
use super::label_set::class_count_fault;
use super::lines::{self, Parsed, ProblemKind};
use super::path::folder_of;
use super::place::Place;
use super::problem::Problem;
use super::shards::shard_problem;
use super::{FrameNames, Progress, Record, SplitCounts};
use crate::{Error, FrameFolder, Result};

/// What a manifest is held to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CheckOptions {
    /// The fewest frames a video may have.
    pub min_frames: usize,
    /// The splits that are trained on: together they must hold every class. Every other split must hold every class itself.
    pub train_splits: Vec<String>,
    /// Count the packets of video files and the names in folders of pictures, and decode only where that is not safe.
    /// Frames in the middle that do not decode are then not found.
    pub fast: bool,
    /// The file that keeps what was found out while the work goes on, so that an interrupted check goes on from there.
    /// Who has the report removes it.
    pub unfinished: Option<PathBuf>,
}

impl Default for CheckOptions {
    fn default() -> Self {
        Self { min_frames: 1, train_splits: vec!["train".into()], fast: false, unfinished: None }
    }
}

/// Everything that is wrong with a manifest, and how many videos it has.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct CheckReport {
    /// Problems in the order of the lines, then those of whole classes.
    pub problems: Vec<Problem>,
    /// The names of the classes, in the order of their label ids.
    pub classes: Vec<String>,
    /// The number of good records per split, in the order of the splits' first records.
    pub counts: Vec<SplitCounts>,
}

impl CheckReport {
    /// Whether nothing is wrong.
    pub fn is_clean(&self) -> bool {
        self.problems.is_empty()
    }
}

/// Verifies a manifest file and every video it names, decoding all of them on all cores.
///
/// # Errors
/// Only if the file cannot be read, its header is bad, or what is found out cannot be kept; every other fault is in the
/// report.
pub fn check(manifest: &Path, options: &CheckOptions, progress: Progress) -> Result<CheckReport> {
    let Parsed { heading, records } = lines::read(manifest)?;
    let folder = folder_of(manifest)?;
    let mut problems = Vec::new();
    let mut videos = Vec::new();
    for (line, record) in records {
        match record {
            Ok(record) => videos.push(Video { line, record }),
            Err(fault) => problems.push(Problem::from_fault(manifest, fault)),
        }
    }
    let counts = SplitCounts::of(videos.iter().map(|video| &video.record), heading.classes.len());
    let (in_shards, in_files): (Vec<_>, Vec<_>) = videos.into_iter().partition(|video| video.record.shard.is_some());
    let way = Way { names: heading.frame_names.clone(), fast: options.fast };
    let examination = Examination::begin(way, options.unfinished.as_deref(), progress)?;
    problems.extend(file_problems(&in_files, &folder, &examination, options.min_frames)?);
    problems.extend(shard_problems(&in_shards, &folder, options.min_frames, progress));
    // The sort is stable: one line's problems stay in the order above.
    problems.sort_by_key(|problem| problem.line);
    problems.extend(list_problems(manifest, &heading, &counts, &options.train_splits));
    Ok(CheckReport { problems, classes: heading.classes, counts })
}

/// A good record and where it is.
struct Video {
    line: usize,
    record: Record,
}

/// Those of single videos, and then those of videos that are the same.
fn file_problems(
    videos: &[Video],
    folder: &Path,
    examination: &Examination,
    min_frames: usize,
) -> Result<Vec<Problem>> {
    let names = examination.way.names.as_ref();
    let path = |video: &Video| folder.join(&video.record.path);
    let found = examination.all(videos, path, |video, examined| {
        let place = Place { file: path(video), line: video.line };
        match examined {
            Ok(examined) => (differences(&place, &video.record, examined, min_frames), examined.content.clone()),
            Err(error) => (vec![unreadable(&place, error, names)], None),
        }
    })?;
    let (problems, contents): (Vec<_>, Vec<_>) = found.into_iter().unzip();
    let seen = videos
        .iter()
        .zip(contents)
        .filter_map(|(video, content)| Some(Seen { line: video.line, record: &video.record, content: content? }));
    let twice = same_contents(seen.collect(), folder, names.is_some());
    Ok(problems.into_iter().flatten().chain(twice).collect())
}

fn shard_problems(videos: &[Video], folder: &Path, min_frames: usize, progress: Progress) -> Vec<Problem> {
    let done = AtomicUsize::new(0);
    let check = |Video { line, record }: &Video| {
        let sample = record.shard.as_ref()?;
        let place = Place { file: folder.join(&sample.file), line: *line };
        let problem = shard_problem(&place, sample, record, min_frames);
        progress(done.fetch_add(1, Ordering::Relaxed) + 1, videos.len());
        problem
    };
    videos.par_iter().filter_map(check).collect()
}

/// Why a video cannot be used.
fn unreadable(place: &Place, error: &Error, names: Option<&FrameNames>) -> Problem {
    let check_numbers = |names: &FrameNames| {
        FrameFolder::check_numbers(&place.file, &names.template_in(&place.file), names.first_index)
    };
    let misnumbered = names.and_then(|names| check_numbers(names).err());
    let line = Some(place.line);
    match (error, misnumbered) {
        (Error::Io { source, path, .. }, _) if source.kind() == io::ErrorKind::NotFound && *path == place.file => {
            place.problem(ProblemKind::MissingFile, "a video", "nothing")
        }
        (_, Some(Error::Content { path: file, expected, found })) => {
            Problem { kind: ProblemKind::FrameNumbers, file, line, expected, found }
        }
        (Error::Content { path, expected, found }, _) => {
            let (file, expected, found) = (path.clone(), expected.clone(), found.clone());
            Problem { kind: ProblemKind::Unreadable, file, line, expected, found }
        }
        _ => place.problem(ProblemKind::Unreadable, "a video that can be decoded", error.to_string()),
    }
}

/// How a video that can be read is not what it should be.
fn differences(place: &Place, record: &Record, found: &Examined, min_frames: usize) -> Vec<Problem> {
    let shown = record.part.map_or(found.frames, |_| record.frames);
    let too_short = place.too_short(shown, min_frames);
    difference(place, record, found).into_iter().chain(too_short).collect()
}

/// The first that is true of: it is damaged, it has other frames, it holds something else. The later follow from the earlier.
fn difference(place: &Place, record: &Record, found: &Examined) -> Option<Problem> {
    let frames = found.frames;
    if found.damaged {
        let found = format!("damage; {frames} frames are left");
        return Some(place.problem(ProblemKind::Damaged, "a video that decodes as a whole", found));
    }
    let other_count = match record.part {
        Some(part) if part.end > frames => {
            let expected = format!("at least {} frames, where the part ends", part.end);
            Some(place.problem(ProblemKind::FrameCount, expected, frames.to_string()))
        }
        Some(_) => None,
        None => place.other_count(frames, record.frames),
    };
    other_count.or_else(|| changed_content(place, record, found))
}

fn changed_content(place: &Place, record: &Record, found: &Examined) -> Option<Problem> {
    let (recorded, found) = record.content.as_ref().zip(found.content.as_ref())?;
    let other = || format!("other ones, of {} bytes", found.bytes);
    (recorded != found).then(|| place.problem(ProblemKind::ChangedContent, "the contents as recorded", other()))
}

/// What is wrong with the list as a whole.
fn list_problems(manifest: &Path, heading: &Heading, counts: &[SplitCounts], train: &[String]) -> Vec<Problem> {
    let label_set = heading.label_set.as_deref().and_then(|name| class_count_fault(name, heading.classes.len()));
    let class_count = label_set.map(|(expected, found)| Problem {
        kind: ProblemKind::ClassCount,
        file: manifest.to_owned(),
        line: None,
        expected,
        found,
    });
    class_count.into_iter().chain(class_problems(manifest, &heading.classes, counts, train)).collect()
}

fn class_problems(manifest: &Path, classes: &[String], counts: &[SplitCounts], train: &[String]) -> Vec<Problem> {
    let problem = |kind, class: &String, splits: &[String]| Problem {
        kind,
        file: manifest.to_owned(),
        line: None,
        expected: format!("videos of class {class:?} in {}", splits.join(" + ")),
        found: "none".into(),
    };
    // Of a split without any label, classes cannot be missed.
    let labelled = counts.iter().filter(|counts| counts.has_labels() || train.contains(&counts.split));
    let (training, others): (Vec<_>, Vec<_>) = labelled.partition(|counts| train.contains(&counts.split));
    let mut problems = Vec::new();
    for (label, class) in classes.iter().enumerate() {
        if training.iter().all(|counts| counts.per_class[label] == 0) {
            problems.push(problem(ProblemKind::NoTraining, class, train));
        }
        for counts in others.iter().filter(|counts| counts.per_class[label] == 0) {
            problems.push(problem(ProblemKind::AbsentFromSplit, class, std::slice::from_ref(&counts.split)));
        }
    }
    problems
}
