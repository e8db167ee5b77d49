use super::geometry::Geometry;
use super::{ConvShape, Epilogue, depthwise};
use crate::engine::{self, Machine, Output};

/// Convolution without bias: `y = conv(x, w)`, the cross-correlation every framework means by it.
///
/// # Shapes
/// `x` `[batch, height, width, channels_in]`, `w` `[kernel_height, kernel_width, channels_in / groups, channels_out]`,
/// `y` `[batch, output_height, output_width, channels_out]`.
///
/// # Panics
/// If a length does not fit the shape, or the shape itself does not [`ConvShape::validate`].
pub fn conv2d_forward(shape: &ConvShape, x: &[f32], w: &[f32], y: &mut [f32]) {
    conv2d_forward_with(shape, x, w, &Epilogue::default(), y);
}

/// [`conv2d_forward`] with bias, residual sum and ReLU applied to each tile while it is hot.
///
/// # Panics
/// As [`conv2d_forward`]; and if a part of the epilogue has the wrong length.
pub fn conv2d_forward_with(shape: &ConvShape, x: &[f32], w: &[f32], epilogue: &Epilogue, y: &mut [f32]) {
    shape.check(x.len(), w.len(), y.len());
    epilogue.check(shape.channels_out, y.len());
    if shape.is_depthwise() {
        return depthwise::forward(shape, x, w, epilogue, y);
    }
    let geometry = Geometry::from(shape);
    let x = geometry.widened(x);
    engine::run(&Machine::detect(), &geometry.forward(&x, w), Output::new(y), |done| epilogue.finish(done));
}
