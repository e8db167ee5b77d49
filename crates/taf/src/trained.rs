//! A trained run, read back: its recipe, its weights, and the videos it can be asked about.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use burn::tensor::Device;
use taf_files::Identity;
use taf_report::run::{Provenance, RunDir};
use taf_video::dataset::{Content, Manifest, Part, Record};

use crate::evaluate::{Evaluation, Labelled, Protocol};
use crate::model::{Recognizer, StateError, load_state};
use crate::recipe::{Recipe, RecipeError};
use crate::train::{Checkpoint, CheckpointError, CheckpointFolder, CheckpointInfo};

/// Which weights of a run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Weights {
    /// The newest: no result chose them.
    #[default]
    Last,
    /// Those that did best on the run's validation videos, on which their accuracy is therefore no measurement.
    Best,
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
    /// Which weights these are.
    pub which: Weights,
    /// The file of the weights.
    pub weights: PathBuf,
    /// SHA-256 of that file as it was read: what tells the weights from all others.
    pub weights_hash: String,
    /// The network.
    pub model: Recognizer,
}

/// Which videos a network is asked about and how it is shown them, where not as the run's recipe says.
#[derive(Clone, Debug, Default)]
pub struct Asked<'a> {
    /// Another manifest.
    pub manifest: Option<&'a Path>,
    /// Other splits than those of validation; none for those.
    pub splits: &'a [String],
    /// Whether it is asked about videos without label too, of which no score can be made.
    pub unlabelled: bool,
    /// Whether something is learnt from what it says and no figure of it is reported: the videos may then be those that
    /// chose the weights.
    pub lesson: bool,
    /// A published way to show them.
    pub protocol: Option<Protocol>,
    /// Changes of the recipe such as `data.eval.crops=three`: of [`SETTINGS`] alone.
    pub settings: &'a [String],
}

/// The settings of a recipe that decide how a trained network is asked.
pub const SETTINGS: [&str; 6] =
    ["data.eval", "data.views", "data.average", "data.sampling", "data.workers", BATCH_SIZE];

const BATCH_SIZE: &str = "train.batch_size";

/// The settings that a protocol decides.
const OF_A_PROTOCOL: [&str; 4] = ["data.eval", "data.views", "data.average", "data.sampling"];
/// The setting among them that it leaves to the network.
const FRAMES: &str = "data.sampling.frames";

/// Videos for a trained network, and the recipe that says how they are shown.
#[derive(Clone, Debug)]
pub struct Examination {
    /// The videos, labelled by the network's classes.
    pub evaluation: Evaluation,
    /// The run's recipe with the changes.
    pub recipe: Recipe,
    /// Classes of the manifest that the network does not know; their videos are left out.
    pub unknown_classes: Vec<String>,
    /// How many videos without label are left out.
    pub unlabelled: usize,
    /// All classes of the manifest.
    pub classes: Vec<String>,
}

impl Examination {
    /// How many of the videos have a label, and so a score.
    pub fn labelled(&self) -> usize {
        self.evaluation.records().iter().filter(|record| record.label.is_some()).count()
    }
}

/// Why a run cannot be opened or asked.
#[derive(Debug, thiserror::Error)]
pub enum TrainedError {
    /// The folder holds no run, or a file of it cannot be read.
    #[error(transparent)]
    Run(#[from] taf_report::run::Error),
    /// The recipe cannot be used.
    #[error(transparent)]
    Recipe(#[from] RecipeError),
    /// The weights cannot be read.
    #[error(transparent)]
    Checkpoint(#[from] CheckpointError),
    /// The weights are not those of the network that the file describes.
    #[error("expected weights of the network they describe, found others: {source}: {}", path.display())]
    Weights {
        /// The file.
        path: PathBuf,
        /// What does not fit.
        source: StateError,
    },
    /// The settings of the views are out of range.
    #[error(transparent)]
    Views(#[from] taf_video::Error),
    /// The manifest has no such videos.
    #[error("{source}: {}", manifest.display())]
    Videos {
        /// The manifest.
        manifest: PathBuf,
        /// What it lacks.
        source: taf_video::Error,
    },
    /// The manifest of the recipe is not where it was.
    #[error("cannot read the manifest of the run's recipe; --data MANIFEST names another: {source}: run {}", run.display())]
    NoManifest {
        /// The run.
        run: PathBuf,
        /// What is wrong with the manifest.
        source: taf_video::Error,
    },
    /// The network knows none of the classes, or no label is known.
    #[error("expected videos of the network's classes ({}), found only {found}: {}", known.join(", "), manifest.display())]
    NoVideos {
        /// The network's classes.
        known: Vec<String>,
        /// What is there instead.
        found: String,
        /// The manifest.
        manifest: PathBuf,
    },
    /// The labels mean something else than those the network was trained on.
    #[error("expected the labels {expected}, which the network was trained on, found {found}: {}", manifest.display())]
    LabelSet {
        /// What the network was trained on.
        expected: String,
        /// What the manifest has.
        found: String,
        /// The manifest.
        manifest: PathBuf,
    },
    /// A setting that belongs to training.
    #[error("--set {setting}: expected a setting of {}; the others belong to training", SETTINGS.join(", "))]
    Setting {
        /// The setting as given.
        setting: String,
    },
    /// A setting that the protocol decides.
    #[error("--set {setting}: protocol {protocol} decides that; leave one of them out")]
    Decided {
        /// The protocol.
        protocol: Protocol,
        /// The setting as given.
        setting: String,
    },
    /// A network of a fixed length is asked about another.
    #[error("data.sampling.frames must be {expected}, which the network is made for, got {got}")]
    Length {
        /// Frames the network takes.
        expected: usize,
        /// Frames that were asked for.
        got: usize,
    },
    /// The best weights are to be reported on the videos that chose them.
    #[error(
        "--best: these weights were chosen on videos that are to be reported (split {}); leave --best out, or report \
         other videos (--split NAME, --set data.validation): {}", splits.join(", "), run.display()
    )]
    Chosen {
        /// The splits that chose.
        splits: Vec<String>,
        /// The run.
        run: PathBuf,
    },
}

impl Trained {
    /// Reads a run's recipe and weights; the network is made on `device`.
    ///
    /// # Errors
    /// If there is no run, or its files do not fit together.
    pub fn open(path: &Path, which: Weights, device: &Device) -> Result<Self, TrainedError> {
        let run = RunDir::open(path)?;
        let recipe = Recipe::parse(&run.read_recipe()?, &run.recipe_path(), &[])?;
        let folder = CheckpointFolder::new(run.checkpoints());
        let weights = match which {
            Weights::Last => folder.last_path()?,
            Weights::Best => folder.best_path()?,
        };
        // Where no evaluation chose any, the newest are the best that are known.
        let which = if folder.newest_path()?.is_some_and(|newest| newest == weights) { Weights::Last } else { which };
        let (checkpoint, weights_hash) = Checkpoint::read_with_hash(&weights)?;
        let provenance = run.read_provenance()?;
        let model =
            network(&checkpoint, device).map_err(|source| TrainedError::Weights { path: weights.clone(), source })?;
        Ok(Self { run, recipe, info: checkpoint.info, provenance, which, weights, weights_hash, model })
    }

    /// What it is called in tables: the name of the run's folder.
    pub fn name(&self) -> String {
        self.run.name()
    }

    /// The videos that the network is asked about.
    ///
    /// # Errors
    /// If they cannot be listed, the network cannot be shown them so, or they chose the weights and are reported.
    pub fn examination(&self, asked: &Asked) -> Result<Examination, TrainedError> {
        let recipe = self.recipe_with(asked)?;
        let list = self.read_manifest(asked, &recipe)?;
        self.refuse_other_labels(&list, &recipe.data.manifest)?;
        let lacking = |source| TrainedError::Videos { manifest: recipe.data.manifest.clone(), source };
        let videos = list.select_splits(&recipe.data.validation).map_err(lacking)?;
        if self.which == Weights::Best && !asked.lesson {
            self.refuse_choosers(&videos)?;
        }
        let label = if asked.unlabelled { Labelled::with_unlabelled } else { Labelled::by };
        let Labelled { videos, unknown_classes, unlabelled } = label(&videos, &self.info.classes).map_err(lacking)?;
        if videos.records().is_empty() {
            let found =
                if unknown_classes.is_empty() { "ones without label".into() } else { unknown_classes.join(", ") };
            let known = self.info.classes.clone();
            return Err(TrainedError::NoVideos { known, found, manifest: recipe.data.manifest });
        }
        let evaluation = Evaluation {
            videos: Arc::new(videos),
            views: recipe.data.evaluation_views()?,
            average: recipe.data.average,
            batch_size: recipe.train.piece(),
            threads: recipe.data.workers,
        };
        // A recipe that names its classes left the others of its own manifest out on purpose.
        let is_own = Identity::of(&recipe.data.manifest) == Identity::of(&self.recipe.data.manifest);
        let unknown_classes = if is_own && recipe.data.classes.is_some() { Vec::new() } else { unknown_classes };
        Ok(Examination { evaluation, recipe, unknown_classes, unlabelled, classes: list.classes().to_vec() })
    }

    /// The run's recipe with what is asked for in it.
    ///
    /// # Errors
    /// If a change belongs to training, is out of its range, or the network cannot be shown videos so.
    pub fn recipe_with(&self, asked: &Asked) -> Result<Recipe, TrainedError> {
        let unasked = |setting: &&String| !is_of(setting, &SETTINGS);
        if let Some(setting) = asked.settings.iter().find(unasked) {
            return Err(TrainedError::Setting { setting: setting.clone() });
        }
        let decided = |setting: &&String| is_of(setting, &OF_A_PROTOCOL) && !is_of(setting, &[FRAMES]);
        if let (Some(protocol), Some(setting)) = (asked.protocol, asked.settings.iter().find(decided)) {
            return Err(TrainedError::Decided { protocol, setting: setting.clone() });
        }
        let mut recipe = Recipe::parse(&self.recipe.to_toml(), &self.run.recipe_path(), asked.settings)?;
        asked.protocol.iter().for_each(|protocol| recipe.data.follow(*protocol));
        if asked.settings.iter().any(|setting| is_of(setting, &[BATCH_SIZE])) {
            // Whoever names a number of clips means those that go through the network together.
            recipe.train.accumulate = 1;
        }
        if let Some(manifest) = asked.manifest {
            recipe.data.manifest = std::path::absolute(manifest).unwrap_or_else(|_| manifest.to_owned());
        }
        if !asked.splits.is_empty() {
            recipe.data.validation = asked.splits.to_vec();
        }
        recipe.check().map_err(RecipeError::from)?;
        let frames = recipe.data.sampling.frames();
        if self.info.model.is_for_one_length() && frames != self.info.frames {
            return Err(TrainedError::Length { expected: self.info.frames, got: frames });
        }
        Ok(recipe)
    }

    fn read_manifest(&self, asked: &Asked, recipe: &Recipe) -> Result<Manifest, TrainedError> {
        let list = Manifest::read(&recipe.data.manifest);
        // An imported run need not have videos of its own, and a run may come from another machine.
        let own = |source| TrainedError::NoManifest { run: self.run.path().to_owned(), source };
        if asked.manifest.is_some() { Ok(list?) } else { list.map_err(own) }
    }

    fn refuse_other_labels(&self, list: &Manifest, manifest: &Path) -> Result<(), TrainedError> {
        match (self.info.label_set.as_deref(), list.label_set()) {
            (Some(expected), Some(found)) if expected != found => Err(TrainedError::LabelSet {
                expected: expected.to_owned(),
                found: found.to_owned(),
                manifest: manifest.to_owned(),
            }),
            _ => Ok(()),
        }
    }

    /// The best of several evaluations is too good a figure on the videos that told which was best.
    fn refuse_choosers(&self, reported: &Manifest) -> Result<(), TrainedError> {
        let own = Manifest::read(&self.recipe.data.manifest)
            .map_err(|source| TrainedError::NoManifest { run: self.run.path().to_owned(), source })?;
        let splits = &self.recipe.data.validation;
        let lacking = |source| TrainedError::Videos { manifest: self.recipe.data.manifest.clone(), source };
        let chose = own.select_splits(splits).map_err(lacking)?;
        if shared_video(&chose, reported).is_some() {
            return Err(TrainedError::Chosen { splits: splits.clone(), run: self.run.path().to_owned() });
        }
        Ok(())
    }
}

/// Whether a change such as `data.eval.crops=three` is of one of some settings or of a part of one.
fn is_of(change: &str, settings: &[&str]) -> bool {
    let key = change.split('=').next().unwrap_or_default().trim();
    let part = |setting: &str| key.strip_prefix(setting).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'));
    settings.iter().any(|setting| part(setting))
}

/// The first video of `second` that shows something of a video of `first`: the same file, whatever names lead to it, or one
/// of the same content (a copy, or the original of a cached video). Parts of a file do so where they overlap.
pub fn shared_video<'a>(first: &Manifest, second: &'a Manifest) -> Option<&'a Record> {
    let mut known = HashMap::<Trace, Vec<Option<Part>>>::new();
    for record in first.records() {
        traces(first, record).for_each(|trace| known.entry(trace).or_default().push(record.part));
    }
    let is_known = |trace, part| known.get(&trace).is_some_and(|parts| parts.iter().any(|&other| overlap(other, part)));
    second.records().iter().find(|record| traces(second, record).any(|trace| is_known(trace, record.part)))
}

/// What a file is known by.
#[derive(PartialEq, Eq, Hash)]
enum Trace {
    File(Identity),
    /// Of a file that is gone.
    Name(PathBuf),
    Content(Content),
}

fn traces(videos: &Manifest, record: &Record) -> impl Iterator<Item = Trace> {
    let path = videos.path_of(record);
    let file = Identity::of(&path).map_or(Trace::Name(path), Trace::File);
    [file].into_iter().chain(record.content.clone().map(Trace::Content))
}

/// Whether two parts of a file have a frame in common; the whole file has one with each of its parts.
fn overlap(first: Option<Part>, second: Option<Part>) -> bool {
    first.zip(second).is_none_or(|(first, second)| first.start < second.end && second.start < first.end)
}

/// The network that a checkpoint describes, with its weights.
///
/// # Errors
/// If the weights are those of another network.
pub fn network(checkpoint: &Checkpoint, device: &Device) -> Result<Recognizer, StateError> {
    let CheckpointInfo { model, classes, frames, auxiliary, .. } = &checkpoint.info;
    let network = model.config(classes.len(), *frames).init(device, 0);
    let network = if *auxiliary { crate::model::VideoModel::with_auxiliary_norms(network) } else { network };
    load_state(network, checkpoint.model.clone())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn videos(folder: &str, bytes: u64, part: Option<(usize, usize)>) -> Manifest {
        let part = part.map(|(start, end)| Part { start, end });
        let content = Some(Content { bytes, sha256: "0a".repeat(32) });
        let (path, split, frames) = ("a.mp4".into(), "val".into(), part.map_or(9, |part| part.frames()));
        let record = Record { path, split, frames, part, content, ..Default::default() };
        Manifest::new(Path::new(folder), vec!["up".into()], None, vec![record]).unwrap()
    }

    #[test]
    fn a_video_is_known_by_its_file_or_its_content_and_a_part_by_its_frames() {
        let original = videos("/nowhere", 1, None);
        let is_shared = |second: &Manifest| shared_video(&original, second).is_some();
        assert!(is_shared(&videos("/cache", 1, None)), "the same bytes elsewhere");
        assert!(is_shared(&videos("/nowhere", 2, Some((0, 4)))), "a part of the same file");
        assert!(!is_shared(&videos("/cache", 2, None)), "another file of the same name");
        let first = videos("/nowhere", 1, Some((0, 4)));
        let has_frames_of_it = |part| shared_video(&first, &videos("/cache", 1, Some(part))).is_some();
        assert!(has_frames_of_it((3, 9)));
        assert!(!has_frames_of_it((4, 9)));
    }
}
