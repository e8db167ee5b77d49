use crate::metrics;

/// Why a report or a picture cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The predictions of one model on one suite cannot be scored.
    #[error("{source} (model {model:?}, suite {suite:?})")]
    Scores {
        /// The model.
        model: String,
        /// The suite.
        suite: String,
        /// What is wrong.
        source: metrics::Error,
    },
    /// What is to be shown is not there, or does not fit together.
    #[error("expected {expected}, found {found}")]
    Content {
        /// What was needed.
        expected: String,
        /// What is there.
        found: String,
    },
    /// A picture cannot be encoded.
    #[error("cannot encode the picture: {0}")]
    Encode(#[from] image::ImageError),
}

/// Short for a result with this module's [`Error`].
pub type Result<T> = std::result::Result<T, Error>;

impl Error {
    pub(super) fn content(expected: impl Into<String>, found: impl ToString) -> Self {
        Self::Content { expected: expected.into(), found: found.to_string() }
    }
}
