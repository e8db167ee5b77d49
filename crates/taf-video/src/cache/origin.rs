use serde::{Deserialize, Serialize};

use crate::{Error, Result};

/// What a cache was made of, and how.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CacheOrigin {
    /// SHA-256 of the manifest of the videos, in hexadecimal.
    pub source: String,
    /// Pixels of the shorter side of larger pictures; `None` where all were kept as they were.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub short_side: Option<usize>,
    /// Quality of the JPEG pictures, 1 to 100.
    pub quality: u8,
}

impl CacheOrigin {
    /// Refuses what no picture can be stored with.
    pub(super) fn verify(&self) -> Result<()> {
        if !(1..=100).contains(&self.quality) {
            return Err(Error::setting("quality", "1 to 100", self.quality));
        }
        match self.short_side {
            Some(0) => Err(Error::setting("short_side", "at least 1 pixel", 0)),
            _ => Ok(()),
        }
    }
}
