use std::fs;
use std::io::ErrorKind;
use std::path::Path;

use serde::Serialize;
use serde::de::DeserializeOwned;
use taf_files::{create_folder, write_atomic};

use super::{Error, Result};

/// Reads a JSON file; none where there is no such file. `what` is what it should hold, for errors.
pub fn read<T: DeserializeOwned>(path: &Path, what: &str) -> Result<Option<T>> {
    let bytes = match fs::read(path) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(source) => return Err(Error::Read { path: path.to_owned(), source }),
    };
    serde_json::from_slice(&bytes).map(Some).map_err(|error| Error::content(path, what, error))
}

/// A value as it is written to a file.
pub fn text(value: &impl Serialize) -> String {
    let mut text = serde_json::to_string_pretty(value).expect("results hold only numbers, text and lists");
    text.push('\n');
    text
}

/// Writes a file whole or not at all, and the folder it lies in.
pub fn write(path: &Path, text: &str) -> Result<()> {
    path.parent().map_or(Ok(()), create_folder)?;
    Ok(write_atomic(path, text.as_bytes())?)
}
