use std::fs::File;
use std::io::{Read, Seek};

use safetensors::tensor::{Dtype, Metadata, TensorInfo};

use crate::error::{Fault, Result};
use crate::span::read_at;
use crate::tensor::{Number, Tensor};

/// Bytes of the longest safetensors header that is read: headers of the largest models take a few hundred kilobytes.
pub const LONGEST_HEADER: u64 = 16 << 20;

/// Whether a file begins as safetensors does: the header's length, and the header, which is JSON.
pub(crate) fn is_safetensors(start: &[u8]) -> bool {
    start.get(8) == Some(&b'{')
}

/// Reads the names and places of all tensors.
pub(crate) fn open(file: &mut File) -> Result<(u64, Metadata)> {
    let length = file.metadata()?.len();
    file.rewind()?;
    let mut size = [0; 8];
    file.read_exact(&mut size).map_err(|error| Fault::reading("a safetensors file", error))?;
    let header = u64::from_le_bytes(size);
    if header > LONGEST_HEADER || header + 8 > length {
        let expected = format!("a safetensors header of at most {LONGEST_HEADER} bytes within the file");
        return Err(Fault::content(expected, format!("{header} bytes in a file of {length}")));
    }
    let mut bytes = Vec::new();
    file.take(header).read_to_end(&mut bytes)?;
    let metadata = parse(&bytes)?;
    let (start, size) = (header + 8, metadata.data_len() as u64);
    if start.checked_add(size) != Some(length) {
        let expected = format!("a safetensors file of {start} bytes and {size} of values, as its header says");
        return Err(Fault::content(expected, format!("{length} bytes")));
    }
    Ok((start, metadata))
}

/// The library checks that tensors lie end to end, and that their sizes fit their shapes.
fn parse(header: &[u8]) -> Result<Metadata> {
    serde_json::from_slice(header)
        .map_err(|error| Fault::content("the header of a safetensors file", error.to_string()))
}

pub(crate) fn read_tensor(file: &mut File, data: u64, name: &str, info: &TensorInfo) -> Result<Tensor> {
    let number = number(info.dtype)
        .ok_or_else(|| Fault::content(format!("{name} of real numbers"), format!("{:?}", info.dtype)))?;
    let (start, end) = info.data_offsets;
    let bytes = read_at(file, data + start as u64, end - start, "the bytes of a tensor")?;
    Ok(Tensor { name: name.to_owned(), shape: info.shape.clone(), values: number.values(&bytes, name)? })
}

fn number(dtype: Dtype) -> Option<Number> {
    Some(match dtype {
        Dtype::F16 => Number::F16,
        Dtype::BF16 => Number::Bf16,
        Dtype::F32 => Number::F32,
        Dtype::F64 => Number::F64,
        Dtype::I8 => Number::I8,
        Dtype::U8 | Dtype::BOOL => Number::U8,
        Dtype::I16 => Number::I16,
        Dtype::I32 => Number::I32,
        Dtype::I64 => Number::I64,
        _ => return None,
    })
}
