//! Perturbations of a clip, within a small pixel budget, that move what a network attends to.

mod objective;
mod scale;
mod step;

pub use objective::{Objective, minor_frames};
pub(crate) use scale::reduced_side;
pub use step::Norm;

use burn::tensor::Tensor;
use serde::{Deserialize, Serialize};

use crate::attention::{TemporalAttention, class_activation_map};
use crate::model::{Branch, Pass, Statistics, VideoModel, VideoOutput, class_tensor, predictions};
use crate::ops::{on_workers, values};
use crate::setting::SettingError;

/// The class whose evidence makes the attention.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum AttendedClass {
    /// The clip's label.
    Label,
    /// What the network answers to the natural clip at its full size.
    Prediction,
}

/// Temporal adversarial augmentation (Duan et al., IJCAI 2023): projected gradient ascent on a function of the temporal
/// attention. Settings are in pixel units of [0, 1]; `Default` is the recipe that docs/method.md justifies.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct TemporalAdversary {
    /// What to maximise; default `shift`.
    pub objective: Objective,
    /// How attention is read from the network.
    pub attention: TemporalAttention,
    /// Radius of the ball around the natural clip, in (0, 1] for L∞; default 4/255.
    pub epsilon: f64,
    /// Length of one step; default `epsilon`, which is right for one step.
    pub step_size: Option<f64>,
    /// Ascent steps, at least 1; default 1. Each costs a forward pass and a gradient to the pixels.
    pub steps: usize,
    /// Norm of the ball; default `linf`.
    pub norm: Norm,
    /// Share of the clips' side at which gradients are taken, in (0, 1]; default 1. Below 1 the network looks at clips averaged
    /// down to that side, and its gradient is enlarged before it makes a step; ball and range stay those of the clip's own
    /// pixels. Crafting then costs about the square of it, and most of the effect is lost: docs/method.md.
    pub scale: f64,
    /// Start at a random point of the ball rather than at the natural clip; costs one more forward pass. Default false.
    pub random_start: bool,
    /// The class attended to; default `label`.
    pub class: AttendedClass,
    /// Batch-norm statistics while crafting; default `running`.
    pub statistics: Statistics,
    /// Batch-norm branch while crafting; default `main`.
    pub branch: Branch,
}

impl Default for TemporalAdversary {
    fn default() -> Self {
        Self {
            objective: Objective::Shift,
            attention: TemporalAttention::default(),
            epsilon: 4.0 / 255.0,
            step_size: None,
            steps: 1,
            norm: Norm::Linf,
            scale: 1.0,
            random_start: false,
            class: AttendedClass::Label,
            statistics: Statistics::Running,
            branch: Branch::Main,
        }
    }
}

/// Perturbed clips and what the network attended to before.
#[derive(Clone, Debug)]
pub struct Perturbed {
    /// `[batch, time, 3, height, width]` in [0, 1], within the budget of the natural clips. Never tracked.
    pub clips: Tensor<5>,
    /// The classes attended to, one per clip.
    pub classes: Vec<usize>,
    /// Attention on the natural clips at the scale they were crafted at, `[batch, time]`; `None` for objectives without a
    /// gradient.
    pub natural_attention: Option<Tensor<2>>,
    /// The objective of each clip before the last step, at that scale; empty where nothing was maximised.
    pub objective: Vec<f32>,
    /// How many clips the objective had no slope at in the last step, at any pixel: they moved nowhere.
    pub flat: usize,
}

/// More than any clip of a network's size can change by.
const LARGEST_L2: f64 = 1e4;

/// What the network says to the natural clip: the fixed points of the ascent.
struct Natural {
    classes: Vec<usize>,
    attention: Tensor<2>,
    log_attention: Tensor<2>,
}

impl TemporalAdversary {
    /// Refuses settings that make no sense, of an adversary that a recipe keeps in `table`.
    ///
    /// # Errors
    /// Names the first option out of range.
    pub fn check(&self, table: &str) -> Result<(), SettingError> {
        let wrong = |option, expected, got: String| Err(SettingError::new(format!("{table}.{option}"), expected, got));
        let (limit, expected) = match self.norm {
            Norm::Linf => (1.0, "lie in (0, 1]; 8 on the 0-255 scale is 8/255 = 0.0314"),
            Norm::L2 => (LARGEST_L2, "lie in (0, 10000], the length of the change of a whole clip"),
        };
        if !(self.epsilon > 0.0 && self.epsilon <= limit) {
            return wrong("epsilon", expected, self.epsilon.to_string());
        }
        if let Some(size) = self.step_size.filter(|&size| !(size > 0.0 && size <= limit)) {
            return wrong("step_size", "be positive and no larger than epsilon may be", size.to_string());
        }
        if self.steps == 0 {
            return wrong("steps", "be at least 1; for no perturbation write objective = \"none\"", "0".into());
        }
        if !(self.scale > 0.0 && self.scale <= 1.0) {
            return wrong("scale", "lie in (0, 1], a share of the clips' side", self.scale.to_string());
        }
        if !(self.attention.temperature > 0.0 && self.attention.temperature.is_finite()) {
            return wrong("attention.temperature", "be positive", self.attention.temperature.to_string());
        }
        if self.objective == Objective::Divergence && !self.random_start {
            return wrong(
                "random_start",
                "be true for the divergence objective, which is flat at the natural clip",
                "false".into(),
            );
        }
        Ok(())
    }

    /// Perturbs clips against `model`, which is neither changed nor differentiated: its weights enter as constants, its
    /// running statistics stay, dropout is off. The same seed gives the same perturbation.
    ///
    /// # Shapes
    /// - `clips`: `[batch, time, 3, height, width]` in [0, 1]; `labels`: one per clip
    ///
    /// # Panics
    /// If the number of labels differs from the number of clips.
    pub fn perturb<M: VideoModel>(&self, model: &M, clips: Tensor<5>, labels: &[usize], seed: u64) -> Perturbed {
        assert_eq!(labels.len(), clips.dims()[0], "one label per clip");
        let clips = clips.without_autodiff();
        match self.objective {
            Objective::None => Perturbed::untouched(clips, labels),
            Objective::Noise => {
                let noise = self.norm.noise(&clips, self.epsilon, seed);
                Perturbed::untouched((clips + noise).clamp(0.0, 1.0), labels)
            }
            _ => on_workers(|| self.climb(&model.valid(), clips, labels, seed)),
        }
    }

    fn climb<M: VideoModel>(&self, frozen: &M, clips: Tensor<5>, labels: &[usize], seed: u64) -> Perturbed {
        let classes = self.classes(frozen, &clips, labels);
        let (mut perturbed, mut natural) = (clips.clone(), None);
        if self.random_start {
            let output = frozen.forward(scale::reduce(clips.clone(), self.scale), &mut self.pass());
            natural = Some(self.natural(frozen, &output, classes.clone()));
            perturbed = (clips.clone() + self.norm.random_start(&clips, self.epsilon, seed)).clamp(0.0, 1.0);
        }
        let (mut objective, mut flat) = (Vec::new(), 0);
        for _ in 0..self.steps {
            let leaf = scale::reduce(perturbed.clone(), self.scale).autodiff().require_grad();
            let output = frozen.forward(leaf.clone(), &mut self.pass());
            let fixed = natural.get_or_insert_with(|| self.natural(frozen, &output, classes.clone()));
            let value = self.value(frozen, output, fixed);
            objective = values(value.clone());
            let gradient = leaf.grad(&value.sum().backward());
            let gradient = gradient.map_or_else(|| clips.zeros_like(), |gradient| scale::enlarge(gradient, &clips));
            flat = flat_clips(&gradient);
            perturbed = self.advance(&clips, perturbed, gradient);
        }
        let Natural { classes, attention, .. } = natural.expect("there is at least one step");
        Perturbed { clips: perturbed, classes, natural_attention: Some(attention), objective, flat }
    }

    /// The clips one step further uphill, within ball and pixels. The step goes on from what the clamp left of the
    /// perturbation, as in torchattacks and Foolbox: change that was clamped away is none, and costs no budget.
    fn advance(&self, clips: &Tensor<5>, perturbed: Tensor<5>, gradient: Tensor<5>) -> Tensor<5> {
        let delta = perturbed - clips.clone();
        let delta = self.norm.ascend(delta, gradient, self.step_size.unwrap_or(self.epsilon));
        (clips.clone() + self.norm.project(delta, self.epsilon)).clamp(0.0, 1.0)
    }

    fn pass(&self) -> Pass {
        Pass::new(self.statistics, self.branch)
    }

    /// The classes attended to, where they do not follow from the pass that crafting makes anyway.
    fn classes<M: VideoModel>(&self, frozen: &M, clips: &Tensor<5>, labels: &[usize]) -> Option<Vec<usize>> {
        match self.class {
            AttendedClass::Label => Some(labels.to_vec()),
            // A smaller clip may be answered otherwise.
            AttendedClass::Prediction => scale::reduces(clips, self.scale)
                .then(|| predictions(&frozen.forward(clips.clone(), &mut self.pass()).logits)),
        }
    }

    fn natural<M: VideoModel>(&self, model: &M, output: &VideoOutput, classes: Option<Vec<usize>>) -> Natural {
        let classes = classes.unwrap_or_else(|| predictions(&output.logits));
        let cam =
            class_activation_map(output.features.clone(), cam_weights(model, output, &classes)).without_autodiff();
        let (attention, log_attention) = (self.attention.from_cam(cam.clone()), self.attention.log_from_cam(cam));
        Natural { classes, attention, log_attention }
    }

    /// The objective of each clip, `[batch]`.
    fn value<M: VideoModel>(&self, model: &M, output: VideoOutput, natural: &Natural) -> Tensor<1> {
        if self.objective == Objective::CrossEntropy {
            return Objective::of_logits(output.logits, &natural.classes);
        }
        let weights = cam_weights(model, &output, &natural.classes);
        let attention = self.attention.log_of(&output, weights);
        self.objective.of_log_attention(attention, natural.log_attention.clone())
    }
}

fn cam_weights<M: VideoModel>(model: &M, output: &VideoOutput, classes: &[usize]) -> Tensor<2> {
    model.cam_weights(output, class_tensor(classes, &output.logits.device().without_autodiff()))
}

/// How many clips have a gradient that is zero at every pixel.
fn flat_clips(gradient: &Tensor<5>) -> usize {
    let [batch, time, channels, height, width] = gradient.dims();
    let rows = gradient.clone().reshape([batch, time * channels * height * width]);
    values(rows.abs().max_dim(1)).iter().filter(|&&largest| largest == 0.0).count()
}

impl Perturbed {
    fn untouched(clips: Tensor<5>, labels: &[usize]) -> Self {
        Self { clips, classes: labels.to_vec(), natural_attention: None, objective: Vec::new(), flat: 0 }
    }
}

#[cfg(test)]
mod tests {
    use super::{Norm, TemporalAdversary};
    use crate::ops::values;
    use burn::tensor::{Device, Tensor};

    /// Adding a step to a pixel and clamping rounds by this much.
    const ROUNDING: f32 = 1e-6;

    /// Two values of one pixel after two steps along the given gradients.
    fn after_two_steps(adversary: &TemporalAdversary, pixel: [f32; 2], gradients: [[f32; 2]; 2]) -> Vec<f32> {
        let tensor = |values: [f32; 2]| Tensor::<1>::from_data(values, &Device::flex()).reshape([1, 1, 2, 1, 1]);
        let clips = tensor(pixel);
        let step = |perturbed, gradient| adversary.advance(&clips, perturbed, tensor(gradient));
        values(gradients.into_iter().fold(clips.clone(), step))
    }

    #[test]
    fn a_saturated_pixel_goes_back_from_where_it_is() {
        let adversary = TemporalAdversary { epsilon: 0.1, steps: 2, ..TemporalAdversary::default() };
        let pixels = after_two_steps(&adversary, [1.0, 0.0], [[1.0, -1.0], [-1.0, 1.0]]);
        assert!((pixels[0] - 0.9).abs() < ROUNDING && (pixels[1] - 0.1).abs() < ROUNDING, "{pixels:?}");
    }

    #[test]
    fn change_that_is_clamped_away_takes_nothing_of_a_length() {
        let adversary =
            TemporalAdversary { norm: Norm::L2, epsilon: 0.6, step_size: Some(0.5), steps: 2, ..Default::default() };
        let pixels = after_two_steps(&adversary, [1.0, 0.2], [[1.0, 1.0], [0.0, 1.0]]);
        assert!((pixels[0] - 1.0).abs() < ROUNDING && (pixels[1] - 0.8).abs() < ROUNDING, "{pixels:?}");
    }
}
