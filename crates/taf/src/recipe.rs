//! One TOML file says everything about a run. It is read once, into types that cannot be wrong.

mod completed;
mod overrides;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use burn::tensor::Device;
use serde::{Deserialize, Serialize};
use taf_video::dataset::Manifest;
use taf_video::transform::{EvalTransformConfig, TrainTransform, TrainTransformConfig};
use taf_video::{Sampling, Seed, TemporalViews};

use crate::adversary::{TemporalAdversary, reduced_side};
use crate::data::{ClipSource, Mixing, OnBadVideo, fingerprint, hash};
use crate::evaluate::{Average, Evaluation, Protocol, Views};
use crate::model::{BatchNormTraining, Branch, MOST_FRAMES, ModelRecipe, Recognizer};
use crate::setting::SettingError;
use crate::train::{Course, Crafting, TafConfig, TrainConfig, frozen};
use overrides::{culprit, in_plain_words, set};

/// Everything about a run. Unknown fields are refused everywhere.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Recipe {
    /// Where every random choice grows from; default 0.
    #[serde(default)]
    pub seed: u64,
    /// Which videos, and how they become clips.
    pub data: DataRecipe,
    /// Which network.
    pub model: ModelRecipe,
    /// How it is trained.
    #[serde(default)]
    pub train: TrainConfig,
    /// Fine-tuning on temporal adversarial clips; absent for plain training.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub taf: Option<TafConfig>,
    /// The adversary that measures attention in reports, and what `taf attend` and `taf perturb` use where there is no
    /// `[taf.adversary]`.
    #[serde(default)]
    pub probe: TemporalAdversary,
}

/// The `[data]` table.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DataRecipe {
    /// The manifest `taf data prepare` wrote; relative to the recipe's folder.
    pub manifest: PathBuf,
    /// Classes to keep, in label order; default all of the manifest.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub classes: Option<Vec<String>>,
    /// Splits to train on; default `["train"]`.
    #[serde(default = "train_splits")]
    pub train: Vec<String>,
    /// Splits to evaluate on; default `["val"]`.
    #[serde(default = "validation_splits")]
    pub validation: Vec<String>,
    /// How frames are chosen; default eight TSN segments.
    #[serde(default = "eight_segments")]
    pub sampling: Sampling,
    /// Clips per video an evaluation averages over; default the centre one.
    #[serde(default)]
    pub views: TemporalViews,
    /// How the answers to those clips and their crops are averaged; default logits.
    #[serde(default)]
    pub average: Average,
    /// Crop, flips and colour while training.
    #[serde(default)]
    pub transform: TrainTransformConfig,
    /// Resize and crops while evaluating.
    #[serde(default)]
    pub eval: EvalTransformConfig,
    /// Threads that decode ahead of training; the result does not depend on them. Default 2.
    #[serde(default = "two")]
    pub workers: usize,
    /// What happens when a training video cannot be used: `"stop"`, or `"replace"` it by another of its class; default `"stop"`.
    /// A folder or disk that is gone stops training either way.
    #[serde(default)]
    pub on_bad_video: OnBadVideo,
}

fn train_splits() -> Vec<String> {
    vec!["train".into()]
}

fn validation_splits() -> Vec<String> {
    vec!["val".into()]
}

fn eight_segments() -> Sampling {
    Sampling::segments(8)
}

fn two() -> usize {
    2
}

/// Why a recipe cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum RecipeError {
    /// The file could not be read.
    #[error("cannot read the recipe: {source}: {}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the operating system answered.
        source: std::io::Error,
    },
    /// The text is not TOML, or a field is unknown, missing or of the wrong type.
    #[error("{}: {message}", path.display())]
    Parse {
        /// The file.
        path: PathBuf,
        /// Where and what, as the parser says it.
        message: String,
    },
    /// An override could not be applied.
    #[error("--set {text}: {message}")]
    Override {
        /// The override as given.
        text: String,
        /// What is wrong with it.
        message: String,
    },
    /// A value is out of its range, or two do not fit together.
    #[error(transparent)]
    Setting(#[from] SettingError),
    /// The videos or their transforms make no sense.
    #[error(transparent)]
    Data(#[from] taf_video::Error),
    /// The manifest lacks the classes or splits that are asked for.
    #[error("{source}: {}", manifest.display())]
    Videos {
        /// The manifest.
        manifest: PathBuf,
        /// What it lacks.
        source: taf_video::Error,
    },
}

/// Pixels of a batch of clips: 24 GiB of numbers.
const MOST_PIXELS: u64 = 1 << 31;
/// The fewest pixels a side may have that a network looks at.
const SMALLEST_SIDE: usize = 8;

/// A recipe whose data were found and whose settings were checked.
#[derive(Clone, Debug)]
pub struct Plan {
    /// What was asked for.
    pub recipe: Recipe,
    /// Class names in label order.
    pub classes: Vec<String>,
    /// Clips to train on.
    pub train: ClipSource,
    /// Videos to evaluate on, and how the network is shown them.
    pub evaluation: Evaluation,
    /// Crop, flips and colour of training clips.
    pub transform: TrainTransform,
}

impl Recipe {
    /// Reads a recipe and applies `--set key=value` overrides, the later ones winning. A relative manifest path is taken
    /// from the recipe's folder.
    ///
    /// # Errors
    /// If the file cannot be read, is not TOML, or does not fit the fields.
    pub fn read(path: &Path, overrides: &[String]) -> Result<Self, RecipeError> {
        let read = |source| RecipeError::Read { path: path.to_owned(), source };
        let text = std::fs::read_to_string(path).map_err(read)?;
        let mut recipe = Self::parse(&text, path, overrides)?;
        if recipe.data.manifest.is_relative() {
            let folder = path.parent().unwrap_or(Path::new(""));
            let manifest = folder.join(&recipe.data.manifest);
            recipe.data.manifest = std::path::absolute(&manifest).map_err(read)?;
        }
        if recipe.data.manifest.to_str().is_none() {
            return Err(SettingError::new("data.manifest", "be UTF-8", recipe.data.manifest.display()).into());
        }
        Ok(recipe)
    }

    /// Reads a recipe from text; `path` is what errors call it.
    ///
    /// # Errors
    /// As [`Recipe::read`].
    pub fn parse(text: &str, path: &Path, overrides: &[String]) -> Result<Self, RecipeError> {
        let parse =
            |error: toml::de::Error| RecipeError::Parse { path: path.to_owned(), message: in_plain_words(&error) };
        if overrides.is_empty() {
            // Parsed in one go, so that errors show the line.
            return toml::from_str(text).map_err(parse);
        }
        let mut table: toml::Table = toml::from_str(text).map_err(parse)?;
        for text in overrides {
            set(&mut table, text).map_err(|message| RecipeError::Override { text: text.clone(), message })?;
        }
        toml::Value::Table(table).try_into().map_err(|error| match culprit(text, overrides) {
            Some(one) => {
                RecipeError::Override { text: one.clone(), message: in_plain_words(&error).trim().replace('\n', " ") }
            }
            None => parse(error),
        })
    }

    /// The recipe as TOML, every field written out.
    pub fn to_toml(&self) -> String {
        toml::to_string(self).expect("a recipe is made of TOML's types")
    }

    /// Finds the data and checks every setting, those too that only training minds.
    ///
    /// # Errors
    /// Names the first thing that is missing or out of range.
    pub fn plan(&self) -> Result<Plan, RecipeError> {
        self.check()?;
        self.taf.as_ref().map_or(Ok(()), |taf| taf.check_ramp(self.train.epochs))?;
        let manifest = Manifest::read(&self.data.manifest)?;
        let lacking = |source| RecipeError::Videos { manifest: self.data.manifest.clone(), source };
        let manifest = match &self.data.classes {
            Some(classes) => manifest.select_classes(classes).map_err(lacking)?,
            None => manifest,
        };
        let seed = Seed::new(self.seed);
        let labelled = |splits| labelled_splits(&manifest, splits).map_err(lacking);
        let train = labelled(&self.data.train)?;
        let evaluation = Evaluation {
            videos: Arc::new(labelled(&self.data.validation)?),
            views: self.data.evaluation_views()?,
            average: self.data.average,
            batch_size: self.train.piece(),
            threads: self.data.workers,
        };
        let classes = manifest.classes().to_vec();
        if classes.len() < 2 {
            return Err(SettingError::new("data.classes", "name at least 2 classes", format!("{classes:?}")).into());
        }
        Ok(Plan {
            recipe: self.clone(),
            train: ClipSource::new(train, self.data.sampling.clone(), seed.with("train"))
                .on_bad_video(self.data.on_bad_video),
            evaluation,
            transform: self.data.transform_of(&manifest).init(&classes)?,
            classes,
        })
    }

    /// Whether the network needs a second set of batch norms.
    pub fn has_auxiliary_norms(&self) -> bool {
        self.taf.as_ref().is_some_and(TafConfig::needs_auxiliary_norms)
    }

    /// The adversary of fine-tuning, or else the probe.
    pub fn adversary(&self) -> &TemporalAdversary {
        self.taf.as_ref().map_or(&self.probe, |taf| &taf.adversary)
    }

    /// Checks every setting that can be checked without the data.
    ///
    /// # Errors
    /// Names the first that is out of range.
    pub fn check(&self) -> Result<(), SettingError> {
        self.check_sizes()?;
        self.model.check(self.data.sampling.frames())?;
        self.train.check()?;
        self.check_frozen()?;
        self.probe.check("probe")?;
        self.taf.as_ref().map_or(Ok(()), |taf| taf.check())?;
        self.check_natural_clips()?;
        self.check_branches()
    }

    /// Refuses clips without time, and sizes whose batch of clips would take more than 24 GiB before any network saw it.
    fn check_sizes(&self) -> Result<(), SettingError> {
        let DataRecipe { transform, eval, sampling, views, workers, .. } = &self.data;
        let within = |field, value: usize, low: usize, high: usize| match (low..=high).contains(&value) {
            true => Ok(()),
            false => Err(SettingError::new(field, format!("lie between {low} and {high}"), value)),
        };
        // Below 2 frames there is nothing to attend to over time, and nothing to shift.
        within("data.sampling.frames", sampling.frames(), 2, MOST_FRAMES)?;
        within("data.transform.size", transform.size, SMALLEST_SIDE, 2048)?;
        within("data.eval.size", eval.size, SMALLEST_SIDE, 2048)?;
        for (field, side) in
            [("data.transform.short_side", transform.short_side), ("data.eval.short_side", eval.short_side)]
        {
            side.map_or(Ok(()), |side| within(field, side, SMALLEST_SIDE, 4096))?;
        }
        let smallest = transform.size.min(eval.size);
        let side_left = |adversary: &TemporalAdversary| reduced_side(smallest, adversary.scale);
        within("the side probe.scale leaves", side_left(&self.probe), SMALLEST_SIDE, smallest)?;
        if let Some(taf) = &self.taf {
            within("the side taf.adversary.scale leaves", side_left(&taf.adversary), SMALLEST_SIDE, smallest)?;
        }
        within("data.views", views.count(), 1, 100)?;
        within("data.workers", *workers, 1, 256)?;
        within("train.batch_size", self.train.batch_size, 1, 65_536)?;
        within("train.accumulate", self.train.accumulate, 1, 65_536)?;
        let side = transform.size.max(eval.size);
        // What waits for its turn in the network is bytes, a quarter of the numbers that they become.
        let passed = self.train.piece() * self.train.mix.as_ref().map_or(1, Mixing::passes);
        let clips = passed.max(self.train.batch_size / 4);
        let pixels = clips as u64 * (sampling.frames() * side * side) as u64;
        if pixels > MOST_PIXELS {
            let expected = format!("make at most {MOST_PIXELS} pixels a batch with the frames and the size of clips");
            return Err(SettingError::new("train.batch_size", expected, format!("{pixels}")));
        }
        // TOML's whole numbers are signed.
        match i64::try_from(self.seed) {
            Ok(_) => Ok(()),
            Err(_) => Err(SettingError::new("seed", "be below 2^63", self.seed)),
        }
    }

    /// What reads the natural training pass needs the clips in it as they are.
    fn check_natural_clips(&self) -> Result<(), SettingError> {
        let (Some(taf), Some(mix)) = (&self.taf, &self.train.mix) else { return Ok(()) };
        if taf.consistency > 0.0 && !matches!(mix, Mixing::Mca(_)) {
            let expected = "be 0 where train.mix changes the natural clips, whose answers it goes by";
            return Err(SettingError::new("taf.consistency", expected, taf.consistency));
        }
        if taf.craft == Crafting::NaturalPass {
            let expected = "be \"own-pass\" where train.mix changes the natural clips or adds others to them";
            return Err(SettingError::new("taf.craft", expected, "\"natural-pass\""));
        }
        Ok(())
    }

    /// Refuses layers that the network does not have.
    fn check_frozen(&self) -> Result<(), SettingError> {
        if self.train.freeze.is_empty() {
            return Ok(());
        }
        // Of one class: how many there are is not known here, and layers have the same names for any number.
        let network = self.model.config(1, self.data.sampling.frames()).outline();
        frozen(&network, &self.train).map(drop)
    }

    /// Only a network with auxiliary norms can craft with them, and only norms that learn become others than the main ones.
    fn check_branches(&self) -> Result<(), SettingError> {
        let needs = |adversary: &TemporalAdversary| adversary.branch == Branch::Auxiliary;
        let missing = self.taf.as_ref().is_some_and(|taf| needs(&taf.adversary)) || needs(&self.probe);
        if missing && !self.has_auxiliary_norms() {
            let expected = "be \"main\" unless taf.branch = \"auxiliary\" makes such norms";
            return Err(SettingError::new("the adversary's branch", expected, "\"auxiliary\""));
        }
        if self.has_auxiliary_norms() && self.train.batch_norm != BatchNormTraining::Train {
            let expected = "be \"main\" unless train.batch_norm = \"train\" has such norms learn";
            return Err(SettingError::new("taf.branch", expected, "\"auxiliary\""));
        }
        Ok(())
    }
}

/// The videos of some splits, which must all have labels to learn from or to score by.
fn labelled_splits(list: &Manifest, splits: &[String]) -> Result<Manifest, taf_video::Error> {
    let videos = list.select_splits(splits)?;
    let Some(record) = videos.records().iter().find(|record| record.label.is_none()) else { return Ok(videos) };
    let (name, got) =
        ("a split for training or validation", format!("{:?}, where {} has none", record.split, record.id()));
    Err(taf_video::Error::Setting { name, expected: "one whose videos all have labels".to_owned(), got })
}

impl DataRecipe {
    /// Crop, flips and colour of training clips; a mirror also exchanges the classes that the manifest says it does.
    fn transform_of(&self, manifest: &Manifest) -> TrainTransformConfig {
        let mut transform = self.transform.clone();
        transform.horizontal_pairs.extend_from_slice(manifest.mirror_pairs());
        transform
    }

    /// Shows videos as a protocol says, in clips of as many frames as before.
    pub fn follow(&mut self, protocol: Protocol) {
        self.sampling = protocol.sampling(self.sampling.frames());
        self.views = protocol.temporal();
        self.eval = protocol.transform();
        self.average = protocol.average();
    }

    /// How an evaluation looks at a video.
    ///
    /// # Errors
    /// If the settings of the transform are out of range.
    pub fn evaluation_views(&self) -> Result<Views, taf_video::Error> {
        Ok(Views { sampling: self.sampling.clone(), temporal: self.views, transform: self.eval.init()? })
    }
}

impl Plan {
    /// The files of all videos as they are now, in one short text.
    pub fn fingerprint(&self) -> String {
        hash(&[fingerprint(self.train.videos()), fingerprint(&self.evaluation.videos)])
    }

    /// What a trainer is to do.
    pub fn course(&self) -> Course<'_> {
        let Recipe { seed, data, model, train, taf, .. } = &self.recipe;
        Course {
            seed: Seed::new(*seed),
            model,
            frames: data.sampling.frames(),
            classes: &self.classes,
            label_set: self.train.videos().label_set(),
            train,
            taf: taf.as_ref(),
            clips: &self.train,
            transform: &self.transform,
            workers: data.workers,
            evaluation: &self.evaluation,
        }
    }

    /// The network with fresh weights.
    pub fn init_model(&self, device: &Device) -> Recognizer {
        let seed = Seed::new(self.recipe.seed).with("weights").value();
        let frames = self.recipe.data.sampling.frames();
        self.recipe.model.config(self.classes.len(), frames).init(device, seed)
    }
}

#[cfg(test)]
mod tests {
    use super::Recipe;

    #[test]
    fn a_ramp_that_is_longer_than_training_stops_training_alone() {
        let text =
            "[data]\nmanifest = \"m.jsonl\"\n[model]\nkind = \"tsm\"\ntrunk = \"tiny\"\n[taf]\nramp_epochs = 99.0\n";
        let recipe = Recipe::parse(text, "r.toml".as_ref(), &[]).unwrap();
        assert_eq!(recipe.check(), Ok(()));
        assert!(recipe.plan().unwrap_err().to_string().contains("taf.ramp_epochs must lie in [0, train.epochs]"));
    }
}
