use std::ffi::OsString;
use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};

use crate::{Error, Result};

/// Writes a whole file, so that a reader (or a killed process) sees the old bytes or the new ones, never a part.
///
/// # Errors
/// If the folder is missing or cannot be written.
pub(crate) fn write_atomically(path: &Path, bytes: &[u8]) -> Result<()> {
    let partial = partial_path(path);
    let written = File::create(&partial).and_then(|mut file| {
        file.write_all(bytes)?;
        file.sync_all()
    });
    written.and_then(|()| fs::rename(&partial, path)).map_err(|source| {
        // Whatever went wrong first is what the caller should hear of.
        let _ = fs::remove_file(&partial);
        Error::io("write", path, source)
    })
}

/// A hidden neighbour of `path`: hidden, so that listings skip it; one per process, so that two do not share it.
fn partial_path(path: &Path) -> PathBuf {
    let mut name = OsString::from(format!(".partial-{}-", std::process::id()));
    name.push(path.file_name().unwrap_or_default());
    path.with_file_name(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_replaced_whole_and_nothing_else_is_left() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("list.txt");
        write_atomically(&path, b"old").unwrap();
        write_atomically(&path, b"new").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"new");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_missing_folder_is_an_error_that_names_the_file() {
        let folder = tempfile::tempdir().unwrap();
        let error = write_atomically(&folder.path().join("no/list.txt"), b"x").unwrap_err();
        assert!(error.to_string().contains("no/list.txt"), "{error}");
    }
}
