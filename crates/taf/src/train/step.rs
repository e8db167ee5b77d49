use burn::tensor::Tensor;
use taf_video::Seed;

use super::examples::{Examples, losses};
use super::terms::unevenness_of;
use super::{Crafting, GradientSum, Optimizer, TafConfig, TrainConfig, classification_loss, divergence};
use crate::adversary::{Objective, Perturbed};
use crate::data::{ClipBatch, Sample};
use crate::model::{Branch, Pass, VideoModel, VideoOutput, predictions};
use crate::ops::{Outputs, note_outputs, on_workers, recall_outputs, values};
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
    /// Epochs done before it, parts counted: what the budget of the adversary goes by.
    pub epoch: f64,
    /// Decides dropout and random starts.
    pub seed: Seed,
}

/// What one step measured.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct StepOutcome {
    /// Classification loss on the natural clips, or on what they were mixed to, before the step.
    pub loss: f64,
    /// Classification loss on the perturbed clips before the step, not weighted.
    pub perturbed_loss: Option<f64>,
    /// Mean divergence of the answers to perturbed clips from those to the natural ones, nats, not weighted.
    pub consistency: Option<f64>,
    /// Mean divergence of the answers to variants of the clips from those to the clips, nats, not weighted.
    pub alignment: Option<f64>,
    /// Mean divergence of the attention on the natural clips from even attention, nats, not weighted.
    pub unevenness: Option<f64>,
    /// Mean entropy in nats of the attention on the natural clips that were perturbed, before the step.
    pub attention_entropy: Option<f64>,
    /// Share of those clips whose highest logit was that of the label, or of the one that weighs more in a mixed clip.
    pub accuracy: f64,
    /// Euclidean norm of all gradients together, before clipping.
    pub gradient_norm: f64,
    /// How many clips the adversary found no slope at, and left as they are; see [`crate::adversary::Perturbed::flat`].
    pub flat: usize,
}

impl StepOutcome {
    /// Whether the step left a usable model behind.
    pub fn is_finite(&self) -> bool {
        let terms = [self.perturbed_loss, self.consistency, self.alignment, self.unevenness];
        self.loss.is_finite() && terms.into_iter().flatten().all(f64::is_finite) && self.gradient_norm.is_finite()
    }

    /// Counts in what `share` of the step's clips measured, and `perturbed_share` of those that were perturbed.
    fn add(&mut self, piece: &Self, share: f64, perturbed_share: f64) {
        let add = |sum: &mut Option<f64>, value: Option<f64>, share: f64| {
            *sum = value.map(|value| sum.unwrap_or(0.0) + share * value).or(*sum);
        };
        self.loss += share * piece.loss;
        add(&mut self.perturbed_loss, piece.perturbed_loss, perturbed_share);
        add(&mut self.consistency, piece.consistency, perturbed_share);
        add(&mut self.alignment, piece.alignment, share);
        add(&mut self.unevenness, piece.unevenness, share);
        add(&mut self.attention_entropy, piece.attention_entropy, perturbed_share);
        self.accuracy += share * piece.accuracy;
        self.flat += piece.flat;
    }
}

impl Step<'_> {
    /// Takes the step on one batch: gradients of the natural loss, plus those of the perturbed loss where there is one, then
    /// the optimiser. Clips are perturbed against the weights from before the step. The two losses are differentiated one
    /// after the other, and so are the pieces of the batch, so that only one graph is in memory at a time. Running statistics
    /// move with every piece.
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
        let (before, mut model) = (model.clone(), model);
        let (mut gradients, mut outcome) = (GradientSum::default(), StepOutcome::default());
        for piece in self.pieces(batch) {
            let measured;
            (model, measured) = piece.add_gradients(model, &mut gradients);
            outcome.add(&measured, piece.share, piece.chosen.map_or(0.0, |chosen| chosen.share));
            if !outcome.is_finite() {
                return (before, outcome);
            }
        }
        outcome.gradient_norm = phase(Phase::Optimizer, || gradients.norm());
        if !outcome.is_finite() {
            return (before, outcome);
        }
        drop(before);
        let moved = || optimizer.step(model, gradients, outcome.gradient_norm, self.schedule);
        (phase(Phase::Optimizer, moved), outcome)
    }

    /// The parts of a batch that go through the network one after the other.
    fn pieces<'b>(&'b self, batch: &'b ClipBatch) -> impl Iterator<Item = Piece<'b>> {
        let count = batch.samples.len();
        let size = count.div_ceil(self.train.accumulate);
        batch.samples.chunks(size).enumerate().map(move |(index, samples)| Piece {
            train: self.train,
            taf: self.taf,
            epoch: self.epoch,
            chosen: self.chosen(count, index * size, samples.len()),
            // The first has the seed of a batch that is taken whole.
            seed: if index == 0 { self.seed } else { self.seed.with("piece").at(index) },
            share: samples.len() as f64 / count as f64,
            samples,
        })
    }

    /// Which of the `length` clips from the `start`-th of a batch are perturbed: those among the first of the whole batch, so
    /// that pieces change nothing of what is learnt.
    fn chosen(&self, batch: usize, start: usize, length: usize) -> Option<Chosen<'_>> {
        let taf = self.taf.filter(|taf| taf.adversary.objective != Objective::None)?;
        let perturbed = taf.perturbed(batch);
        let count = perturbed.saturating_sub(start).min(length);
        let share_of = |clips: usize| count as f64 / clips as f64;
        (count > 0).then(|| Chosen { taf, count, share: share_of(perturbed), batch_share: share_of(batch) })
    }
}

/// A part of a batch.
struct Piece<'a> {
    train: &'a TrainConfig,
    taf: Option<&'a TafConfig>,
    epoch: f64,
    /// What is perturbed of it, if anything is.
    chosen: Option<Chosen<'a>>,
    seed: Seed,
    samples: &'a [Sample],
    /// Of the batch's clips.
    share: f64,
}

/// The clips of a piece that are perturbed.
#[derive(Clone, Copy)]
struct Chosen<'a> {
    taf: &'a TafConfig,
    /// How many there are, at least 1: the first of the piece.
    count: usize,
    /// Of the batch's perturbed clips.
    share: f64,
    /// Of all the batch's clips: every perturbed clip weighs `taf.weight` times a natural one.
    batch_share: f64,
}

impl Piece<'_> {
    /// Adds its part of the gradients, unless its loss is not finite.
    fn add_gradients<M: VideoModel>(&self, model: M, gradients: &mut GradientSum) -> (M, StepOutcome) {
        let examples = phase(Phase::Data, || Examples::new(self.samples, &model, self.train.label_smoothing));
        let chosen = self.chosen.map(|chosen| (chosen, examples.first(chosen.count)));
        let craft = |model: &M, natural| {
            let (chosen, examples) = chosen.as_ref()?;
            Some(phase(Phase::Adversary, || self.craft(model, *chosen, examples, natural)))
        };
        let mut perturbed = if self.notes_outputs() { None } else { craft(&model, None) };
        // Not before the crafting, which looks at clips that are what their label says.
        let mix = || examples.mixed(self.train.mix.as_ref(), self.seed.with("mix"));
        let examples = phase(Phase::Data, mix);
        let mut pass = self.pass(Branch::Main, "dropout");
        let NaturalLoss { loss, answers, outputs, mut outcome } =
            phase(Phase::Forward, || self.natural_loss(&model, examples, &mut pass));
        if !outcome.is_finite() {
            return (model, outcome);
        }
        if let Some(outputs) = outputs {
            let again = self.pass(Branch::Main, "dropout").standing_as(&pass);
            perturbed = craft(&model, Some((outputs, again)));
        }
        phase(Phase::Backward, || gradients.add(&model, (loss * self.share).backward()));
        let mut model = phase(Phase::Optimizer, || pass.update_running_statistics(model));
        if let Some(perturbed) = perturbed {
            model = self.add_perturbed(perturbed, answers, model, gradients, &mut outcome);
        }
        (model, outcome)
    }

    fn add_perturbed<M: VideoModel>(
        &self,
        perturbed: Perturbation,
        natural_answers: Tensor<2>,
        model: M,
        gradients: &mut GradientSum,
        outcome: &mut StepOutcome,
    ) -> M {
        let Chosen { taf, batch_share, .. } = perturbed.chosen;
        let mut pass = self.pass(taf.branch, "perturbed dropout");
        let loss = phase(Phase::Forward, || perturbed.loss(&model, &mut pass, natural_answers, outcome));
        phase(Phase::Backward, || gradients.add(&model, (loss * batch_share).backward()));
        phase(Phase::Optimizer, || pass.update_running_statistics(model))
    }

    fn pass(&self, branch: Branch, dropout: &str) -> Pass {
        Pass::training(branch, self.seed.with(dropout).value()).with_norms(self.train.batch_norm)
    }

    fn natural_loss<M: VideoModel>(&self, model: &M, examples: Examples, pass: &mut Pass) -> NaturalLoss {
        let Examples { clips, labels, targets, alignment } = examples;
        let (output, outputs) = self.natural_output(model, clips, pass);
        // Of clips and their variants, the clips come first.
        let answers = output.logits.clone().without_autodiff();
        let accuracy = accuracy(answers.clone(), &labels);
        let even = self.taf.filter(|taf| taf.evenness > 0.0);
        let unevenness = even.map(|taf| (unevenness_of(model, &taf.adversary, &output, &labels), taf.evenness));
        let (mut loss, aligned) = losses(output, targets, alignment);
        let mut outcome = StepOutcome { loss: scalar(&loss), accuracy, ..StepOutcome::default() };
        if let Some((apart, weight)) = aligned {
            outcome.alignment = Some(scalar(&apart));
            loss = loss + apart * weight;
        }
        if let Some((unevenness, weight)) = unevenness {
            outcome.unevenness = Some(scalar(&unevenness));
            loss = loss + unevenness * weight;
        }
        NaturalLoss { loss, answers, outputs, outcome }
    }

    /// Whether clips are crafted from what the natural pass computes.
    fn notes_outputs(&self) -> bool {
        self.chosen.is_some_and(|chosen| chosen.taf.craft == Crafting::NaturalPass)
    }

    fn natural_output<M: VideoModel>(
        &self,
        model: &M,
        clips: Tensor<5>,
        pass: &mut Pass,
    ) -> (VideoOutput, Option<Outputs>) {
        if !self.notes_outputs() {
            return (model.forward(clips, pass), None);
        }
        let (output, outputs) = note_outputs(|| model.forward(clips, pass));
        (output, Some(outputs))
    }

    /// Perturbs the clips that are to be, in a pass of its own or in the `natural` one again, of which the outputs are known.
    fn craft<'b, M: VideoModel>(
        &self,
        model: &M,
        chosen: Chosen<'b>,
        examples: &Examples,
        natural: Option<(Outputs, Pass)>,
    ) -> Perturbation<'b> {
        let (clips, labels, targets) = (examples.clips.clone(), &examples.labels, examples.targets.clone());
        let (adversary, seed) = (chosen.taf.adversary_at(self.epoch), self.seed.with("adversary").value());
        let crafted = match natural {
            None => adversary.perturb(model, clips, labels, seed),
            Some((outputs, mut pass)) => adversary.perturb_along(model, clips, labels, seed, |frozen, clips| {
                recall_outputs(outputs, || frozen.forward(clips, &mut pass))
            }),
        };
        let Perturbed { clips, natural_attention, flat, .. } = crafted;
        Perturbation { chosen, clips, targets, natural_attention, flat }
    }
}

/// What natural clips add to the loss, and what else they are good for.
struct NaturalLoss {
    loss: Tensor<1>,
    /// Logits, as constants.
    answers: Tensor<2>,
    /// Of the operations of the pass, where clips are crafted from them.
    outputs: Option<Outputs>,
    outcome: StepOutcome,
}

/// The perturbed clips of a piece.
struct Perturbation<'a> {
    chosen: Chosen<'a>,
    clips: Tensor<5>,
    targets: Tensor<2>,
    natural_attention: Option<Tensor<2>>,
    flat: usize,
}

impl Perturbation<'_> {
    /// What they add to the loss, given the logits of all natural clips of the piece.
    fn loss<M: VideoModel>(
        self,
        model: &M,
        pass: &mut Pass,
        natural_answers: Tensor<2>,
        outcome: &mut StepOutcome,
    ) -> Tensor<1> {
        let Chosen { taf, count, .. } = self.chosen;
        let output = model.forward(self.clips, pass);
        let loss = classification_loss(&output, self.targets);
        outcome.attention_entropy = self.natural_attention.map(mean_entropy);
        outcome.perturbed_loss = Some(scalar(&loss));
        outcome.flat = self.flat;
        if taf.consistency == 0.0 {
            return loss * taf.weight;
        }
        let apart = divergence(natural_answers.narrow(0, 0, count), output.logits);
        outcome.consistency = Some(scalar(&apart));
        loss * taf.weight + apart * taf.consistency
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
