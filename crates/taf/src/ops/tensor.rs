//! The operations on Burn tensors, as models call them.

use burn::backend::Dispatch;
use burn::tensor::Tensor;

use super::{Colors, ConvShape, FrameShift, NormEnd, Optional, PoolShape, SgdStep, VideoOps};

/// How a convolution walks over its images. One stride and one padding serve both axes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ConvOptions {
    /// Pixels from one window to the next.
    pub stride: usize,
    /// Zeros on every side.
    pub padding: usize,
    /// Independent parts the channels are divided into.
    pub groups: usize,
    /// Temporal shift of the input, done while it is read; see [`temporal_shift`].
    pub shift: Option<FrameShift>,
}

/// Scale and offset of batch norm, and what is added to the variance.
#[derive(Clone, Debug)]
pub struct NormParameters {
    /// `[channels]`
    pub gamma: Tensor<1>,
    /// `[channels]`
    pub beta: Tensor<1>,
    /// Keeps a channel without spread finite.
    pub epsilon: f32,
}

/// A map of each channel, `x * scale + shift`.
#[derive(Clone, Debug)]
pub struct Affine {
    /// `[channels]`
    pub scale: Tensor<1>,
    /// `[channels]`
    pub shift: Tensor<1>,
}

/// The output of batch norm and the statistics it used, as constants.
#[derive(Clone, Debug)]
pub struct Normed<const D: usize> {
    /// `[..., channels]`
    pub y: Tensor<D>,
    /// `[channels]`
    pub mean: Tensor<1>,
    /// Biased, `[channels]`.
    pub variance: Tensor<1>,
}

impl<const D: usize> From<super::Normalized<Dispatch>> for Normed<D> {
    fn from(normalized: super::Normalized<Dispatch>) -> Self {
        Self {
            y: Tensor::from_dispatch(normalized.y),
            mean: Tensor::from_dispatch(normalized.mean),
            variance: Tensor::from_dispatch(normalized.variance),
        }
    }
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
    Tensor::from_dispatch(<Dispatch as VideoOps>::conv2d_nhwc(x.into_dispatch(), weight.into_dispatch(), shape))
}

/// [`conv2d`] and [`batch_norm`] in one: the way that reads and writes the least.
pub fn conv2d_batch_norm(
    x: Tensor<4>,
    weight: Tensor<4>,
    options: ConvOptions,
    norm: NormParameters,
    residual: Option<Tensor<4>>,
    relu: bool,
) -> Normed<4> {
    let shape = conv_shape(&x, &weight, options);
    let end = NormEnd { epsilon: norm.epsilon, relu };
    let [gamma, beta] = [norm.gamma, norm.beta].map(Tensor::into_dispatch);
    let (x, weight, residual) = (x.into_dispatch(), weight.into_dispatch(), optional(residual));
    <Dispatch as VideoOps>::conv2d_norm_train(x, weight, gamma, beta, residual, shape, end).into()
}

/// [`conv2d`] and [`scale_shift`] in one: as fast as the convolution alone.
pub fn conv2d_affine(
    x: Tensor<4>,
    weight: Tensor<4>,
    options: ConvOptions,
    map: Affine,
    residual: Option<Tensor<4>>,
    relu: bool,
) -> Tensor<4> {
    let shape = conv_shape(&x, &weight, options);
    let [scale, shift] = [map.scale, map.shift].map(Tensor::into_dispatch);
    let (x, weight, residual) = (x.into_dispatch(), weight.into_dispatch(), optional(residual));
    Tensor::from_dispatch(<Dispatch as VideoOps>::conv2d_affine(x, weight, scale, shift, residual, shape, relu))
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
    Tensor::from_dispatch(<Dispatch as VideoOps>::conv2d_nhwc(x.into_dispatch(), weight.into_dispatch(), shape))
}

fn conv_shape(x: &Tensor<4>, weight: &Tensor<4>, options: ConvOptions) -> ConvShape {
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

fn optional<const D: usize>(tensor: Option<Tensor<D>>) -> Optional<Dispatch> {
    tensor.map(Tensor::into_dispatch).into()
}

/// Batch norm with the statistics of this batch: `relu?(normalise(x) * gamma + beta + residual?)`.
///
/// # Shapes
/// - `x`, `residual`, result: `[..., channels]`, any rank
pub fn batch_norm<const D: usize>(
    x: Tensor<D>,
    norm: NormParameters,
    residual: Option<Tensor<D>>,
    relu: bool,
) -> Normed<D> {
    let end = NormEnd { epsilon: norm.epsilon, relu };
    let [gamma, beta] = [norm.gamma, norm.beta].map(Tensor::into_dispatch);
    <Dispatch as VideoOps>::norm_train(x.into_dispatch(), gamma, beta, optional(residual), end).into()
}

/// `relu?(x * scale + shift + residual?)` per channel.
///
/// # Shapes
/// - `x`, `residual`, result: `[..., channels]`, any rank
pub fn scale_shift<const D: usize>(x: Tensor<D>, map: Affine, residual: Option<Tensor<D>>, relu: bool) -> Tensor<D> {
    let [scale, shift] = [map.scale, map.shift].map(Tensor::into_dispatch);
    let y = <Dispatch as VideoOps>::scale_shift(x.into_dispatch(), scale, shift, optional(residual), relu);
    Tensor::from_dispatch(y)
}

/// Temporal shift (Lin et al., "TSM", ICCV 2019): the first `channels / divisor` channels of a frame are taken from
/// the next frame, as many more from the previous one, the others stay. Zeros enter at the ends of the clip.
///
/// # Shapes
/// - `x`, result: `[clips * frames, height, width, channels]`
///
/// # Panics
/// If the images are not whole clips of `frames` frames, or `divisor` is below 2.
pub fn temporal_shift(x: Tensor<4>, frames: usize, divisor: usize) -> Tensor<4> {
    let [images, _, _, channels] = x.dims();
    assert!(divisor >= 2, "at most half of the channels move each way");
    assert!(frames > 0 && images % frames == 0, "{images} images are whole clips of {frames} frames");
    let shifted = <Dispatch as VideoOps>::temporal_shift(x.into_dispatch(), frames, channels / divisor, false);
    Tensor::from_dispatch(shifted)
}

/// `min(x, ceiling)`: behind a ReLU the ReLU6 of mobile networks.
pub fn cut(x: Tensor<4>, ceiling: f32) -> Tensor<4> {
    Tensor::from_dispatch(<Dispatch as VideoOps>::cut(x.into_dispatch(), ceiling))
}

/// Maximum over square windows of channels-last images; padding never wins.
///
/// # Shapes
/// - `x`: `[n, height, width, channels]`
/// - result: `[n, height', width', channels]`, sides rounded down
pub fn max_pool2d(x: Tensor<4>, kernel: usize, stride: usize, padding: usize) -> Tensor<4> {
    let [batch, height, width, channels] = x.dims();
    let shape =
        PoolShape { batch, height, width, channels, kernel: [kernel; 2], stride: [stride; 2], padding: [padding; 2] };
    Tensor::from_dispatch(<Dispatch as VideoOps>::max_pool2d_nhwc(x.into_dispatch(), shape))
}

/// Maximum over all frames of a clip.
///
/// # Shapes
/// - `x`: `[clips, frames, pixels, channels]`
/// - result: `[clips, 1, pixels, channels]`
pub fn max_over_time(x: Tensor<4>) -> Tensor<4> {
    let [batch, height, width, channels] = x.dims();
    let kernel = [height, 1];
    let shape = PoolShape { batch, height, width, channels, kernel, stride: kernel, padding: [0; 2] };
    Tensor::from_dispatch(<Dispatch as VideoOps>::max_pool2d_nhwc(x.into_dispatch(), shape))
}

/// Mean over the pixels.
///
/// # Shapes
/// - `x`: `[n, pixels, channels]`
/// - result: `[n, channels]`
pub fn average_pool(x: Tensor<3>) -> Tensor<2> {
    Tensor::from_dispatch(<Dispatch as VideoOps>::average_pool(x.into_dispatch()))
}

/// Colour planes to channels-last images, less the mean, divided by the deviation.
///
/// # Shapes
/// - `pixels`: `[n, 3, height, width]`
/// - result: `[n, height, width, 3]`
pub fn pixels_to_images(pixels: Tensor<4>, colors: Colors) -> Tensor<4> {
    Tensor::from_dispatch(<Dispatch as VideoOps>::pixels_to_images(pixels.into_dispatch(), colors))
}

/// `sum + x` of plain tensors, in the memory of `sum` where nobody else holds it.
pub fn accumulate(sum: Tensor<1>, x: Tensor<1>) -> Tensor<1> {
    Tensor::from_dispatch(<Dispatch as VideoOps>::accumulate(sum.into_dispatch(), x.into_dispatch()))
}

/// The elements in row-major order, out of the graph.
pub(crate) fn values<const D: usize>(x: Tensor<D>) -> Vec<f32> {
    x.without_autodiff().into_data().convert::<f32>().try_into_vec().expect("the values were made f32")
}

/// Sum of the squares of a plain tensor's elements; the same bits for any number of threads.
pub fn sum_of_squares(x: Tensor<1>) -> f64 {
    let sum = Tensor::<1>::from_dispatch(<Dispatch as VideoOps>::sum_of_squares(x.into_dispatch()));
    f64::from(sum.into_scalar::<f32>())
}

/// One step of stochastic gradient descent on a flattened parameter; returns the new weights and velocity.
/// All three are plain tensors of one length.
pub fn sgd_step(weight: Tensor<1>, gradient: Tensor<1>, velocity: Tensor<1>, step: SgdStep) -> (Tensor<1>, Tensor<1>) {
    let (weight, gradient, velocity) = (weight.into_dispatch(), gradient.into_dispatch(), velocity.into_dispatch());
    let (weight, velocity) = <Dispatch as VideoOps>::sgd_step(weight, gradient, velocity, step);
    (Tensor::from_dispatch(weight), Tensor::from_dispatch(velocity))
}
