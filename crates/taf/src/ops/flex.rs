//! From tensors of the CPU device to the slices of `taf-kernels` and back, and what a profile calls the kernels.

use burn::backend::{
    Flex, TensorMetadata,
    flex::{FlexTensor, Layout},
};
use burn::tensor::{Bytes, DType, Shape};

use super::Optional;
use super::memory::Buffer;
use crate::profile::{self, Operation};

/// A tensor whose elements lie in memory in their logical order.
pub(super) struct Dense(pub(super) FlexTensor);

impl Dense {
    pub(super) fn new(tensor: FlexTensor) -> Self {
        assert_eq!(tensor.dtype(), DType::F32, "the kernels compute in f32");
        Self(if tensor.is_contiguous() { tensor } else { tensor.to_contiguous() })
    }

    pub(super) fn optional(tensor: Optional<Flex>) -> Option<Self> {
        tensor.into_option().map(Self::new)
    }

    pub(super) fn values(&self) -> &[f32] {
        self.0.as_slice().expect("the tensor was made contiguous")
    }

    pub(super) fn shape(&self) -> Shape {
        self.0.shape()
    }

    pub(super) fn channels(&self) -> usize {
        let shape = self.0.shape();
        shape[shape.num_dims() - 1]
    }

    /// A tensor of this one's shape.
    pub(super) fn like(&self, fill: impl FnOnce(&mut [f32])) -> FlexTensor {
        output(self.0.shape(), fill)
    }

    /// One or two tensors of this one's shape.
    pub(super) fn like_with(
        &self,
        second: bool,
        fill: impl FnOnce(&mut [f32], Option<&mut [f32]>),
    ) -> (FlexTensor, Option<FlexTensor>) {
        if !second {
            return (self.like(|first| fill(first, None)), None);
        }
        let mut other = None;
        let first = self.like(|first| other = Some(self.like(|second| fill(first, Some(second)))));
        (first, other)
    }
}

/// `tensor` as `change` leaves it: in its own memory where nobody else holds that, else in a copy.
pub(super) fn overwritten(tensor: FlexTensor, change: impl FnOnce(&mut [f32])) -> FlexTensor {
    let Dense(mut tensor) = Dense::new(tensor);
    if tensor.is_unique() && tensor.storage::<f32>().len() == tensor.shape().num_elements() {
        change(tensor.storage_mut());
        return tensor;
    }
    let tensor = Dense(tensor);
    tensor.like(|copy| {
        copy.copy_from_slice(tensor.values());
        change(copy);
    })
}

/// A new tensor, written by `fill`, which must not read what was there.
pub(super) fn output(shape: Shape, fill: impl FnOnce(&mut [f32])) -> FlexTensor {
    let mut buffer = Buffer::take(shape.num_elements());
    fill(buffer.values_mut());
    FlexTensor::new(buffer.into_bytes(), Layout::contiguous(shape), DType::F32)
}

pub(super) fn vector(values: Vec<f32>) -> FlexTensor {
    let shape = Shape::new([values.len()]);
    FlexTensor::new(Bytes::from_elems(values), Layout::contiguous(shape), DType::F32)
}

/// Counts a kernel that computes: a convolution of so many operations.
pub(super) fn computing<R>(
    pass: &'static str,
    flops: u64,
    layer: impl FnOnce() -> String,
    work: impl FnOnce() -> R,
) -> R {
    profile::operation(|| Operation { name: "convolution", pass, layer: layer(), flops }, work)
}

/// As the names of layers end where they stride.
pub(super) fn strides(stride: usize) -> String {
    if stride == 1 { String::new() } else { format!(", stride {stride}") }
}

/// Counts a kernel that reads and writes, by the dimensions of what it works on.
pub(super) fn memory_bound<R>(name: &'static str, pass: &'static str, dims: Shape, work: impl FnOnce() -> R) -> R {
    let layer = || dims.iter().map(usize::to_string).collect::<Vec<_>>().join("x");
    profile::operation(|| Operation { name, pass, layer: layer(), flops: 0 }, work)
}
