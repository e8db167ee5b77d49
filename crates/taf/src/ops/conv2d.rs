//! Convolution of channels-last images, and along time alone.

use burn::backend::Dispatch;
use burn::tensor::Tensor;
use taf_kernels::{ConvShape, FrameShift};

use super::VideoOps;
use crate::trace::{self, Operation, input};

/// How a convolution walks over its images. One stride and one padding serve both axes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ConvOptions {
    /// Pixels from one window to the next.
    pub stride: usize,
    /// Zeros on every side.
    pub padding: usize,
    /// Independent parts the channels are divided into.
    pub groups: usize,
    /// Temporal shift of the input, done while it is read; see [`temporal_shift`](super::temporal_shift()).
    pub shift: Option<FrameShift>,
}

/// Convolution of channels-last images.
///
/// # Shapes
/// - `x`: `[n, height, width, channels_in]`
/// - `weight`: `[kernel_height, kernel_width, channels_in / groups, channels_out]`
/// - result: `[n, height', width', channels_out]`
///
/// # Panics
/// If the channels of `x` and `weight` do not fit together.
pub fn conv2d(x: Tensor<4>, weight: Tensor<4>, options: ConvOptions) -> Tensor<4> {
    let shape = conv_shape(&x, &weight, options);
    if trace::is_on() {
        return record(x, &weight, shape);
    }
    Tensor::from_dispatch(<Dispatch as VideoOps>::conv2d_nhwc(x.into_dispatch(), weight.into_dispatch(), shape))
}

/// Convolution along time alone, without stride, with zeros so that the length stays.
///
/// # Shapes
/// - `x`: `[clips, frames, pixels, channels_in]`
/// - `weight`: `[kernel, 1, channels_in / groups, channels_out]`, an odd kernel
/// - result: `[clips, frames, pixels, channels_out]`
///
/// # Panics
/// If the channels of `x` and `weight` do not fit together.
pub fn conv_time(x: Tensor<4>, weight: Tensor<4>, groups: usize) -> Tensor<4> {
    let [kernel, ..] = weight.dims();
    let options = ConvOptions { stride: 1, padding: 0, groups, shift: None };
    let shape = ConvShape { padding: [kernel / 2, 0], ..conv_shape(&x, &weight, options) };
    if trace::is_on() {
        return record(x, &weight, shape);
    }
    Tensor::from_dispatch(<Dispatch as VideoOps>::conv2d_nhwc(x.into_dispatch(), weight.into_dispatch(), shape))
}

fn record(x: Tensor<4>, weight: &Tensor<4>, shape: ConvShape) -> Tensor<4> {
    let x = match shape.shift {
        Some(FrameShift { frames, fold }) => trace::record(Operation::Shift { frames, fold }, &[input(&x)], x.dims()),
        None => x,
    };
    let ConvShape { batch, channels_out, stride, padding, groups, .. } = shape;
    let operation = Operation::Convolution { stride: stride.to_vec(), padding: padding.to_vec(), groups };
    let result = [batch, shape.output_height(), shape.output_width(), channels_out];
    trace::record(operation, &[input(&x), input(weight)], result)
}

pub(super) fn conv_shape(x: &Tensor<4>, weight: &Tensor<4>, options: ConvOptions) -> ConvShape {
    let [batch, height, width, channels_in] = x.dims();
    let [kernel_height, kernel_width, group_channels, channels_out] = weight.dims();
    let ConvOptions { stride, padding, groups, shift } = options;
    assert_eq!(group_channels * groups, channels_in, "channels of the convolution's weights and of its input");
    ConvShape {
        batch,
        height,
        width,
        channels_in,
        channels_out,
        kernel: [kernel_height, kernel_width],
        stride: [stride; 2],
        padding: [padding; 2],
        groups,
        shift,
    }
}

pub(super) mod composed {
    use burn::backend::{Backend, TensorMetadata, tensor::FloatTensor};
    use burn::tensor::{FloatDType, Shape, ops::ConvOptions};
    use taf_kernels::{ConvShape, FrameShift};

    use crate::ops::composed::{to_nchw, to_nhwc};
    use crate::ops::temporal_shift::composed::temporal_shift;

    pub fn conv2d_nhwc<B: Backend>(x: FloatTensor<B>, weight: FloatTensor<B>, shape: ConvShape) -> FloatTensor<B> {
        let x = shifted::<B>(x, &shape, false);
        to_nhwc::<B>(B::conv2d(to_nchw::<B>(x), to_oihw::<B>(weight), None, options(&shape)))
    }

    pub fn conv2d_nhwc_input_gradient<B: Backend>(
        dy: FloatTensor<B>,
        weight: FloatTensor<B>,
        shape: ConvShape,
    ) -> FloatTensor<B> {
        // Burn asks for the input only to learn its shape.
        let device = dy.device();
        let dims = Shape::new([shape.batch, shape.channels_in, shape.height, shape.width]);
        let x = B::float_zeros(dims, &device, FloatDType::F32);
        let dx = to_nhwc::<B>(B::conv2d_x_backward(x, to_oihw::<B>(weight), to_nchw::<B>(dy), options(&shape)));
        shifted::<B>(dx, &shape, true)
    }

    pub fn conv2d_nhwc_weight_gradient<B: Backend>(
        x: FloatTensor<B>,
        dy: FloatTensor<B>,
        shape: ConvShape,
    ) -> FloatTensor<B> {
        let device = dy.device();
        let [kh, kw] = shape.kernel;
        let dims = Shape::new([shape.channels_out, shape.channels_in / shape.groups, kh, kw]);
        let weight = B::float_zeros(dims, &device, FloatDType::F32);
        let x = shifted::<B>(x, &shape, false);
        let gradient = B::conv2d_weight_backward(to_nchw::<B>(x), weight, to_nchw::<B>(dy), options(&shape));
        B::float_permute(gradient, &[2, 3, 1, 0])
    }

    /// The convolution's temporal shift, where it has one.
    fn shifted<B: Backend>(x: FloatTensor<B>, shape: &ConvShape, backwards: bool) -> FloatTensor<B> {
        match shape.shift {
            Some(FrameShift { frames, fold }) => temporal_shift::<B>(x, frames, fold, backwards),
            None => x,
        }
    }

    fn options(shape: &ConvShape) -> ConvOptions<2> {
        ConvOptions::new(shape.stride, shape.padding, [1, 1], shape.groups)
    }

    fn to_oihw<B: Backend>(weight: FloatTensor<B>) -> FloatTensor<B> {
        B::float_permute(weight, &[3, 2, 0, 1])
    }
}

pub(super) mod flex {
    use burn::backend::flex::FlexTensor;
    use burn::tensor::Shape;
    use taf_kernels::ConvShape;

    use crate::ops::flex::{Dense, computing, output, strides};

    pub fn conv2d_nhwc(x: FlexTensor, weight: FlexTensor, shape: ConvShape) -> FlexTensor {
        let (x, weight) = (Dense::new(x), Dense::new(weight));
        convolution("forward", &shape, || {
            output(output_dims(&shape), |y| taf_kernels::conv2d_forward(&shape, x.values(), weight.values(), y))
        })
    }

    pub fn conv2d_nhwc_input_gradient(dy: FlexTensor, weight: FlexTensor, shape: ConvShape) -> FlexTensor {
        let (dy, weight) = (Dense::new(dy), Dense::new(weight));
        let dims = Shape::new([shape.batch, shape.height, shape.width, shape.channels_in]);
        convolution("input gradient", &shape, || {
            output(dims, |dx| taf_kernels::conv2d_input_gradient(&shape, dy.values(), weight.values(), dx))
        })
    }

    pub fn conv2d_nhwc_weight_gradient(x: FlexTensor, dy: FlexTensor, shape: ConvShape) -> FlexTensor {
        let (x, dy) = (Dense::new(x), Dense::new(dy));
        let [height, width] = shape.kernel;
        let dims = Shape::new([height, width, shape.channels_in / shape.groups, shape.channels_out]);
        convolution("weight gradient", &shape, || {
            output(dims, |dw| taf_kernels::conv2d_weight_gradient(&shape, x.values(), dy.values(), dw))
        })
    }

    pub(in crate::ops) fn convolution<R>(pass: &'static str, shape: &ConvShape, work: impl FnOnce() -> R) -> R {
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

    pub(in crate::ops) fn output_dims(shape: &ConvShape) -> Shape {
        Shape::new([shape.batch, shape.output_height(), shape.output_width(), shape.channels_out])
    }
}

pub(super) mod gradient {
    use burn::backend::{
        Backend,
        autodiff::{
            NodeId,
            checkpoint::{base::Checkpointer, strategy::CheckpointStrategy},
            grads::Gradients,
            ops::{Backward, Ops, OpsKind},
        },
    };
    use taf_kernels::ConvShape;

    use crate::ops::VideoOps;
    use crate::ops::autodiff::{ConvState, Plain, Tracked, ids};

    pub(in crate::ops) type Conv2dState<B> = ConvState<B, Plain<B>, ConvShape>;

    pub fn conv2d_nhwc<B: Backend + VideoOps, C: CheckpointStrategy>(
        x: Tracked<B, C>,
        weight: Tracked<B, C>,
        shape: ConvShape,
    ) -> Tracked<B, C> {
        #[derive(Debug)]
        struct Convolution;
        impl<B: Backend + VideoOps> Backward<B, 2> for Convolution {
            type State = Conv2dState<B>;

            fn backward(self, ops: Ops<Self::State, 2>, grads: &mut Gradients, _: &mut Checkpointer) {
                let parents = ids(&ops);
                let dy = grads.consume::<B>(&ops.node);
                conv2d_backward(ops.state, dy, parents, grads);
            }
        }
        let tracked = [x.is_tracked(), weight.is_tracked()];
        let ((x, x_node), (weight, weight_node)) = (x.into_parts(), weight.into_parts());
        let state = ConvState::new(&x, &weight, tracked, shape);
        let y = B::conv2d_nhwc(x, weight, shape);
        match Convolution.prepare::<C>([x_node, weight_node]).compute_bound().stateful() {
            OpsKind::Tracked(prep) => prep.finish(state, y),
            OpsKind::UnTracked(prep) => prep.finish(y),
        }
    }

    pub(in crate::ops) fn conv2d_backward<B: Backend + VideoOps>(
        state: Conv2dState<B>,
        dy: Plain<B>,
        parents: [Option<NodeId>; 2],
        grads: &mut Gradients,
    ) {
        state.backward(dy, parents, grads, [B::conv2d_nhwc_input_gradient, B::conv2d_nhwc_weight_gradient]);
    }
}
