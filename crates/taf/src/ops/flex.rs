//! The CPU device: from Flex tensors to the slices of `taf-kernels` and back.

use std::cell::Cell;

use burn::backend::{
    Flex, TensorMetadata,
    flex::{FlexTensor, Layout},
};
use burn::tensor::{Bytes, DType, Shape};
use taf_kernels::{BatchNormInput, BatchNormSaved, ShiftShape};

use super::{ConvShape, NormGradients, Normalized, PoolShape, ResidualGradients, SgdStep, VideoOps, composed};

thread_local! {
    static COMPOSED: Cell<bool> = const { Cell::new(false) };
}

/// Runs `work` on this thread with the composed bodies instead of the kernels, so that the two can be compared.
pub fn with_composed_ops<R>(work: impl FnOnce() -> R) -> R {
    /// Goes back to what was, also when `work` panics.
    struct Restore(bool);
    impl Drop for Restore {
        fn drop(&mut self) {
            COMPOSED.set(self.0);
        }
    }
    let _restore = Restore(COMPOSED.replace(true));
    work()
}

fn composed_wanted() -> bool {
    COMPOSED.get()
}

/// A tensor whose elements lie in memory in their logical order.
struct Dense(FlexTensor);

impl Dense {
    fn new(tensor: FlexTensor) -> Self {
        assert_eq!(tensor.dtype(), DType::F32, "the kernels compute in f32");
        Self(if tensor.is_contiguous() { tensor } else { tensor.to_contiguous() })
    }

    fn values(&self) -> &[f32] {
        self.0.as_slice().expect("the tensor was made contiguous")
    }

    fn channels(&self) -> usize {
        let shape = self.0.shape();
        shape[shape.num_dims() - 1]
    }

    /// A tensor of this one's shape.
    fn like(&self, fill: impl FnOnce(&mut [f32])) -> FlexTensor {
        output(self.0.shape(), fill)
    }
}

/// A new tensor, written by `fill`.
fn output(shape: Shape, fill: impl FnOnce(&mut [f32])) -> FlexTensor {
    let mut values = vec![0.0; shape.num_elements()];
    fill(&mut values);
    tensor(values, shape)
}

fn tensor(values: Vec<f32>, shape: Shape) -> FlexTensor {
    FlexTensor::new(Bytes::from_elems(values), Layout::contiguous(shape), DType::F32)
}

fn vector(values: Vec<f32>) -> FlexTensor {
    let shape = Shape::new([values.len()]);
    tensor(values, shape)
}

fn norm(
    x: FlexTensor,
    residual: Option<FlexTensor>,
    affine: [FlexTensor; 2],
    epsilon: f32,
    relu: bool,
) -> Normalized<Flex> {
    let [gamma, beta] = affine.map(Dense::new);
    let (x, residual) = (Dense::new(x), residual.map(Dense::new));
    let input = BatchNormInput {
        x: x.values(),
        gamma: gamma.values(),
        beta: beta.values(),
        residual: residual.as_ref().map(Dense::values),
        relu,
        epsilon,
    };
    let mut statistics = None;
    let y = x.like(|y| statistics = Some(taf_kernels::batch_norm_forward(&input, y)));
    let statistics = statistics.expect("the output was filled");
    (y, vector(statistics.mean), vector(statistics.variance), vector(statistics.inv_std))
}

/// What the backward pass of batch norm reads.
struct SavedNorm {
    x: Dense,
    y: Dense,
    gamma: Dense,
    mean: Dense,
    inverse_deviation: Dense,
}

impl SavedNorm {
    fn gradient(&self, dy: FlexTensor, relu: bool, residual: bool) -> (NormGradients<Flex>, Option<FlexTensor>) {
        let saved = BatchNormSaved {
            x: self.x.values(),
            mean: self.mean.values(),
            inv_std: self.inverse_deviation.values(),
            gamma: self.gamma.values(),
            relu_output: relu.then(|| self.y.values()),
        };
        let dy = Dense::new(dy);
        let (mut dgamma, mut dbeta) = (vec![0.0; self.gamma.channels()], vec![0.0; self.gamma.channels()]);
        let mut dresidual = residual.then(|| vec![0.0; dy.values().len()]);
        let dx = self.x.like(|dx| {
            let dresidual = dresidual.as_deref_mut();
            taf_kernels::batch_norm_backward(&saved, dy.values(), dx, &mut dgamma, &mut dbeta, dresidual);
        });
        let dresidual = dresidual.map(|values| tensor(values, self.x.0.shape()));
        ((dx, vector(dgamma), vector(dbeta)), dresidual)
    }
}

fn affine(x: FlexTensor, residual: Option<FlexTensor>, map: [FlexTensor; 2], relu: bool) -> FlexTensor {
    let [scale, shift] = map.map(Dense::new);
    let (x, residual) = (Dense::new(x), residual.map(Dense::new));
    let residual = residual.as_ref().map(Dense::values);
    x.like(|y| taf_kernels::scale_shift(x.values(), scale.values(), shift.values(), residual, relu, y))
}

impl VideoOps for Flex {
    fn conv2d_nhwc(x: FlexTensor, weight: FlexTensor, shape: ConvShape) -> FlexTensor {
        if composed_wanted() {
            return composed::conv2d::<Self>(x, weight, shape);
        }
        let (x, weight) = (Dense::new(x), Dense::new(weight));
        let dims = [shape.batch, shape.output_height(), shape.output_width(), shape.channels_out];
        output(Shape::new(dims), |y| taf_kernels::conv2d_forward(&shape, x.values(), weight.values(), y))
    }

    fn conv2d_nhwc_input_gradient(dy: FlexTensor, weight: FlexTensor, shape: ConvShape) -> FlexTensor {
        if composed_wanted() {
            return composed::conv2d_input_gradient::<Self>(dy, weight, shape);
        }
        let (dy, weight) = (Dense::new(dy), Dense::new(weight));
        let dims = [shape.batch, shape.height, shape.width, shape.channels_in];
        output(Shape::new(dims), |dx| taf_kernels::conv2d_input_gradient(&shape, dy.values(), weight.values(), dx))
    }

    fn conv2d_nhwc_weight_gradient(x: FlexTensor, dy: FlexTensor, shape: ConvShape) -> FlexTensor {
        if composed_wanted() {
            return composed::conv2d_weight_gradient::<Self>(x, dy, shape);
        }
        let (x, dy) = (Dense::new(x), Dense::new(dy));
        let [height, width] = shape.kernel;
        let dims = [height, width, shape.channels_in / shape.groups, shape.channels_out];
        output(Shape::new(dims), |dw| taf_kernels::conv2d_weight_gradient(&shape, x.values(), dy.values(), dw))
    }

    fn norm_train(x: FlexTensor, gamma: FlexTensor, beta: FlexTensor, epsilon: f32, relu: bool) -> Normalized<Self> {
        if composed_wanted() {
            return composed::batch_norm::<Self>(x, None, [gamma, beta], epsilon, relu);
        }
        norm(x, None, [gamma, beta], epsilon, relu)
    }

    fn norm_residual_train(
        x: FlexTensor,
        residual: FlexTensor,
        gamma: FlexTensor,
        beta: FlexTensor,
        epsilon: f32,
    ) -> Normalized<Self> {
        if composed_wanted() {
            return composed::batch_norm::<Self>(x, Some(residual), [gamma, beta], epsilon, true);
        }
        norm(x, Some(residual), [gamma, beta], epsilon, true)
    }

    fn norm_gradient(
        x: FlexTensor,
        y: FlexTensor,
        dy: FlexTensor,
        gamma: FlexTensor,
        mean: FlexTensor,
        inverse_deviation: FlexTensor,
        relu: bool,
    ) -> NormGradients<Self> {
        if composed_wanted() {
            let dy = composed::behind_relu::<Self>(y, dy, relu);
            return composed::batch_norm_gradient::<Self>(x, dy, gamma, mean, inverse_deviation);
        }
        let [x, y, gamma, mean, inverse_deviation] = [x, y, gamma, mean, inverse_deviation].map(Dense::new);
        SavedNorm { x, y, gamma, mean, inverse_deviation }.gradient(dy, relu, false).0
    }

    fn norm_residual_gradient(
        x: FlexTensor,
        y: FlexTensor,
        dy: FlexTensor,
        gamma: FlexTensor,
        mean: FlexTensor,
        inverse_deviation: FlexTensor,
    ) -> ResidualGradients<Self> {
        if composed_wanted() {
            return composed::batch_norm_residual_gradient::<Self>(x, y, dy, gamma, mean, inverse_deviation);
        }
        let [x, y, gamma, mean, inverse_deviation] = [x, y, gamma, mean, inverse_deviation].map(Dense::new);
        let saved = SavedNorm { x, y, gamma, mean, inverse_deviation };
        let ((dx, dgamma, dbeta), dresidual) = saved.gradient(dy, true, true);
        (dx, dresidual.expect("the residual's gradient was asked for"), dgamma, dbeta)
    }

    fn scale_shift(x: FlexTensor, scale: FlexTensor, shift: FlexTensor, relu: bool) -> FlexTensor {
        if composed_wanted() {
            return composed::scale_shift::<Self>(x, None, scale, shift, relu);
        }
        affine(x, None, [scale, shift], relu)
    }

    fn scale_shift_residual(x: FlexTensor, residual: FlexTensor, scale: FlexTensor, shift: FlexTensor) -> FlexTensor {
        if composed_wanted() {
            return composed::scale_shift::<Self>(x, Some(residual), scale, shift, true);
        }
        affine(x, Some(residual), [scale, shift], true)
    }

    fn scale_shift_gradient(y: FlexTensor, dy: FlexTensor, scale: FlexTensor, relu: bool) -> FlexTensor {
        if composed_wanted() {
            return composed::scale_channels::<Self>(composed::behind_relu::<Self>(y, dy, relu), scale);
        }
        let [y, dy, scale] = [y, dy, scale].map(Dense::new);
        let rectified = relu.then(|| y.values());
        dy.like(|dx| taf_kernels::scale_shift_input_gradient(dy.values(), scale.values(), rectified, dx, None))
    }

    fn scale_shift_residual_gradient(y: FlexTensor, dy: FlexTensor, scale: FlexTensor) -> (FlexTensor, FlexTensor) {
        if composed_wanted() {
            return composed::scale_shift_residual_gradient::<Self>(y, dy, scale);
        }
        let [y, dy, scale] = [y, dy, scale].map(Dense::new);
        let mut dresidual = vec![0.0; dy.values().len()];
        let dx = dy.like(|dx| {
            let (dy, y, dresidual) = (dy.values(), Some(y.values()), Some(dresidual.as_mut_slice()));
            taf_kernels::scale_shift_input_gradient(dy, scale.values(), y, dx, dresidual);
        });
        (dx, tensor(dresidual, dy.0.shape()))
    }

    fn temporal_shift(x: FlexTensor, frames: usize, fold: usize, backwards: bool) -> FlexTensor {
        if composed_wanted() {
            return composed::temporal_shift::<Self>(x, frames, fold, backwards);
        }
        let x = Dense::new(x);
        let (dims, channels) = (x.0.shape(), x.channels());
        let shape = ShiftShape {
            clips: dims[0] / frames,
            frames,
            pixels: dims.num_elements() / dims[0] / channels,
            channels,
            fold,
        };
        let shift = if backwards { taf_kernels::temporal_shift_backward } else { taf_kernels::temporal_shift_forward };
        x.like(|y| shift(&shape, x.values(), y))
    }

    fn max_pool2d_nhwc(x: FlexTensor, shape: PoolShape) -> FlexTensor {
        if composed_wanted() {
            return composed::max_pool2d::<Self>(x, shape);
        }
        let x = Dense::new(x);
        output(pooled_shape(&shape), |y| drop(pool(&shape, &x, y)))
    }

    fn max_pool2d_nhwc_gradient(x: FlexTensor, dy: FlexTensor, shape: PoolShape) -> FlexTensor {
        if composed_wanted() {
            return composed::max_pool2d_gradient::<Self>(x, dy, shape);
        }
        let (x, dy) = (Dense::new(x), Dense::new(dy));
        // Finding the places again is cheaper than keeping them: a network pools once, on its widest activations.
        let places = pool(&shape, &x, &mut vec![0.0; shape.output_len()]);
        x.like(|dx| taf_kernels::max_pool2d_backward(&shape, dy.values(), &places, dx))
    }

    fn sum_of_squares(x: FlexTensor) -> FlexTensor {
        vector(vec![taf_kernels::sum_of_squares(Dense::new(x).values()) as f32])
    }

    fn sgd_step(
        weight: FlexTensor,
        gradient: FlexTensor,
        velocity: FlexTensor,
        step: SgdStep,
    ) -> (FlexTensor, FlexTensor) {
        if composed_wanted() {
            return composed::sgd_step::<Self>(weight, gradient, velocity, step);
        }
        let (Dense(mut weight), Dense(mut velocity)) = (Dense::new(weight), Dense::new(velocity));
        // In place where nobody else holds the buffer, else on a copy.
        step.apply(weight.storage_mut(), Dense::new(gradient).values(), velocity.storage_mut());
        (weight, velocity)
    }
}

fn pooled_shape(shape: &PoolShape) -> Shape {
    Shape::new([shape.batch, shape.output_height(), shape.output_width(), shape.channels])
}

/// Fills `y` with the maxima and returns their places.
fn pool(shape: &PoolShape, x: &Dense, y: &mut [f32]) -> Vec<u8> {
    let mut places = vec![0; shape.output_len()];
    taf_kernels::max_pool2d_forward(shape, x.values(), y, &mut places);
    places
}
