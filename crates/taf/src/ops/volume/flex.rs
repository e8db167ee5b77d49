//! The CPU route of the volume operations.

use burn::backend::{Flex, flex::FlexTensor};
use burn::tensor::Shape;
use taf_kernels::{AdaptiveShape, AdaptiveWeightGradients, AdaptiveWeights, Conv3dShape, Epilogue, SpaceTimeShape};

use crate::ops::flex::{Dense, computing, memory_bound, norm, output, strides};
use crate::ops::{AdaptiveGradients, NormEnd, Normalized, Optional};

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

fn pair<R>(pass: &'static str, shape: &SpaceTimeShape, work: impl FnOnce() -> R) -> R {
    computing(pass, shape.operations(), || pair_layer(shape), work)
}

/// As [`layer`] for GST's pair of convolutions.
fn pair_layer(shape: &SpaceTimeShape) -> String {
    let SpaceTimeShape { clips, frames, height, width, channels_out: [space, time], stride, .. } = shape;
    format!(
        "1x3x3 & 3x3x3 {} -> {space} & {time}, {clips}x{frames}x{height}x{width}{}",
        shape.inputs(),
        strides(*stride)
    )
}

pub(in crate::ops) fn conv3d(x: FlexTensor, weight: FlexTensor, shape: Conv3dShape) -> FlexTensor {
    let (x, weight) = (Dense::new(x), Dense::new(weight));
    let [frames, height, width] = shape.output();
    convolution("forward", &shape, || {
        output(Shape::new([shape.clips, frames, height, width, shape.channels_out]), |y| {
            taf_kernels::conv3d_forward(&shape, x.values(), weight.values(), y);
        })
    })
}

pub(in crate::ops) fn conv3d_input_gradient(dy: FlexTensor, weight: FlexTensor, shape: Conv3dShape) -> FlexTensor {
    let (dy, weight) = (Dense::new(dy), Dense::new(weight));
    let Conv3dShape { clips, frames, height, width, channels_in, .. } = shape;
    convolution("input gradient", &shape, || {
        output(Shape::new([clips, frames, height, width, channels_in]), |dx| {
            taf_kernels::conv3d_input_gradient(&shape, dy.values(), weight.values(), dx);
        })
    })
}

pub(in crate::ops) fn conv3d_weight_gradient(x: FlexTensor, dy: FlexTensor, shape: Conv3dShape) -> FlexTensor {
    let (x, dy) = (Dense::new(x), Dense::new(dy));
    let [frames, height, width] = shape.kernel;
    convolution("weight gradient", &shape, || {
        output(Shape::new([frames, height, width, shape.channels_in, shape.channels_out]), |dw| {
            taf_kernels::conv3d_weight_gradient(&shape, x.values(), dy.values(), dw);
        })
    })
}

fn output_dims(shape: &SpaceTimeShape) -> Shape {
    let [frames, height, width] = shape.output();
    Shape::new([shape.clips * frames, height, width, shape.outputs()])
}

pub(in crate::ops) fn space_time_conv(x: FlexTensor, weights: [FlexTensor; 2], shape: SpaceTimeShape) -> FlexTensor {
    let (x, weights) = (Dense::new(x), weights.map(Dense::new));
    pair("forward", &shape, || {
        let weights = weights.each_ref().map(Dense::values);
        output(output_dims(&shape), |y| taf_kernels::space_time_forward(&shape, x.values(), weights, y))
    })
}

pub(in crate::ops) fn space_time_conv_norm_train(
    x: FlexTensor,
    weights: [FlexTensor; 2],
    gamma_and_beta: [FlexTensor; 2],
    shape: SpaceTimeShape,
    end: NormEnd,
) -> Normalized<Flex> {
    let (x, weights) = (Dense::new(x), weights.map(Dense::new));
    let mut statistics = None;
    let convolved = pair("forward", &shape, || {
        let weights = weights.each_ref().map(Dense::values);
        output(output_dims(&shape), |y| {
            let epsilon = end.epsilon;
            statistics = Some(taf_kernels::space_time_forward_statistics(&shape, x.values(), weights, epsilon, y));
        })
    });
    norm(Dense::new(convolved), gamma_and_beta, Optional::None, end, statistics)
}

pub(in crate::ops) fn space_time_conv_affine(
    x: FlexTensor,
    weights: [FlexTensor; 2],
    scale_and_shift: [FlexTensor; 2],
    shape: SpaceTimeShape,
    relu: bool,
) -> FlexTensor {
    let (x, weights) = (Dense::new(x), weights.map(Dense::new));
    let [scale, shift] = scale_and_shift.map(Dense::new);
    let epilogue = Epilogue { scale: Some(scale.values()), bias: Some(shift.values()), residual: None, relu };
    pair("forward", &shape, || {
        let weights = weights.each_ref().map(Dense::values);
        output(output_dims(&shape), |y| {
            taf_kernels::space_time_forward_with(&shape, x.values(), weights, &epilogue, y);
        })
    })
}

pub(in crate::ops) fn space_time_conv_input_gradient(
    dy: FlexTensor,
    weights: [FlexTensor; 2],
    shape: SpaceTimeShape,
) -> FlexTensor {
    let (dy, weights) = (Dense::new(dy), weights.map(Dense::new));
    let SpaceTimeShape { clips, frames, height, width, channels_in, .. } = shape;
    pair("input gradient", &shape, || {
        let weights = weights.each_ref().map(Dense::values);
        output(Shape::new([clips * frames, height, width, channels_in]), |dx| {
            taf_kernels::space_time_input_gradient(&shape, dy.values(), weights, dx);
        })
    })
}

pub(in crate::ops) fn space_time_conv_weight_gradients(
    x: FlexTensor,
    dy: FlexTensor,
    shape: SpaceTimeShape,
) -> (FlexTensor, FlexTensor) {
    let (x, dy) = (Dense::new(x), Dense::new(dy));
    let ([space, time], inputs) = (shape.channels_out, shape.inputs());
    pair("weight gradient", &shape, || {
        let mut dspace = None;
        let dtime = output(Shape::new([3, 3, 3, inputs, time]), |dtime| {
            dspace = Some(output(Shape::new([3, 3, inputs, space]), |dspace| {
                taf_kernels::space_time_weight_gradients(&shape, x.values(), dy.values(), [dspace, dtime]);
            }));
        });
        (dspace.expect("it was computed with the other"), dtime)
    })
}

/// The sizes of `x` as its gates, `[clips, frames, channels]`, tell them.
fn adaptive_shape(x: &Dense, gates: &Dense) -> AdaptiveShape {
    let [clips, frames, channels] = gates.shape().dims();
    AdaptiveShape { clips, frames, pixels: x.values().len() / (clips * frames * channels), channels }
}

pub(in crate::ops) fn temporal_adaptive(x: FlexTensor, kernels: FlexTensor, gates: FlexTensor) -> FlexTensor {
    let [x, kernels, gates] = [x, kernels, gates].map(Dense::new);
    let shape = adaptive_shape(&x, &gates);
    let weights = AdaptiveWeights { kernels: kernels.values(), gates: gates.values() };
    memory_bound("temporal adaptive", "forward", &x, || {
        x.like(|y| taf_kernels::temporal_adaptive_forward(&shape, x.values(), &weights, y))
    })
}

pub(in crate::ops) fn temporal_adaptive_gradient(
    x: FlexTensor,
    kernels: FlexTensor,
    gates: FlexTensor,
    dy: FlexTensor,
) -> AdaptiveGradients<Flex> {
    let [x, kernels, gates, dy] = [x, kernels, gates, dy].map(Dense::new);
    let shape = adaptive_shape(&x, &gates);
    let weights = AdaptiveWeights { kernels: kernels.values(), gates: gates.values() };
    memory_bound("temporal adaptive", "gradient", &x, || {
        let (mut dkernels, mut dgates) = (None, None);
        let dx = x.like(|dx| {
            dkernels = Some(kernels.like(|dkernels| {
                dgates = Some(gates.like(|dgates| {
                    let dweights = AdaptiveWeightGradients { kernels: dkernels, gates: dgates };
                    taf_kernels::temporal_adaptive_backward(&shape, x.values(), &weights, dy.values(), dx, dweights);
                }));
            }));
        });
        let [dkernels, dgates] = [dkernels, dgates].map(|gradient| gradient.expect("they are computed together"));
        AdaptiveGradients { dx, dkernels, dgates }
    })
}
