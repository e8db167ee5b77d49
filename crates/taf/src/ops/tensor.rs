//! The operations on Burn tensors, as models call them.

use burn::backend::Dispatch;
use burn::tensor::Tensor;

use super::{ConvShape, PoolShape, SgdStep, VideoOps};

/// Convolution of channels-last images.
///
/// # Shapes
/// - `x`: `[n, height, width, channels_in]`
/// - `weight`: `[kernel_height, kernel_width, channels_in / groups, channels_out]`
/// - result: `[n, height', width', channels_out]`, zero padding of `padding` pixels on every side
///
/// # Panics
/// If the channels of `x` and `weight` do not fit together.
pub fn conv2d(x: Tensor<4>, weight: Tensor<4>, stride: usize, padding: usize, groups: usize) -> Tensor<4> {
    let [batch, height, width, channels_in] = x.dims();
    let [kernel_height, kernel_width, group_channels, channels_out] = weight.dims();
    assert_eq!(group_channels * groups, channels_in, "channels of the convolution's weights and of its input");
    let shape = ConvShape {
        batch,
        height,
        width,
        channels_in,
        channels_out,
        kernel: [kernel_height, kernel_width],
        stride: [stride; 2],
        padding: [padding; 2],
        groups,
    };
    Tensor::from_dispatch(<Dispatch as VideoOps>::conv2d_nhwc(x.into_dispatch(), weight.into_dispatch(), shape))
}

/// Batch norm with the statistics of this batch: `relu?(normalise(x) * gamma + beta + residual?)`.
/// A residual implies the ReLU. Returns the output and the mean and biased variance it used, as constants.
///
/// # Shapes
/// - `x`, `residual`, result: `[..., channels]`, any rank
/// - `gamma`, `beta`, mean, variance: `[channels]`
pub fn batch_norm<const D: usize>(
    x: Tensor<D>,
    residual: Option<Tensor<D>>,
    gamma: Tensor<1>,
    beta: Tensor<1>,
    epsilon: f32,
    relu: bool,
) -> (Tensor<D>, Tensor<1>, Tensor<1>) {
    let (x, gamma, beta) = (x.into_dispatch(), gamma.into_dispatch(), beta.into_dispatch());
    let (y, mean, variance, _) = match residual {
        Some(residual) => {
            <Dispatch as VideoOps>::norm_residual_train(x, residual.into_dispatch(), gamma, beta, epsilon)
        }
        None => <Dispatch as VideoOps>::norm_train(x, gamma, beta, epsilon, relu),
    };
    (Tensor::from_dispatch(y), Tensor::from_dispatch(mean), Tensor::from_dispatch(variance))
}

/// `relu?(x * scale + shift + residual?)` per channel. A residual implies the ReLU.
///
/// # Shapes
/// - `x`, `residual`, result: `[..., channels]`, any rank
/// - `scale`, `shift`: `[channels]`
pub fn scale_shift<const D: usize>(
    x: Tensor<D>,
    residual: Option<Tensor<D>>,
    scale: Tensor<1>,
    shift: Tensor<1>,
    relu: bool,
) -> Tensor<D> {
    let (x, scale, shift) = (x.into_dispatch(), scale.into_dispatch(), shift.into_dispatch());
    Tensor::from_dispatch(match residual {
        Some(residual) => <Dispatch as VideoOps>::scale_shift_residual(x, residual.into_dispatch(), scale, shift),
        None => <Dispatch as VideoOps>::scale_shift(x, scale, shift, relu),
    })
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
