use std::ops::Range;
use std::path::Path;

use super::VideoSource;
use crate::{Error, Frame, Result};

/// The frames of a video in the order they are shown, each gone past once: for videos too long to be held or gone back in.
pub trait TimedFrames: Send {
    /// Goes on to the next frame; from when until when it is shown, in seconds from the first. None after the last.
    ///
    /// # Errors
    /// If the file cannot be read on.
    fn advance(&mut self) -> Result<Option<Range<f64>>>;

    /// The frame that was gone on to last.
    ///
    /// # Errors
    /// If it has no pixels that can be shown.
    fn frame(&mut self) -> Result<Frame>;

    /// How long the video is, where something says.
    fn duration_secs(&self) -> Option<f64>;

    /// Frames per second, where something says.
    fn fps(&self) -> Option<f64>;

    /// The file or folder, for messages.
    fn path(&self) -> &Path;
}

/// Any source at a pace of so many frames per second: what a folder of pictures lacks.
pub struct PacedVideo {
    video: Box<dyn VideoSource>,
    frames: usize,
    fps: f64,
    /// How many frames were gone on to.
    gone: usize,
}

impl PacedVideo {
    /// `fps` is above 0 and at most 1000.
    ///
    /// # Errors
    /// If it is not, or the frames cannot be counted.
    pub fn new(mut video: Box<dyn VideoSource>, fps: f64) -> Result<Self> {
        if !(fps > 0.0 && fps <= 1000.0) {
            return Err(Error::setting("fps", "above 0 and at most 1000", fps));
        }
        let frames = video.num_frames()?;
        Ok(Self { video, frames, fps, gone: 0 })
    }
}

impl TimedFrames for PacedVideo {
    fn advance(&mut self) -> Result<Option<Range<f64>>> {
        if self.gone == self.frames {
            return Ok(None);
        }
        self.gone += 1;
        Ok(Some((self.gone - 1) as f64 / self.fps..self.gone as f64 / self.fps))
    }

    fn frame(&mut self) -> Result<Frame> {
        let clip = self.video.read(&[self.gone.saturating_sub(1)])?;
        Ok(clip.into_frames().swap_remove(0))
    }

    fn duration_secs(&self) -> Option<f64> {
        Some(self.frames as f64 / self.fps)
    }

    fn fps(&self) -> Option<f64> {
        Some(self.fps)
    }

    fn path(&self) -> &Path {
        self.video.path()
    }
}
