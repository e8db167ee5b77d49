//! Small results for tests.

use super::bits::Bits;
use super::{Answered, CellName, CellResult, ClipList, ProcessorSeconds};

pub fn cell(run: &str, seed: u64) -> CellName {
    CellName { data: "d".into(), model: "m".into(), seed, run: run.into() }
}

/// Clips that are groups of their own.
pub fn clips(count: usize) -> ClipList {
    let names: Vec<String> = (0..count).map(|clip| format!("clip {clip}")).collect();
    ClipList { classes: vec!["a".into(), "b".into()], ids: names.clone(), labels: vec![0; count], groups: names }
}

/// The answers of a run to clean clips.
pub fn result(run: &str, seed: u64, right: &[bool]) -> CellResult {
    let answered = Answered { right: Bits::new(right), log_loss: 0.5 };
    CellResult {
        schema: CellResult::SCHEMA,
        cell: cell(run, seed),
        clips: "list".into(),
        clips_sha256: clips(right.len()).hash(),
        versions: [("clean".to_owned(), answered)].into(),
        train_loss: None,
        train_top1: Some(0.75),
        processor_seconds: ProcessorSeconds { training: 10.0, evaluating: 1.0 },
        seconds: 6.0,
        weights_sha256: format!("weights of {run} {seed}"),
        start_sha256: None,
        manifest_sha256: "manifest".into(),
        recipe_sha256: format!("recipe of {run} {seed}"),
        program: "0.1.0 (abc)".into(),
        recipe: String::new(),
    }
}
