use std::path::{Path, PathBuf};

/// Why results of an experiment cannot be read, written or put together.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The file system said no.
    #[error(transparent)]
    File(#[from] taf_files::Error),
    /// A file cannot be read.
    #[error("cannot read {}: {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the operating system answered.
        source: std::io::Error,
    },
    /// A file does not hold what it should.
    #[error("expected {expected}, found {found}: {}", path.display())]
    Content {
        /// The file.
        path: PathBuf,
        /// What it should hold.
        expected: String,
        /// What it holds.
        found: String,
    },
}

/// Short for a result with this module's [`Error`].
pub type Result<T> = std::result::Result<T, Error>;

impl Error {
    pub(super) fn content(path: &Path, expected: impl Into<String>, found: impl ToString) -> Self {
        Self::Content { path: path.to_owned(), expected: expected.into(), found: found.to_string() }
    }
}
