use burn::tensor::{Tensor, TensorData, activation};

use crate::model::VideoOutput;

/// What training minimises: the cross-entropy of the logits, plus that of the auxiliary logits at their weight.
pub fn classification_loss(output: &VideoOutput, labels: &[usize], smoothing: f64) -> Tensor<1> {
    let loss = cross_entropy(output.logits.clone(), labels, smoothing);
    match &output.auxiliary {
        None => loss,
        Some(auxiliary) => loss + cross_entropy(auxiliary.logits.clone(), labels, smoothing) * auxiliary.weight,
    }
}

/// Mean cross-entropy over the batch, with label smoothing: the target is `1 - smoothing` on the label plus
/// `smoothing / classes` on every class, as PyTorch.
///
/// # Shapes
/// - `logits`: `[batch, classes]`; `labels`: one per row; result: a scalar
///
/// # Panics
/// If the number of labels differs from the rows, or a label is no class.
pub fn cross_entropy(logits: Tensor<2>, labels: &[usize], smoothing: f64) -> Tensor<1> {
    let [batch, classes] = logits.dims();
    assert_eq!(labels.len(), batch, "one label per row of logits");
    let mut targets = vec![(smoothing / classes as f64) as f32; batch * classes];
    for (row, &label) in labels.iter().enumerate() {
        assert!(label < classes, "label {label} of {classes} classes");
        targets[row * classes + label] += (1.0 - smoothing) as f32;
    }
    let targets = Tensor::from_data(TensorData::new(targets, [batch, classes]), &logits.device().without_autodiff());
    (activation::log_softmax(logits, 1) * targets).sum() / -(batch as f64)
}

#[cfg(test)]
mod tests {
    use super::cross_entropy;
    use burn::tensor::{Device, Tensor};

    #[test]
    fn it_equals_pytorchs_with_and_without_smoothing() {
        let logits = || Tensor::<2>::from_data([[1.0, 2.0, 0.5], [0.0, -1.0, 3.0]], &Device::flex());
        // torch.nn.functional.cross_entropy(logits, torch.tensor([1, 0]), label_smoothing=s)
        for (smoothing, expected) in [(0.0, 1.765_13), (0.1, 1.773_46)] {
            let loss = cross_entropy(logits(), &[1, 0], smoothing).into_scalar::<f32>();
            assert!((loss - expected).abs() < 2e-5, "smoothing {smoothing}: {loss}");
        }
    }
}
