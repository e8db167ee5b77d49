use rayon::prelude::*;

use crate::simd::vectorized;

/// One step of Adam with decoupled weight decay (Loshchilov and Hutter, ICLR 2019), PyTorch's formulas:
///
/// ```text
/// g = gradient_scale * gradient
/// mean += (1 - betas[0]) * (g - mean)
/// square = betas[1] * square + (1 - betas[1]) * g * g
/// weight *= 1 - learning_rate * weight_decay
/// weight -= learning_rate / (1 - betas[0]^number) * mean / (sqrt(square / (1 - betas[1]^number)) + epsilon)
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct AdamwStep {
    /// Step size.
    pub learning_rate: f32,
    /// Share of the mean and of the mean square that is kept, each in [0, 1).
    pub betas: [f64; 2],
    /// What is added to the root.
    pub epsilon: f32,
    /// Pull towards zero, apart from the gradient.
    pub weight_decay: f32,
    /// What a gradient that is too long is shortened by before the step; 1 leaves it.
    pub gradient_scale: f32,
    /// Of the step, from 1: means that begin with zeros are too small at first, and by how much depends on it.
    pub number: u64,
}

/// What the numbers of one step are multiplied by.
#[derive(Clone, Copy, Debug)]
pub struct AdamwFactors {
    /// Of the weight.
    pub weight: f32,
    /// Of the difference between gradient and mean.
    pub mean: f32,
    /// Of the old mean square, and of the gradient's square.
    pub square: [f32; 2],
    /// Of the root of the mean square.
    pub root: f32,
    /// Of the direction.
    pub stride: f32,
}

/// Floats per task: four streams of 64 KiB.
const TASK: usize = 16 * 1024;

impl AdamwStep {
    /// Moves the weights. `mean` and `square` start as zeros.
    ///
    /// # Panics
    /// If the slices differ in length.
    pub fn apply(&self, weights: &mut [f32], gradient: &[f32], mean: &mut [f32], square: &mut [f32]) {
        for (name, length) in [("gradient", gradient.len()), ("mean", mean.len()), ("square", square.len())] {
            assert_eq!(length, weights.len(), "{name} of {} weights", weights.len());
        }
        let memory = mean.par_chunks_mut(TASK).zip(square.par_chunks_mut(TASK));
        let parts = weights.par_chunks_mut(TASK).zip(gradient.par_chunks(TASK)).zip(memory);
        parts.for_each(|((weights, gradient), (mean, square))| self.apply_part(weights, gradient, mean, square));
    }

    fn apply_part(&self, weights: &mut [f32], gradient: &[f32], mean: &mut [f32], square: &mut [f32]) {
        let (factors, epsilon, gradient_scale) = (self.factors(), self.epsilon, self.gradient_scale);
        vectorized(|| {
            let memory = mean.iter_mut().zip(square);
            for ((weight, gradient), (mean, square)) in weights.iter_mut().zip(gradient).zip(memory) {
                let g = gradient_scale * gradient;
                *mean += factors.mean * (g - *mean);
                *square = factors.square[0] * *square + factors.square[1] * g * g;
                let direction = *mean / (square.sqrt() * factors.root + epsilon);
                *weight = factors.weight * *weight - factors.stride * direction;
            }
        });
    }

    /// What depends on the settings and the number of the step alone.
    pub fn factors(&self) -> AdamwFactors {
        let (learning_rate, [beta1, beta2]) = (f64::from(self.learning_rate), self.betas);
        let missing = self.betas.map(|beta| 1.0 - beta.powf(self.number as f64));
        AdamwFactors {
            weight: (1.0 - learning_rate * f64::from(self.weight_decay)) as f32,
            mean: (1.0 - beta1) as f32,
            square: [beta2 as f32, (1.0 - beta2) as f32],
            root: (1.0 / missing[1].sqrt()) as f32,
            stride: (learning_rate / missing[0]) as f32,
        }
    }
}
