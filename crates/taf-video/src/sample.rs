//! Which frames of a video become a clip.
//!
//! Indices are 0-based. The formulas are those of TSN and its successors TSM, GST and TAM; every published number of these
//! models rests on them, so their quirks are kept and named.

use std::num::NonZeroUsize;
use std::ops::Range;

use rand::{Rng, RngExt};
use serde::{Deserialize, Serialize};

use crate::Speed;

/// How the frames of a clip are chosen from a video.
///
/// In TOML: `sampling = { kind = "segments", frames = 8 }`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Sampling {
    /// One frame from each of several equal parts of the video (TSN).
    Segments(SegmentSampler),
    /// Frames at a fixed stride within a window of fixed length (I3D).
    Dense(DenseSampler),
}

/// Which temporal views of a video an evaluation averages over. In TOML: `"centre"`, `"twice"`, `"interleaved"`,
/// `{ uniform = 4 }`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum TemporalViews {
    /// One clip: the middle of each segment, or the window in the middle of the video.
    #[default]
    Centre,
    /// Two clips: the middles and the beginnings of the segments (`twice_sample` of TSM); for windows, the first and the last.
    Twice,
    /// Two clips: the even and the odd frames of a centre clip of twice as many frames, counted from 0 (TPN's test).
    Interleaved,
    /// So many clips, starting evenly spread over the first segment or over all windows (`uniform-K`, `dense-K` of TAM);
    /// of one clip, the same as `Centre`.
    Uniform(NonZeroUsize),
}

impl TemporalViews {
    /// Number of clips per video.
    pub fn count(self) -> usize {
        match self {
            Self::Centre => 1,
            Self::Twice | Self::Interleaved => 2,
            Self::Uniform(count) => count.get(),
        }
    }
}

impl Sampling {
    /// TSN sampling with everything at its default.
    ///
    /// # Panics
    /// If `frames` is zero.
    pub fn segments(frames: usize) -> Self {
        Self::Segments(SegmentSampler::new(frames))
    }

    /// Frames per clip.
    pub fn frames(&self) -> usize {
        match self {
            Self::Segments(sampler) => sampler.frames.get(),
            Self::Dense(sampler) => sampler.frames.get(),
        }
    }

    /// The same with another number of frames per clip.
    pub fn with_frames(self, frames: NonZeroUsize) -> Self {
        match self {
            Self::Segments(sampler) => Self::Segments(SegmentSampler { frames, ..sampler }),
            Self::Dense(sampler) => Self::Dense(DenseSampler { frames, ..sampler }),
        }
    }

    /// A random clip, for training.
    ///
    /// # Panics
    /// If `num_frames` is zero.
    pub fn random(&self, num_frames: usize, rng: &mut impl Rng) -> Vec<usize> {
        assert_has_frames(num_frames);
        match self {
            Self::Segments(sampler) => sampler.random(num_frames, rng),
            Self::Dense(sampler) => sampler.random(num_frames, rng),
        }
    }

    /// The clip in the middle, for validation: `views(num_frames, TemporalViews::Centre)[0]`.
    ///
    /// # Panics
    /// If `num_frames` is zero.
    pub fn centre(&self, num_frames: usize) -> Vec<usize> {
        assert_has_frames(num_frames);
        match self {
            Self::Segments(sampler) => sampler.centre(num_frames),
            Self::Dense(sampler) => sampler.centre(num_frames),
        }
    }

    /// The clips an evaluation averages over, `views.count()` of them.
    ///
    /// # Panics
    /// If `num_frames` is zero.
    pub fn views(&self, num_frames: usize, views: TemporalViews) -> Vec<Vec<usize>> {
        assert_has_frames(num_frames);
        match self {
            Self::Segments(sampler) => sampler.views(num_frames, views),
            Self::Dense(sampler) => sampler.views(num_frames, views),
        }
    }
}

fn assert_has_frames(num_frames: usize) {
    assert!(num_frames > 0, "a video to sample from has at least one frame");
}

/// Moves a clip by `shift` frames (negative: earlier); what would leave the video stays on its first or last frame.
///
/// # Panics
/// If `num_frames` is zero.
pub fn shift_indices(indices: &[usize], shift: isize, num_frames: usize) -> Vec<usize> {
    assert_has_frames(num_frames);
    indices.iter().map(|&index| index.saturating_add_signed(shift).min(num_frames - 1)).collect()
}

/// Divides a video into equal segments and takes one frame of each (Wang et al. 2016).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SegmentSampler {
    /// Frames per clip, at least 1: one per segment.
    pub frames: NonZeroUsize,
    /// Where a segment ends in training when the video does not divide evenly. Default `"floor"`.
    #[serde(default)]
    pub bounds: SegmentBounds,
    /// What training does with videos of fewer frames than segments. Default `"spread"`.
    #[serde(default)]
    pub short_videos: ShortVideos,
    /// Speeds of training clips: only so much of the video, at a random place, is divided. Above 1 there is no more of it than all.
    /// Default: all of the video.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub speed: Option<Speed>,
}

/// Where segment `i` of `S` lies in a video of `N` frames when a random frame of it is wanted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SegmentBounds {
    /// `[i d, (i + 1) d)` with `d = floor(N / S)`, as published. The last `N mod S` frames are never drawn in training:
    /// of 31 frames and 16 segments, the second half of the video.
    #[default]
    Floor,
    /// `[floor(i N / S), floor((i + 1) N / S))`: every frame can be drawn.
    Even,
}

/// What a random clip of a video with fewer frames than segments looks like.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ShortVideos {
    /// Frames are repeated evenly, as in evaluation.
    #[default]
    Spread,
    /// The first frame is repeated throughout, as the published training code does: the clip stands still.
    First,
}

impl SegmentSampler {
    /// A sampler with everything else at its default.
    ///
    /// # Panics
    /// If `frames` is zero.
    pub fn new(frames: usize) -> Self {
        let frames = NonZeroUsize::new(frames).expect("a clip has at least one frame");
        Self { frames, bounds: SegmentBounds::default(), short_videos: ShortVideos::default(), speed: None }
    }

    fn random(&self, num_frames: usize, rng: &mut impl Rng) -> Vec<usize> {
        let segments = self.frames.get();
        if num_frames < segments {
            return match self.short_videos {
                ShortVideos::Spread => self.centre(num_frames),
                ShortVideos::First => vec![0; segments],
            };
        }
        let span = self.span(num_frames, rng);
        let within = |segment: Range<usize>| span.start + segment.start..span.start + segment.end;
        (0..segments).map(|i| rng.random_range(within(self.segment(i, span.len())))).collect()
    }

    /// The frames that segments divide, never fewer than there are segments where the video has as many.
    fn span(&self, num_frames: usize, rng: &mut impl Rng) -> Range<usize> {
        let Some(speed) = self.speed else { return 0..num_frames };
        let length = (num_frames as f64 * speed.draw(rng)).round() as usize;
        let length = length.max(self.frames.get()).min(num_frames);
        let start = rng.random_range(0..=num_frames - length);
        start..start + length
    }

    /// Segment `i` of a video with at least as many frames as segments; never empty.
    fn segment(&self, i: usize, num_frames: usize) -> Range<usize> {
        let segments = self.frames.get();
        match self.bounds {
            SegmentBounds::Floor => i * (num_frames / segments)..(i + 1) * (num_frames / segments),
            SegmentBounds::Even => i * num_frames / segments..(i + 1) * num_frames / segments,
        }
    }

    /// Number of frames per segment, `N / S`. Floating point like the published code, whose roundings then come out the same.
    fn tick(&self, num_frames: usize) -> f64 {
        num_frames as f64 / self.frames.get() as f64
    }

    /// Frames `int(tick / 2 + tick * i)`.
    fn centre(&self, num_frames: usize) -> Vec<usize> {
        let tick = self.tick(num_frames);
        (0..self.frames.get()).map(|i| (tick / 2.0 + tick * i as f64) as usize).collect()
    }

    fn views(&self, num_frames: usize, views: TemporalViews) -> Vec<Vec<usize>> {
        match views {
            TemporalViews::Centre => vec![self.centre(num_frames)],
            TemporalViews::Twice => vec![self.centre(num_frames), self.starting_at(0, num_frames)],
            TemporalViews::Interleaved => {
                let doubled = Self { frames: twice(self.frames), ..self.clone() };
                even_and_odd(&doubled.centre(num_frames))
            }
            TemporalViews::Uniform(count) if count.get() == 1 => vec![self.centre(num_frames)],
            TemporalViews::Uniform(count) => {
                // The last start is tick - 1, so that the last frame stays inside; short videos have only one start.
                let last = (self.tick(num_frames) - 1.0).max(0.0);
                spread_starts(last, count.get()).into_iter().map(|start| self.starting_at(start, num_frames)).collect()
            }
        }
    }

    /// Frames `int(start + tick * i)`.
    fn starting_at(&self, start: usize, num_frames: usize) -> Vec<usize> {
        let tick = self.tick(num_frames);
        (0..self.frames.get()).map(|i| ((start as f64 + tick * i as f64) as usize).min(num_frames - 1)).collect()
    }
}

fn twice(frames: NonZeroUsize) -> NonZeroUsize {
    frames.saturating_mul(NonZeroUsize::new(2).expect("two is not zero"))
}

/// The clip of every other frame from the first on, and the clip of the others.
fn even_and_odd(frames: &[usize]) -> Vec<Vec<usize>> {
    [0, 1].map(|first| frames.iter().skip(first).step_by(2).copied().collect()).into()
}

/// `count` whole numbers from 0 to `last`, both ends included, evenly spaced and rounded down.
fn spread_starts(last: f64, count: usize) -> Vec<usize> {
    let gaps = count.saturating_sub(1).max(1) as f64;
    (0..count).map(|i| (last * i as f64 / gaps) as usize).collect()
}

/// Takes frames at a fixed stride within a window; a video shorter than the window is looped.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DenseSampler {
    /// Frames per clip, at least 1.
    pub frames: NonZeroUsize,
    /// Frames of the video a clip reaches over; the stride is `window / frames`, rounded down, at least 1. Default 64.
    #[serde(default = "default_window")]
    pub window: NonZeroUsize,
    /// Speeds of training clips: window and stride are so many times as long, and frames are those that come before each multiple of
    /// the stride. Default: 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub speed: Option<Speed>,
}

const fn default_window() -> NonZeroUsize {
    NonZeroUsize::new(64).unwrap()
}

impl DenseSampler {
    /// A sampler with the customary window of 64 frames.
    ///
    /// # Panics
    /// If `frames` is zero.
    pub fn new(frames: usize) -> Self {
        Self {
            frames: NonZeroUsize::new(frames).expect("a clip has at least one frame"),
            window: default_window(),
            speed: None,
        }
    }

    /// Any start that keeps the window inside; the last one too, which the published `randint(0, last)` leaves out.
    fn random(&self, num_frames: usize, rng: &mut impl Rng) -> Vec<usize> {
        let Some(speed) = self.speed.map(|speed| speed.draw(rng)) else {
            return self.starting_at(rng.random_range(0..self.num_starts(num_frames)), num_frames);
        };
        let window = (self.window.get() as f64 * speed).ceil() as usize;
        let start = rng.random_range(0..num_starts(window, num_frames));
        let stride = self.stride() as f64 * speed;
        (0..self.frames.get()).map(|i| (start + (i as f64 * stride) as usize) % num_frames).collect()
    }

    fn centre(&self, num_frames: usize) -> Vec<usize> {
        self.starting_at(self.num_starts(num_frames) / 2, num_frames)
    }

    fn views(&self, num_frames: usize, views: TemporalViews) -> Vec<Vec<usize>> {
        if views == TemporalViews::Interleaved {
            let doubled = Self { frames: twice(self.frames), ..self.clone() };
            return even_and_odd(&doubled.centre(num_frames));
        }
        if views.count() == 1 {
            return vec![self.centre(num_frames)];
        }
        let last = (self.num_starts(num_frames) - 1) as f64;
        spread_starts(last, views.count()).into_iter().map(|start| self.starting_at(start, num_frames)).collect()
    }

    fn num_starts(&self, num_frames: usize) -> usize {
        num_starts(self.window.get(), num_frames)
    }

    fn stride(&self) -> usize {
        (self.window.get() / self.frames.get()).max(1)
    }

    fn starting_at(&self, start: usize, num_frames: usize) -> Vec<usize> {
        let stride = self.stride();
        (0..self.frames.get()).map(|i| (start + i * stride) % num_frames).collect()
    }
}

/// Where a window can begin so that it ends inside the video, at least at the first frame.
fn num_starts(window: usize, num_frames: usize) -> usize {
    (num_frames + 1).saturating_sub(window).max(1)
}

#[cfg(test)]
#[path = "sample_tests.rs"]
mod tests;
