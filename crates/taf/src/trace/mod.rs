//! One forward pass as a list of operations, which says everything about a network but its weights' values.
//!
//! While a pass is recorded, the functions of [`ops`](crate::ops) compute nothing: each notes what it was asked for and
//! answers with a placeholder of the right shape. So a pass over clips of any size costs microseconds and
//! no memory. What a network costs and its ONNX file are readers of the [`Graph`].
//!
//! A network whose pass leaves [`ops`](crate::ops) cannot be followed: the next operation, or the end, says so.

mod error;
mod graph;
mod placeholder;
mod recorder;

pub use error::TraceError;
pub use graph::{Graph, Operation, Origin, Step, Value, ValueId};
pub(crate) use placeholder::{placeholder, values_wanted, without_values};
pub(crate) use recorder::{
    Input, input, is_on, record, record_filled, record_map, record_pass, refuse_batch_statistics, refuse_features,
};
