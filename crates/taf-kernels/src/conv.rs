//! 2-D convolution as matrix products over NHWC.

mod depthwise;
mod forward;
mod input_gradient;
mod patches;
mod product;
mod shape;
mod weight_gradient;

pub use forward::{Epilogue, conv2d_forward, conv2d_forward_with};
pub use input_gradient::conv2d_input_gradient;
pub use shape::ConvShape;
pub use weight_gradient::conv2d_weight_gradient;
