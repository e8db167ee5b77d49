//! Every operation from Burn's primitives: the reference on the CPU and the way on every other device.

use burn::backend::{Backend, TensorMetadata, tensor::FloatTensor};
use burn::tensor::{FloatDType, IntDType, Shape, Slice, TensorData, ops::ConvOptions};

use super::{
    Colors, ConvShape, FrameShift, NormEnd, NormGradients, NormState, Normalized, Optional, PoolShape, SgdStep,
};

/// See [`super::VideoOps::conv2d_nhwc`].
pub fn conv2d<B: Backend>(x: FloatTensor<B>, weight: FloatTensor<B>, shape: ConvShape) -> FloatTensor<B> {
    let x = shifted::<B>(x, &shape, false);
    to_nhwc::<B>(B::conv2d(to_nchw::<B>(x), to_oihw::<B>(weight), None, options(&shape)))
}

/// See [`super::VideoOps::conv2d_nhwc_input_gradient`].
pub fn conv2d_input_gradient<B: Backend>(
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

/// See [`super::VideoOps::conv2d_nhwc_weight_gradient`].
pub fn conv2d_weight_gradient<B: Backend>(x: FloatTensor<B>, dy: FloatTensor<B>, shape: ConvShape) -> FloatTensor<B> {
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

fn to_nchw<B: Backend>(x: FloatTensor<B>) -> FloatTensor<B> {
    B::float_permute(x, &[0, 3, 1, 2])
}

fn to_nhwc<B: Backend>(x: FloatTensor<B>) -> FloatTensor<B> {
    B::float_permute(x, &[0, 2, 3, 1])
}

fn to_oihw<B: Backend>(weight: FloatTensor<B>) -> FloatTensor<B> {
    B::float_permute(weight, &[3, 2, 0, 1])
}

/// See [`super::VideoOps::norm_train`].
pub fn batch_norm<B: Backend>(
    x: FloatTensor<B>,
    gamma: FloatTensor<B>,
    beta: FloatTensor<B>,
    residual: Optional<B>,
    end: NormEnd,
) -> Normalized<B> {
    let rows = as_rows::<B>(x.clone());
    let mean = B::float_mean_dim(rows.clone(), 0);
    let centred = B::float_sub(rows, mean.clone());
    let variance = B::float_mean_dim(B::float_mul(centred.clone(), centred), 0);
    let (mean, variance) = (as_vector::<B>(mean), as_vector::<B>(variance));
    let deviation = B::float_sqrt(B::float_add_scalar(variance.clone(), end.epsilon.into()));
    let inverse_deviation = B::float_recip(deviation);
    let scale = B::float_mul(gamma, inverse_deviation.clone());
    let shift = B::float_sub(beta, B::float_mul(mean.clone(), scale.clone()));
    let y = scale_shift::<B>(x, scale, shift, residual, end.relu);
    Normalized { y, x: Optional::None, mean, variance, inverse_deviation }
}

/// See [`super::VideoOps::norm_gradient`].
pub fn batch_norm_gradient<B: Backend>(state: NormState<B>, dy: FloatTensor<B>, residual: bool) -> NormGradients<B> {
    let dims = state.x.shape();
    let dy = behind_relu::<B>(rectified::<B>(&state), dy);
    let dresidual = residual.then(|| dy.clone()).into();
    let (rows, dy) = (as_rows::<B>(state.x), as_rows::<B>(dy));
    let count = rows.shape()[0] as f32;
    let inverse = as_row::<B>(state.inverse_deviation);
    let normal = B::float_mul(B::float_sub(rows, as_row::<B>(state.mean)), inverse.clone());
    let dbeta = B::float_sum_dim(dy.clone(), 0);
    let dgamma = B::float_sum_dim(B::float_mul(dy.clone(), normal.clone()), 0);
    // dx = gamma / deviation * (dy - mean(dy) - normal * mean(dy * normal))
    let mean_dy = B::float_div_scalar(dbeta.clone(), count.into());
    let mean_dy_normal = B::float_div_scalar(dgamma.clone(), count.into());
    let inner = B::float_sub(B::float_sub(dy, mean_dy), B::float_mul(normal, mean_dy_normal));
    let dx = B::float_mul(inner, B::float_mul(inverse, as_row::<B>(state.gamma)));
    let (dgamma, dbeta) = (as_vector::<B>(dgamma), as_vector::<B>(dbeta));
    NormGradients { dx: B::float_reshape(dx, dims), dgamma, dbeta, dresidual }
}

/// The output of a norm that ended with a ReLU.
fn rectified<B: Backend>(state: &NormState<B>) -> Optional<B> {
    if !state.relu || state.y.is_some() {
        return state.y.clone();
    }
    let scale = B::float_mul(state.gamma.clone(), state.inverse_deviation.clone());
    let shift = B::float_sub(state.beta.clone(), B::float_mul(state.mean.clone(), scale.clone()));
    Optional::Some(scale_shift::<B>(state.x.clone(), scale, shift, Optional::None, true))
}

/// See [`super::VideoOps::scale_shift`].
pub fn scale_shift<B: Backend>(
    x: FloatTensor<B>,
    scale: FloatTensor<B>,
    shift: FloatTensor<B>,
    residual: Optional<B>,
    relu: bool,
) -> FloatTensor<B> {
    let dims = x.shape();
    let y = B::float_mul(as_rows::<B>(x), as_row::<B>(scale));
    let mut y = B::float_reshape(B::float_add(y, as_row::<B>(shift)), dims);
    if let Optional::Some(residual) = residual {
        y = B::float_add(y, residual);
    }
    if relu { B::relu(y) } else { y }
}

/// See [`super::VideoOps::scale_shift_gradient`].
pub fn scale_shift_gradient<B: Backend>(
    y: Optional<B>,
    dy: FloatTensor<B>,
    scale: FloatTensor<B>,
    residual: bool,
) -> (FloatTensor<B>, Option<FloatTensor<B>>) {
    let dy = behind_relu::<B>(y, dy);
    (scale_channels::<B>(dy.clone(), scale), residual.then_some(dy))
}

/// The gradient in front of an operation's ReLU, if it has one: `dy` where its output `y` is positive, else 0.
pub fn behind_relu<B: Backend>(y: Optional<B>, dy: FloatTensor<B>) -> FloatTensor<B> {
    match y {
        Optional::Some(y) => B::relu_backward(y, dy),
        Optional::None => dy,
    }
}

/// `x * scale` per channel.
pub fn scale_channels<B: Backend>(x: FloatTensor<B>, scale: FloatTensor<B>) -> FloatTensor<B> {
    let dims = x.shape();
    B::float_reshape(B::float_mul(as_rows::<B>(x), as_row::<B>(scale)), dims)
}

/// Sum over all axes but the last: `[channels]`.
pub fn sum_rows<B: Backend>(x: FloatTensor<B>) -> FloatTensor<B> {
    as_vector::<B>(B::float_sum_dim(as_rows::<B>(x), 0))
}

/// See [`super::VideoOps::temporal_shift`].
pub fn temporal_shift<B: Backend>(x: FloatTensor<B>, frames: usize, fold: usize, backwards: bool) -> FloatTensor<B> {
    let dims = x.shape();
    let (images, channels) = (dims[0], dims[dims.num_dims() - 1]);
    let pixels = dims.num_elements() / images / channels;
    let x = B::float_reshape(x, Shape::new([images / frames, frames, pixels, channels]));
    let part = |from, to| take::<B>(x.clone(), 3, from, to);
    let parts = vec![
        shift_by_one::<B>(part(0, fold), !backwards),
        shift_by_one::<B>(part(fold, 2 * fold), backwards),
        part(2 * fold, channels),
    ];
    B::float_reshape(B::float_cat(parts, 3), dims)
}

/// Frame `t` of the result is frame `t + 1` (`from_next`) or `t - 1` of `x`, `[clips, frames, pixels, channels]`.
pub(super) fn shift_by_one<B: Backend>(x: FloatTensor<B>, from_next: bool) -> FloatTensor<B> {
    let frames = x.shape()[1];
    let mut gap = x.shape();
    gap[1] = 1;
    let gap = B::float_zeros(gap, &x.device(), FloatDType::F32);
    let parts =
        if from_next { vec![take::<B>(x, 1, 1, frames), gap] } else { vec![gap, take::<B>(x, 1, 0, frames - 1)] };
    B::float_cat(parts.into_iter().filter(|part| part.shape().num_elements() > 0).collect(), 1)
}

pub(super) fn take<B: Backend>(x: FloatTensor<B>, axis: usize, from: usize, to: usize) -> FloatTensor<B> {
    let mut slices = vec![Slice::full(); x.shape().num_dims()];
    slices[axis] = Slice::from(from..to);
    B::float_slice(x, &slices)
}

/// See [`super::VideoOps::cut`].
pub fn cut<B: Backend>(x: FloatTensor<B>, ceiling: f32) -> FloatTensor<B> {
    B::float_clamp_max(x, ceiling.into())
}

/// See [`super::VideoOps::cut_gradient`].
pub fn cut_gradient<B: Backend>(y: FloatTensor<B>, dy: FloatTensor<B>, ceiling: f32) -> FloatTensor<B> {
    let room = B::float_add_scalar(B::float_neg(y), ceiling.into());
    B::relu_backward(room, dy)
}

/// See [`super::VideoOps::max_pool2d_nhwc`].
pub fn max_pool2d<B: Backend>(x: FloatTensor<B>, shape: PoolShape) -> FloatTensor<B> {
    to_nhwc::<B>(B::max_pool2d(to_nchw::<B>(x), shape.kernel, shape.stride, shape.padding, [1, 1], false))
}

/// See [`super::VideoOps::max_pool2d_nhwc_gradient`].
pub fn max_pool2d_gradient<B: Backend>(x: FloatTensor<B>, dy: FloatTensor<B>, shape: PoolShape) -> FloatTensor<B> {
    let (kernel, stride, padding) = (shape.kernel, shape.stride, shape.padding);
    let x = to_nchw::<B>(x);
    let indices = B::max_pool2d_with_indices(x.clone(), kernel, stride, padding, [1, 1], false, IntDType::I64).indices;
    let dy = to_nchw::<B>(dy);
    to_nhwc::<B>(B::max_pool2d_with_indices_backward(x, kernel, stride, padding, [1, 1], false, dy, indices).x_grad)
}

/// See [`super::VideoOps::average_pool`].
pub fn average_pool<B: Backend>(x: FloatTensor<B>) -> FloatTensor<B> {
    let dims = x.shape();
    B::float_reshape(B::float_mean_dim(x, 1), Shape::new([dims[0], dims[2]]))
}

/// See [`super::VideoOps::average_pool_gradient`].
pub fn average_pool_gradient<B: Backend>(dy: FloatTensor<B>, pixels: usize) -> FloatTensor<B> {
    let [images, channels] = dy.shape().dims();
    let row = B::float_reshape(B::float_div_scalar(dy, (pixels as f32).into()), Shape::new([images, 1, channels]));
    B::float_expand(row, Shape::new([images, pixels, channels]))
}

/// See [`super::VideoOps::pixels_to_images`].
pub fn pixels_to_images<B: Backend>(pixels: FloatTensor<B>, colors: Colors) -> FloatTensor<B> {
    let device = pixels.device();
    let centred = B::float_sub(to_nhwc::<B>(pixels), row::<B>(colors.mean, &device));
    B::float_mul(centred, row::<B>(colors.std.map(f32::recip), &device))
}

/// See [`super::VideoOps::pixels_to_images_gradient`].
pub fn pixels_to_images_gradient<B: Backend>(dy: FloatTensor<B>, colors: Colors) -> FloatTensor<B> {
    let device = dy.device();
    to_nchw::<B>(B::float_mul(dy, row::<B>(colors.std.map(f32::recip), &device)))
}

fn row<B: Backend>(values: [f32; 3], device: &B::Device) -> FloatTensor<B> {
    B::float_from_data(TensorData::new(values.to_vec(), [1, 1, 1, 3]), device)
}

/// See [`super::VideoOps::sgd_step`].
pub fn sgd_step<B: Backend>(
    weight: FloatTensor<B>,
    gradient: FloatTensor<B>,
    velocity: FloatTensor<B>,
    step: SgdStep,
) -> (FloatTensor<B>, FloatTensor<B>) {
    let scaled = |x: FloatTensor<B>, by: f32| B::float_mul_scalar(x, by.into());
    let gradient = B::float_add(scaled(gradient, step.gradient_scale), scaled(weight.clone(), step.weight_decay));
    let velocity = B::float_add(scaled(velocity, step.momentum), gradient.clone());
    let direction = match step.nesterov {
        true => B::float_add(gradient, scaled(velocity.clone(), step.momentum)),
        false => velocity.clone(),
    };
    (B::float_sub(weight, scaled(direction, step.learning_rate)), velocity)
}

/// `[..., channels]` as `[rows, channels]`.
fn as_rows<B: Backend>(x: FloatTensor<B>) -> FloatTensor<B> {
    let dims = x.shape();
    let channels = dims[dims.num_dims() - 1];
    B::float_reshape(x, Shape::new([dims.num_elements() / channels, channels]))
}

fn as_row<B: Backend>(vector: FloatTensor<B>) -> FloatTensor<B> {
    let channels = vector.shape().num_elements();
    B::float_reshape(vector, Shape::new([1, channels]))
}

fn as_vector<B: Backend>(row: FloatTensor<B>) -> FloatTensor<B> {
    let channels = row.shape().num_elements();
    B::float_reshape(row, Shape::new([channels]))
}
