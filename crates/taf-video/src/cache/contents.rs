use serde::{Deserialize, Serialize};

use super::member::span;

/// What a cached video is made of: its first member, as JSON. With the sizes of the pictures it is known where each lies.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Contents {
    /// The video's name in the manifest.
    pub video: String,
    /// The name of its class.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub label: Option<String>,
    pub split: String,
    pub width: usize,
    pub height: usize,
    /// Frames per second, where the video said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fps: Option<f64>,
    pub frames: Vec<Picture>,
}

/// One frame as a JPEG file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Picture {
    pub bytes: u64,
    /// In hexadecimal.
    pub sha256: String,
}

impl Contents {
    /// Where each picture's member begins, counted from the first one's, and where the last one ends.
    pub(super) fn places(&self) -> Vec<u64> {
        let ends = self.frames.iter().scan(0_u64, |end, picture| {
            *end = end.saturating_add(span(picture.bytes));
            Some(*end)
        });
        std::iter::once(0).chain(ends).collect()
    }
}
