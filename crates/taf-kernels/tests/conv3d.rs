//! 3-D convolution against its twin, and against the 2-D one where it is one.

mod naive;

use naive::{SUM_TOLERANCE, assert_close, random, spoiled};
use taf_kernels::{
    Conv3dShape, ConvShape, conv2d_forward, conv3d_forward, conv3d_input_gradient, conv3d_weight_gradient,
};

fn shape(clips: usize, input: [usize; 3], channels: [usize; 2], kernel: [usize; 3], stride: [usize; 3]) -> Conv3dShape {
    Conv3dShape {
        clips,
        frames: input[0],
        height: input[1],
        width: input[2],
        channels_in: channels[0],
        channels_out: channels[1],
        kernel,
        stride,
        padding: kernel.map(|side| side / 2),
    }
}

fn grid() -> Vec<Conv3dShape> {
    vec![
        shape(2, [4, 6, 5], [16, 8], [3, 3, 3], [1, 1, 1]),
        shape(1, [5, 7, 7], [24, 33], [3, 3, 3], [1, 2, 2]),
        shape(2, [4, 5, 6], [3, 10], [3, 5, 5], [2, 2, 1]),
        shape(1, [8, 4, 4], [20, 70], [3, 1, 1], [1, 1, 1]),
        shape(3, [1, 4, 4], [13, 5], [1, 3, 3], [1, 1, 1]),
        Conv3dShape { padding: [0, 1, 0], ..shape(1, [4, 5, 5], [17, 9], [3, 2, 3], [1, 2, 1]) },
        shape(1, [2, 3, 3], [150, 12], [3, 3, 3], [1, 1, 1]),
    ]
}

#[test]
fn the_three_passes_agree_with_their_twins() {
    for shape in grid() {
        let [x, w, dy] = [random(shape.input_len(), 1), random(shape.weight_len(), 2), random(shape.output_len(), 3)];
        let [mut y, mut dx, mut dw] = [dy.len(), x.len(), w.len()].map(spoiled);
        conv3d_forward(&shape, &x, &w, &mut y);
        assert_close(&format!("{shape:?}"), &y, &naive::conv3d::forward(&shape, &x, &w), SUM_TOLERANCE);
        conv3d_input_gradient(&shape, &dy, &w, &mut dx);
        assert_close(&format!("{shape:?}"), &dx, &naive::conv3d::input_gradient(&shape, &dy, &w), SUM_TOLERANCE);
        conv3d_weight_gradient(&shape, &x, &dy, &mut dw);
        assert_close(&format!("{shape:?}"), &dw, &naive::conv3d::weight_gradient(&shape, &x, &dy), SUM_TOLERANCE);
    }
}

#[test]
fn a_kernel_of_one_frame_is_the_2d_convolution() {
    let shape = shape(2, [3, 6, 7], [8, 12], [1, 3, 3], [1, 2, 2]);
    let [x, w] = [random(shape.input_len(), 1), random(shape.weight_len(), 2)];
    let flat = ConvShape {
        batch: 6,
        height: 6,
        width: 7,
        channels_in: 8,
        channels_out: 12,
        kernel: [3, 3],
        stride: [2, 2],
        padding: [1, 1],
        groups: 1,
        shift: None,
    };
    let [mut y, mut flat_y] = [shape.output_len(), flat.output_len()].map(spoiled);
    conv3d_forward(&shape, &x, &w, &mut y);
    conv2d_forward(&flat, &x, &w, &mut flat_y);
    assert!(y == flat_y);
}

#[test]
#[should_panic(expected = "does not fit")]
fn a_kernel_longer_than_the_clip_is_refused() {
    Conv3dShape { padding: [0; 3], ..shape(1, [2, 5, 5], [4, 4], [3, 3, 3], [1, 1, 1]) }.validate();
}

/// `4 * 2^62` channels wrap to none at all.
const WRAPS: usize = 1 << 62;

#[test]
#[should_panic(expected = "sizes of at most")]
fn a_size_that_wraps_to_the_length_of_the_slice_is_refused() {
    let shape = shape(4, [1, 1, 1], [WRAPS, 1], [1, 1, 1], [1, 1, 1]);
    conv3d_forward(&shape, &[], &[0.0; 1], &mut [0.0; 4]);
}
