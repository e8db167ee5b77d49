use std::collections::HashMap;
use std::fs::File;
use std::io::{BufReader, Read, Seek, SeekFrom};

use crate::directory;
use crate::error::{Fault, Result};
use crate::pickle::{self, Pickle};
use crate::span::{Span, read_part};
use crate::storage::Storages;

/// The zip container of PyTorch 1.6 and later: `NAME/data.pkl` and a file per storage under `NAME/data/`.
pub(crate) struct Zipped {
    file: File,
    entries: HashMap<String, Span>,
    root: String,
}

impl Zipped {
    pub(crate) fn open(file: &File) -> Result<Self> {
        let mut file = file.try_clone()?;
        let entries = directory::read(&mut file)?;
        let root = root(&entries).ok_or_else(|| Fault::content("a file data.pkl in the zip container", "none"))?;
        let mut zipped = Self { file, entries, root };
        zipped.refuse_big_endian()?;
        Ok(zipped)
    }

    fn refuse_big_endian(&mut self) -> Result<()> {
        let name = format!("{}byteorder", self.root);
        let Some(&(_, length)) = self.entries.get(&name) else { return Ok(()) };
        match self.entry(&name, 0, length.min(16))?.trim_ascii() {
            b"little" => Ok(()),
            other => Err(Fault::content("little-endian values", format!("{}-endian ones", other.escape_ascii()))),
        }
    }

    pub(crate) fn pickle(&mut self) -> Result<Pickle> {
        let (start, length) = self.entries[&format!("{}data.pkl", self.root)];
        self.file.seek(SeekFrom::Start(start))?;
        pickle::load(&mut BufReader::new((&self.file).take(length)))
    }

    fn entry(&mut self, name: &str, first: u64, count: u64) -> Result<Vec<u8>> {
        let span = self.entries.get(name).copied();
        read_part(&mut self.file, span, (first, count), format_args!("the entry {name}"))
    }
}

/// The folder of data.pkl, with the slash behind it; of several the one of the shortest path.
fn root(entries: &HashMap<String, Span>) -> Option<String> {
    let roots = entries.keys().filter_map(|name| name.strip_suffix("data.pkl"));
    let folders = roots.filter(|root| root.is_empty() || root.ends_with('/'));
    folders.min_by_key(|root| (root.len(), *root)).map(str::to_owned)
}

impl Storages for Zipped {
    fn bytes(&mut self, storage: &str, first: u64, count: u64) -> Result<Vec<u8>> {
        self.entry(&format!("{}data/{storage}", self.root), first, count)
    }
}
