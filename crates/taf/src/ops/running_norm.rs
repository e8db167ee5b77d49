use burn::tensor::Tensor;

use super::Affine;
use crate::trace::{self, Operation, input};

/// What a batch norm has learned, `[channels]` each.
#[derive(Clone, Debug)]
pub struct RunningNorm {
    /// Scale.
    pub gamma: Tensor<1>,
    /// Offset.
    pub beta: Tensor<1>,
    /// Mean of what it has seen.
    pub mean: Tensor<1>,
    /// Variance of what it has seen.
    pub variance: Tensor<1>,
    /// Added to the variance.
    pub epsilon: f32,
}

impl RunningNorm {
    /// All of it as one map: `gamma / sqrt(variance + epsilon) * (x - mean) + beta`.
    pub fn map(self) -> Affine {
        let Self { gamma, beta, mean, variance, epsilon } = self;
        if trace::is_on() {
            let inputs = [input(&gamma), input(&beta), input(&mean), input(&variance)];
            let [scale, shift] = trace::record_map(Operation::NormMap { epsilon }, &inputs, gamma.dims()[0]);
            return Affine { scale, shift };
        }
        let scale = gamma / (variance + epsilon).sqrt();
        let shift = beta - mean * scale.clone();
        Affine { scale, shift }
    }
}
