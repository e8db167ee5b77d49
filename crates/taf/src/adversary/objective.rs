use burn::tensor::{Tensor, TensorData, activation};
use serde::{Deserialize, Serialize};

use crate::ops::values;
use taf_report::metrics::neglected_frames;

/// What a perturbation maximises, summed over the clips of a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Objective {
    /// `log Σ_{t in Ω} a_t`: attention moves to Ω, the `floor(T / 2)` frames that had the least of it on the natural clip.
    Shift,
    /// `-Σ a_t log a_t` in nats: attention evens out.
    Entropy,
    /// `KL(natural attention ‖ a)`: attention moves anywhere else. Flat at the natural clip, so it needs a random start.
    Divergence,
    /// Cross-entropy at the attended class (the label by default): conventional adversarial augmentation, the baseline.
    CrossEntropy,
    /// No objective: a random perturbation of full size, the control.
    Noise,
    /// No perturbation: plain fine-tuning.
    None,
}

impl Objective {
    /// Whether it takes gradients of the network.
    pub fn uses_gradient(self) -> bool {
        !matches!(self, Self::Noise | Self::None)
    }

    /// The objective of each clip, `[batch]`, from the logarithms of its attention now and on the natural clip (both
    /// `[batch, time]`). Logarithms, since the attention of a frame may be too small for a float and still have a slope.
    ///
    /// # Panics
    /// For objectives that are not functions of the attention.
    pub fn of_log_attention(self, attention: Tensor<2>, natural: Tensor<2>) -> Tensor<1> {
        let [batch, _] = attention.dims();
        let per_frame = match self {
            Self::Shift => return log_sum_exp(attention, minor_frames(natural)),
            Self::Entropy => attention.clone().exp() * -attention,
            Self::Divergence => natural.clone().exp() * (natural - attention),
            Self::CrossEntropy | Self::Noise | Self::None => {
                unreachable!("{self:?} is not a function of the attention")
            }
        };
        per_frame.sum_dim(1).reshape([batch])
    }

    /// The cross-entropy of each clip at `classes`, `[batch]`.
    pub fn of_logits(logits: Tensor<2>, classes: &[usize]) -> Tensor<1> {
        let [batch, _] = logits.dims();
        let device = logits.device();
        let classes = classes.iter().map(|&class| class as i64).collect();
        let classes = Tensor::from_data(TensorData::new::<i64, _>(classes, [batch, 1]), &device);
        -activation::log_softmax(logits, 1).gather(1, classes).reshape([batch])
    }
}

/// So low that its exponential is nothing beside that of any logarithm of an attention.
const LOWEST: f64 = 1e30;

/// `log Σ exp` over the frames where `mask` is 1, `[batch, time]` to `[batch]`.
fn log_sum_exp(values: Tensor<2>, mask: Tensor<2>) -> Tensor<1> {
    let [batch, _] = values.dims();
    let kept = values + (mask - 1.0) * LOWEST;
    let highest = kept.clone().detach().max_dim(1);
    ((kept - highest.clone()).exp().sum_dim(1).log() + highest).reshape([batch])
}

/// 1 for the `floor(time / 2)` frames with the least attention, else 0; of equals the earlier frame counts as lesser.
///
/// # Shapes
/// - `attention`, or its logarithm, and result: `[batch, time]`; the result is a constant
pub fn minor_frames(attention: Tensor<2>) -> Tensor<2> {
    let (shape, device) = (attention.dims(), attention.device());
    let mask = values(attention).chunks(shape[1]).flat_map(minor_mask).collect();
    Tensor::from_data(TensorData::new::<f32, _>(mask, shape), &device)
}

fn minor_mask(attention: &[f32]) -> Vec<f32> {
    let mut mask = vec![0.0; attention.len()];
    neglected_frames(attention).into_iter().for_each(|frame| mask[frame] = 1.0);
    mask
}

#[cfg(test)]
mod tests {
    use super::Objective;
    use crate::ops::values;
    use burn::tensor::{Device, Tensor, activation};

    /// The value of an objective and its slope at the evidence, for attention that lies on the second of four frames.
    fn at_peaked_attention(objective: Objective, gap: f32) -> (f32, Vec<f32>) {
        let evidence = Tensor::<2>::from_data([[0.0, gap, 2.0, 1.0]], &Device::flex()).autodiff().require_grad();
        let natural = activation::log_softmax(Tensor::<2>::from_data([[1.0, gap, 0.0, 2.0]], &Device::flex()), 1);
        let value = objective.of_log_attention(activation::log_softmax(evidence.clone(), 1), natural).sum();
        let slope = evidence.grad(&value.backward()).expect("the evidence is tracked");
        (value.inner().into_scalar::<f32>(), values(slope))
    }

    #[test]
    fn the_minor_frames_have_a_slope_however_peaked_attention_is() {
        for gap in [10.0, 40.0, 500.0] {
            let (value, slope) = at_peaked_attention(Objective::Shift, gap);
            // Of the frames 1 and 3, which are the minor ones: log(e^0 + e^2) - log(sum over all).
            let expected = (1.0_f32 + 2.0_f32.exp()).ln() - gap;
            assert!((value - expected).abs() < 1e-3 * gap, "{value} for {expected} at {gap}");
            assert!(slope[0] > 0.1 && slope[1] < -0.9 && slope[2] > 0.8, "{slope:?} at {gap}");
        }
    }

    #[test]
    fn a_divergence_from_peaked_attention_is_finite() {
        let (value, slope) = at_peaked_attention(Objective::Divergence, 500.0);
        assert!(value.is_finite() && slope.iter().all(|slope| slope.is_finite()), "{value} {slope:?}");
    }
}
