use std::collections::HashMap;
use std::fs::File;
use std::io::{BufReader, Read, Seek, SeekFrom};

use crate::directory::{self, Span};
use crate::error::{Fault, Result};
use crate::pickle::{self, Pickle};
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
        let root = entries.keys().find_map(|name| name.strip_suffix("data.pkl")).map(str::to_owned);
        let root = root.ok_or_else(|| Fault::content("a file data.pkl in the zip container", "none"))?;
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
        let &(start, length) =
            self.entries.get(name).ok_or_else(|| Fault::content(format!("the entry {name}"), "none"))?;
        if first.checked_add(count).is_none_or(|end| end > length) {
            return Err(Fault::content(
                format!("{count} bytes from {first} in the entry {name}"),
                format!("{length} in all"),
            ));
        }
        self.file.seek(SeekFrom::Start(start + first))?;
        let mut bytes = vec![0; count as usize];
        self.file.read_exact(&mut bytes).map_err(|error| Fault::reading("the bytes of a tensor", error))?;
        Ok(bytes)
    }
}

impl Storages for Zipped {
    fn bytes(&mut self, storage: &str, first: u64, count: u64) -> Result<Vec<u8>> {
        self.entry(&format!("{}data/{storage}", self.root), first, count)
    }
}
