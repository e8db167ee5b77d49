use serde::{Deserialize, Serialize};

/// Where the pictures of a cached video lie.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SamplePlace {
    /// The tar file: relative to the manifest's folder, or absolute.
    pub file: String,
    /// Where its first member begins, in bytes.
    pub offset: u64,
    /// How many bytes its members take together.
    pub bytes: u64,
    /// SHA-256 of its first member's contents, in hexadecimal. Those hold the hash of every picture.
    pub sha256: String,
}
