use std::collections::VecDeque;
use std::ops::Range;
use std::sync::Arc;

use crate::transform::{EvalTransform, resize_short_side};
use crate::{Clip, Error, Frame, Result, Sampling, TemporalViews, TimedFrames, USUAL_FPS};

/// A part of a long video as a network is shown it.
#[derive(Clone, Debug, PartialEq)]
pub struct Window {
    /// Where it begins, in seconds from the first frame.
    pub start_secs: f64,
    /// Where it ends: at the latest with the video.
    pub end_secs: f64,
    /// The frame in its middle, its short side 72 pixels.
    pub picture: Frame,
    /// Its views: first along time, then in space.
    pub views: Vec<Clip>,
}

/// Where the windows of a video lie.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sliding {
    /// Seconds from the beginning of one to that of the next.
    pub every_secs: f64,
    /// Seconds that one lasts.
    pub window_secs: f64,
}

/// How the frames of a window become what a network sees.
#[derive(Clone, Debug, PartialEq)]
pub struct WindowViews {
    /// How frames are chosen, as of a video that is the window alone.
    pub sampling: Sampling,
    /// Clips along time.
    pub temporal: TemporalViews,
    /// Resize, and the squares that are cut out.
    pub transform: EvalTransform,
}

/// Short side of a window's picture.
const PICTURE_SIDE: usize = 72;
/// Most windows that one frame lies in.
const MOST_OVERLAPPING: f64 = 100.0;
/// Shortest and longest window, and the shortest and longest way to the next.
const SECONDS: Range<f64> = 0.04..86_400.0;

impl Sliding {
    /// Checks the seconds.
    ///
    /// # Errors
    /// [`Error::Setting`] where they lie outside 0.04 to 86400, or more than a hundred windows would overlap.
    pub fn check(&self) -> Result<()> {
        for (name, secs) in [("every", self.every_secs), ("window", self.window_secs)] {
            if !SECONDS.contains(&secs) {
                let expected = format!("between {} and {} seconds", SECONDS.start, SECONDS.end);
                return Err(Error::setting(name, expected, secs));
            }
        }
        if self.window_secs > MOST_OVERLAPPING * self.every_secs {
            let expected = format!("at most {MOST_OVERLAPPING} times the seconds from one window to the next");
            return Err(Error::setting("window", expected, self.window_secs));
        }
        Ok(())
    }

    /// How many windows a video of so many seconds has: those that lie in it by half or more, and at least one.
    pub fn count(&self, duration_secs: f64) -> usize {
        let starts = (duration_secs - self.window_secs / 2.0) / self.every_secs;
        (starts.max(0.0) + 1e-9).floor() as usize + 1
    }
}

/// The windows of a video, one after the other, while it is decoded once from its start to its end.
///
/// What is held are the frames that windows wait for, as the network will see them: one window's where they do not overlap.
/// The last window may reach over the end by up to half of itself, where it shows the last frame again; a video shorter
/// than half a window is one window.
pub struct Windows {
    frames: Box<dyn TimedFrames>,
    views: WindowViews,
    sliding: Sliding,
    /// When the current frame is shown; none before the first.
    shown: Option<Range<f64>>,
    /// The current frame, once somebody wants it.
    current: Option<Arc<Cut>>,
    /// After the last frame or an error.
    ended: bool,
    /// Windows begun so far.
    begun: usize,
    open: VecDeque<Open>,
}

/// A frame as it is shown.
struct Cut {
    /// One for each square.
    squares: Vec<Frame>,
    picture: Frame,
}

/// A window that waits for frames.
struct Open {
    span: Range<f64>,
    /// When the frames of its clips are shown, clip after clip, and that of its picture last; and what was found there.
    places: Vec<(f64, Option<Arc<Cut>>)>,
}

impl Windows {
    /// # Errors
    /// If the seconds are out of range.
    pub fn new(frames: Box<dyn TimedFrames>, sliding: Sliding, views: WindowViews) -> Result<Self> {
        sliding.check()?;
        let open = VecDeque::new();
        Ok(Self { frames, views, sliding, shown: None, current: None, ended: false, begun: 0, open })
    }

    /// How many windows there will be, where the container tells how long the video is.
    pub fn expected(&self) -> Option<usize> {
        self.frames.duration_secs().map(|secs| self.sliding.count(secs))
    }

    fn next_start(&self) -> f64 {
        self.begun as f64 * self.sliding.every_secs
    }

    /// How far the video was gone through.
    fn reached(&self) -> f64 {
        self.shown.as_ref().map_or(0.0, |shown| shown.end)
    }

    fn is_whole(&self, window: &Open) -> bool {
        self.ended || self.reached() >= window.span.end
    }

    fn step(&mut self) -> Result<Option<Window>> {
        loop {
            if self.open.front().is_some_and(|window| self.is_whole(window)) {
                let window = self.open.pop_front().expect("there is a first window");
                return self.closed(window).map(Some);
            }
            if self.shown.is_some() && self.begins_now() {
                self.begin()?;
            } else if self.ended {
                return Ok(None);
            } else {
                self.go_on()?;
            }
        }
    }

    /// Whether the next window begins with the current frame.
    fn begins_now(&self) -> bool {
        let starts = self.next_start() < self.reached();
        starts && (!self.ended || self.begun < self.sliding.count(self.reached()))
    }

    fn begin(&mut self) -> Result<()> {
        let start = self.next_start();
        let mut window = Open::new(start..start + self.sliding.window_secs, self.frames.fps(), &self.views);
        self.begun += 1;
        self.fill(std::slice::from_mut(&mut window))?;
        self.open.push_back(window);
        Ok(())
    }

    fn go_on(&mut self) -> Result<()> {
        let Some(shown) = self.frames.advance()? else {
            return self.end();
        };
        (self.shown, self.current) = (Some(shown), None);
        let mut open: Vec<Open> = self.open.drain(..).collect();
        let filled = self.fill(&mut open);
        self.open = open.into();
        filled
    }

    /// The video ended: windows that lie in it by less than half are none, and the others show the last frame again.
    fn end(&mut self) -> Result<()> {
        self.ended = true;
        let count = self.sliding.count(self.reached());
        let superfluous = self.begun.saturating_sub(count).min(self.open.len());
        self.open.truncate(self.open.len() - superfluous);
        self.begun -= superfluous;
        Ok(())
    }

    /// Gives the windows the current frame wherever they want it.
    fn fill(&mut self, windows: &mut [Open]) -> Result<()> {
        let end = if self.ended { f64::INFINITY } else { self.reached() };
        for (time, found) in windows.iter_mut().flat_map(|window| &mut window.places) {
            if found.is_none() && *time < end {
                *found = Some(self.cut()?);
            }
        }
        Ok(())
    }

    /// The current frame as it is shown.
    fn cut(&mut self) -> Result<Arc<Cut>> {
        if let Some(cut) = &self.current {
            return Ok(cut.clone());
        }
        let clip = Clip::new(vec![self.frames.frame()?]);
        let first = |clip: Clip| clip.into_frames().swap_remove(0);
        let picture = first(resize_short_side(clip.clone(), PICTURE_SIDE));
        let squares = self.views.transform.views(clip).into_iter().map(first).collect();
        Ok(self.current.insert(Arc::new(Cut { squares, picture })).clone())
    }

    fn closed(&mut self, mut window: Open) -> Result<Window> {
        self.fill(std::slice::from_mut(&mut window))?;
        let end_secs = if self.ended { window.span.end.min(self.reached()) } else { window.span.end };
        let found: Vec<Arc<Cut>> = window.places.into_iter().filter_map(|(_, cut)| cut).collect();
        let (picture, frames) = found.split_last().expect("a window has a picture");
        let clip =
            |clip: &[Arc<Cut>], square: usize| Clip::new(clip.iter().map(|cut| cut.squares[square].clone()).collect());
        let squares = 0..self.views.transform.num_views();
        let views = frames
            .chunks(self.views.sampling.frames())
            .flat_map(|frames| squares.clone().map(move |square| clip(frames, square)))
            .collect();
        Ok(Window { start_secs: window.span.start, end_secs, picture: picture.picture.clone(), views })
    }
}

impl Iterator for Windows {
    type Item = Result<Window>;

    fn next(&mut self) -> Option<Result<Window>> {
        let window = self.step();
        if window.is_err() {
            self.ended = true;
            self.open.clear();
            self.shown = None;
        }
        window.transpose()
    }
}

impl Open {
    /// A sampler chooses among the frames that a window has at the usual rate; what is shown in the middle of such a frame is
    /// what it gets.
    fn new(span: Range<f64>, fps: Option<f64>, views: &WindowViews) -> Self {
        let length = span.end - span.start;
        let frames = (length * fps.unwrap_or(USUAL_FPS)).round().max(1.0);
        let chosen = views.sampling.views(frames as usize, views.temporal).concat();
        let time = |frame: usize| span.start + (frame as f64 + 0.5) / frames * length;
        let middle = span.start + length / 2.0;
        let places = chosen.into_iter().map(time).chain([middle]).map(|time| (time, None)).collect();
        Self { span, places }
    }
}

#[cfg(test)]
#[path = "window_tests.rs"]
mod tests;
