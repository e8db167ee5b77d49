//! One filter per channel: no matrix product, the channels are the vector.

use std::ops::Range;

use rayon::prelude::*;

use super::{ConvShape, Epilogue};
use crate::simd::vectorized;

/// Parts the output rows are divided into for the weight gradient, added in order.
const PARTS: usize = 16;

pub(super) fn forward(shape: &ConvShape, x: &[f32], w: &[f32], epilogue: &Epilogue, y: &mut [f32]) {
    let channels = shape.channels_out;
    y.par_chunks_mut(shape.output_width() * channels).enumerate().for_each(|(row, out)| {
        vectorized(|| {
            out.fill(0.0);
            for (tap, line) in vertical_taps(shape, row) {
                for (column, sum) in out.chunks_exact_mut(channels).enumerate() {
                    for (pixel, weight) in horizontal_taps(shape, x, w, tap, line, column) {
                        multiply_add(sum, pixel, weight);
                    }
                }
            }
            for (column, pixel) in out.chunks_exact_mut(channels).enumerate() {
                epilogue.finish_pixel(pixel, (row * shape.output_width() + column) * channels, 0);
            }
        });
    });
}

pub(super) fn input_gradient(shape: &ConvShape, dy: &[f32], w: &[f32], dx: &mut [f32]) {
    let line = shape.width * shape.channels_in;
    dx.par_chunks_mut(line).enumerate().for_each(|(row, dx)| {
        vectorized(|| {
            dx.fill(0.0);
            let (image, y) = (row / shape.height, row % shape.height);
            for tap in 0..shape.kernel[0] {
                let Some(out) = (y + shape.padding[0]).checked_sub(tap) else { continue };
                if out % shape.stride[0] == 0 && out / shape.stride[0] < shape.output_height() {
                    let out_row = image * shape.output_height() + out / shape.stride[0];
                    spread_row(shape, dy, w, tap, out_row, dx);
                }
            }
        });
    });
}

/// Adds what one row of `dy` gives to one row of `dx` through one row of taps.
#[inline(always)]
fn spread_row(shape: &ConvShape, dy: &[f32], w: &[f32], tap: usize, out_row: usize, dx: &mut [f32]) {
    let channels = shape.channels_in;
    let line = shape.output_width() * channels;
    let weights = &w[tap * shape.kernel[1] * channels..][..shape.kernel[1] * channels];
    for (column, dy) in dy[out_row * line..][..line].chunks_exact(channels).enumerate() {
        for (tap, weight) in weights.chunks_exact(channels).enumerate() {
            let place = (column * shape.stride[1] + tap).checked_sub(shape.padding[1]);
            if let Some(place) = place.filter(|&place| place < shape.width) {
                multiply_add(&mut dx[place * channels..][..channels], dy, weight);
            }
        }
    }
}

pub(super) fn weight_gradient(shape: &ConvShape, x: &[f32], dy: &[f32], dw: &mut [f32]) {
    let rows = shape.batch * shape.output_height();
    let parts = PARTS.min(rows).max(1);
    let sums: Vec<Vec<f32>> = (0..parts)
        .into_par_iter()
        .map(|part| sum_rows(shape, x, dy, part * rows / parts..(part + 1) * rows / parts))
        .collect();
    dw.fill(0.0);
    for part in &sums {
        dw.iter_mut().zip(part).for_each(|(sum, value)| *sum += value);
    }
}

fn sum_rows(shape: &ConvShape, x: &[f32], dy: &[f32], rows: Range<usize>) -> Vec<f32> {
    let channels = shape.channels_in;
    let line = shape.output_width() * channels;
    let mut sums = vec![0.0; shape.weight_len()];
    vectorized(|| {
        for row in rows {
            for (tap, source) in vertical_taps(shape, row) {
                for (column, dy) in dy[row * line..][..line].chunks_exact(channels).enumerate() {
                    let weights = &mut sums[tap * shape.kernel[1] * channels..][..shape.kernel[1] * channels];
                    for (tap, sum) in weights.chunks_exact_mut(channels).enumerate() {
                        let place = (column * shape.stride[1] + tap).checked_sub(shape.padding[1]);
                        if let Some(place) = place.filter(|&place| place < shape.width) {
                            multiply_add(sum, &x[(source * shape.width + place) * channels..][..channels], dy);
                        }
                    }
                }
            }
        }
    });
    sums
}

/// The taps of an output row that fall on the picture, with the input row each one reads (counted over the batch).
#[inline(always)]
fn vertical_taps(shape: &ConvShape, row: usize) -> impl Iterator<Item = (usize, usize)> {
    let (image, y) = (row / shape.output_height(), row % shape.output_height());
    let [top, padding, height] = [y * shape.stride[0], shape.padding[0], shape.height];
    (0..shape.kernel[0])
        .filter(move |tap| (padding..height + padding).contains(&(top + tap)))
        .map(move |tap| (tap, image * height + top + tap - padding))
}

/// The pixels an output column reads from input row `line`, each with its weights.
#[inline(always)]
fn horizontal_taps<'a>(
    shape: &ConvShape,
    x: &'a [f32],
    w: &'a [f32],
    tap_row: usize,
    line: usize,
    column: usize,
) -> impl Iterator<Item = (&'a [f32], &'a [f32])> {
    let channels = shape.channels_in;
    let [left, padding, width, kernel] = [column * shape.stride[1], shape.padding[1], shape.width, shape.kernel[1]];
    (0..kernel).filter(move |tap| (padding..width + padding).contains(&(left + tap))).map(move |tap| {
        let pixel = &x[(line * width + left + tap - padding) * channels..][..channels];
        (pixel, &w[(tap_row * kernel + tap) * channels..][..channels])
    })
}

#[inline(always)]
fn multiply_add(sum: &mut [f32], a: &[f32], b: &[f32]) {
    for ((sum, a), b) in sum.iter_mut().zip(a).zip(b) {
        *sum += a * b;
    }
}
