use rayon::prelude::*;

use crate::simd::vectorized;

/// Floats per task.
const TASK: usize = 32 * 1024;

/// `x = min(x, ceiling)`; what is not a number stays so.
pub fn clamp_max_in_place(ceiling: f32, x: &mut [f32]) {
    x.par_chunks_mut(TASK).for_each(|x| {
        vectorized(|| x.iter_mut().for_each(|x| *x = if *x > ceiling { ceiling } else { *x }));
    });
}

/// Gradient of [`clamp_max_in_place`] from its output, in the memory of the output's gradient: zero where `y` is the ceiling.
///
/// # Panics
/// If the lengths differ.
pub fn clamp_max_backward_in_place(ceiling: f32, y: &[f32], dy: &mut [f32]) {
    assert_eq!(y.len(), dy.len(), "output and output gradient floats");
    dy.par_chunks_mut(TASK).zip(y.par_chunks(TASK)).for_each(|(dy, y)| {
        vectorized(|| dy.iter_mut().zip(y).for_each(|(dy, y)| *dy = if *y >= ceiling { 0.0 } else { *dy }));
    });
}

/// `from += share * (to - from)`.
///
/// # Panics
/// If the lengths differ.
pub fn lerp_assign(from: &mut [f32], to: &[f32], share: f32) {
    assert_eq!(from.len(), to.len(), "floats of both ends");
    from.par_chunks_mut(TASK).zip(to.par_chunks(TASK)).for_each(|(from, to)| {
        vectorized(|| from.iter_mut().zip(to).for_each(|(from, to)| *from += share * (to - *from)));
    });
}

/// `sum += x`.
///
/// # Panics
/// If the lengths differ.
pub fn add_assign(sum: &mut [f32], x: &[f32]) {
    assert_eq!(sum.len(), x.len(), "floats of the summands");
    sum.par_chunks_mut(TASK).zip(x.par_chunks(TASK)).for_each(|(sum, x)| {
        vectorized(|| sum.iter_mut().zip(x).for_each(|(sum, x)| *sum += x));
    });
}
