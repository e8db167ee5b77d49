use std::borrow::Cow;

use safetensors::tensor::{Dtype, View, serialize};

use crate::tensor::Tensor;

/// The bytes of a safetensors file with these tensors as f32, and with `counters`: whole numbers of no axes, all 0, as
/// PyTorch's batch norms want them for the batches they have seen.
///
/// # Panics
/// If a name occurs twice or a tensor's values do not fill its shape.
pub fn to_safetensors(tensors: &[Tensor], counters: &[String]) -> Vec<u8> {
    let floats = tensors.iter().map(|tensor| (tensor.name.clone(), Stored::floats(tensor)));
    let counters = counters.iter().map(|name| (name.clone(), Stored::counter()));
    let stored: Vec<_> = floats.chain(counters).collect();
    serialize(stored, None).expect("names are unique and values fill their shapes")
}

struct Stored<'a> {
    dtype: Dtype,
    shape: &'a [usize],
    values: Cow<'a, [f32]>,
}

impl<'a> Stored<'a> {
    fn floats(tensor: &'a Tensor) -> Self {
        Self { dtype: Dtype::F32, shape: &tensor.shape, values: Cow::Borrowed(&tensor.values) }
    }

    /// An i64 of 0, whose bytes are those of two floats of 0.
    fn counter() -> Self {
        Self { dtype: Dtype::I64, shape: &[], values: Cow::Borrowed(&[0.0, 0.0]) }
    }
}

impl View for Stored<'_> {
    fn dtype(&self) -> Dtype {
        self.dtype
    }

    fn shape(&self) -> &[usize] {
        self.shape
    }

    fn data(&self) -> Cow<'_, [u8]> {
        Cow::Owned(self.values.iter().flat_map(|value| value.to_le_bytes()).collect())
    }

    fn data_len(&self) -> usize {
        4 * self.values.len()
    }
}
