//! Arithmetic value by value. Models call these instead of Burn's own, which leave no trace of a pass.

use burn::tensor::{Tensor, activation};

use crate::trace::{self, Operation, input};

/// `a + b`; an axis of 1 in either is repeated.
pub fn add<const D: usize>(a: Tensor<D>, b: Tensor<D>) -> Tensor<D> {
    if trace::is_on() { both(Operation::Add, &a, &b) } else { a + b }
}

/// `a - b`; an axis of 1 in either is repeated.
pub fn subtract<const D: usize>(a: Tensor<D>, b: Tensor<D>) -> Tensor<D> {
    if trace::is_on() { both(Operation::Subtract, &a, &b) } else { a - b }
}

/// `a * b`; an axis of 1 in either is repeated.
pub fn multiply<const D: usize>(a: Tensor<D>, b: Tensor<D>) -> Tensor<D> {
    if trace::is_on() { both(Operation::Multiply, &a, &b) } else { a * b }
}

/// `max(x, 0)`
pub fn relu<const D: usize>(x: Tensor<D>) -> Tensor<D> {
    if trace::is_on() { each(Operation::Relu, &x) } else { activation::relu(x) }
}

/// `1 / (1 + exp(-x))`
pub fn sigmoid<const D: usize>(x: Tensor<D>) -> Tensor<D> {
    if trace::is_on() { each(Operation::Sigmoid, &x) } else { activation::sigmoid(x) }
}

/// Positive values along the last axis that sum to 1.
pub fn softmax<const D: usize>(x: Tensor<D>) -> Tensor<D> {
    if trace::is_on() { each(Operation::Softmax, &x) } else { activation::softmax(x, D - 1) }
}

fn each<const D: usize>(operation: Operation, x: &Tensor<D>) -> Tensor<D> {
    trace::record(operation, &[input(x)], x.dims())
}

fn both<const D: usize>(operation: Operation, a: &Tensor<D>, b: &Tensor<D>) -> Tensor<D> {
    let mut shape = a.dims();
    for (length, other) in shape.iter_mut().zip(b.dims()) {
        assert!(*length == other || *length == 1 || other == 1, "{:?} and {:?} fit together", a.dims(), b.dims());
        *length = (*length).max(other);
    }
    trace::record(operation, &[input(a), input(b)], shape)
}
