use rayon::prelude::*;

use crate::channels::Cut;
use crate::simd::vectorized;

/// `y = relu?(x * scale + shift + residual)`, `scale` and `shift` per channel: batch norm with fixed statistics.
///
/// # Shapes
/// `x`, `y` and `residual` `[.., channels]`; `scale` and `shift` `[channels]`.
///
/// # Panics
/// If the lengths do not fit together.
pub fn scale_shift(x: &[f32], scale: &[f32], shift: &[f32], residual: Option<&[f32]>, relu: bool, y: &mut [f32]) {
    let cut = Cut::new(x.len(), scale.len());
    assert_eq!(shift.len(), scale.len(), "channels of the shift");
    assert_eq!(y.len(), x.len(), "output floats");
    if let Some(residual) = residual {
        assert_eq!(residual.len(), x.len(), "residual floats");
    }
    let [scale, shift] = [cut.spread(scale), cut.spread(shift)];
    y.par_chunks_mut(cut.task).enumerate().for_each(|(task, y)| {
        let range = cut.range(task);
        let residual = residual.map(|residual| &residual[range.clone()]);
        apply(&x[range], &scale, &shift, residual, relu, y);
    });
}

fn apply(x: &[f32], scale: &[f32], shift: &[f32], residual: Option<&[f32]>, relu: bool, y: &mut [f32]) {
    let floor = if relu { 0.0 } else { f32::NEG_INFINITY };
    vectorized(|| match residual {
        Some(residual) => {
            let rows = x.chunks(scale.len()).zip(residual.chunks(scale.len())).zip(y.chunks_mut(scale.len()));
            for ((x, residual), y) in rows {
                for ((((y, x), r), scale), shift) in y.iter_mut().zip(x).zip(residual).zip(scale).zip(shift) {
                    *y = at_least(x * scale + shift + r, floor);
                }
            }
        }
        None => {
            for (x, y) in x.chunks(scale.len()).zip(y.chunks_mut(scale.len())) {
                for (((y, x), scale), shift) in y.iter_mut().zip(x).zip(scale).zip(shift) {
                    *y = at_least(x * scale + shift, floor);
                }
            }
        }
    });
}

/// As `max`, but a value that is not a number stays one, so that a diverged network shows.
#[inline(always)]
pub(crate) fn at_least(value: f32, floor: f32) -> f32 {
    if value < floor { floor } else { value }
}

/// Gradients of [`scale_shift`]: `dx = g * scale` and `dresidual = g`, where `g = dy` with the ReLU's zeros.
///
/// `relu_output` is the `y` of the forward pass if it had a ReLU. Overwrites `dx` and `dresidual`.
///
/// # Panics
/// If the lengths do not fit together.
pub fn scale_shift_input_gradient(
    dy: &[f32],
    scale: &[f32],
    relu_output: Option<&[f32]>,
    dx: &mut [f32],
    dresidual: Option<&mut [f32]>,
) {
    let cut = Cut::new(dy.len(), scale.len());
    assert_eq!(dx.len(), dy.len(), "input gradient floats");
    assert_eq!(relu_output.map_or(dy.len(), <[f32]>::len), dy.len(), "output floats");
    assert_eq!(dresidual.as_ref().map_or(dy.len(), |d| d.len()), dy.len(), "residual gradient floats");
    let scale = cut.spread(scale);
    let parts = cut.parts(dresidual);
    dx.par_chunks_mut(cut.task).zip(parts).enumerate().for_each(|(task, (dx, dresidual))| {
        let range = cut.range(task);
        let y = relu_output.map(|y| &y[range.clone()]);
        vectorized(|| {
            masked(&dy[range], y, dx);
            if let Some(dresidual) = dresidual {
                dresidual.copy_from_slice(dx);
            }
            for dx in dx.chunks_mut(scale.len()) {
                dx.iter_mut().zip(&scale).for_each(|(dx, scale)| *dx *= scale);
            }
        });
    });
}

/// `g = dy`, zero where the ReLU's output is zero.
#[inline(always)]
pub(crate) fn masked(dy: &[f32], relu_output: Option<&[f32]>, g: &mut [f32]) {
    match relu_output {
        Some(y) => {
            for ((g, dy), y) in g.iter_mut().zip(dy).zip(y) {
                *g = if *y > 0.0 { *dy } else { 0.0 };
            }
        }
        None => g.copy_from_slice(dy),
    }
}
