use rayon::prelude::*;

use super::geometry::Geometry;
use super::{ConvShape, depthwise};
use crate::engine::{self, Machine, Output, Prepared, Task};
use crate::scratch::Scratch;
use crate::simd::vectorized;

/// Output pixels whose patches are computed at a time before they are added up.
const SCATTER_ROWS: usize = 168;

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
        return depthwise::input_gradient(shape, dy, w, dx);
    }
    let geometry = Geometry::from(shape);
    if geometry.has_few_inputs() {
        return scatter_gradient(shape, dy, w, dx);
    }
    engine::run(&Machine::detect(), &geometry.input_gradient(dy, w, false), Output::new(dx), |_| ());
}

/// With few input channels (the stem's 3 colours) a product with the channels as its width would waste most of a vector.
/// Patches `dy * w^T` are computed whole then, some pixels at a time, and added to the pixels they came from.
fn scatter_gradient(shape: &ConvShape, dy: &[f32], w: &[f32], dx: &mut [f32]) {
    let machine = Machine::detect();
    let patches = Geometry::from(shape).patches(dy, w);
    let patches = Prepared::new(&machine, &patches);
    let image = shape.height * shape.width * shape.channels_in;
    dx.par_chunks_mut(image).enumerate().for_each(|(index, dx)| {
        dx.fill(0.0);
        scatter_image(shape, &patches, index, dx);
    });
}

fn scatter_image(shape: &ConvShape, patches: &Prepared, image: usize, dx: &mut [f32]) {
    let depth = shape.taps() * shape.channels_in;
    let pixels = shape.output_height() * shape.output_width();
    let mut block = Scratch::take(SCATTER_ROWS * depth);
    for start in (0..pixels).step_by(SCATTER_ROWS) {
        let end = pixels.min(start + SCATTER_ROWS);
        let rows = image * pixels + start..image * pixels + end;
        let origin = rows.start * depth;
        patches.run_task(&Task { rows, panels: patches.panels() }, Output::new(&mut block), origin, |_| ());
        vectorized(|| {
            for (pixel, patch) in (start..end).zip(block.chunks_exact(depth)) {
                scatter_patch(shape, pixel, patch, dx);
            }
        });
    }
}

#[inline(always)]
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
