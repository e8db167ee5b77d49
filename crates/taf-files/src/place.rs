//! Where a name leads.

use std::fs::{self, Metadata};
use std::io;
use std::path::{Path, PathBuf};

/// More links than that in a row are a circle.
const MOST_LINKS: usize = 40;

/// The file that a name stands for: links are followed, also one that leads to a file which is not there yet, and nothing
/// relative is left.
///
/// # Errors
/// If the folder does not exist, or links lead in a circle.
pub(crate) fn target(path: &Path) -> io::Result<PathBuf> {
    let mut path = path.to_owned();
    for _ in 0..MOST_LINKS {
        match fs::read_link(&path) {
            Ok(link) => path = folder_of(&path).join(link),
            Err(_) => return absolute(&path),
        }
    }
    Err(io::Error::other("links that lead in a circle"))
}

fn absolute(path: &Path) -> io::Result<PathBuf> {
    match path.file_name() {
        Some(name) => Ok(fs::canonicalize(folder_of(path))?.join(name)),
        None => fs::canonicalize(path),
    }
}

/// The folder that a file lies in.
pub(crate) fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// What has a name, unless it is a file.
pub(crate) fn no_file(found: &Metadata) -> Option<&'static str> {
    let kind = found.file_type();
    if kind.is_file() {
        return None;
    }
    Some(if kind.is_dir() { "a folder" } else { special(kind) })
}

#[cfg(unix)]
fn special(kind: fs::FileType) -> &'static str {
    use std::os::unix::fs::FileTypeExt;
    match kind {
        kind if kind.is_fifo() => "a named pipe",
        kind if kind.is_socket() => "a socket",
        kind if kind.is_block_device() || kind.is_char_device() => "a device",
        _ => "something else",
    }
}

#[cfg(not(unix))]
fn special(_: fs::FileType) -> &'static str {
    "something else"
}

/// What tells a file or folder from all others, whatever names lead to it: those of links, hard ones too, lead to one. A copy is
/// another file.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Identity(Place);

#[cfg(unix)]
type Place = (u64, u64);
#[cfg(not(unix))]
type Place = PathBuf;

impl Identity {
    /// That of what a name leads to; none where nothing is there.
    #[cfg(unix)]
    pub fn of(path: &Path) -> Option<Self> {
        use std::os::unix::fs::MetadataExt;
        fs::metadata(path).ok().map(|found| Self((found.dev(), found.ino())))
    }

    /// That of what a name leads to; none where nothing is there.
    #[cfg(not(unix))]
    pub fn of(path: &Path) -> Option<Self> {
        fs::canonicalize(path).ok().map(Self)
    }
}

/// Whether two names lead to one file. Files that are not there are none.
pub(crate) fn is_same_file(one: &Path, other: &Path) -> bool {
    Identity::of(one).is_some_and(|one| Some(one) == Identity::of(other))
}
