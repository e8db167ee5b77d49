use serde::{Deserialize, Serialize};

/// What becomes of training when a video cannot be used: it does not decode, or its file is gone.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum OnBadVideo {
    /// Training stops with a checkpoint and names the video.
    #[default]
    Stop,
    /// Another video of the same class takes its place, decided by the seed; each is named and counted in the log.
    Replace,
}

/// A training video that could not be used, and the one that took its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Replaced {
    /// Path of the video in the manifest.
    pub path: String,
    /// Why it could not be used.
    pub reason: String,
    /// The path of the one shown instead.
    pub by: String,
}
