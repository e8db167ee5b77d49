use std::fmt;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::FrameNames;
use crate::decode::frame_files;
use crate::hash::in_hex;
use crate::{Error, Result};

/// What lies at a path, to know later whether it is still the same.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Content {
    /// Size of the file, or of all pictures of the folder together.
    pub bytes: u64,
    /// SHA-256 in hexadecimal: of the bytes of a video file, of the names and sizes of a folder's pictures.
    pub sha256: String,
}

impl Content {
    /// Reads a video file, or lists a folder of pictures where `names` says how they are called.
    ///
    /// # Errors
    /// [`Error::Io`] if it cannot be read.
    pub(crate) fn of(path: &Path, names: Option<&FrameNames>) -> Result<Self> {
        match names {
            Some(names) => Self::of_pictures(&frame_files(path, &names.template_in(path))?),
            None => Self::of_file(path).map_err(|source| Error::io("read", path, source)),
        }
    }

    fn of_file(path: &Path) -> io::Result<Self> {
        let mut hasher = Sha256::new();
        let bytes = io::copy(&mut File::open(path)?, &mut hasher)?;
        Ok(Self { bytes, sha256: in_hex(hasher) })
    }

    fn of_pictures(files: &[PathBuf]) -> Result<Self> {
        let (mut hasher, mut bytes) = (Sha256::new(), 0);
        for file in files {
            let size = fs::metadata(file).map_err(|source| Error::io("read", file, source))?.len();
            if size == 0 {
                return Err(Error::content(file, "a JPEG or PNG picture", "an empty file"));
            }
            add_name(&mut hasher, file);
            hasher.update(size.to_le_bytes());
            bytes += size;
        }
        Ok(Self { bytes, sha256: in_hex(hasher) })
    }
}

/// Size and time of the last change of a video's file as they are today, in one short text: another one means that the file
/// was written since, the same one that in all likelihood it was not. Nothing is read, so it costs one look at the file
/// system.
///
/// Of a folder of pictures it is how many there are, the time of the folder, and name, size and time of the first and the
/// last picture: a few looks, however many pictures. So it is another one after a picture came, went, was renamed or made
/// way for another file, after anything else in the folder did, and after all pictures were written again; but not after
/// one between the first and the last was written over in its place.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Fingerprint(String);

impl Fingerprint {
    /// Looks at a video file, or at the pictures of a folder where `names` says how they are called.
    pub(super) fn of(path: &Path, names: Option<&FrameNames>) -> Result<Self> {
        let mut hasher = Sha256::new();
        let Some(names) = names else {
            add_size_and_time(&mut hasher, path)?;
            return Ok(Self(in_hex(hasher)));
        };
        let pictures = frame_files(path, &names.template_in(path))?;
        hasher.update((pictures.len() as u64).to_le_bytes());
        add_size_and_time(&mut hasher, path)?;
        for picture in pictures.first().into_iter().chain(pictures.last()) {
            add_name(&mut hasher, picture);
            add_size_and_time(&mut hasher, picture)?;
        }
        Ok(Self(in_hex(hasher)))
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

fn add_size_and_time(hasher: &mut Sha256, path: &Path) -> Result<()> {
    let (bytes, changed) = size_and_time(path).map_err(|source| Error::io("look at", path, source))?;
    hasher.update(bytes.to_le_bytes());
    hasher.update(changed.to_le_bytes());
    Ok(())
}

/// Bytes, and nanoseconds since 1970 (negative before).
fn size_and_time(file: &Path) -> io::Result<(u64, i128)> {
    let about = fs::metadata(file)?;
    let changed = about.modified()?;
    let nanos = match changed.duration_since(UNIX_EPOCH) {
        Ok(after) => after.as_nanos() as i128,
        Err(before) => -(before.duration().as_nanos() as i128),
    };
    Ok((about.len(), nanos))
}

/// The name with its length before it, so that no two lists of names look the same.
fn add_name(hasher: &mut Sha256, file: &Path) {
    let name = file.file_name().unwrap_or_default().as_encoded_bytes();
    hasher.update((name.len() as u64).to_le_bytes());
    hasher.update(name);
}
