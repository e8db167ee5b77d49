//! Batch norm in training mode, fused with the residual sum and the ReLU that follow it in a residual network.

mod backward;
mod statistics;

pub use backward::{BatchNormSaved, batch_norm_backward};
pub use statistics::BatchStatistics;

use crate::scale_shift;

/// What [`batch_norm_forward`] reads.
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

/// `y = relu?((x - mean) / sqrt(variance + epsilon) * gamma + beta + residual)` with the statistics of `x` itself, per
/// channel over all other axes. Gives the statistics back, for the running averages and the backward pass.
///
/// # Panics
/// If the lengths do not fit together or `x` is empty.
pub fn batch_norm_forward(input: &BatchNormInput, y: &mut [f32]) -> BatchStatistics {
    let channels = input.gamma.len();
    assert_eq!(input.beta.len(), channels, "channels of beta");
    let statistics = BatchStatistics::of(input.x, channels, input.epsilon);
    let scale: Vec<f32> = input.gamma.iter().zip(&statistics.inv_std).map(|(gamma, inv_std)| gamma * inv_std).collect();
    let folded = input.beta.iter().zip(&statistics.mean).zip(&scale);
    let shift: Vec<f32> = folded.map(|((beta, mean), scale)| beta - mean * scale).collect();
    scale_shift(input.x, &scale, &shift, input.residual, input.relu, y);
    statistics
}
