//! The hidden file that becomes another one once it is whole.

use std::ffi::OsStr;
use std::io;
use std::path::Path;

use tempfile::NamedTempFile;

/// How the names of unfinished files end.
const UNFINISHED: &str = ".taf-unfinished";

/// A file with a name that no other thread or process takes.
pub(crate) fn sibling_in(folder: &Path) -> io::Result<NamedTempFile> {
    let mut name = tempfile::Builder::new();
    name.prefix(".").rand_bytes(12).suffix(UNFINISHED);
    #[cfg(unix)]
    name.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666)); // less what the user's mask takes away
    name.tempfile_in(folder)
}

/// Whether that is the name of one.
pub(crate) fn is_unfinished(name: &OsStr) -> bool {
    let name = name.as_encoded_bytes();
    name.starts_with(b".") && name.ends_with(UNFINISHED.as_bytes())
}
