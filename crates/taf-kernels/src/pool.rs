//! Spatial pooling.

mod average;
mod max;

pub use average::{global_average_pool_backward, global_average_pool_forward};
pub use max::{PoolShape, max_pool2d_backward, max_pool2d_forward};
