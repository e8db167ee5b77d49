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
mod tensor;

pub use flex::with_composed_ops;
pub use taf_kernels::{ConvShape, PoolShape, SgdStep};
pub(crate) use tensor::values;
pub use tensor::{batch_norm, conv2d, max_pool2d, scale_shift, sgd_step, sum_of_squares, temporal_shift};

use burn::backend::{Backend, backend_extension, tensor::FloatTensor};

/// Batch-norm output with the statistics it used: `(y, mean, biased variance, 1 / sqrt(variance + epsilon))`, the last
/// three `[channels]`.
pub type Normalized<B> = (FloatTensor<B>, FloatTensor<B>, FloatTensor<B>, FloatTensor<B>);

/// Gradients of batch norm with a residual to `(x, residual, gamma, beta)`.
pub type ResidualGradients<B> = (FloatTensor<B>, FloatTensor<B>, FloatTensor<B>, FloatTensor<B>);

/// Gradients of batch norm to `(x, gamma, beta)`.
pub type NormGradients<B> = (FloatTensor<B>, FloatTensor<B>, FloatTensor<B>);

/// The operations a device must answer. All bodies have a composed default, so a new backend starts with an empty impl.
///
/// `x`, `y`, `dy` are activations whose last axis is the channels; `dy` is the gradient of the loss to `y`.
#[backend_extension(Autodiff, Flex)]
pub trait VideoOps: Backend {
    /// Convolution: `[n, h, w, c_in]` and HWIO weights to `[n, h', w', c_out]`.
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

    /// Batch norm with the batch's own statistics, then optionally ReLU. See [`Normalized`] for what comes back.
    fn norm_train(
        x: FloatTensor<Self>,
        gamma: FloatTensor<Self>,
        beta: FloatTensor<Self>,
        epsilon: f32,
        relu: bool,
    ) -> (FloatTensor<Self>, FloatTensor<Self>, FloatTensor<Self>, FloatTensor<Self>) {
        composed::batch_norm::<Self>(x, None, [gamma, beta], epsilon, relu)
    }

    /// `relu(batch_norm(x) + residual)`: the end of a residual block.
    fn norm_residual_train(
        x: FloatTensor<Self>,
        residual: FloatTensor<Self>,
        gamma: FloatTensor<Self>,
        beta: FloatTensor<Self>,
        epsilon: f32,
    ) -> (FloatTensor<Self>, FloatTensor<Self>, FloatTensor<Self>, FloatTensor<Self>) {
        composed::batch_norm::<Self>(x, Some(residual), [gamma, beta], epsilon, true)
    }

    /// Gradients of [`VideoOps::norm_train`] to `(x, gamma, beta)`; its output `y` tells where a ReLU stops them.
    fn norm_gradient(
        x: FloatTensor<Self>,
        y: FloatTensor<Self>,
        dy: FloatTensor<Self>,
        gamma: FloatTensor<Self>,
        mean: FloatTensor<Self>,
        inverse_deviation: FloatTensor<Self>,
        relu: bool,
    ) -> (FloatTensor<Self>, FloatTensor<Self>, FloatTensor<Self>) {
        let dy = composed::behind_relu::<Self>(y, dy, relu);
        composed::batch_norm_gradient::<Self>(x, dy, gamma, mean, inverse_deviation)
    }

    /// Gradients of [`VideoOps::norm_residual_train`] to `(x, residual, gamma, beta)`.
    fn norm_residual_gradient(
        x: FloatTensor<Self>,
        y: FloatTensor<Self>,
        dy: FloatTensor<Self>,
        gamma: FloatTensor<Self>,
        mean: FloatTensor<Self>,
        inverse_deviation: FloatTensor<Self>,
    ) -> (FloatTensor<Self>, FloatTensor<Self>, FloatTensor<Self>, FloatTensor<Self>) {
        composed::batch_norm_residual_gradient::<Self>(x, y, dy, gamma, mean, inverse_deviation)
    }

    /// `x * scale + shift` per channel, then optionally ReLU: batch norm with running statistics.
    fn scale_shift(
        x: FloatTensor<Self>,
        scale: FloatTensor<Self>,
        shift: FloatTensor<Self>,
        relu: bool,
    ) -> FloatTensor<Self> {
        composed::scale_shift::<Self>(x, None, scale, shift, relu)
    }

    /// `relu(x * scale + shift + residual)`.
    fn scale_shift_residual(
        x: FloatTensor<Self>,
        residual: FloatTensor<Self>,
        scale: FloatTensor<Self>,
        shift: FloatTensor<Self>,
    ) -> FloatTensor<Self> {
        composed::scale_shift::<Self>(x, Some(residual), scale, shift, true)
    }

    /// Gradient of [`VideoOps::scale_shift`] with output `y` to `x`.
    fn scale_shift_gradient(
        y: FloatTensor<Self>,
        dy: FloatTensor<Self>,
        scale: FloatTensor<Self>,
        relu: bool,
    ) -> FloatTensor<Self> {
        composed::scale_channels::<Self>(composed::behind_relu::<Self>(y, dy, relu), scale)
    }

    /// Gradients of [`VideoOps::scale_shift_residual`] with output `y` to `(x, residual)`.
    fn scale_shift_residual_gradient(
        y: FloatTensor<Self>,
        dy: FloatTensor<Self>,
        scale: FloatTensor<Self>,
    ) -> (FloatTensor<Self>, FloatTensor<Self>) {
        composed::scale_shift_residual_gradient::<Self>(y, dy, scale)
    }

    /// The first `fold` channels come from the next frame, the following `fold` from the previous one, the rest stay;
    /// zeros enter at the ends of the clip. `backwards` exchanges next and previous, which is the gradient.
    fn temporal_shift(x: FloatTensor<Self>, frames: usize, fold: usize, backwards: bool) -> FloatTensor<Self> {
        composed::temporal_shift::<Self>(x, frames, fold, backwards)
    }

    /// Maximum over windows of `[n, h, w, c]`.
    fn max_pool2d_nhwc(x: FloatTensor<Self>, shape: PoolShape) -> FloatTensor<Self> {
        composed::max_pool2d::<Self>(x, shape)
    }

    /// Gradient of the maximum to its input: to the first greatest pixel of each window.
    fn max_pool2d_nhwc_gradient(x: FloatTensor<Self>, dy: FloatTensor<Self>, shape: PoolShape) -> FloatTensor<Self> {
        composed::max_pool2d_gradient::<Self>(x, dy, shape)
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
