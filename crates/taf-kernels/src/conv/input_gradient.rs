use rayon::prelude::*;

use super::patches::Patches;
use super::product::{TILE_ROWS, multiply_patches};
use super::{ConvShape, depthwise};
use crate::matrix::{Matrix, MatrixMut, Store, multiply};
use crate::scratch::Scratch;

/// With fewer input channels than this (the stem's 3 colours) a product with the channels as its width wastes most of a
/// vector; patches are then computed whole and added up instead.
const FEW_CHANNELS: usize = 12;
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
    } else if shape.groups == 1 && shape.channels_in < FEW_CHANNELS {
        scatter_gradient(shape, dy, w, dx);
    } else {
        gather_gradient(shape, dy, w, dx);
    }
}

/// Every input pixel collects from the output pixels that read it. Those of one phase (the position modulo the stride)
/// are read by the same taps, so each phase is a convolution over `dy` with step 1 and some of the taps, reversed.
fn gather_gradient(shape: &ConvShape, dy: &[f32], w: &[f32], dx: &mut [f32]) {
    for group in 0..shape.groups {
        for vertical in Phase::all(shape, 0) {
            for horizontal in Phase::all(shape, 1) {
                gather_phase(shape, group, [vertical, horizontal], dy, w, dx);
            }
        }
    }
}

fn gather_phase(shape: &ConvShape, group: usize, phase: [Phase; 2], dy: &[f32], w: &[f32], dx: &mut [f32]) {
    let inputs = shape.group_inputs(group);
    let patches = phase_patches(shape, group, phase);
    if patches.columns() == 0 {
        return spread_phase(shape, group, phase, None, dx);
    }
    let mut reversed;
    let weights = if shape.taps() == 1 && patches.rows() <= TILE_ROWS {
        // Each weight is used by one tile alone, which may as well read it against the grain.
        let all = Matrix::new(w, inputs.len(), shape.channels_out);
        all.block(0..inputs.len(), shape.group_outputs(group)).transposed()
    } else {
        reversed = Scratch::take(patches.columns() * inputs.len());
        reverse_weights(shape, group, phase, w, &mut reversed);
        Matrix::new(&reversed, patches.columns(), inputs.len())
    };
    if shape.stride == [1, 1] {
        let out = MatrixMut::new(dx, patches.rows(), shape.channels_in).into_columns(inputs);
        multiply_patches(&patches, dy, weights, out, |_| ());
    } else {
        let mut compact = Scratch::take(patches.rows() * inputs.len());
        let out = MatrixMut::new(&mut compact, patches.rows(), inputs.len());
        multiply_patches(&patches, dy, weights, out, |_| ());
        spread_phase(shape, group, phase, Some(&compact), dx);
    }
}

fn phase_patches(shape: &ConvShape, group: usize, phase: [Phase; 2]) -> Patches {
    Patches {
        images: shape.batch,
        source: [shape.output_height(), shape.output_width()],
        pixel_stride: shape.channels_out,
        channels: shape.group_outputs(group),
        grid: phase.map(|axis| axis.length),
        step: [1, 1],
        first: phase.map(|axis| axis.first),
        extent: phase.map(|axis| axis.taps),
    }
}

/// The input positions `start, start + stride, ..` of one axis, and the window over `dy` each of them collects from.
#[derive(Clone, Copy, Debug)]
struct Phase {
    start: usize,
    /// Number of positions.
    length: usize,
    /// The smallest tap that reads these positions; the others follow `stride` apart.
    tap: usize,
    taps: usize,
    /// Where the window starts, relative to the position's number.
    first: isize,
}

impl Phase {
    fn all(shape: &ConvShape, axis: usize) -> impl Iterator<Item = Self> {
        let [stride, kernel, padding] = [shape.stride[axis], shape.kernel[axis], shape.padding[axis]];
        let side = [shape.height, shape.width][axis];
        (0..stride.min(side)).map(move |start| {
            let tap = (start + padding) % stride;
            let taps = kernel.saturating_sub(tap).div_ceil(stride);
            // Output `o` reads input `o * stride + tap - padding`: the smallest tap belongs to the last output.
            let last = ((start + padding - tap) / stride) as isize;
            Self { start, length: (side - start).div_ceil(stride), tap, taps, first: last - (taps as isize - 1) }
        })
    }

    /// The kernel tap at place `index` of the window.
    fn kernel_tap(&self, index: usize, stride: usize) -> usize {
        self.tap + (self.taps - 1 - index) * stride
    }
}

/// The taps of a phase in the order of its window, `[window taps, channels_out / groups, channels_in / groups]`: read
/// once here instead of by every tile against the grain.
fn reverse_weights(shape: &ConvShape, group: usize, phase: [Phase; 2], w: &[f32], reversed: &mut [f32]) {
    let (inputs, outputs) = (shape.group_channels_in(), shape.group_outputs(group));
    if reversed.is_empty() {
        return;
    }
    reversed.par_chunks_mut(outputs.len() * inputs).enumerate().for_each(|(index, tap)| {
        let row = phase[0].kernel_tap(index / phase[1].taps, shape.stride[0]);
        let column = phase[1].kernel_tap(index % phase[1].taps, shape.stride[1]);
        let start = (row * shape.kernel[1] + column) * inputs * shape.channels_out;
        let from = &w[start..start + inputs * shape.channels_out];
        tap.par_chunks_mut(BLOCK * inputs).enumerate().for_each(|(part, to)| {
            transpose(from, shape.channels_out, outputs.start + part * BLOCK, inputs, to);
        });
    });
}

/// Side of the blocks weights are transposed in: one cache line.
const BLOCK: usize = 16;

/// `to[o, i] = from[i, first + o]` for `inputs` rows of `stride` floats and up to [`BLOCK`] values of `o`.
fn transpose(from: &[f32], stride: usize, first: usize, inputs: usize, to: &mut [f32]) {
    for start in (0..inputs).step_by(BLOCK) {
        for (o, row) in to.chunks_exact_mut(inputs).enumerate() {
            let column = from[start * stride + first + o..].iter().step_by(stride);
            row[start..inputs.min(start + BLOCK)].iter_mut().zip(column).for_each(|(to, from)| *to = *from);
        }
    }
}

/// Puts the pixels of one phase at their places in `dx`; zeros if no tap reads them.
fn spread_phase(shape: &ConvShape, group: usize, phase: [Phase; 2], compact: Option<&[f32]>, dx: &mut [f32]) {
    let [vertical, horizontal] = phase;
    let inputs = shape.group_inputs(group);
    let compact_row = horizontal.length * inputs.len();
    dx.par_chunks_mut(shape.width * shape.channels_in).enumerate().with_min_len(4).for_each(|(row, pixels)| {
        let (image, y) = (row / shape.height, row % shape.height);
        if y % shape.stride[0] != vertical.start {
            return;
        }
        let places = pixels.chunks_exact_mut(shape.channels_in).skip(horizontal.start).step_by(shape.stride[1]);
        let places = places.map(|pixel| &mut pixel[inputs.clone()]);
        match compact {
            Some(compact) => {
                let from = (image * vertical.length + y / shape.stride[0]) * compact_row;
                let values = compact[from..from + compact_row].chunks_exact(inputs.len());
                places.zip(values).for_each(|(place, values)| place.copy_from_slice(values));
            }
            None => places.for_each(|place| place.fill(0.0)),
        }
    });
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
