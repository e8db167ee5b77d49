use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// One run of a grid, written `DATA/MODEL/seedN/RUN`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct CellName {
    /// The data set.
    pub data: String,
    /// The network.
    pub model: String,
    /// Where its random choices grow from.
    pub seed: u64,
    /// `start`, or the method, with `.CANDIDATE` where it has some.
    pub run: String,
}

/// Which clips.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Split {
    /// Those that choose.
    Validation,
    /// Those that are read once, when all choices are made.
    Test,
}

impl CellName {
    /// The name of the run that others start from.
    pub const START: &str = "start";
}

impl fmt::Display for CellName {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        write!(f, "{}/{}/seed{}/{}", self.data, self.model, self.seed, self.run)
    }
}

impl FromStr for CellName {
    type Err = String;

    fn from_str(text: &str) -> std::result::Result<Self, String> {
        let parts: Vec<&str> = text.split('/').collect();
        let seed = |text: &str| text.strip_prefix("seed").and_then(|seed| seed.parse().ok());
        match parts[..] {
            [data, model, of, run] if seed(of).is_some() => {
                let [data, model, run] = [data, model, run].map(str::to_owned);
                Ok(Self { data, model, seed: seed(of).unwrap_or_default(), run })
            }
            _ => Err(format!("expected DATA/MODEL/seedN/RUN, found {text:?}")),
        }
    }
}

impl TryFrom<String> for CellName {
    type Error = String;

    fn try_from(text: String) -> std::result::Result<Self, String> {
        text.parse()
    }
}

impl From<CellName> for String {
    fn from(name: CellName) -> Self {
        name.to_string()
    }
}

impl Split {
    /// Its name in files and headings.
    pub fn name(self) -> &'static str {
        match self {
            Self::Validation => "validation",
            Self::Test => "test",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::cell;
    use super::*;

    #[test]
    fn names_of_cells_are_read_as_they_are_written() {
        assert_eq!(cell("taf.a", 7).to_string().parse(), Ok(cell("taf.a", 7)));
        for text in ["", "d/m/taf/seed1", "d/m/seed/taf", "d/m/seed1/taf/x"] {
            assert!(text.parse::<CellName>().is_err(), "{text}");
        }
    }
}
