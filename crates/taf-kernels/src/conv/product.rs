use rayon::prelude::*;

use super::patches::Patches;
use crate::matrix::{Matrix, MatrixMut, Store, Tile, multiply, tile_columns};
use crate::scratch::Scratch;

/// Most grid positions per task. More of them reread the weights less often; a gathered tile of this many rows and
/// [`DEPTH`] columns takes 512 KiB, about half a second-level cache.
pub(super) const TILE_ROWS: usize = 256;
/// Most patch columns gathered at a time.
const DEPTH: usize = 512;

/// `out = patches · weights`, tile by tile; `finish` sees each tile while it is still in the cache.
///
/// # Shapes
/// `weights` `[patch columns, n]`, `out` `[patch rows, n]`.
pub(crate) fn multiply_patches(
    patches: &Patches,
    source: &[f32],
    weights: Matrix,
    out: MatrixMut,
    finish: impl Fn(&mut Tile) + Sync,
) {
    let rows = slice_width(out.rows(), TILE_ROWS);
    let columns = tile_columns(out.rows(), out.columns(), rows);
    out.tiles(rows, columns).into_par_iter().for_each(|mut tile| {
        multiply_tile(patches, source, weights, &mut tile);
        finish(&mut tile);
    });
}

fn multiply_tile(patches: &Patches, source: &[f32], weights: Matrix, tile: &mut Tile) {
    let depth = patches.columns();
    let weights = weights.block(0..depth, tile.columns.clone());
    if let Some(plain) = patches.as_matrix(source) {
        let rows = plain.block(tile.rows.clone(), 0..depth);
        return multiply(rows, weights, &mut tile.view, Store::Replace);
    }
    let slice = slice_width(depth, DEPTH);
    let mut gathered = Scratch::take(tile.rows.len() * slice);
    for start in (0..depth).step_by(slice) {
        let columns = start..depth.min(start + slice);
        let block = &mut gathered[..tile.rows.len() * columns.len()];
        patches.gather(source, tile.rows.clone(), columns.clone(), block);
        let block = Matrix::new(block, tile.rows.len(), columns.len());
        let store = if start == 0 { Store::Replace } else { Store::Add };
        let width = weights.columns();
        multiply(block, weights.block(columns, 0..width), &mut tile.view, store);
    }
}

/// Width of equal slices of at most about `most`.
pub(crate) fn slice_width(total: usize, most: usize) -> usize {
    total.div_ceil(total.div_ceil(most).max(1)).next_multiple_of(8).min(total).max(1)
}
