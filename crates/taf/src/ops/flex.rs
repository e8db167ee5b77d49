//! The CPU device: from Flex tensors to the slices of `taf-kernels` and back.

use std::cell::Cell;

use burn::backend::{
    Flex, TensorMetadata,
    flex::{FlexTensor, Layout},
};
use burn::tensor::{Bytes, DType, Shape};
use taf_kernels::{
    BatchNormInput, BatchNormSaved, BatchStatistics, ClipPixels, Epilogue, SavedRelu, ShiftShape,
    batch_norm_backward_in_place, batch_norm_residual_backward_in_place,
};

use super::memory::Buffer;
use super::{
    AdaptiveGradients, Colors, Conv3dShape, ConvShape, NormEnd, NormGradients, NormState, Normalized, Optional,
    PoolShape, SgdStep, SpaceTimeShape, VideoOps, composed, volume,
};
use crate::profile::{self, Operation};

thread_local! {
    static COMPOSED: Cell<bool> = const { Cell::new(false) };
}

/// Runs `work` on this thread with the composed bodies instead of the kernels, so that the two can be compared.
pub fn with_composed_ops<R>(work: impl FnOnce() -> R) -> R {
    with_composed(true, work)
}

pub(super) fn with_composed<R>(composed: bool, work: impl FnOnce() -> R) -> R {
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

pub(super) fn composed_wanted() -> bool {
    COMPOSED.get()
}

/// A tensor whose elements lie in memory in their logical order.
pub(super) struct Dense(FlexTensor);

impl Dense {
    pub(super) fn new(tensor: FlexTensor) -> Self {
        assert_eq!(tensor.dtype(), DType::F32, "the kernels compute in f32");
        Self(if tensor.is_contiguous() { tensor } else { tensor.to_contiguous() })
    }

    fn optional(tensor: Optional<Flex>) -> Option<Self> {
        tensor.into_option().map(Self::new)
    }

    pub(super) fn values(&self) -> &[f32] {
        self.0.as_slice().expect("the tensor was made contiguous")
    }

    pub(super) fn shape(&self) -> Shape {
        self.0.shape()
    }

    fn channels(&self) -> usize {
        let shape = self.0.shape();
        shape[shape.num_dims() - 1]
    }

    /// A tensor of this one's shape.
    pub(super) fn like(&self, fill: impl FnOnce(&mut [f32])) -> FlexTensor {
        output(self.0.shape(), fill)
    }

    /// One or two tensors of this one's shape.
    fn like_with(
        &self,
        second: bool,
        fill: impl FnOnce(&mut [f32], Option<&mut [f32]>),
    ) -> (FlexTensor, Option<FlexTensor>) {
        if !second {
            return (self.like(|first| fill(first, None)), None);
        }
        let mut other = None;
        let first = self.like(|first| other = Some(self.like(|second| fill(first, Some(second)))));
        (first, other)
    }
}

/// `tensor` as `change` leaves it: in its own memory where nobody else holds that, else in a copy.
fn overwritten(tensor: FlexTensor, change: impl FnOnce(&mut [f32])) -> FlexTensor {
    let Dense(mut tensor) = Dense::new(tensor);
    if tensor.is_unique() && tensor.storage::<f32>().len() == tensor.shape().num_elements() {
        change(tensor.storage_mut());
        return tensor;
    }
    let tensor = Dense(tensor);
    tensor.like(|copy| {
        copy.copy_from_slice(tensor.values());
        change(copy);
    })
}

/// Counts a kernel that computes: a convolution of so many operations.
pub(super) fn computing<R>(
    pass: &'static str,
    flops: u64,
    layer: impl FnOnce() -> String,
    work: impl FnOnce() -> R,
) -> R {
    profile::operation(|| Operation { name: "convolution", pass, layer: layer(), flops }, work)
}

fn convolution<R>(pass: &'static str, shape: &ConvShape, work: impl FnOnce() -> R) -> R {
    computing(pass, shape.operations(), || layer(shape), work)
}

/// `3x3 64 -> 128, 8x28x28, stride 2`: kernel, channels, and the images that are read.
fn layer(shape: &ConvShape) -> String {
    let ConvShape { batch, height, width, channels_in, channels_out, kernel, stride, groups, shift, .. } = shape;
    let stride = strides(stride[0]);
    let groups = if *groups == 1 { String::new() } else { format!(", {groups} groups") };
    let shift = if shift.is_some() { ", shifted" } else { "" };
    format!(
        "{}x{} {channels_in} -> {channels_out}, {batch}x{height}x{width}{stride}{groups}{shift}",
        kernel[0], kernel[1]
    )
}

/// As the names of layers end where they stride.
pub(super) fn strides(stride: usize) -> String {
    if stride == 1 { String::new() } else { format!(", stride {stride}") }
}

/// Counts a kernel that reads and writes, by the dimensions of what it works on.
pub(super) fn memory_bound<R>(name: &'static str, pass: &'static str, x: &Dense, work: impl FnOnce() -> R) -> R {
    profile::operation(|| pass_over(name, pass, &x.0.shape()), work)
}

fn pass_over(name: &'static str, pass: &'static str, dims: &Shape) -> Operation {
    let layer = dims.iter().map(usize::to_string).collect::<Vec<_>>().join("x");
    Operation { name, pass, layer, flops: 0 }
}

/// A new tensor, written by `fill`, which must not read what was there.
pub(super) fn output(shape: Shape, fill: impl FnOnce(&mut [f32])) -> FlexTensor {
    let mut buffer = Buffer::take(shape.num_elements());
    fill(buffer.values_mut());
    FlexTensor::new(buffer.into_bytes(), Layout::contiguous(shape), DType::F32)
}

fn vector(values: Vec<f32>) -> FlexTensor {
    let shape = Shape::new([values.len()]);
    FlexTensor::new(Bytes::from_elems(values), Layout::contiguous(shape), DType::F32)
}

fn output_dims(shape: &ConvShape) -> Shape {
    Shape::new([shape.batch, shape.output_height(), shape.output_width(), shape.channels_out])
}

/// Batch norm of `x`. Where its statistics are known already it was computed on the way, and is handed back.
pub(super) fn norm(
    x: Dense,
    [gamma, beta]: [FlexTensor; 2],
    residual: Optional<Flex>,
    end: NormEnd,
    known: Option<BatchStatistics>,
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
    let keep = known.is_some();
    let mut statistics = None;
    let y = memory_bound("batch norm", "forward", &x, || {
        x.like(|y| {
            let known = known.unwrap_or_else(|| BatchStatistics::of(input.x, input.gamma.len(), end.epsilon));
            taf_kernels::batch_norm_forward_with(&input, &known, y);
            statistics = Some(known);
        })
    });
    let BatchStatistics { mean, variance, inv_std, .. } = statistics.expect("the output was filled");
    let [mean, variance, inverse_deviation] = [mean, variance, inv_std].map(vector);
    Normalized { y, x: keep.then_some(x.0).into(), mean, variance, inverse_deviation }
}

/// The output gradient's memory becomes that of the input gradient or, with a residual, of the residual's.
fn norm_gradient(state: NormState<Flex>, dy: FlexTensor, residual: bool) -> NormGradients<Flex> {
    let [x, gamma, beta] = [state.x, state.gamma, state.beta].map(Dense::new);
    let [mean, inverse] = [state.mean, state.inverse_deviation].map(Dense::new);
    let y = Dense::optional(state.y);
    let saved = BatchNormSaved {
        x: x.values(),
        mean: mean.values(),
        inv_std: inverse.values(),
        gamma: gamma.values(),
        relu: match &y {
            Some(y) => SavedRelu::Output(y.values()),
            None if state.relu => SavedRelu::Beta(beta.values()),
            None => SavedRelu::None,
        },
    };
    let (mut dgamma, mut dbeta) = (vec![0.0; gamma.channels()], vec![0.0; gamma.channels()]);
    let (dx, dresidual) = memory_bound("batch norm", "gradient", &x, || {
        if !residual {
            let gradients = |dy: &mut [f32]| batch_norm_backward_in_place(&saved, dy, &mut dgamma, &mut dbeta);
            return (overwritten(dy, gradients), None);
        }
        let mut dresidual = None;
        let dx = x.like(|dx| {
            let gradients =
                |dy: &mut [f32]| batch_norm_residual_backward_in_place(&saved, dy, dx, &mut dgamma, &mut dbeta);
            dresidual = Some(overwritten(dy, gradients));
        });
        (dx, dresidual)
    });
    NormGradients { dx, dgamma: vector(dgamma), dbeta: vector(dbeta), dresidual: dresidual.into() }
}

impl VideoOps for Flex {
    fn conv2d_nhwc(x: FlexTensor, weight: FlexTensor, shape: ConvShape) -> FlexTensor {
        if composed_wanted() {
            return composed::conv2d::<Self>(x, weight, shape);
        }
        let (x, weight) = (Dense::new(x), Dense::new(weight));
        convolution("forward", &shape, || {
            output(output_dims(&shape), |y| taf_kernels::conv2d_forward(&shape, x.values(), weight.values(), y))
        })
    }

    fn conv2d_nhwc_input_gradient(dy: FlexTensor, weight: FlexTensor, shape: ConvShape) -> FlexTensor {
        if composed_wanted() {
            return composed::conv2d_input_gradient::<Self>(dy, weight, shape);
        }
        let (dy, weight) = (Dense::new(dy), Dense::new(weight));
        let dims = [shape.batch, shape.height, shape.width, shape.channels_in];
        convolution("input gradient", &shape, || {
            output(Shape::new(dims), |dx| taf_kernels::conv2d_input_gradient(&shape, dy.values(), weight.values(), dx))
        })
    }

    fn conv2d_nhwc_weight_gradient(x: FlexTensor, dy: FlexTensor, shape: ConvShape) -> FlexTensor {
        if composed_wanted() {
            return composed::conv2d_weight_gradient::<Self>(x, dy, shape);
        }
        let (x, dy) = (Dense::new(x), Dense::new(dy));
        let [height, width] = shape.kernel;
        let dims = [height, width, shape.channels_in / shape.groups, shape.channels_out];
        convolution("weight gradient", &shape, || {
            output(Shape::new(dims), |dw| taf_kernels::conv2d_weight_gradient(&shape, x.values(), dy.values(), dw))
        })
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
        if composed_wanted() {
            let x = composed::conv2d::<Self>(x, weight, shape);
            let norm = composed::batch_norm::<Self>(x.clone(), gamma, beta, residual, end);
            return Normalized { x: Optional::Some(x), ..norm };
        }
        let (x, weight) = (Dense::new(x), Dense::new(weight));
        let mut statistics = None;
        let convolved = convolution("forward", &shape, || {
            output(output_dims(&shape), |y| {
                let (x, weight) = (x.values(), weight.values());
                statistics = Some(taf_kernels::conv2d_forward_statistics(&shape, x, weight, end.epsilon, y));
            })
        });
        norm(Dense(convolved), [gamma, beta], residual, end, statistics)
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
        if composed_wanted() {
            let x = composed::conv2d::<Self>(x, weight, shape);
            return composed::scale_shift::<Self>(x, scale, shift, residual, relu);
        }
        let [x, weight, scale, shift] = [x, weight, scale, shift].map(Dense::new);
        let residual = Dense::optional(residual);
        let epilogue = Epilogue {
            scale: Some(scale.values()),
            bias: Some(shift.values()),
            residual: residual.as_ref().map(Dense::values),
            relu,
        };
        convolution("forward", &shape, || {
            output(output_dims(&shape), |y| {
                taf_kernels::conv2d_forward_with(&shape, x.values(), weight.values(), &epilogue, y);
            })
        })
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
        norm(Dense::new(x), [gamma, beta], residual, end, None)
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
        memory_bound("scale and shift", "forward", &x, || {
            x.like(|y| taf_kernels::scale_shift(x.values(), scale.values(), shift.values(), residual, relu, y))
        })
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
        memory_bound("scale and shift", "input gradient", &dy, || {
            dy.like_with(residual, |dx, dresidual| {
                taf_kernels::scale_shift_input_gradient(dy.values(), scale.values(), y, dx, dresidual);
            })
        })
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
        memory_bound("temporal shift", if backwards { "input gradient" } else { "forward" }, &x, || {
            x.like(|y| shift(&shape, x.values(), y))
        })
    }

    fn cut(x: FlexTensor, ceiling: f32) -> FlexTensor {
        if composed_wanted() {
            return composed::cut::<Self>(x, ceiling);
        }
        let dims = x.shape();
        profile::operation(
            || pass_over("cut", "forward", &dims),
            || overwritten(x, |x| taf_kernels::clamp_max_in_place(ceiling, x)),
        )
    }

    fn cut_gradient(y: FlexTensor, dy: FlexTensor, ceiling: f32) -> FlexTensor {
        if composed_wanted() {
            return composed::cut_gradient::<Self>(y, dy, ceiling);
        }
        let y = Dense::new(y);
        memory_bound("cut", "input gradient", &y, || {
            overwritten(dy, |dy| taf_kernels::clamp_max_backward_in_place(ceiling, y.values(), dy))
        })
    }

    fn conv3d_ndhwc(x: FlexTensor, weight: FlexTensor, shape: Conv3dShape) -> FlexTensor {
        if composed_wanted() {
            return volume::composed::conv3d::<Self>(x, weight, shape);
        }
        volume::flex::conv3d(x, weight, shape)
    }

    fn conv3d_ndhwc_input_gradient(dy: FlexTensor, weight: FlexTensor, shape: Conv3dShape) -> FlexTensor {
        if composed_wanted() {
            return volume::composed::conv3d_input_gradient::<Self>(dy, weight, shape);
        }
        volume::flex::conv3d_input_gradient(dy, weight, shape)
    }

    fn conv3d_ndhwc_weight_gradient(x: FlexTensor, dy: FlexTensor, shape: Conv3dShape) -> FlexTensor {
        if composed_wanted() {
            return volume::composed::conv3d_weight_gradient::<Self>(x, dy, shape);
        }
        volume::flex::conv3d_weight_gradient(x, dy, shape)
    }

    fn space_time_conv(x: FlexTensor, space: FlexTensor, time: FlexTensor, shape: SpaceTimeShape) -> FlexTensor {
        if composed_wanted() {
            return volume::composed::space_time_conv::<Self>(x, space, time, shape);
        }
        volume::flex::space_time_conv(x, [space, time], shape)
    }

    fn space_time_conv_input_gradient(
        dy: FlexTensor,
        space: FlexTensor,
        time: FlexTensor,
        shape: SpaceTimeShape,
    ) -> FlexTensor {
        if composed_wanted() {
            return volume::composed::space_time_conv_input_gradient::<Self>(dy, space, time, shape);
        }
        volume::flex::space_time_conv_input_gradient(dy, [space, time], shape)
    }

    fn space_time_conv_weight_gradients(
        x: FlexTensor,
        dy: FlexTensor,
        shape: SpaceTimeShape,
    ) -> (FlexTensor, FlexTensor) {
        if composed_wanted() {
            return volume::composed::space_time_conv_weight_gradients::<Self>(x, dy, shape);
        }
        volume::flex::space_time_conv_weight_gradients(x, dy, shape)
    }

    fn space_time_conv_norm_train(
        x: FlexTensor,
        space: FlexTensor,
        time: FlexTensor,
        gamma: FlexTensor,
        beta: FlexTensor,
        shape: SpaceTimeShape,
        end: NormEnd,
    ) -> Normalized<Self> {
        if composed_wanted() {
            let x = volume::composed::space_time_conv::<Self>(x, space, time, shape);
            let norm = composed::batch_norm::<Self>(x.clone(), gamma, beta, Optional::None, end);
            return Normalized { x: Optional::Some(x), ..norm };
        }
        volume::flex::space_time_conv_norm_train(x, [space, time], [gamma, beta], shape, end)
    }

    fn space_time_conv_affine(
        x: FlexTensor,
        space: FlexTensor,
        time: FlexTensor,
        scale: FlexTensor,
        shift: FlexTensor,
        shape: SpaceTimeShape,
        relu: bool,
    ) -> FlexTensor {
        if composed_wanted() {
            let x = volume::composed::space_time_conv::<Self>(x, space, time, shape);
            return composed::scale_shift::<Self>(x, scale, shift, Optional::None, relu);
        }
        volume::flex::space_time_conv_affine(x, [space, time], [scale, shift], shape, relu)
    }

    fn temporal_adaptive(x: FlexTensor, kernels: FlexTensor, gates: FlexTensor) -> FlexTensor {
        if composed_wanted() {
            return volume::composed::temporal_adaptive::<Self>(x, kernels, gates);
        }
        volume::flex::temporal_adaptive(x, kernels, gates)
    }

    fn temporal_adaptive_gradient(
        x: FlexTensor,
        kernels: FlexTensor,
        gates: FlexTensor,
        dy: FlexTensor,
    ) -> AdaptiveGradients<Self> {
        if composed_wanted() {
            return volume::composed::temporal_adaptive_gradient::<Self>(x, kernels, gates, dy);
        }
        volume::flex::temporal_adaptive_gradient(x, kernels, gates, dy)
    }

    fn max_pool2d_nhwc(x: FlexTensor, shape: PoolShape) -> FlexTensor {
        if composed_wanted() {
            return composed::max_pool2d::<Self>(x, shape);
        }
        let x = Dense::new(x);
        memory_bound("max pool", "forward", &x, || output(pooled_shape(&shape), |y| drop(pool(&shape, &x, y))))
    }

    fn max_pool2d_nhwc_gradient(x: FlexTensor, dy: FlexTensor, shape: PoolShape) -> FlexTensor {
        if composed_wanted() {
            return composed::max_pool2d_gradient::<Self>(x, dy, shape);
        }
        let (x, dy) = (Dense::new(x), Dense::new(dy));
        memory_bound("max pool", "input gradient", &x, || {
            // Finding the places again is cheaper than keeping them: a network pools once, on its widest activations.
            let places = pool(&shape, &x, Buffer::take(shape.output_len()).values_mut());
            x.like(|dx| taf_kernels::max_pool2d_backward(&shape, dy.values(), &places, dx))
        })
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

    fn pixels_to_images(pixels: FlexTensor, colors: Colors) -> FlexTensor {
        if composed_wanted() {
            return composed::pixels_to_images::<Self>(pixels, colors);
        }
        let pixels = Dense::new(pixels);
        let [images, _, height, width] = pixels.0.shape().dims();
        let shape = ClipPixels { images, pixels: height * width };
        output(Shape::new([images, height, width, 3]), |y| {
            taf_kernels::pixels_to_images(&shape, &colors, pixels.values(), y);
        })
    }

    fn pixels_to_images_gradient(dy: FlexTensor, colors: Colors) -> FlexTensor {
        if composed_wanted() {
            return composed::pixels_to_images_gradient::<Self>(dy, colors);
        }
        let dy = Dense::new(dy);
        let [images, height, width, _] = dy.0.shape().dims();
        let shape = ClipPixels { images, pixels: height * width };
        output(Shape::new([images, 3, height, width]), |dx| {
            taf_kernels::pixels_to_images_gradient(&shape, &colors, dy.values(), dx);
        })
    }

    fn accumulate(sum: FlexTensor, x: FlexTensor) -> FlexTensor {
        let x = Dense::new(x);
        overwritten(sum, |sum| taf_kernels::add_assign(sum, x.values()))
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
        let gradient = Dense::new(gradient);
        let mut moved = None;
        let weight = overwritten(weight, |weight| {
            moved = Some(overwritten(velocity, |velocity| step.apply(weight, gradient.values(), velocity)));
        });
        (weight, moved.expect("the weights were moved"))
    }
}

fn pooled_shape(shape: &PoolShape) -> Shape {
    Shape::new([shape.batch, shape.output_height(), shape.output_width(), shape.channels])
}

/// Fills `y` with the maxima and returns their places.
fn pool(shape: &PoolShape, x: &Dense, y: &mut [f32]) -> Vec<u16> {
    let mut places = vec![0; shape.output_len()];
    taf_kernels::max_pool2d_forward(shape, x.values(), y, &mut places);
    places
}
