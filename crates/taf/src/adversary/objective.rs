use burn::tensor::{Tensor, TensorData, activation};
use serde::{Deserialize, Serialize};

use crate::attention::SMALLEST_ATTENTION;
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

    /// The objective of each clip, `[batch]`, from its attention now and on the natural clip (both `[batch, time]`).
    ///
    /// # Panics
    /// For objectives that are not functions of the attention.
    pub fn of_attention(self, attention: Tensor<2>, natural: Tensor<2>) -> Tensor<1> {
        let [batch, _] = attention.dims();
        let per_frame = match self {
            Self::Shift => {
                let mass = (attention * minor_frames(natural)).sum_dim(1);
                return mass.clamp_min(SMALLEST_ATTENTION).log().reshape([batch]);
            }
            Self::Entropy => attention.clone() * -log(attention),
            Self::Divergence => natural.clone() * (log(natural) - log(attention)),
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

fn log(attention: Tensor<2>) -> Tensor<2> {
    attention.clamp_min(SMALLEST_ATTENTION).log()
}

/// 1 for the `floor(time / 2)` frames with the least attention, else 0; of equals the earlier frame counts as lesser.
///
/// # Shapes
/// - `attention` and result: `[batch, time]`; the result is a constant
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
