//! What the composed bodies share, and whether they are wanted in place of the kernels.
//!
//! A composed body says an operation with Burn's primitives: the reference on the CPU and the way on every other device.

use std::cell::Cell;

use burn::backend::{Backend, TensorMetadata, tensor::FloatTensor};
use burn::tensor::{FloatDType, Shape, Slice};

thread_local! {
    static WANTED: Cell<bool> = const { Cell::new(false) };
}

/// Runs `work` on this thread with the composed bodies instead of the kernels, so that the two can be compared.
pub fn with_composed_ops<R>(work: impl FnOnce() -> R) -> R {
    with_composed(true, work)
}

pub(super) fn with_composed<R>(wanted: bool, work: impl FnOnce() -> R) -> R {
    /// Goes back to what was, also when `work` panics.
    struct Restore(bool);
    impl Drop for Restore {
        fn drop(&mut self) {
            WANTED.set(self.0);
        }
    }
    let _restore = Restore(WANTED.replace(wanted));
    work()
}

pub(super) fn composed_wanted() -> bool {
    WANTED.get()
}

/// Channels-last images as Burn's own operations take them.
pub(super) fn to_nchw<B: Backend>(x: FloatTensor<B>) -> FloatTensor<B> {
    B::float_permute(x, &[0, 3, 1, 2])
}

pub(super) fn to_nhwc<B: Backend>(x: FloatTensor<B>) -> FloatTensor<B> {
    B::float_permute(x, &[0, 2, 3, 1])
}

/// Frame `t` of the result is frame `t + 1` (`from_next`) or `t - 1` of `x`, `[clips, frames, pixels, channels]`.
pub(super) fn shift_by_one<B: Backend>(x: FloatTensor<B>, from_next: bool) -> FloatTensor<B> {
    let frames = x.shape()[1];
    let mut gap = x.shape();
    gap[1] = 1;
    let gap = B::float_zeros(gap, &x.device(), FloatDType::F32);
    let parts =
        if from_next { vec![take::<B>(x, 1, 1, frames), gap] } else { vec![gap, take::<B>(x, 1, 0, frames - 1)] };
    B::float_cat(parts.into_iter().filter(|part| part.shape().num_elements() > 0).collect(), 1)
}

pub(super) fn take<B: Backend>(x: FloatTensor<B>, axis: usize, from: usize, to: usize) -> FloatTensor<B> {
    let mut slices = vec![Slice::full(); x.shape().num_dims()];
    slices[axis] = Slice::from(from..to);
    B::float_slice(x, &slices)
}

/// Sum over all axes but the last: `[channels]`.
pub(super) fn sum_rows<B: Backend>(x: FloatTensor<B>) -> FloatTensor<B> {
    as_vector::<B>(B::float_sum_dim(as_rows::<B>(x), 0))
}

/// `[..., channels]` as `[rows, channels]`.
pub(super) fn as_rows<B: Backend>(x: FloatTensor<B>) -> FloatTensor<B> {
    let dims = x.shape();
    let channels = dims[dims.num_dims() - 1];
    B::float_reshape(x, Shape::new([dims.num_elements() / channels, channels]))
}

pub(super) fn as_row<B: Backend>(vector: FloatTensor<B>) -> FloatTensor<B> {
    let channels = vector.shape().num_elements();
    B::float_reshape(vector, Shape::new([1, channels]))
}

pub(super) fn as_vector<B: Backend>(row: FloatTensor<B>) -> FloatTensor<B> {
    let channels = row.shape().num_elements();
    B::float_reshape(row, Shape::new([channels]))
}
