//! Perturbations of a clip, within a small pixel budget, that move what a network attends to.

mod ascent;
mod ball;
mod check;
mod draws;
mod dropped;
mod frames;
mod objective;
mod quotient;
mod scale;

pub use ball::Norm;
pub use dropped::DroppedBy;
pub(crate) use dropped::nearest;
pub use frames::{Budget, Frames, SMALLEST_SHARE};
pub use objective::{Objective, minor_frames};
pub use quotient::quotient;
pub(crate) use scale::reduced_side;

use burn::tensor::Tensor;
use serde::{Deserialize, Serialize};

use crate::attention::TemporalAttention;
use crate::model::{Branch, Statistics, VideoModel, VideoOutput};
use crate::ops::on_workers;
use draws::Draws;

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
    /// What the cross-entropy at the attended class weighs beside a temporal objective: the sum `objective + cross_entropy * CE`
    /// is maximised. At least 0; default 0.
    pub cross_entropy: f64,
    /// How attention is read from the network.
    pub attention: TemporalAttention,
    /// Radius of the ball around the natural clip, in (0, 1] for L∞; default 4/255. Like the other two lengths, a number or a
    /// quotient in quotation marks: `"4/255"`.
    #[serde(deserialize_with = "quotient::number")]
    pub epsilon: f64,
    /// Where given, each clip has a radius of its own, drawn evenly between this and `epsilon`; at least 0 and below it.
    #[serde(deserialize_with = "quotient::optional")]
    pub epsilon_from: Option<f64>,
    /// Which frames may be perturbed; default `all`.
    pub frames: Frames,
    /// What part of `epsilon` each of them has; default `uniform`.
    pub budget: Budget,
    /// Length of one step where the whole of `epsilon` is allowed, and as much less as there is less; default `epsilon`, which
    /// is right for one step.
    #[serde(deserialize_with = "quotient::optional")]
    pub step_size: Option<f64>,
    /// Ascent steps, at least 1; default 1. Each costs a forward pass and a gradient to the pixels.
    pub steps: usize,
    /// What the direction of a step keeps of the one before (MI-FGSM, Dong et al., CVPR 2018), at least 0; needs several steps.
    /// Default 0.
    pub momentum: f64,
    /// Ends the ascent of a clip as soon as the network answers it with another class than the one attended to, so that a clip
    /// changes no more than that takes (friendly adversarial training, Zhang et al., ICML 2020); needs several steps. Default
    /// false.
    pub until_wrong: bool,
    /// Frames that the perturbed clip goes without, so that the network has to decide from the others: after the ascent the
    /// nearest frame that is left stands in the place of each. At most all but one; beyond the ball of `epsilon`. Default 0.
    pub dropped: usize,
    /// Which frames these are; default `attention`.
    pub dropped_by: DroppedBy,
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
            cross_entropy: 0.0,
            attention: TemporalAttention::default(),
            epsilon: 4.0 / 255.0,
            epsilon_from: None,
            frames: Frames::All,
            budget: Budget::Uniform,
            step_size: None,
            steps: 1,
            momentum: 0.0,
            until_wrong: false,
            dropped: 0,
            dropped_by: DroppedBy::Attention,
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
    /// `[batch, time, 3, height, width]` in [0, 1], within the budget of the natural clips but for frames that are dropped. Never
    /// tracked.
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

impl TemporalAdversary {
    /// Perturbs clips against `model`, which is neither changed nor differentiated: its weights enter as constants, its
    /// running statistics stay, dropout is off. The same seed gives the same perturbation.
    ///
    /// # Shapes
    /// - `clips`: `[batch, time, 3, height, width]` in [0, 1]; `labels`: one per clip
    ///
    /// # Panics
    /// If the number of labels differs from the number of clips.
    pub fn perturb<M: VideoModel>(&self, model: &M, clips: Tensor<5>, labels: &[usize], seed: u64) -> Perturbed {
        self.perturb_with(model, clips, labels, Draws::OfBatch(seed))
    }

    /// [`Self::perturb`] with a seed for every clip: what is drawn for a clip does not depend on the others of its batch.
    ///
    /// # Panics
    /// If the number of labels or seeds differs from the number of clips.
    pub fn perturb_each<M: VideoModel>(
        &self,
        model: &M,
        clips: Tensor<5>,
        labels: &[usize],
        seeds: &[u64],
    ) -> Perturbed {
        assert_eq!(seeds.len(), clips.dims()[0], "one seed per clip");
        self.perturb_with(model, clips, labels, Draws::OfClips(seeds))
    }

    fn perturb_with<M: VideoModel>(
        &self,
        model: &M,
        clips: Tensor<5>,
        labels: &[usize],
        draws: Draws<'_>,
    ) -> Perturbed {
        assert_eq!(labels.len(), clips.dims()[0], "one label per clip");
        let clips = clips.without_autodiff();
        match self.objective {
            Objective::None => Perturbed::without_ascent(clips, labels),
            Objective::Noise => on_workers(|| self.shake(&model.valid(), clips, labels, draws)),
            _ => {
                let mut forward = |frozen: &M, clips| frozen.forward(clips, &mut self.pass());
                on_workers(|| self.climb(&model.valid(), clips, labels, draws, &mut forward))
            }
        }
    }

    /// [`Self::perturb`] in a single step whose forward pass is `forward`, such as one whose outputs are known, whatever statistics
    /// and branch the settings name. It has the frozen network and the natural clips.
    ///
    /// # Panics
    /// If the settings ask for other passes: several steps, a random start, a smaller scale, or an objective without an ascent.
    pub(crate) fn perturb_along<M: VideoModel>(
        &self,
        model: &M,
        clips: Tensor<5>,
        labels: &[usize],
        seed: u64,
        forward: impl FnOnce(&M, Tensor<5>) -> VideoOutput + Send,
    ) -> Perturbed {
        assert!(self.makes_one_pass(), "a single pass leads a single step: {self:?}");
        let mut once = Some(forward);
        let mut forward = |frozen: &M, clips| once.take().expect("there is one step")(frozen, clips);
        on_workers(|| self.climb(&model.valid(), clips.without_autodiff(), labels, Draws::OfBatch(seed), &mut forward))
    }

    /// Whether crafting is a single pass over the natural clips as they are.
    pub(crate) fn makes_one_pass(&self) -> bool {
        self.objective.uses_gradient() && self.steps == 1 && !self.random_start && self.scale == 1.0
    }

    /// The adversary with a part of its budget, `share` in [0, 1], and steps as much shorter.
    pub fn with_share(&self, share: f64) -> Self {
        let part = |size: f64| size * share;
        Self {
            epsilon: part(self.epsilon),
            epsilon_from: self.epsilon_from.map(part),
            step_size: self.step_size.map(part),
            ..self.clone()
        }
    }
}

impl Perturbed {
    fn without_ascent(clips: Tensor<5>, labels: &[usize]) -> Self {
        Self { clips, classes: labels.to_vec(), natural_attention: None, objective: Vec::new(), flat: 0 }
    }
}
