//! Networks as ONNX files, written without PyTorch from one traced pass: whatever a [`VideoModel`](crate::model::VideoModel)
//! does through the functions of [`ops`](crate::ops) becomes a graph.
//!
//! The graph takes RGB in [0, 1], normalises pixels itself and gives logits. It is written for inference: batch norms are
//! folded into the convolutions before them, and what only training uses is left out. Weights keep their published names.
//!
//! Operator set 13 and format 7 are those of ONNX 1.8 (2020). No operator here has gained anything since that these graphs
//! could use, so newer versions would only shut out older runtimes.

mod arithmetic;
mod arrange;
mod axes;
mod draft;
mod error;
mod export;
mod filter;
mod graph;
mod layers;
pub mod proto;
mod time;

pub use error::{OnnxError, Result};
pub use export::{Description, INPUT, OUTPUT, to_onnx, write_onnx};
