use std::collections::{HashMap, HashSet};

use burn::module::{Module, ModuleMapper, ModuleVisitor, Param, ParamId};
use burn::tensor::{Device, Gradients, Tensor};
use serde::{Deserialize, Serialize};

use crate::model::{Path, StateDict, VideoModel, parameter_names, shapes};
use crate::ops::{self, SgdStep};

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
            clip_norm: 20.0,
        }
    }
}

/// The optimiser and its velocities.
pub struct Sgd {
    config: SgdConfig,
    /// By parameter name; a parameter that never had a gradient has none.
    velocities: HashMap<String, Tensor<1>>,
}

/// Gradients of a model's parameters, flattened, summed over several backward passes.
#[derive(Default)]
pub struct GradientSum(HashMap<ParamId, Tensor<1>>);

impl GradientSum {
    /// Adds the gradients of one backward pass.
    pub fn add<M: Module>(&mut self, model: &M, mut gradients: Gradients) {
        model.visit(&mut Collector { sum: self, gradients: &mut gradients });
    }

    /// Euclidean norm over all parameters.
    pub fn norm(&self) -> f64 {
        // Summed in a fixed order: the map's own order differs from process to process.
        let mut squares: Vec<f64> = self.0.values().map(|gradient| ops::sum_of_squares(gradient.clone())).collect();
        squares.sort_by(f64::total_cmp);
        squares.iter().sum::<f64>().sqrt()
    }
}

impl Sgd {
    /// An optimiser at rest.
    pub fn new(config: SgdConfig) -> Self {
        Self { config, velocities: HashMap::new() }
    }

    /// Moves every parameter that has a gradient. `norm` is [`GradientSum::norm`], by which long gradients are clipped;
    /// `schedule` multiplies the learning rate.
    pub fn step<M: VideoModel>(&mut self, model: M, gradients: GradientSum, norm: f64, schedule: f64) -> M {
        let limit = self.config.clip_norm;
        let shrink = if limit > 0.0 && norm > limit { limit / norm } else { 1.0 };
        let heads = parameter_names(&model).into_iter().filter(|name| model.is_head(name)).collect();
        model.map(&mut Stepper { path: Path::default(), heads, gradients: gradients.0, shrink, schedule, sgd: self })
    }

    /// The velocities by parameter name, for a checkpoint.
    pub fn state(&self) -> StateDict {
        self.velocities.iter().map(|(name, velocity)| (name.clone(), velocity.to_data())).collect()
    }

    /// Takes up velocities from a checkpoint of `model`.
    ///
    /// # Errors
    /// Says which velocity belongs to no parameter, or has another length.
    pub fn load_state<M: Module>(&mut self, state: StateDict, model: &M, device: &Device) -> Result<(), String> {
        let shapes = shapes(model);
        for (name, data) in &state {
            let expected: Option<usize> = shapes.get(name).map(|shape| shape.iter().product());
            if data.shape().to_vec().as_slice() != expected.as_slice() {
                return Err(format!("one of shape {:?} for {name}", data.shape().to_vec()));
            }
        }
        self.velocities = state.into_iter().map(|(name, data)| (name, Tensor::from_data(data, device))).collect();
        Ok(())
    }

    fn group(&self, name: &str, rank: usize, in_head: bool, schedule: f64) -> SgdStep {
        let SgdConfig { learning_rate, momentum, nesterov, weight_decay, .. } = self.config;
        let vector = rank == 1;
        let bias = vector && name.ends_with(".bias");
        let head_factor = if in_head { self.config.head_factor } else { 1.0 };
        let bias_factor = if bias { self.config.bias_factor } else { 1.0 };
        let decays = !vector || self.config.decay_norms_and_biases;
        SgdStep {
            learning_rate: (learning_rate * schedule * head_factor * bias_factor) as f32,
            momentum: momentum as f32,
            weight_decay: if decays { weight_decay as f32 } else { 0.0 },
            nesterov,
            gradient_scale: 1.0,
        }
    }
}

struct Collector<'a> {
    sum: &'a mut GradientSum,
    gradients: &'a mut Gradients,
}

impl ModuleVisitor for Collector<'_> {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        let Some(gradient) = param.val().grad_remove(self.gradients) else { return };
        let gradient = gradient.flatten::<1>(0, D - 1);
        let total = match self.sum.0.remove(&param.id) {
            Some(before) => ops::accumulate(before, gradient),
            None => gradient,
        };
        self.sum.0.insert(param.id, total);
    }
}

struct Stepper<'a> {
    path: Path,
    heads: HashSet<String>,
    gradients: HashMap<ParamId, Tensor<1>>,
    shrink: f64,
    schedule: f64,
    sgd: &'a mut Sgd,
}

impl ModuleMapper for Stepper<'_> {
    fn enter_module(&mut self, name: &str, container: &str) {
        self.path.enter(name, container);
    }

    fn exit_module(&mut self, _: &str, container: &str) {
        self.path.exit(container);
    }

    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        let Some(gradient) = self.gradients.remove(&param.id) else { return param };
        let name = self.path.name();
        let group = self.sgd.group(&name, D, self.heads.contains(&name), self.schedule);
        let step = SgdStep { gradient_scale: self.shrink as f32, ..group };
        let velocity = self.sgd.velocities.remove(&name).unwrap_or_else(|| gradient.zeros_like());
        let mut moved = None;
        let param = param.map(|weight| {
            let dims = weight.dims();
            let (weight, velocity) = ops::sgd_step(weight.inner().flatten::<1>(0, D - 1), gradient, velocity, step);
            moved = Some(velocity);
            Tensor::from_inner(weight.reshape(dims)).require_grad()
        });
        self.sgd.velocities.insert(name, moved.expect("the parameter was mapped"));
        param
    }
}
