//! One step of Adam with decoupled weight decay. Not differentiable.

use burn::backend::Dispatch;
use burn::tensor::Tensor;
use taf_kernels::AdamwStep;

use super::VideoOps;

/// One step on a flattened parameter; returns the new weights, and the new mean and mean square of its gradients.
/// All four are plain tensors of one length.
pub fn adamw_step(
    weight: Tensor<1>,
    gradient: Tensor<1>,
    [mean, square]: [Tensor<1>; 2],
    step: AdamwStep,
) -> (Tensor<1>, [Tensor<1>; 2]) {
    let [weight, gradient, mean, square] = [weight, gradient, mean, square].map(Tensor::into_dispatch);
    let (weight, mean, square) = <Dispatch as VideoOps>::adamw_step(weight, gradient, mean, square, step);
    (Tensor::from_dispatch(weight), [mean, square].map(Tensor::from_dispatch))
}

pub(super) mod composed {
    use burn::backend::{Backend, tensor::FloatTensor};
    use taf_kernels::AdamwStep;

    pub fn adamw_step<B: Backend>(
        weight: FloatTensor<B>,
        gradient: FloatTensor<B>,
        mean: FloatTensor<B>,
        square: FloatTensor<B>,
        step: AdamwStep,
    ) -> (FloatTensor<B>, FloatTensor<B>, FloatTensor<B>) {
        let scaled = |x: FloatTensor<B>, by: f32| B::float_mul_scalar(x, by.into());
        let (factors, [old, new]) = (step.factors(), step.factors().square);
        let gradient = scaled(gradient, step.gradient_scale);
        let mean = B::float_add(mean.clone(), scaled(B::float_sub(gradient.clone(), mean), factors.mean));
        let square = B::float_add(scaled(square, old), scaled(B::float_mul(gradient.clone(), gradient), new));
        let root = scaled(B::float_sqrt(square.clone()), factors.root);
        let direction = B::float_div(mean.clone(), B::float_add_scalar(root, step.epsilon.into()));
        (B::float_sub(scaled(weight, factors.weight), scaled(direction, factors.stride)), mean, square)
    }
}

pub(super) mod flex {
    use burn::backend::flex::FlexTensor;
    use taf_kernels::AdamwStep;

    use crate::ops::flex::{Dense, overwritten};

    pub fn adamw_step(
        weight: FlexTensor,
        gradient: FlexTensor,
        mean: FlexTensor,
        square: FlexTensor,
        step: AdamwStep,
    ) -> (FlexTensor, FlexTensor, FlexTensor) {
        let gradient = Dense::new(gradient);
        let (mut new_mean, mut new_square) = (None, None);
        let weight = overwritten(weight, |weight| {
            new_mean = Some(overwritten(mean, |mean| {
                new_square = Some(overwritten(square, |square| step.apply(weight, gradient.values(), mean, square)));
            }));
        });
        let moved = "the weights were moved";
        (weight, new_mean.expect(moved), new_square.expect(moved))
    }
}

#[cfg(test)]
mod tests {
    use burn::tensor::{Device, Tensor};
    use taf_kernels::AdamwStep;

    use super::adamw_step;
    use crate::ops::{values, with_composed_ops};

    fn moved(steps: u64) -> Vec<f32> {
        let tensor = |of: fn(f32) -> f32| {
            let values: Vec<f32> = (0..1000).map(|place| of(place as f32 * 0.37)).collect();
            Tensor::<1>::from_data(values.as_slice(), &Device::flex())
        };
        let mut weight = tensor(f32::sin);
        let mut memory = [weight.zeros_like(), weight.zeros_like()];
        for number in 1..=steps {
            let (learning_rate, betas, epsilon) = (0.01, [0.9, 0.999], 1e-8);
            let step = AdamwStep { learning_rate, betas, epsilon, weight_decay: 0.1, gradient_scale: 0.5, number };
            (weight, memory) = adamw_step(weight, tensor(f32::cos), memory, step);
        }
        values(weight)
    }

    #[test]
    fn the_kernel_and_the_composed_body_take_the_same_steps() {
        let (kernel, composed) = (moved(3), with_composed_ops(|| moved(3)));
        let worst = kernel.iter().zip(&composed).map(|(k, c)| (k - c).abs()).fold(0.0, f32::max);
        assert!(worst < 1e-6 && kernel != moved(0), "{worst}");
    }
}
