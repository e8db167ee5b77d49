//! The CPU device: from Flex tensors to the slices of `taf-kernels` and back.

use std::cell::Cell;

use burn::backend::{
    Flex, TensorMetadata,
    flex::{FlexTensor, Layout},
};
use burn::tensor::{Bytes, DType, Shape};
use taf_kernels::{BatchNormInput, BatchNormSaved, BatchStatistics, ShiftShape};

use super::memory::Buffer;
use super::{
    ConvShape, NormEnd, NormGradients, NormState, Normalized, Optional, PoolShape, SgdStep, VideoOps, composed,
};

thread_local! {
    static COMPOSED: Cell<bool> = const { Cell::new(false) };
}

/// Runs `work` on this thread with the composed bodies instead of the kernels, so that the two can be compared.
pub fn with_composed_ops<R>(work: impl FnOnce() -> R) -> R {
    with_composed(true, work)
}

/// Runs `work` as a task of the thread pool. Kernels called from there start at once; from another thread each would be
/// handed over and waited for, which takes as long as a small kernel.
pub fn on_workers<R: Send>(work: impl FnOnce() -> R + Send) -> R {
    let composed = composed_wanted();
    rayon::scope(|_| with_composed(composed, work))
}

fn with_composed<R>(composed: bool, work: impl FnOnce() -> R) -> R {
    /// Goes back to what was, also when `work` panics.
    struct Restore(bool);
    impl Drop for Restore {
        fn drop(&mut self) {
            COMPOSED.set(self.0);
        }
    }
    let _restore = Restore(COMPOSED.replace(composed));
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

    fn optional(tensor: Optional<Flex>) -> Option<Self> {
        tensor.into_option().map(Self::new)
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

/// A new tensor, written by `fill`, which must not read what was there.
fn output(shape: Shape, fill: impl FnOnce(&mut [f32])) -> FlexTensor {
    let mut buffer = Buffer::take(shape.num_elements());
    fill(buffer.values_mut());
    FlexTensor::new(buffer.into_bytes(), Layout::contiguous(shape), DType::F32)
}

fn vector(values: Vec<f32>) -> FlexTensor {
    let shape = Shape::new([values.len()]);
    FlexTensor::new(Bytes::from_elems(values), Layout::contiguous(shape), DType::F32)
}

/// Batch norm of `x`, which is also handed back if `keep` says so.
fn norm(
    x: Dense,
    [gamma, beta]: [FlexTensor; 2],
    residual: Optional<Flex>,
    end: NormEnd,
    keep: bool,
) -> Normalized<Flex> {
    let [gamma, beta] = [gamma, beta].map(Dense::new);
    let residual = Dense::optional(residual);
    let input = BatchNormInput {
        x: x.values(),
        gamma: gamma.values(),
        beta: beta.values(),
        residual: residual.as_ref().map(Dense::values),
        relu: end.relu,
        epsilon: end.epsilon,
    };
    let mut statistics = None;
    let y = x.like(|y| statistics = Some(taf_kernels::batch_norm_forward(&input, y)));
    let BatchStatistics { mean, variance, inv_std, .. } = statistics.expect("the output was filled");
    let [mean, variance, inverse_deviation] = [mean, variance, inv_std].map(vector);
    Normalized { y, x: keep.then_some(x.0).into(), mean, variance, inverse_deviation }
}

fn norm_gradient(state: NormState<Flex>, dy: FlexTensor, residual: bool) -> NormGradients<Flex> {
    let [x, gamma, mean, inverse] = [state.x, state.gamma, state.mean, state.inverse_deviation].map(Dense::new);
    let (y, dy) = (Dense::optional(state.y), Dense::new(dy));
    let saved = BatchNormSaved {
        x: x.values(),
        mean: mean.values(),
        inv_std: inverse.values(),
        gamma: gamma.values(),
        relu_output: y.as_ref().map(Dense::values),
    };
    let (mut dgamma, mut dbeta) = (vec![0.0; gamma.channels()], vec![0.0; gamma.channels()]);
    let mut gradients = |dx: &mut [f32], dresidual: Option<&mut [f32]>| {
        taf_kernels::batch_norm_backward(&saved, dy.values(), dx, &mut dgamma, &mut dbeta, dresidual);
    };
    let (dx, dresidual) = if residual {
        let mut dx = None;
        let dresidual = x.like(|dresidual| dx = Some(x.like(|dx| gradients(dx, Some(dresidual)))));
        (dx.expect("the gradients were computed"), Some(dresidual))
    } else {
        (x.like(|dx| gradients(dx, None)), None)
    };
    NormGradients { dx, dgamma: vector(dgamma), dbeta: vector(dbeta), dresidual: dresidual.into() }
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

    fn conv2d_norm_train(
        x: FlexTensor,
        weight: FlexTensor,
        gamma: FlexTensor,
        beta: FlexTensor,
        residual: Optional<Self>,
        shape: ConvShape,
        end: NormEnd,
    ) -> Normalized<Self> {
        let x = Self::conv2d_nhwc(x, weight, shape);
        if composed_wanted() {
            let norm = composed::batch_norm::<Self>(x.clone(), gamma, beta, residual, end);
            return Normalized { x: Optional::Some(x), ..norm };
        }
        norm(Dense(x), [gamma, beta], residual, end, true)
    }

    fn conv2d_affine(
        x: FlexTensor,
        weight: FlexTensor,
        scale: FlexTensor,
        shift: FlexTensor,
        residual: Optional<Self>,
        shape: ConvShape,
        relu: bool,
    ) -> FlexTensor {
        Self::scale_shift(Self::conv2d_nhwc(x, weight, shape), scale, shift, residual, relu)
    }

    fn norm_train(
        x: FlexTensor,
        gamma: FlexTensor,
        beta: FlexTensor,
        residual: Optional<Self>,
        end: NormEnd,
    ) -> Normalized<Self> {
        if composed_wanted() {
            return composed::batch_norm::<Self>(x, gamma, beta, residual, end);
        }
        norm(Dense::new(x), [gamma, beta], residual, end, false)
    }

    fn norm_gradient(state: NormState<Self>, dy: FlexTensor, residual: bool) -> NormGradients<Self> {
        if composed_wanted() {
            return composed::batch_norm_gradient::<Self>(state, dy, residual);
        }
        norm_gradient(state, dy, residual)
    }

    fn scale_shift(
        x: FlexTensor,
        scale: FlexTensor,
        shift: FlexTensor,
        residual: Optional<Self>,
        relu: bool,
    ) -> FlexTensor {
        if composed_wanted() {
            return composed::scale_shift::<Self>(x, scale, shift, residual, relu);
        }
        let [x, scale, shift] = [x, scale, shift].map(Dense::new);
        let residual = Dense::optional(residual);
        let residual = residual.as_ref().map(Dense::values);
        x.like(|y| taf_kernels::scale_shift(x.values(), scale.values(), shift.values(), residual, relu, y))
    }

    fn scale_shift_gradient(
        y: Optional<Self>,
        dy: FlexTensor,
        scale: FlexTensor,
        residual: bool,
    ) -> (FlexTensor, Option<FlexTensor>) {
        if composed_wanted() {
            return composed::scale_shift_gradient::<Self>(y, dy, scale, residual);
        }
        let (y, [dy, scale]) = (Dense::optional(y), [dy, scale].map(Dense::new));
        let y = y.as_ref().map(Dense::values);
        let gradient = |dx: &mut [f32], dresidual: Option<&mut [f32]>| {
            taf_kernels::scale_shift_input_gradient(dy.values(), scale.values(), y, dx, dresidual);
        };
        if !residual {
            return (dy.like(|dx| gradient(dx, None)), None);
        }
        let mut dx = None;
        let dresidual = dy.like(|dresidual| dx = Some(dy.like(|dx| gradient(dx, Some(dresidual)))));
        (dx.expect("the gradients were computed"), Some(dresidual))
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

    fn average_pool(x: FlexTensor) -> FlexTensor {
        if composed_wanted() {
            return composed::average_pool::<Self>(x);
        }
        let x = Dense::new(x);
        let [images, pixels, channels] = x.0.shape().dims();
        output(Shape::new([images, channels]), |y| {
            taf_kernels::global_average_pool_forward(pixels, channels, x.values(), y);
        })
    }

    fn average_pool_gradient(dy: FlexTensor, pixels: usize) -> FlexTensor {
        if composed_wanted() {
            return composed::average_pool_gradient::<Self>(dy, pixels);
        }
        let dy = Dense::new(dy);
        let [images, channels] = dy.0.shape().dims();
        output(Shape::new([images, pixels, channels]), |dx| {
            taf_kernels::global_average_pool_backward(pixels, channels, dy.values(), dx);
        })
    }

    fn accumulate(sum: FlexTensor, x: FlexTensor) -> FlexTensor {
        let (Dense(mut sum), x) = (Dense::new(sum), Dense::new(x));
        // In place where nobody else holds the buffer, else on a copy.
        taf_kernels::add_assign(sum.storage_mut(), x.values());
        sum
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
