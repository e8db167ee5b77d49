//! How gradients move the weights: what all optimisers share, and a file for each of them.

mod adamw;
mod gradients;
mod memory;
mod sgd;
mod shared;

pub use adamw::AdamwConfig;
pub use gradients::GradientSum;
pub(super) use memory::is_memory;
pub use sgd::SgdConfig;
pub use shared::Factors;

use std::collections::BTreeMap;

use burn::module::{Module, ModuleMapper, Param};
use burn::tensor::{Device, Tensor};
use serde::{Deserialize, Deserializer, Serialize, de::Error as _};

use crate::model::{Path, StateDict, VideoModel, shapes};
use crate::setting::SettingError;
use memory::Memory;
use shared::{Pace, Shared};

/// The `[train.optimizer]` table: which optimiser, and its settings.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum OptimizerConfig {
    /// `kind = "sgd"`, or none: stochastic gradient descent with momentum.
    Sgd(SgdConfig),
    /// `kind = "adamw"`: Adam with decoupled weight decay.
    Adamw(AdamwConfig),
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

impl From<AdamwConfig> for OptimizerConfig {
    fn from(config: AdamwConfig) -> Self {
        Self::Adamw(config)
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
            Some("adamw") => AdamwConfig::deserialize(table).map(Self::Adamw).map_err(wrong),
            _ => Err(D::Error::custom(format!("the kind of an optimiser must be \"sgd\" or \"adamw\", got {kind}"))),
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
            Self::Adamw(config) => config.shared(),
        }
    }

    /// The parts of the memory that are this optimiser's.
    fn parts(&self) -> &'static [&'static str] {
        match self {
            Self::Sgd(_) => SgdConfig::PARTS,
            Self::Adamw(_) => AdamwConfig::PARTS,
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
            Self::Adamw(config) => config.update(memory, name, weights, gradient, pace),
        }
    }

    pub(super) fn check(&self) -> Result<(), SettingError> {
        self.shared().check()?;
        match self {
            Self::Sgd(config) => config.check(),
            Self::Adamw(config) => config.check(),
        }
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
        self.memory.state()
    }

    /// Takes up what a checkpoint of `model` remembers.
    ///
    /// # Errors
    /// Says which tensor belongs to no parameter or to another optimiser, or has another length.
    pub fn load_state<M: Module>(&mut self, state: StateDict, model: &M, device: &Device) -> Result<(), String> {
        self.memory = Memory::of_state(state, self.config.parts(), model, device)?;
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
