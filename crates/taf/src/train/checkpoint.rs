use std::collections::{BTreeMap, HashMap};
use std::fs::File;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use burn::tensor::TensorData;
use safetensors::tensor::{Dtype, Metadata, SafeTensors, TensorInfo, TensorView};
use serde::{Deserialize, Serialize};

use super::optimizer::is_memory;
use crate::model::{ModelRecipe, StateDict};
use taf_checkpoint::LONGEST_HEADER;
use taf_files::write_atomic_with;
use taf_report::run::sha256;

const METADATA: &str = "taf";
const MODEL: &str = "model.";
const NEWEST: &str = "newest.";
const EXTENSION: &str = "safetensors";
const BEST: &str = "best.safetensors";

/// Why a checkpoint cannot be read or written.
#[derive(Debug, thiserror::Error)]
pub enum CheckpointError {
    /// The file system said no.
    #[error("cannot {action} the checkpoint: {source}: {}", path.display())]
    Io {
        /// "read" or "list".
        action: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// What the operating system answered.
        source: std::io::Error,
    },
    /// The file is not a checkpoint of this program.
    #[error("expected {expected}, found {found}: {}", path.display())]
    Content {
        /// The file.
        path: PathBuf,
        /// What was needed.
        expected: &'static str,
        /// What is there.
        found: String,
    },
    /// The folder has no checkpoint.
    #[error("no checkpoint in {}", path.display())]
    None {
        /// The folder.
        path: PathBuf,
    },
    /// Writing failed.
    #[error(transparent)]
    Write(#[from] taf_files::Error),
}

/// How far training has come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Progress {
    /// Epochs completed.
    pub epoch: usize,
    /// Batches of the running epoch that were trained on.
    pub batch: usize,
    /// Steps taken in all.
    pub step: u64,
    /// Top-1 accuracy of the best evaluation so far, in [0, 1].
    pub best_top1: Option<f64>,
    /// Sum of the natural loss over the batches of the running epoch.
    pub loss_sum: f64,
}

/// What describes the weights beside the tensors.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CheckpointInfo {
    /// How far training had come.
    pub progress: Progress,
    /// The network.
    pub model: ModelRecipe,
    /// Class names in label order.
    pub classes: Vec<String>,
    /// Which labels these are, such as `diving48-v2`, where it is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub label_set: Option<String>,
    /// Frames per clip.
    pub frames: usize,
    /// Whether batch norms carry an auxiliary branch.
    pub auxiliary: bool,
}

impl CheckpointInfo {
    /// Reads what a checkpoint says of itself, and none of its tensors.
    ///
    /// # Errors
    /// If the file cannot be read, or its header is not that of a checkpoint.
    pub fn read(path: &Path) -> Result<Self, CheckpointError> {
        let io = |source| CheckpointError::Io { action: "read", path: path.to_owned(), source };
        let mut file = File::open(path).map_err(io)?;
        let mut length = [0; 8];
        file.read_exact(&mut length).map_err(io)?;
        let content = |(expected, found)| CheckpointError::Content { path: path.to_owned(), expected, found };
        let length = u64::from_le_bytes(length);
        if length > LONGEST_HEADER {
            return Err(content(("a safetensors header of at most 16 MiB", format!("{length} bytes"))));
        }
        let mut header = Vec::new();
        file.take(length).read_to_end(&mut header).map_err(io)?;
        let read = serde_json::from_slice(&header).map_err(|error| ("a safetensors file", error.to_string()));
        read.and_then(|header: Header| Self::described(header.metadata.get(METADATA))).map_err(content)
    }

    fn described(text: Option<&String>) -> Result<Self, (&'static str, String)> {
        let text = text.ok_or(("a checkpoint of taf", "no description of one".to_owned()))?;
        let info: Self =
            serde_json::from_str(text).map_err(|error| ("the description of a checkpoint", error.to_string()))?;
        info.check()?;
        Ok(info)
    }

    /// Refuses networks that no recipe can ask for, before memory is set aside for one.
    fn check(&self) -> Result<(), (&'static str, String)> {
        self.model.check(self.frames).map_err(|error| ("a network a recipe can ask for", error.to_string()))?;
        match (self.classes.len(), self.frames) {
            (0, _) | (_, 0) => Err(("at least one class and frame", "none".to_owned())),
            _ => Ok(()),
        }
    }
}

/// What a safetensors file begins with, without its tensors.
#[derive(Deserialize)]
struct Header {
    #[serde(default, rename = "__metadata__")]
    metadata: HashMap<String, String>,
}

/// Everything training goes on from: one safetensors file whose metadata says what it is.
#[derive(Clone, Debug)]
pub struct Checkpoint {
    /// What the weights belong to.
    pub info: CheckpointInfo,
    /// Weights and running statistics that the run is worth: those of the last step, or their average where the recipe asks for
    /// one.
    pub model: StateDict,
    /// Those of the last step, from which training goes on, beside an average; else none.
    pub newest: StateDict,
    /// What the optimiser remembers: [`super::Optimizer::state`].
    pub optimizer: StateDict,
}

impl Checkpoint {
    /// Writes the file whole or not at all, tensor by tensor: no second copy of them is made. The same contents give the same
    /// bytes.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub fn write(&self, path: &Path) -> Result<(), CheckpointError> {
        Ok(write_atomic_with(path, |file| self.write_to(file))?)
    }

    fn write_to(&self, file: &mut dyn Write) -> io::Result<()> {
        let weights = named(MODEL, &self.model).chain(named(NEWEST, &self.newest));
        let memory = named("", &self.optimizer);
        // In name order, as safetensors lays out tensors of one type.
        let tensors: BTreeMap<String, &TensorData> = weights.chain(memory).collect();
        let header = self.header(&tensors);
        file.write_all(&(header.len() as u64).to_le_bytes())?;
        file.write_all(&header)?;
        tensors.into_values().try_for_each(|data| write_floats(data, file))
    }

    /// What a safetensors file begins with after its length: names, shapes and places as JSON, in whole words of 8 bytes.
    fn header(&self, tensors: &BTreeMap<String, &TensorData>) -> Vec<u8> {
        let info = serde_json::to_string(&self.info).expect("the description is made of JSON's types");
        // A single entry: the order of a map with more would differ from process to process.
        let metadata = HashMap::from([(METADATA.to_owned(), info)]);
        let mut end = 0;
        let places = tensors.iter().map(|(name, data)| {
            let shape = data.shape().to_vec();
            let begin = end;
            end += shape.iter().product::<usize>() * size_of::<f32>();
            (name.clone(), TensorInfo { dtype: Dtype::F32, shape, data_offsets: (begin, end) })
        });
        let header =
            Metadata::new(Some(metadata), places.collect()).expect("each tensor begins where the last one ends");
        let mut header = serde_json::to_vec(&header).expect("the header is made of JSON's types");
        header.resize(header.len().next_multiple_of(8), b' ');
        header
    }

    /// Reads a file that [`Checkpoint::write`] wrote. Nothing in it is executed, and memory stays within twice its size.
    ///
    /// # Errors
    /// If the file cannot be read, is no safetensors file, lacks the description, or holds other types than f32.
    pub fn read(path: &Path) -> Result<Self, CheckpointError> {
        Self::of_file(path, &bytes_of(path)?)
    }

    /// [`Checkpoint::read`], with the SHA-256 of the bytes that were read, in hexadecimal: training may replace the file at any
    /// time.
    ///
    /// # Errors
    /// As [`Checkpoint::read`].
    pub fn read_with_hash(path: &Path) -> Result<(Self, String), CheckpointError> {
        let bytes = bytes_of(path)?;
        Ok((Self::of_file(path, &bytes)?, sha256(&bytes)))
    }

    fn of_file(path: &Path, bytes: &[u8]) -> Result<Self, CheckpointError> {
        Self::from_bytes(bytes).map_err(|(expected, found)| CheckpointError::Content {
            path: path.to_owned(),
            expected,
            found,
        })
    }

    fn from_bytes(bytes: &[u8]) -> Result<Self, (&'static str, String)> {
        let broken = |error: safetensors::SafeTensorError| ("a safetensors file", error.to_string());
        let (_, header) = SafeTensors::read_metadata(bytes).map_err(broken)?;
        let file = SafeTensors::deserialize(bytes).map_err(broken)?;
        let info = CheckpointInfo::described(header.metadata().as_ref().and_then(|metadata| metadata.get(METADATA)))?;
        let (mut model, mut newest, mut optimizer) = (StateDict::new(), StateDict::new(), StateDict::new());
        for (name, view) in file.tensors() {
            let data = floats(&name, &view)?;
            match (name.strip_prefix(MODEL), name.strip_prefix(NEWEST)) {
                (Some(name), _) => model.insert(name.to_owned(), data),
                (_, Some(name)) => newest.insert(name.to_owned(), data),
                _ if is_memory(&name) => optimizer.insert(name, data),
                _ => return Err(("weights and an optimiser's memory", format!("a tensor named {name:?}"))),
            };
        }
        Ok(Self { info, model, newest, optimizer })
    }
}

/// A part of the file: its tensors by their names there.
fn named<'a>(part: &'static str, state: &'a StateDict) -> impl Iterator<Item = (String, &'a TensorData)> {
    state.iter().map(move |(name, data)| (format!("{part}{name}"), data))
}

fn bytes_of(path: &Path) -> Result<Vec<u8>, CheckpointError> {
    std::fs::read(path).map_err(|source| CheckpointError::Io { action: "read", path: path.to_owned(), source })
}

fn floats(name: &str, view: &TensorView) -> Result<TensorData, (&'static str, String)> {
    if view.dtype() != Dtype::F32 {
        return Err(("float32 tensors", format!("{name} of type {:?}", view.dtype())));
    }
    let values: Vec<f32> = view.data().chunks_exact(4).map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]])).collect();
    if let Some(value) = values.iter().find(|value| !value.is_finite()) {
        return Err(("finite weights", format!("{value} in {name}")));
    }
    Ok(TensorData::new(values, view.shape().to_vec()))
}

/// Floats turned into bytes at a time.
const PIECE: usize = 16 * 1024;

/// A tensor as safetensors writes it: little-endian, row after row.
fn write_floats(data: &TensorData, file: &mut dyn Write) -> io::Result<()> {
    let values = data.as_slice::<f32>().expect("weights are f32");
    values.chunks(PIECE).try_for_each(|piece| {
        let bytes: Vec<u8> = piece.iter().flat_map(|value| value.to_le_bytes()).collect();
        file.write_all(&bytes)
    })
}

/// The `checkpoints` folder of a run: the newest ones, and the best.
#[derive(Clone, Debug)]
pub struct CheckpointFolder {
    path: PathBuf,
}

impl CheckpointFolder {
    /// Wraps an existing folder.
    pub fn new(path: PathBuf) -> Self {
        Self { path }
    }

    /// Writes the newest checkpoint and then removes all but the `keep` newest.
    ///
    /// # Errors
    /// If the folder cannot be written or listed.
    pub fn save(&self, checkpoint: &Checkpoint, keep: usize) -> Result<(), CheckpointError> {
        checkpoint.write(&self.path.join(format!("step-{:09}.{EXTENSION}", checkpoint.info.progress.step)))?;
        let steps = self.steps()?;
        for (_, old) in steps.iter().rev().skip(keep) {
            std::fs::remove_file(old).map_err(|source| CheckpointError::Io {
                action: "remove",
                path: old.clone(),
                source,
            })?;
        }
        Ok(())
    }

    /// Writes the checkpoint that scored best.
    ///
    /// # Errors
    /// If the folder cannot be written.
    pub fn save_best(&self, checkpoint: &Checkpoint) -> Result<(), CheckpointError> {
        checkpoint.write(&self.path.join(BEST))
    }

    /// Removes all checkpoints, the newest last: what an interruption leaves still ends with the end of the training.
    ///
    /// # Errors
    /// If the folder cannot be listed, or a file of it not be removed.
    pub fn clear(&self) -> Result<(), CheckpointError> {
        let steps = self.steps()?.into_iter().map(|(_, path)| path);
        let best = Some(self.path.join(BEST)).filter(|path| path.is_file());
        best.into_iter().chain(steps).try_for_each(|path| {
            std::fs::remove_file(&path).map_err(|source| CheckpointError::Io { action: "remove", path, source })
        })
    }

    /// The file of the newest checkpoint, if there is one.
    ///
    /// # Errors
    /// If the folder cannot be listed.
    pub fn newest_path(&self) -> Result<Option<PathBuf>, CheckpointError> {
        Ok(self.steps()?.pop().map(|(_, path)| path))
    }

    /// The file of the newest checkpoint.
    ///
    /// # Errors
    /// If there is none, or the folder cannot be listed.
    pub fn last_path(&self) -> Result<PathBuf, CheckpointError> {
        self.newest_path()?.ok_or_else(|| CheckpointError::None { path: self.path.clone() })
    }

    /// The file of the best checkpoint, or where no evaluation chose one of the newest.
    ///
    /// # Errors
    /// If there is none, or the folder cannot be listed.
    pub fn best_path(&self) -> Result<PathBuf, CheckpointError> {
        let best = self.path.join(BEST);
        if best.is_file() {
            return Ok(best);
        }
        self.last_path()
    }

    /// Checkpoints by step, rising.
    fn steps(&self) -> Result<Vec<(u64, PathBuf)>, CheckpointError> {
        let io = |source| CheckpointError::Io { action: "list", path: self.path.clone(), source };
        let mut steps = Vec::new();
        for entry in std::fs::read_dir(&self.path).map_err(io)? {
            let path = entry.map_err(io)?.path();
            if let Some(step) = step_of(&path) {
                steps.push((step, path));
            }
        }
        steps.sort();
        Ok(steps)
    }
}

fn step_of(path: &Path) -> Option<u64> {
    let stem = path.file_stem()?.to_str()?.strip_prefix("step-")?;
    (path.extension()? == EXTENSION).then(|| stem.parse().ok())?
}

#[cfg(test)]
mod tests {
    use super::*;

    fn info() -> CheckpointInfo {
        CheckpointInfo {
            progress: Progress::default(),
            model: toml::from_str("kind = \"tsm\"\ntrunk = \"tiny\"").expect("a model is described by these"),
            classes: vec!["a".into(), "b".into()],
            label_set: None,
            frames: 4,
            auxiliary: false,
        }
    }

    /// More values than are turned into bytes at a time.
    fn checkpoint() -> Checkpoint {
        let values = |count: usize| (0..count).map(|i| i as f32 * 0.5 - 3.0).collect::<Vec<_>>();
        let tensor = |shape: [usize; 2]| TensorData::new(values(shape[0] * shape[1]), shape);
        Checkpoint {
            info: info(),
            model: StateDict::from([("z.weight".into(), tensor([3, PIECE])), ("a.bias".into(), tensor([1, 5]))]),
            newest: StateDict::from([("a.bias".into(), tensor([1, 5]))]),
            optimizer: StateDict::from([("velocity.z.weight".into(), tensor([2, 2]))]),
        }
    }

    #[test]
    fn a_checkpoint_is_the_file_that_safetensors_itself_would_write() {
        let checkpoint = checkpoint();
        let mut written = Vec::new();
        checkpoint.write_to(&mut written).unwrap();
        let bytes = |data: &TensorData| data.iter::<f32>().flat_map(f32::to_le_bytes).collect::<Vec<u8>>();
        let weights = checkpoint.model.iter().map(|(name, data)| (format!("model.{name}"), data));
        let weights = weights.chain(checkpoint.newest.iter().map(|(name, data)| (format!("newest.{name}"), data)));
        let memory = checkpoint.optimizer.iter().map(|(name, data)| (name.clone(), data));
        let tensors: Vec<_> =
            weights.chain(memory).map(|(name, data)| (name, data.shape().to_vec(), bytes(data))).collect();
        let views = tensors.iter().map(|(name, shape, bytes)| {
            (name.clone(), TensorView::new(Dtype::F32, shape.clone(), bytes).expect("lengths fit the shapes"))
        });
        let metadata = HashMap::from([(METADATA.to_owned(), serde_json::to_string(&checkpoint.info).unwrap())]);
        assert!(written == safetensors::serialize(views, Some(metadata)).unwrap());
    }

    #[test]
    fn what_is_read_is_what_was_written() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.safetensors");
        let written = checkpoint();
        written.write(&path).unwrap();
        let read = Checkpoint::read(&path).unwrap();
        assert_eq!(CheckpointInfo::read(&path).unwrap(), read.info);
        assert_eq!((read.info, read.model), (written.info, written.model));
        assert_eq!((read.newest, read.optimizer), (written.newest, written.optimizer));
    }

    #[test]
    fn a_file_that_describes_no_checkpoint_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.safetensors");
        let (long, bare) = (&b"\xff\xff\xff\xff\xff\xff\xff\x7f{}"[..], b"\x02\0\0\0\0\0\0\0{}");
        for (bytes, told) in [(&b""[..], ""), (b"short", ""), (long, "at most 16 MiB"), (bare, "description")] {
            std::fs::write(&path, bytes).unwrap();
            let error = CheckpointInfo::read(&path).unwrap_err().to_string();
            assert!(error.contains(told) && error.ends_with("a.safetensors"), "{error}");
        }
    }

    #[test]
    fn the_newest_checkpoint_is_removed_last() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        let newest = path("step-000000009.safetensors");
        [&path(BEST), &newest].into_iter().for_each(|path| std::fs::write(path, "x").unwrap());
        // What cannot be removed ends it half-way, as a kill would.
        std::fs::create_dir(path("step-000000001.safetensors")).unwrap();
        let checkpoints = CheckpointFolder::new(folder.path().to_owned());
        assert!(checkpoints.clear().is_err());
        assert!(newest.exists() && !path(BEST).exists());
        std::fs::remove_dir(path("step-000000001.safetensors")).unwrap();
        checkpoints.clear().unwrap();
        assert!(!newest.exists());
    }
}
