//! Every operation's handwritten gradient against central differences, and the kernels against the composed bodies.

use burn::tensor::{Device, Tensor, TensorData};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use taf::ops::{
    self, Affine, Colors, Conv3dOptions, ConvOptions, FrameShift, NormParameters, SpaceTimeConv, with_composed_ops,
};

/// Half the step of the central difference: the outputs are rounded to about 1e-7 of their size, which this divides, and
/// the fewer ReLUs change side within it the better.
const STEP: f64 = 3e-4;
/// What rounding and the odd ReLU leave.
const TOLERANCE: f64 = 5e-3;
const DRAWS: u64 = 9;
/// Two orders of summation in float32, relative to the largest value.
const AGREEMENT: f32 = 2e-5;

/// A function of several tensors, checked with respect to each.
struct Case {
    name: &'static str,
    inputs: Vec<Vec<usize>>,
    function: fn(&[Tensor<4>]) -> Tensor<4>,
}

/// A `[1, 1, 1, n]` input as the vector that norms take.
fn vector(x: &Tensor<4>) -> Tensor<1> {
    let [_, _, _, n] = x.dims();
    x.clone().reshape([n])
}

fn options(stride: usize, padding: usize, groups: usize) -> ConvOptions {
    ConvOptions { stride, padding, groups, shift: None }
}

fn parameters(i: &[Tensor<4>]) -> NormParameters {
    NormParameters { gamma: vector(&i[0]), beta: vector(&i[1]), epsilon: 1e-5 }
}

fn map(i: &[Tensor<4>]) -> Affine {
    Affine { scale: vector(&i[0]), shift: vector(&i[1]) }
}

/// Weights over space, and over clips of two frames and space.
fn pair(i: &[Tensor<4>], stride: usize) -> SpaceTimeConv {
    let [taps, width, inputs, outputs] = i[2].dims();
    let time = i[2].clone().reshape([taps / width, width, width, inputs, outputs]);
    SpaceTimeConv { space: i[1].clone(), time, frames: 2, stride }
}

/// Images, `[batch, height, width, channels]`.
const X: &[usize] = &[4, 5, 3, 8];
/// A number for each of their channels.
const ROW: &[usize] = &[1, 1, 1, 8];

fn case(name: &'static str, inputs: &[&[usize]], function: fn(&[Tensor<4>]) -> Tensor<4>) -> Case {
    Case { name, inputs: inputs.iter().map(|shape| shape.to_vec()).collect(), function }
}

fn cases() -> Vec<Case> {
    [
        convolutions(),
        batch_norms(),
        convolutions_with_batch_norm(),
        maps(),
        over_time(),
        pairs_of_convolutions(),
        pools_and_pixels(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn convolutions() -> Vec<Case> {
    vec![
        case("3x3 convolution", &[X, &[3, 3, 8, 6]], |i| ops::conv2d(i[0].clone(), i[1].clone(), options(1, 1, 1))),
        case("3x3 convolution of stride 2", &[X, &[3, 3, 8, 6]], |i| {
            ops::conv2d(i[0].clone(), i[1].clone(), options(2, 1, 1))
        }),
        case("1x1 convolution of stride 2", &[X, &[1, 1, 8, 6]], |i| {
            ops::conv2d(i[0].clone(), i[1].clone(), options(2, 0, 1))
        }),
        case("7x7 stem", &[&[2, 9, 8, 3], &[7, 7, 3, 4]], |i| {
            ops::conv2d(i[0].clone(), i[1].clone(), options(2, 3, 1))
        }),
        case("grouped convolution", &[X, &[3, 3, 2, 8]], |i| ops::conv2d(i[0].clone(), i[1].clone(), options(1, 1, 4))),
        case("convolution of the shifted input", &[X, &[3, 3, 8, 6]], |i| {
            let shift = Some(FrameShift { frames: 2, fold: 2 });
            ops::conv2d(i[0].clone(), i[1].clone(), ConvOptions { shift, ..options(2, 1, 1) })
        }),
    ]
}

fn batch_norms() -> Vec<Case> {
    vec![
        case("batch norm", &[X, ROW, ROW], |i| ops::batch_norm(i[0].clone(), parameters(&i[1..]), None, false).y),
        case("batch norm with ReLU", &[X, ROW, ROW], |i| {
            ops::batch_norm(i[0].clone(), parameters(&i[1..]), None, true).y
        }),
        case("batch norm with residual", &[X, ROW, ROW, X], |i| {
            ops::batch_norm(i[0].clone(), parameters(&i[1..]), Some(i[3].clone()), true).y
        }),
        case("batch norm with residual, linear", &[X, ROW, ROW, X], |i| {
            ops::batch_norm(i[0].clone(), parameters(&i[1..]), Some(i[3].clone()), false).y
        }),
    ]
}

fn convolutions_with_batch_norm() -> Vec<Case> {
    vec![
        case("convolution with batch norm", &[X, &[3, 3, 8, 8], ROW, ROW], |i| {
            ops::conv2d_batch_norm(i[0].clone(), i[1].clone(), options(1, 1, 1), parameters(&i[2..]), None, false).y
        }),
        case("convolution with batch norm and ReLU", &[X, &[3, 3, 8, 8], ROW, ROW], |i| {
            ops::conv2d_batch_norm(i[0].clone(), i[1].clone(), options(1, 1, 1), parameters(&i[2..]), None, true).y
        }),
        case("convolution with batch norm and residual", &[X, &[1, 1, 8, 8], ROW, ROW, X], |i| {
            let residual = Some(i[4].clone());
            ops::conv2d_batch_norm(i[0].clone(), i[1].clone(), options(1, 0, 1), parameters(&i[2..]), residual, true).y
        }),
        case("depthwise convolution with batch norm", &[X, &[3, 3, 1, 8], ROW, ROW], |i| {
            ops::conv2d_batch_norm(i[0].clone(), i[1].clone(), options(2, 1, 8), parameters(&i[2..]), None, true).y
        }),
        case(
            "shifted 1x1 convolution of stride 2 with batch norm",
            &[X, &[1, 1, 8, 6], &[1, 1, 1, 6], &[1, 1, 1, 6]],
            |i| {
                let options = ConvOptions { shift: Some(FrameShift { frames: 2, fold: 1 }), ..options(2, 0, 1) };
                ops::conv2d_batch_norm(i[0].clone(), i[1].clone(), options, parameters(&i[2..]), None, false).y
            },
        ),
    ]
}

fn maps() -> Vec<Case> {
    vec![
        case("convolution with a map", &[X, &[3, 3, 8, 8], ROW, ROW], |i| {
            ops::conv2d_affine(i[0].clone(), i[1].clone(), options(1, 1, 1), map(&i[2..]), None, true)
        }),
        case("convolution with a map and residual", &[X, &[3, 3, 8, 8], ROW, ROW, X], |i| {
            ops::conv2d_affine(i[0].clone(), i[1].clone(), options(1, 1, 1), map(&i[2..]), Some(i[4].clone()), true)
        }),
        case("scale and shift", &[X, ROW, ROW], |i| ops::scale_shift(i[0].clone(), map(&i[1..]), None, false)),
        case("scale and shift with residual", &[X, ROW, ROW, X], |i| {
            ops::scale_shift(i[0].clone(), map(&i[1..]), Some(i[3].clone()), true)
        }),
    ]
}

fn over_time() -> Vec<Case> {
    vec![
        case("temporal shift", &[X], |i| ops::temporal_shift(i[0].clone(), 4, 8)),
        case("convolution along time", &[X, &[3, 1, 8, 6]], |i| ops::conv_time(i[0].clone(), i[1].clone(), 1)),
        case("grouped convolution along time", &[X, &[3, 1, 2, 8]], |i| ops::conv_time(i[0].clone(), i[1].clone(), 4)),
        case("convolution along a single frame", &[&[4, 1, 3, 8], &[3, 1, 8, 6]], |i| {
            ops::conv_time(i[0].clone(), i[1].clone(), 1)
        }),
        case("maximum over 300 frames", &[&[1, 300, 2, 3]], |i| ops::max_over_time(i[0].clone())),
        case("maximum over time", &[X], |i| ops::max_over_time(i[0].clone())),
        case("3-D convolution", &[&[2, 12, 3, 6], &[3, 27, 6, 5]], |i| {
            let options = Conv3dOptions { stride: [1, 2, 1], padding: [1, 1, 1] };
            let x = i[0].clone().reshape([2, 4, 3, 3, 6]);
            let y = ops::conv3d(x, i[1].clone().reshape([3, 3, 9, 6, 5]).narrow(2, 0, 3), options);
            let [clips, frames, height, width, channels] = y.dims();
            y.reshape([clips * frames, height, width, channels])
        }),
        case("adaptive filter over time", &[&[6, 5, 3, 8], &[1, 2, 8, 3], &[1, 2, 3, 8]], |i| {
            ops::temporal_adaptive(i[0].clone(), i[1].clone().squeeze_dim(0), i[2].clone().squeeze_dim(0))
        }),
    ]
}

fn pairs_of_convolutions() -> Vec<Case> {
    vec![
        case("pair of convolutions, half the channels each", &[X, &[3, 3, 4, 6], &[9, 3, 4, 2]], |i| {
            ops::space_time_conv(i[0].clone(), pair(i, 2))
        }),
        case("pair of convolutions on all channels", &[X, &[3, 3, 8, 6], &[9, 3, 8, 2]], |i| {
            ops::space_time_conv(i[0].clone(), pair(i, 1))
        }),
        case("pair of convolutions with batch norm", &[X, &[3, 3, 4, 6], &[9, 3, 4, 2], ROW, ROW], |i| {
            ops::space_time_conv_batch_norm(i[0].clone(), pair(i, 1), parameters(&i[3..]), true).y
        }),
        case("pair of convolutions with a map", &[X, &[3, 3, 8, 6], &[9, 3, 8, 2], ROW, ROW], |i| {
            ops::space_time_conv_affine(i[0].clone(), pair(i, 2), map(&i[3..]), true)
        }),
    ]
}

fn pools_and_pixels() -> Vec<Case> {
    vec![
        case("average pool", &[X], |i| ops::average_pool(i[0].clone().reshape([4, 15, 8])).reshape([1, 1, 4, 8])),
        case("pixels to images", &[&[4, 3, 5, 6]], |i| {
            ops::pixels_to_images(i[0].clone(), Colors { mean: [0.1, 0.2, 0.3], std: [0.5, 1.5, 2.0] })
        }),
        case("clamp", &[X], |i| ops::clamp_max(i[0].clone(), 0.3)),
        case("max pool", &[X], |i| ops::max_pool2d(i[0].clone(), 3, 2, 1)),
    ]
}

fn random(shape: &[usize], rng: &mut ChaCha8Rng) -> Tensor<4> {
    let values = (0..shape.iter().product()).map(|_| rng.random::<f32>() * 2.0 - 1.0).collect();
    Tensor::from_data(TensorData::new::<f32, _>(values, shape.to_vec()), &Device::flex())
}

fn dot(a: Tensor<4>, b: Tensor<4>) -> f64 {
    let [a, b] = [a, b].map(|x| x.into_data().try_into_vec::<f32>().unwrap());
    a.iter().zip(&b).map(|(a, b)| f64::from(*a) * f64::from(*b)).sum()
}

/// The slope of `<weights, function(inputs)>` along `direction` of input `which`: (analytic, numeric).
fn slopes(case: &Case, inputs: &[Tensor<4>], which: usize, rng: &mut ChaCha8Rng) -> (f64, f64) {
    let direction = random(&case.inputs[which], rng);
    let weights = random(&(case.function)(inputs).dims(), rng);
    let at = |step: f64| {
        let mut moved = inputs.to_vec();
        moved[which] = moved[which].clone() + direction.clone() * step;
        dot((case.function)(&moved), weights.clone())
    };
    let numeric = (at(STEP) - at(-STEP)) / (2.0 * STEP);
    let mut tracked = inputs.to_vec();
    tracked[which] = tracked[which].clone().autodiff().require_grad();
    let loss = ((case.function)(&tracked) * weights).sum();
    let gradient = tracked[which].grad(&loss.backward()).expect("the input is tracked");
    (dot(gradient, direction), numeric)
}

/// The middle error of several draws: in a single one a ReLU may stand within the step.
fn middle_error(case: &Case, which: usize) -> f64 {
    let error = |seed| {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let inputs: Vec<_> = case.inputs.iter().map(|shape| random(shape, &mut rng)).collect();
        let (analytic, numeric) = slopes(case, &inputs, which, &mut rng);
        (analytic - numeric).abs() / numeric.abs().max(1.0)
    };
    let mut errors: Vec<f64> = (0..DRAWS).map(error).collect();
    errors.sort_by(f64::total_cmp);
    errors[errors.len() / 2]
}

fn check_all() {
    for case in cases() {
        for which in 0..case.inputs.len() {
            let error = middle_error(&case, which);
            assert!(error < TOLERANCE, "{} to input {which}: relative error {error}", case.name);
        }
    }
}

#[test]
fn gradients_of_the_kernels_agree_with_central_differences() {
    check_all();
}

#[test]
fn gradients_of_the_composed_bodies_agree_with_central_differences() {
    with_composed_ops(check_all);
}

#[test]
fn kernels_and_composed_bodies_agree_forward_and_backward() {
    for case in cases() {
        let mut rng = ChaCha8Rng::seed_from_u64(11);
        let inputs: Vec<_> = case.inputs.iter().map(|shape| random(shape, &mut rng)).collect();
        let weights = random(&(case.function)(&inputs).dims(), &mut rng);
        let everything = || {
            let tracked: Vec<_> = inputs.iter().map(|x| x.clone().autodiff().require_grad()).collect();
            let y = (case.function)(&tracked);
            let gradients = (y.clone() * weights.clone()).sum().backward();
            let mut all = vec![y.inner()];
            all.extend(tracked.iter().map(|x| x.grad(&gradients).expect("the input is tracked")));
            all
        };
        for (part, (kernel, composed)) in everything().into_iter().zip(with_composed_ops(everything)).enumerate() {
            assert_eq!(kernel.dims(), composed.dims(), "{}, part {part}", case.name);
            let scale = composed.clone().abs().max().into_scalar::<f32>().max(1.0);
            let worst = (kernel - composed).abs().max().into_scalar::<f32>();
            assert!(worst <= AGREEMENT * scale, "{}, part {part}: {worst} of {scale}", case.name);
        }
    }
}

#[test]
fn an_untracked_weight_gets_no_gradient() {
    let mut rng = ChaCha8Rng::seed_from_u64(3);
    let x = random(&[2, 4, 4, 3], &mut rng).autodiff().require_grad();
    let weight = random(&[3, 3, 3, 5], &mut rng).autodiff();
    let gradients = ops::conv2d(x.clone(), weight.clone(), options(1, 1, 1)).sum().backward();
    assert!(x.grad(&gradients).is_some());
    assert!(weight.grad(&gradients).is_none());
}

#[test]
fn frozen_weights_of_a_pair_of_convolutions_get_no_gradient() {
    let mut rng = ChaCha8Rng::seed_from_u64(3);
    let x = random(&[4, 4, 4, 8], &mut rng).autodiff().require_grad();
    let weights = [random(&[3, 3, 4, 6], &mut rng), random(&[9, 3, 4, 2], &mut rng)].map(Tensor::autodiff);
    let row = || random(&[1, 1, 1, 8], &mut ChaCha8Rng::seed_from_u64(4)).autodiff();
    let inputs = [x.clone(), weights[0].clone(), weights[1].clone(), row(), row()];
    let gradients = ops::space_time_conv_affine(inputs[0].clone(), pair(&inputs, 1), map(&inputs[3..]), true);
    let gradients = gradients.sum().backward();
    assert!(x.grad(&gradients).is_some());
    assert!(weights.iter().all(|weight| weight.grad(&gradients).is_none()));
}
