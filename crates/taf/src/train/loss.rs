use burn::tensor::{Device, Tensor, TensorData, activation};

use crate::model::VideoOutput;

/// What the network should answer to each clip: `1 - smoothing` on its label plus `smoothing / classes` on every class, as
/// PyTorch. Rows of their own, since a target need not be one label.
///
/// # Shapes
/// - `labels`: one per clip; result: `[batch, classes]`, rows sum to 1
///
/// # Panics
/// If a label is no class.
pub fn soft_targets(labels: &[usize], classes: usize, smoothing: f64, device: &Device) -> Tensor<2> {
    let mut targets = vec![(smoothing / classes as f64) as f32; labels.len() * classes];
    for (row, &label) in labels.iter().enumerate() {
        assert!(label < classes, "label {label} of {classes} classes");
        targets[row * classes + label] += (1.0 - smoothing) as f32;
    }
    Tensor::from_data(TensorData::new(targets, [labels.len(), classes]), device)
}

/// What training minimises: the cross-entropy of the logits, plus that of the auxiliary logits at their weight.
pub fn classification_loss(output: &VideoOutput, targets: Tensor<2>) -> Tensor<1> {
    let loss = cross_entropy(output.logits.clone(), targets.clone());
    match &output.auxiliary {
        None => loss,
        Some(auxiliary) => loss + cross_entropy(auxiliary.logits.clone(), targets) * auxiliary.weight,
    }
}

/// Mean cross-entropy over the batch.
///
/// # Shapes
/// - `logits`, `targets`: `[batch, classes]`, the targets plain; result: a scalar
///
/// # Panics
/// If the shapes differ.
pub fn cross_entropy(logits: Tensor<2>, targets: Tensor<2>) -> Tensor<1> {
    let [batch, _] = logits.dims();
    assert_eq!(logits.dims(), targets.dims(), "one row of targets per row of logits");
    (activation::log_softmax(logits, 1) * targets).sum() / -(batch as f64)
}

/// Mean over the batch of how far answers are from others that stay as they are, `KL(softmax(fixed) ‖ softmax(logits))` in nats.
///
/// # Shapes
/// - `fixed`: `[batch, classes]`, plain; `logits`: the same; result: a scalar
///
/// # Panics
/// If the shapes differ.
pub fn divergence(fixed: Tensor<2>, logits: Tensor<2>) -> Tensor<1> {
    let (targets, log_targets) = (activation::softmax(fixed.clone(), 1), activation::log_softmax(fixed, 1));
    let [batch, _] = logits.dims();
    let negative_entropy = (targets.clone() * log_targets).sum() / batch as f64;
    cross_entropy(logits, targets) + negative_entropy
}

#[cfg(test)]
mod tests {
    use super::{cross_entropy, divergence, soft_targets};
    use burn::tensor::{Device, Tensor};

    #[test]
    fn it_equals_pytorchs_with_and_without_smoothing() {
        let logits = || Tensor::<2>::from_data([[1.0, 2.0, 0.5], [0.0, -1.0, 3.0]], &Device::flex());
        // torch.nn.functional.cross_entropy(logits, torch.tensor([1, 0]), label_smoothing=s)
        for (smoothing, expected) in [(0.0, 1.765_13), (0.1, 1.773_46)] {
            let targets = soft_targets(&[1, 0], 3, smoothing, &Device::flex());
            let loss = cross_entropy(logits(), targets).into_scalar::<f32>();
            assert!((loss - expected).abs() < 2e-5, "smoothing {smoothing}: {loss}");
        }
    }
    #[test]
    fn the_divergence_is_pytorchs_and_none_between_the_same_answers() {
        let tensor = |rows: [[f32; 3]; 2]| Tensor::<2>::from_data(rows, &Device::flex());
        let (fixed, logits) =
            (tensor([[1.0, 2.0, 0.5], [0.0, -1.0, 3.0]]), tensor([[0.2, 0.1, -0.4], [2.0, 0.3, 0.5]]));
        // torch.nn.KLDivLoss(reduction="batchmean")(log_softmax(logits, 1), softmax(fixed, 1))
        let found = divergence(fixed.clone(), logits).into_scalar::<f32>();
        assert!((found - 0.819_215).abs() < 2e-6, "{found}");
        assert!(divergence(fixed.clone(), fixed).into_scalar::<f32>().abs() < 1e-6);
    }
}
