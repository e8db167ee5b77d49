use std::collections::HashMap;

use burn::module::{Module, ModuleMapper, ModuleVisitor, Param, ParamId};
use burn::tensor::Tensor;
use serde::{Deserialize, Serialize};

use crate::model::{StateDict, StateError, load_state};
use crate::ops;
use crate::setting::{SettingError, within};

/// The `[train.average]` table: an exponential moving average of weights and running statistics, which is what the run is worth.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct AverageConfig {
    /// Share of the average that is kept per step, in (0, 1); default 0.999.
    pub decay: f64,
    /// Whether less is kept at first: `(1 + t) / (10 + t)` after `t` steps, where that is below `decay` (TensorFlow's
    /// `ExponentialMovingAverage`). Default false: then the first weights count `decay^t` after as many.
    pub warmup: bool,
}

impl Default for AverageConfig {
    fn default() -> Self {
        Self { decay: 0.999, warmup: false }
    }
}

impl AverageConfig {
    pub(super) fn check(&self) -> Result<(), SettingError> {
        within("train.average.decay", "lie in (0, 1)", self.decay, self.decay > 0.0 && self.decay < 1.0)
    }

    /// What the weights after so many steps count in the average.
    fn share_of_new(&self, steps: u64) -> f64 {
        let at_first = (1.0 + steps as f64) / (10.0 + steps as f64);
        1.0 - if self.warmup { self.decay.min(at_first) } else { self.decay }
    }
}

/// The average of a network over its steps, as timm's `ModelEma` makes it: of every weight and every running statistic.
pub struct Average<M> {
    config: AverageConfig,
    model: M,
}

impl<M: Module> Average<M> {
    /// Begins with what `model` is now.
    pub fn new(config: AverageConfig, model: &M) -> Self {
        Self { config, model: model.valid() }
    }

    /// Begins where a checkpoint ended.
    ///
    /// # Errors
    /// If `state` is that of another network than `model`.
    pub fn resume(config: AverageConfig, model: &M, state: StateDict) -> Result<Self, StateError> {
        Ok(Self { config, model: load_state(model.valid(), state)? })
    }

    /// With `model` as it is after so many steps in all, at least 1.
    pub fn with(self, model: &M, steps: u64) -> Self {
        let mut weights = Weights(HashMap::new());
        model.visit(&mut weights);
        let mut blend = Blend { newest: weights.0, share: self.config.share_of_new(steps) as f32 };
        // Its only owner, so that it changes where it lies.
        Self { model: ops::on_workers(|| self.model.map(&mut blend)), ..self }
    }

    /// The average, without gradients.
    pub fn model(&self) -> &M {
        &self.model
    }
}

struct Weights(HashMap<ParamId, Tensor<1>>);

impl ModuleVisitor for Weights {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        self.0.insert(param.id, param.val().without_autodiff().flatten(0, D - 1));
    }
}

/// `average += share * (newest - average)`
struct Blend {
    newest: HashMap<ParamId, Tensor<1>>,
    share: f32,
}

impl ModuleMapper for Blend {
    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        let Some(newest) = self.newest.remove(&param.id) else { return param };
        param.map(|average| {
            let dims = average.dims();
            ops::lerp(average.flatten::<1>(0, D - 1), newest, self.share).reshape(dims)
        })
    }
}

#[cfg(test)]
mod tests {
    use burn::tensor::{Device, TensorData};

    use super::{Average, AverageConfig};
    use crate::model::{BatchNorm, load_state, state_dict};

    /// A norm whose parameters and statistics all have one value: that of `like`, at another step.
    fn at(like: BatchNorm, value: f32) -> BatchNorm {
        let state = state_dict(&like).into_keys().map(|name| (name, TensorData::new(vec![value; 3], [3])));
        load_state(like, state.collect()).unwrap()
    }

    /// What the average of 1, 2, 4 and -8 is: of every parameter and statistic.
    fn average(config: AverageConfig) -> Vec<f32> {
        let model = at(BatchNorm::new(3, &Device::flex().autodiff()), 1.0);
        let mut average = Average::new(config, &model);
        for (steps, value) in [(1, 2.0), (2, 4.0), (3, -8.0)] {
            average = average.with(&at(model.clone(), value), steps);
        }
        state_dict(average.model()).values().flat_map(|data| data.iter::<f32>().collect::<Vec<_>>()).collect()
    }

    #[test]
    fn every_weight_and_statistic_is_averaged_by_the_recurrence() {
        // 1 -> 0.9 + 0.2 = 1.1 -> 0.99 + 0.4 = 1.39 -> 1.251 - 0.8 = 0.451
        let plain = average(AverageConfig { decay: 0.9, warmup: false });
        // Shares of 2/11, 3/12 and 4/13: 20/11 -> 5/11 + 3 = 38/11 -> 152/143 - 72/13 = -640/143
        let warm = average(AverageConfig { decay: 0.9, warmup: true });
        for (found, expected) in [(plain, 0.451), (warm, -640.0 / 143.0)] {
            assert_eq!(found.len(), 12, "scale, offset, mean and variance of three channels");
            assert!(found.iter().all(|value| (value - expected).abs() < 1e-5), "{found:?} instead of {expected}");
        }
        // Once enough steps are taken the warm-up is over.
        let [warm, plain] = [true, false].map(|warmup| AverageConfig { decay: 0.9, warmup }.share_of_new(1000));
        assert_eq!(warm, plain);
    }

    #[test]
    fn a_decay_that_averages_nothing_is_refused() {
        for decay in [0.0, 1.0, f64::NAN] {
            let error = AverageConfig { decay, ..AverageConfig::default() }.check().unwrap_err().to_string();
            assert!(error.contains("train.average.decay must lie in (0, 1)"), "{error}");
        }
    }
}
