use std::fs::{File, OpenOptions};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use taf_files::Unfinished;

use crate::output::try_print;

/// Where rows go as they are made: standard output, where each is seen at once, or a file, which has its name when it is
/// whole.
pub enum Sink {
    /// Standard output.
    Standard,
    /// A file under construction.
    File(Box<Growing>),
}

/// A file under construction.
pub struct Growing {
    named: PathBuf,
    unfinished: Unfinished,
    bytes: BufWriter<File>,
}

impl Sink {
    /// The file of this name, or standard output.
    pub fn open(out: Option<&Path>) -> Result<Self> {
        let Some(path) = out else { return Ok(Self::Standard) };
        let unfinished = Unfinished::beside(path)?;
        let file = OpenOptions::new().write(true).open(unfinished.path()).with_context(|| cannot_write(path))?;
        Ok(Self::File(Box::new(Growing { named: path.to_owned(), unfinished, bytes: BufWriter::new(file) })))
    }

    /// Writes some rows; whether anybody still reads: the reader of `taf predict ... | head` is gone after a while.
    pub fn write(&mut self, text: &str) -> Result<bool> {
        match self {
            Self::Standard => try_print(text),
            Self::File(file) => {
                file.bytes.write_all(text.as_bytes()).with_context(|| cannot_write(&file.named))?;
                Ok(true)
            }
        }
    }

    /// Gives a file its name.
    pub fn finish(self) -> Result<()> {
        let Self::File(file) = self else { return Ok(()) };
        let Growing { named, unfinished, bytes } = *file;
        bytes.into_inner().map_err(io::IntoInnerError::into_error).with_context(|| cannot_write(&named))?;
        Ok(unfinished.finish()?)
    }
}

fn cannot_write(path: &Path) -> String {
    format!("cannot write {}", path.display())
}
