use burn::module::{Module, Param};
use burn::tensor::{Device, Tensor};

use super::{Branch, Pass, Statistics};
use crate::ops;

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

    /// Normalises `x`, `[..., channels]`.
    pub fn forward<const D: usize>(&self, x: Tensor<D>, pass: &mut Pass) -> Tensor<D> {
        self.branch(pass).forward(x, None, false, pass)
    }

    /// `relu(normalise(x))`.
    pub fn forward_relu<const D: usize>(&self, x: Tensor<D>, pass: &mut Pass) -> Tensor<D> {
        self.branch(pass).forward(x, None, true, pass)
    }

    /// `relu(normalise(x) + residual)`: the end of a residual block.
    pub fn forward_residual<const D: usize>(&self, x: Tensor<D>, residual: Tensor<D>, pass: &mut Pass) -> Tensor<D> {
        self.branch(pass).forward(x, Some(residual), true, pass)
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

    fn forward<const D: usize>(
        &self,
        x: Tensor<D>,
        residual: Option<Tensor<D>>,
        relu: bool,
        pass: &mut Pass,
    ) -> Tensor<D> {
        match pass.statistics() {
            Statistics::Running => self.with_running_statistics(x, residual, relu),
            Statistics::Batch => self.with_batch_statistics(x, residual, relu, pass),
        }
    }

    fn with_running_statistics<const D: usize>(
        &self,
        x: Tensor<D>,
        residual: Option<Tensor<D>>,
        relu: bool,
    ) -> Tensor<D> {
        let scale = self.gamma.val() / (self.running_var.val() + EPSILON).sqrt();
        let shift = self.beta.val() - self.running_mean.val() * scale.clone();
        ops::scale_shift(x, residual, scale, shift, relu)
    }

    fn with_batch_statistics<const D: usize>(
        &self,
        x: Tensor<D>,
        residual: Option<Tensor<D>>,
        relu: bool,
        pass: &mut Pass,
    ) -> Tensor<D> {
        let count = x.shape().num_elements() / x.dims()[D - 1];
        let (y, mean, variance) = ops::batch_norm(x, residual, self.gamma.val(), self.beta.val(), EPSILON, relu);
        // One value per channel has no spread; PyTorch refuses it, here the running variance takes the 0 as it is.
        let unbiased = variance * (count as f64 / (count.max(2) - 1) as f64);
        pass.observe(self.running_mean.id, mean, MOMENTUM);
        pass.observe(self.running_var.id, unbiased, MOMENTUM);
        y
    }
}
