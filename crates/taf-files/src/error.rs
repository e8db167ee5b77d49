use std::io;
use std::path::{Path, PathBuf};

/// Why a file is not written, by what the caller can do about it.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The file system said no: check the path, the permissions and the space left.
    #[error("cannot {action}: {source}: {}", path.display())]
    Io {
        /// What was attempted, such as "write".
        action: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// What the operating system answered.
        source: io::Error,
    },
    /// Something else has the name: a device, a pipe, a folder. It is left as it is.
    #[error("expected a file or a free name, found {found}: {}", path.display())]
    NoFile {
        /// What has the name.
        found: &'static str,
        /// The name.
        path: PathBuf,
    },
    /// A command must not write there: name another file.
    #[error("{option}: expected {expected}, found {found}: {}", path.display())]
    Refused {
        /// The option that names the output.
        option: &'static str,
        /// What the output must be.
        expected: String,
        /// What it is.
        found: String,
        /// The output.
        path: PathBuf,
    },
}

/// Short for a result with this crate's [`Error`].
pub type Result<T> = std::result::Result<T, Error>;

impl Error {
    /// What the operating system answered when `action`, such as "read", was attempted on a file or folder.
    pub fn io(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        move |source| Self::Io { action, path: path.to_owned(), source }
    }
}
