use std::collections::HashMap;
use std::fmt;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};

use rayon::prelude::*;
use serde::Serialize;
use sha2::{Digest, Sha256};

use super::heading::Heading;
use super::lines::{self, Fault, Parsed, ProblemKind};
use super::path::folder_of;
use super::prepare::Examined;
use super::{FrameNames, Progress, Record, SplitCounts};
use crate::cache::{CachedVideo, SamplePlace};
use crate::{Error, Result};

/// What a manifest is held to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CheckOptions {
    /// The fewest frames a video may have.
    pub min_frames: usize,
    /// The splits that are trained on: together they must hold every class. Every other split must hold every class itself.
    pub train_splits: Vec<String>,
}

impl Default for CheckOptions {
    fn default() -> Self {
        Self { min_frames: 1, train_splits: vec!["train".into()] }
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

/// One thing that is wrong, with where it is and what should be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Problem {
    /// What sort of thing.
    pub kind: ProblemKind,
    /// The video, or the manifest if the line or the whole list is at fault.
    pub file: PathBuf,
    /// The line of the manifest, counted from 1, if one line is at fault.
    pub line: Option<usize>,
    /// What should be.
    pub expected: String,
    /// What is.
    pub found: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "expected {}, found {}: {}", self.expected, self.found, self.file.display())?;
        self.line.map_or(Ok(()), |line| write!(f, " (line {line})"))
    }
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
/// Only if the file cannot be read or its header is bad; every other fault is in the report.
pub fn check(manifest: &Path, options: &CheckOptions, progress: Progress) -> Result<CheckReport> {
    let Parsed { heading: Heading { classes, frame_names, .. }, records } = lines::read(manifest)?;
    let folder = folder_of(manifest)?;
    let mut problems = Vec::new();
    let mut videos = Vec::new();
    for (line, record) in records {
        match record {
            Ok(record) => {
                let file = record.shard.as_ref().map_or(&record.path, |place| &place.file);
                videos.push(Video { line, file: folder.join(file), record });
            }
            Err(fault) => problems.push(Problem::from_fault(manifest, fault)),
        }
    }
    problems.extend(file_problems(&videos, frame_names.as_ref(), options, progress));
    problems.extend(same_contents(&videos));
    // The sort is stable: one line's problems stay in the order above.
    problems.sort_by_key(|problem| problem.line);
    let counts = SplitCounts::of(videos.iter().map(|video| &video.record), classes.len());
    problems.extend(class_problems(manifest, &classes, &counts, &options.train_splits));
    Ok(CheckReport { problems, classes, counts })
}

/// A good record and where it is.
struct Video {
    line: usize,
    file: PathBuf,
    record: Record,
}

impl Video {
    fn problem(&self, kind: ProblemKind, expected: impl Into<String>, found: impl Into<String>) -> Problem {
        Problem { kind, file: self.file.clone(), line: Some(self.line), expected: expected.into(), found: found.into() }
    }

    fn problems(&self, names: Option<&FrameNames>, options: &CheckOptions) -> Vec<Problem> {
        if let Some(place) = &self.record.shard {
            return self.problems_in_shard(place, options.min_frames);
        }
        match Examined::by_decoding(&self.file, names) {
            Ok(examined) => self.differences(&examined, options.min_frames),
            Err(Error::Io { source, .. }) if source.kind() == io::ErrorKind::NotFound => {
                vec![self.problem(ProblemKind::MissingFile, "a video", "nothing")]
            }
            Err(Error::Content { path, expected, found }) if path == self.file => {
                vec![self.problem(ProblemKind::Unreadable, expected, found)]
            }
            Err(error) => vec![self.problem(ProblemKind::Unreadable, "a video that can be decoded", error.to_string())],
        }
    }

    /// Whether every picture is still what was stored.
    fn problems_in_shard(&self, place: &SamplePlace, min_frames: usize) -> Vec<Problem> {
        let recorded = self.record.frames;
        match CachedVideo::open(&self.file, place, &self.record.id()).and_then(|mut video| video.verify()) {
            Ok(frames) if frames != recorded => {
                let expected = format!("{recorded} frames as recorded");
                vec![self.problem(ProblemKind::FrameCount, expected, frames.to_string())]
            }
            Ok(frames) if frames < min_frames => {
                let expected = format!("at least {min_frames} frames");
                vec![self.problem(ProblemKind::TooShort, expected, frames.to_string())]
            }
            Ok(_) => Vec::new(),
            Err(Error::Content { expected, found, .. }) => vec![self.problem(ProblemKind::Unreadable, expected, found)],
            Err(error) => vec![self.problem(ProblemKind::Unreadable, "a shard that can be read", error.to_string())],
        }
    }

    /// How a video that can be read is not what it should be.
    fn differences(&self, found: &Examined, min_frames: usize) -> Vec<Problem> {
        let Record { frames: recorded, part, content, .. } = &self.record;
        let frames = found.frames;
        let mut problems = Vec::new();
        let lacking = part.is_some_and(|part| part.end > frames) || part.is_none() && frames != *recorded;
        if lacking {
            let expected = match part {
                Some(part) => format!("at least {} frames, where the part ends", part.end),
                None => format!("{recorded} frames as recorded"),
            };
            problems.push(self.problem(ProblemKind::FrameCount, expected, frames.to_string()));
        }
        if let (Some(recorded), Some(found)) = (content, &found.content)
            && recorded != found
        {
            let found = format!("other ones, of {} bytes", found.bytes);
            problems.push(self.problem(ProblemKind::ChangedContent, "the contents as recorded", found));
        }
        if found.damaged {
            let found = format!("damage; {frames} frames are left");
            problems.push(self.problem(ProblemKind::Damaged, "a video that decodes as a whole", found));
        }
        let shown = part.map_or(frames, |_| *recorded);
        if shown < min_frames {
            let expected = format!("at least {min_frames} frames");
            problems.push(self.problem(ProblemKind::TooShort, expected, shown.to_string()));
        }
        problems
    }
}

impl Problem {
    fn from_fault(manifest: &Path, fault: Fault) -> Self {
        let Fault { kind, line, expected, found } = fault;
        Self { kind, file: manifest.to_owned(), line: Some(line), expected, found }
    }
}

fn file_problems(
    videos: &[Video],
    names: Option<&FrameNames>,
    options: &CheckOptions,
    progress: Progress,
) -> Vec<Problem> {
    let done = AtomicUsize::new(0);
    let check = |video: &Video| {
        let problems = video.problems(names, options);
        progress(done.fetch_add(1, Ordering::Relaxed) + 1, videos.len());
        problems
    };
    videos.par_iter().flat_map_iter(check).collect()
}

/// Videos with the same bytes as one on an earlier line. Only files of equal size are read.
fn same_contents(videos: &[Video]) -> Vec<Problem> {
    let mut by_size = HashMap::<u64, Vec<&Video>>::new();
    // A shard is the file of many.
    let videos: Vec<_> = videos.iter().filter(|video| video.record.shard.is_none()).collect();
    let sizes: Vec<_> = videos.par_iter().map(|video| size_of(&video.file)).collect();
    for (video, size) in videos.into_iter().zip(sizes) {
        // A file that cannot be read has been reported already.
        if let Ok(size) = size {
            by_size.entry(size).or_default().push(video);
        }
    }
    let rivals: Vec<_> = by_size.into_values().filter(|videos| videos.len() > 1).collect();
    rivals.par_iter().flat_map_iter(|videos| same_hashes(videos)).collect()
}

fn same_hashes(videos: &[&Video]) -> Vec<Problem> {
    let mut first_with = HashMap::<Vec<u8>, &Video>::new();
    let mut problems = Vec::new();
    for video in videos {
        let Ok(hash) = hash_of(&video.file) else { continue };
        let first = *first_with.entry(hash).or_insert(video);
        // Two parts of a file are two videos.
        if first.line != video.line && first.file != video.file {
            problems.push(video.duplicates(first));
        }
    }
    problems
}

impl Video {
    fn duplicates(&self, first: &Video) -> Problem {
        let splits = match (&first.record.split, &self.record.split) {
            (a, b) if a == b => format!("both in {a}"),
            (a, b) => format!("a leak from {a} to {b}"),
        };
        let found = format!("the bytes of {:?} on line {}, {splits}", first.record.path, first.line);
        self.problem(ProblemKind::DuplicateContent, "every video once", found)
    }
}

/// The pictures of a video folder by name, or the video file itself.
fn parts(video: &Path) -> io::Result<Vec<PathBuf>> {
    if !video.is_dir() {
        return Ok(vec![video.to_owned()]);
    }
    let mut parts = fs::read_dir(video)?.map(|entry| Ok(entry?.path())).collect::<io::Result<Vec<_>>>()?;
    parts.retain(|part| part.is_file());
    parts.sort();
    Ok(parts)
}

fn size_of(video: &Path) -> io::Result<u64> {
    parts(video)?.iter().map(|part| Ok(fs::metadata(part)?.len())).sum()
}

fn hash_of(video: &Path) -> io::Result<Vec<u8>> {
    let mut whole = Sha256::new();
    for part in parts(video)? {
        let mut hasher = Sha256::new();
        io::copy(&mut File::open(part)?, &mut hasher)?;
        whole.update(hasher.finalize());
    }
    Ok(whole.finalize().to_vec())
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
