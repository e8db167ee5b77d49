use burn::tensor::{Device, Int, Tensor, TensorData};
use taf_report::metrics::highest;

use crate::ops::values;

/// The class each row of logits is highest for; of equals the lowest index.
pub fn predictions(logits: &Tensor<2>) -> Vec<usize> {
    let [_, classes] = logits.dims();
    values(logits.clone()).chunks(classes).map(highest).collect()
}

/// Classes as a tensor of numbers.
pub(crate) fn class_tensor(classes: &[usize], device: &Device) -> Tensor<1, Int> {
    let classes: Vec<i64> = classes.iter().map(|&class| class as i64).collect();
    let count = classes.len();
    Tensor::from_data(TensorData::new(classes, [count]), device)
}
