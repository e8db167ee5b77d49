//! A trained run, read back: its recipe, its weights, and the data it can be asked about.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use burn::tensor::Device;
use clap::Args;
use taf::adversary::TemporalAdversary;
use taf::model::{ModelRecipe, Recognizer, VideoModel, load_state, num_parameters};
use taf::recipe::{Plan, Recipe};
use taf::train::{Checkpoint, CheckpointFolder, CheckpointInfo};
use taf_report::run::{Provenance, RunDir};
use taf_video::dataset::Manifest;

/// A trained run, and which of its weights.
#[derive(Clone, Debug, Args)]
pub struct TrainedArgs {
    /// Folder of the run
    #[arg(long, value_name = "RUN")]
    pub run: PathBuf,
    /// Take the newest weights instead of those that did best on the validation clips
    #[arg(long)]
    pub last: bool,
}

/// Where networks are evaluated.
pub fn device() -> Device {
    Device::flex()
}

/// Where networks are trained.
pub fn autodiff_device() -> Device {
    Device::flex().autodiff()
}

/// Which weights of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Which {
    /// Those that did best on the validation clips, or the newest where none were evaluated.
    Best,
    /// The newest.
    Last,
}

/// A network and all that is known about it.
pub struct Trained {
    /// What it is called in tables: the name of the run's folder.
    pub name: String,
    /// The run it comes from.
    pub run: RunDir,
    /// How it was made.
    pub recipe: Recipe,
    /// What the weights belong to.
    pub info: CheckpointInfo,
    /// Where the run came from.
    pub provenance: Provenance,
    /// The file of its weights.
    pub weights: PathBuf,
    /// The network, ready for clips on [`device`].
    pub model: Recognizer,
}

impl TrainedArgs {
    /// Reads the run.
    pub fn open(&self) -> Result<Trained> {
        Trained::open(&self.run, if self.last { Which::Last } else { Which::Best })
    }
}

impl Trained {
    /// Reads a run's recipe and weights.
    pub fn open(path: &Path, which: Which) -> Result<Self> {
        let run = RunDir::open(path)?;
        let recipe = Recipe::parse(&run.read_recipe()?, &run.recipe_path(), &[])?;
        let weights = weights_file(&run, which)?;
        let checkpoint = Checkpoint::read(&weights)?;
        let provenance = run.read_provenance()?;
        let mismatch = || format!("expected weights of the network they describe, found others: {}", weights.display());
        let model = rebuild(&checkpoint, &device()).with_context(mismatch)?;
        let name = file_name(path);
        Ok(Self { name, weights, run, recipe, info: checkpoint.info, provenance, model })
    }

    /// One line: what network it is, and how it was trained.
    pub fn description(&self) -> String {
        let CheckpointInfo { classes, frames, progress, .. } = &self.info;
        format!(
            "{}, {} parameters, {} classes, {frames} frames, {}, weights after step {}",
            network_name(&self.info.model),
            num_parameters(&self.model),
            classes.len(),
            self.recipe
                .taf
                .as_ref()
                .map_or("plain training".to_owned(), |taf| format!("TAF ({})", words(&taf.adversary))),
            progress.step
        )
    }

    /// The data of its recipe, or of another manifest or split, with the classes the network knows.
    pub fn plan(&self, data: Option<&Path>, splits: &[String]) -> Result<Plan> {
        let mut recipe = self.recipe.clone();
        if let Some(manifest) = data {
            recipe.data.manifest = std::path::absolute(manifest)?;
        }
        if !splits.is_empty() {
            recipe.data.validation = splits.to_vec();
        }
        // Only these are looked at; another manifest need not have a training split.
        recipe.data.train = recipe.data.validation.clone();
        let manifest = Manifest::read(&recipe.data.manifest);
        // An imported run need not have videos of its own, and a run may come from another machine.
        let manifest = match data {
            Some(_) => manifest?,
            None => manifest.with_context(|| self.needs_data())?,
        };
        self.note_other_classes(&recipe, &manifest);
        recipe.data.classes = Some(self.info.classes.clone());
        Ok(recipe.plan()?)
    }

    fn needs_data(&self) -> String {
        format!(
            "cannot read the manifest of the run's recipe; --data MANIFEST names another: {}",
            self.run.path().display()
        )
    }

    fn note_other_classes(&self, recipe: &Recipe, manifest: &Manifest) {
        let others = manifest.classes().iter().filter(|class| !self.info.classes.contains(class)).count();
        if others > 0 && recipe.data.classes.is_none() {
            eprintln!("the network does not know {others} classes of the manifest; their videos are left out");
        }
    }
}

/// The name of a folder, which stands for the run in it.
fn file_name(path: &Path) -> String {
    let whole = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    whole.file_name().map_or_else(|| path.display().to_string(), |name| name.to_string_lossy().into_owned())
}

fn weights_file(run: &RunDir, which: Which) -> Result<PathBuf> {
    let folder = CheckpointFolder::new(run.checkpoints());
    let newest = if which == Which::Last { folder.newest_path()? } else { None };
    match newest {
        Some(newest) => Ok(newest),
        None => Ok(folder.best_path()?),
    }
}

/// The network that a checkpoint describes, with its weights.
pub fn rebuild(checkpoint: &Checkpoint, device: &Device) -> Result<Recognizer> {
    let CheckpointInfo { model, classes, frames, auxiliary, .. } = &checkpoint.info;
    let network = model.config(classes.len(), *frames).init(device, 0);
    let network = if *auxiliary { network.with_auxiliary_norms() } else { network };
    Ok(load_state(network, checkpoint.model.clone())?)
}

/// `tsm on resnet50`.
pub fn network_name(model: &ModelRecipe) -> String {
    format!("{} on {}", kebab(&model.kind), kebab(&model.trunk))
}

/// What an adversary does, in a few words: `shift, epsilon 4.0/255, 1 step`.
pub fn words(adversary: &TemporalAdversary) -> String {
    let TemporalAdversary { objective, epsilon, steps, norm, scale, .. } = adversary;
    let plural = if *steps == 1 { "" } else { "s" };
    let scale = if *scale == 1.0 { String::new() } else { format!(" at {scale} of the side") };
    format!("{}, {} epsilon {:.1}/255, {steps} step{plural}{scale}", kebab(objective), kebab(norm), epsilon * 255.0)
}

/// A value as recipes write it.
pub fn kebab(value: &impl serde::Serialize) -> String {
    serde_json::to_value(value).ok().and_then(|value| value.as_str().map(str::to_owned)).unwrap_or_default()
}
