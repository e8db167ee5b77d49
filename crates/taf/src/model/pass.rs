use std::collections::{HashMap, HashSet};

use crate::ops;
use burn::module::{Module, ModuleMapper, Param, ParamId};
use burn::tensor::{Tensor, TensorData};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// Which statistics batch norm normalises with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Statistics {
    /// The running statistics: inference, and crafting by default.
    Running,
    /// The statistics of the batch itself: training.
    Batch,
}

/// Which set of batch-norm parameters and statistics is used, for models that carry an auxiliary one
/// (AdvProp, Xie et al., CVPR 2020).
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Branch {
    /// The one that inference uses.
    Main,
    /// The one for perturbed clips; dropped on export. Models without it fall back on the main one.
    Auxiliary,
}

/// Which batch norms learn in a training pass. The others normalise with their running statistics, which stay as they are, and
/// no gradient reaches their parameters.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum BatchNormTraining {
    /// All of them.
    #[default]
    Train,
    /// The first one of the network alone: TSN's partial batch norm, TSM's `partialbn`.
    First,
    /// None.
    Frozen,
}

/// How one forward pass runs, and what it observed.
///
/// A model holds no mode of its own: the caller says in every pass which statistics and branch to use and whether
/// dropout acts. Batch statistics are collected here rather than in the model, so a pass never changes the model;
/// [`Pass::update_running_statistics`] applies them when the step is to count.
#[derive(Debug)]
pub struct Pass {
    statistics: Statistics,
    branch: Branch,
    norms: BatchNormTraining,
    dropout: Option<ChaCha8Rng>,
    /// Whether a batch norm was met.
    met_norm: bool,
    /// Batch norms whose parameters training leaves as they are, by the id of their scale.
    standing: HashSet<ParamId>,
    observations: HashMap<ParamId, Observation>,
}

/// A batch statistic, to be blended into the running one.
#[derive(Debug)]
struct Observation {
    value: Tensor<1>,
    momentum: f64,
}

impl Pass {
    /// Running statistics, main branch, no dropout.
    pub fn inference() -> Self {
        Self::new(Statistics::Running, Branch::Main)
    }

    /// Batch statistics and dropout, drawn from `seed`: the same seed drops the same features.
    pub fn training(branch: Branch, seed: u64) -> Self {
        Self { dropout: Some(ChaCha8Rng::seed_from_u64(seed)), ..Self::new(Statistics::Batch, branch) }
    }

    /// The same pass in which only these batch norms learn; all of them otherwise.
    pub fn with_norms(self, norms: BatchNormTraining) -> Self {
        Self { norms, ..self }
    }

    /// The given statistics and branch without dropout: how perturbations are crafted.
    pub fn new(statistics: Statistics, branch: Branch) -> Self {
        Self {
            statistics,
            branch,
            norms: BatchNormTraining::Train,
            dropout: None,
            met_norm: false,
            standing: HashSet::new(),
            observations: HashMap::new(),
        }
    }

    /// The same pass in which also those batch norms stand still that did in `other`, a pass that trained: a network without
    /// autodiff does not tell which of them learn.
    pub(crate) fn standing_as(self, other: &Self) -> Self {
        Self { standing: other.standing.clone(), ..self }
    }

    /// Whether the network learns from this pass.
    pub fn is_training(&self) -> bool {
        self.dropout.is_some()
    }

    /// Which statistics the batch norm that the pass comes to uses, known by its `scale`, of which training leaves the parameters
    /// as they are if it is `frozen`.
    pub(super) fn statistics_of_next(&mut self, scale: ParamId, frozen: bool) -> Statistics {
        let is_first = !std::mem::replace(&mut self.met_norm, true);
        if frozen && self.is_training() {
            self.standing.insert(scale);
        }
        match self.norms {
            _ if self.standing.contains(&scale) => Statistics::Running,
            BatchNormTraining::Train => self.statistics,
            BatchNormTraining::First if is_first => self.statistics,
            BatchNormTraining::First | BatchNormTraining::Frozen => Statistics::Running,
        }
    }

    /// Which batch-norm branch this pass uses.
    pub fn branch(&self) -> Branch {
        self.branch
    }

    /// Notes a batch statistic for the running statistic held by parameter `of`;
    /// `momentum` is the weight of the new value, in (0, 1].
    pub fn observe(&mut self, of: ParamId, value: Tensor<1>, momentum: f64) {
        self.observations.insert(of, Observation { value, momentum });
    }

    /// Blends what this pass observed into the running statistics of `model`.
    pub fn update_running_statistics<M: Module>(self, model: M) -> M {
        if self.observations.is_empty() { model } else { model.map(&mut Blend(self.observations)) }
    }

    /// Inverted dropout: each feature is zeroed with `probability`, the others grow by `1 / (1 - probability)`.
    /// Identity outside training.
    pub fn dropout<const D: usize>(&mut self, x: Tensor<D>, probability: f64) -> Tensor<D> {
        let Some(rng) = self.dropout.as_mut().filter(|_| probability > 0.0) else { return x };
        let keep = 1.0 - probability;
        let scale = (1.0 / keep) as f32;
        let mask = (0..x.shape().num_elements()).map(|_| if rng.random_bool(keep) { scale } else { 0.0 }).collect();
        let mask = TensorData::new::<f32, _>(mask, x.shape());
        let device = x.device();
        x * Tensor::from_data(mask, &device)
    }

    /// Whether [`Pass::drop_path`] does anything.
    pub(super) fn drops_paths(&self, probability: f64) -> bool {
        self.is_training() && probability > 0.0
    }

    /// Dropout of whole clips of `time` images, `[batch * time, height, width, channels]`, of which residual branches are made:
    /// all that a clip has is zeroed, or grows, together.
    pub fn drop_path(&mut self, x: Tensor<4>, time: usize, probability: f64) -> Tensor<4> {
        if !self.drops_paths(probability) {
            return x;
        }
        let [images, ..] = x.dims();
        let clips = self.dropout(Tensor::<2>::ones([images / time, 1], &x.device()), probability);
        let images = clips.repeat_dim(1, time).reshape([images, 1, 1, 1]);
        ops::multiply(x, images)
    }
}

/// `running = (1 - momentum) * running + momentum * observed`, as PyTorch.
struct Blend(HashMap<ParamId, Observation>);

impl ModuleMapper for Blend {
    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        match self.0.remove(&param.id) {
            None => param,
            Some(Observation { value, momentum }) => param.map(|running| {
                let observed = value.inner().reshape(running.shape());
                let blended = running.clone().inner() * (1.0 - momentum) + observed * momentum;
                if running.is_autodiff() { Tensor::from_inner(blended) } else { blended }
            }),
        }
    }
}
