use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};

use super::super::lines::next_line;
use crate::{Error, Result};

/// The byte order mark that some editors put before the first letter.
const MARK: &str = "\u{feff}";

/// The lines of a text file that are not blank, each with its number from 1; without mark and line ends, whatever these are.
pub(super) struct TextLines {
    path: PathBuf,
    input: BufReader<File>,
    number: usize,
}

impl TextLines {
    pub(super) fn open(path: &Path) -> Result<Self> {
        let file = File::open(path).map_err(|source| Error::io("open", path, source))?;
        Ok(Self { path: path.to_owned(), input: BufReader::new(file), number: 0 })
    }

    fn line(&mut self) -> Result<Option<String>> {
        self.number += 1;
        let line = next_line(&mut self.input, self.number).map_err(|source| Error::io("read", &self.path, source))?;
        line.map(|line| line.map_err(|fault| fault.into_error(&self.path))).transpose()
    }
}

impl Iterator for TextLines {
    type Item = Result<(usize, String)>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let line = match self.line().transpose()? {
                Ok(line) => line,
                Err(error) => return Some(Err(error)),
            };
            let text = line.trim_end();
            let text = if self.number == 1 { text.trim_start_matches(MARK) } else { text };
            if !text.trim().is_empty() {
                return Some(Ok((self.number, text.to_owned())));
            }
        }
    }
}

/// What is wrong with one line of a file.
pub(super) fn line_error(
    file: &Path,
    line: usize,
    expected: impl Into<String>,
    found: impl std::fmt::Display,
) -> Error {
    Error::content(file, expected, format!("{found} on line {line}"))
}

/// The values of a JSON file.
pub(super) fn read_json<T: serde::de::DeserializeOwned>(path: &Path, expected: &str) -> Result<T> {
    let file = File::open(path).map_err(|source| Error::io("open", path, source))?;
    let mut input = BufReader::new(file);
    let start = input.fill_buf().map_err(|source| Error::io("read", path, source))?;
    if start.starts_with(MARK.as_bytes()) {
        input.consume(MARK.len());
    }
    serde_json::from_reader(input.by_ref()).map_err(|error| match error.io_error_kind() {
        Some(_) => Error::io("read", path, error.into()),
        None => Error::content(path, expected, error.to_string()),
    })
}
