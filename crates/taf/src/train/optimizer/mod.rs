//! How gradients move the weights: what all optimisers share, and a file for each of them.

mod gradients;
mod sgd;

pub use gradients::GradientSum;
pub use sgd::SgdConfig;

use std::collections::{BTreeMap, HashMap};

use burn::module::{Module, ModuleMapper, Param};
use burn::tensor::{Device, Tensor};
use serde::{Deserialize, Deserializer, Serialize, de::Error as _};

use crate::model::{Path, StateDict, VideoModel, shapes};
use crate::setting::{SettingError, within};

/// The `[train.optimizer]` table: which optimiser, and its settings.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum OptimizerConfig {
    /// `kind = "sgd"`, or none: stochastic gradient descent with momentum.
    Sgd(SgdConfig),
}

impl Default for OptimizerConfig {
    fn default() -> Self {
        Self::Sgd(SgdConfig::default())
    }
}

impl From<SgdConfig> for OptimizerConfig {
    fn from(config: SgdConfig) -> Self {
        Self::Sgd(config)
    }
}

// By hand, since serde has no default for a tag, and recipes need not name the kind.
impl<'de> Deserialize<'de> for OptimizerConfig {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut table = toml::Table::deserialize(deserializer)?;
        let kind = table.remove("kind").unwrap_or_else(|| "sgd".into());
        let wrong = |error: toml::de::Error| D::Error::custom(error.message());
        match kind.as_str() {
            Some("sgd") => SgdConfig::deserialize(table).map(Self::Sgd).map_err(wrong),
            _ => Err(D::Error::custom(format!("the kind of an optimiser must be \"sgd\", got {kind}"))),
        }
    }
}

impl OptimizerConfig {
    /// Learning rate before schedule and group factors.
    pub fn learning_rate(&self) -> f64 {
        self.shared().learning_rate
    }

    /// By what learning rate and weight decay of each parameter of `model` are multiplied, by its dotted name.
    pub fn factors<M: VideoModel>(&self, model: &M) -> BTreeMap<String, Factors> {
        let shared = self.shared();
        let factors = |(name, shape): (String, Vec<usize>)| {
            let factors = shared.factors(&name, shape.len(), model.is_head(&name));
            (name, factors)
        };
        shapes(model).into_iter().filter(|(name, _)| !name.contains(".running_")).map(factors).collect()
    }

    fn shared(&self) -> Shared {
        match self {
            Self::Sgd(config) => config.shared(),
        }
    }

    /// The parts of the memory that are this optimiser's.
    fn parts(&self) -> &'static [&'static str] {
        match self {
            Self::Sgd(_) => &[sgd::VELOCITY],
        }
    }

    /// The weights of one parameter after a step.
    fn update(
        &self,
        memory: &mut Memory,
        name: &str,
        weights: Tensor<1>,
        gradient: Tensor<1>,
        pace: Pace,
    ) -> Tensor<1> {
        match self {
            Self::Sgd(config) => config.update(memory, name, weights, gradient, pace),
        }
    }

    pub(super) fn check(&self) -> Result<(), SettingError> {
        self.shared().check()?;
        match self {
            Self::Sgd(config) => config.check(),
        }
    }
}

/// What PyTorch adds to the norm before it divides by it.
const CLIP_MARGIN: f64 = 1e-6;

/// Settings that mean the same for every optimiser.
#[derive(Clone, Copy)]
struct Shared {
    learning_rate: f64,
    weight_decay: f64,
    decay_norms_and_biases: bool,
    bias_factor: f64,
    head_factor: f64,
    linear_factor: f64,
    clip_norm: f64,
}

/// By what the learning rate and the weight decay of a parameter are multiplied.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Factors {
    /// Of the learning rate.
    pub learning_rate: f64,
    /// Of the weight decay: 0 or 1.
    pub weight_decay: f64,
}

impl Shared {
    fn check(&self) -> Result<(), SettingError> {
        let Self { learning_rate, weight_decay, bias_factor, head_factor, linear_factor, clip_norm, .. } = *self;
        within("train.optimizer.learning_rate", "be above 0", learning_rate, learning_rate > 0.0)?;
        within("train.optimizer.weight_decay", "be at least 0", weight_decay, weight_decay >= 0.0)?;
        within("train.optimizer.bias_factor", "be at least 0", bias_factor, bias_factor >= 0.0)?;
        within("train.optimizer.head_factor", "be at least 0", head_factor, head_factor >= 0.0)?;
        within("train.optimizer.linear_factor", "be at least 0", linear_factor, linear_factor >= 0.0)?;
        within("train.optimizer.clip_norm", "be at least 0", clip_norm, clip_norm >= 0.0)
    }

    /// What gradients of this norm are multiplied by: PyTorch's `clip_grad_norm_`.
    fn gradient_scale(&self, norm: f64) -> f64 {
        let limit = self.clip_norm;
        if limit > 0.0 { (limit / (norm + CLIP_MARGIN)).min(1.0) } else { 1.0 }
    }

    /// Of a parameter of so many axes. Vectors are batch-norm parameters and biases, matrices are linear layers.
    fn factors(&self, name: &str, rank: usize, in_head: bool) -> Factors {
        let vector = rank == 1;
        let of_layer = match rank {
            _ if in_head => self.head_factor,
            2 => self.linear_factor,
            _ => 1.0,
        };
        let of_bias = if vector && name.ends_with(".bias") { self.bias_factor } else { 1.0 };
        let decays = !vector || self.decay_norms_and_biases;
        Factors { learning_rate: of_layer * of_bias, weight_decay: if decays { 1.0 } else { 0.0 } }
    }

    fn pace(&self, factors: Factors, schedule: f64, gradient_scale: f64) -> Pace {
        Pace {
            learning_rate: (self.learning_rate * schedule * factors.learning_rate) as f32,
            weight_decay: (self.weight_decay * factors.weight_decay) as f32,
            gradient_scale: gradient_scale as f32,
        }
    }
}

/// How one parameter moves in one step.
#[derive(Clone, Copy)]
struct Pace {
    learning_rate: f32,
    weight_decay: f32,
    /// What the gradient is multiplied by first.
    gradient_scale: f32,
}

/// What the optimisers remember of each parameter from step to step, one tensor a part.
const PARTS: [&str; 1] = [sgd::VELOCITY];

/// Whether a tensor of a checkpoint is something that an optimiser remembers.
pub(super) fn is_memory(name: &str) -> bool {
    name.split_once('.').is_some_and(|(part, _)| PARTS.contains(&part))
}

/// What an optimiser remembers, by `part.parameter`; nothing of a parameter that never had a gradient.
#[derive(Default)]
struct Memory(HashMap<String, Tensor<1>>);

impl Memory {
    fn take(&mut self, part: &str, parameter: &str) -> Option<Tensor<1>> {
        self.0.remove(&format!("{part}.{parameter}"))
    }

    fn put(&mut self, part: &str, parameter: &str, values: Tensor<1>) {
        self.0.insert(format!("{part}.{parameter}"), values);
    }
}

/// An optimiser, with what it remembers.
pub struct Optimizer {
    config: OptimizerConfig,
    memory: Memory,
}

impl Optimizer {
    /// An optimiser at rest.
    pub fn new(config: impl Into<OptimizerConfig>) -> Self {
        Self { config: config.into(), memory: Memory::default() }
    }

    /// Moves every parameter that has a gradient. `norm` is [`GradientSum::norm`], by which long gradients are clipped;
    /// `schedule` multiplies the learning rate.
    pub fn step<M: VideoModel>(&mut self, model: M, gradients: GradientSum, norm: f64, schedule: f64) -> M {
        let (factors, shared) = (self.config.factors(&model), self.config.shared());
        let gradient_scale = shared.gradient_scale(norm);
        let path = Path::default();
        model.map(&mut Stepper { path, factors, gradients, shared, gradient_scale, schedule, optimizer: self })
    }

    /// What it remembers, for a checkpoint, by names such as `velocity.<parameter>`.
    pub fn state(&self) -> StateDict {
        self.memory.0.iter().map(|(name, values)| (name.clone(), values.to_data())).collect()
    }

    /// Takes up what a checkpoint of `model` remembers.
    ///
    /// # Errors
    /// Says which tensor belongs to no parameter or to another optimiser, or has another length.
    pub fn load_state<M: Module>(&mut self, state: StateDict, model: &M, device: &Device) -> Result<(), String> {
        let (parts, shapes) = (self.config.parts(), shapes(model));
        for (name, data) in &state {
            let parameter =
                name.split_once('.').filter(|(part, _)| parts.contains(part)).map(|(_, parameter)| parameter);
            let shape = parameter.and_then(|parameter| shapes.get(parameter));
            let expected: Option<usize> = shape.map(|shape| shape.iter().product());
            if data.shape().to_vec().as_slice() != expected.as_slice() {
                return Err(format!("{name} of shape {:?}", data.shape().to_vec()));
            }
        }
        self.memory = Memory(state.into_iter().map(|(name, data)| (name, Tensor::from_data(data, device))).collect());
        Ok(())
    }
}

struct Stepper<'a> {
    path: Path,
    factors: BTreeMap<String, Factors>,
    gradients: GradientSum,
    shared: Shared,
    gradient_scale: f64,
    schedule: f64,
    optimizer: &'a mut Optimizer,
}

impl ModuleMapper for Stepper<'_> {
    fn enter_module(&mut self, name: &str, container: &str) {
        self.path.enter(name, container);
    }

    fn exit_module(&mut self, _: &str, container: &str) {
        self.path.exit(container);
    }

    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        let Some(gradient) = self.gradients.take(param.id) else { return param };
        let name = self.path.name();
        let pace = self.shared.pace(self.factors[&name], self.schedule, self.gradient_scale);
        let Optimizer { config, memory } = &mut *self.optimizer;
        param.map(|weights| {
            let dims = weights.dims();
            let weights = weights.inner().flatten::<1>(0, D - 1);
            let moved = config.update(memory, &name, weights, gradient, pace);
            Tensor::from_inner(moved.reshape(dims)).require_grad()
        })
    }
}

#[cfg(test)]
mod tests {
    use super::{OptimizerConfig, SgdConfig};

    #[test]
    fn long_gradients_are_shortened_as_by_pytorch() {
        let scale = |clip_norm, norm| {
            let config = OptimizerConfig::from(SgdConfig { clip_norm, ..SgdConfig::default() });
            config.shared().gradient_scale(norm)
        };
        // The factor torch.nn.utils.clip_grad_norm_(parameters, limit) multiplies gradients of this norm by.
        for (limit, norm, expected) in [(20.0, 40.0, 0.499_999_987_5), (1e-6, 1e-6, 0.5), (20.0, 3.0, 1.0)] {
            let found = scale(limit, norm);
            assert!((found - expected).abs() < 1e-12, "{found} for {norm} at {limit}");
        }
        assert_eq!(scale(0.0, 1e9), 1.0, "0 turns it off");
    }

    #[test]
    fn a_recipe_names_the_optimizer_or_means_sgd() {
        let read = |text: &str| toml::from_str::<OptimizerConfig>(text).map_err(|error| error.message().to_owned());
        let sgd = OptimizerConfig::Sgd(SgdConfig { momentum: 0.5, ..SgdConfig::default() });
        assert_eq!(read("momentum = 0.5"), Ok(sgd.clone()));
        assert_eq!(read("kind = \"sgd\"\nmomentum = 0.5"), Ok(sgd.clone()));
        assert_eq!(read(&toml::to_string(&sgd).unwrap()), Ok(sgd));
        assert!(read("kind = \"lamb\"").unwrap_err().contains("lamb"));
        assert!(read("velocity = 0.5").unwrap_err().contains("velocity"));
    }
}
