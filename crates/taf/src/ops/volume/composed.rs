//! The volume operations from Burn's primitives.

use burn::backend::{Backend, TensorMetadata, tensor::FloatTensor};
use burn::tensor::{FloatDType, Shape, ops::ConvOptions};
use taf_kernels::{Conv3dShape, SpaceTimeShape};

use crate::ops::AdaptiveGradients;
use crate::ops::composed::{shift_by_one, take};

/// See [`crate::ops::VideoOps::conv3d_ndhwc`].
pub fn conv3d<B: Backend>(x: FloatTensor<B>, weight: FloatTensor<B>, shape: Conv3dShape) -> FloatTensor<B> {
    channels_last::<B>(B::conv3d(channels_second::<B>(x), to_oidhw::<B>(weight), None, options(&shape)))
}

/// See [`crate::ops::VideoOps::conv3d_ndhwc_input_gradient`].
pub fn conv3d_input_gradient<B: Backend>(
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

/// See [`crate::ops::VideoOps::conv3d_ndhwc_weight_gradient`].
pub fn conv3d_weight_gradient<B: Backend>(x: FloatTensor<B>, dy: FloatTensor<B>, shape: Conv3dShape) -> FloatTensor<B> {
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

/// See [`crate::ops::VideoOps::space_time_conv`].
pub fn space_time_conv<B: Backend>(
    x: FloatTensor<B>,
    space: FloatTensor<B>,
    time: FloatTensor<B>,
    shape: SpaceTimeShape,
) -> FloatTensor<B> {
    let x = as_clips::<B>(x, &shape);
    let outputs = inputs_of_parts::<B>(x, &shape).into_iter().zip(weights_of_parts::<B>(space, time, &shape));
    let outputs = outputs.zip(shape.parts()).map(|((x, weight), part)| conv3d::<B>(x, weight, part)).collect();
    let [frames, height, width] = shape.output();
    let dims = Shape::new([shape.clips * frames, height, width, shape.outputs()]);
    B::float_reshape(B::float_cat(outputs, 4), dims)
}

/// See [`crate::ops::VideoOps::space_time_conv_input_gradient`].
pub fn space_time_conv_input_gradient<B: Backend>(
    dy: FloatTensor<B>,
    space: FloatTensor<B>,
    time: FloatTensor<B>,
    shape: SpaceTimeShape,
) -> FloatTensor<B> {
    let parts = gradients_of_parts::<B>(dy, &shape).into_iter().zip(weights_of_parts::<B>(space, time, &shape));
    let mut gradients =
        parts.zip(shape.parts()).map(|((dy, weight), part)| conv3d_input_gradient::<B>(dy, weight, part));
    let both = [(); 2].map(|()| gradients.next().expect("two parts"));
    let dx = if shape.shared {
        let [space, time] = both;
        B::float_add(space, time)
    } else {
        B::float_cat(both.into(), 4)
    };
    B::float_reshape(dx, Shape::new([shape.clips * shape.frames, shape.height, shape.width, shape.channels_in]))
}

/// See [`crate::ops::VideoOps::space_time_conv_weight_gradients`].
pub fn space_time_conv_weight_gradients<B: Backend>(
    x: FloatTensor<B>,
    dy: FloatTensor<B>,
    shape: SpaceTimeShape,
) -> (FloatTensor<B>, FloatTensor<B>) {
    let [space_x, time_x] = inputs_of_parts::<B>(as_clips::<B>(x, &shape), &shape);
    let [space_dy, time_dy] = gradients_of_parts::<B>(dy, &shape);
    let [space, time] = shape.parts();
    let dspace = conv3d_weight_gradient::<B>(space_x, space_dy, space);
    let dspace = B::float_reshape(dspace, Shape::new([3, 3, space.channels_in, space.channels_out]));
    (dspace, conv3d_weight_gradient::<B>(time_x, time_dy, time))
}

fn as_clips<B: Backend>(x: FloatTensor<B>, shape: &SpaceTimeShape) -> FloatTensor<B> {
    let SpaceTimeShape { clips, frames, height, width, channels_in, .. } = *shape;
    B::float_reshape(x, Shape::new([clips, frames, height, width, channels_in]))
}

fn inputs_of_parts<B: Backend>(x: FloatTensor<B>, shape: &SpaceTimeShape) -> [FloatTensor<B>; 2] {
    shape.first_inputs().map(|first| take::<B>(x.clone(), 4, first, first + shape.inputs()))
}

/// 2-D weights become 3-D ones of a single frame.
fn weights_of_parts<B: Backend>(
    space: FloatTensor<B>,
    time: FloatTensor<B>,
    shape: &SpaceTimeShape,
) -> [FloatTensor<B>; 2] {
    let dims = Shape::new([1, 3, 3, shape.inputs(), shape.channels_out[0]]);
    [B::float_reshape(space, dims), time]
}

fn gradients_of_parts<B: Backend>(dy: FloatTensor<B>, shape: &SpaceTimeShape) -> [FloatTensor<B>; 2] {
    let [frames, height, width] = shape.output();
    let dy = B::float_reshape(dy, Shape::new([shape.clips, frames, height, width, shape.outputs()]));
    let between = shape.channels_out[0];
    [take::<B>(dy.clone(), 4, 0, between), take::<B>(dy, 4, between, shape.outputs())]
}

/// See [`crate::ops::VideoOps::temporal_adaptive`].
pub fn temporal_adaptive<B: Backend>(
    x: FloatTensor<B>,
    kernels: FloatTensor<B>,
    gates: FloatTensor<B>,
) -> FloatTensor<B> {
    let dims = x.shape();
    let (x, gates) = (clips_of::<B>(x, &gates), frames_of::<B>(gates));
    let y = filter::<B>(B::float_mul(x, gates), kernels, false);
    B::float_reshape(y, dims)
}

/// See [`crate::ops::VideoOps::temporal_adaptive_gradient`].
pub fn temporal_adaptive_gradient<B: Backend>(
    x: FloatTensor<B>,
    kernels: FloatTensor<B>,
    gates: FloatTensor<B>,
    dy: FloatTensor<B>,
) -> AdaptiveGradients<B> {
    let (dims, gate_dims) = (x.shape(), gates.shape());
    let (x, dy) = (clips_of::<B>(x, &gates), clips_of::<B>(dy, &gates));
    let gates = frames_of::<B>(gates);
    let dgated = filter::<B>(dy.clone(), kernels, true);
    let dgates = B::float_reshape(B::float_sum_dim(B::float_mul(dgated.clone(), x.clone()), 2), gate_dims);
    let gated = B::float_mul(x, gates.clone());
    let [clips, channels] = [dy.shape()[0], dy.shape()[3]];
    let products = neighbours::<B>(gated, false).map(|gated| {
        let sums = B::float_sum_dim(B::float_sum_dim(B::float_mul(gated, dy.clone()), 1), 2);
        B::float_reshape(sums, Shape::new([clips, channels, 1]))
    });
    let dx = B::float_reshape(B::float_mul(dgated, gates), dims);
    AdaptiveGradients { dx, dkernels: B::float_cat(products.into(), 2), dgates }
}

/// `[clips * frames, .., channels]` as `[clips, frames, pixels, channels]`.
fn clips_of<B: Backend>(x: FloatTensor<B>, gates: &FloatTensor<B>) -> FloatTensor<B> {
    let [clips, frames, channels] = gates.shape().dims();
    let pixels = x.shape().num_elements() / (clips * frames * channels);
    B::float_reshape(x, Shape::new([clips, frames, pixels, channels]))
}

/// `[clips, frames, channels]` as `[clips, frames, 1, channels]`.
fn frames_of<B: Backend>(gates: FloatTensor<B>) -> FloatTensor<B> {
    let [clips, frames, channels] = gates.shape().dims();
    B::float_reshape(gates, Shape::new([clips, frames, 1, channels]))
}

/// The previous frame, the frame itself and the next; `backwards` exchanges previous and next.
fn neighbours<B: Backend>(x: FloatTensor<B>, backwards: bool) -> [FloatTensor<B>; 3] {
    [shift_by_one::<B>(x.clone(), backwards), x.clone(), shift_by_one::<B>(x, !backwards)]
}

/// Weighs the neighbours of each frame by the kernels, `[clips, channels, 3]`.
fn filter<B: Backend>(x: FloatTensor<B>, kernels: FloatTensor<B>, backwards: bool) -> FloatTensor<B> {
    let [clips, channels, _] = kernels.shape().dims();
    let mut tap = 0;
    let weighed = neighbours::<B>(x, backwards).map(|x| {
        let weights = take::<B>(kernels.clone(), 2, tap, tap + 1);
        tap += 1;
        B::float_mul(x, B::float_reshape(weights, Shape::new([clips, 1, 1, channels])))
    });
    let [previous, here, next] = weighed;
    B::float_add(B::float_add(previous, here), next)
}
