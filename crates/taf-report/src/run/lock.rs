use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::Write;
use std::path::Path;

use taf_files::Lock as Answer;

use super::{Error, Result, provenance};

/// The file that is locked while a process writes the run.
pub const LOCK: &str = ".lock";

/// A run's lock, held until it is dropped or the process ends, however it ends.
#[derive(Debug)]
pub struct Lock {
    _file: File,
    /// Whether the file system keeps others away.
    pub holds: bool,
}

impl Lock {
    /// Takes the lock of a run's folder.
    pub fn take(folder: &Path) -> Result<Self> {
        let path = folder.join(LOCK);
        let opened = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(&path);
        let mut file = opened.map_err(Error::io("open", &path))?;
        let holds = match taf_files::lock(&file).map_err(Error::io("lock", &path))? {
            Answer::Held => true,
            Answer::Unsupported => false,
            Answer::Taken => return Err(Error::Locked { path: folder.to_owned(), owner: owner(&path) }),
        };
        if holds {
            let note = format!("process {} since {}\n", std::process::id(), provenance::now());
            let written = file.set_len(0).and_then(|()| file.write_all(note.as_bytes()));
            written.map_err(Error::io("write", &path))?;
        }
        Ok(Self { _file: file, holds })
    }
}

/// Whether a process holds the lock of a run's folder; not where that cannot be told. The look itself lasts microseconds, in
/// which nobody else can take the lock.
pub fn is_held(folder: &Path) -> bool {
    let file = File::open(folder.join(LOCK));
    file.is_ok_and(|file| matches!(file.try_lock_shared(), Err(TryLockError::WouldBlock)))
}

/// What the process that has the lock wrote into it.
fn owner(lock: &Path) -> Option<String> {
    fs::read_to_string(lock).ok().map(|owner| owner.trim().to_owned()).filter(|owner| !owner.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_process_at_a_time_has_the_lock_and_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let first = Lock::take(folder.path()).unwrap();
        assert!(first.holds);
        let error = Lock::take(folder.path()).unwrap_err();
        assert!(error.to_string().contains(&format!("process {}", std::process::id())), "{error}");
        drop(first);
        assert!(Lock::take(folder.path()).is_ok());
    }

    #[test]
    fn a_lock_left_by_a_dead_process_does_not_stop_anyone() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join(LOCK), "process 1 since 1970-01-01T00:00:00Z\n").unwrap();
        assert!(Lock::take(folder.path()).unwrap().holds);
    }
}
