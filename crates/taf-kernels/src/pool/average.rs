use rayon::prelude::*;

use crate::simd::vectorized;

/// Mean over the pixels of each picture.
///
/// # Shapes
/// `x` `[batch, pixels, channels]`, `y` `[batch, channels]`; the batch follows from `y`.
///
/// # Panics
/// If the lengths do not fit together or there is no pixel.
pub fn global_average_pool_forward(pixels: usize, channels: usize, x: &[f32], y: &mut [f32]) {
    check(pixels, channels, x.len(), y.len());
    let pairs = y.par_chunks_mut(channels).zip(x.par_chunks(pixels * channels));
    pairs.for_each(|(mean, picture)| {
        vectorized(|| {
            mean.fill(0.0);
            for pixel in picture.chunks_exact(channels) {
                mean.iter_mut().zip(pixel).for_each(|(sum, x)| *sum += x);
            }
            mean.iter_mut().for_each(|sum| *sum /= pixels as f32);
        });
    });
}

/// Gradient of [`global_average_pool_forward`]: every pixel gets an equal share. Overwrites `dx`.
///
/// # Panics
/// As [`global_average_pool_forward`].
pub fn global_average_pool_backward(pixels: usize, channels: usize, dy: &[f32], dx: &mut [f32]) {
    check(pixels, channels, dx.len(), dy.len());
    let pairs = dx.par_chunks_mut(pixels * channels).zip(dy.par_chunks(channels));
    pairs.for_each(|(picture, dy)| {
        vectorized(|| {
            for pixel in picture.chunks_exact_mut(channels) {
                pixel.iter_mut().zip(dy).for_each(|(dx, dy)| *dx = dy / pixels as f32);
            }
        });
    });
}

fn check(pixels: usize, channels: usize, full: usize, pooled: usize) {
    assert!(pixels > 0 && channels > 0, "pooling needs pixels and channels, got {pixels} and {channels}");
    assert!(pooled.is_multiple_of(channels), "{pooled} pooled floats are not whole rows of {channels} channels");
    assert_eq!(full, pooled * pixels, "floats of {} pictures of {pixels} pixels", pooled / channels);
}
