use std::fmt;

use serde::{Deserialize, Serialize};

use crate::{Error, Result};

/// How bad a corruption is, from 1 to 5.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "u8", into = "u8")]
pub struct Severity(u8);

impl Severity {
    /// From mild to worst.
    pub const ALL: [Self; 5] = [Self(1), Self(2), Self(3), Self(4), Self(5)];

    /// # Errors
    /// [`Error::Setting`] outside 1 to 5.
    pub fn new(severity: u8) -> Result<Self> {
        let error = || Error::setting("severity", "between 1 and 5", severity);
        if (1..=5).contains(&severity) { Ok(Self(severity)) } else { Err(error()) }
    }

    /// The number from 1 to 5.
    pub fn get(self) -> u8 {
        self.0
    }

    /// This severity's entry of a table from mild to worst.
    pub(super) fn of<T: Copy>(self, table: [T; 5]) -> T {
        table[usize::from(self.0 - 1)]
    }
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl TryFrom<u8> for Severity {
    type Error = Error;

    fn try_from(severity: u8) -> Result<Self> {
        Self::new(severity)
    }
}

impl From<Severity> for u8 {
    fn from(severity: Severity) -> Self {
        severity.0
    }
}
