//! The manifest as it lies on disk: one JSON object per line, a header first.

use std::collections::HashMap;
use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::classes::shortened;
use super::heading::Heading;
use super::path::folder_of;
use super::record::{frames_fault, path_fault};
use super::{Content, FrameNames, Part, Record};
use crate::cache::{CacheOrigin, SamplePlace};
use crate::{Error, Result};

/// The version written, and the only one read.
const VERSION: u64 = 1;
/// No honest line comes near this; a file that is not a manifest must not fill the memory.
pub(super) const MAX_LINE_BYTES: u64 = 1 << 20;
/// What a record line looks like, for messages.
const RECORD_SHAPE: &str = r#"a record {"path", "label", "split", "frames"}, if need be with "start", "end", "group", "bytes", "sha256", "damaged", "shard""#;

/// What is wrong with a record of a manifest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ProblemKind {
    /// The line is not a record.
    MalformedLine,
    /// The label is not among the header's classes.
    UnknownLabel,
    /// Two records name the same path, or the same part of it.
    DuplicatePath,
    /// Nothing lies at the path.
    MissingFile,
    /// The video cannot be decoded.
    Unreadable,
    /// Some of the video does not decode.
    Damaged,
    /// The file holds something else than when the manifest was prepared.
    ChangedContent,
    /// The pictures of a folder are not numbered from the first index on without gaps.
    FrameNumbers,
    /// The video has another number of frames than the record says.
    FrameCount,
    /// The video has fewer frames than were asked for.
    TooShort,
    /// Two paths hold the same bytes.
    DuplicateContent,
    /// There are about as many classes as the set of labels has, but not all, or more.
    ClassCount,
    /// A class has no video to train on.
    NoTraining,
    /// A class has no video in a split that is not for training.
    AbsentFromSplit,
}

/// A line that is no record: which, and why.
#[derive(Debug)]
pub(super) struct Fault {
    pub kind: ProblemKind,
    pub line: usize,
    pub expected: String,
    pub found: String,
}

impl Fault {
    fn malformed(line: usize, expected: impl Into<String>, found: impl Into<String>) -> Self {
        Self { kind: ProblemKind::MalformedLine, line, expected: expected.into(), found: found.into() }
    }

    pub(super) fn into_error(self, manifest: &Path) -> Error {
        Error::content(manifest, self.expected, format!("{} on line {}", self.found, self.line))
    }
}

/// The first line of a manifest.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Header {
    taf_manifest: u64,
    classes: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    label_set: Option<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    mirror_pairs: Vec<[String; 2]>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    frames_template: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    first_index: Option<usize>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    cache: Option<CacheOrigin>,
}

/// Any other line of a manifest.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    path: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    label: Option<String>,
    split: String,
    frames: usize,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    start: Option<usize>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    end: Option<usize>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    group: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    bytes: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    sha256: Option<String>,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    damaged: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    shard: Option<SamplePlace>,
}

/// A manifest file, parsed: good lines and bad ones, each with its number (counted from 1).
pub(super) struct Parsed {
    pub heading: Heading,
    pub records: Vec<(usize, std::result::Result<Record, Fault>)>,
}

/// Reads every line. A bad header is an error; a bad record is kept as a [`Fault`].
pub(super) fn read(path: &Path) -> Result<Parsed> {
    let file = File::open(path).map_err(|source| Error::io("open", path, source))?;
    let mut input = BufReader::new(file);
    let header = match next_line(&mut input, 1).map_err(|source| Error::io("read", path, source))? {
        // Some editors put a byte order mark before the first letter.
        Some(text) => text.and_then(|text| parse_header(text.trim_start_matches('\u{feff}'))),
        None => Err(Fault::malformed(1, "a manifest header", "an empty file")),
    };
    let heading = header.map_err(|fault| fault.into_error(path))?;
    let mut reader = RecordReader::new(folder_of(path)?, &heading.classes);
    let mut records = Vec::new();
    for number in 2.. {
        let Some(text) = next_line(&mut input, number).map_err(|source| Error::io("read", path, source))? else {
            break;
        };
        if !matches!(&text, Ok(text) if text.trim().is_empty()) {
            records.push((number, text.and_then(|text| reader.record(number, &text))));
        }
    }
    Ok(Parsed { heading, records })
}

/// Whether the line of a heading is too long to be read again, and how long it is.
pub(super) fn long_header(heading: &Heading) -> Option<usize> {
    Some(heading_line(heading).len()).filter(|&bytes| bytes as u64 > MAX_LINE_BYTES)
}

/// The first line of a manifest that is too long to be read again.
pub(super) fn long_line(manifest: &[u8]) -> Option<Fault> {
    let lines = manifest.split_inclusive(|&byte| byte == b'\n');
    let (place, line) = lines.enumerate().find(|(_, line)| line.len() as u64 > MAX_LINE_BYTES)?;
    let expected = format!("lines of at most {MAX_LINE_BYTES} bytes");
    Some(Fault::malformed(place + 1, expected, format!("one of {} bytes", line.len())))
}

/// The first line of a manifest: the same heading always gives the same bytes.
pub(super) fn heading_line(heading: &Heading) -> Vec<u8> {
    json_line(&Header::of(heading))
}

/// The line of a record: the same record always gives the same bytes.
pub(super) fn record_line(record: &Record, classes: &[String]) -> Vec<u8> {
    json_line(&Line::of(record, classes))
}

/// A value as a line of JSON.
pub(super) fn json_line(value: &impl Serialize) -> Vec<u8> {
    let mut bytes = serde_json::to_vec(value).expect("strings and numbers are always JSON");
    bytes.push(b'\n');
    bytes
}

impl Header {
    fn of(heading: &Heading) -> Self {
        let Heading { classes, label_set, mirror_pairs, frame_names, cache } = heading.clone();
        let (frames_template, first_index) = frame_names.map(|names| (names.template, names.first_index)).unzip();
        Self { taf_manifest: VERSION, classes, label_set, mirror_pairs, frames_template, first_index, cache }
    }

    fn into_heading(self) -> Heading {
        let Self { classes, label_set, mirror_pairs, frames_template, first_index, cache, .. } = self;
        let first_index = first_index.unwrap_or(1);
        let frame_names = frames_template.map(|template| FrameNames { template, first_index });
        Heading { classes, label_set, mirror_pairs, frame_names, cache }
    }
}

fn parse_header(text: &str) -> std::result::Result<Heading, Fault> {
    /// Read first, so that a later version is named as such and not as an unknown field.
    #[derive(Deserialize)]
    struct Version {
        taf_manifest: u64,
    }
    let shape = format!(r#"a manifest header {{"taf_manifest": {VERSION}, "classes": [...]}}"#);
    let json_fault = |error| Fault::malformed(1, shape.clone(), json_message(&error));
    let version = serde_json::from_str::<Version>(text).map_err(json_fault)?.taf_manifest;
    if version != VERSION {
        return Err(Fault::malformed(1, format!("manifest version {VERSION}"), format!("version {version}")));
    }
    let header = serde_json::from_str::<Header>(text).map_err(json_fault)?;
    if header.first_index.is_some() && header.frames_template.is_none() {
        return Err(Fault::malformed(1, r#""frames_template" beside "first_index""#, r#""first_index" alone"#));
    }
    let heading = header.into_heading();
    match heading.fault() {
        Some((expected, found)) => Err(Fault::malformed(1, expected, found)),
        None => Ok(heading),
    }
}

/// Turns lines into records, remembering what it has seen.
struct RecordReader<'a> {
    folder: PathBuf,
    classes: &'a [String],
    labels: HashMap<&'a str, usize>,
    lines_of_videos: HashMap<(PathBuf, Option<Part>), usize>,
}

impl<'a> RecordReader<'a> {
    fn new(folder: PathBuf, classes: &'a [String]) -> Self {
        let labels = classes.iter().enumerate().map(|(label, class)| (class.as_str(), label)).collect();
        Self { folder, classes, labels, lines_of_videos: HashMap::new() }
    }

    fn record(&mut self, number: usize, text: &str) -> std::result::Result<Record, Fault> {
        let line: Line =
            serde_json::from_str(text).map_err(|error| Fault::malformed(number, RECORD_SHAPE, json_message(&error)))?;
        if let Some((expected, found)) = path_fault(&line.path).or_else(|| line.fault()) {
            return Err(Fault::malformed(number, expected, found));
        }
        let video = (self.folder.join(&line.path), line.part());
        let first = *self.lines_of_videos.entry(video).or_insert(number);
        if first != number {
            let found = format!("{:?} again, first on line {first}", line.path);
            return Err(Fault {
                kind: ProblemKind::DuplicatePath,
                line: number,
                expected: "every path once".into(),
                found,
            });
        }
        let label = line.label.as_deref().map(|name| self.label(number, name)).transpose()?;
        Ok(line.into_record(label))
    }

    fn label(&self, number: usize, name: &str) -> std::result::Result<usize, Fault> {
        self.labels.get(name).copied().ok_or_else(|| Fault {
            kind: ProblemKind::UnknownLabel,
            line: number,
            expected: format!("a label among the header's classes ({})", shortened(self.classes)),
            found: format!("{name:?}"),
        })
    }
}

impl Line {
    fn of(record: &Record, classes: &[String]) -> Self {
        Self {
            path: record.path.clone(),
            label: record.label.map(|label| classes[label].clone()),
            split: record.split.clone(),
            frames: record.frames,
            start: record.part.map(|part| part.start),
            end: record.part.map(|part| part.end),
            group: record.group.clone(),
            bytes: record.content.as_ref().map(|content| content.bytes),
            sha256: record.content.as_ref().map(|content| content.sha256.clone()),
            damaged: record.damaged,
            shard: record.shard.clone(),
        }
    }

    fn part(&self) -> Option<Part> {
        self.start.zip(self.end).map(|(start, end)| Part { start, end })
    }

    fn into_record(self, label: Option<usize>) -> Record {
        let part = self.part();
        let Self { path, split, frames, group, bytes, sha256, damaged, shard, .. } = self;
        let content = bytes.zip(sha256).map(|(bytes, sha256)| Content { bytes, sha256 });
        Record { path, label, split, frames, part, group, content, damaged, shard }
    }

    fn fault(&self) -> Option<(&'static str, String)> {
        if self.split.trim().is_empty() {
            Some(("the name of a split", format!("{:?}", self.split)))
        } else if self.start.is_some() != self.end.is_some() {
            Some((r#""start" and "end" together"#, "one of them".into()))
        } else if let Some(fault) = frames_fault(self.frames, self.part()) {
            Some(fault)
        } else if let Some(fault) = self.shard.as_ref().and_then(|place| path_fault(&place.file)) {
            Some(fault)
        } else if self.bytes.is_some() != self.sha256.is_some() {
            Some((r#""bytes" and "sha256" together"#, "one of them".into()))
        } else {
            let is_digit = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
            let is_hash = |text: &&String| text.len() == 64 && text.bytes().all(is_digit);
            let bad = self.sha256.as_ref().filter(|text| !is_hash(text))?;
            Some((r#""sha256" of 64 hexadecimal digits"#, format!("{bad:?}")))
        }
    }
}

/// The message without serde's "at line 1", which would be taken for the line of the file.
fn json_message(error: &serde_json::Error) -> String {
    let text = error.to_string();
    let message = text.split(" at line ").next().unwrap_or(&text);
    format!("{message} (column {})", error.column())
}

/// The next line without its end; `None` at the end of the file.
///
/// A line that is too long or not UTF-8 is a fault, and the one after it can still be read.
pub(super) fn next_line(
    input: &mut impl BufRead,
    number: usize,
) -> std::io::Result<Option<std::result::Result<String, Fault>>> {
    let mut bytes = Vec::new();
    if input.by_ref().take(MAX_LINE_BYTES).read_until(b'\n', &mut bytes)? == 0 {
        return Ok(None);
    }
    if bytes.len() as u64 == MAX_LINE_BYTES && bytes.last() != Some(&b'\n') && input.skip_until(b'\n')? > 0 {
        let expected = format!("lines of at most {MAX_LINE_BYTES} bytes");
        return Ok(Some(Err(Fault::malformed(number, expected, "a longer one"))));
    }
    Ok(Some(String::from_utf8(bytes).map_err(|_| Fault::malformed(number, "UTF-8 text", "other bytes"))))
}
