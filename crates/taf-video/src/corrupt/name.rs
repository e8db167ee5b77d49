//! Corruptions as text: in recipes and results they stand by their names.

use std::fmt;
use std::str::FromStr;

use super::Corruption;
use crate::{Error, Result};

impl fmt::Display for Corruption {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for Corruption {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self> {
        let found = Self::ALL.into_iter().find(|corruption| corruption.name() == name);
        found.ok_or_else(|| {
            Error::setting("corruption", format!("one of {}", Self::ALL.map(Self::name).join(", ")), name)
        })
    }
}

impl TryFrom<String> for Corruption {
    type Error = Error;

    fn try_from(name: String) -> Result<Self> {
        name.parse()
    }
}

impl From<Corruption> for String {
    fn from(corruption: Corruption) -> Self {
        corruption.name().to_owned()
    }
}
