use std::path::{Path, PathBuf};

/// What can go wrong between a file on disk and a clip, by what the caller can do about it.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The file system said no: check the path and the permissions.
    #[error("cannot {action}: {source}: {}", path.display())]
    Io {
        /// What was attempted: "open", "read", "write", "create folder".
        action: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// What the operating system answered.
        source: std::io::Error,
    },
    /// The file exists but does not hold what it should: replace or drop it.
    #[error("expected {expected}, found {found}: {}", path.display())]
    Content {
        /// The file or folder.
        path: PathBuf,
        /// What was needed.
        expected: String,
        /// What is there.
        found: String,
    },
    /// An option lies outside its range: correct the option.
    #[error("{name} must be {expected}, got {got}")]
    Setting {
        /// The option's name as the user writes it.
        name: &'static str,
        /// The values it can take.
        expected: String,
        /// The value it had.
        got: String,
    },
}

/// Short for a result with this crate's [`Error`].
pub type Result<T> = std::result::Result<T, Error>;

impl From<taf_files::Error> for Error {
    fn from(error: taf_files::Error) -> Self {
        match error {
            taf_files::Error::Io { action, path, source } => Self::Io { action, path, source },
            taf_files::Error::NoFile { found, path } => Self::content(&path, "a file or a free name", found),
            taf_files::Error::Refused { expected, found, path, .. } => Self::content(&path, expected, found),
        }
    }
}

impl Error {
    pub(crate) fn io(action: &'static str, path: &Path, source: std::io::Error) -> Self {
        Self::Io { action, path: path.to_owned(), source }
    }

    pub(crate) fn content(path: &Path, expected: impl Into<String>, found: impl Into<String>) -> Self {
        Self::Content { path: path.to_owned(), expected: expected.into(), found: found.into() }
    }

    pub(crate) fn setting(name: &'static str, expected: impl Into<String>, got: impl ToString) -> Self {
        Self::Setting { name, expected: expected.into(), got: got.to_string() }
    }
}
