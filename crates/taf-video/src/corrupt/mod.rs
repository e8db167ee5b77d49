//! What happens to videos in the world: named corruptions in five severities, to measure how far a model's accuracy falls.
//!
//! Names and severities are those of ImageNet-C (Hendrycks and Dietterich, ICLR 2019) where it has them. Lengths in pixels are
//! defined there for pictures of 224 pixels; here they scale with the short side of the clip, so a severity looks the same at
//! any size. JPEG's blocks of 8 pixels do not scale, nor do amplitudes of noise.
//!
//! A corruption works on pixels or on the choice of frames; an evaluation calls both, and one of them changes nothing:
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
//! To add one: a function in the file of its family and a row in the table below.

mod blur;
mod convolve;
mod digital;
mod noise;
mod temporal;

use std::fmt;
use std::str::FromStr;

use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use crate::{Clip, Error, Frame, Result, Seed};

/// How a corruption does its work.
enum Work {
    /// On each frame alone, with a random stream of its own.
    Frame(fn(Frame, Severity, &mut ChaCha8Rng) -> Frame),
    /// On all frames with one draw.
    Clip(fn(Clip, Severity, &mut ChaCha8Rng) -> Clip),
    /// On the choice of frames: the indices, the number of frames of the video.
    Indices(fn(&[usize], usize, Severity, &mut ChaCha8Rng) -> Vec<usize>),
}

macro_rules! corruptions {
    ($($(#[$doc:meta])* $variant:ident $name:literal $family:ident $work:expr;)+) => {
        /// A way to spoil a clip. In recipes and results it goes by its [`name`](Self::name).
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub enum Corruption { $($(#[$doc])* $variant,)+ }

        impl Corruption {
            /// Every corruption, family by family.
            pub const ALL: [Self; [$($name),+].len()] = [$(Self::$variant),+];

            /// The name users write: that of ImageNet-C where it has one.
            pub fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)+ }
            }

            /// What kind of trouble it is.
            pub fn family(self) -> Family {
                match self { $(Self::$variant => Family::$family,)+ }
            }

            fn work(self) -> Work {
                match self { $(Self::$variant => $work,)+ }
            }
        }
    };
}

corruptions! {
    /// Noise of a dim sensor: normal, standard deviation 0.08, 0.12, 0.18, 0.26, 0.38 of full scale.
    GaussianNoise "gaussian_noise" Noise Work::Frame(noise::gaussian);
    /// Noise of counted light: Poisson, with 60, 25, 12, 5, 3 counts at full scale.
    ShotNoise "shot_noise" Noise Work::Frame(noise::shot);
    /// Values replaced by 0 or 255, as often each: a share of 0.03, 0.06, 0.09, 0.17, 0.27.
    ImpulseNoise "impulse_noise" Noise Work::Frame(noise::impulse);
    /// Normal noise in proportion to the value: 0.15, 0.2, 0.35, 0.45, 0.6.
    SpeckleNoise "speckle_noise" Noise Work::Frame(noise::speckle);
    /// Gaussian of standard deviation 1, 2, 3, 4, 6 pixels at 224.
    GaussianBlur "gaussian_blur" Blur Work::Frame(blur::gaussian);
    /// A lens out of focus: a disc of radius 3, 4, 6, 8, 10 pixels at 224.
    DefocusBlur "defocus_blur" Blur Work::Frame(blur::defocus);
    /// A camera that moves while the shutter is open, 15 to 20 pixels at 224. ImageNet-C's smear; its direction, within 45
    /// degrees of level, is one for the clip.
    MotionBlur "motion_blur" Blur Work::Clip(blur::motion);
    /// A camera that closes in while the shutter is open, up to a factor of 1.10, 1.15, 1.20, 1.24, 1.30.
    ZoomBlur "zoom_blur" Blur Work::Frame(blur::zoom);
    /// Overexposure: 0.1, 0.2, 0.3, 0.4, 0.5 added to the value of HSV.
    Brightness "brightness" Digital Work::Frame(digital::brightness);
    /// Flat light: distances to the mean of each channel times 0.4, 0.3, 0.2, 0.1, 0.05.
    Contrast "contrast" Digital Work::Frame(digital::contrast);
    /// The saturation of HSV times 0.3, 0.1, 2, 5, 20, plus 0, 0, 0, 0.1, 0.2. Severities 1 and 2 fade, the others exaggerate.
    Saturate "saturate" Digital Work::Frame(digital::saturate);
    /// JPEG of quality 25, 18, 15, 10, 7 with halved colour resolution.
    JpegCompression "jpeg_compression" Digital Work::Frame(digital::jpeg);
    /// Resolution times 0.6, 0.5, 0.4, 0.3, 0.25, shown as squares.
    Pixelate "pixelate" Digital Work::Frame(digital::pixelate);
    /// The clip is cut too early: every frame comes 5, 10, 15, 20, 25 % of the video's length sooner, the first at the least.
    StartEarlier "start_earlier" Temporal Work::Indices(temporal::start_earlier);
    /// The clip is cut too late: every frame comes 5, 10, 15, 20, 25 % of the video's length later, the last at the most.
    StartLater "start_later" Temporal Work::Indices(temporal::start_later);
    /// Frames are lost: 1 to 5 eighths of them, anywhere, each replaced by the one before it (the first by the one after).
    DroppedFrames "dropped_frames" Temporal Work::Indices(temporal::dropped);
    /// The stream hangs: the picture stands still for the last 1 to 5 eighths of the clip.
    FrozenFrames "frozen_frames" Temporal Work::Indices(temporal::frozen);
    /// The signal is lost: the middle 1 to 5 eighths of the clip are black.
    BlackFrames "black_frames" Temporal Work::Clip(temporal::black);
    /// Frames arrive in disorder within stretches of 2, 3, 4, 6, 8 eighths of the clip. The lengths of UCF101-P presume 128
    /// frames and mean little for the 8 or 16 a network sees.
    Jumble "jumble" Temporal Work::Indices(temporal::jumble);
    /// Stretches of 2, 3, 4, 6, 8 eighths of the clip play backwards; at severity 5 all of it.
    Reverse "reverse" Temporal Work::Indices(temporal::reverse);
}

/// Kinds of corruption that are reported together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Family {
    /// Random values in the pixels.
    Noise,
    /// Detail smeared.
    Blur,
    /// Processing: light, colour, compression.
    Digital,
    /// Frames missing, late or out of order.
    Temporal,
}

impl Family {
    /// Every family.
    pub const ALL: [Self; 4] = [Self::Noise, Self::Blur, Self::Digital, Self::Temporal];

    /// The name users write.
    pub fn name(self) -> &'static str {
        match self {
            Self::Noise => "noise",
            Self::Blur => "blur",
            Self::Digital => "digital",
            Self::Temporal => "temporal",
        }
    }
}

impl Corruption {
    /// The frames of the video to decode instead of `indices`; the same number of them. Changes nothing for corruptions of pixels.
    ///
    /// # Panics
    /// If `num_frames` is zero or `indices` is empty.
    pub fn indices(self, indices: &[usize], num_frames: usize, severity: Severity, seed: Seed) -> Vec<usize> {
        assert!(num_frames > 0 && !indices.is_empty(), "a clip of a video has at least one frame");
        match self.work() {
            Work::Indices(change) => change(indices, num_frames, severity, &mut seed.with(self.name()).rng()),
            Work::Frame(_) | Work::Clip(_) => indices.to_vec(),
        }
    }

    /// The clip with its pixels corrupted, of the same size and length. Changes nothing for corruptions of the choice of frames.
    ///
    /// Deterministic in `seed`, whatever the number of threads. The severity does not enter the random stream: a higher one
    /// makes the same draw worse.
    pub fn pixels(self, clip: Clip, severity: Severity, seed: Seed) -> Clip {
        let seed = seed.with(self.name());
        match self.work() {
            Work::Frame(change) => each_frame(clip, |i, frame| change(frame, severity, &mut seed.at(i).rng())),
            Work::Clip(change) => change(clip, severity, &mut seed.rng()),
            Work::Indices(_) => clip,
        }
    }
}

/// Changes the frames in parallel.
fn each_frame(clip: Clip, change: impl Fn(usize, Frame) -> Frame + Sync) -> Clip {
    Clip::new(clip.into_frames().into_par_iter().enumerate().map(|(i, frame)| change(i, frame)).collect())
}

impl fmt::Display for Corruption {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for Corruption {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self> {
        let found = Self::ALL.into_iter().find(|corruption| corruption.name() == name);
        found.ok_or_else(|| {
            Error::setting("corruption", format!("one of {}", Self::ALL.map(Self::name).join(", ")), name)
        })
    }
}

impl TryFrom<String> for Corruption {
    type Error = Error;

    fn try_from(name: String) -> Result<Self> {
        name.parse()
    }
}

impl From<Corruption> for String {
    fn from(corruption: Corruption) -> Self {
        corruption.name().to_owned()
    }
}

/// How bad a corruption is, from 1 to 5.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "u8", into = "u8")]
pub struct Severity(u8);

impl Severity {
    /// From mild to worst.
    pub const ALL: [Self; 5] = [Self(1), Self(2), Self(3), Self(4), Self(5)];

    /// # Errors
    /// [`Error::Setting`] outside 1 to 5.
    pub fn new(severity: u8) -> Result<Self> {
        let error = || Error::setting("severity", "between 1 and 5", severity);
        if (1..=5).contains(&severity) { Ok(Self(severity)) } else { Err(error()) }
    }

    /// The number from 1 to 5.
    pub fn get(self) -> u8 {
        self.0
    }

    /// This severity's entry of a table from mild to worst.
    fn of<T: Copy>(self, table: [T; 5]) -> T {
        table[usize::from(self.0 - 1)]
    }
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl TryFrom<u8> for Severity {
    type Error = Error;

    fn try_from(severity: u8) -> Result<Self> {
        Self::new(severity)
    }
}

impl From<Severity> for u8 {
    fn from(severity: Severity) -> Self {
        severity.0
    }
}

#[cfg(test)]
mod tests;
