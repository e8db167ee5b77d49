use crate::{ConvShape, Epilogue, conv2d_forward_with};

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
