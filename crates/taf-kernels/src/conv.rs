//! Convolution in two and three dimensions, as implicit matrix products over NHWC.

mod depthwise;
mod epilogue;
mod forward;
mod geometry;
mod input_gradient;
mod shape;
mod space_time;
mod statistics;
mod volume;
mod weight_gradient;

pub use epilogue::Epilogue;
pub use forward::{conv2d_forward, conv2d_forward_with};
pub use input_gradient::conv2d_input_gradient;
pub use shape::{ConvShape, FrameShift};
pub use space_time::{
    SpaceTimeShape, space_time_forward, space_time_forward_statistics, space_time_forward_with,
    space_time_input_gradient, space_time_weight_gradients,
};
pub use statistics::conv2d_forward_statistics;
pub use volume::{Conv3dShape, conv3d_forward, conv3d_input_gradient, conv3d_weight_gradient};
pub use weight_gradient::conv2d_weight_gradient;
