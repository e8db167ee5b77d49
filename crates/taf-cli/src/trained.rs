//! A trained run, read back: its recipe, its weights, and the data it can be asked about.

use std::path::Path;

use anyhow::{Context, Result};
use burn::module::Module;
use burn::tensor::Device;
use taf::model::{Tsn, VideoModel, load_state};
use taf::recipe::{Plan, Recipe};
use taf::run::{Provenance, RunDir};
use taf::train::{Checkpoint, CheckpointFolder, CheckpointInfo};
use taf_video::dataset::Manifest;

use crate::args::TrainedArgs;

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
    /// The run it comes from.
    pub run: RunDir,
    /// How it was made.
    pub recipe: Recipe,
    /// What the weights belong to.
    pub info: CheckpointInfo,
    /// Where the run came from.
    pub provenance: Provenance,
    /// The network, ready for clips on [`device`].
    pub model: Tsn,
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
        let checkpoint = checkpoint(&run, which)?;
        let provenance = run.read_provenance()?;
        let model = rebuild(&checkpoint, &device()).with_context(|| {
            format!("expected weights of the network they describe: {}", run.checkpoints().display())
        })?;
        Ok(Self { run, recipe, info: checkpoint.info, provenance, model })
    }

    /// The name of its folder, which stands for it in reports.
    pub fn name(&self) -> String {
        let path = std::path::absolute(self.run.path()).unwrap_or_else(|_| self.run.path().to_owned());
        path.file_name().map_or_else(|| path.display().to_string(), |name| name.to_string_lossy().into_owned())
    }

    /// One line: what network it is, and how long it was trained.
    pub fn description(&self) -> String {
        let CheckpointInfo { model, classes, frames, progress, .. } = &self.info;
        let words = |value: &dyn std::fmt::Debug| format!("{value:?}").to_lowercase();
        format!(
            "{} on {}, {} parameters, {} classes, {frames} frames, weights after step {}",
            words(&model.kind),
            words(&model.trunk),
            self.model.num_params(),
            classes.len(),
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
        self.note_other_classes(&recipe)?;
        recipe.data.classes = Some(self.info.classes.clone());
        Ok(recipe.plan()?)
    }

    fn note_other_classes(&self, recipe: &Recipe) -> Result<()> {
        let manifest = Manifest::read(&recipe.data.manifest)?;
        let others = manifest.classes().iter().filter(|class| !self.info.classes.contains(class)).count();
        if others > 0 && recipe.data.classes.is_none() {
            eprintln!("the network does not know {others} classes of the manifest; their videos are left out");
        }
        Ok(())
    }
}

fn checkpoint(run: &RunDir, which: Which) -> Result<Checkpoint> {
    let folder = CheckpointFolder::new(run.checkpoints());
    match which {
        Which::Best => Ok(folder.best()?),
        Which::Last => match folder.newest()? {
            Some(checkpoint) => Ok(checkpoint),
            None => Ok(folder.best()?),
        },
    }
}

/// The network that a checkpoint describes, with its weights.
pub fn rebuild(checkpoint: &Checkpoint, device: &Device) -> Result<Tsn> {
    let CheckpointInfo { model, classes, frames, auxiliary, .. } = &checkpoint.info;
    let network = model.config(classes.len(), *frames).init(device, 0);
    let network = if *auxiliary { network.with_auxiliary_norms() } else { network };
    Ok(load_state(network, checkpoint.model.clone())?)
}
