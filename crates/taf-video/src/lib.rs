//! Pixels and time: decoding, sampling, transforming, corrupting and generating video clips.
//!
//! This crate knows nothing of tensors or networks. A [`Clip`] is what it hands upwards: `T` RGB frames of one size.

mod clip;
mod frame;

pub use clip::Clip;
pub use frame::Frame;
