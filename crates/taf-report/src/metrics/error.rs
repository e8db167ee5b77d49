/// Why predictions cannot be scored.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The parts of one set of predictions do not fit each other, or a value is not a number.
    #[error("predictions need {expected}, found {found}")]
    Predictions {
        /// What was needed.
        expected: String,
        /// What is there.
        found: String,
    },
    /// Models were asked about different samples: evaluate all on the same list.
    #[error("models can only be compared or combined on the same samples: {0}")]
    NotPaired(String),
    /// An attention row is not a distribution over frames.
    #[error("attention of clip {clip} needs {expected}, found {found}")]
    Attention {
        /// Position of the clip in the list, from 0.
        clip: usize,
        /// What was needed.
        expected: String,
        /// What is there.
        found: String,
    },
}

/// Short for a result with this module's [`Error`].
pub type Result<T> = std::result::Result<T, Error>;

impl Error {
    pub(super) fn predictions(expected: impl Into<String>, found: impl Into<String>) -> Self {
        Self::Predictions { expected: expected.into(), found: found.into() }
    }
}
