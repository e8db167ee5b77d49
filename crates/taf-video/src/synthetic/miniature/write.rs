use std::fs;
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};

use rand::RngExt;
use rand::seq::SliceRandom;
use rayon::prelude::*;
use taf_files::{create_folder, remove_unfinished, write_atomic};

use super::diving48;
use super::form::Form;
use super::sample::{List, Sample, Samples, Split};
use super::traits::Traits;
use crate::dataset::{Progress, SplitCounts};
use crate::synthetic::scene::Scene;
use crate::synthetic::{Difficulty, MovingShapes};
use crate::{Error, Result, Seed};

/// How many clips each class has in each list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClipsPerClass {
    /// In the list to train on.
    pub train: usize,
    /// In the list to validate on; of Diving48 that is the one called test.
    pub val: usize,
    /// In the list that comes without labels; none of Diving48.
    pub test: usize,
}

/// A prime above the number of videos of any of the data sets, so that every number below it has an id of its own.
const IDS: usize = 220_861;
const ID_STEP: usize = 91_807;

/// A small data set in the form of a published one. Like MovingShapes its classes need time: most come in pairs that are
/// each other backwards.
#[derive(Clone, Debug, PartialEq)]
pub struct Miniature {
    form: Form,
    shapes: MovingShapes,
}

impl Miniature {
    /// Clips whose shorter side has `size` pixels and that have a random number of `frames`; without them, those that the
    /// data set has.
    ///
    /// # Errors
    /// As [`MovingShapes::new`].
    pub fn new(
        form: Form,
        seed: Seed,
        size: Option<usize>,
        frames: Option<RangeInclusive<usize>>,
        difficulty: Difficulty,
    ) -> Result<Self> {
        let Traits { short_side, frames: usual, .. } = form.traits();
        let shapes = MovingShapes::new(seed, size.unwrap_or(short_side), frames.unwrap_or(usual), difficulty)?;
        Ok(Self { form, shapes })
    }

    /// The names of the classes, in the order of the data set's own list.
    pub fn classes(&self) -> Vec<String> {
        self.form.traits().roles.iter().map(|role| role.name.to_owned()).collect()
    }

    /// Writes clips and then lists into a folder, on all cores, and says how many clips each list has.
    ///
    /// Running it again completes what is missing, as [`MovingShapes::write`] does; one process at a time.
    ///
    /// # Errors
    /// If the folder holds anything that was not generated in this form, there are no clips to train on, too many for the
    /// data set's ids, or a list that it does not have, or a file cannot be written.
    pub fn write(&self, root: &Path, clips: ClipsPerClass, progress: Progress) -> Result<Vec<SplitCounts>> {
        self.check(root, clips)?;
        let traits = self.form.traits();
        let samples = self.samples(clips);
        let lists = (traits.lists)(&samples);
        let folder = root.join(traits.clips_folder);
        create_folder(root)?;
        let texts = lists.iter().map(|(name, _)| root.join(name));
        let others: Vec<PathBuf> = texts.chain([folder.clone()]).collect();
        self.shapes.settings().like(traits.name).keep_or_drop(root, &others)?;
        create_folder(&folder)?;
        remove_unfinished(&folder)?;
        let done = AtomicUsize::new(0);
        samples.samples.par_iter().try_for_each(|sample| {
            traits.store.write(&folder.join(&sample.id), &self.scene(sample), self.picture(sample))?;
            progress(done.fetch_add(1, Ordering::Relaxed) + 1, samples.samples.len());
            Ok::<_, Error>(())
        })?;
        write_lists(root, &lists)?;
        Ok(counts(traits.roles.len(), clips))
    }

    fn check(&self, root: &Path, clips: ClipsPerClass) -> Result<()> {
        let Traits { name, roles, .. } = self.form.traits();
        if clips.train == 0 {
            return Err(Error::setting("train", "at least 1", 0));
        }
        if self.form == Form::Diving48 && clips.test > 0 {
            let expected = "left out for diving48, whose list called test holds the clips of val";
            return Err(Error::setting("test", expected, clips.test));
        }
        let most = IDS / (3 * roles.len());
        if let Some(count) = [clips.train, clips.val, clips.test].into_iter().find(|&count| count > most) {
            return Err(Error::setting("clips per class", format!("at most {most}"), count));
        }
        refuse_other_form(root, name)
    }

    fn samples(&self, clips: ClipsPerClass) -> Samples {
        let roles = self.form.traits().roles;
        let mut samples = Vec::new();
        for (split, count) in Split::ALL.into_iter().zip([clips.train, clips.val, clips.test]) {
            let places = (0..count).flat_map(|index| (0..roles.len()).map(move |role| (index, role)));
            samples.extend(places.map(|(index, role)| self.sample(split, role, index)));
        }
        samples.shuffle(&mut self.shapes.seed.with("list").rng());
        Samples { roles, samples }
    }

    fn sample(&self, split: Split, role: usize, index: usize) -> Sample {
        let roles = self.form.traits().roles;
        let scene = roles[role].scene(&self.shapes.of_split(split.name()), index);
        let id = match self.form {
            Form::Diving48 => {
                let recording = self.shapes.seed.with("recording").with(split.name()).at(index);
                diving48::id(recording, index == 0, role)
            }
            _ => (1 + ((index * roles.len() + role) * 3 + split as usize) * ID_STEP % IDS).to_string(),
        };
        Sample { split, role, index, id, frames: scene.frames, object: scene.actor.shape.name() }
    }

    fn scene(&self, sample: &Sample) -> Scene {
        self.form.traits().roles[sample.role].scene(&self.shapes.of_split(sample.split.name()), sample.index)
    }

    /// Width and height of a clip: 16:9, of the data sets that many people filmed also 4:3. The classes share them.
    fn picture(&self, sample: &Sample) -> [usize; 2] {
        let height = self.shapes.size;
        let mut rng = self.shapes.seed.with("width").with(sample.split.name()).at(sample.index).rng();
        let wide = self.form == Form::Diving48 || rng.random_bool(0.7);
        let [across, down] = if wide { [16, 9] } else { [4, 3] };
        [height * across / down / 2 * 2, height]
    }
}

/// Refuses a folder that was not filled by this command in this form: no file of anybody's is ever in the way.
fn refuse_other_form(root: &Path, name: &str) -> Result<()> {
    let file = root.join(MovingShapes::SETTINGS_FILE);
    let like = || serde_json::from_slice::<serde_json::Value>(&fs::read(&file).ok()?).ok()?.get("like").cloned();
    let is_empty = || fs::read_dir(root).is_ok_and(|mut entries| entries.next().is_none());
    if !root.exists() || is_empty() || like().is_some_and(|like| like == name) {
        return Ok(());
    }
    let expected = format!("a folder that is new, empty, or filled by an earlier run in the form of {name}");
    Err(Error::content(root, expected, "other files"))
}

fn write_lists(root: &Path, lists: &[List]) -> Result<()> {
    for (name, text) in lists {
        let path = root.join(name);
        create_folder(path.parent().unwrap_or(root))?;
        write_atomic(&path, text.as_bytes())?;
    }
    Ok(())
}

fn counts(num_classes: usize, ClipsPerClass { train, val, test }: ClipsPerClass) -> Vec<SplitCounts> {
    let of = |(split, count): (Split, usize)| {
        let [labelled, unlabelled] = if split == Split::Test { [0, count * num_classes] } else { [count, 0] };
        SplitCounts { split: split.name().into(), per_class: vec![labelled; num_classes], unlabelled }
    };
    let some = Split::ALL.into_iter().zip([train, val, test]).filter(|&(_, count)| count > 0);
    some.map(of).collect()
}
