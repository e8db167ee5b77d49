use std::fmt::Debug;
use std::fs;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use taf_files::{create_folder, write_atomic};

use crate::data::hash;
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
    /// SHA-256 of the files of the weights of the networks, that in whose folder the findings lie first.
    weights: Vec<String>,
    /// Version and commit of the program.
    program: String,
}

impl TrialKey {
    /// For trials on `sample`, places of videos of `evaluation`, by a program of this version and commit.
    pub fn new(evaluation: &Evaluation, sample: &[usize], program: &str) -> Self {
        let (list, videos) = evaluation.list_and_files();
        Self {
            trial: String::new(),
            settings: String::new(),
            list,
            videos,
            sample: hash(&sample.iter().map(usize::to_string).collect::<Vec<_>>()),
            views: format!("{:?}", evaluation.views),
            batch_size: evaluation.batch_size,
            weights: Vec::new(),
            program: program.to_owned(),
        }
    }

    /// The same for one trial, on networks with these SHA-256 of their weights, that in whose folder the findings lie first.
    pub fn of(&self, trial: &str, settings: &impl Debug, weights: &[&str]) -> Self {
        let weights = weights.iter().map(|weights| (*weights).to_owned()).collect();
        Self { trial: trial.to_owned(), settings: format!("{settings:?}"), weights, ..self.clone() }
    }

    /// The question, without what can only make the findings stale, names the file, as it does for answers. The other networks
    /// belong to the question, and what they are called does not.
    fn file_name(&self) -> String {
        let Self { trial, settings, list, sample, views, batch_size, weights, .. } = self;
        let others = weights.get(1..).unwrap_or_default();
        let question = hash(&[settings, list, sample, views, &format!("{batch_size} {others:?}")]);
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

    /// Removes what is of no use.
    pub(super) fn forget(&self) {
        // A file that stays is refused again.
        let _ = fs::remove_file(self.folder.join(self.key.file_name()));
    }

    /// The findings, and on how many clips. A file that cannot be read is as good as none.
    pub(super) fn find(&self) -> Option<(usize, Value)> {
        let bytes = fs::read(self.folder.join(self.key.file_name())).ok()?;
        let Kept { key, clips, found } = serde_json::from_slice(&bytes).ok()?;
        (key == self.key).then_some((clips, found))
    }

    /// Keeps findings on so many clips, unless another process has kept those on more.
    pub(super) fn keep(&self, clips: usize, found: Value) -> taf_files::Result<()> {
        if self.find().is_some_and(|(kept, _)| kept > clips) {
            return Ok(());
        }
        create_folder(&self.folder)?;
        let kept = Kept { key: self.key.clone(), clips, found };
        let bytes = serde_json::to_vec(&kept).expect("what is kept is made of JSON's types");
        write_atomic(&self.folder.join(self.key.file_name()), &bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn findings_on_fewer_clips_leave_those_of_another_process_on_more() {
        let folder = tempfile::tempdir().unwrap();
        let text = String::new;
        let key = TrialKey {
            trial: "attacks".into(),
            settings: text(),
            list: text(),
            videos: text(),
            sample: text(),
            views: text(),
            batch_size: 2,
            weights: vec![text()],
            program: text(),
        };
        let file = TrialFile::new(folder.path(), key);
        file.keep(4, "four".into()).unwrap();
        file.keep(2, "two".into()).unwrap();
        assert_eq!(file.find(), Some((4, "four".into())));
        file.forget();
        file.keep(2, "two".into()).unwrap();
        assert_eq!(file.find(), Some((2, "two".into())));
    }
}
