//! `taf data`: lists of videos.

mod cache;
mod check;
mod prepare;
mod synth;
mod unfinished;

use std::fmt::Write;
use std::path::Path;

use anyhow::Result;
use clap::Subcommand;
use serde::Serialize;
use taf_video::dataset::{Manifest, SplitCounts};

use crate::exit::Status;
use crate::output;
use crate::words::shortened;

/// The commands about data.
#[derive(Debug, Subcommand)]
pub enum DataCommand {
    Prepare(prepare::Args),
    Check(check::Args),
    Cache(cache::Args),
    Synth(synth::Args),
}

/// Does one of them.
pub fn run(command: DataCommand) -> Result<Status> {
    match command {
        DataCommand::Prepare(args) => prepare::run(&args),
        DataCommand::Check(args) => check::run(&args),
        DataCommand::Cache(args) => cache::run(&args),
        DataCommand::Synth(args) => synth::run(&args),
    }
}

/// What a manifest holds, for `--json`.
#[derive(Serialize)]
struct Contents<'a> {
    manifest: &'a Path,
    sha256: String,
    classes: &'a [String],
    /// Which labels these are, where it is known.
    label_set: Option<&'a str>,
    counts: Vec<SplitCounts>,
    left_out: Vec<String>,
    /// The paths of the videos of which not all decodes.
    damaged: Vec<&'a str>,
}

/// Says what a manifest holds that was just written.
fn tell(path: &Path, left_out: Vec<String>, json: bool) -> Result<Status> {
    // Read again: the hash depends on where the manifest lies.
    let manifest = Manifest::read(path)?;
    let counts = SplitCounts::of(manifest.records(), manifest.classes().len());
    if json {
        let (classes, label_set, sha256) = (manifest.classes(), manifest.label_set(), manifest.hash());
        let damaged = manifest.records().iter().filter(|record| record.damaged);
        let damaged = damaged.map(|record| record.path.as_str()).collect();
        output::print_json(&Contents { manifest: path, sha256, classes, label_set, counts, left_out, damaged })?;
    } else {
        let labels = manifest.label_set().map_or_else(String::new, |name| format!("labels: {name}\n"));
        output::print(&format!("{}\n{labels}{}", path.display(), table(manifest.classes(), &counts)))?;
    }
    Ok(Status::Done)
}

/// Class names for a line of text.
const MAX_NAMES: usize = 12;

/// Videos per split: in all, and the smallest and largest class.
fn table(classes: &[String], counts: &[SplitCounts]) -> String {
    let mut text = format!("{} classes: {}\n", classes.len(), shortened(classes.iter().map(String::as_str), MAX_NAMES));
    for counts in counts {
        let _ = writeln!(text, "{}: {} videos, {}", counts.split, counts.videos(), per_class(counts));
    }
    text
}

fn per_class(counts: &SplitCounts) -> String {
    let SplitCounts { per_class, unlabelled, .. } = counts;
    let (least, most) = (per_class.iter().min().unwrap_or(&0), per_class.iter().max().unwrap_or(&0));
    let range = if least == most { format!("{least} per class") } else { format!("{least} to {most} per class") };
    match unlabelled {
        0 => range,
        _ if !counts.has_labels() => "without labels".to_owned(),
        _ => format!("{range}, {unlabelled} without label"),
    }
}
