use std::path::{Path, PathBuf};

/// What can go wrong with a run's folder, by what the caller can do about it.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The file system said no, or a file must not be written: check the path and the permissions.
    #[error(transparent)]
    File(#[from] taf_files::Error),
    /// A run is there already: resume it, replace it, or take another folder.
    #[error("expected a new folder, found {}; resume it, force a new start, or name another folder: {}",
        if *finished { "a finished run" } else { "an unfinished run" }, path.display())]
    Exists {
        /// The run's folder.
        path: PathBuf,
        /// Whether that run came to its end.
        finished: bool,
    },
    /// The folder holds something else; it is left alone even when a new start is forced.
    #[error("expected a run or an empty folder, found other files such as {found:?}: {}", path.display())]
    Foreign {
        /// The folder.
        path: PathBuf,
        /// One of the files in it.
        found: String,
    },
    /// Something of a run is there, but not the recipe it belongs to.
    #[error("expected the recipe.toml of the run to go on with, found {found} without it; restore it, or force a new start: {}",
        path.display())]
    NoRecipe {
        /// The folder.
        path: PathBuf,
        /// What there is of the run.
        found: String,
    },
    /// The run that is to be replaced holds what the new one is made from; nothing was removed.
    #[error("expected a folder without what the run is made from, found {} in it; name another folder: {}",
        read.display(), path.display())]
    Source {
        /// The run's folder.
        path: PathBuf,
        /// The file that is read.
        read: PathBuf,
    },
    /// There is no run to read.
    #[error("expected a run (a folder with recipe.toml), found none: {}", path.display())]
    Missing {
        /// The folder.
        path: PathBuf,
    },
    /// Another process is writing this run: wait for it, or end it.
    #[error("another process is writing this folder{}: {}", owner.as_ref().map(|o| format!(" ({o})")).unwrap_or_default(),
        path.display())]
    Locked {
        /// The run's folder.
        path: PathBuf,
        /// What that process left about itself.
        owner: Option<String>,
    },
    /// A file of the run does not hold what it should.
    #[error("expected {expected}, found {found}: {}", path.display())]
    Content {
        /// The file.
        path: PathBuf,
        /// What was needed.
        expected: String,
        /// What is there.
        found: String,
    },
}

/// Short for a result with this module's [`Error`].
pub type Result<T> = std::result::Result<T, Error>;

impl Error {
    pub(super) fn io(action: &'static str, path: &Path) -> impl FnOnce(std::io::Error) -> Self {
        move |source| taf_files::Error::io(action, path)(source).into()
    }

    pub(super) fn content(path: &Path, expected: impl Into<String>, found: impl ToString) -> Self {
        Self::Content { path: path.to_owned(), expected: expected.into(), found: found.to_string() }
    }
}
