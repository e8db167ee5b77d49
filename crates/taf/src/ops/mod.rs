//! Tensor operations of the video networks on channels-last activations, as a Burn backend extension.
//!
//! Activations are logical NHWC, `[batch * time, height, width, channels]`; convolution weights are HWIO,
//! `[kernel_height, kernel_width, channels_in / groups, channels_out]`. An operation has a room. It holds the tensor
//! function that models call, which is the only way to the operation, with its options, and three bodies, each thin:
//!
//! - `composed`: written with Burn's primitives, right on every device;
//! - `flex`: the CPU route to the kernels of `taf-kernels`;
//! - `gradient`: the handwritten gradient, which computes only what a tracked input asks for.
//!
//! [`VideoOps`] lists the operations, and the rows under it say which body answers on which device. What the rooms share is
//! in `composed.rs`, `flex.rs` and `autodiff.rs`, none of which knows an operation.

mod adamw;
mod arithmetic;
mod autodiff;
mod average_pool;
mod clamp_max;
mod composed;
mod conv2d;
mod conv2d_norm;
mod conv3d;
mod flex;
mod linear;
mod max_pool;
mod memory;
mod norm;
mod optional;
mod pixels;
mod recall;
mod running_norm;
mod scale_shift;
mod sgd;
mod shape;
mod space_time;
mod space_time_norm;
mod sums;
mod temporal_adaptive;
mod temporal_shift;
mod workers;

pub use adamw::adamw_step;
pub use arithmetic::{add, multiply, relu, sigmoid, softmax, subtract};
pub use average_pool::average_pool;
pub use clamp_max::clamp_max;
pub use composed::with_composed_ops;
pub use conv2d::{ConvOptions, conv_time, conv2d};
pub use conv2d_norm::{conv2d_affine, conv2d_batch_norm};
pub use conv3d::{Conv3dOptions, conv3d};
pub use linear::linear;
pub use max_pool::{max_over_time, max_pool2d};
pub use memory::{peak_tensor_bytes, release_tensor_memory};
pub use norm::{NormEnd, NormGradients, NormParameters, NormState, Normalized, Normed, batch_norm};
pub use optional::Optional;
pub use pixels::pixels_to_images;
pub use recall::{Outputs, note_outputs, recall_outputs};
pub use running_norm::RunningNorm;
pub use scale_shift::{Affine, scale_shift};
pub use sgd::sgd_step;
pub use shape::{concatenate, filled, permute, reshape, slice};
pub use space_time::{SpaceTimeConv, space_time_conv};
pub use space_time_norm::{space_time_conv_affine, space_time_conv_batch_norm};
pub use sums::{accumulate, lerp, sum_of_squares};
pub use taf_kernels::{AdamwStep, Colors, Conv3dShape, ConvShape, FrameShift, PoolShape, SgdStep, SpaceTimeShape};
pub use temporal_adaptive::{AdaptiveGradients, temporal_adaptive};
pub use temporal_shift::temporal_shift;
pub use workers::on_workers;

use burn::backend::{
    Autodiff, Backend, Flex, autodiff::checkpoint::strategy::CheckpointStrategy, backend_extension, tensor::FloatTensor,
};
use burn::tensor::Tensor;

use composed::composed_wanted;

/// The elements in row-major order, out of the graph.
pub(crate) fn values<const D: usize>(x: Tensor<D>) -> Vec<f32> {
    x.without_autodiff().into_data().convert::<f32>().try_into_vec().expect("the values were made f32")
}

/// The operations a device must answer. All bodies have a composed default, so a new backend starts with an empty impl.
///
/// `x`, `y`, `dy` are activations whose last axis is the channels; `dy` is the gradient of the loss to `y`.
#[backend_extension(Autodiff, Flex)]
pub trait VideoOps: Backend {
    /// Convolution: `[n, h, w, c_in]` and HWIO weights to `[n, h', w', c_out]`, of the temporally shifted input where the
    /// shape says so.
    fn conv2d_nhwc(x: FloatTensor<Self>, weight: FloatTensor<Self>, shape: ConvShape) -> FloatTensor<Self> {
        conv2d::composed::conv2d_nhwc::<Self>(x, weight, shape)
    }

    /// Gradient of the convolution to its input.
    fn conv2d_nhwc_input_gradient(
        dy: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        shape: ConvShape,
    ) -> FloatTensor<Self> {
        conv2d::composed::conv2d_nhwc_input_gradient::<Self>(dy, weight, shape)
    }

    /// Gradient of the convolution to its weights.
    fn conv2d_nhwc_weight_gradient(x: FloatTensor<Self>, dy: FloatTensor<Self>, shape: ConvShape) -> FloatTensor<Self> {
        conv2d::composed::conv2d_nhwc_weight_gradient::<Self>(x, dy, shape)
    }

    /// Batch norm of a convolution with the batch's own statistics: `relu?(norm(conv(x)) + residual?)`.
    fn conv2d_norm_train(
        x: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        gamma: FloatTensor<Self>,
        beta: FloatTensor<Self>,
        #[extension_type] residual: Optional<Self>,
        shape: ConvShape,
        end: NormEnd,
    ) -> Normalized<Self> {
        conv2d_norm::composed::conv2d_norm_train::<Self>(x, weight, gamma, beta, residual, shape, end)
    }

    /// Convolution and per-channel map, `relu?(conv(x) * scale + shift + residual?)`: batch norm with running
    /// statistics costs nothing this way.
    fn conv2d_affine(
        x: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        scale: FloatTensor<Self>,
        shift: FloatTensor<Self>,
        #[extension_type] residual: Optional<Self>,
        shape: ConvShape,
        relu: bool,
    ) -> FloatTensor<Self> {
        conv2d_norm::composed::conv2d_affine::<Self>(x, weight, scale, shift, residual, shape, relu)
    }

    /// Batch norm with the batch's own statistics: `relu?(norm(x) + residual?)`.
    fn norm_train(
        x: FloatTensor<Self>,
        gamma: FloatTensor<Self>,
        beta: FloatTensor<Self>,
        #[extension_type] residual: Optional<Self>,
        end: NormEnd,
    ) -> Normalized<Self> {
        norm::composed::norm_train::<Self>(x, gamma, beta, residual, end)
    }

    /// Gradients of batch norm, that of the residual only if it is wanted.
    fn norm_gradient(
        #[extension_type] state: NormState<Self>,
        dy: FloatTensor<Self>,
        residual: bool,
    ) -> NormGradients<Self> {
        norm::composed::norm_gradient::<Self>(state, dy, residual)
    }

    /// `relu?(x * scale + shift + residual?)` per channel: batch norm with running statistics.
    fn scale_shift(
        x: FloatTensor<Self>,
        scale: FloatTensor<Self>,
        shift: FloatTensor<Self>,
        #[extension_type] residual: Optional<Self>,
        relu: bool,
    ) -> FloatTensor<Self> {
        scale_shift::composed::scale_shift::<Self>(x, scale, shift, residual, relu)
    }

    /// Gradients of [`VideoOps::scale_shift`] to `x` and, if it is wanted, to the residual. `y` is the output where it
    /// ended with a ReLU.
    fn scale_shift_gradient(
        #[extension_type] y: Optional<Self>,
        dy: FloatTensor<Self>,
        scale: FloatTensor<Self>,
        residual: bool,
    ) -> (FloatTensor<Self>, Option<FloatTensor<Self>>) {
        scale_shift::composed::scale_shift_gradient::<Self>(y, dy, scale, residual)
    }

    /// The first `fold` channels come from the next frame, the following `fold` from the previous one, the rest stay;
    /// zeros enter at the ends of the clip. `backwards` exchanges next and previous, which is the gradient.
    fn temporal_shift(x: FloatTensor<Self>, frames: usize, fold: usize, backwards: bool) -> FloatTensor<Self> {
        temporal_shift::composed::temporal_shift::<Self>(x, frames, fold, backwards)
    }

    /// `min(x, ceiling)`, the upper half of ReLU6.
    fn clamp_max(x: FloatTensor<Self>, ceiling: f32) -> FloatTensor<Self> {
        clamp_max::composed::clamp_max::<Self>(x, ceiling)
    }

    /// Gradient of [`VideoOps::clamp_max`] from its output: `dy` where `y` is below the ceiling, else 0.
    fn clamp_max_gradient(y: FloatTensor<Self>, dy: FloatTensor<Self>, ceiling: f32) -> FloatTensor<Self> {
        clamp_max::composed::clamp_max_gradient::<Self>(y, dy, ceiling)
    }

    /// 3-D convolution: `[clips, t, h, w, c_in]` and DHWIO weights to `[clips, t', h', w', c_out]`.
    fn conv3d_ndhwc(x: FloatTensor<Self>, weight: FloatTensor<Self>, shape: Conv3dShape) -> FloatTensor<Self> {
        conv3d::composed::conv3d_ndhwc::<Self>(x, weight, shape)
    }

    /// Gradient of the 3-D convolution to its input.
    fn conv3d_ndhwc_input_gradient(
        dy: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        shape: Conv3dShape,
    ) -> FloatTensor<Self> {
        conv3d::composed::conv3d_ndhwc_input_gradient::<Self>(dy, weight, shape)
    }

    /// Gradient of the 3-D convolution to its weights.
    fn conv3d_ndhwc_weight_gradient(
        x: FloatTensor<Self>,
        dy: FloatTensor<Self>,
        shape: Conv3dShape,
    ) -> FloatTensor<Self> {
        conv3d::composed::conv3d_ndhwc_weight_gradient::<Self>(x, dy, shape)
    }

    /// GST's pair of convolutions on `[clips * t, h, w, c_in]`: one over space with weights `[3, 3, c, o]`, and one over
    /// space and time with weights `[3, 3, 3, c, o']`, whose outputs come behind those of the first.
    fn space_time_conv(
        x: FloatTensor<Self>,
        space: FloatTensor<Self>,
        time: FloatTensor<Self>,
        shape: SpaceTimeShape,
    ) -> FloatTensor<Self> {
        space_time::composed::space_time_conv::<Self>(x, space, time, shape)
    }

    /// Gradient of the pair to its input.
    fn space_time_conv_input_gradient(
        dy: FloatTensor<Self>,
        space: FloatTensor<Self>,
        time: FloatTensor<Self>,
        shape: SpaceTimeShape,
    ) -> FloatTensor<Self> {
        space_time::composed::space_time_conv_input_gradient::<Self>(dy, space, time, shape)
    }

    /// Gradients of the pair to its weights.
    fn space_time_conv_weight_gradients(
        x: FloatTensor<Self>,
        dy: FloatTensor<Self>,
        shape: SpaceTimeShape,
    ) -> (FloatTensor<Self>, FloatTensor<Self>) {
        space_time::composed::space_time_conv_weight_gradients::<Self>(x, dy, shape)
    }

    /// Batch norm of the pair with the batch's own statistics.
    fn space_time_conv_norm_train(
        x: FloatTensor<Self>,
        space: FloatTensor<Self>,
        time: FloatTensor<Self>,
        gamma: FloatTensor<Self>,
        beta: FloatTensor<Self>,
        shape: SpaceTimeShape,
        end: NormEnd,
    ) -> Normalized<Self> {
        space_time_norm::composed::space_time_conv_norm_train::<Self>(x, space, time, gamma, beta, shape, end)
    }

    /// The pair and a per-channel map, `relu?(conv(x) * scale + shift)`.
    fn space_time_conv_affine(
        x: FloatTensor<Self>,
        space: FloatTensor<Self>,
        time: FloatTensor<Self>,
        scale: FloatTensor<Self>,
        shift: FloatTensor<Self>,
        shape: SpaceTimeShape,
        relu: bool,
    ) -> FloatTensor<Self> {
        space_time_norm::composed::space_time_conv_affine::<Self>(x, space, time, scale, shift, shape, relu)
    }

    /// TAM's filter over time of `[clips * t, .., c]`: kernels `[clips, c, 3]` weigh the previous frame, the frame and the
    /// next, each times its gate, `[clips, t, c]`.
    fn temporal_adaptive(
        x: FloatTensor<Self>,
        kernels: FloatTensor<Self>,
        gates: FloatTensor<Self>,
    ) -> FloatTensor<Self> {
        temporal_adaptive::composed::temporal_adaptive::<Self>(x, kernels, gates)
    }

    /// Gradients of the filter over time.
    fn temporal_adaptive_gradient(
        x: FloatTensor<Self>,
        kernels: FloatTensor<Self>,
        gates: FloatTensor<Self>,
        dy: FloatTensor<Self>,
    ) -> AdaptiveGradients<Self> {
        temporal_adaptive::composed::temporal_adaptive_gradient::<Self>(x, kernels, gates, dy)
    }

    /// Maximum over windows of `[n, h, w, c]`.
    fn max_pool2d_nhwc(x: FloatTensor<Self>, shape: PoolShape) -> FloatTensor<Self> {
        max_pool::composed::max_pool2d_nhwc::<Self>(x, shape)
    }

    /// Gradient of the maximum to its input: to the first greatest pixel of each window.
    fn max_pool2d_nhwc_gradient(x: FloatTensor<Self>, dy: FloatTensor<Self>, shape: PoolShape) -> FloatTensor<Self> {
        max_pool::composed::max_pool2d_nhwc_gradient::<Self>(x, dy, shape)
    }

    /// Mean over the middle axis: `[n, pixels, channels]` to `[n, channels]`.
    fn average_pool(x: FloatTensor<Self>) -> FloatTensor<Self> {
        average_pool::composed::average_pool::<Self>(x)
    }

    /// Gradient of the mean over `pixels`: `[n, channels]` to `[n, pixels, channels]`.
    fn average_pool_gradient(dy: FloatTensor<Self>, pixels: usize) -> FloatTensor<Self> {
        average_pool::composed::average_pool_gradient::<Self>(dy, pixels)
    }

    /// Planes `[n, 3, h, w]` to channels-last `[n, h, w, 3]`, less the mean, divided by the deviation.
    fn pixels_to_images(pixels: FloatTensor<Self>, colors: Colors) -> FloatTensor<Self> {
        pixels::composed::pixels_to_images::<Self>(pixels, colors)
    }

    /// Gradient of [`VideoOps::pixels_to_images`]: `[n, h, w, 3]` to `[n, 3, h, w]`.
    fn pixels_to_images_gradient(dy: FloatTensor<Self>, colors: Colors) -> FloatTensor<Self> {
        pixels::composed::pixels_to_images_gradient::<Self>(dy, colors)
    }

    /// `sum + x`, in the memory of `sum` where nobody else holds it. Not differentiable.
    fn accumulate(sum: FloatTensor<Self>, x: FloatTensor<Self>) -> FloatTensor<Self> {
        sums::composed::accumulate::<Self>(sum, x)
    }

    /// `from + share * (to - from)`, in the memory of `from` where nobody else holds it. Not differentiable.
    fn lerp(from: FloatTensor<Self>, to: FloatTensor<Self>, share: f32) -> FloatTensor<Self> {
        sums::composed::lerp::<Self>(from, to, share)
    }

    /// Sum of the squares of all elements, `[1]`, the same for any number of threads. Not differentiable.
    fn sum_of_squares(x: FloatTensor<Self>) -> FloatTensor<Self> {
        sums::composed::sum_of_squares::<Self>(x)
    }

    /// One step of gradient descent on a flat parameter: the new `(weight, velocity)`. Not differentiable.
    fn sgd_step(
        weight: FloatTensor<Self>,
        gradient: FloatTensor<Self>,
        velocity: FloatTensor<Self>,
        step: SgdStep,
    ) -> (FloatTensor<Self>, FloatTensor<Self>) {
        sgd::composed::sgd_step::<Self>(weight, gradient, velocity, step)
    }

    /// One step of Adam on a flat parameter: the new `(weight, mean, square)`. Not differentiable.
    fn adamw_step(
        weight: FloatTensor<Self>,
        gradient: FloatTensor<Self>,
        mean: FloatTensor<Self>,
        square: FloatTensor<Self>,
        step: AdamwStep,
    ) -> (FloatTensor<Self>, FloatTensor<Self>, FloatTensor<Self>) {
        adamw::composed::adamw_step::<Self>(weight, gradient, mean, square, step)
    }
}

/// A method of the autodiff backend. What is `tracked` has a handwritten gradient; what is `constant` is a gradient
/// itself or belongs to an optimiser.
macro_rules! autodiff_body {
    (tracked $room:ident $name:ident($($input:ident),*)) => {
        $room::gradient::$name::<B, C>($($input),*)
    };
    (constant $room:ident $name:ident($($input:ident),*)) => {{
        let _ = ($($input,)*);
        panic!("taf differentiates its operations once; a gradient of a gradient is not supported")
    }};
}

/// From `kind room::operation(inputs) -> output;` the methods of the two backends.
macro_rules! bodies {
    ($($kind:ident $room:ident::$name:ident($($input:ident: $type:ty),*) -> $output:ty;)*) => {
        impl VideoOps for Flex {
            $(fn $name($($input: $type),*) -> $output {
                if composed_wanted() {
                    return $room::composed::$name::<Self>($($input),*);
                }
                recall::output(stringify!($name), || $room::flex::$name($($input),*))
            })*
        }

        impl<B: Backend + VideoOps, C: CheckpointStrategy> VideoOps for Autodiff<B, C> {
            $(fn $name($($input: $type),*) -> $output {
                autodiff_body!($kind $room $name($($input),*))
            })*
        }
    };
}

use FloatTensor as T;

bodies! {
    tracked conv2d::conv2d_nhwc(x: T<Self>, weight: T<Self>, shape: ConvShape) -> T<Self>;
    constant conv2d::conv2d_nhwc_input_gradient(dy: T<Self>, weight: T<Self>, shape: ConvShape) -> T<Self>;
    constant conv2d::conv2d_nhwc_weight_gradient(x: T<Self>, dy: T<Self>, shape: ConvShape) -> T<Self>;
    tracked conv2d_norm::conv2d_norm_train(
        x: T<Self>, weight: T<Self>, gamma: T<Self>, beta: T<Self>, residual: Optional<Self>, shape: ConvShape,
        end: NormEnd
    ) -> Normalized<Self>;
    tracked conv2d_norm::conv2d_affine(
        x: T<Self>, weight: T<Self>, scale: T<Self>, shift: T<Self>, residual: Optional<Self>, shape: ConvShape,
        relu: bool
    ) -> T<Self>;
    tracked norm::norm_train(
        x: T<Self>, gamma: T<Self>, beta: T<Self>, residual: Optional<Self>, end: NormEnd
    ) -> Normalized<Self>;
    constant norm::norm_gradient(state: NormState<Self>, dy: T<Self>, residual: bool) -> NormGradients<Self>;
    tracked scale_shift::scale_shift(
        x: T<Self>, scale: T<Self>, shift: T<Self>, residual: Optional<Self>, relu: bool
    ) -> T<Self>;
    constant scale_shift::scale_shift_gradient(
        y: Optional<Self>, dy: T<Self>, scale: T<Self>, residual: bool
    ) -> (T<Self>, Option<T<Self>>);
    tracked temporal_shift::temporal_shift(x: T<Self>, frames: usize, fold: usize, backwards: bool) -> T<Self>;
    tracked clamp_max::clamp_max(x: T<Self>, ceiling: f32) -> T<Self>;
    constant clamp_max::clamp_max_gradient(y: T<Self>, dy: T<Self>, ceiling: f32) -> T<Self>;
    tracked conv3d::conv3d_ndhwc(x: T<Self>, weight: T<Self>, shape: Conv3dShape) -> T<Self>;
    constant conv3d::conv3d_ndhwc_input_gradient(dy: T<Self>, weight: T<Self>, shape: Conv3dShape) -> T<Self>;
    constant conv3d::conv3d_ndhwc_weight_gradient(x: T<Self>, dy: T<Self>, shape: Conv3dShape) -> T<Self>;
    tracked space_time::space_time_conv(x: T<Self>, space: T<Self>, time: T<Self>, shape: SpaceTimeShape) -> T<Self>;
    constant space_time::space_time_conv_input_gradient(
        dy: T<Self>, space: T<Self>, time: T<Self>, shape: SpaceTimeShape
    ) -> T<Self>;
    constant space_time::space_time_conv_weight_gradients(
        x: T<Self>, dy: T<Self>, shape: SpaceTimeShape
    ) -> (T<Self>, T<Self>);
    tracked space_time_norm::space_time_conv_norm_train(
        x: T<Self>, space: T<Self>, time: T<Self>, gamma: T<Self>, beta: T<Self>, shape: SpaceTimeShape, end: NormEnd
    ) -> Normalized<Self>;
    tracked space_time_norm::space_time_conv_affine(
        x: T<Self>, space: T<Self>, time: T<Self>, scale: T<Self>, shift: T<Self>, shape: SpaceTimeShape, relu: bool
    ) -> T<Self>;
    tracked temporal_adaptive::temporal_adaptive(x: T<Self>, kernels: T<Self>, gates: T<Self>) -> T<Self>;
    constant temporal_adaptive::temporal_adaptive_gradient(
        x: T<Self>, kernels: T<Self>, gates: T<Self>, dy: T<Self>
    ) -> AdaptiveGradients<Self>;
    tracked max_pool::max_pool2d_nhwc(x: T<Self>, shape: PoolShape) -> T<Self>;
    constant max_pool::max_pool2d_nhwc_gradient(x: T<Self>, dy: T<Self>, shape: PoolShape) -> T<Self>;
    tracked average_pool::average_pool(x: T<Self>) -> T<Self>;
    constant average_pool::average_pool_gradient(dy: T<Self>, pixels: usize) -> T<Self>;
    tracked pixels::pixels_to_images(pixels: T<Self>, colors: Colors) -> T<Self>;
    constant pixels::pixels_to_images_gradient(dy: T<Self>, colors: Colors) -> T<Self>;
    constant sums::accumulate(sum: T<Self>, x: T<Self>) -> T<Self>;
    constant sums::lerp(from: T<Self>, to: T<Self>, share: f32) -> T<Self>;
    constant sums::sum_of_squares(x: T<Self>) -> T<Self>;
    constant sgd::sgd_step(weight: T<Self>, gradient: T<Self>, velocity: T<Self>, step: SgdStep) -> (T<Self>, T<Self>);
    constant adamw::adamw_step(
        weight: T<Self>, gradient: T<Self>, mean: T<Self>, square: T<Self>, step: AdamwStep
    ) -> (T<Self>, T<Self>, T<Self>);
}
