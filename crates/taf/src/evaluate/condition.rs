use std::fmt;
use std::num::NonZeroUsize;

use super::{Version, Views};

/// Under what circumstances a network is asked: about a version of the videos, in clips of its own length or of another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Condition {
    /// A version of the videos in clips as ever.
    Version(Version),
    /// The videos as they are, in clips of so many frames.
    Frames(NonZeroUsize),
}

impl Condition {
    /// The videos as they are, in clips as ever.
    pub const CLEAN: Self = Self::Version(Version::Clean);

    /// Which version of the videos is shown.
    pub fn version(self) -> Version {
        match self {
            Self::Version(version) => version,
            Self::Frames(_) => Version::Clean,
        }
    }

    /// How videos are shown, where they are shown by `views` otherwise.
    pub fn views(self, views: &Views) -> Views {
        match self {
            Self::Version(_) => views.clone(),
            Self::Frames(frames) => Views { sampling: views.sampling.clone().with_frames(frames), ..views.clone() },
        }
    }
}

impl fmt::Display for Condition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Version(version) => version.fmt(f),
            Self::Frames(frames) => write!(f, "{frames} frames"),
        }
    }
}
