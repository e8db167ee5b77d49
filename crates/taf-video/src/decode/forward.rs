use std::ops::Range;
use std::path::{Path, PathBuf};

use ffmpeg_the_third::frame;

use super::picture::Converter;
use super::stream::{FrameStream, StreamOptions};
use super::{TimedFrames, USUAL_FPS};
use crate::{Error, Frame, Result};

/// A local video file, decoded once from its start to its end. Nothing of it is kept, however long it is; of each frame the
/// pixels are made only where they are asked for.
///
/// Times are those the file gives its frames, so that they are right where the rate varies. A frame without one, or with one
/// that is not after that of the frame before it, follows at the usual rate, and so does one that would be shown
/// after more than ten minutes: files that were cut together jump there.
pub struct ForwardVideo {
    path: PathBuf,
    stream: FrameStream,
    converter: Converter,
    clock: Clock,
    duration_secs: Option<f64>,
    fps: Option<f64>,
    current: Option<frame::Video>,
    /// The frame after that, with its time: it tells until when the current one is shown.
    ahead: Option<(frame::Video, f64)>,
}

/// Longest that one frame is believed to be shown.
const LONGEST_SECS: f64 = 600.0;

impl ForwardVideo {
    /// Opens a video file with so many decoder threads, at least 1.
    ///
    /// # Errors
    /// If it is missing, or no frame of it decodes.
    pub fn open(path: impl AsRef<Path>, threads: usize) -> Result<Self> {
        let path = path.as_ref().to_owned();
        let mut stream =
            FrameStream::open(&path, StreamOptions { threads: threads.max(1), keep_bytes: 0, sound: false })?;
        let none = || Error::content(&path, "a video with at least one frame that decodes", "none");
        let first = stream.next().ok_or_else(none)?;
        let converter = Converter::new(&path, &first, stream.orientation())?;
        let (fps, duration_secs) = (stream.fps(), stream.duration_secs());
        let mut clock = Clock::new(stream.tick_secs(), fps.unwrap_or(USUAL_FPS));
        let time = clock.time(first.pts());
        let ahead = Some((first, time));
        Ok(Self { path, stream, converter, clock, duration_secs, fps, current: None, ahead })
    }
}

impl TimedFrames for ForwardVideo {
    fn advance(&mut self) -> Result<Option<Range<f64>>> {
        let Some((frame, start)) = self.ahead.take() else { return Ok(None) };
        self.current = Some(frame);
        self.ahead = self.stream.next().map(|next| {
            let time = self.clock.time(next.pts());
            (next, time)
        });
        // What was read of the file is of no use any more, and would grow with it.
        drop(self.stream.notes());
        if self.ahead.is_none() {
            self.stream.check_disk()?;
        }
        let end = self.ahead.as_ref().map_or_else(|| self.clock.after_last(), |(_, time)| *time);
        Ok(Some(start..end))
    }

    fn frame(&mut self) -> Result<Frame> {
        let none = || Error::content(&self.path, "a frame that was gone on to", "none");
        self.converter.convert(&self.path, self.current.as_ref().ok_or_else(none)?)
    }

    fn duration_secs(&self) -> Option<f64> {
        self.duration_secs
    }

    fn fps(&self) -> Option<f64> {
        self.fps
    }

    fn path(&self) -> &Path {
        &self.path
    }
}

/// Timestamps as seconds from the first frame, always growing.
#[derive(Debug)]
struct Clock {
    tick_secs: f64,
    usual_secs: f64,
    /// Timestamp and time of the last frame; the time of the first is 0.
    last: Option<(Option<i64>, f64)>,
}

impl Clock {
    fn new(tick_secs: f64, fps: f64) -> Self {
        Self { tick_secs, usual_secs: 1.0 / fps, last: None }
    }

    /// When the next frame is shown.
    fn time(&mut self, pts: Option<i64>) -> f64 {
        let time = match self.last {
            None => 0.0,
            Some((last, time)) => {
                let ticks = pts.zip(last).map(|(pts, last)| pts as f64 - last as f64);
                let step = ticks.map(|ticks| ticks * self.tick_secs);
                time + step.filter(|step| *step > 0.0 && *step <= LONGEST_SECS).unwrap_or(self.usual_secs)
            }
        };
        self.last = Some((pts, time));
        time
    }

    /// Until when the last frame is shown.
    fn after_last(&self) -> f64 {
        self.last.map_or(0.0, |(_, time)| time + self.usual_secs)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Ticks of a hundredth of a second, and ten frames a second where nothing else is said.
    fn times(stamps: &[Option<i64>]) -> Vec<i64> {
        let mut clock = Clock::new(0.01, 10.0);
        stamps.iter().map(|&pts| (clock.time(pts) * 100.0).round() as i64).collect()
    }

    #[test]
    fn times_are_those_of_the_file_from_the_first_frame_on() {
        assert_eq!(times(&[Some(500), Some(504), Some(530), Some(531)]), [0, 4, 30, 31]);
    }

    #[test]
    fn frames_without_a_time_of_their_own_follow_at_the_usual_rate() {
        assert_eq!(times(&[None, None, Some(7), Some(7), Some(3), Some(5)]), [0, 10, 20, 30, 40, 42]);
    }

    #[test]
    fn a_jump_of_the_clock_is_no_frame_of_hours() {
        assert_eq!(times(&[Some(0), Some(100), Some(i64::MAX), Some(i64::MIN), Some(0)]), [0, 100, 110, 120, 130]);
        assert_eq!(times(&[Some(0), Some(50_000)]), [0, 50_000], "a picture that stands for minutes is believed");
    }
}
