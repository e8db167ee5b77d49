use std::cell::Cell;

use burn::backend::{
    Flex,
    flex::{FlexTensor, Layout},
};
use burn::tensor::{Bytes, DType, Shape, Tensor};

/// A tensor that only has a shape: its elements lie on each other in a few bytes of zeros.
///
/// Every axis has a stride of its own, so that a tensor that was permuted, flipped or sliced is not taken for the one it
/// was; and every placeholder has memory of its own, by whose address it is known.
pub(crate) fn placeholder<const D: usize>(shape: [usize; D]) -> Tensor<D> {
    let strides = || 1..=D;
    let last: usize = shape.iter().zip(strides()).map(|(&length, stride)| length.saturating_sub(1) * stride).sum();
    let layout = Layout::new(Shape::from(shape), strides().map(|stride| stride as isize).collect(), 0);
    let bytes = Bytes::from_elems(vec![0.0_f32; last + 1]);
    Tensor::from_primitive::<Flex>(FlexTensor::new(bytes, layout, DType::F32))
}

thread_local! {
    static WITHOUT_VALUES: Cell<bool> = const { Cell::new(false) };
}

/// Builds networks whose weights have shapes and no values: quickly, and in no memory.
pub(crate) fn without_values<R>(build: impl FnOnce() -> R) -> R {
    /// Goes back to what was, also when `build` panics.
    struct Restore(bool);
    impl Drop for Restore {
        fn drop(&mut self) {
            WITHOUT_VALUES.set(self.0);
        }
    }
    let _restore = Restore(WITHOUT_VALUES.replace(true));
    build()
}

/// Whether weights are made now that need no values.
pub(crate) fn values_wanted() -> bool {
    !WITHOUT_VALUES.get()
}

/// Where a tensor's memory begins, if it may be a placeholder, with the tensor that keeps the memory.
pub(super) fn primitive<const D: usize>(tensor: &Tensor<D>) -> Option<FlexTensor> {
    tensor.clone().try_into_primitive::<Flex>().ok()
}

/// Placeholders are told apart by this.
pub(super) fn address(tensor: &FlexTensor) -> usize {
    tensor.bytes().as_ptr().addr()
}
