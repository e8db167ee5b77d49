use std::collections::HashMap;
use std::fs::File;
use std::io::{BufReader, Read, Seek, SeekFrom};

use crate::error::{Fault, Result};
use crate::pickle::{self, Pickle, Value};
use crate::span::{Span, read_part};
use crate::state::{self, MOST_ENTRIES};
use crate::storage::Storages;

/// The first pickle of the format: the number 0x1950a86a20f9469cfc6c, little-endian.
const MAGIC: [u8; 10] = [0x6c, 0xfc, 0x9c, 0x46, 0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19];
const PROTOCOL: u64 = 1001;

/// Whether a file begins as the stream of pickles does.
pub(crate) fn is_legacy(start: &[u8]) -> bool {
    start.windows(MAGIC.len()).any(|window| window == MAGIC)
}

/// The container before PyTorch 1.6: pickles in a row (magic number, protocol, machine, what was saved, keys of storages),
/// and then every storage: its number of elements and their bytes.
pub(crate) struct Legacy {
    file: File,
    /// First byte and length of every storage.
    storages: HashMap<String, Span>,
}

impl Legacy {
    pub(crate) fn open(file: &File) -> Result<(Self, Pickle)> {
        let mut reader = BufReader::new(file.try_clone()?);
        reader.rewind()?;
        pickle::load(&mut reader)?; // the magic number
        refuse_others(&mut reader)?;
        let saved = pickle::load(&mut reader)?;
        let listed = pickle::load(&mut reader)?;
        let storages = storages(&mut reader, &keys(&listed)?, &saved, file.metadata()?.len())?;
        Ok((Self { file: file.try_clone()?, storages }, saved))
    }
}

fn refuse_others(reader: &mut BufReader<File>) -> Result<()> {
    let protocol = pickle::load(reader)?;
    if protocol.count(protocol.root) != Some(PROTOCOL) {
        return Err(Fault::content(format!("protocol {PROTOCOL} of torch.save"), protocol.kind(protocol.root)));
    }
    let machine = pickle::load(reader)?;
    let entries = machine.entries(machine.root).unwrap_or_default();
    let little = entries.iter().find(|(key, _)| machine.text(*key) == Some("little_endian"));
    match little.map(|(_, value)| machine.get(*value)) {
        Some(Value::Bool(true)) => Ok(()),
        Some(Value::Bool(false)) => Err(Fault::content("little-endian values", "big-endian ones")),
        _ => Err(Fault::content("the order of bytes in the file's header", machine.kind(machine.root))),
    }
}

fn keys(pickle: &Pickle) -> Result<Vec<&str>> {
    let wrong = || Fault::content("a list of storages", pickle.kind(pickle.root));
    let Value::List(keys) = pickle.get(pickle.root) else { return Err(wrong()) };
    if keys.len() > MOST_ENTRIES {
        return Err(Fault::content(format!("a list of at most {MOST_ENTRIES} storages"), keys.len().to_string()));
    }
    keys.iter().map(|&key| pickle.text(key).ok_or_else(wrong)).collect()
}

fn storages(
    reader: &mut BufReader<File>,
    keys: &[&str],
    saved: &Pickle,
    file_length: u64,
) -> Result<HashMap<String, Span>> {
    let known = state::sizes(saved)?;
    let mut found = HashMap::new();
    let mut at = reader.stream_position()?;
    for &key in keys {
        let size = *known.get(key).ok_or_else(|| Fault::content("storages that tensors use", format!("{key:?}")))?;
        reader.seek(SeekFrom::Start(at))?;
        let mut count = [0; 8];
        reader.read_exact(&mut count).map_err(|error| Fault::reading("the bytes of every storage", error))?;
        let outside =
            || Fault::content("storages that lie within the file", format!("{key:?} at {at}, which does not"));
        let length = u64::from_le_bytes(count).checked_mul(size as u64).ok_or_else(outside)?;
        let end = at.checked_add(8).and_then(|start| start.checked_add(length));
        let end = end.filter(|&end| end <= file_length).ok_or_else(outside)?;
        if found.insert(key.to_owned(), (at + 8, length)).is_some() {
            return Err(Fault::content("every storage once", format!("{key:?} twice")));
        }
        at = end;
    }
    Ok(found)
}

impl Storages for Legacy {
    fn bytes(&mut self, storage: &str, first: u64, count: u64) -> Result<Vec<u8>> {
        let span = self.storages.get(storage).copied();
        read_part(&mut self.file, span, (first, count), format_args!("the storage {storage:?}"))
    }
}
