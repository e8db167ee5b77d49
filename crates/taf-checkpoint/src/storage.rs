use crate::error::{Fault, Result};
use crate::tensor::{Number, Tensor};

/// Most axes a weight has; PyTorch's convolutions have five.
const MOST_AXES: usize = 8;

/// Where a tensor's values lie, in elements of its storage.
#[derive(Clone, Debug)]
pub(crate) struct Place {
    pub(crate) storage: String,
    pub(crate) number: Number,
    /// How many elements the pickle says its storage has.
    pub(crate) stored: u64,
    pub(crate) offset: u64,
    pub(crate) shape: Vec<u64>,
    pub(crate) strides: Vec<u64>,
}

/// The bytes behind storages.
pub(crate) trait Storages {
    /// `count` bytes of the storage from its byte `first` on.
    fn bytes(&mut self, storage: &str, first: u64, count: u64) -> Result<Vec<u8>>;
}

impl Place {
    /// How many values the tensor has.
    pub(crate) fn count(&self, name: &str) -> Result<u64> {
        let count = self.shape.iter().try_fold(1u64, |count, &size| count.checked_mul(size));
        count.ok_or_else(|| Fault::content(format!("{name} to have a size that fits memory"), self.found()))
    }

    /// Refuses places that reach beyond their storage.
    pub(crate) fn check(&self, name: &str) -> Result<()> {
        let axes = self.shape.len();
        if axes > MOST_AXES || axes != self.strides.len() {
            return Err(Fault::content(
                format!("{name} to have at most {MOST_AXES} axes with a stride each"),
                self.found(),
            ));
        }
        if self.count(name)? == 0 {
            return Ok(());
        }
        match self.end() {
            Some(end) if end <= self.stored => Ok(()),
            _ => {
                let expected =
                    format!("{name} to lie within the {} values of its storage {:?}", self.stored, self.storage);
                Err(Fault::content(expected, self.found()))
            }
        }
    }

    /// How much reading it takes: its values, or the elements it is spread over.
    pub(crate) fn effort(&self, name: &str) -> Result<u64> {
        let count = self.count(name)?;
        let span = if count == 0 { 0 } else { self.end().unwrap_or(u64::MAX).saturating_sub(self.offset) };
        Ok(count.max(span))
    }

    /// The element behind the last.
    fn end(&self) -> Option<u64> {
        let steps = self.shape.iter().zip(&self.strides);
        let reach = |end: u64, (&size, &stride): (&u64, &u64)| end.checked_add((size - 1).checked_mul(stride)?);
        steps.map(Some).try_fold(self.offset, |end, step| reach(end, step?))?.checked_add(1)
    }

    fn found(&self) -> String {
        format!("shape {:?} with strides {:?} from {}", self.shape, self.strides, self.offset)
    }

    /// Reads the tensor, row-major. The place must have been checked.
    pub(crate) fn read(&self, name: &str, storages: &mut dyn Storages) -> Result<Tensor> {
        let shape = self.shape.iter().map(|&size| size as usize).collect();
        let values = match self.count(name)? {
            0 => Vec::new(),
            count => self.read_values(name, count as usize, storages)?,
        };
        Ok(Tensor { name: name.to_owned(), shape, values })
    }

    fn read_values(&self, name: &str, count: usize, storages: &mut dyn Storages) -> Result<Vec<f32>> {
        let size = self.number.size() as u64;
        let outside = || Fault::content(format!("{name} to lie within its storage"), self.found());
        let span = self.end().ok_or_else(outside)? - self.offset;
        let range = self.offset.checked_mul(size).zip(span.checked_mul(size)).ok_or_else(outside)?;
        let bytes = storages.bytes(&self.storage, range.0, range.1)?;
        if self.is_row_major() {
            self.number.values(&bytes, name)
        } else {
            self.number.pick(&bytes, self.order(count), name)
        }
    }

    fn is_row_major(&self) -> bool {
        let mut expected = 1;
        self.shape.iter().zip(&self.strides).rev().all(|(&size, &stride)| {
            let fits = size == 1 || stride == expected;
            expected *= size;
            fits
        })
    }

    /// Which elements, from the first on, are its values in their order.
    fn order(&self, count: usize) -> impl Iterator<Item = usize> {
        let mut index = vec![0; self.shape.len()];
        (0..count).map(move |_| {
            let at: u64 = index.iter().zip(&self.strides).map(|(index, stride)| index * stride).sum();
            self.advance(&mut index);
            at as usize
        })
    }

    fn advance(&self, index: &mut [u64]) {
        for (index, &size) in index.iter_mut().zip(&self.shape).rev() {
            *index += 1;
            if *index < size {
                break;
            }
            *index = 0;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Counting;

    impl Storages for Counting {
        fn bytes(&mut self, _: &str, first: u64, count: u64) -> Result<Vec<u8>> {
            Ok((first..first + count).map(|byte| byte as u8).collect())
        }
    }

    fn place(offset: u64, shape: &[u64], strides: &[u64]) -> Place {
        let (shape, strides) = (shape.to_vec(), strides.to_vec());
        Place { storage: "0".into(), number: Number::U8, stored: 100, offset, shape, strides }
    }

    #[test]
    fn transposed_tensors_are_read_row_by_row() {
        let tensor = place(1, &[2, 3], &[1, 2]).read("w", &mut Counting).unwrap();
        assert_eq!(tensor.values, [1., 3., 5., 2., 4., 6.]);
    }

    #[test]
    fn tensors_of_no_axes_and_of_no_values_are_read() {
        assert_eq!(place(7, &[], &[]).read("w", &mut Counting).unwrap().values, [7.]);
        let empty = place(0, &[0, 5], &[5, 1]);
        empty.check("w").unwrap();
        assert!(empty.read("w", &mut Counting).unwrap().values.is_empty());
    }

    #[test]
    fn places_beyond_the_storage_are_refused() {
        place(0, &[100], &[1]).check("w").unwrap();
        for bad in [
            place(1, &[100], &[1]),
            place(0, &[2, 2], &[99, 1]),
            place(0, &[u64::MAX, u64::MAX], &[1, 1]),
            place(0, &[2, 2], &[u64::MAX, u64::MAX]),
            place(u64::MAX, &[2], &[1]),
            place(0, &[2; 9], &[0; 9]),
            place(0, &[2], &[1, 1]),
        ] {
            assert!(bad.check("w").unwrap_err().to_string().contains("w to"), "{bad:?}");
        }
    }
}
