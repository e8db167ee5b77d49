//! The work done so far on a long list of videos, so that an interruption costs none of it.

use std::collections::HashMap;
use std::fs::{File, OpenOptions};
use std::io::{self, BufRead, BufReader, Seek, Write};
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use serde::{Deserialize, Serialize};
use taf_files::Lock;

use super::examined::{Examined, Way};
use super::lines::json_line;
use super::{Content, Fingerprint};
use crate::{Error, Result};

/// What has been found out of which video, as long as its files are what they were: one line of JSON each, written when
/// the video is done. A line that an interruption cut off is passed over. The file belongs to one process at a time.
pub(super) struct Ledger {
    path: PathBuf,
    file: Mutex<File>,
    known: HashMap<String, Note>,
}

/// The first line: how the videos were looked at.
#[derive(PartialEq, Serialize, Deserialize)]
struct Header {
    taf_unfinished: u64,
    fast: bool,
    frames_template: Option<String>,
    first_index: Option<usize>,
}

impl Header {
    fn of(way: &Way) -> Self {
        let names = way.names.as_ref();
        Self {
            taf_unfinished: VERSION,
            fast: way.fast,
            frames_template: names.map(|names| names.template.clone()),
            first_index: names.map(|names| names.first_index),
        }
    }
}

const VERSION: u64 = 1;

/// Any other line.
#[derive(Serialize, Deserialize)]
struct Line {
    video: String,
    #[serde(flatten)]
    note: Note,
}

#[derive(Clone, Serialize, Deserialize)]
struct Note {
    fingerprint: Fingerprint,
    frames: usize,
    damaged: bool,
    bytes: u64,
    sha256: String,
}

impl Ledger {
    /// Takes up the file at `path`, or begins it.
    ///
    /// # Errors
    /// If it cannot be written, another process has it, or it holds something else or what was found in another way.
    pub(super) fn open(path: &Path, way: &Way) -> Result<Self> {
        let refused = |source| Error::io("open", path, source);
        let mut file = OpenOptions::new().read(true).append(true).create(true).open(path).map_err(refused)?;
        if taf_files::lock(&file).map_err(|source| Error::io("lock", path, source))? == Lock::Taken {
            let found = "a process that goes on with it right now";
            return Err(Error::content(path, "work that nobody else is at", found));
        }
        let known = read(path, &file, way)?;
        let begun = if known.is_empty() { begin(&mut file, way) } else { file.write_all(b"\n") };
        begun.map_err(|source| Error::io("write", path, source))?;
        Ok(Self { path: path.to_owned(), file: Mutex::new(file), known })
    }

    /// What was found out of a video, if its files are the same still.
    pub(super) fn recall(&self, video: &Path, now: &Fingerprint) -> Option<Examined> {
        let note = self.known.get(video.to_str()?)?;
        (note.fingerprint == *now).then(|| note.clone().into_examined())
    }

    /// Keeps what was found out of a video whose files had this fingerprint before they were looked at.
    pub(super) fn keep(&self, video: &Path, fingerprint: Fingerprint, examined: &Examined) -> Result<()> {
        let (Some(content), Some(video)) = (&examined.content, video.to_str()) else { return Ok(()) };
        let note = Note {
            fingerprint,
            frames: examined.frames,
            damaged: examined.damaged,
            bytes: content.bytes,
            sha256: content.sha256.clone(),
        };
        let line = json_line(&Line { video: video.to_owned(), note });
        let mut file = self.file.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        file.write_all(&line).map_err(|source| Error::io("write", &self.path, source))
    }
}

impl Note {
    fn into_examined(self) -> Examined {
        let Self { frames, damaged, bytes, sha256, .. } = self;
        Examined { frames, damaged, content: Some(Content { bytes, sha256 }) }
    }
}

/// How many videos an interrupted run left in the file that keeps its work; none where there is no such file.
pub fn unfinished_videos(path: &Path) -> usize {
    let Ok(file) = File::open(path) else { return 0 };
    BufReader::new(file).split(b'\n').skip(1).map_while(io::Result::ok).filter(|line| !line.is_empty()).count()
}

/// The notes of a file; the last of a video counts.
fn read(path: &Path, file: &File, way: &Way) -> Result<HashMap<String, Note>> {
    let mut lines = BufReader::new(file).split(b'\n');
    let first = lines.next().transpose().map_err(|source| Error::io("read", path, source))?;
    let Some(first) = first else { return Ok(HashMap::new()) };
    let header: Header = serde_json::from_slice(&first)
        .map_err(|_| Error::content(path, "the unfinished work of an earlier run, or a free name", "another file"))?;
    if header != Header::of(way) {
        let expected = "unfinished work with the same ways of counting and names of pictures (or remove the file)";
        return Err(Error::content(path, expected, "work with other ones"));
    }
    let lines = lines.map_while(io::Result::ok).filter_map(|line| serde_json::from_slice::<Line>(&line).ok());
    Ok(lines.map(|Line { video, note }| (video, note)).collect())
}

fn begin(file: &mut File, way: &Way) -> io::Result<()> {
    file.set_len(0)?;
    file.rewind()?;
    file.write_all(&json_line(&Header::of(way)))
}
