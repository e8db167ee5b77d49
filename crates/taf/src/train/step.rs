use burn::tensor::Tensor;
use taf_video::Seed;

use super::{GradientSum, Optimizer, TafConfig, TrainConfig, classification_loss, soft_targets};
use crate::adversary::{Objective, Perturbed};
use crate::data::ClipBatch;
use crate::model::{Branch, Pass, VideoModel, predictions};
use crate::ops::{on_workers, values};
use crate::profile::{Phase, phase};
use taf_report::metrics::attention_entropy;

/// One step of training, as the recipe says it.
#[derive(Clone, Copy, Debug)]
pub struct Step<'a> {
    /// The `[train]` table: what is minimised.
    pub train: &'a TrainConfig,
    /// The `[taf]` table: how perturbed clips take part, if they do.
    pub taf: Option<&'a TafConfig>,
    /// Factor of the learning rate.
    pub schedule: f64,
    /// Decides dropout and random starts.
    pub seed: Seed,
}

/// What one step measured.
#[derive(Clone, Debug, PartialEq)]
pub struct StepOutcome {
    /// Classification loss on the natural clips before the step.
    pub loss: f64,
    /// Classification loss on the perturbed clips before the step, not weighted.
    pub perturbed_loss: Option<f64>,
    /// Mean entropy in nats of the attention on the natural clips that were perturbed, before the step.
    pub attention_entropy: Option<f64>,
    /// Share of natural clips whose highest logit was the label's.
    pub accuracy: f64,
    /// Euclidean norm of all gradients together, before clipping.
    pub gradient_norm: f64,
    /// How many clips the adversary found no slope at, and left as they are; see [`crate::adversary::Perturbed::flat`].
    pub flat: usize,
}

impl StepOutcome {
    /// Of the natural clips alone, before their gradients.
    fn new(loss: f64, accuracy: f64) -> Self {
        Self { loss, perturbed_loss: None, attention_entropy: None, accuracy, gradient_norm: 0.0, flat: 0 }
    }

    /// Whether the step left a usable model behind.
    pub fn is_finite(&self) -> bool {
        self.loss.is_finite() && self.perturbed_loss.is_none_or(f64::is_finite) && self.gradient_norm.is_finite()
    }
}

/// Clips on the device, with what the network should answer to them.
struct Examples {
    clips: Tensor<5>,
    labels: Vec<usize>,
    /// `[batch, classes]`.
    targets: Tensor<2>,
}

impl Examples {
    fn new<M: VideoModel>(batch: &ClipBatch, model: &M, smoothing: f64) -> Self {
        let device = model.devices().first().cloned().unwrap_or_default().without_autodiff();
        let (clips, labels) = (batch.to_tensor(&device), batch.labels());
        let targets = soft_targets(&labels, model.classes(), smoothing, &device);
        Self { clips, labels, targets }
    }

    /// The first `count` of them.
    fn first(&self, count: usize) -> Self {
        Self {
            clips: self.clips.clone().narrow(0, 0, count),
            labels: self.labels[..count].to_vec(),
            targets: self.targets.clone().narrow(0, 0, count),
        }
    }
}

impl Step<'_> {
    /// Takes the step on one batch: gradients of the natural loss, plus those of the perturbed loss where there is one, then
    /// the optimiser. Clips are perturbed against the weights from before the step. The two losses are differentiated one
    /// after the other, so that only one graph is in memory at a time.
    ///
    /// The model is returned as it was when the outcome is not finite.
    pub fn take<M: VideoModel>(&self, model: M, optimizer: &mut Optimizer, batch: &ClipBatch) -> (M, StepOutcome) {
        on_workers(|| self.take_on_workers(model, optimizer, batch))
    }

    fn take_on_workers<M: VideoModel>(
        &self,
        model: M,
        optimizer: &mut Optimizer,
        batch: &ClipBatch,
    ) -> (M, StepOutcome) {
        let examples = phase(Phase::Data, || Examples::new(batch, &model, self.train.label_smoothing));
        let taf = self.taf.filter(|taf| taf.adversary.objective != Objective::None);
        let perturbed =
            taf.map(|taf| phase(Phase::Adversary, || Perturbation::craft(&model, taf, &examples, self.seed)));
        let mut gradients = GradientSum::default();

        let mut pass = Pass::training(Branch::Main, self.seed.with("dropout").value());
        let (loss, mut outcome) = phase(Phase::Forward, || natural_loss(&model, examples, &mut pass));
        if !outcome.is_finite() {
            return (model, outcome);
        }
        phase(Phase::Backward, || gradients.add(&model, loss.backward()));
        let before = model.clone();
        let mut model = phase(Phase::Optimizer, || pass.update_running_statistics(model));

        if let Some(perturbed) = perturbed {
            model = perturbed.add_gradients(model, &mut gradients, &mut outcome, self.seed);
        }
        outcome.gradient_norm = phase(Phase::Optimizer, || gradients.norm());
        if !outcome.is_finite() {
            return (before, outcome);
        }
        drop(before);
        let moved = || optimizer.step(model, gradients, outcome.gradient_norm, self.schedule);
        (phase(Phase::Optimizer, moved), outcome)
    }
}

fn natural_loss<M: VideoModel>(model: &M, examples: Examples, pass: &mut Pass) -> (Tensor<1>, StepOutcome) {
    let output = model.forward(examples.clips, pass);
    let accuracy = accuracy(output.logits.clone().without_autodiff(), &examples.labels);
    let loss = classification_loss(&output, examples.targets);
    let outcome = StepOutcome::new(scalar(&loss), accuracy);
    (loss, outcome)
}

/// The perturbed half of a step.
struct Perturbation<'a> {
    taf: &'a TafConfig,
    /// Perturbed clips per clip of the batch: every perturbed clip weighs `taf.weight` times a natural one.
    share: f64,
    clips: Tensor<5>,
    targets: Tensor<2>,
    natural_attention: Option<Tensor<2>>,
    flat: usize,
}

impl<'a> Perturbation<'a> {
    fn craft<M: VideoModel>(model: &M, taf: &'a TafConfig, examples: &Examples, seed: Seed) -> Self {
        let count = taf.perturbed(examples.labels.len());
        let share = count as f64 / examples.labels.len() as f64;
        let Examples { clips, labels, targets } = examples.first(count);
        let crafted = taf.adversary.perturb(model, clips, &labels, seed.with("adversary").value());
        let Perturbed { clips, natural_attention, flat, .. } = crafted;
        Self { taf, share, clips, targets, natural_attention, flat }
    }

    fn add_gradients<M: VideoModel>(
        self,
        model: M,
        gradients: &mut GradientSum,
        outcome: &mut StepOutcome,
        seed: Seed,
    ) -> M {
        let mut pass = Pass::training(self.taf.branch, seed.with("perturbed dropout").value());
        let loss = phase(Phase::Forward, || {
            let output = model.forward(self.clips, &mut pass);
            outcome.attention_entropy = self.natural_attention.map(mean_entropy);
            let loss = classification_loss(&output, self.targets);
            outcome.perturbed_loss = Some(scalar(&loss));
            outcome.flat = self.flat;
            loss
        });
        phase(Phase::Backward, || gradients.add(&model, (loss * self.taf.weight * self.share).backward()));
        phase(Phase::Optimizer, || pass.update_running_statistics(model))
    }
}

fn mean_entropy(attention: Tensor<2>) -> f64 {
    let [batch, time] = attention.dims();
    values(attention).chunks(time).map(attention_entropy).sum::<f64>() / batch as f64
}

fn scalar(loss: &Tensor<1>) -> f64 {
    f64::from(loss.clone().without_autodiff().into_scalar::<f32>())
}

fn accuracy(logits: Tensor<2>, labels: &[usize]) -> f64 {
    let predicted = predictions(&logits);
    let right = predicted.iter().zip(labels).filter(|(predicted, label)| predicted == label).count();
    right as f64 / labels.len() as f64
}
