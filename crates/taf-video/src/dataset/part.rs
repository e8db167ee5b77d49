use std::path::Path;

use crate::decode::{VideoInfo, VideoSource, check_indices};
use crate::{Clip, Error, Result};

/// Some consecutive frames of a video.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Part {
    /// The first frame, from 0.
    pub start: usize,
    /// The frame after the last one.
    pub end: usize,
}

impl Part {
    /// How many frames it has; 0 where it ends before it starts.
    pub fn frames(&self) -> usize {
        self.end.saturating_sub(self.start)
    }
}

/// A part of a video, seen as a video of its own.
pub(super) struct PartOfVideo {
    whole: Box<dyn VideoSource>,
    part: Part,
}

impl PartOfVideo {
    pub(super) fn new(whole: Box<dyn VideoSource>, part: Part) -> Self {
        Self { whole, part }
    }
}

impl VideoSource for PartOfVideo {
    fn num_frames(&mut self) -> Result<usize> {
        let (Part { end, .. }, frames) = (self.part, self.whole.num_frames()?);
        if end > frames {
            let expected = format!("at least {end} frames, where the part ends");
            return Err(Error::content(self.whole.path(), expected, frames.to_string()));
        }
        Ok(self.part.frames())
    }

    fn read(&mut self, indices: &[usize]) -> Result<Clip> {
        let frames = self.num_frames()?;
        check_indices(self.whole.path(), indices, frames)?;
        let indices: Vec<usize> = indices.iter().map(|index| self.part.start + index).collect();
        self.whole.read(&indices)
    }

    fn is_damaged(&mut self) -> Result<bool> {
        self.whole.is_damaged()
    }

    fn info(&self) -> &VideoInfo {
        self.whole.info()
    }

    fn path(&self) -> &Path {
        self.whole.path()
    }
}
