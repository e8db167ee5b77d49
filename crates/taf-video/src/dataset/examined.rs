use std::path::Path;

use super::manifest::open_source;
use super::{Content, FrameNames, Part};
use crate::decode::count_packets;
use crate::{Error, Result};

/// How closely videos are looked at.
#[derive(Clone)]
pub(super) struct Way {
    /// How pictures are named, if the videos are folders of pictures.
    pub names: Option<FrameNames>,
    /// Believe containers and folders as far as that is safe, instead of decoding.
    pub fast: bool,
}

/// What a look at a video tells.
#[derive(Clone)]
pub(super) struct Examined {
    /// At least 1.
    pub frames: usize,
    /// Some of the file did not decode.
    pub damaged: bool,
    /// `None` where nobody looked.
    pub content: Option<Content>,
}

impl Examined {
    /// Looks at a video file or folder of pictures.
    pub(super) fn of(path: &Path, way: &Way) -> Result<Self> {
        let names = way.names.as_ref();
        let by_packets = if way.fast && names.is_none() { count_packets(path)? } else { None };
        let (frames, damaged) = match by_packets {
            Some(frames) => (frames, false),
            None => count(path, way)?,
        };
        if frames == 0 {
            return Err(Error::content(path, "at least one frame", "none"));
        }
        Ok(Self { frames, damaged, content: Some(Content::of(path, names)?) })
    }

    /// The same of a part of the video.
    pub(super) fn part(&self, part: Option<Part>, path: &Path) -> Result<Self> {
        match part {
            Some(Part { end, .. }) if end > self.frames => {
                let expected = format!("at least {end} frames, where the part ends");
                Err(Error::content(path, expected, self.frames.to_string()))
            }
            Some(part) => Ok(Self { frames: part.frames(), ..self.clone() }),
            None => Ok(self.clone()),
        }
    }
}

/// How many frames come out of a video, and whether some of it did not decode.
fn count(path: &Path, way: &Way) -> Result<(usize, bool)> {
    let mut source = open_source(path, way.names.as_ref(), None)?;
    let frames = source.num_frames()?;
    if way.names.is_some() && !way.fast {
        // A folder counts its names; whether each is a picture shows only when it is read.
        (0..frames).try_for_each(|index| source.read(&[index]).map(drop))?;
    }
    Ok((frames, source.is_damaged()?))
}
