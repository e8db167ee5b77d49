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

/// Whether two names lead to one file, also by a hard link. Files that are not there are none.
#[cfg(unix)]
pub(crate) fn is_same_file(one: &Path, other: &Path) -> bool {
    use std::os::unix::fs::MetadataExt;
    match (fs::metadata(one), fs::metadata(other)) {
        (Ok(one), Ok(other)) => (one.dev(), one.ino()) == (other.dev(), other.ino()),
        _ => false,
    }
}

/// Whether two names lead to one file. Files that are not there are none.
#[cfg(not(unix))]
pub(crate) fn is_same_file(one: &Path, other: &Path) -> bool {
    matches!((fs::canonicalize(one), fs::canonicalize(other)), (Ok(one), Ok(other)) if one == other)
}
