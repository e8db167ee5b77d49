use std::fmt::Debug;
use std::fs;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use taf_files::{create_folder, write_atomic};

use crate::data::{fingerprint, hash};
use crate::evaluate::Evaluation;

/// What the findings of a trial depend on: where all of it is the same, they are.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TrialKey {
    /// What is tried.
    trial: String,
    /// How.
    settings: String,
    /// Paths, classes, splits and groups of the videos: SHA-256 of their manifest.
    list: String,
    /// The files of the videos as they are now.
    videos: String,
    /// Which of them are tried: SHA-256 of their places.
    sample: String,
    /// Everything that decides how a video becomes clips.
    views: String,
    /// How many clips go through a network together: sums round otherwise, and an ascent makes much of that.
    batch_size: usize,
    /// The networks: names, and SHA-256 of the files of the weights.
    networks: Vec<[String; 2]>,
    /// Version and commit of the program.
    program: String,
}

impl TrialKey {
    /// For trials on `sample`, places of videos of `evaluation`, by a program of this version and commit.
    pub fn new(evaluation: &Evaluation, sample: &[usize], program: &str) -> Self {
        Self {
            trial: String::new(),
            settings: String::new(),
            list: evaluation.videos.hash(),
            videos: fingerprint(&evaluation.videos),
            sample: hash(&sample.iter().map(usize::to_string).collect::<Vec<_>>()),
            views: format!("{:?}", evaluation.views),
            batch_size: evaluation.batch_size,
            networks: Vec::new(),
            program: program.to_owned(),
        }
    }

    /// The same for one trial, on networks with these names and these SHA-256 of their weights.
    pub fn of(&self, trial: &str, settings: &impl Debug, networks: &[[&str; 2]]) -> Self {
        let networks = networks.iter().map(|network| network.map(str::to_owned)).collect();
        Self { trial: trial.to_owned(), settings: format!("{settings:?}"), networks, ..self.clone() }
    }

    /// The question, without what can only make the findings stale, names the file, as it does for answers.
    fn file_name(&self) -> String {
        let Self { trial, settings, list, sample, views, batch_size, networks, .. } = self;
        let names: Vec<&String> = networks.iter().map(|[name, _]| name).collect();
        let question = hash(&[settings, list, sample, views, &format!("{batch_size} {names:?}")]);
        format!("{trial}.{}.json", &question[..16])
    }
}

/// Where the findings of one trial are kept, so that it goes on where it was stopped and is not made twice.
#[derive(Clone, Debug)]
pub struct TrialFile {
    folder: PathBuf,
    key: TrialKey,
}

/// What a file holds.
#[derive(Serialize, Deserialize)]
struct Kept {
    key: TrialKey,
    /// How many clips were tried.
    clips: usize,
    found: Value,
}

impl TrialFile {
    /// In this folder, which need not exist.
    pub fn new(folder: impl Into<PathBuf>, key: TrialKey) -> Self {
        Self { folder: folder.into(), key }
    }

    /// The findings, and on how many clips. A file that cannot be read is as good as none.
    pub(super) fn find(&self) -> Option<(usize, Value)> {
        let bytes = fs::read(self.folder.join(self.key.file_name())).ok()?;
        let Kept { key, clips, found } = serde_json::from_slice(&bytes).ok()?;
        (key == self.key).then_some((clips, found))
    }

    pub(super) fn keep(&self, clips: usize, found: Value) -> taf_files::Result<()> {
        create_folder(&self.folder)?;
        let kept = Kept { key: self.key.clone(), clips, found };
        let bytes = serde_json::to_vec(&kept).expect("what is kept is made of JSON's types");
        write_atomic(&self.folder.join(self.key.file_name()), &bytes)
    }
}
