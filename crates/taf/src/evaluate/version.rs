use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use taf_video::corrupt::{Corruption, Severity, StreamedVideo};
use taf_video::{Clip, Seed, VideoSource};

/// The videos as they are, or all of them spoiled in one way. Written `clean`, or `gaussian_noise:3`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Version {
    /// As they are.
    Clean,
    /// With a corruption at a severity.
    Corrupted(Corruption, Severity),
}

/// A name that no version of the videos has.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a version of the videos must be clean, or a corruption with its severity such as gaussian_noise:3, got {0:?}")]
pub struct UnknownVersion(String);

const CLEAN: &str = "clean";

impl Version {
    /// The video as it comes out of a damaged stream, where it goes through one.
    pub(super) fn streamed(self, video: &mut dyn VideoSource, seed: Seed) -> Option<StreamedVideo<'_>> {
        match self {
            Self::Clean => None,
            Self::Corrupted(corruption, severity) => corruption.streamed(video, severity, seed),
        }
    }

    /// The frames of a video of `num_frames` that a clip is made of, where the videos as they are give `indices`.
    pub(super) fn indices(self, indices: Vec<usize>, num_frames: usize, seed: Seed) -> Vec<usize> {
        match self {
            Self::Clean => indices,
            Self::Corrupted(corruption, severity) => corruption.indices(&indices, num_frames, severity, seed),
        }
    }

    /// The pixels of a clip.
    pub(super) fn pixels(self, clip: Clip, seed: Seed) -> Clip {
        match self {
            Self::Clean => clip,
            Self::Corrupted(corruption, severity) => corruption.pixels(clip, severity, seed),
        }
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Clean => f.write_str(CLEAN),
            Self::Corrupted(corruption, severity) => write!(f, "{corruption}:{severity}"),
        }
    }
}

impl FromStr for Version {
    type Err = UnknownVersion;

    fn from_str(name: &str) -> Result<Self, UnknownVersion> {
        if name == CLEAN {
            return Ok(Self::Clean);
        }
        let corrupted = || {
            let (corruption, severity) = name.split_once(':')?;
            let severity = Severity::new(severity.parse().ok()?).ok()?;
            Some(Self::Corrupted(corruption.parse().ok()?, severity))
        };
        corrupted().ok_or_else(|| UnknownVersion(name.to_owned()))
    }
}

impl TryFrom<String> for Version {
    type Error = UnknownVersion;

    fn try_from(name: String) -> Result<Self, UnknownVersion> {
        name.parse()
    }
}

impl From<Version> for String {
    fn from(version: Version) -> Self {
        version.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_version_is_read_from_its_name() {
        let corrupted = Corruption::ALL.into_iter().flat_map(|c| Severity::ALL.map(|s| Version::Corrupted(c, s)));
        for version in corrupted.chain([Version::Clean]) {
            assert_eq!(version.to_string().parse(), Ok(version));
        }
        for name in ["", "clean:1", "gaussian_noise", "gaussian_noise:0", "gaussian_noise:6", "noise:3"] {
            assert!(name.parse::<Version>().unwrap_err().to_string().contains("gaussian_noise:3"), "{name}");
        }
    }
}
