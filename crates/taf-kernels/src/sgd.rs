use rayon::prelude::*;

use crate::simd::vectorized;

/// One step of stochastic gradient descent with PyTorch's formulas (dampening 0):
///
/// ```text
/// g = gradient_scale * gradient + weight_decay * weight
/// velocity = momentum * velocity + g
/// weight -= learning_rate * (nesterov ? g + momentum * velocity : velocity)
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SgdStep {
    /// Step size.
    pub learning_rate: f32,
    /// Share of the velocity that is kept, in [0, 1).
    pub momentum: f32,
    /// Pull towards zero, added to the gradient.
    pub weight_decay: f32,
    /// Whether to look ahead along the new velocity.
    pub nesterov: bool,
    /// What a gradient that is too long is shortened by, as PyTorch's `clip_grad_norm_` does before the step; 1 leaves it.
    pub gradient_scale: f32,
}

/// Floats per task: three streams of 64 KiB.
const TASK: usize = 16 * 1024;

impl SgdStep {
    /// Moves the weights. The velocity starts as zeros, which makes the first step PyTorch's.
    ///
    /// # Panics
    /// If the slices differ in length.
    pub fn apply(&self, weights: &mut [f32], gradient: &[f32], velocity: &mut [f32]) {
        assert_eq!(gradient.len(), weights.len(), "gradient of {} weights", weights.len());
        assert_eq!(velocity.len(), weights.len(), "velocity of {} weights", weights.len());
        let parts = weights.par_chunks_mut(TASK).zip(gradient.par_chunks(TASK)).zip(velocity.par_chunks_mut(TASK));
        parts.for_each(|((weights, gradient), velocity)| self.apply_part(weights, gradient, velocity));
    }

    fn apply_part(&self, weights: &mut [f32], gradient: &[f32], velocity: &mut [f32]) {
        let Self { learning_rate, momentum, weight_decay, nesterov, gradient_scale } = *self;
        vectorized(|| {
            for ((weight, gradient), velocity) in weights.iter_mut().zip(gradient).zip(velocity) {
                let g = gradient_scale * gradient + weight_decay * *weight;
                *velocity = momentum * *velocity + g;
                let direction = if nesterov { g + momentum * *velocity } else { *velocity };
                *weight -= learning_rate * direction;
            }
        });
    }
}
