use std::fs::File;
use std::io::{Read, Seek};
use std::path::Path;

use crate::error::{Error, Fault, Result};
use crate::legacy::{self, Legacy};
use crate::safe;
use crate::state::{self, State};
use crate::storage::Storages;
use crate::tensor::Tensor;
use crate::wrappers;
use crate::zipped::Zipped;

/// How a file of weights is packed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Container {
    /// `torch.save` of PyTorch 1.6 and later.
    Zip,
    /// `torch.save` before that.
    Legacy,
    /// The safetensors format.
    Safetensors,
}

impl std::fmt::Display for Container {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Zip => "PyTorch (zip)",
            Self::Legacy => "PyTorch (before 1.6)",
            Self::Safetensors => "safetensors",
        })
    }
}

/// The weights in a file.
#[derive(Debug)]
pub struct Contents {
    /// How the file is packed.
    pub container: Container,
    /// The key of the dictionary that held the weights, such as `state_dict`; none where they are all there is.
    pub home: Option<String>,
    /// What training programs had put around the network, such as `module.` or `_orig_mod.`, and so into the keys.
    pub wrappers: Vec<String>,
    /// The weights in the order of the file, their keys without the wrappers.
    pub tensors: Vec<Tensor>,
    /// Entries beside the weights that are no tensors.
    pub ignored: Vec<String>,
}

/// Counters of batch norms, which nothing reads.
const COUNTER: &str = "num_batches_tracked";
/// Bytes that tell containers apart.
const START: usize = 64;

/// Reads the weights of a `.pth`, `.pth.tar`, `.pt` or `.safetensors` file as f32.
///
/// A pickle is data: nothing in it is executed. Only the state dictionary is read, no optimiser state beside it. Memory
/// stays within five times the file's size (every byte may be a value, which takes four as f32, and the bytes of one tensor
/// are held beside the values) and what a pickle of the largest size allowed takes: some 400 MB, or 600 in the
/// container before PyTorch 1.6, of which two are held at once. Published files take their own size and a few megabytes.
///
/// # Errors
/// If the file cannot be read, is damaged or of another kind, names a function that runs programs, or holds values that are not
/// finite.
pub fn read(path: &Path) -> std::result::Result<Contents, Error> {
    let contents = File::open(path).map_err(Fault::Io).and_then(|mut file| read_file(&mut file));
    contents.map_err(|fault| Error { path: path.to_owned(), fault })
}

fn read_file(file: &mut File) -> Result<Contents> {
    let mut contents = read_container(file)?;
    if contents.tensors.is_empty() {
        return Err(Fault::content("weights", "none"));
    }
    contents.wrappers = wrappers::take_off(&mut contents.tensors);
    Ok(contents)
}

fn read_container(file: &mut File) -> Result<Contents> {
    let length = file.metadata()?.len();
    let mut start = Vec::new();
    file.take(START as u64).read_to_end(&mut start)?;
    file.rewind()?;
    if start.starts_with(b"PK\x03\x04") {
        let mut zipped = Zipped::open(file)?;
        let state = state::find(&zipped.pickle()?)?;
        gather(Container::Zip, state, &mut zipped, length)
    } else if legacy::is_legacy(&start) {
        let (mut legacy, pickle) = Legacy::open(file)?;
        gather(Container::Legacy, state::find(&pickle)?, &mut legacy, length)
    } else if safe::is_safetensors(&start) {
        safetensors(file)
    } else {
        Err(Fault::content("a file of torch.save or safetensors", beginning(&start)))
    }
}

fn beginning(start: &[u8]) -> String {
    let shown = &start[..start.len().min(8)];
    if shown.is_empty() {
        "an empty file".into()
    } else {
        format!("one that begins with {:?}", shown.escape_ascii().to_string())
    }
}

fn gather(container: Container, state: State, storages: &mut dyn Storages, file_length: u64) -> Result<Contents> {
    let State { home, mut places, ignored } = state;
    places.retain(|(name, _)| !name.ends_with(COUNTER));
    // Every value takes a byte or more of the file, unless tensors share it.
    let mut effort = 0u64;
    for (name, place) in &places {
        effort = effort.saturating_add(place.effort(name)?);
        if effort > file_length {
            let expected = format!("at most as many values as the file has bytes ({file_length})");
            return Err(Fault::content(expected, format!("more, up to {name} of shape {:?}", place.shape)));
        }
    }
    let tensors = places.iter().map(|(name, place)| place.read(name, storages)).collect::<Result<_>>()?;
    Ok(Contents { container, home, wrappers: Vec::new(), tensors, ignored })
}

fn safetensors(file: &mut File) -> Result<Contents> {
    let (data, metadata) = safe::open(file)?;
    let mut tensors = Vec::new();
    for name in metadata.offset_keys().into_iter().filter(|name| !name.ends_with(COUNTER)) {
        let info = metadata.info(&name).expect("the name comes from the header");
        tensors.push(safe::read_tensor(file, data, &name, info)?);
    }
    let container = Container::Safetensors;
    Ok(Contents { container, home: None, wrappers: Vec::new(), tensors, ignored: Vec::new() })
}
