/// Why a network cannot be written as ONNX.
#[derive(Debug, thiserror::Error)]
pub enum OnnxError {
    /// The weights belong to another network.
    #[error("expected weights of {network}, found no tensor {name:?}")]
    Missing {
        /// What was to be exported.
        network: String,
        /// The published name.
        name: String,
    },
    /// The weights hold more than the network uses, so they belong to another one.
    #[error("expected weights of {network}, found {count} tensors it does not have, such as {name:?}")]
    Unused {
        /// What was to be exported.
        network: String,
        /// How many.
        count: usize,
        /// The first of them.
        name: String,
    },
    /// A tensor does not fit its place.
    #[error("expected {name} to {expected}, found {found:?}")]
    Shape {
        /// The published name.
        name: String,
        /// What its shape must do.
        expected: String,
        /// Its shape.
        found: Vec<usize>,
    },
    /// A tensor's elements are not 32-bit floats.
    #[error("expected {name} to hold 32-bit floats, found {found}")]
    Elements {
        /// The published name.
        name: String,
        /// What it holds.
        found: String,
    },
    /// The description of the network contradicts itself.
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
