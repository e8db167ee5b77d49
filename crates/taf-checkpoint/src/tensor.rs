use half::{bf16, f16};

use crate::error::{Fault, Result};

/// A named array of weights, row-major.
#[derive(Clone, Debug, PartialEq)]
pub struct Tensor {
    /// The key in the file, or where a layout has been applied the published name.
    pub name: String,
    /// Its size along each axis; empty for a single value.
    pub shape: Vec<usize>,
    /// Its values, as many as the product of `shape`.
    pub values: Vec<f32>,
}

/// Moves whole rows (slices along the first axis): row `i` of the result is row `sources[i]`.
///
/// # Panics
/// If a source is not a row of the tensor.
pub fn permute_rows(tensor: &Tensor, sources: &[usize]) -> Tensor {
    let width: usize = tensor.shape.iter().skip(1).product();
    let values = sources.iter().flat_map(|&row| &tensor.values[row * width..(row + 1) * width]).copied().collect();
    let shape = std::iter::once(sources.len()).chain(tensor.shape.iter().skip(1).copied()).collect();
    Tensor { name: tensor.name.clone(), shape, values }
}

/// How a number is stored, little-endian.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Number {
    F16,
    Bf16,
    F32,
    F64,
    I8,
    U8,
    I16,
    I32,
    I64,
}

impl Number {
    /// Bytes of one.
    pub(crate) fn size(self) -> usize {
        match self {
            Self::I8 | Self::U8 => 1,
            Self::F16 | Self::Bf16 | Self::I16 => 2,
            Self::F32 | Self::I32 => 4,
            Self::F64 | Self::I64 => 8,
        }
    }

    /// Reads `bytes` as numbers of this kind, refusing those that are not finite as f32.
    pub(crate) fn values(self, bytes: &[u8], tensor: &str) -> Result<Vec<f32>> {
        self.pick(bytes, 0..bytes.len() / self.size(), tensor)
    }

    /// Reads the numbers at `order` in `bytes`, counted in numbers, as [`values`](Self::values) does.
    ///
    /// # Panics
    /// If `order` leaves the bytes.
    pub(crate) fn pick(self, bytes: &[u8], order: impl Iterator<Item = usize>, tensor: &str) -> Result<Vec<f32>> {
        let values: Vec<f32> = match self {
            Self::I8 => each(bytes, order, |[byte]| f32::from(byte as i8)),
            Self::U8 => each(bytes, order, |[byte]| f32::from(byte)),
            Self::F16 => each(bytes, order, |b| f16::from_le_bytes(b).to_f32()),
            Self::Bf16 => each(bytes, order, |b| bf16::from_le_bytes(b).to_f32()),
            Self::F32 => each(bytes, order, f32::from_le_bytes),
            Self::F64 => each(bytes, order, |b| f64::from_le_bytes(b) as f32),
            Self::I16 => each(bytes, order, |b| f32::from(i16::from_le_bytes(b))),
            Self::I32 => each(bytes, order, |b| i32::from_le_bytes(b) as f32),
            Self::I64 => each(bytes, order, |b| i64::from_le_bytes(b) as f32),
        };
        match values.iter().find(|value| !value.is_finite()) {
            Some(&value) => Err(Fault::NotFinite { tensor: tensor.to_owned(), value }),
            None => Ok(values),
        }
    }
}

fn each<const N: usize>(bytes: &[u8], order: impl Iterator<Item = usize>, number: impl Fn([u8; N]) -> f32) -> Vec<f32> {
    let (chunks, _) = bytes.as_chunks();
    order.map(|at| number(chunks[at])).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_of_every_kind_become_f32() {
        let read = |number: Number, bytes: &[u8]| number.values(bytes, "x").unwrap();
        assert_eq!(read(Number::F16, &[0x00, 0x3e]), [1.5]);
        assert_eq!(read(Number::Bf16, &[0xc0, 0x3f]), [1.5]);
        assert_eq!(read(Number::F64, &1.5f64.to_le_bytes()), [1.5]);
        assert_eq!(read(Number::I64, &(-3i64).to_le_bytes()), [-3.0]);
        assert_eq!(read(Number::I8, &[0xff, 2]), [-1.0, 2.0]);
    }

    #[test]
    fn a_number_too_large_for_f32_is_not_finite() {
        let error = Number::F64.values(&1e300f64.to_le_bytes(), "conv1.weight").unwrap_err();
        assert_eq!(error.to_string(), "expected finite weights, found inf in conv1.weight");
    }

    #[test]
    fn rows_are_moved_whole() {
        let tensor = Tensor { name: "w".into(), shape: vec![3, 2], values: vec![0., 1., 10., 11., 20., 21.] };
        let moved = permute_rows(&tensor, &[2, 0]);
        assert_eq!((moved.shape, moved.values), (vec![2, 2], vec![20., 21., 0., 1.]));
    }
}
