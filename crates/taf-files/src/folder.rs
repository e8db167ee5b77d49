use std::fs::{self, File};
use std::io;
use std::path::Path;
use std::time::Duration;

use crate::place::folder_of;
use crate::whole::{UNFINISHED, sibling_in};
use crate::{Error, Result};

/// Makes a folder and those it lies in, so that they are there after a power cut too.
///
/// # Errors
/// If the operating system refuses.
pub fn create_folder(path: &Path) -> Result<()> {
    if path.is_dir() {
        return Ok(());
    }
    let parent = folder_of(path);
    create_folder(parent)?;
    let made = match fs::create_dir(path) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists && path.is_dir() => Ok(()),
        made => made,
    };
    made.and_then(|()| sync_folder(parent)).map_err(Error::io("create the folder", path))
}

#[cfg(unix)]
pub(crate) fn sync_folder(path: &Path) -> io::Result<()> {
    File::open(path)?.sync_all()
}

#[cfg(not(unix))]
pub(crate) fn sync_folder(_: &Path) -> io::Result<()> {
    Ok(()) // a folder cannot be opened as a file there
}

/// Whether files can be made in a folder, by making one: permissions alone do not say so, such as on read-only storage.
pub(crate) fn is_writable(folder: &Path) -> io::Result<()> {
    sibling_in(folder)?.close()
}

/// A file that was written to more lately than that may still be in the making.
const STILL_WRITTEN: Duration = Duration::from_secs(60);

/// Removes from `folder` what killed processes left half written; what another process may be writing stays.
///
/// # Errors
/// If the folder cannot be read or a file not removed.
pub fn remove_unfinished(folder: &Path) -> Result<()> {
    for entry in fs::read_dir(folder).map_err(Error::io("read", folder))? {
        let entry = entry.map_err(Error::io("read", folder))?;
        let name = entry.file_name();
        let name = name.to_string_lossy();
        if name.starts_with('.') && name.ends_with(UNFINISHED) && is_old(&entry) {
            fs::remove_file(entry.path()).map_err(Error::io("remove", &entry.path()))?;
        }
    }
    Ok(())
}

fn is_old(entry: &fs::DirEntry) -> bool {
    let modified = entry.metadata().and_then(|metadata| metadata.modified());
    modified.ok().and_then(|time| time.elapsed().ok()).is_some_and(|age| age > STILL_WRITTEN)
}

#[cfg(test)]
mod tests {
    use std::time::SystemTime;

    use super::*;
    use crate::Unfinished;

    #[test]
    fn what_a_killed_process_left_is_removed_and_what_is_being_written_stays() {
        let folder = tempfile::tempdir().unwrap();
        let kept = folder.path().join("keep.json");
        fs::write(&kept, b"x").unwrap();
        let others = Unfinished::beside(&kept).unwrap();
        let left = folder.path().join(format!(".left{UNFINISHED}"));
        let long_ago = SystemTime::now() - 2 * STILL_WRITTEN;
        File::create(&left).unwrap().set_modified(long_ago).unwrap();
        remove_unfinished(folder.path()).unwrap();
        assert!(kept.exists() && others.path().exists() && !left.exists());
    }

    #[test]
    fn folders_are_made_with_those_they_lie_in_and_a_file_in_the_way_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let deep = folder.path().join("a/b/c");
        create_folder(&deep).unwrap();
        create_folder(&deep).unwrap();
        assert!(deep.is_dir());
        let file = folder.path().join("file");
        fs::write(&file, b"").unwrap();
        let error = create_folder(&file.join("x")).unwrap_err().to_string();
        assert!(error.contains("file"), "{error}");
    }
}
