use rayon::prelude::*;

use super::geometry::Geometry;
use super::{ConvShape, depthwise};
use crate::engine::{self, Machine, Output};
use crate::matrix::{Matrix, MatrixMut, Store, multiply};
use crate::scratch::Scratch;

/// Output pixels whose patches are computed at a time before they are added up.
const SCATTER_ROWS: usize = 128;

/// Gradient with respect to the input: `dx = conv^T(dy, w)`. Overwrites `dx`.
///
/// # Shapes
/// `dy` as the output of [`conv2d_forward`](crate::conv2d_forward), `w` as its weights, `dx` as its input.
///
/// # Panics
/// If a length does not fit the shape.
pub fn conv2d_input_gradient(shape: &ConvShape, dy: &[f32], w: &[f32], dx: &mut [f32]) {
    shape.check(dx.len(), w.len(), dy.len());
    if shape.is_depthwise() {
        depthwise::input_gradient(shape, dy, w, dx);
    } else if Geometry::from(shape).has_few_inputs() {
        scatter_gradient(shape, dy, w, dx);
    } else {
        gather_gradient(shape, dy, w, dx, false);
    }
}

/// [`conv2d_input_gradient`] added to what `dx` holds, as where a gradient comes back to a fork.
///
/// # Panics
/// If a length does not fit the shape.
pub fn conv2d_input_gradient_add(shape: &ConvShape, dy: &[f32], w: &[f32], dx: &mut [f32]) {
    shape.check(dx.len(), w.len(), dy.len());
    gather_gradient(shape, dy, w, dx, true);
}

fn gather_gradient(shape: &ConvShape, dy: &[f32], w: &[f32], dx: &mut [f32], add: bool) {
    let products = Geometry::from(shape).input_gradient(dy, w, add);
    engine::run(&Machine::detect(), &products, Output::new(dx), |_| ());
}

/// Each image's patches `dy · w^T` are computed a few rows at a time and added to the pixels they came from.
fn scatter_gradient(shape: &ConvShape, dy: &[f32], w: &[f32], dx: &mut [f32]) {
    let weights = Matrix::new(w, shape.taps() * shape.channels_in, shape.channels_out).transposed();
    let image = shape.height * shape.width * shape.channels_in;
    let output_image = shape.output_height() * shape.output_width() * shape.channels_out;
    let pairs = dx.par_chunks_mut(image).zip(dy.par_chunks(output_image));
    pairs.for_each(|(dx, dy)| scatter_image(shape, dy, weights, dx));
}

fn scatter_image(shape: &ConvShape, dy: &[f32], weights: Matrix, dx: &mut [f32]) {
    dx.fill(0.0);
    let depth = weights.columns();
    let mut block = Scratch::take(SCATTER_ROWS * depth);
    for (index, dy) in dy.chunks(SCATTER_ROWS * shape.channels_out).enumerate() {
        let rows = dy.len() / shape.channels_out;
        let patches = &mut block[..rows * depth];
        let dy = Matrix::new(dy, rows, shape.channels_out);
        multiply(dy, weights, &mut MatrixMut::new(patches, rows, depth), Store::Replace);
        for (row, patch) in patches.chunks_exact(depth).enumerate() {
            scatter_patch(shape, index * SCATTER_ROWS + row, patch, dx);
        }
    }
}

fn scatter_patch(shape: &ConvShape, pixel: usize, patch: &[f32], dx: &mut [f32]) {
    let line = shape.kernel[1] * shape.channels_in;
    let top = pixel / shape.output_width() * shape.stride[0];
    let left = pixel % shape.output_width() * shape.stride[1] * shape.channels_in;
    let picture_row = shape.width * shape.channels_in;
    let margin = shape.padding[1] * shape.channels_in;
    for (tap, line_values) in patch.chunks_exact(line).enumerate() {
        let Some(y) = (top + tap).checked_sub(shape.padding[0]).filter(|&y| y < shape.height) else { continue };
        let before = margin.saturating_sub(left).min(line);
        let start = (left + before).saturating_sub(margin).min(picture_row);
        let target = &mut dx[y * picture_row + start..(y + 1) * picture_row];
        target.iter_mut().zip(&line_values[before..]).for_each(|(sum, value)| *sum += value);
    }
}
