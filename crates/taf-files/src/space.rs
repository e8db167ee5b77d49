use std::path::Path;

/// Bytes that can still be written on the disk a file or folder lies on, or would lie on once it is made; `None` where the
/// operating system does not tell.
#[cfg(unix)]
pub fn free_bytes(path: &Path) -> Option<u64> {
    let absolute = std::path::absolute(path).ok()?;
    let there = absolute.ancestors().find(|folder| folder.exists())?;
    let about = rustix::fs::statvfs(there).ok()?;
    about.f_bavail.checked_mul(about.f_frsize)
}

/// Bytes that can still be written on the disk a file or folder lies on; not known here.
#[cfg(not(unix))]
pub fn free_bytes(_: &Path) -> Option<u64> {
    None
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn a_disk_has_the_same_room_for_a_folder_that_is_not_there_yet() {
        let folder = tempfile::tempdir().unwrap();
        let deep = folder.path().join("a/b/c");
        assert!(free_bytes(folder.path()).unwrap() > 0);
        assert!(free_bytes(&deep).unwrap() > 0 && !deep.exists());
    }
}
