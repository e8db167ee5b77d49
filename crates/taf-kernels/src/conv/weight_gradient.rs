use std::ops::Range;

use rayon::prelude::*;

use super::patches::Patches;
use super::product::slice_width;
use super::{ConvShape, depthwise};
use crate::matrix::{Matrix, MatrixMut, Store, Tile, multiply};
use crate::scratch::Scratch;
use crate::simd::vectorized;

/// Parts the output pixels are cut into where the gradient is too small to give every thread a part of it.
const PIXEL_PARTS: usize = 8;
/// A gradient up to this many floats (512 KiB) is summed in parts over pixels.
const SMALL_GRADIENT: usize = 128 * 1024;
/// Fewest pixels worth a part of their own.
const PART_PIXELS: usize = 256;
/// Floats gathered at a time: 192 KiB.
const GATHERED: usize = 48 * 1024;

/// Gradient with respect to the weights: `dw = patches(x)^T · dy`. Overwrites `dw`.
///
/// # Shapes
/// `x` and `dy` as input and output of [`conv2d_forward`](crate::conv2d_forward), `dw` as its weights.
///
/// # Panics
/// If a length does not fit the shape.
pub fn conv2d_weight_gradient(shape: &ConvShape, x: &[f32], dy: &[f32], dw: &mut [f32]) {
    shape.check(x.len(), dw.len(), dy.len());
    if shape.is_depthwise() {
        return depthwise::weight_gradient(shape, x, dy, dw);
    }
    let pixels = shape.output_pixels();
    let depth = shape.taps() * shape.group_channels_in();
    for group in 0..shape.groups {
        let patches = Patches::of_input(shape, group);
        let dy = Matrix::new(dy, pixels, shape.channels_out).block(0..pixels, shape.group_outputs(group));
        let dw = MatrixMut::new(dw, depth, shape.channels_out).into_columns(shape.group_outputs(group));
        let parts = (pixels / PART_PIXELS).min(PIXEL_PARTS);
        if depth * shape.group_channels_out() <= SMALL_GRADIENT && parts > 1 {
            sum_over_parts(&patches, x, dy, dw, parts);
        } else {
            split_over_tiles(&patches, x, dy, dw);
        }
    }
}

/// Every task owns a tile of the gradient and reads all pixels.
fn split_over_tiles(patches: &Patches, x: &[f32], dy: Matrix, dw: MatrixMut) {
    let tile_rows = slice_width(dw.rows(), dw.rows().div_ceil(8).clamp(64, 256));
    dw.tiles(tile_rows, 512).into_par_iter().for_each(|mut tile| {
        let dy = dy.block(0..dy.rows(), tile.columns.clone());
        accumulate(patches, x, dy, 0..patches.rows(), &mut tile);
    });
}

/// Every task sums some of the pixels into its own copy; the copies are then added in a fixed order.
fn sum_over_parts(patches: &Patches, x: &[f32], dy: Matrix, dw: MatrixMut, parts: usize) {
    let (depth, width) = (dw.rows(), dw.columns());
    let mut copies = Scratch::take(parts * depth * width);
    copies.par_chunks_mut(depth * width).enumerate().for_each(|(part, copy)| {
        let pixels = part * patches.rows() / parts..(part + 1) * patches.rows() / parts;
        let view = MatrixMut::new(copy, depth, width);
        accumulate(patches, x, dy, pixels, &mut Tile { view, rows: 0..depth, columns: 0..width });
    });
    let task_rows = depth.div_ceil(PIXEL_PARTS);
    dw.tiles(task_rows, width).into_par_iter().for_each(|mut tile| {
        for (index, row) in tile.rows.enumerate() {
            let sum = tile.view.row_mut(index);
            add_copies(copies.chunks_exact(depth * width).map(|copy| &copy[row * width..(row + 1) * width]), sum);
        }
    });
}

fn add_copies<'a>(copies: impl Iterator<Item = &'a [f32]>, sum: &mut [f32]) {
    vectorized(|| {
        sum.fill(0.0);
        for copy in copies {
            sum.iter_mut().zip(copy).for_each(|(sum, value)| *sum += value);
        }
    });
}

/// `tile = patches[pixels, tile rows]^T · dy[pixels, ..]`.
fn accumulate(patches: &Patches, x: &[f32], dy: Matrix, pixels: Range<usize>, tile: &mut Tile) {
    let outputs = dy.columns();
    if let Some(plain) = patches.as_matrix(x) {
        let block = plain.block(pixels.clone(), tile.rows.clone());
        return multiply(block.transposed(), dy.block(pixels, 0..outputs), &mut tile.view, Store::Replace);
    }
    let width = tile.rows.len();
    let step = slice_width(pixels.len(), (GATHERED / width).max(64));
    let mut gathered = Scratch::take(step * width);
    for start in pixels.clone().step_by(step) {
        let rows = start..pixels.end.min(start + step);
        let block = &mut gathered[..rows.len() * width];
        patches.gather(x, rows.clone(), tile.rows.clone(), block);
        let block = Matrix::new(block, rows.len(), width).transposed();
        let store = if start == pixels.start { Store::Replace } else { Store::Add };
        multiply(block, dy.block(rows, 0..outputs), &mut tile.view, store);
    }
}
