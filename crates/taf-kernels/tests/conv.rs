//! Convolution against its twin, over the shapes of the networks and the odd ones.

mod naive;

use naive::{SUM_TOLERANCE, assert_close, random, spoiled, with_threads};
use taf_kernels::{
    BatchStatistics, ConvShape, Epilogue, FrameShift, ShiftShape, conv2d_forward, conv2d_forward_statistics,
    conv2d_forward_with, conv2d_input_gradient, conv2d_weight_gradient, temporal_shift_backward,
    temporal_shift_forward,
};

/// `batch x height x width`, `in -> out`, kernel, stride, padding, groups.
fn shape(pixels: [usize; 3], channels: [usize; 2], window: [usize; 3], groups: usize) -> ConvShape {
    let [batch, height, width] = pixels;
    let [kernel, stride, padding] = window.map(|side| [side, side]);
    ConvShape {
        batch,
        height,
        width,
        channels_in: channels[0],
        channels_out: channels[1],
        kernel,
        stride,
        padding,
        groups,
        shift: None,
    }
}

/// Every kernel with every stride, on sizes that do not divide evenly.
fn grid() -> Vec<ConvShape> {
    let mut shapes = Vec::new();
    for kernel in [1, 3, 5, 7] {
        for stride in [1, 2, 3] {
            for (pixels, channels) in [([2, 9, 7], [5, 6]), ([1, 8, 8], [16, 32]), ([3, 7, 10], [3, 17])] {
                for padding in [0, kernel / 2] {
                    shapes.push(shape(pixels, channels, [kernel, stride, padding], 1));
                }
            }
        }
    }
    shapes.extend([
        shape([1, 1, 1], [1, 1], [1, 1, 0], 1),
        shape([1, 1, 1], [7, 5], [3, 1, 1], 1),
        shape([1, 2, 1], [9, 130], [3, 2, 1], 1),
        shape([2, 5, 5], [4, 4], [2, 3, 0], 1),
        shape([2, 4, 4], [520, 70], [3, 1, 1], 1),
        shape([4, 24, 24], [24, 40], [3, 1, 1], 1),
        shape([2, 40, 36], [3, 64], [7, 2, 3], 1),
        shape([2, 6, 6], [8, 12], [3, 1, 1], 4),
        shape([2, 7, 5], [12, 8], [3, 2, 1], 2),
        shape([2, 6, 6], [8, 16], [1, 1, 0], 4),
        shape([2, 6, 7], [8, 16], [1, 2, 0], 8),
        shape([2, 9, 6], [10, 10], [3, 1, 1], 10),
        shape([3, 9, 6], [5, 5], [5, 2, 2], 5),
        ConvShape { kernel: [3, 1], padding: [1, 0], ..shape([2, 8, 49], [8, 4], [3, 1, 1], 2) },
        ConvShape { kernel: [1, 5], stride: [1, 2], padding: [0, 3], ..shape([2, 6, 9], [6, 7], [1, 1, 0], 1) },
        ConvShape { kernel: [3, 1], padding: [1, 0], ..shape([2, 8, 12], [6, 6], [3, 1, 1], 6) },
    ]);
    shapes
}

struct Operands {
    x: Vec<f32>,
    w: Vec<f32>,
    dy: Vec<f32>,
}

fn operands(shape: &ConvShape) -> Operands {
    Operands { x: random(shape.input_len(), 1), w: random(shape.weight_len(), 2), dy: random(shape.output_len(), 3) }
}

fn forward(shape: &ConvShape, x: &[f32], w: &[f32]) -> Vec<f32> {
    let mut y = spoiled(shape.output_len());
    conv2d_forward(shape, x, w, &mut y);
    y
}

fn input_gradient(shape: &ConvShape, dy: &[f32], w: &[f32]) -> Vec<f32> {
    let mut dx = spoiled(shape.input_len());
    conv2d_input_gradient(shape, dy, w, &mut dx);
    dx
}

fn weight_gradient(shape: &ConvShape, x: &[f32], dy: &[f32]) -> Vec<f32> {
    let mut dw = spoiled(shape.weight_len());
    conv2d_weight_gradient(shape, x, dy, &mut dw);
    dw
}

#[test]
fn the_forward_pass_agrees_with_its_twin() {
    for shape in grid() {
        let Operands { x, w, .. } = operands(&shape);
        assert_close(
            &format!("{shape:?}"),
            &forward(&shape, &x, &w),
            &naive::conv::forward(&shape, &x, &w),
            SUM_TOLERANCE,
        );
    }
}

#[test]
fn the_input_gradient_agrees_with_its_twin() {
    for shape in grid() {
        let Operands { w, dy, .. } = operands(&shape);
        let expected = naive::conv::input_gradient(&shape, &dy, &w);
        assert_close(&format!("{shape:?}"), &input_gradient(&shape, &dy, &w), &expected, SUM_TOLERANCE);
    }
}

#[test]
fn the_weight_gradient_agrees_with_its_twin() {
    for shape in grid() {
        let Operands { x, dy, .. } = operands(&shape);
        let expected = naive::conv::weight_gradient(&shape, &x, &dy);
        assert_close(&format!("{shape:?}"), &weight_gradient(&shape, &x, &dy), &expected, SUM_TOLERANCE);
    }
}

#[test]
fn scale_bias_residual_and_relu_are_applied_after_the_sum_each_with_and_without_the_others() {
    for shape in grid() {
        let Operands { x, w, dy: residual } = operands(&shape);
        let [scale, bias] = [6, 4].map(|seed| random(shape.channels_out, seed));
        let sums = naive::conv::forward(&shape, &x, &w);
        for parts in 0..16 {
            let [scaled, moved, added, relu] = [1, 2, 4, 8].map(|part| parts & part > 0);
            let epilogue = Epilogue {
                scale: scaled.then_some(&scale),
                bias: moved.then_some(&bias),
                residual: added.then_some(&residual),
                relu,
            };
            let mut y = spoiled(shape.output_len());
            conv2d_forward_with(&shape, &x, &w, &epilogue, &mut y);
            let value =
                |values: Option<&[f32]>, place: usize, instead| values.map_or(instead, |of| f64::from(of[place]));
            let expected = sums.iter().enumerate().map(|(place, sum)| {
                let channel = place % shape.channels_out;
                let mapped = sum * value(epilogue.scale, channel, 1.0) + value(epilogue.bias, channel, 0.0);
                let sum = mapped + value(epilogue.residual, place, 0.0);
                if relu { sum.max(0.0) } else { sum }
            });
            assert_close(&format!("{shape:?}, {parts:b}"), &y, &expected.collect::<Vec<_>>(), SUM_TOLERANCE);
        }
    }
}

#[test]
fn what_is_not_a_number_passes_the_relu_behind_a_convolution() {
    for groups in [1, 8] {
        let shape = shape([1, 2, 2], [8, 8], [1, 1, 0], groups);
        let [x, w] = [vec![f32::NAN; shape.input_len()], vec![1.0; shape.weight_len()]];
        let ones = [1.0; 8];
        for map in [None, Some(ones.as_slice())] {
            let mut y = spoiled(shape.output_len());
            let epilogue = Epilogue { scale: map, bias: map, residual: None, relu: true };
            conv2d_forward_with(&shape, &x, &w, &epilogue, &mut y);
            assert!(y.iter().all(|value| value.is_nan()), "{groups} groups, {map:?}: {y:?}");
        }
    }
}

/// The mean and the spread of a layer may be summed in another order, in other tiles.
const STATISTICS_TOLERANCE: f64 = 1e-5;

#[test]
fn statistics_taken_on_the_way_are_those_of_the_output() {
    for shape in grid() {
        let Operands { x, w, .. } = operands(&shape);
        // A mean of many standard deviations.
        let x: Vec<f32> = x.iter().map(|x| 10.0 + x).collect();
        let mut y = spoiled(shape.output_len());
        let statistics = conv2d_forward_statistics(&shape, &x, &w, 1e-5, &mut y);
        assert!(y == forward(&shape, &x, &w), "{shape:?}");
        let expected = BatchStatistics::of(&y, shape.channels_out, 1e-5);
        assert_close(&format!("{shape:?}"), &statistics.mean, &naive::wide(&expected.mean), STATISTICS_TOLERANCE);
        let variance = naive::wide(&expected.variance);
        assert_close(&format!("{shape:?}"), &statistics.variance, &variance, STATISTICS_TOLERANCE);
    }
}

/// Convolutions with a temporal shift, and the same shift as an operation of its own.
fn shifted() -> Vec<(ConvShape, ShiftShape)> {
    let with = |shape: ConvShape, frames: usize, fold: usize| {
        let (clips, pixels, channels) = (shape.batch / frames, shape.height * shape.width, shape.channels_in);
        let shift = ShiftShape { clips, frames, pixels, channels, fold };
        (ConvShape { shift: Some(FrameShift { frames, fold }), ..shape }, shift)
    };
    vec![
        with(shape([8, 6, 5], [16, 24], [1, 1, 0], 1), 4, 2),
        with(shape([6, 7, 7], [64, 70], [1, 1, 0], 1), 3, 8),
        with(shape([4, 6, 6], [40, 33], [3, 1, 1], 1), 2, 20),
        with(shape([6, 7, 6], [24, 12], [3, 2, 1], 1), 3, 3),
        with(shape([5, 4, 4], [8, 8], [1, 2, 0], 1), 5, 1),
        with(shape([2, 5, 5], [12, 8], [3, 1, 1], 4), 2, 4),
        with(shape([3, 5, 5], [6, 8], [3, 1, 1], 1), 1, 3),
        with(shape([4, 5, 5], [6, 8], [3, 1, 1], 1), 2, 0),
    ]
}

#[test]
fn a_shift_while_reading_equals_a_shift_before() {
    for (shape, shift) in shifted() {
        let Operands { x, w, dy } = operands(&shape);
        let mut moved = spoiled(x.len());
        temporal_shift_forward(&shift, &x, &mut moved);
        let expected = naive::conv::forward(&shape, &moved, &w);
        assert_close(&format!("{shape:?}"), &forward(&shape, &x, &w), &expected, SUM_TOLERANCE);
        let expected = naive::conv::weight_gradient(&shape, &moved, &dy);
        assert_close(&format!("{shape:?}"), &weight_gradient(&shape, &x, &dy), &expected, SUM_TOLERANCE);
    }
}

#[test]
fn the_input_gradient_of_a_shifted_convolution_is_shifted_back() {
    for (shape, shift) in shifted() {
        let Operands { w, dy, .. } = operands(&shape);
        let moved: Vec<f32> = naive::conv::input_gradient(&shape, &dy, &w).iter().map(|value| *value as f32).collect();
        let mut expected = spoiled(moved.len());
        temporal_shift_backward(&shift, &moved, &mut expected);
        assert_close(&format!("{shape:?}"), &input_gradient(&shape, &dy, &w), &naive::wide(&expected), SUM_TOLERANCE);
    }
}

#[test]
#[should_panic(expected = "clips of")]
fn a_shift_over_part_of_a_clip_is_refused() {
    let shape = shape([5, 4, 4], [8, 8], [1, 1, 0], 1);
    ConvShape { shift: Some(FrameShift { frames: 2, fold: 1 }), ..shape }.validate();
}

#[test]
fn the_number_of_threads_does_not_change_a_bit() {
    let shapes = [
        shape([4, 24, 24], [24, 40], [3, 1, 1], 1),
        shape([8, 7, 7], [256, 128], [3, 1, 1], 1),
        shape([8, 14, 14], [96, 160], [1, 2, 0], 1),
        shape([4, 32, 32], [3, 64], [7, 2, 3], 1),
        shape([4, 32, 32], [64, 64], [1, 1, 0], 1),
        shape([4, 16, 16], [32, 32], [3, 1, 1], 32),
    ];
    for shape in shapes {
        let Operands { x, w, dy } = operands(&shape);
        let all = || (forward(&shape, &x, &w), input_gradient(&shape, &dy, &w), weight_gradient(&shape, &x, &dy));
        let one = with_threads(1, all);
        for threads in [1, 2, 3, 5] {
            assert!(one == with_threads(threads, all), "{threads} threads, {shape:?}");
        }
    }
}

#[test]
#[should_panic(expected = "input floats")]
fn a_short_input_is_refused() {
    let shape = shape([1, 4, 4], [2, 2], [3, 1, 1], 1);
    conv2d_forward(&shape, &[0.0; 31], &[0.0; 36], &mut [0.0; 32]);
}

#[test]
#[should_panic(expected = "groups must divide")]
fn groups_that_do_not_divide_the_channels_are_refused() {
    shape([1, 4, 4], [6, 4], [3, 1, 1], 4).validate();
}

#[test]
#[should_panic(expected = "does not fit")]
fn a_kernel_larger_than_the_padded_input_is_refused() {
    shape([1, 2, 2], [1, 1], [5, 1, 1], 1).validate();
}

/// Twice this padding wraps to none at all.
const HALF_OF_ALL: usize = 1 << (usize::BITS - 1);

#[test]
#[should_panic(expected = "a padding that can be counted")]
fn a_padding_that_wraps_is_refused() {
    let shape = ConvShape { padding: [0, HALF_OF_ALL], ..shape([1, 4, 4], [2, 2], [3, 1, 1], 1) };
    conv2d_forward(&shape, &[0.0; 32], &[0.0; 36], &mut [0.0; 16]);
}

#[test]
#[should_panic(expected = "sizes of at most")]
fn an_input_that_wraps_to_the_length_of_the_slice_is_refused() {
    let shape = shape([4, 1, 1], [1 << 62, 1], [1, 1, 0], 1);
    conv2d_forward(&shape, &[], &[0.0; 1], &mut [0.0; 4]);
}
