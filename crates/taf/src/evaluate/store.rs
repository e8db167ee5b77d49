use std::collections::HashMap;
use std::fs;
use std::path::PathBuf;

use safetensors::tensor::{Dtype, SafeTensors, TensorView, serialize};
use serde::{Deserialize, Serialize};
use taf_files::{create_folder, write_atomic};

use super::{Answers, Evaluation, Version, Views};
use crate::data::hash;

/// What a network answered, in a folder: one file for each version of each list of videos, so that an evaluation that is
/// stopped goes on where it was and no network is asked twice.
///
/// While a version is asked about, what is answered by then lies in a file of the same kind beside it, named `.part`.
///
/// A file is a safetensors file of one tensor, `logits` `[videos, views, classes]`, the videos in the order of their list. How
/// views are averaged is no part of it.
#[derive(Clone, Debug)]
pub struct Store {
    folder: PathBuf,
}

/// What answers depend on: where all of it is the same, they are.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AnswerKey {
    /// Which version of the videos.
    version: Version,
    /// Paths, classes, splits and groups of the videos: SHA-256 of their manifest.
    list: String,
    /// How many videos and how many views of each.
    shape: [usize; 2],
    /// Everything that decides how a video becomes clips.
    views: String,
    /// The files of the videos as they are now.
    videos: String,
    /// SHA-256 of the file of the weights.
    weights: String,
    /// Version and commit of the program.
    program: String,
}

const METADATA: &str = "taf";
const LOGITS: &str = "logits";

impl AnswerKey {
    /// What the answers to one version of the videos of `evaluation` depend on. `weights` is the SHA-256 of the network's
    /// weights, `program` the version and commit of the program that asks.
    pub fn new(evaluation: &Evaluation, version: Version, weights: &str, program: &str) -> Self {
        let (list, videos) = evaluation.list_and_files();
        Self {
            version,
            list,
            shape: [evaluation.records().len(), evaluation.views.count()],
            views: format!("{:?}", evaluation.views),
            videos,
            weights: weights.to_owned(),
            program: program.to_owned(),
        }
    }

    /// The same with another version of the videos.
    pub fn of_version(&self, version: Version) -> Self {
        Self { version, ..self.clone() }
    }

    /// The same with videos that are shown otherwise.
    pub fn of_views(&self, views: &Views) -> Self {
        Self { shape: [self.shape[0], views.count()], views: format!("{views:?}"), ..self.clone() }
    }

    /// The same with a name of its own for the answers so far.
    fn part_name(&self) -> String {
        format!("{}.part", self.file_name())
    }

    /// The question, without what can only make an answer to it stale, names the file: another split or severity is
    /// another file, and new weights replace the answers of old ones.
    fn file_name(&self) -> String {
        let Self { version, list, views, .. } = self;
        let question = hash(&[list, views]);
        format!("{}.{}.safetensors", version.to_string().replace(':', "-"), &question[..16])
    }
}

impl Store {
    /// The answers in this folder, which need not exist.
    pub fn new(folder: impl Into<PathBuf>) -> Self {
        Self { folder: folder.into() }
    }

    /// The answers, where they are known. A file that cannot be read is as good as none.
    pub fn find(&self, of: &AnswerKey) -> Option<Answers> {
        self.read(&of.file_name(), of).filter(|answers| answers.shape()[..2] == of.shape)
    }

    /// The answers to the first videos, where so much is known. A file that cannot be read is as good as none.
    pub fn find_part(&self, of: &AnswerKey) -> Option<Answers> {
        let [videos, views] = of.shape;
        self.read(&of.part_name(), of).filter(|part| part.videos() <= videos && part.shape()[1] == views)
    }

    /// Keeps answers; those so far are no longer needed then.
    ///
    /// # Errors
    /// If the folder cannot be written.
    pub fn keep(&self, of: &AnswerKey, answers: &Answers) -> taf_files::Result<()> {
        self.write(&of.file_name(), of, answers)?;
        // One that stays is never asked for again.
        let _ = fs::remove_file(self.folder.join(of.part_name()));
        Ok(())
    }

    /// Keeps the answers to the first videos, at least one, unless another process has kept those to more.
    ///
    /// # Errors
    /// If the folder cannot be written.
    pub fn keep_part(&self, of: &AnswerKey, part: &Answers) -> taf_files::Result<()> {
        if self.find_part(of).is_some_and(|kept| kept.videos() > part.videos()) {
            return Ok(());
        }
        self.write(&of.part_name(), of, part)
    }

    fn read(&self, name: &str, of: &AnswerKey) -> Option<Answers> {
        let bytes = fs::read(self.folder.join(name)).ok()?;
        let (_, header) = SafeTensors::read_metadata(&bytes).ok()?;
        let known: AnswerKey = serde_json::from_str(header.metadata().as_ref()?.get(METADATA)?).ok()?;
        if known != *of {
            return None;
        }
        let file = SafeTensors::deserialize(&bytes).ok()?;
        let logits = file.tensor(LOGITS).ok().filter(|logits| logits.dtype() == Dtype::F32)?;
        let numbers = logits.data().as_chunks().0.iter().map(|&number| f32::from_le_bytes(number)).collect();
        Answers::new(logits.shape().try_into().ok()?, numbers)
    }

    fn write(&self, name: &str, of: &AnswerKey, answers: &Answers) -> taf_files::Result<()> {
        create_folder(&self.folder)?;
        let numbers: Vec<u8> = answers.logits().iter().flat_map(|number| number.to_le_bytes()).collect();
        let logits = TensorView::new(Dtype::F32, answers.shape().to_vec(), &numbers).expect("answers fill their shape");
        let key = serde_json::to_string(of).expect("a key is made of JSON's types");
        let metadata = HashMap::from([(METADATA.to_owned(), key)]);
        let bytes = serialize([(LOGITS, logits)], Some(metadata)).expect("one tensor has one name");
        write_atomic(&self.folder.join(name), &bytes)
    }
}
