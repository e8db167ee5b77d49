use crate::trace::TraceError;

/// Why a network cannot be written as ONNX.
#[derive(Debug, thiserror::Error)]
pub enum OnnxError {
    /// Its pass cannot be followed.
    #[error(transparent)]
    Trace(#[from] TraceError),
    /// An operation of the pass has no form here.
    #[error("expected {operation} of a form that ONNX can say for clips of any number and size, found {found}")]
    Unwritable {
        /// The operation.
        operation: String,
        /// What is in the way.
        found: String,
    },
    /// The description of the network contradicts it or itself.
    #[error("{what} must {expected}, got {found}")]
    Description {
        /// Which value.
        what: &'static str,
        /// What it must do.
        expected: String,
        /// What it is.
        found: String,
    },
    /// Protocol buffers end at 2 GiB.
    #[error("expected a network of less than 2 GiB, the most a single ONNX file holds, found {bytes} bytes")]
    TooLarge {
        /// Bytes of the file.
        bytes: usize,
    },
    /// Writing failed.
    #[error(transparent)]
    Write(#[from] taf_files::Error),
}

/// Short for a result with this module's [`OnnxError`].
pub type Result<T> = std::result::Result<T, OnnxError>;
