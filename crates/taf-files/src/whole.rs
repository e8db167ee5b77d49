use std::fs::{self, File, OpenOptions};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use tempfile::TempPath;

use crate::folder::sync_folder;
use crate::place::{folder_of, no_file, target};
use crate::sibling::sibling_in;
use crate::{Error, Result};

/// Writes a whole file so that a reader, or the next start after a crash, finds the old bytes or the new, never a mixture.
///
/// The bytes go to a sibling, reach the disk, and take the name; then the folder itself reaches the disk. A link stays, and the
/// file it leads to is replaced; a file that is replaced leaves its permissions to the new one.
///
/// # Errors
/// If the folder does not exist or cannot be written, or the name is that of no file; what was there is then untouched.
pub fn write_atomic(path: &Path, bytes: &[u8]) -> Result<()> {
    write_atomic_with(path, |file| file.write_all(bytes))
}

/// [`write_atomic`] for content that is written piece by piece and never lies in memory as a whole.
///
/// # Errors
/// As [`write_atomic`], or what `fill` answers.
pub fn write_atomic_with(path: &Path, fill: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> Result<()> {
    let (sibling, file) = Unfinished::open(path)?;
    let mut file = BufWriter::new(file);
    let filled = fill(&mut file).and_then(|()| file.into_inner().map_err(io::IntoInnerError::into_error).map(drop));
    filled.map_err(Error::io("write", path))?;
    sibling.finish()
}

/// A file under construction, for encoders that open a path themselves: a hidden sibling of the file it becomes, removed again
/// unless it gets there.
#[derive(Debug)]
pub struct Unfinished {
    /// As it was named, for messages.
    named: PathBuf,
    /// Where that leads.
    target: PathBuf,
    sibling: TempPath,
}

impl Unfinished {
    /// An empty file beside the one that `path` leads to.
    ///
    /// # Errors
    /// As [`write_atomic`].
    pub fn beside(path: &Path) -> Result<Self> {
        Self::open(path).map(|(sibling, _)| sibling)
    }

    fn open(path: &Path) -> Result<(Self, File)> {
        let target = target(path).map_err(Error::io("write", path))?;
        if let Some(found) = fs::symlink_metadata(&target).ok().as_ref().and_then(no_file) {
            return Err(Error::NoFile { found, path: path.to_owned() });
        }
        let sibling = sibling_in(folder_of(&target)).map_err(Error::io("write", path))?;
        let (file, sibling) = sibling.into_parts();
        Ok((Self { named: path.to_owned(), target, sibling }, file))
    }

    /// The file to write.
    pub fn path(&self) -> &Path {
        &self.sibling
    }

    /// Gives the file its name once it is on the disk, replacing what had it.
    ///
    /// # Errors
    /// If the operating system refuses; what had the name then still has it.
    pub fn finish(self) -> Result<()> {
        let Self { named, target, sibling } = self;
        let finished = take_over_permissions(&target, &sibling)
            .and_then(|()| OpenOptions::new().write(true).open(&sibling)?.sync_all())
            .and_then(|()| sibling.persist(&target).map_err(|refused| refused.error))
            .and_then(|()| sync_folder(folder_of(&target)));
        finished.map_err(Error::io("write", &named))
    }
}

fn take_over_permissions(old: &Path, new: &Path) -> io::Result<()> {
    match fs::metadata(old) {
        Ok(old) if old.permissions() != fs::metadata(new)?.permissions() => fs::set_permissions(new, old.permissions()),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(folder: &Path) -> Vec<String> {
        let mut names: Vec<_> =
            fs::read_dir(folder).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
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
        let error = failed.unwrap_err().to_string();
        assert!(error.contains("the disk is full") && error.ends_with("a.json"), "{error}");
        assert_eq!(fs::read(&path).unwrap(), b"old");
        assert_eq!(names(folder.path()), ["a.json"]);
    }

    #[test]
    fn an_encoder_that_gives_up_leaves_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.mp4");
        let unfinished = Unfinished::beside(&path).unwrap();
        fs::write(unfinished.path(), b"half").unwrap();
        assert!(!path.exists());
        drop(unfinished);
        assert!(names(folder.path()).is_empty());
        let unfinished = Unfinished::beside(&path).unwrap();
        fs::write(unfinished.path(), b"whole").unwrap();
        unfinished.finish().unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"whole");
        assert_eq!(names(folder.path()), ["a.mp4"]);
    }

    #[test]
    fn a_missing_folder_is_an_error_naming_the_file() {
        let error = write_atomic(Path::new("/nowhere/at/all.json"), b"x").unwrap_err();
        assert!(error.to_string().ends_with("/nowhere/at/all.json"), "{error}");
    }

    #[cfg(unix)]
    #[test]
    fn a_link_stays_and_what_it_leads_to_is_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        fs::create_dir(at("far")).unwrap();
        write_atomic(&at("far/old.json"), b"old").unwrap();
        for (link, leads_to) in [("one", "far/old.json"), ("two", "one"), ("three", "far/not-there.json")] {
            std::os::unix::fs::symlink(leads_to, at(link)).unwrap();
        }
        write_atomic(&at("two"), b"new").unwrap();
        write_atomic(&at("three"), b"first").unwrap();
        assert_eq!(fs::read(at("far/old.json")).unwrap(), b"new");
        assert_eq!(fs::read(at("far/not-there.json")).unwrap(), b"first");
        assert!(["one", "two", "three"].iter().all(|link| at(link).is_symlink()));
        std::os::unix::fs::symlink("circle", at("circle")).unwrap();
        assert!(write_atomic(&at("circle"), b"x").unwrap_err().to_string().contains("circle"));
    }

    #[cfg(unix)]
    #[test]
    fn a_device_a_socket_and_a_folder_are_left_as_they_are() {
        let folder = tempfile::tempdir().unwrap();
        let socket = folder.path().join("socket");
        let _listener = std::os::unix::net::UnixListener::bind(&socket).unwrap();
        let link = folder.path().join("link");
        std::os::unix::fs::symlink("/dev/null", &link).unwrap();
        for (path, found) in [
            (Path::new("/dev/null"), "a device"),
            (&link, "a device"),
            (&socket, "a socket"),
            (folder.path(), "a folder"),
        ] {
            let error = write_atomic(path, b"x").unwrap_err().to_string();
            assert!(error.contains(found) && error.ends_with(&path.display().to_string()), "{error}");
        }
    }

    #[cfg(unix)]
    #[test]
    fn permissions_are_those_of_the_file_before_or_of_any_new_file() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let mode = |name: &str| fs::metadata(folder.path().join(name)).unwrap().permissions().mode() & 0o777;
        let path = folder.path().join("a");
        write_atomic(&path, b"one").unwrap();
        fs::write(folder.path().join("plain"), b"").unwrap();
        assert_eq!(mode("a"), mode("plain"));
        fs::set_permissions(&path, PermissionsExt::from_mode(0o640)).unwrap();
        write_atomic(&path, b"two").unwrap();
        assert_eq!(mode("a"), 0o640);
    }
}
