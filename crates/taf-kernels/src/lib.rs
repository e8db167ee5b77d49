//! CPU kernels for video networks as plain functions over slices.
//!
//! Activations are `[batch, height, width, channels]`, convolution weights `[kernel_height, kernel_width, channels_in /
//! groups, channels_out]`, both contiguous. Work is spread over the current rayon pool. How it is divided depends on
//! the shapes alone, so on one machine the same input gives the same bits for any number of threads (another machine may have
//! other vectors and caches, which the matrix product adapts to). Apart from per-channel vectors, memory is allocated only
//! while the per-thread scratch buffers grow to the largest layer.
//!
//! A slice whose length does not fit the shape is a mistake of the caller and panics with both lengths.

mod adamw;
mod adaptive;
mod batch_norm;
mod channels;
mod conv;
mod elementwise;
mod engine;
mod gate;
mod lanes;
mod linear;
mod norm;
mod pixels;
mod pool;
mod scale_shift;
mod scratch;
mod sgd;
mod shift;
mod simd;
mod size;
mod sweep;

pub use adamw::{AdamwFactors, AdamwStep};
pub use adaptive::{
    AdaptiveShape, AdaptiveWeightGradients, AdaptiveWeights, temporal_adaptive_backward, temporal_adaptive_forward,
};
pub use batch_norm::{
    BatchNormInput, BatchNormSaved, BatchStatistics, SavedRelu, batch_norm_backward_in_place, batch_norm_forward_with,
    batch_norm_residual_backward_in_place,
};
pub use conv::{
    Conv3dShape, ConvShape, Epilogue, FrameShift, SpaceTimeShape, conv2d_forward, conv2d_forward_statistics,
    conv2d_forward_with, conv2d_input_gradient, conv2d_weight_gradient, conv3d_forward, conv3d_input_gradient,
    conv3d_weight_gradient, space_time_forward, space_time_forward_statistics, space_time_forward_with,
    space_time_input_gradient, space_time_weight_gradients,
};
pub use elementwise::{add_assign, clamp_max_backward_in_place, clamp_max_in_place, lerp_assign};
pub use linear::{LinearShape, linear_forward};
pub use norm::sum_of_squares;
pub use pixels::{ClipPixels, Colors, pixels_to_images, pixels_to_images_gradient};
pub use pool::{
    PoolShape, global_average_pool_backward, global_average_pool_forward, max_pool2d_backward, max_pool2d_forward,
};
pub use scale_shift::{scale_shift, scale_shift_input_gradient};
pub use sgd::SgdStep;
pub use shift::{ShiftShape, temporal_shift_backward, temporal_shift_forward};
