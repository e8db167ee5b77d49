//! Batch norm in training mode, fused with the residual sum and the ReLU that follow it in a residual network.

mod backward;
mod statistics;

pub use backward::{BatchNormSaved, SavedRelu, batch_norm_backward_in_place, batch_norm_residual_backward_in_place};
pub use statistics::BatchStatistics;
pub(crate) use statistics::Moments;

use crate::scale_shift;

/// What [`batch_norm_forward_with`] reads.
#[derive(Clone, Copy, Debug)]
pub struct BatchNormInput<'a> {
    /// `[.., channels]`.
    pub x: &'a [f32],
    /// Scale per channel.
    pub gamma: &'a [f32],
    /// Shift per channel.
    pub beta: &'a [f32],
    /// Added after the normalisation, as long as `x`.
    pub residual: Option<&'a [f32]>,
    /// Whether negative results become zero.
    pub relu: bool,
    /// Added to the variance, above 0.
    pub epsilon: f32,
}

/// `y = relu?((x - mean) / sqrt(variance + epsilon) * gamma + beta + residual)` with the statistics of `x`, per channel over
/// all other axes: [`BatchStatistics::of`], or [`conv2d_forward_statistics`](crate::conv2d_forward_statistics), which takes
/// them on the way.
///
/// # Panics
/// If the lengths do not fit together.
pub fn batch_norm_forward_with(input: &BatchNormInput, statistics: &BatchStatistics, y: &mut [f32]) {
    assert_eq!(input.beta.len(), input.gamma.len(), "channels of beta");
    let (scale, shift) = folded(input.gamma, input.beta, &statistics.mean, &statistics.inv_std);
    scale_shift(input.x, &scale, &shift, input.residual, input.relu, y);
}

/// Scale and shift of a batch norm with these statistics.
fn folded(gamma: &[f32], beta: &[f32], mean: &[f32], inv_std: &[f32]) -> (Vec<f32>, Vec<f32>) {
    let scale: Vec<f32> = gamma.iter().zip(inv_std).map(|(gamma, inv_std)| gamma * inv_std).collect();
    let shift = beta.iter().zip(mean).zip(&scale).map(|((beta, mean), scale)| beta - mean * scale).collect();
    (scale, shift)
}
