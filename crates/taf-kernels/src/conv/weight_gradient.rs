use super::geometry::Geometry;
use super::{ConvShape, depthwise};
use crate::engine::{self, Machine};

/// Gradient with respect to the weights: `dw = patches(x)^T · dy`. Overwrites `dw`.
///
/// # Shapes
/// `x` and `dy` as input and output of [`conv2d_forward`](crate::conv2d_forward), `dw` as its weights.
///
/// # Panics
/// If a length does not fit the shape.
pub fn conv2d_weight_gradient(shape: &ConvShape, x: &[f32], dy: &[f32], dw: &mut [f32]) {
    shape.check(x.len(), dw.len(), dy.len());
    if shape.is_depthwise() {
        return depthwise::weight_gradient(shape, x, dy, dw);
    }
    let geometry = Geometry::from(shape);
    let x = geometry.widened(x);
    engine::reduce(&Machine::detect(), &geometry.weight_gradient(&x, dy), dw);
}
