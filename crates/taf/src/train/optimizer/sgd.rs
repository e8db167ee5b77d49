use burn::tensor::Tensor;
use serde::{Deserialize, Serialize};

use super::{Memory, Pace, Shared};
use crate::ops::{self, SgdStep};
use crate::setting::{SettingError, within};

/// The part of the memory that is the velocity of each parameter.
pub(super) const VELOCITY: &str = "velocity";

/// Stochastic gradient descent with momentum, PyTorch's formulas, and the parameter groups of the TSM repository.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SgdConfig {
    /// Learning rate before schedule and group factors, above 0; default 0.01.
    pub learning_rate: f64,
    /// Share of the velocity kept per step, in [0, 1); default 0.9.
    pub momentum: f64,
    /// Whether to look ahead along the velocity; default false.
    pub nesterov: bool,
    /// Pull of weights towards zero, at least 0; default 5e-4.
    pub weight_decay: f64,
    /// Whether the pull acts on batch-norm parameters and biases too; default false.
    pub decay_norms_and_biases: bool,
    /// Factor of the learning rate for biases of convolutions and classifiers; default 1 (TSM's recipes: 2).
    pub bias_factor: f64,
    /// Factor of the learning rate for the classifier; default 1 (TSM's recipes from ImageNet: 5).
    pub head_factor: f64,
    /// Factor of the learning rate for linear layers before the classifier, which TAM has; default 1 (its own repository: 5).
    pub linear_factor: f64,
    /// Largest Euclidean norm of all gradients together; longer ones are shortened to it. 0 turns it off; default 20.
    pub clip_norm: f64,
}

impl Default for SgdConfig {
    fn default() -> Self {
        Self {
            learning_rate: 0.01,
            momentum: 0.9,
            nesterov: false,
            weight_decay: 5e-4,
            decay_norms_and_biases: false,
            bias_factor: 1.0,
            head_factor: 1.0,
            linear_factor: 1.0,
            clip_norm: 20.0,
        }
    }
}

impl SgdConfig {
    pub(super) fn shared(&self) -> Shared {
        Shared {
            learning_rate: self.learning_rate,
            weight_decay: self.weight_decay,
            decay_norms_and_biases: self.decay_norms_and_biases,
            bias_factor: self.bias_factor,
            head_factor: self.head_factor,
            linear_factor: self.linear_factor,
            clip_norm: self.clip_norm,
        }
    }

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
        let velocity = memory.take(VELOCITY, name).unwrap_or_else(|| gradient.zeros_like());
        let (weights, velocity) = ops::sgd_step(weights, gradient, velocity, step);
        memory.put(VELOCITY, name, velocity);
        weights
    }
}
