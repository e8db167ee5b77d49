//! Weights of PyTorch video networks as data.
//!
//! [`read`] takes `.pth`, `.pt` and `.pth.tar` files (the zip container of PyTorch 1.6 and later, and the stream of pickles
//! before it) and safetensors. A pickle is a program for Python's unpickler; here it is only looked at: objects it asks for
//! stay names, and nothing of it is ever executed. [`layout`] knows how the repositories of video models name their weights,
//! and [`match_weights`] finds the weights of one network among them.
//!
//! Memory stays within [`read`]'s bound whatever a file says about itself.

mod choice;
mod directory;
mod error;
pub mod layout;
mod legacy;
mod matching;
mod pickle;
mod read;
mod safe;
mod span;
mod state;
mod storage;
mod tensor;
mod wrappers;
mod write;
mod zipped;

pub use error::{Error, Fault};
pub use matching::{Allowed, Matched, Mismatch, Reshaped, match_weights};
pub use read::{Container, Contents, read, read_under};
pub use safe::LONGEST_HEADER;
pub use tensor::{Tensor, permute_rows};
pub use write::to_safetensors;
