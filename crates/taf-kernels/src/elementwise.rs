use rayon::prelude::*;

use crate::simd::vectorized;

/// Floats per task.
const TASK: usize = 32 * 1024;

/// `y = max(x, 0)`; what is not a number stays so.
///
/// # Panics
/// If the lengths differ.
pub fn relu_forward(x: &[f32], y: &mut [f32]) {
    assert_eq!(x.len(), y.len(), "input and output floats");
    y.par_chunks_mut(TASK).zip(x.par_chunks(TASK)).for_each(|(y, x)| {
        vectorized(|| y.iter_mut().zip(x).for_each(|(y, x)| *y = if *x < 0.0 { 0.0 } else { *x }));
    });
}

/// Gradient of [`relu_forward`] from its output: `dy` where `y` is above zero, else zero. Overwrites `dx`.
///
/// # Panics
/// If the lengths differ.
pub fn relu_backward(y: &[f32], dy: &[f32], dx: &mut [f32]) {
    assert_eq!((y.len(), dy.len()), (dx.len(), dx.len()), "output, output gradient and input gradient floats");
    let parts = dx.par_chunks_mut(TASK).zip(dy.par_chunks(TASK)).zip(y.par_chunks(TASK));
    parts.for_each(|((dx, dy), y)| vectorized(|| behind(y, dy, dx)));
}

/// `x = min(x, ceiling)`; what is not a number stays so.
pub fn cut_in_place(ceiling: f32, x: &mut [f32]) {
    x.par_chunks_mut(TASK).for_each(|x| {
        vectorized(|| x.iter_mut().for_each(|x| *x = if *x > ceiling { ceiling } else { *x }));
    });
}

/// Gradient of [`cut_in_place`] from its output, in the memory of the output's gradient: zero where `y` was cut.
///
/// # Panics
/// If the lengths differ.
pub fn cut_backward_in_place(ceiling: f32, y: &[f32], dy: &mut [f32]) {
    assert_eq!(y.len(), dy.len(), "output and output gradient floats");
    dy.par_chunks_mut(TASK).zip(y.par_chunks(TASK)).for_each(|(dy, y)| {
        vectorized(|| dy.iter_mut().zip(y).for_each(|(dy, y)| *dy = if *y >= ceiling { 0.0 } else { *dy }));
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

/// What is not a number lets the gradient pass, as in PyTorch.
#[inline(always)]
fn behind(y: &[f32], dy: &[f32], dx: &mut [f32]) {
    dx.iter_mut().zip(dy).zip(y).for_each(|((dx, dy), y)| *dx = if *y <= 0.0 { 0.0 } else { *dy });
}
