//! Recognition networks as ONNX files, written without PyTorch.
//!
//! A [`Network`] says what the weights belong to; the weights come by the names of the published checkpoints, in
//! PyTorch's layouts. The graph takes RGB in [0, 1], normalises pixels itself and gives logits. It is written for inference:
//! batch norms are folded into the convolutions before them and what only training uses (TPN's auxiliary head) is left out.
//!
//! Operator set 13 and format 7 are those of ONNX 1.8 (2020). No operator here has gained anything since that these graphs
//! could use, so newer versions would only shut out older runtimes.

mod consensus;
mod draft;
mod error;
mod graph;
mod gst;
mod mobilenet;
mod network;
mod ops;
pub mod proto;
mod recognizer;
mod resnet;
mod tam;
mod tpn;
mod weights;

pub use error::{OnnxError, Result};
pub use network::{Architecture, FrameModule, INPUT, Network, OUTPUT, to_onnx, write_onnx};
pub use recognizer::published_state;
