//! What happens to videos in the world: named corruptions in five severities, to measure how far a model's accuracy falls.
//!
//! Names and severities are those of ImageNet-C (Hendrycks and Dietterich, ICLR 2019) where it has them; the tables of other
//! benchmarks lie beside them under names of their own. Lengths in pixels are
//! defined there for pictures of 224 pixels; here they scale with the short side of the clip, so a severity looks the same at
//! any size. JPEG's blocks of 8 pixels do not scale, nor do amplitudes of noise.
//!
//! A corruption works on pixels or on the choice of frames, or mixes frames that the network does not see. An evaluation asks for
//! the frames to decode, and then for the pixels of what was decoded:
//!
//! ```
//! use taf_video::corrupt::{Corruption, Severity};
//! use taf_video::{Clip, Frame, Sampling, Seed};
//!
//! let (num_frames, seed) = (40, Seed::new(0).with("video 17"));
//! for corruption in Corruption::ALL {
//!     let severity = Severity::new(3)?;
//!     let indices = corruption.indices(&Sampling::segments(8).centre(num_frames), num_frames, severity, seed);
//!     let clip = Clip::new(indices.iter().map(|&i| Frame::filled(32, 24, [i as u8; 3])).collect()); // decode, resize, crop
//!     let clip = corruption.pixels(clip, severity, seed);
//!     assert_eq!((clip.len(), clip.width()), (8, 32));
//! }
//! # Ok::<(), taf_video::Error>(())
//! ```
//!
//! Corruptions of streams need the whole video: [`Corruption::streamed`] puts it through an encoder, and the frames of the clip
//! are chosen of what comes out. The other two steps then change nothing.
//!
//! To add one: a function in the file of its family and a row in the table of `table.rs`.

mod blur;
mod camera;
mod convolve;
mod digital;
mod disorder;
mod edges;
mod elastic;
mod exposure;
mod family;
mod fog;
mod frost;
mod glass;
mod median;
mod name;
mod noise;
mod occlusion;
mod packets;
mod rain;
mod resample;
mod severity;
mod smooth;
mod snow;
mod span;
mod spatter;
mod stream;
mod table;
mod temporal;

use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;

pub use family::Family;
pub use severity::Severity;
pub use stream::{StreamedVideo, has_encoder};
pub use table::Corruption;

use crate::{Clip, Frame, Seed, VideoSource};

/// How a corruption does its work.
enum Work {
    /// On each frame alone, with a random stream of its own.
    Frame(fn(Frame, Severity, &mut ChaCha8Rng) -> Frame),
    /// On all frames with one draw.
    Clip(fn(Clip, Severity, &mut ChaCha8Rng) -> Clip),
    /// On as many frames in the middle as the first says of a clip's length.
    Span(fn(usize, Severity) -> usize, span::Effect),
    /// On the frames of the video around each frame, so many before it and as many from it on: it becomes their mean.
    Exposure([usize; 5]),
    /// On the choice of frames: the indices, the number of frames of the video.
    Indices(fn(&[usize], usize, Severity, &mut ChaCha8Rng) -> Vec<usize>),
    /// On the whole video, on its way through an encoder.
    Stream(stream::Damage),
}

impl Corruption {
    /// The video as it comes out of a damaged stream, in which the frames of a clip are then chosen; `None` for corruptions that
    /// do not work on streams.
    pub fn streamed(self, video: &mut dyn VideoSource, severity: Severity, seed: Seed) -> Option<StreamedVideo<'_>> {
        let Work::Stream(damage) = self.work() else { return None };
        Some(StreamedVideo::new(video, damage, severity, seed.with(self.name())))
    }

    /// FFmpeg's names of the encoders that [`streamed`](Self::streamed) needs; none for corruptions that do not work on streams.
    pub fn encoders(self) -> Vec<&'static str> {
        match self.work() {
            Work::Stream(damage) => damage.codecs().into_iter().map(stream::Codec::encoder_name).collect(),
            _ => Vec::new(),
        }
    }

    /// Whether [`streamed`](Self::streamed) gives a video.
    pub fn works_on_streams(self) -> bool {
        matches!(self.work(), Work::Stream(_))
    }

    /// The frames of the video to decode instead of `indices`: as many, and several for each where a corruption mixes neighbours.
    /// Changes nothing for other corruptions of pixels.
    ///
    /// # Panics
    /// If `num_frames` is zero or `indices` is empty.
    pub fn indices(self, indices: &[usize], num_frames: usize, severity: Severity, seed: Seed) -> Vec<usize> {
        assert!(num_frames > 0 && !indices.is_empty(), "a clip of a video has at least one frame");
        match self.work() {
            Work::Indices(change) => change(indices, num_frames, severity, &mut seed.with(self.name()).rng()),
            Work::Exposure(reach) => exposure::frames(indices, num_frames, severity.of(reach)),
            Work::Frame(_) | Work::Clip(_) | Work::Span(..) | Work::Stream(_) => indices.to_vec(),
        }
    }

    /// The clip of the frames that [`indices`](Self::indices) chose, with its pixels corrupted: of the same size, and a frame for
    /// each that was wanted. Changes nothing for corruptions of the choice of frames and of streams.
    ///
    /// Deterministic in `seed`, whatever the number of threads. The severity does not enter the random stream: a higher one
    /// makes the same draw worse.
    pub fn pixels(self, clip: Clip, severity: Severity, seed: Seed) -> Clip {
        let seed = seed.with(self.name());
        match self.work() {
            Work::Frame(change) => each_frame(clip, |i, frame| change(frame, severity, &mut seed.at(i).rng())),
            Work::Clip(change) => change(clip, severity, &mut seed.rng()),
            Work::Span(length, effect) => span::apply(&clip, length(clip.len(), severity), effect, &mut seed.rng()),
            Work::Exposure(reach) => exposure::means(&clip, severity.of(reach)),
            Work::Indices(_) | Work::Stream(_) => clip,
        }
    }
}

/// Changes the frames in parallel.
fn each_frame(clip: Clip, change: impl Fn(usize, Frame) -> Frame + Sync) -> Clip {
    Clip::new(clip.into_frames().into_par_iter().enumerate().map(|(i, frame)| change(i, frame)).collect())
}

#[cfg(test)]
mod reference;
#[cfg(test)]
pub(crate) mod tests;
