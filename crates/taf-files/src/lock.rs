use std::fs::{File, TryLockError};
use std::io::{self, ErrorKind};

/// What became of the wish to have an open file alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lock {
    /// It is had, until the file is closed or the process ends, however it ends.
    Held,
    /// Another process has it.
    Taken,
    /// The file system has no locks, as some of the network.
    Unsupported,
}

/// Locks an open file for this process alone. It is a lock of the operating system, not the file's existence, so a process
/// that was killed leaves nothing to clean up.
///
/// # Errors
/// If the operating system answers anything else than in the cases of [`Lock`].
pub fn lock(file: &File) -> io::Result<Lock> {
    meaning(file.try_lock())
}

fn meaning(answer: Result<(), TryLockError>) -> io::Result<Lock> {
    match answer {
        Ok(()) => Ok(Lock::Held),
        Err(TryLockError::WouldBlock) => Ok(Lock::Taken),
        Err(TryLockError::Error(error)) if error.kind() == ErrorKind::Unsupported => Ok(Lock::Unsupported),
        Err(TryLockError::Error(error)) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_holds_a_file_and_the_next_is_told_so() {
        let path = tempfile::NamedTempFile::new().unwrap();
        let (first, second) = (path.reopen().unwrap(), path.reopen().unwrap());
        assert_eq!((lock(&first).unwrap(), lock(&second).unwrap()), (Lock::Held, Lock::Taken));
        drop(first);
        assert_eq!(lock(&second).unwrap(), Lock::Held);
    }

    #[test]
    fn a_file_system_without_locks_is_told_of_and_other_errors_stop() {
        let answer = |kind: ErrorKind| meaning(Err(TryLockError::Error(kind.into())));
        assert_eq!(answer(ErrorKind::Unsupported).unwrap(), Lock::Unsupported);
        assert_eq!(answer(ErrorKind::PermissionDenied).unwrap_err().kind(), ErrorKind::PermissionDenied);
    }
}
