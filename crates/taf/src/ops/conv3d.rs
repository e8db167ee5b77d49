//! Convolution of channels-last clips.

use burn::backend::Dispatch;
use burn::tensor::Tensor;
use taf_kernels::Conv3dShape;

use super::VideoOps;
use crate::trace::{self, Operation, input};

/// How a 3-D convolution walks over its clips: `[time, height, width]` each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Conv3dOptions {
    /// Steps from one window to the next.
    pub stride: [usize; 3],
    /// Zeros on every side.
    pub padding: [usize; 3],
}

/// Convolution of channels-last clips.
///
/// # Shapes
/// - `x`: `[clips, frames, height, width, channels_in]`
/// - `weight`: `[kernel_frames, kernel_height, kernel_width, channels_in, channels_out]`
/// - result: `[clips, frames', height', width', channels_out]`
///
/// # Panics
/// If the channels of `x` and `weight` differ, or the kernel does not fit the padded clip.
pub fn conv3d(x: Tensor<5>, weight: Tensor<5>, options: Conv3dOptions) -> Tensor<5> {
    let [clips, frames, height, width, channels_in] = x.dims();
    let [kernel_frames, kernel_height, kernel_width, inputs, channels_out] = weight.dims();
    assert_eq!(inputs, channels_in, "channels of the convolution's weights and of its input");
    let shape = Conv3dShape {
        clips,
        frames,
        height,
        width,
        channels_in,
        channels_out,
        kernel: [kernel_frames, kernel_height, kernel_width],
        stride: options.stride,
        padding: options.padding,
    };
    shape.validate();
    if trace::is_on() {
        let Conv3dOptions { stride, padding } = options;
        let operation = Operation::Convolution { stride: stride.to_vec(), padding: padding.to_vec(), groups: 1 };
        let [frames, height, width] = shape.output();
        let result = [clips, frames, height, width, channels_out];
        return trace::record(operation, &[input(&x), input(&weight)], result);
    }
    Tensor::from_dispatch(<Dispatch as VideoOps>::conv3d_ndhwc(x.into_dispatch(), weight.into_dispatch(), shape))
}

pub(super) mod composed {
    use burn::backend::{Backend, TensorMetadata, tensor::FloatTensor};
    use burn::tensor::{FloatDType, Shape, ops::ConvOptions};
    use taf_kernels::Conv3dShape;

    pub fn conv3d_ndhwc<B: Backend>(x: FloatTensor<B>, weight: FloatTensor<B>, shape: Conv3dShape) -> FloatTensor<B> {
        channels_last::<B>(B::conv3d(channels_second::<B>(x), to_oidhw::<B>(weight), None, options(&shape)))
    }

    pub fn conv3d_ndhwc_input_gradient<B: Backend>(
        dy: FloatTensor<B>,
        weight: FloatTensor<B>,
        shape: Conv3dShape,
    ) -> FloatTensor<B> {
        // Burn asks for the input only to learn its shape.
        let Conv3dShape { clips, channels_in, frames, height, width, .. } = shape;
        let x = B::float_zeros(Shape::new([clips, channels_in, frames, height, width]), &dy.device(), FloatDType::F32);
        let weight = to_oidhw::<B>(weight);
        channels_last::<B>(B::conv3d_x_backward(x, weight, channels_second::<B>(dy), options(&shape)))
    }

    pub fn conv3d_ndhwc_weight_gradient<B: Backend>(
        x: FloatTensor<B>,
        dy: FloatTensor<B>,
        shape: Conv3dShape,
    ) -> FloatTensor<B> {
        let Conv3dShape { channels_in, channels_out, kernel: [frames, height, width], .. } = shape;
        let dims = Shape::new([channels_out, channels_in, frames, height, width]);
        let weight = B::float_zeros(dims, &dy.device(), FloatDType::F32);
        let gradient =
            B::conv3d_weight_backward(channels_second::<B>(x), weight, channels_second::<B>(dy), options(&shape));
        B::float_permute(gradient, &[2, 3, 4, 1, 0])
    }

    fn options(shape: &Conv3dShape) -> ConvOptions<3> {
        ConvOptions::new(shape.stride, shape.padding, [1; 3], 1)
    }

    fn channels_second<B: Backend>(x: FloatTensor<B>) -> FloatTensor<B> {
        B::float_permute(x, &[0, 4, 1, 2, 3])
    }

    fn channels_last<B: Backend>(x: FloatTensor<B>) -> FloatTensor<B> {
        B::float_permute(x, &[0, 2, 3, 4, 1])
    }

    fn to_oidhw<B: Backend>(weight: FloatTensor<B>) -> FloatTensor<B> {
        B::float_permute(weight, &[4, 3, 0, 1, 2])
    }
}

pub(super) mod flex {
    use burn::backend::flex::FlexTensor;
    use burn::tensor::Shape;
    use taf_kernels::Conv3dShape;

    use crate::ops::flex::{Dense, computing, output, strides};

    pub fn conv3d_ndhwc(x: FlexTensor, weight: FlexTensor, shape: Conv3dShape) -> FlexTensor {
        let (x, weight) = (Dense::new(x), Dense::new(weight));
        let [frames, height, width] = shape.output();
        convolution("forward", &shape, || {
            output(Shape::new([shape.clips, frames, height, width, shape.channels_out]), |y| {
                taf_kernels::conv3d_forward(&shape, x.values(), weight.values(), y);
            })
        })
    }

    pub fn conv3d_ndhwc_input_gradient(dy: FlexTensor, weight: FlexTensor, shape: Conv3dShape) -> FlexTensor {
        let (dy, weight) = (Dense::new(dy), Dense::new(weight));
        let Conv3dShape { clips, frames, height, width, channels_in, .. } = shape;
        convolution("input gradient", &shape, || {
            output(Shape::new([clips, frames, height, width, channels_in]), |dx| {
                taf_kernels::conv3d_input_gradient(&shape, dy.values(), weight.values(), dx);
            })
        })
    }

    pub fn conv3d_ndhwc_weight_gradient(x: FlexTensor, dy: FlexTensor, shape: Conv3dShape) -> FlexTensor {
        let (x, dy) = (Dense::new(x), Dense::new(dy));
        let [frames, height, width] = shape.kernel;
        convolution("weight gradient", &shape, || {
            output(Shape::new([frames, height, width, shape.channels_in, shape.channels_out]), |dw| {
                taf_kernels::conv3d_weight_gradient(&shape, x.values(), dy.values(), dw);
            })
        })
    }

    fn convolution<R>(pass: &'static str, shape: &Conv3dShape, work: impl FnOnce() -> R) -> R {
        computing(pass, shape.operations(), || layer(shape), work)
    }

    /// `3x1x1 16 -> 4, 2x8x1x1`: kernel, channels, and the clips that are read.
    fn layer(shape: &Conv3dShape) -> String {
        let Conv3dShape { clips, frames, height, width, channels_in, channels_out, kernel: [t, y, x], .. } = shape;
        format!(
            "{t}x{y}x{x} {channels_in} -> {channels_out}, {clips}x{frames}x{height}x{width}{}",
            strides(shape.stride[2])
        )
    }
}

pub(super) mod gradient {
    use burn::backend::{
        Backend,
        autodiff::{
            checkpoint::{base::Checkpointer, strategy::CheckpointStrategy},
            grads::Gradients,
            ops::{Backward, Ops, OpsKind},
        },
    };
    use taf_kernels::Conv3dShape;

    use crate::ops::VideoOps;
    use crate::ops::autodiff::{ConvState, Plain, Tracked, ids};

    pub fn conv3d_ndhwc<B: Backend + VideoOps, C: CheckpointStrategy>(
        x: Tracked<B, C>,
        weight: Tracked<B, C>,
        shape: Conv3dShape,
    ) -> Tracked<B, C> {
        #[derive(Debug)]
        struct Convolution;
        impl<B: Backend + VideoOps> Backward<B, 2> for Convolution {
            type State = ConvState<B, Plain<B>, Conv3dShape>;

            fn backward(self, ops: Ops<Self::State, 2>, grads: &mut Gradients, _: &mut Checkpointer) {
                let parents = ids(&ops);
                let dy = grads.consume::<B>(&ops.node);
                let gradients = [B::conv3d_ndhwc_input_gradient, B::conv3d_ndhwc_weight_gradient];
                ops.state.backward(dy, parents, grads, gradients);
            }
        }
        let tracked = [x.is_tracked(), weight.is_tracked()];
        let ((x, x_node), (weight, weight_node)) = (x.into_parts(), weight.into_parts());
        let state = ConvState::new(&x, &weight, tracked, shape);
        let y = B::conv3d_ndhwc(x, weight, shape);
        match Convolution.prepare::<C>([x_node, weight_node]).compute_bound().stateful() {
            OpsKind::Tracked(prep) => prep.finish(state, y),
            OpsKind::UnTracked(prep) => prep.finish(y),
        }
    }
}
