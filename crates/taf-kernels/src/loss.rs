use rayon::prelude::*;

/// Mean softmax cross-entropy over a batch, and its gradient.
///
/// With smoothing `s` over `K` classes the target is `1 - s + s / K` for the label and `s / K` for the others, as in
/// PyTorch. `gradient` is the slope of the mean with respect to the logits; it is overwritten.
///
/// # Shapes
/// `logits` and `gradient` `[labels.len(), classes]`.
///
/// # Panics
/// If a label is not below `classes`, the smoothing not in [0, 1], there is no label, or a length does not fit.
pub fn softmax_cross_entropy(
    logits: &[f32],
    labels: &[usize],
    classes: usize,
    smoothing: f32,
    gradient: Option<&mut [f32]>,
) -> f32 {
    assert!(!labels.is_empty() && classes > 0, "a loss needs at least one row and one class");
    assert!((0.0..=1.0).contains(&smoothing), "the label smoothing must lie in [0, 1], got {smoothing}");
    assert_eq!(logits.len(), labels.len() * classes, "logits of {} rows of {classes} classes", labels.len());
    if let Some(label) = labels.iter().find(|label| **label >= classes) {
        panic!("labels must lie below {classes}, got {label}");
    }
    let rows = logits.par_chunks(classes).zip(labels);
    let losses: Vec<f64> = rows.map(|(row, &label)| row_loss(row, label, f64::from(smoothing))).collect();
    if let Some(gradient) = gradient {
        assert_eq!(gradient.len(), logits.len(), "floats of the gradient");
        let share = 1.0 / labels.len() as f64;
        gradient
            .par_chunks_mut(classes)
            .zip(logits.par_chunks(classes))
            .zip(labels)
            .for_each(|((gradient, row), &label)| row_gradient(row, label, f64::from(smoothing), share, gradient));
    }
    (losses.iter().sum::<f64>() / labels.len() as f64) as f32
}

fn row_loss(row: &[f32], label: usize, smoothing: f64) -> f64 {
    let (largest, sum) = exponentials(row);
    let log_sum = largest + sum.ln();
    let mean = row.iter().map(|&logit| f64::from(logit)).sum::<f64>() / row.len() as f64;
    log_sum - (1.0 - smoothing) * f64::from(row[label]) - smoothing * mean
}

fn row_gradient(row: &[f32], label: usize, smoothing: f64, share: f64, gradient: &mut [f32]) {
    let (largest, sum) = exponentials(row);
    let other = smoothing / row.len() as f64;
    for (class, (gradient, &logit)) in gradient.iter_mut().zip(row).enumerate() {
        let target = if class == label { 1.0 - smoothing + other } else { other };
        *gradient = (((f64::from(logit) - largest).exp() / sum - target) * share) as f32;
    }
}

/// The largest logit, and the sum of the exponentials relative to it, which cannot overflow.
fn exponentials(row: &[f32]) -> (f64, f64) {
    let largest = f64::from(row.iter().copied().fold(f32::NEG_INFINITY, f32::max));
    (largest, row.iter().map(|&logit| (f64::from(logit) - largest).exp()).sum())
}
