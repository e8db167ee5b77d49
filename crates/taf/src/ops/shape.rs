//! The same values in another shape or order. Models call these instead of Burn's own, which leave no trace of a pass.

use burn::tensor::{Device, Tensor};

use crate::trace::{self, Operation, input};

/// The same values in row-major order.
///
/// # Panics
/// If the shape holds another number of values.
pub fn reshape<const D: usize, const E: usize>(x: Tensor<D>, shape: [usize; E]) -> Tensor<E> {
    if trace::is_on() {
        assert_eq!(x.shape().num_elements(), shape.iter().product::<usize>(), "values of {shape:?}");
        return trace::record(Operation::Reshape, &[input(&x)], shape);
    }
    x.reshape(shape)
}

/// A tensor that is `value` everywhere.
pub fn filled<const D: usize>(shape: [usize; D], value: f32, device: &Device) -> Tensor<D> {
    if trace::is_on() { trace::record_filled(value, shape) } else { Tensor::full(shape, value, device) }
}

/// Axis `i` of the result is axis `axes[i]` of `x`.
pub fn permute<const D: usize>(x: Tensor<D>, axes: [usize; D]) -> Tensor<D> {
    if trace::is_on() {
        let (dims, order) = (x.dims(), axes.to_vec());
        return trace::record(Operation::Permute { axes: order }, &[input(&x)], axes.map(|axis| dims[axis]));
    }
    x.permute(axes.map(|axis| axis as isize))
}

/// One behind the other along an axis.
///
/// # Panics
/// If there are none.
pub fn concatenate<const D: usize>(parts: Vec<Tensor<D>>, axis: usize) -> Tensor<D> {
    if trace::is_on() {
        let mut shape = parts[0].dims();
        shape[axis] = parts.iter().map(|part| part.dims()[axis]).sum();
        let parts: Vec<_> = parts.iter().map(input).collect();
        return trace::record(Operation::Concatenate { axis }, &parts, shape);
    }
    Tensor::cat(parts, axis)
}

/// `length` of what lies along an axis, from `start` on.
///
/// # Panics
/// If there are fewer.
pub fn slice<const D: usize>(x: Tensor<D>, axis: usize, start: usize, length: usize) -> Tensor<D> {
    if trace::is_on() {
        let mut shape = x.dims();
        assert!(start + length <= shape[axis], "{length} from {start} on of {}", shape[axis]);
        shape[axis] = length;
        return trace::record(Operation::Slice { axis, start }, &[input(&x)], shape);
    }
    x.narrow(axis, start, length)
}
