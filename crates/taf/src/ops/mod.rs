//! Tensor operations of the video networks on channels-last activations, as a Burn backend extension.
//!
//! Activations are logical NHWC, `[batch * time, height, width, channels]`; convolution weights are HWIO,
//! `[kernel_height, kernel_width, channels_in / groups, channels_out]`. Every operation exists three times, each thin:
//!
//! - [`composed`]: the default body, written with Burn's primitives, right on every device;
//! - [`flex`]: the CPU route to the kernels of `taf-kernels`;
//! - [`autodiff`]: the handwritten gradient, which computes only what a tracked input asks for.
//!
//! The functions of this module are what models call.

mod autodiff;
pub mod composed;
mod flex;
mod memory;
mod optional;
mod tensor;
mod volume;
mod workers;

pub use flex::with_composed_ops;
pub use memory::peak_tensor_bytes;
pub use optional::Optional;
pub use taf_kernels::{Colors, Conv3dShape, ConvShape, FrameShift, PoolShape, SgdStep, SpaceTimeShape};
pub(crate) use tensor::values;
pub use tensor::{
    Affine, ConvOptions, NormParameters, Normed, accumulate, average_pool, batch_norm, conv_time, conv2d,
    conv2d_affine, conv2d_batch_norm, cut, max_over_time, max_pool2d, pixels_to_images, scale_shift, sgd_step,
    sum_of_squares, temporal_shift,
};
pub use volume::{
    Conv3dOptions, SpaceTimeConv, conv3d, space_time_conv, space_time_conv_affine, space_time_conv_batch_norm,
    temporal_adaptive,
};
pub use workers::on_workers;

use burn::backend::{Backend, ExtensionType, backend_extension, tensor::FloatTensor};

/// Batch-norm output with the statistics it used.
#[derive(Debug, Clone, ExtensionType)]
pub struct Normalized<B: Backend> {
    /// The output.
    pub y: FloatTensor<B>,
    /// What was normalised, where that was computed on the way: the output of a convolution.
    #[extension_type]
    pub x: Optional<B>,
    /// Mean, `[channels]`.
    pub mean: FloatTensor<B>,
    /// Biased variance, `[channels]`.
    pub variance: FloatTensor<B>,
    /// `1 / sqrt(variance + epsilon)`, `[channels]`.
    pub inverse_deviation: FloatTensor<B>,
}

/// What the gradient of batch norm reads.
#[derive(Debug, Clone, ExtensionType)]
pub struct NormState<B: Backend> {
    /// The input.
    pub x: FloatTensor<B>,
    /// The output, kept where a ReLU followed the sum with a residual: its zeros tell where the gradient stops. Without
    /// a residual that follows from `x`.
    #[extension_type]
    pub y: Optional<B>,
    /// Scale.
    pub gamma: FloatTensor<B>,
    /// Offset.
    pub beta: FloatTensor<B>,
    /// Mean of the batch.
    pub mean: FloatTensor<B>,
    /// `1 / sqrt(variance + epsilon)` of the batch.
    pub inverse_deviation: FloatTensor<B>,
    /// Whether there was a ReLU.
    pub relu: bool,
}

/// Gradients of batch norm.
#[derive(Debug, Clone, ExtensionType)]
pub struct NormGradients<B: Backend> {
    /// To the input.
    pub dx: FloatTensor<B>,
    /// To the scale.
    pub dgamma: FloatTensor<B>,
    /// To the offset.
    pub dbeta: FloatTensor<B>,
    /// To the residual, where it was asked for.
    #[extension_type]
    pub dresidual: Optional<B>,
}

/// Gradients of the adaptive filter over time.
#[derive(Debug, Clone, ExtensionType)]
pub struct AdaptiveGradients<B: Backend> {
    /// To the input.
    pub dx: FloatTensor<B>,
    /// To the kernels, `[clips, channels, 3]`.
    pub dkernels: FloatTensor<B>,
    /// To the gates, `[clips, frames, channels]`.
    pub dgates: FloatTensor<B>,
}

/// How batch norm ends.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct NormEnd {
    /// Added to the variance.
    pub epsilon: f32,
    /// Whether negative sums become zero.
    pub relu: bool,
}

/// The operations a device must answer. All bodies have a composed default, so a new backend starts with an empty impl.
///
/// `x`, `y`, `dy` are activations whose last axis is the channels; `dy` is the gradient of the loss to `y`.
#[backend_extension(Autodiff, Flex)]
pub trait VideoOps: Backend {
    /// Convolution: `[n, h, w, c_in]` and HWIO weights to `[n, h', w', c_out]`, of the temporally shifted input where the
    /// shape says so.
    fn conv2d_nhwc(x: FloatTensor<Self>, weight: FloatTensor<Self>, shape: ConvShape) -> FloatTensor<Self> {
        composed::conv2d::<Self>(x, weight, shape)
    }

    /// Gradient of the convolution to its input.
    fn conv2d_nhwc_input_gradient(
        dy: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        shape: ConvShape,
    ) -> FloatTensor<Self> {
        composed::conv2d_input_gradient::<Self>(dy, weight, shape)
    }

    /// Gradient of the convolution to its weights.
    fn conv2d_nhwc_weight_gradient(x: FloatTensor<Self>, dy: FloatTensor<Self>, shape: ConvShape) -> FloatTensor<Self> {
        composed::conv2d_weight_gradient::<Self>(x, dy, shape)
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
        let x = Self::conv2d_nhwc(x, weight, shape);
        let norm = Self::norm_train(x.clone(), gamma, beta, residual, end);
        Normalized { x: Optional::Some(x), ..norm }
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
        Self::scale_shift(Self::conv2d_nhwc(x, weight, shape), scale, shift, residual, relu)
    }

    /// Batch norm with the batch's own statistics: `relu?(norm(x) + residual?)`.
    fn norm_train(
        x: FloatTensor<Self>,
        gamma: FloatTensor<Self>,
        beta: FloatTensor<Self>,
        #[extension_type] residual: Optional<Self>,
        end: NormEnd,
    ) -> Normalized<Self> {
        composed::batch_norm::<Self>(x, gamma, beta, residual, end)
    }

    /// Gradients of batch norm, that of the residual only if it is wanted.
    fn norm_gradient(
        #[extension_type] state: NormState<Self>,
        dy: FloatTensor<Self>,
        residual: bool,
    ) -> NormGradients<Self> {
        composed::batch_norm_gradient::<Self>(state, dy, residual)
    }

    /// `relu?(x * scale + shift + residual?)` per channel: batch norm with running statistics.
    fn scale_shift(
        x: FloatTensor<Self>,
        scale: FloatTensor<Self>,
        shift: FloatTensor<Self>,
        #[extension_type] residual: Optional<Self>,
        relu: bool,
    ) -> FloatTensor<Self> {
        composed::scale_shift::<Self>(x, scale, shift, residual, relu)
    }

    /// Gradients of [`VideoOps::scale_shift`] to `x` and, if it is wanted, to the residual. `y` is the output where it
    /// ended with a ReLU.
    fn scale_shift_gradient(
        #[extension_type] y: Optional<Self>,
        dy: FloatTensor<Self>,
        scale: FloatTensor<Self>,
        residual: bool,
    ) -> (FloatTensor<Self>, Option<FloatTensor<Self>>) {
        composed::scale_shift_gradient::<Self>(y, dy, scale, residual)
    }

    /// The first `fold` channels come from the next frame, the following `fold` from the previous one, the rest stay;
    /// zeros enter at the ends of the clip. `backwards` exchanges next and previous, which is the gradient.
    fn temporal_shift(x: FloatTensor<Self>, frames: usize, fold: usize, backwards: bool) -> FloatTensor<Self> {
        composed::temporal_shift::<Self>(x, frames, fold, backwards)
    }

    /// `min(x, ceiling)`, the upper half of ReLU6.
    fn cut(x: FloatTensor<Self>, ceiling: f32) -> FloatTensor<Self> {
        composed::cut::<Self>(x, ceiling)
    }

    /// Gradient of [`VideoOps::cut`] from its output: `dy` where `y` is below the ceiling, else 0.
    fn cut_gradient(y: FloatTensor<Self>, dy: FloatTensor<Self>, ceiling: f32) -> FloatTensor<Self> {
        composed::cut_gradient::<Self>(y, dy, ceiling)
    }

    /// 3-D convolution: `[clips, t, h, w, c_in]` and DHWIO weights to `[clips, t', h', w', c_out]`.
    fn conv3d_ndhwc(x: FloatTensor<Self>, weight: FloatTensor<Self>, shape: Conv3dShape) -> FloatTensor<Self> {
        volume::composed::conv3d::<Self>(x, weight, shape)
    }

    /// Gradient of the 3-D convolution to its input.
    fn conv3d_ndhwc_input_gradient(
        dy: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        shape: Conv3dShape,
    ) -> FloatTensor<Self> {
        volume::composed::conv3d_input_gradient::<Self>(dy, weight, shape)
    }

    /// Gradient of the 3-D convolution to its weights.
    fn conv3d_ndhwc_weight_gradient(
        x: FloatTensor<Self>,
        dy: FloatTensor<Self>,
        shape: Conv3dShape,
    ) -> FloatTensor<Self> {
        volume::composed::conv3d_weight_gradient::<Self>(x, dy, shape)
    }

    /// GST's pair of convolutions on `[clips * t, h, w, c_in]`: one over space with weights `[3, 3, c, o]`, and one over
    /// space and time with weights `[3, 3, 3, c, o']`, whose outputs come behind those of the first.
    fn space_time_conv(
        x: FloatTensor<Self>,
        space: FloatTensor<Self>,
        time: FloatTensor<Self>,
        shape: SpaceTimeShape,
    ) -> FloatTensor<Self> {
        volume::composed::space_time_conv::<Self>(x, space, time, shape)
    }

    /// Gradient of the pair to its input.
    fn space_time_conv_input_gradient(
        dy: FloatTensor<Self>,
        space: FloatTensor<Self>,
        time: FloatTensor<Self>,
        shape: SpaceTimeShape,
    ) -> FloatTensor<Self> {
        volume::composed::space_time_conv_input_gradient::<Self>(dy, space, time, shape)
    }

    /// Gradients of the pair to its weights.
    fn space_time_conv_weight_gradients(
        x: FloatTensor<Self>,
        dy: FloatTensor<Self>,
        shape: SpaceTimeShape,
    ) -> (FloatTensor<Self>, FloatTensor<Self>) {
        volume::composed::space_time_conv_weight_gradients::<Self>(x, dy, shape)
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
        let x = Self::space_time_conv(x, space, time, shape);
        let norm = Self::norm_train(x.clone(), gamma, beta, Optional::None, end);
        Normalized { x: Optional::Some(x), ..norm }
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
        Self::scale_shift(Self::space_time_conv(x, space, time, shape), scale, shift, Optional::None, relu)
    }

    /// TAM's filter over time of `[clips * t, .., c]`: kernels `[clips, c, 3]` weigh the previous frame, the frame and the
    /// next, each times its gate, `[clips, t, c]`.
    fn temporal_adaptive(
        x: FloatTensor<Self>,
        kernels: FloatTensor<Self>,
        gates: FloatTensor<Self>,
    ) -> FloatTensor<Self> {
        volume::composed::temporal_adaptive::<Self>(x, kernels, gates)
    }

    /// Gradients of the filter over time.
    fn temporal_adaptive_gradient(
        x: FloatTensor<Self>,
        kernels: FloatTensor<Self>,
        gates: FloatTensor<Self>,
        dy: FloatTensor<Self>,
    ) -> AdaptiveGradients<Self> {
        volume::composed::temporal_adaptive_gradient::<Self>(x, kernels, gates, dy)
    }

    /// Maximum over windows of `[n, h, w, c]`.
    fn max_pool2d_nhwc(x: FloatTensor<Self>, shape: PoolShape) -> FloatTensor<Self> {
        composed::max_pool2d::<Self>(x, shape)
    }

    /// Gradient of the maximum to its input: to the first greatest pixel of each window.
    fn max_pool2d_nhwc_gradient(x: FloatTensor<Self>, dy: FloatTensor<Self>, shape: PoolShape) -> FloatTensor<Self> {
        composed::max_pool2d_gradient::<Self>(x, dy, shape)
    }

    /// Mean over the middle axis: `[n, pixels, channels]` to `[n, channels]`.
    fn average_pool(x: FloatTensor<Self>) -> FloatTensor<Self> {
        composed::average_pool::<Self>(x)
    }

    /// Gradient of the mean over `pixels`: `[n, channels]` to `[n, pixels, channels]`.
    fn average_pool_gradient(dy: FloatTensor<Self>, pixels: usize) -> FloatTensor<Self> {
        composed::average_pool_gradient::<Self>(dy, pixels)
    }

    /// Planes `[n, 3, h, w]` to channels-last `[n, h, w, 3]`, less the mean, divided by the deviation.
    fn pixels_to_images(pixels: FloatTensor<Self>, colors: Colors) -> FloatTensor<Self> {
        composed::pixels_to_images::<Self>(pixels, colors)
    }

    /// Gradient of [`VideoOps::pixels_to_images`]: `[n, h, w, 3]` to `[n, 3, h, w]`.
    fn pixels_to_images_gradient(dy: FloatTensor<Self>, colors: Colors) -> FloatTensor<Self> {
        composed::pixels_to_images_gradient::<Self>(dy, colors)
    }

    /// `sum + x`, in the memory of `sum` where nobody else holds it. Not differentiable.
    fn accumulate(sum: FloatTensor<Self>, x: FloatTensor<Self>) -> FloatTensor<Self> {
        Self::float_add(sum, x)
    }

    /// Sum of the squares of all elements, `[1]`, the same for any number of threads. Not differentiable.
    fn sum_of_squares(x: FloatTensor<Self>) -> FloatTensor<Self> {
        Self::float_sum(Self::float_mul(x.clone(), x))
    }

    /// One step of gradient descent on a flat parameter: the new `(weight, velocity)`. Not differentiable.
    fn sgd_step(
        weight: FloatTensor<Self>,
        gradient: FloatTensor<Self>,
        velocity: FloatTensor<Self>,
        step: SgdStep,
    ) -> (FloatTensor<Self>, FloatTensor<Self>) {
        composed::sgd_step::<Self>(weight, gradient, velocity, step)
    }
}
