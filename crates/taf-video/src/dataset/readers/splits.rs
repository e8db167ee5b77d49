use std::path::PathBuf;

use crate::{Error, Result};

/// The split of each file: the given ones, those `known` by file name, or its name up to the first `_` or `.`.
pub(super) fn splits_of(
    files: &[PathBuf],
    given: &[String],
    known: impl Fn(&str) -> Option<String>,
) -> Result<Vec<(String, PathBuf)>> {
    if !given.is_empty() && given.len() != files.len() {
        return Err(Error::setting("splits", format!("{}, one for each list", files.len()), given.len()));
    }
    let mut splits = Vec::<(String, PathBuf)>::new();
    for (place, file) in files.iter().enumerate() {
        let name = file.file_name().unwrap_or_default().to_string_lossy();
        let of_name = || name.split(['_', '.']).next().unwrap_or_default().to_owned();
        let split = given.get(place).cloned().or_else(|| known(&name)).unwrap_or_else(of_name);
        if let Some((_, other)) = splits.iter().find(|(taken, _)| *taken == split) {
            let expected = format!("another split than {split:?}, that of {} (--splits names them)", other.display());
            return Err(Error::content(file, expected, "the same"));
        }
        splits.push((split, file.clone()));
    }
    Ok(splits)
}
