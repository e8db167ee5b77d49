use std::path::{Path, PathBuf};

use super::super::classes::shortened;
use super::super::{ListingEntry, Part};
use super::csv::path_from;
use super::text::{TextLines, line_error};
use crate::{Error, Result};

/// What the values of a row are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Columns {
    /// A video and its label.
    LabelAlone,
    /// A folder of pictures, how many there are, and the label.
    FramesLabel,
    /// A folder of pictures, how many come before the first one, how many there are, and the label.
    OffsetFramesLabel,
}

impl Columns {
    pub(super) fn has_pictures(self) -> bool {
        self != Self::LabelAlone
    }

    fn count(self) -> usize {
        match self {
            Self::LabelAlone => 2,
            Self::FramesLabel => 3,
            Self::OffsetFramesLabel => 4,
        }
    }

    fn names(self) -> &'static str {
        match self {
            Self::LabelAlone => "path label",
            Self::FramesLabel => "folder frames label",
            Self::OffsetFramesLabel => "folder offset frames label",
        }
    }
}

/// What stands between the values of a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Separator {
    /// Spaces or tabs, however many.
    Spaces,
    /// This one character.
    Character(char),
}

impl Separator {
    fn split(self, row: &str) -> Vec<&str> {
        match self {
            Self::Spaces => row.split_ascii_whitespace().collect(),
            Self::Character(between) => row.split(between).map(str::trim).collect(),
        }
    }

    pub(super) fn name(self) -> String {
        match self {
            Self::Spaces => "spaces".to_owned(),
            Self::Character('\t') => "tabs".to_owned(),
            Self::Character(between) => format!("{between:?}"),
        }
    }
}

/// The most classes that numbers alone may claim.
const MOST_CLASSES: usize = 100_000;

/// What the labels of some lists mean.
pub(super) enum Labels {
    /// Numbers, and nobody says of what.
    Numbers,
    /// Places in a list of names from a file, or the names themselves.
    Of { names: Vec<String>, file: PathBuf },
}

impl Labels {
    /// The name of the class that a row's label means.
    pub(super) fn name(&self, list: &Path, line: usize, label: &str) -> Result<String> {
        let number = label.parse::<usize>().ok();
        match self {
            Self::Numbers => match number.filter(|&number| number < MOST_CLASSES) {
                Some(number) => Ok(number.to_string()),
                None => {
                    let expected = format!("a label from 0 to {} (names need --classes FILE)", MOST_CLASSES - 1);
                    Err(line_error(list, line, expected, format!("{label:?}")))
                }
            },
            Self::Of { names, file } => {
                let known = number.and_then(|number| names.get(number));
                let known = known.or_else(|| names.iter().find(|name| *name == label));
                known.cloned().ok_or_else(|| {
                    let expected = match number {
                        Some(_) => format!("a label below {}, the classes of {}", names.len(), file.display()),
                        None => format!("a class of {} ({})", file.display(), shortened(names)),
                    };
                    line_error(list, line, expected, format!("{label:?}"))
                })
            }
        }
    }
}

/// How the rows of some list files are read.
pub(super) struct Rows<'a> {
    pub columns: Columns,
    pub separator: Separator,
    pub labels: &'a Labels,
    /// Where paths start from; absolute.
    pub root: &'a Path,
    /// Put behind every path.
    pub suffix: &'a str,
}

impl Rows<'_> {
    /// The videos of one list file. Where `is_labelled` is false, the label of a row stands for nothing and may be missing.
    pub(super) fn read(&self, list: &Path, split: &str, is_labelled: bool) -> Result<Vec<ListingEntry>> {
        let mut entries = Vec::new();
        for line in TextLines::open(list)? {
            let (number, row) = line?;
            let entry = self.entry(list, number, &row, is_labelled)?;
            entries.push(ListingEntry { split: Some(split.to_owned()), ..entry });
        }
        match entries.is_empty() {
            true => Err(Error::content(list, format!("rows of {}", self.columns.names()), "none")),
            false => Ok(entries),
        }
    }

    fn entry(&self, list: &Path, line: usize, row: &str, is_labelled: bool) -> Result<ListingEntry> {
        let values = self.separator.split(row);
        let least = self.columns.count() - usize::from(!is_labelled);
        if !(least..=self.columns.count()).contains(&values.len()) {
            return Err(self.miscounted(list, line, &values));
        }
        let count = |place: usize| {
            let expected = format!("a number of frames as value {} of {}", place + 1, self.columns.names());
            values[place].parse::<usize>().map_err(|_| line_error(list, line, expected, format!("{:?}", values[place])))
        };
        let (frames, part) = match self.columns {
            Columns::LabelAlone => (None, None),
            Columns::FramesLabel => (Some(count(1)?), None),
            Columns::OffsetFramesLabel => {
                let (start, frames) = (count(1)?, count(2)?);
                (Some(frames), Some(Part { start, end: start.saturating_add(frames) }))
            }
        };
        if frames == Some(0) {
            return Err(line_error(list, line, "at least one frame", "0"));
        }
        let path = path_from(self.root, &format!("{}{}", values[0], self.suffix))?;
        let label = values.get(self.columns.count() - 1).filter(|_| is_labelled);
        let label = label.map(|label| self.labels.name(list, line, label)).transpose()?;
        Ok(ListingEntry { path, part, label, frames, ..Default::default() })
    }

    fn miscounted(&self, list: &Path, line: usize, values: &[&str]) -> Error {
        let (names, separator) = (self.columns.names(), self.separator.name());
        let more = values.len() > self.columns.count();
        let numbers = more && values[1..].iter().all(|value| value.parse::<usize>().is_ok());
        let hint = match self.columns {
            Columns::FramesLabel if numbers => {
                "; several labels of one video are not read, and lists with an offset are mmaction2-offset"
            }
            _ if numbers => "; several labels of one video are not read",
            _ => "",
        };
        let expected = format!("{} values ({names}, with {separator} between{hint})", self.columns.count());
        line_error(list, line, expected, values.len())
    }
}
