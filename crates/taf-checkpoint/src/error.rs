use std::io;
use std::path::PathBuf;

/// Why a file of weights cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("{fault}: {}", path.display())]
pub struct Error {
    /// The file.
    pub path: PathBuf,
    /// What is wrong with it.
    pub fault: Fault,
}

/// What is wrong with a file of weights.
#[derive(Debug, thiserror::Error)]
pub enum Fault {
    /// The file system said no.
    #[error("cannot read the weights: {0}")]
    Io(#[from] io::Error),
    /// The file is damaged, or of another kind.
    #[error("expected {expected}, found {found}")]
    Content {
        /// What was needed.
        expected: String,
        /// What is there.
        found: String,
    },
    /// The file names a function of Python that runs programs.
    #[error(
        "expected weights and what describes them, found {0}, which runs programs where Python loads the file; \
         nothing was executed, and the file is refused"
    )]
    Hostile(String),
    /// There is more than one network to take.
    #[error("expected the weights of one network, found several, and one must be named with --under: {}", listed(.names))]
    Several {
        /// What they are called.
        names: Vec<String>,
    },
    /// No network is called so.
    #[error("expected a network of a known layout under {name:?}, found {}", listed(.names))]
    NoneUnder {
        /// What was asked for.
        name: String,
        /// What the networks there are called.
        names: Vec<String>,
    },
    /// A value is not a number, or infinite.
    #[error("expected finite weights, found {value} in {tensor}")]
    NotFinite {
        /// The tensor, as the file calls it.
        tensor: String,
        /// Its first such value.
        value: f32,
    },
}

impl Fault {
    pub(crate) fn content(expected: impl Into<String>, found: impl Into<String>) -> Self {
        Self::Content { expected: expected.into(), found: found.into() }
    }

    /// A read that failed because the bytes ended says so.
    pub(crate) fn reading(what: &str, error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::UnexpectedEof => Self::content(what, "the end of the file"),
            _ => Self::Io(error),
        }
    }
}

fn listed(names: &[String]) -> String {
    const SHOWN: usize = 8;
    let shown = names.iter().take(SHOWN).map(String::as_str).collect::<Vec<_>>().join(", ");
    match names.len() {
        0 => "none".to_owned(),
        n if n > SHOWN => format!("{shown} and {} more", n - SHOWN),
        _ => shown,
    }
}

pub(crate) type Result<T> = std::result::Result<T, Fault>;
