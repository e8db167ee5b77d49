//! Whether the run that is there is a cell's own.

use std::fs;
use std::path::Path;

use anyhow::{Result, bail};
use taf::experiment::Cell;
use taf::train::CheckpointFolder;
use taf::trained::Trained;
use taf_report::run::{Existing, RunDir, sha256};

use crate::session::{differences, stored_recipe};

/// What a run has that differs from a cell: settings, or what its manifest holds.
pub fn misfits(run: &RunDir, cell: &Cell) -> Result<Vec<String>> {
    let mut other = differences(&stored_recipe(run)?, &cell.recipe);
    let manifest = &cell.recipe.data.manifest;
    if !run.read_provenance()?.has_read(manifest)? {
        other.push(format!("data.manifest has other contents than it was trained on: {}", manifest.display()));
    }
    Ok(other)
}

/// Whether a run came to its end and its weights are there.
pub fn has_result(run: &RunDir) -> bool {
    run.is_finished() && has_weights(run)
}

/// SHA-256 of the last weights.
pub fn weights_hash(run: &RunDir) -> Option<String> {
    let path = CheckpointFolder::new(run.checkpoints()).newest_path().ok()??;
    Some(sha256(&fs::read(path).ok()?))
}

fn has_weights(run: &RunDir) -> bool {
    matches!(CheckpointFolder::new(run.checkpoints()).newest_path(), Ok(Some(_)))
}

/// What is to happen to a run that is there: one of another recipe, manifest or start is replaced where that is asked for, and so
/// is at any time one of which nothing can be used.
pub fn existing(folder: &Path, cell: &Cell, start: Option<&Trained>, redo: bool) -> Result<Existing> {
    let Ok(run) = RunDir::open(folder) else { return Ok(Existing::Resume) };
    // Weights that were dropped, or a replacement that was killed: it removes the provenance before the recipe.
    if run.is_finished() && !has_weights(&run) || !run.provenance_path().exists() {
        return Ok(Existing::Replace);
    }
    let other = misfits(&run, cell).and_then(|mut other| {
        let began = run.read_provenance()?;
        if let Some(start) = start.filter(|start| began.data.iter().all(|data| data.sha256 != start.weights_hash)) {
            other.push(format!("the weights it began with are no longer those of {}", start.run.path().display()));
        }
        Ok(other)
    });
    match other {
        Ok(other) if other.is_empty() => Ok(Existing::Resume),
        _ if redo => Ok(Existing::Replace),
        Ok(other) => bail!(
            "the run that is there is of another kind; --redo replaces it: {}: {}",
            other.join("; "),
            folder.display()
        ),
        Err(error) => {
            Err(error
                .context(format!("the run that is there cannot be used; --redo replaces it: {}", folder.display())))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::Place;
    use super::super::testing::{changed, lab, name, run};
    use super::*;

    fn found(place: &Place, redo: bool) -> Result<Existing> {
        existing(&place.run(&name("plain")), place.grid.cell(&name("plain")).unwrap(), None, redo)
    }

    #[test]
    fn a_run_of_another_manifest_is_replaced_where_that_is_asked_for() {
        let (folder, place) = lab();
        drop(run(&place, "plain"));
        assert_eq!(found(&place, true).unwrap(), Existing::Resume);
        fs::write(folder.path().join("m.jsonl"), "two").unwrap();
        let error = found(&place, false).unwrap_err().to_string();
        assert!(error.contains("other contents than it was trained on") && error.contains("--redo"), "{error}");
        assert_eq!(found(&place, true).unwrap(), Existing::Replace);
    }

    #[test]
    fn what_nothing_can_be_used_of_is_replaced_unasked() {
        let (folder, place) = lab();
        let run = run(&place, "plain");
        let other = changed(&folder, "plain = true", "plain = true\nset = [\"train.label_smoothing=0.1\"]");
        assert!(found(&other, false).is_err());
        let weights = run.checkpoints().join("step-000000001.safetensors");
        fs::remove_file(weights).unwrap();
        assert_eq!(found(&other, false).unwrap(), Existing::Replace, "its weights are gone");
        // As a replacement that was killed leaves it.
        let left = [run.path().join("finished.json"), run.provenance_path()];
        left.iter().for_each(|path| fs::remove_file(path).unwrap());
        assert_eq!(found(&place, false).unwrap(), Existing::Replace);
    }
}
