use std::collections::HashMap;
use std::path::Path;

use csv::{ReaderBuilder, StringRecord, Trim};

use super::super::path::plain;
use super::super::{FrameNames, Listing, ListingEntry, Part};
use crate::{Error, Result};

/// What the columns of a CSV file are called.
///
/// The defaults read `path,label[,split][,group][,start,end]`; other columns are ignored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CsvColumns {
    /// Where the video lies, relative to the root or absolute. Must be there.
    pub path: String,
    /// The name of the class. Must be there.
    pub label: String,
    /// The split. If there is such a column, every line must fill it.
    pub split: String,
    /// What related videos share; may be empty.
    pub group: String,
    /// The first frame of a video that is part of a file, from 0; together with `end`, both may be empty.
    pub start: String,
    /// The frame after the last one of it.
    pub end: String,
    /// Put behind every path, for lists of bare names: ".mp4" makes "clip_7" mean "clip_7.mp4".
    pub suffix: String,
    /// What stands between columns, usually a comma.
    pub delimiter: u8,
}

impl Default for CsvColumns {
    fn default() -> Self {
        Self {
            path: "path".into(),
            label: "label".into(),
            split: "split".into(),
            group: "group".into(),
            start: "start".into(),
            end: "end".into(),
            suffix: String::new(),
            delimiter: b',',
        }
    }
}

/// Lists the videos of a CSV file whose paths start from `root`.
///
/// The first line must name the columns; their order is free. Quoting is that of RFC 4180, white space around a value
/// is dropped. With `frame_names`, each path is a folder of pictures. Paths may climb (`../videos/1.mp4`).
///
/// # Errors
/// If a column is missing, there are no rows, a line has more or fewer values than the first, a value is empty, or two lines name the same
/// video in whatever spelling: the line is named.
pub fn csv(file: &Path, root: &Path, columns: &CsvColumns, frame_names: Option<FrameNames>) -> Result<Listing> {
    let mut reader = ReaderBuilder::new()
        .trim(Trim::All)
        .delimiter(columns.delimiter)
        .from_path(file)
        .map_err(|error| csv_error(file, error))?;
    let header = reader.headers().map_err(|error| csv_error(file, error))?.clone();
    let places = Places::find(file, &header, columns)?;
    let root = plain(root)?;
    let mut lines_of_videos = HashMap::new();
    let mut entries = Vec::new();
    for line in reader.records() {
        let line = line.map_err(|error| csv_error(file, error))?;
        let mut entry = places.entry(file, &line, &columns.suffix)?;
        let (written, number) = (entry.path, number_of(&line));
        entry.path = path_from(&root, &written)?;
        let first = *lines_of_videos.entry((entry.path.clone(), entry.part)).or_insert(number);
        if first != number {
            let found = format!("{written:?} on line {number}, which names the video of line {first}");
            return Err(Error::content(file, "every path once", found));
        }
        entries.push(entry);
    }
    if entries.is_empty() {
        return Err(Error::content(file, "a row for each video below the names of the columns", "no rows"));
    }
    Listing::new(&root, frame_names, entries, Vec::new())
}

fn number_of(line: &StringRecord) -> u64 {
    line.position().map_or(0, csv::Position::line)
}

/// The one spelling of a path that starts from `root`: relative where it lies under it, else absolute.
pub(super) fn path_from(root: &Path, written: &str) -> Result<String> {
    let full = plain(&root.join(written))?;
    let path = full.strip_prefix(root).unwrap_or(&full);
    path.to_str().map(str::to_owned).ok_or_else(|| Error::content(&full, "a UTF-8 path", "other bytes"))
}

/// Where the columns are.
struct Places {
    path: usize,
    label: usize,
    split: Option<usize>,
    group: Option<usize>,
    part: Option<(usize, usize)>,
}

impl Places {
    fn find(file: &Path, header: &StringRecord, columns: &CsvColumns) -> Result<Self> {
        let place = |name: &str| header.iter().position(|column| column == name);
        let required = |name: &str| {
            let found = || format!("the columns {}", header.iter().collect::<Vec<_>>().join(", "));
            place(name).ok_or_else(|| Error::content(file, format!("a column {name:?} in the first line"), found()))
        };
        if place(&columns.start).is_some() != place(&columns.end).is_some() {
            let expected = format!("the columns {:?} and {:?} together", columns.start, columns.end);
            return Err(Error::content(file, expected, "one of them"));
        }
        Ok(Self {
            path: required(&columns.path)?,
            label: required(&columns.label)?,
            split: place(&columns.split),
            group: place(&columns.group),
            part: place(&columns.start).zip(place(&columns.end)),
        })
    }

    fn entry(&self, file: &Path, line: &StringRecord, suffix: &str) -> Result<ListingEntry> {
        let filled = |place: usize, what: &str| match &line[place] {
            "" => Err(Error::content(file, format!("a {what}"), format!("an empty value on line {}", number_of(line)))),
            value => Ok(value.to_owned()),
        };
        Ok(ListingEntry {
            path: filled(self.path, "path")? + suffix,
            label: Some(filled(self.label, "label")?),
            split: self.split.map(|place| filled(place, "split")).transpose()?,
            group: self.group.map(|place| line[place].to_owned()).filter(|group| !group.is_empty()),
            part: self.part(file, line)?,
            ..Default::default()
        })
    }

    fn part(&self, file: &Path, line: &StringRecord) -> Result<Option<Part>> {
        let Some((start, end)) = self.part.map(|(start, end)| (&line[start], &line[end])) else { return Ok(None) };
        if start.is_empty() && end.is_empty() {
            return Ok(None);
        }
        let part = start.parse().ok().zip(end.parse().ok()).map(|(start, end)| Part { start, end });
        part.filter(|part| part.frames() > 0).map(Some).ok_or_else(|| {
            let found = format!("{start:?} to {end:?} on line {}", number_of(line));
            Error::content(file, "a part from one frame to a later one, in whole numbers", found)
        })
    }
}

fn csv_error(file: &Path, error: csv::Error) -> Error {
    let line = error.position().map_or(String::new(), |position| format!(" on line {}", position.line()));
    match error.into_kind() {
        csv::ErrorKind::Io(source) => Error::io("read", file, source),
        csv::ErrorKind::UnequalLengths { expected_len, len, .. } => {
            Error::content(file, format!("{expected_len} values as in the first line"), format!("{len}{line}"))
        }
        csv::ErrorKind::Utf8 { .. } => Error::content(file, "UTF-8 text", format!("other bytes{line}")),
        other => Error::content(file, "a CSV file", format!("{other:?}{line}")),
    }
}
