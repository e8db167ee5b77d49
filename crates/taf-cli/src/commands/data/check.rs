//! `taf data check`.

use std::fmt::Write;
use std::path::PathBuf;

use anyhow::Result;
use taf_video::dataset::{self, CheckOptions, CheckReport};

use super::table;
use super::unfinished::Unfinished;
use crate::exit::Status;
use crate::output;
use crate::progress::Counter;

/// Verify a manifest and every video in it; all problems are listed, exit code 1 if there are any
///
/// Finds videos that are missing, unreadable, damaged, changed since the manifest was made, too short, listed twice or
/// equal byte by byte, folders whose pictures have gaps or begin at another number, wrong frame counts, unknown labels,
/// classes that a split lacks, and class lists that lack some of a published set of labels.
///
/// What was found out is kept beside the manifest (MANIFEST.checking): after an interruption of any kind, the same
/// command goes on from there. Videos that changed meanwhile are looked at again.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Example:
  taf data check my-videos/manifest.jsonl --min-frames 8")]
pub struct Args {
    /// The manifest
    pub manifest: PathBuf,
    /// The fewest frames a video may have
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub min_frames: usize,
    /// Split that is trained on; if given often, they must hold every class together
    #[arg(long, value_name = "NAME", default_value = "train")]
    pub train_split: Vec<String>,
    /// Count packets of H.264, VP9 and AV1 files and names of pictures instead of decoding, where that is safe: a small part
    /// of the time, but damage inside a file is not found
    #[arg(long)]
    pub fast: bool,
    /// Print problems and counts as JSON
    #[arg(long)]
    pub json: bool,
}

/// Verifies a manifest and its videos.
pub fn run(args: &Args) -> Result<Status> {
    let unfinished = Some(Unfinished::beside(&args.manifest, "checking")).filter(Unfinished::can_be_kept);
    let options = CheckOptions {
        min_frames: args.min_frames,
        train_splits: args.train_split.clone(),
        fast: args.fast,
        unfinished: unfinished.as_ref().map(|work| work.path().to_owned()),
    };
    let bar = Counter::new(if args.fast { "looking" } else { "decoding" });
    let report = dataset::check(&args.manifest, &options, &|done, total| bar.show(done, total))?;
    drop(bar);
    unfinished.map_or(Ok(()), Unfinished::remove)?;
    if args.json {
        output::print_json(&report)?;
    } else {
        output::print(&checked(&report))?;
    }
    Ok(if report.is_clean() { Status::Done } else { Status::NotMet })
}

fn checked(report: &CheckReport) -> String {
    let mut text: String = report.problems.iter().map(|problem| format!("{problem}\n")).collect();
    text.push_str(&table(&report.classes, &report.counts));
    let _ = match report.problems.len() {
        0 => writeln!(text, "no problems"),
        1 => writeln!(text, "1 problem"),
        count => writeln!(text, "{count} problems"),
    };
    text
}
