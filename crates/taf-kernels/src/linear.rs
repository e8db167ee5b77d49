use rayon::prelude::*;

use crate::simd::vectorized;
use crate::{ConvShape, Epilogue, conv2d_forward_with, conv2d_input_gradient, conv2d_weight_gradient};

/// Sizes of a fully connected layer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct LinearShape {
    /// Number of feature vectors.
    pub rows: usize,
    /// Features of each.
    pub inputs: usize,
    /// Outputs of each.
    pub outputs: usize,
}

impl LinearShape {
    /// The 1x1 convolution over single pixels that this layer is.
    fn as_conv(&self) -> ConvShape {
        ConvShape {
            batch: self.rows,
            height: 1,
            width: 1,
            channels_in: self.inputs,
            channels_out: self.outputs,
            kernel: [1, 1],
            stride: [1, 1],
            padding: [0, 0],
            groups: 1,
            shift: None,
        }
    }
}

/// `y = x · w + bias`.
///
/// # Shapes
/// `x` `[rows, inputs]`, `w` `[inputs, outputs]` (the transpose of PyTorch's), `bias` `[outputs]`, `y` `[rows, outputs]`.
///
/// # Panics
/// If a length does not fit the shape.
pub fn linear_forward(shape: &LinearShape, x: &[f32], w: &[f32], bias: Option<&[f32]>, y: &mut [f32]) {
    conv2d_forward_with(&shape.as_conv(), x, w, &Epilogue { bias, ..Epilogue::default() }, y);
}

/// `dx = dy · w^T`. Overwrites `dx`.
///
/// # Panics
/// If a length does not fit the shape.
pub fn linear_input_gradient(shape: &LinearShape, dy: &[f32], w: &[f32], dx: &mut [f32]) {
    conv2d_input_gradient(&shape.as_conv(), dy, w, dx);
}

/// `dw = x^T · dy`. Overwrites `dw`.
///
/// # Panics
/// If a length does not fit the shape.
pub fn linear_weight_gradient(shape: &LinearShape, x: &[f32], dy: &[f32], dw: &mut [f32]) {
    conv2d_weight_gradient(&shape.as_conv(), x, dy, dw);
}

/// `dbias` = the sum of `dy` `[.., outputs]` over all but the last axis. Overwrites `dbias`.
///
/// # Panics
/// If `dy` is not whole rows of `dbias`.
pub fn bias_gradient(dy: &[f32], dbias: &mut [f32]) {
    let outputs = dbias.len();
    assert!(outputs > 0 && dy.len().is_multiple_of(outputs), "{} floats are not rows of {outputs}", dy.len());
    let task = (TASK_FLOATS / outputs).max(1) * outputs;
    let sums: Vec<Vec<f32>> = dy.par_chunks(task).map(|rows| sum_rows(rows, outputs)).collect();
    dbias.fill(0.0);
    for sum in &sums {
        dbias.iter_mut().zip(sum).for_each(|(total, sum)| *total += sum);
    }
}

const TASK_FLOATS: usize = 64 * 1024;

fn sum_rows(rows: &[f32], outputs: usize) -> Vec<f32> {
    let mut sums = vec![0.0; outputs];
    vectorized(|| {
        for row in rows.chunks_exact(outputs) {
            sums.iter_mut().zip(row).for_each(|(sum, value)| *sum += value);
        }
    });
    sums
}
