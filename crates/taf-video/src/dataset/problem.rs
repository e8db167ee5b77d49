use std::fmt;
use std::path::{Path, PathBuf};

use serde::Serialize;

use super::lines::{Fault, ProblemKind};

/// One thing that is wrong, with where it is and what should be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Problem {
    /// What sort of thing.
    pub kind: ProblemKind,
    /// The video, or the manifest if the line or the whole list is at fault.
    pub file: PathBuf,
    /// The line of the manifest, counted from 1, if one line is at fault.
    pub line: Option<usize>,
    /// What should be.
    pub expected: String,
    /// What is.
    pub found: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "expected {}, found {}: {}", self.expected, self.found, self.file.display())?;
        self.line.map_or(Ok(()), |line| write!(f, " (line {line})"))
    }
}

impl Problem {
    pub(super) fn from_fault(manifest: &Path, fault: Fault) -> Self {
        let Fault { kind, line, expected, found } = fault;
        Self { kind, file: manifest.to_owned(), line: Some(line), expected, found }
    }
}
