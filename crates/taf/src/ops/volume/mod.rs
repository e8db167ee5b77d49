//! The operations that weigh neighbouring frames: 3-D convolution, GST's pair of convolutions, TAM's filter over time.
//! As for all operations there is a composed body, a CPU route and a handwritten gradient.

pub(super) mod autodiff;
pub mod composed;
pub(super) mod flex;
mod tensor;

pub use tensor::{
    Conv3dOptions, SpaceTimeConv, conv3d, space_time_conv, space_time_conv_affine, space_time_conv_batch_norm,
    temporal_adaptive,
};
