use std::collections::BTreeMap;

use pulp::{Simd, WithSimd};

use super::geometry::Geometry;
use super::{ConvShape, conv2d_forward};
use crate::BatchStatistics;
use crate::batch_norm::Moments;
use crate::engine::{self, Done, Machine, Output, Product};

/// [`conv2d_forward`], and the statistics of `y` for the batch norm that follows, taken from each tile while it is hot.
///
/// Each tile sums the distances to its first pixel, no more than the root of its few hundred pixels in standard
/// deviations from its mean, and their squares; tiles are merged in f64 in a fixed order.
///
/// # Panics
/// As [`conv2d_forward`]; and if `y` is empty.
pub fn conv2d_forward_statistics(
    shape: &ConvShape,
    x: &[f32],
    w: &[f32],
    epsilon: f32,
    y: &mut [f32],
) -> BatchStatistics {
    shape.check(x.len(), w.len(), y.len());
    if shape.is_depthwise() {
        conv2d_forward(shape, x, w, y);
        return BatchStatistics::of(y, shape.channels_out, epsilon);
    }
    let geometry = Geometry::from(shape);
    let x = geometry.widened(x);
    run_with_statistics(&geometry.forward(&x, w), epsilon, y)
}

/// Runs products that fill `y` between them.
pub(super) fn run_with_statistics(products: &[Product], epsilon: f32, y: &mut [f32]) -> BatchStatistics {
    assert!(!y.is_empty(), "statistics of at least one pixel");
    let machine = Machine::detect();
    let tiles = engine::run(&machine, products, Output::new(y), |done| {
        (done.channels.start, machine.arch.dispatch(TileMoments(&done)))
    });
    merge(tiles).finish(epsilon)
}

/// Moments of all channels from those of tiles, each with its first channel.
fn merge(tiles: Vec<(usize, Moments)>) -> Moments {
    let mut runs = BTreeMap::<usize, Moments>::new();
    for (start, tile) in tiles {
        match runs.get_mut(&start) {
            Some(run) => run.merge(&tile),
            None => drop(runs.insert(start, tile)),
        }
    }
    runs.into_values().reduce(Moments::beside).expect("at least one channel")
}

struct TileMoments<'a, 'b>(&'a Done<'b>);

/// Vectors summed at a time: a pivot, a sum and a sum of squares each stay in registers.
const VECTORS: usize = 4;

impl WithSimd for TileMoments<'_, '_> {
    type Output = Moments;

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) -> Moments {
        let Self(done) = self;
        let pivot = done.pixel(0);
        let [mut sums, mut squares] = [vec![0.0; pivot.len()], vec![0.0; pivot.len()]];
        let wide = VECTORS * S::F32_LANES;
        let whole = pivot.len() / wide;
        for part in 0..whole {
            let place = part * wide..(part + 1) * wide;
            let [sum, square] = sum_vectors(simd, done, part);
            S::as_mut_simd_f32s(&mut sums[place.clone()]).0.copy_from_slice(&sum);
            S::as_mut_simd_f32s(&mut squares[place]).0.copy_from_slice(&square);
        }
        for index in 0..done.len() {
            let values = done.pixel(index).iter().zip(pivot).zip(sums.iter_mut().zip(&mut squares));
            for ((value, pivot), (sum, square)) in values.skip(whole * wide) {
                *sum += value - pivot;
                *square += (value - pivot) * (value - pivot);
            }
        }
        let [sums, squares] = [sums, squares].map(|sums| sums.into_iter().map(f64::from).collect::<Vec<f64>>());
        Moments::about_pivot(done.len() as f64, pivot, &sums, &squares)
    }
}

/// The sums and sums of squares of one part of a tile's channels.
#[inline(always)]
fn sum_vectors<S: Simd>(simd: S, done: &Done, part: usize) -> [[S::f32s; VECTORS]; 2] {
    let vectors = |index: usize| -> &[S::f32s; VECTORS] {
        let all = S::as_simd_f32s(done.pixel(index)).0;
        all[part * VECTORS..].first_chunk().expect("a whole part")
    };
    let pivot = *vectors(0);
    let mut sums = [simd.splat_f32s(0.0); VECTORS];
    let mut squares = sums;
    for index in 0..done.len() {
        let values = vectors(index);
        for v in 0..VECTORS {
            let apart = simd.sub_f32s(values[v], pivot[v]);
            sums[v] = simd.add_f32s(sums[v], apart);
            squares[v] = simd.mul_add_e_f32s(apart, apart, squares[v]);
        }
    }
    [sums, squares]
}
