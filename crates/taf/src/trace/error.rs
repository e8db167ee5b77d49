/// Why a pass cannot be followed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TraceError {
    /// A tensor came from elsewhere.
    #[error(
        "expected {reader} to read what functions of taf::ops made, found a tensor of shape {shape:?} from elsewhere; \
         call the function of taf::ops for the operation that made it"
    )]
    Foreign {
        /// The operation that met it.
        reader: String,
        /// Its shape.
        shape: Vec<usize>,
    },
    /// A tensor was made by an operation and then viewed otherwise, outside of what is recorded.
    #[error(
        "expected {reader} to read a tensor as a function of taf::ops made it, found one of shape {made:?} seen as {shape:?}; \
         call taf::ops::reshape, permute or slice"
    )]
    Rearranged {
        /// The operation that met it.
        reader: String,
        /// The shape it was made in.
        made: Vec<usize>,
        /// The shape it has now.
        shape: Vec<usize>,
    },
    /// The pass measured its batch.
    #[error("expected a pass of inference, found {operation} with the statistics of a batch")]
    BatchStatistics {
        /// The operation.
        operation: String,
    },
    /// A linear layer met clips of a size that its network was not made for.
    #[error("expected {expected} features for a linear layer, as its weight has, found {found} at this size of clips")]
    Features {
        /// Those that its weight has.
        expected: usize,
        /// Those that it met.
        found: usize,
    },
}
