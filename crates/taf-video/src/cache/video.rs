use std::fs::File;
use std::io::{ErrorKind, Read as _, Seek as _, SeekFrom};
use std::path::{Path, PathBuf};

use super::SamplePlace;
use super::contents::Contents;
use super::member::{self, HEADER};
use crate::decode::{VideoInfo, VideoSource, picture_of, read_singly};
use crate::hash::sha256_of;
use crate::{Clip, Error, Frame, Result};

/// The pictures of one video inside a shard. Only those that are asked for are read, each is checked against its hash.
pub(crate) struct CachedVideo {
    /// The shard.
    path: PathBuf,
    /// The video's name in the manifest.
    name: String,
    file: File,
    contents: Contents,
    info: VideoInfo,
    /// Where the members of the pictures begin in the shard, and where the last one ends.
    places: Vec<u64>,
}

/// Bytes that are read at first: enough for the contents of some hundred pictures.
const FIRST_READ: u64 = 16 << 10;

impl CachedVideo {
    /// Opens the shard at `path` and reads what lies there for the video `name`.
    ///
    /// # Errors
    /// [`Error::Content`] names shard and video where the shard is missing, too short, or holds anything else.
    pub(crate) fn open(path: &Path, place: &SamplePlace, name: &str) -> Result<Self> {
        let mut file = File::open(path).map_err(|source| match source.kind() {
            ErrorKind::NotFound => Error::content(path, format!("the shard that holds {name:?}"), "no file"),
            _ => Error::io("open", path, source),
        })?;
        let other = |expected: &str| Error::content(path, format!("{expected} of {name:?}"), "other bytes");
        check_length(&file, path, place, name)?;
        let text = read_contents(&mut file, place)
            .map_err(|source| Error::io("read", path, source))?
            .filter(|text| sha256_of(text) == place.sha256)
            .ok_or_else(|| other("the contents"))?;
        let contents: Contents = serde_json::from_slice(&text).map_err(|_| other("readable contents"))?;
        let first = place.offset + member::span(text.len() as u64);
        let places: Vec<u64> = contents.places().into_iter().map(|at| first.saturating_add(at)).collect();
        if contents.video != name || places.last().is_some_and(|&end| end > place.offset + place.bytes) {
            return Err(other("the pictures"));
        }
        let info = info_of(&contents);
        Ok(Self { path: path.to_owned(), name: name.to_owned(), file, contents, info, places })
    }

    /// Reads every picture; gives their number.
    pub(crate) fn verify(&mut self) -> Result<usize> {
        let frames = self.contents.frames.len();
        (0..frames).try_for_each(|index| self.frame(index).map(drop))?;
        Ok(frames)
    }

    fn frame(&mut self, index: usize) -> Result<Frame> {
        let picture = &self.contents.frames[index];
        let other = || {
            let expected = format!("frame {index} of {:?} as it was written", self.name);
            Error::content(&self.path, expected, "other bytes")
        };
        // No more than the place of the sample, which lies inside the file.
        let mut bytes = vec![0; usize::try_from(picture.bytes).map_err(|_| other())?];
        self.file
            .seek(SeekFrom::Start(self.places[index] + HEADER))
            .and_then(|_| self.file.read_exact(&mut bytes))
            .map_err(|source| Error::io("read", &self.path, source))?;
        if sha256_of(&bytes) != picture.sha256 {
            return Err(other());
        }
        let (frame, _) = picture_of(&self.path, &bytes)?;
        let is_fitting = (frame.width(), frame.height()) == (self.info.width, self.info.height);
        if is_fitting { Ok(frame) } else { Err(other()) }
    }
}

/// Refuses a shard that ends before the sample does.
fn check_length(file: &File, path: &Path, place: &SamplePlace, name: &str) -> Result<()> {
    let length = file.metadata().map_err(|source| Error::io("read", path, source))?.len();
    match place.offset.checked_add(place.bytes) {
        Some(end) if end <= length => Ok(()),
        _ => {
            let expected = format!("{name:?} in {} bytes from byte {} on", place.bytes, place.offset);
            Err(Error::content(path, expected, format!("a shard of {length} bytes")))
        }
    }
}

/// The contents of the sample's first member; `None` where there is no member, or one that reaches too far.
fn read_contents(file: &mut File, place: &SamplePlace) -> std::io::Result<Option<Vec<u8>>> {
    let mut head = vec![0; place.bytes.min(FIRST_READ) as usize];
    file.seek(SeekFrom::Start(place.offset))?;
    file.read_exact(&mut head)?;
    let size = head.first_chunk().and_then(member::size).filter(|&size| member::span(size) <= place.bytes);
    let Some(size) = size else { return Ok(None) };
    let mut text = head.split_off(HEADER as usize);
    let missing = (size as usize).saturating_sub(text.len());
    text.truncate(size as usize);
    let read = text.len();
    text.resize(read + missing, 0);
    file.read_exact(&mut text[read..])?;
    Ok(Some(text))
}

fn info_of(contents: &Contents) -> VideoInfo {
    VideoInfo {
        width: contents.width,
        height: contents.height,
        fps: contents.fps,
        codec: "jpeg".to_owned(),
        pixel_format: "rgb24".to_owned(),
    }
}

impl VideoSource for CachedVideo {
    fn num_frames(&mut self) -> Result<usize> {
        Ok(self.contents.frames.len())
    }

    fn read(&mut self, indices: &[usize]) -> Result<Clip> {
        let (path, frames) = (self.path.clone(), self.contents.frames.len());
        read_singly(&path, indices, frames, |index| self.frame(index))
    }

    fn info(&self) -> &VideoInfo {
        &self.info
    }

    fn path(&self) -> &Path {
        &self.path
    }
}
