//! The temporal shift against its definition.

mod naive;

use naive::{dot, random, spoiled, wide, with_threads};
use taf_kernels::{ShiftShape, temporal_shift_backward, temporal_shift_forward};

fn shapes() -> Vec<ShiftShape> {
    let shape = |clips, frames, pixels, channels, fold| ShiftShape { clips, frames, pixels, channels, fold };
    vec![
        shape(1, 1, 1, 2, 1),
        shape(2, 3, 4, 8, 1),
        shape(1, 8, 49, 64, 8),
        shape(3, 2, 900, 40, 5),
        shape(2, 4, 5, 7, 0),
        shape(1, 3, 2, 6, 3),
    ]
}

fn forward(shape: &ShiftShape, x: &[f32]) -> Vec<f32> {
    let mut y = spoiled(shape.len());
    temporal_shift_forward(shape, x, &mut y);
    y
}

#[test]
fn each_fold_comes_from_its_neighbour_and_the_rest_stays() {
    for shape in shapes() {
        let x = random(shape.len(), 1);
        let y = forward(&shape, &x);
        let at = |clip, frame, pixel, channel| {
            ((clip * shape.frames + frame) * shape.pixels + pixel) * shape.channels + channel
        };
        for clip in 0..shape.clips {
            for frame in 0..shape.frames {
                for pixel in 0..shape.pixels {
                    for channel in 0..shape.channels {
                        let source = match channel {
                            c if c < shape.fold => Some(frame + 1).filter(|&next| next < shape.frames),
                            c if c < 2 * shape.fold => frame.checked_sub(1),
                            _ => Some(frame),
                        };
                        let expected = source.map_or(0.0, |source| x[at(clip, source, pixel, channel)]);
                        assert_eq!(y[at(clip, frame, pixel, channel)], expected, "{shape:?} {frame} {channel}");
                    }
                }
            }
        }
    }
}

#[test]
fn the_gradient_is_the_transpose_of_the_shift() {
    for shape in shapes() {
        let [x, dy] = [random(shape.len(), 1), random(shape.len(), 2)];
        let mut dx = spoiled(shape.len());
        temporal_shift_backward(&shape, &dy, &mut dx);
        let [ahead, back] = [dot(&wide(&forward(&shape, &x)), &wide(&dy)), dot(&wide(&x), &wide(&dx))];
        assert!((ahead - back).abs() < 1e-9 * shape.len() as f64, "{shape:?}: {ahead} and {back}");
    }
}

#[test]
fn any_number_of_threads_shifts_alike() {
    let shape = ShiftShape { clips: 2, frames: 4, pixels: 300, channels: 64, fold: 8 };
    let x = random(shape.len(), 1);
    assert_eq!(with_threads(1, || forward(&shape, &x)), with_threads(3, || forward(&shape, &x)));
}

#[test]
#[should_panic(expected = "exceeds")]
fn a_fold_of_more_than_half_the_channels_is_refused() {
    let shape = ShiftShape { clips: 1, frames: 2, pixels: 1, channels: 3, fold: 2 };
    temporal_shift_forward(&shape, &[0.0; 6], &mut [0.0; 6]);
}
