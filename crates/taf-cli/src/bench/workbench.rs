use anyhow::{Context, Result};
use burn::module::Module;
use clap::ValueEnum;
use serde::Serialize;
use taf::data::{ClipBatch, Loaded, Sample};
use taf::model::{Pass, Recognizer, VideoModel};
use taf::ops::on_workers;
use taf::profile::{Phase, phase};
use taf::recipe::{Plan, Recipe};
use taf::train::{Optimizer, Step, freeze};
use taf_video::{Clip, Frame, Seed};

use crate::trained::{autodiff_device, device};

/// Factor of the learning rate. A network that learned the same few clips by heart would have gradients so small that
/// the processor computes them ten times slower, which no training shows.
const PACE: f64 = 1e-6;

/// What is repeated.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum Workload {
    /// A training step on natural clips
    Plain,
    /// A training step on natural and temporal adversarial clips
    Taf,
    /// Perturbing the clips, without training on them
    Adversary,
    /// Classifying the clips
    Inference,
}

/// A network with the clips it works on, ready to repeat its work.
pub struct Workbench {
    workload: Workload,
    recipe: Recipe,
    /// Taken while a step owns it.
    model: Option<Recognizer>,
    frozen: Recognizer,
    optimizer: Optimizer,
    batches: Batches,
    steps: usize,
}

/// Where clips come from.
enum Batches {
    /// The same made-up ones every time.
    Synthetic(ClipBatch),
    /// The videos of a manifest, decoded as in training.
    Loaded { plan: Box<Plan>, next: Box<dyn Iterator<Item = Result<Loaded, taf_video::Error>>>, epoch: usize },
}

impl Workbench {
    /// A network for made-up clips; the recipe says all but the data.
    pub fn synthetic(recipe: Recipe, classes: usize, workload: Workload) -> Result<Self> {
        let (clips, frames, size) =
            (recipe.train.batch_size, recipe.data.sampling.frames(), recipe.data.transform.size);
        let model = recipe.model.config(classes, frames).init(&autodiff_device(), recipe.seed);
        Self::new(recipe, model, Batches::Synthetic(noise(clips, frames, size, classes)), workload)
    }

    /// A network for the videos of a recipe.
    pub fn of_plan(plan: Plan, workload: Workload) -> Result<Self> {
        let model = plan.init_model(&autodiff_device());
        let recipe = plan.recipe.clone();
        let next = Box::new(std::iter::empty());
        Self::new(recipe, model, Batches::Loaded { plan: Box::new(plan), next, epoch: 0 }, workload)
    }

    fn new(mut recipe: Recipe, model: Recognizer, batches: Batches, workload: Workload) -> Result<Self> {
        match workload {
            Workload::Plain => recipe.taf = None,
            Workload::Taf | Workload::Adversary => drop(recipe.taf.get_or_insert_default()),
            Workload::Inference => {}
        }
        let model = if recipe.has_auxiliary_norms() { model.with_auxiliary_norms() } else { model };
        let model = freeze(model, &recipe.train)?;
        let optimizer = Optimizer::new(recipe.train.optimizer.clone());
        Ok(Self { workload, recipe, frozen: model.valid(), model: Some(model), optimizer, batches, steps: 0 })
    }

    /// What is repeated.
    pub fn workload(&self) -> Workload {
        self.workload
    }

    /// Does the work once; returns how many clips took part.
    pub fn step(&mut self) -> Result<usize> {
        let batch = phase(Phase::Data, || self.batches.next(self.recipe.train.batch_size, self.recipe.data.workers))?;
        let seed = Seed::new(self.recipe.seed).with("step").at(self.steps);
        self.steps += 1;
        match self.workload {
            Workload::Plain | Workload::Taf => self.train(&batch, seed),
            Workload::Adversary => self.perturb(&batch, seed),
            Workload::Inference => self.classify(&batch),
        }
        Ok(batch.samples.len())
    }

    fn train(&mut self, batch: &ClipBatch, seed: Seed) {
        let Recipe { train, taf, .. } = &self.recipe;
        let step = Step { train, taf: taf.as_ref(), schedule: PACE, epoch: train.epochs as f64, seed };
        let model = self.model.take().expect("the model is back after each step");
        let (model, _) = step.take(model, &mut self.optimizer, batch);
        self.model = Some(model);
    }

    fn perturb(&self, batch: &ClipBatch, seed: Seed) {
        let model = self.model.as_ref().expect("only a training step takes the model");
        let clips = phase(Phase::Data, || batch.to_tensor(&device()));
        let adversary = self.recipe.adversary();
        phase(Phase::Adversary, || adversary.perturb(model, clips, &batch.labels(), seed.value()));
    }

    fn classify(&self, batch: &ClipBatch) {
        let clips = phase(Phase::Data, || batch.to_tensor(&device()));
        let model = &self.frozen;
        phase(Phase::Forward, || on_workers(|| model.forward(clips, &mut Pass::inference()).logits.into_data()));
    }
}

impl Batches {
    fn next(&mut self, batch_size: usize, workers: usize) -> Result<ClipBatch> {
        match self {
            Self::Synthetic(batch) => Ok(batch.clone()),
            Self::Loaded { plan, next, epoch } => {
                if let Some(batch) = next.next() {
                    return Ok(batch?.batch);
                }
                *next = Box::new(plan.train.train_batches(&plan.transform, *epoch, 0, batch_size, workers));
                *epoch += 1;
                Ok(next.next().context("the manifest has no videos to train on")??.batch)
            }
        }
    }
}

/// Clips of noise, the same for the same sizes.
pub fn noise(clips: usize, frames: usize, size: usize, classes: usize) -> ClipBatch {
    let byte = |seed: usize, i: usize| (i.wrapping_mul(2_654_435_761).wrapping_add(seed * 97) >> 7) as u8;
    let frame = |seed| Frame::new(size, size, (0..size * size * 3).map(|i| byte(seed, i)).collect());
    let clip = |index: usize| Clip::new((0..frames).map(|t| frame(index * frames + t)).collect());
    let sample = |index| Sample { clip: clip(index), label: index % classes, id: index.to_string() };
    ClipBatch { samples: (0..clips).map(sample).collect() }
}
