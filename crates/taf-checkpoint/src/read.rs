use std::fs::File;
use std::io::{Read, Seek};
use std::path::Path;

use crate::choice::{Choice, Dictionary, choose};
use crate::error::{Error, Fault, Result};
use crate::legacy::{self, Legacy};
use crate::safe;
use crate::state::{self, State};
use crate::storage::Storages;
use crate::tensor::Tensor;
use crate::wrappers::{stand_ins, without_stand_ins};
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
    /// Entries beside the weights that are no tensors, and other networks.
    pub ignored: Vec<String>,
}

/// Counters of batch norms and of averages over steps, which nothing reads.
const COUNTERS: [&str; 2] = ["num_batches_tracked", "n_averaged"];
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
/// If the file cannot be read, is damaged or of another kind, holds several networks, names a function that runs programs, or
/// holds values that are not finite.
pub fn read(path: &Path) -> std::result::Result<Contents, Error> {
    read_under(path, None)
}

/// [`read`] for a file of several networks, such as one being trained and the average of its weights: that `under` this
/// name, of those that the error of [`read`] lists.
///
/// # Errors
/// As [`read`], and if no network of a known layout is called so.
pub fn read_under(path: &Path, under: Option<&str>) -> std::result::Result<Contents, Error> {
    let contents = File::open(path).map_err(Fault::Io).and_then(|mut file| read_file(&mut file, under));
    contents.map_err(|fault| Error { path: path.to_owned(), fault })
}

fn read_file(file: &mut File, under: Option<&str>) -> Result<Contents> {
    let length = file.metadata()?.len();
    let mut start = Vec::new();
    file.take(START as u64).read_to_end(&mut start)?;
    file.rewind()?;
    if start.starts_with(b"PK\x03\x04") {
        let mut zipped = Zipped::open(file)?;
        let states = state::find(&zipped.pickle()?)?;
        gather(Container::Zip, states, under, &mut zipped, length)
    } else if legacy::is_legacy(&start) {
        let (mut legacy, pickle) = Legacy::open(file)?;
        gather(Container::Legacy, state::find(&pickle)?, under, &mut legacy, length)
    } else if safe::is_safetensors(&start) {
        safetensors(file, under)
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

fn gather(
    container: Container,
    mut states: Vec<State>,
    under: Option<&str>,
    storages: &mut dyn Storages,
    file_length: u64,
) -> Result<Contents> {
    let names = |state: &State| Dictionary::new(state.home.clone(), state.places.iter().map(|(name, _)| name.as_str()));
    let choice = choose(&states.iter().map(names).collect::<Vec<_>>(), under)?;
    let State { home, mut places, ignored } = states.swap_remove(choice.dictionary);
    places.retain(|(name, _)| is_wanted(name, &choice));
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
    unwrapped(Contents { container, home, wrappers: Vec::new(), tensors, ignored }, choice)
}

fn safetensors(file: &mut File, under: Option<&str>) -> Result<Contents> {
    let (data, metadata) = safe::open(file)?;
    let names = metadata.offset_keys();
    let choice = choose(&[Dictionary::new(None, names.iter().map(String::as_str))], under)?;
    let mut tensors = Vec::new();
    for name in names.into_iter().filter(|name| is_wanted(name, &choice)) {
        let info = metadata.info(&name).expect("the name comes from the header");
        tensors.push(safe::read_tensor(file, data, &name, info)?);
    }
    let container = Container::Safetensors;
    unwrapped(Contents { container, home: None, wrappers: Vec::new(), tensors, ignored: Vec::new() }, choice)
}

fn is_wanted(name: &str, choice: &Choice) -> bool {
    let leaf = name.rsplit('.').next().unwrap_or(name);
    !COUNTERS.contains(&leaf) && choice.takes(&without_stand_ins(name))
}

/// The contents with the wrappers taken out of the keys, and noted.
fn unwrapped(mut contents: Contents, choice: Choice) -> Result<Contents> {
    if contents.tensors.is_empty() {
        return Err(Fault::content("weights", "none"));
    }
    let Choice { prefix, left, .. } = choice;
    let stand_ins = stand_ins(contents.tensors.iter().map(|tensor| tensor.name.as_str()));
    for tensor in &mut contents.tensors {
        let key = without_stand_ins(&tensor.name);
        tensor.name = key.strip_prefix(&prefix).map_or(key.clone(), str::to_owned);
    }
    contents.wrappers = Some(prefix).filter(|prefix| !prefix.is_empty()).into_iter().chain(stand_ins).collect();
    contents.ignored.extend(left);
    Ok(contents)
}
