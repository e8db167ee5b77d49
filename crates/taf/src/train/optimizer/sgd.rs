use burn::tensor::Tensor;

use super::memory::{Memory, VELOCITY};
use super::shared::{Pace, optimizer_settings};
use crate::ops::{self, SgdStep};
use crate::setting::{SettingError, within};

optimizer_settings! {
    /// Stochastic gradient descent with momentum, PyTorch's formulas, and the parameter groups of the TSM repository.
    SgdConfig: learning_rate = 0.01, weight_decay = 5e-4,
    /// Share of the velocity kept per step, in [0, 1); default 0.9.
    momentum: f64 = 0.9,
    /// Whether to look ahead along the velocity; default false.
    nesterov: bool = false,
}

impl SgdConfig {
    /// The parts of the memory that are its own.
    pub(super) const PARTS: &[&str] = &[VELOCITY];

    pub(super) fn check(&self) -> Result<(), SettingError> {
        let momentum = self.momentum;
        within("train.optimizer.momentum", "lie in [0, 1)", momentum, (0.0..1.0).contains(&momentum))
    }

    /// The weights of one parameter after a step.
    pub(super) fn update(
        &self,
        memory: &mut Memory,
        name: &str,
        weights: Tensor<1>,
        gradient: Tensor<1>,
        pace: Pace,
    ) -> Tensor<1> {
        let step = SgdStep {
            learning_rate: pace.learning_rate,
            momentum: self.momentum as f32,
            weight_decay: pace.weight_decay,
            nesterov: self.nesterov,
            gradient_scale: pace.gradient_scale,
        };
        let velocity = memory.take(VELOCITY, name, &gradient);
        let (weights, velocity) = ops::sgd_step(weights, gradient, velocity, step);
        memory.put(VELOCITY, name, velocity);
        weights
    }
}
