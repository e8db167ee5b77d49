use std::collections::HashMap;
use std::fs::File;
use std::io::{BufReader, Read, Seek, SeekFrom};

use zip::{CompressionMethod, ZipArchive};

use crate::error::{Fault, Result};
use crate::pickle::{self, Pickle};
use crate::storage::Storages;

/// Entries of the largest published checkpoints: hundreds.
const MOST_ENTRIES: usize = 100_000;

/// The zip container of PyTorch 1.6 and later: `NAME/data.pkl` and a file per storage under `NAME/data/`.
pub(crate) struct Zipped {
    file: File,
    /// First byte and length of every entry.
    entries: HashMap<String, (u64, u64)>,
    root: String,
}

impl Zipped {
    pub(crate) fn open(file: &File) -> Result<Self> {
        let mut archive = ZipArchive::new(BufReader::new(file.try_clone()?)).map_err(broken)?;
        if archive.has_duplicate_names() {
            return Err(Fault::content("every entry of the zip container once", "two of one name"));
        }
        if archive.len() > MOST_ENTRIES {
            return Err(Fault::content(format!("at most {MOST_ENTRIES} entries"), archive.len().to_string()));
        }
        let file_length = file.metadata()?.len();
        let entries = (0..archive.len()).map(|index| entry(&mut archive, index, file_length));
        let entries = entries.collect::<Result<HashMap<_, _>>>()?;
        let root = entries.keys().find_map(|name| name.strip_suffix("data.pkl")).map(str::to_owned);
        let root = root.ok_or_else(|| Fault::content("a file data.pkl in the zip container", "none"))?;
        let mut zipped = Self { file: file.try_clone()?, entries, root };
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

fn entry(archive: &mut ZipArchive<BufReader<File>>, index: usize, file_length: u64) -> Result<(String, (u64, u64))> {
    let entry = archive.by_index_raw(index).map_err(broken)?;
    let name = entry.name().map_err(broken)?.into_owned();
    if entry.compression() != CompressionMethod::Stored || entry.encrypted() {
        return Err(Fault::content("entries that are stored, as torch.save does", format!("{name} compressed")));
    }
    let start = entry.data_start().ok_or_else(|| Fault::content(format!("the place of {name}"), "none"))?;
    let length = entry.size();
    match start.checked_add(length) {
        Some(end) if end <= file_length && length == entry.compressed_size() => Ok((name, (start, length))),
        _ => Err(Fault::content(format!("{name} to lie within the file"), format!("{length} bytes from {start}"))),
    }
}

fn broken(error: zip::result::ZipError) -> Fault {
    match error {
        zip::result::ZipError::Io(error) => Fault::reading("a whole zip container", error),
        other => Fault::content("a zip container as torch.save writes it", other.to_string()),
    }
}
