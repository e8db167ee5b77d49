use burn::module::{Module, Param};
use burn::tensor::{Device, Tensor};

use super::{Branch, Pass, PublishedNames, Statistics};
use crate::ops::{self, Affine, ConvOptions, NormParameters, Normed, RunningNorm};

/// Weight of the newest batch in the running statistics, as PyTorch.
const MOMENTUM: f64 = 0.1;
const EPSILON: f32 = 1e-5;

/// Batch normalisation over all axes but the last, with PyTorch's running statistics (unbiased variance) and an
/// optional auxiliary branch for perturbed clips.
///
/// Burn's own module shares its running state between clones, applies it a step late and keeps the biased variance.
#[derive(Module, Debug)]
pub struct BatchNorm {
    main: NormBranch,
    auxiliary: Option<NormBranch>,
}

/// What a batch norm does in one pass.
pub(super) enum Norm {
    /// It maps each channel by what it has learned.
    Running(Affine),
    /// It measures the batch first.
    Batch(NormParameters),
}

/// One set of affine parameters and running statistics, each `[channels]`.
#[derive(Module, Debug)]
struct NormBranch {
    gamma: Param<Tensor<1>>,
    beta: Param<Tensor<1>>,
    running_mean: Param<Tensor<1>>,
    running_var: Param<Tensor<1>>,
}

impl BatchNorm {
    /// Scale 1, offset 0, running mean 0 and variance 1, without an auxiliary branch.
    pub fn new(channels: usize, device: &Device) -> Self {
        Self { main: NormBranch::new(channels, device), auxiliary: None }
    }

    /// Adds an auxiliary branch that starts as a copy of the main one; no change where one exists.
    pub fn with_auxiliary_branch(mut self) -> Self {
        self.auxiliary = self.auxiliary.or_else(|| Some(self.main.copy()));
        self
    }

    /// The auxiliary branch exists only here.
    pub(super) fn publish(&self, name: &str, names: &mut PublishedNames) {
        let NormBranch { gamma, beta, running_mean, running_var } = &self.main;
        names.under(name, |names| {
            names.same(gamma, "weight");
            names.same(beta, "bias");
            names.same(running_mean, "running_mean");
            names.same(running_var, "running_var");
        });
    }

    /// Normalises `x`, `[..., channels]`.
    pub fn forward<const D: usize>(&self, x: Tensor<D>, pass: &mut Pass) -> Tensor<D> {
        self.compute(x, false, pass)
    }

    /// `relu(normalise(x))`.
    pub fn forward_relu<const D: usize>(&self, x: Tensor<D>, pass: &mut Pass) -> Tensor<D> {
        self.compute(x, true, pass)
    }

    fn compute<const D: usize>(&self, x: Tensor<D>, relu: bool, pass: &mut Pass) -> Tensor<D> {
        match self.prepare(pass) {
            Norm::Running(map) => ops::scale_shift(x, map, None, relu),
            Norm::Batch(norm) => self.observe(ops::batch_norm(x, norm, None, relu), pass),
        }
    }

    /// `relu?(normalise(conv(x)) + residual?)`, computed together.
    pub(super) fn behind_conv(
        &self,
        x: Tensor<4>,
        weight: Tensor<4>,
        options: ConvOptions,
        residual: Option<Tensor<4>>,
        relu: bool,
        pass: &mut Pass,
    ) -> Tensor<4> {
        match self.prepare(pass) {
            Norm::Running(map) => ops::conv2d_affine(x, weight, options, map, residual, relu),
            Norm::Batch(norm) => self.observe(ops::conv2d_batch_norm(x, weight, options, norm, residual, relu), pass),
        }
    }

    /// What normalises in this pass.
    pub(super) fn prepare(&self, pass: &mut Pass) -> Norm {
        let branch = self.branch(pass);
        match pass.statistics_of_next(branch.gamma.id, branch.is_frozen()) {
            Statistics::Running => Norm::Running(branch.running_map(pass.is_training())),
            Statistics::Batch => Norm::Batch(branch.parameters()),
        }
    }

    /// Notes the statistics a batch was normalised with.
    pub(super) fn observe<const D: usize>(&self, normed: Normed<D>, pass: &mut Pass) -> Tensor<D> {
        let branch = self.branch(pass);
        let Normed { y, mean, variance } = normed;
        let count = y.shape().num_elements() / y.dims()[D - 1];
        // One value per channel has no spread; PyTorch refuses it, here the running variance takes the 0 as it is.
        let unbiased = variance * (count as f64 / (count.max(2) - 1) as f64);
        pass.observe(branch.running_mean.id, mean, MOMENTUM);
        pass.observe(branch.running_var.id, unbiased, MOMENTUM);
        y
    }

    fn branch(&self, pass: &Pass) -> &NormBranch {
        match pass.branch() {
            Branch::Main => &self.main,
            Branch::Auxiliary => self.auxiliary.as_ref().unwrap_or(&self.main),
        }
    }
}

impl NormBranch {
    fn new(channels: usize, device: &Device) -> Self {
        let ones = || Tensor::ones([channels], device);
        let zeros = || Tensor::zeros([channels], device);
        Self {
            gamma: Param::from_tensor(ones()),
            beta: Param::from_tensor(zeros()),
            running_mean: Param::from_tensor(zeros()).set_require_grad(false),
            running_var: Param::from_tensor(ones()).set_require_grad(false),
        }
    }

    /// The same values under new parameter ids, so that the two branches are told apart.
    fn copy(&self) -> Self {
        let fresh = |param: &Param<Tensor<1>>| Param::from_tensor(param.val().detach());
        Self {
            gamma: fresh(&self.gamma),
            beta: fresh(&self.beta),
            running_mean: fresh(&self.running_mean).set_require_grad(false),
            running_var: fresh(&self.running_var).set_require_grad(false),
        }
    }

    /// Whether training leaves the parameters as they are, and so the statistics.
    fn is_frozen(&self) -> bool {
        let learns = |param: &Param<Tensor<1>>| !param.val().is_autodiff() || param.val().is_require_grad();
        !learns(&self.gamma) && !learns(&self.beta)
    }

    /// The running statistics and parameters as one map; of a norm that is `frozen`, as constants.
    fn running_map(&self, frozen: bool) -> Affine {
        let parameter = |param: &Param<Tensor<1>>| if frozen { param.val().detach() } else { param.val() };
        RunningNorm {
            gamma: parameter(&self.gamma),
            beta: parameter(&self.beta),
            mean: self.running_mean.val(),
            variance: self.running_var.val(),
            epsilon: EPSILON,
        }
        .map()
    }

    fn parameters(&self) -> NormParameters {
        NormParameters { gamma: self.gamma.val(), beta: self.beta.val(), epsilon: EPSILON }
    }
}
