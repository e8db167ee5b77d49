//! Runs that are named one by one, or by a folder that holds them.

use std::path::PathBuf;

use anyhow::{Result, ensure};
use taf_report::run::{Found, RunDir};

use crate::output::say;
use crate::words::shortened;

/// How many folders without runs are named.
const NAMED: usize = 10;

/// The runs in some folders, at least one; folders beside them that hold none are said aloud.
pub fn find(folders: &[PathBuf]) -> Result<Vec<RunDir>> {
    let found = folders.iter().map(|folder| Ok(Found::under(folder)?)).collect::<Result<Vec<_>>>()?;
    let others: Vec<String> =
        found.iter().flat_map(|found| &found.others).map(|folder| folder.display().to_string()).collect();
    if !others.is_empty() {
        say(format_args!("no runs in: {}", shortened(others.iter().map(String::as_str), NAMED)));
    }
    let runs: Vec<RunDir> = found.into_iter().flat_map(|found| found.runs).collect();
    let folders: Vec<String> = folders.iter().map(|folder| folder.display().to_string()).collect();
    ensure!(!runs.is_empty(), "expected a run, or a folder that holds runs, found neither: {}", folders.join(", "));
    Ok(runs)
}

/// Refuses a run that is named twice.
pub fn refuse_repeated<'a>(runs: impl Iterator<Item = &'a RunDir>) -> Result<()> {
    let mut known = Vec::new();
    for path in runs.map(RunDir::path) {
        ensure!(!known.contains(&path), "expected every run once, found one twice: {}", path.display());
        known.push(path);
    }
    Ok(())
}

/// The names of the runs' folders, or whole paths where two folders have the same name.
pub fn distinct_names<'a>(runs: impl Iterator<Item = &'a RunDir>) -> Vec<String> {
    let named: Vec<(&RunDir, String)> = runs.map(|run| (run, run.name())).collect();
    let clash = |name: &String| named.iter().filter(|(_, other)| other == name).count() > 1;
    let name =
        |(run, name): &(&RunDir, String)| if clash(name) { run.path().display().to_string() } else { name.clone() };
    named.iter().map(name).collect()
}
