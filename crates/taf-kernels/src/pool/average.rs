use pulp::Simd;
use rayon::prelude::*;

use crate::channels::Division;
use crate::lanes::Lanes;
use crate::sweep::{Body, Total, sweep};

/// Mean over the pixels of each picture; over the pixels of all frames of a clip if those count as one picture.
///
/// # Shapes
/// `x` `[batch, pixels, channels]`, `y` `[batch, channels]`; the batch follows from `y`.
///
/// # Panics
/// If the lengths do not fit together or there is no pixel.
pub fn global_average_pool_forward(pixels: usize, channels: usize, x: &[f32], y: &mut [f32]) {
    check(pixels, channels, x.len(), y.len());
    let division = Division::new(pixels * channels, channels);
    y.par_chunks_mut(channels).zip(x.par_chunks(pixels * channels)).for_each(|(mean, picture)| {
        let [sums] = sweep(&division, [picture], [], [], &Total);
        mean.iter_mut().zip(sums).for_each(|(mean, sum)| *mean = (sum / pixels as f64) as f32);
    });
}

/// Gradient of [`global_average_pool_forward`]: every pixel gets an equal share. Overwrites `dx`.
///
/// # Panics
/// As [`global_average_pool_forward`].
pub fn global_average_pool_backward(pixels: usize, channels: usize, dy: &[f32], dx: &mut [f32]) {
    check(pixels, channels, dx.len(), dy.len());
    let division = Division::new(pixels * channels, channels);
    dx.par_chunks_mut(pixels * channels).zip(dy.par_chunks(channels)).for_each(|(picture, dy)| {
        let share: Vec<f32> = dy.iter().map(|dy| dy / pixels as f32).collect();
        sweep(&division, [], [picture], [&share], &Same);
    });
}

/// The constant itself.
struct Same;

impl Body<0, 1, 1, 0> for Same {
    #[inline(always)]
    fn apply<V: Simd>(
        &self,
        _: [Lanes<V>; 1],
        _: [Lanes<V>; 0],
        constants: [Lanes<V>; 1],
    ) -> ([Lanes<V>; 1], [Lanes<V>; 0]) {
        (constants, [])
    }
}

fn check(pixels: usize, channels: usize, full: usize, pooled: usize) {
    assert!(pixels > 0 && channels > 0, "pooling needs pixels and channels, got {pixels} and {channels}");
    assert!(pooled.is_multiple_of(channels), "{pooled} pooled floats are not whole rows of {channels} channels");
    assert_eq!(full, pooled * pixels, "floats of {} pictures of {pixels} pixels", pooled / channels);
}
