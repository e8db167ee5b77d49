//! One step of stochastic gradient descent. Not differentiable.

use burn::backend::Dispatch;
use burn::tensor::Tensor;
use taf_kernels::SgdStep;

use super::VideoOps;

/// One step of stochastic gradient descent on a flattened parameter; returns the new weights and velocity.
/// All three are plain tensors of one length.
pub fn sgd_step(weight: Tensor<1>, gradient: Tensor<1>, velocity: Tensor<1>, step: SgdStep) -> (Tensor<1>, Tensor<1>) {
    let (weight, gradient, velocity) = (weight.into_dispatch(), gradient.into_dispatch(), velocity.into_dispatch());
    let (weight, velocity) = <Dispatch as VideoOps>::sgd_step(weight, gradient, velocity, step);
    (Tensor::from_dispatch(weight), Tensor::from_dispatch(velocity))
}

pub(super) mod composed {
    use burn::backend::{Backend, tensor::FloatTensor};
    use taf_kernels::SgdStep;

    pub fn sgd_step<B: Backend>(
        weight: FloatTensor<B>,
        gradient: FloatTensor<B>,
        velocity: FloatTensor<B>,
        step: SgdStep,
    ) -> (FloatTensor<B>, FloatTensor<B>) {
        let scaled = |x: FloatTensor<B>, by: f32| B::float_mul_scalar(x, by.into());
        let gradient = B::float_add(scaled(gradient, step.gradient_scale), scaled(weight.clone(), step.weight_decay));
        let velocity = B::float_add(scaled(velocity, step.momentum), gradient.clone());
        let direction = match step.nesterov {
            true => B::float_add(gradient, scaled(velocity.clone(), step.momentum)),
            false => velocity.clone(),
        };
        (B::float_sub(weight, scaled(direction, step.learning_rate)), velocity)
    }
}

pub(super) mod flex {
    use burn::backend::flex::FlexTensor;
    use taf_kernels::SgdStep;

    use crate::ops::flex::{Dense, overwritten};

    pub fn sgd_step(
        weight: FlexTensor,
        gradient: FlexTensor,
        velocity: FlexTensor,
        step: SgdStep,
    ) -> (FlexTensor, FlexTensor) {
        let gradient = Dense::new(gradient);
        let mut moved = None;
        let weight = overwritten(weight, |weight| {
            moved = Some(overwritten(velocity, |velocity| step.apply(weight, gradient.values(), velocity)));
        });
        (weight, moved.expect("the weights were moved"))
    }
}
