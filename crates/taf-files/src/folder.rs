use std::fs::{self, File};
use std::io;
use std::path::Path;

use crate::place::folder_of;
use crate::sibling::{is_unfinished, sibling_in};
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

/// Brings the names in a folder to the disk. Some file systems, such as network mounts, have no such thing and refuse it: what
/// was written is in place there all the same.
#[cfg(unix)]
pub(crate) fn sync_folder(path: &Path) -> io::Result<()> {
    match File::open(path)?.sync_all() {
        Err(refused) if matches!(refused.kind(), io::ErrorKind::InvalidInput | io::ErrorKind::Unsupported) => Ok(()),
        synced => synced,
    }
}

#[cfg(not(unix))]
pub(crate) fn sync_folder(_: &Path) -> io::Result<()> {
    Ok(()) // a folder cannot be opened as a file there
}

/// Whether files can be made in a folder, by making one: permissions alone do not say so, such as on read-only storage.
pub(crate) fn is_writable(folder: &Path) -> io::Result<()> {
    sibling_in(folder)?.close()
}

/// Removes from `folder` what killed processes left half written. Only for who alone writes there, such as the holder of a
/// run's lock.
///
/// # Errors
/// If the folder cannot be read or a file not removed.
pub fn remove_unfinished(folder: &Path) -> Result<()> {
    for entry in fs::read_dir(folder).map_err(Error::io("read", folder))? {
        let entry = entry.map_err(Error::io("read", folder))?;
        if is_unfinished(&entry.file_name()) {
            fs::remove_file(entry.path()).map_err(Error::io("remove", &entry.path()))?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_unfinished_files_are_cleaned_away() {
        let folder = tempfile::tempdir().unwrap();
        let [kept, left] = ["keep.json", ".left.taf-unfinished"].map(|name| folder.path().join(name));
        [&kept, &left].into_iter().for_each(|path| fs::write(path, b"x").unwrap());
        remove_unfinished(folder.path()).unwrap();
        assert!(kept.exists() && !left.exists());
    }

    /// Linux's own file systems of processes are such: fsync of a folder there answers EINVAL.
    #[cfg(target_os = "linux")]
    #[test]
    fn a_file_system_that_does_not_sync_folders_is_no_failure_and_a_missing_folder_is_one() {
        let refused = File::open("/proc/self").unwrap().sync_all().unwrap_err();
        assert_eq!(refused.kind(), io::ErrorKind::InvalidInput);
        sync_folder(Path::new("/proc/self")).unwrap();
        assert_eq!(sync_folder(Path::new("/proc/self/gone")).unwrap_err().kind(), io::ErrorKind::NotFound);
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
