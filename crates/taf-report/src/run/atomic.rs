use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use super::{Error, Result};

/// How the names of unfinished files end.
const UNFINISHED: &str = ".taf-unfinished";

/// Writes a whole file so that a reader, or the next start after a crash, finds the old bytes or the new, never a mixture.
///
/// The bytes go to a sibling, reach the disk, and take the name; then the folder itself reaches the disk.
///
/// # Errors
/// If the folder does not exist or cannot be written; the old file is then untouched.
pub fn write_atomic(path: &Path, bytes: &[u8]) -> Result<()> {
    write_atomic_with(path, |file| file.write_all(bytes))
}

/// [`write_atomic`] for content that is written piece by piece, such as a large checkpoint.
///
/// # Errors
/// As [`write_atomic`], or what `fill` answers.
pub fn write_atomic_with(path: &Path, fill: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> Result<()> {
    let sibling = unfinished_sibling(path);
    let written = fill_file(&sibling, fill).and_then(|()| fs::rename(&sibling, path));
    if let Err(source) = written {
        let _ = fs::remove_file(&sibling); // the first error is the one to tell
        return Err(Error::Io { action: "write", path: path.to_owned(), source });
    }
    sync_folder(path).map_err(Error::io("write", path))
}

fn fill_file(path: &Path, fill: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> io::Result<()> {
    let mut file = BufWriter::new(File::create_new(path)?);
    fill(&mut file)?;
    file.into_inner()?.sync_all()
}

/// A name in the same folder that no other thread or process takes.
fn unfinished_sibling(path: &Path) -> PathBuf {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let name = path.file_name().unwrap_or(OsStr::new("file")).to_string_lossy();
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    path.with_file_name(format!(".{name}.{}.{count}{UNFINISHED}", std::process::id()))
}

#[cfg(unix)]
fn sync_folder(path: &Path) -> io::Result<()> {
    let folder = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
    File::open(folder)?.sync_all()
}

#[cfg(not(unix))]
fn sync_folder(_: &Path) -> io::Result<()> {
    Ok(()) // a folder cannot be opened as a file there
}

/// Removes what a killed process left half written in `folder`. Only for who holds the run's lock.
pub(super) fn remove_unfinished(folder: &Path) -> Result<()> {
    for entry in fs::read_dir(folder).map_err(Error::io("read", folder))? {
        let path = entry.map_err(Error::io("read", folder))?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        if name.starts_with('.') && name.ends_with(UNFINISHED) {
            fs::remove_file(&path).map_err(Error::io("remove", &path))?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(folder: &Path) -> Vec<String> {
        fs::read_dir(folder).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap()).collect()
    }

    #[test]
    fn a_file_is_replaced_and_nothing_else_is_left() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.json");
        write_atomic(&path, b"one").unwrap();
        write_atomic(&path, b"two").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"two");
        assert_eq!(names(folder.path()), ["a.json"]);
    }

    #[test]
    fn a_failed_write_leaves_the_old_file_and_no_litter() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.json");
        write_atomic(&path, b"old").unwrap();
        let failed = write_atomic_with(&path, |file| {
            file.write_all(b"half")?;
            Err(io::Error::other("the disk is full"))
        });
        assert!(failed.unwrap_err().to_string().contains("a.json"));
        assert_eq!(fs::read(&path).unwrap(), b"old");
        assert_eq!(names(folder.path()), ["a.json"]);
    }

    #[test]
    fn a_missing_folder_is_an_error_naming_the_file() {
        let error = write_atomic(Path::new("/nowhere/at/all.json"), b"x").unwrap_err();
        assert!(error.to_string().ends_with("/nowhere/at/all.json"), "{error}");
    }

    #[test]
    fn only_unfinished_files_are_cleaned_away() {
        let folder = tempfile::tempdir().unwrap();
        let kept = folder.path().join("keep.json");
        fs::write(&kept, b"x").unwrap();
        fs::write(unfinished_sibling(&kept), b"half").unwrap();
        remove_unfinished(folder.path()).unwrap();
        assert_eq!(names(folder.path()), ["keep.json"]);
    }
}
