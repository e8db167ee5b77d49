//! `taf data prepare`, `check` and `synth`.

use std::fmt::Write;
use std::path::Path;

use anyhow::{Context, Result};
use serde::Serialize;
use taf_video::Seed;
use taf_video::dataset::{
    self, CheckOptions, CheckReport, CsvColumns, FrameNames, Listing, Manifest, PrepareOptions, RandomSplit,
    SplitCounts,
};
use taf_video::synthetic::MovingShapes;

use crate::args::{CheckArgs, DataCommand, FrameArgs, PrepareArgs, SynthArgs};
use crate::exit::Status;
use crate::output;
use crate::progress::Counter;

/// Does one of them.
pub fn run(command: DataCommand) -> Result<Status> {
    match command {
        DataCommand::Prepare(args) => prepare(&args),
        DataCommand::Check(args) => check(&args),
        DataCommand::Synth(args) => synth(&args),
    }
}

/// What a manifest holds, for `--json`.
#[derive(Serialize)]
struct Contents<'a> {
    manifest: &'a Path,
    sha256: String,
    classes: &'a [String],
    counts: Vec<SplitCounts>,
    left_out: Vec<String>,
}

fn prepare(args: &PrepareArgs) -> Result<Status> {
    let listing = listing(args)?;
    let split = RandomSplit { val: args.val_fraction, test: args.test_fraction, seed: Seed::new(args.seed) };
    let options = PrepareOptions { split, keep_going: args.keep_going };
    let bar = Counter::new("counting frames");
    let prepared = dataset::prepare(&listing, &options, &|done, total| bar.show(done, total))?;
    drop(bar);
    prepared.manifest.write(&args.out)?;
    let left_out: Vec<String> = prepared.unreadable.iter().map(ToString::to_string).collect();
    left_out.iter().for_each(|video| eprintln!("left out: {video}"));
    if prepared.skipped > 0 {
        eprintln!("passed over {} files that are hidden or no videos", prepared.skipped);
    }
    tell(&args.out, left_out, args.json)
}

fn listing(args: &PrepareArgs) -> Result<Listing> {
    let names = frame_names(&args.frames);
    let is_csv = args.source.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("csv"));
    if !is_csv {
        return Ok(dataset::class_folders(&args.source, names)?);
    }
    let delimiter = u8::try_from(args.csv_delimiter).context("--csv-delimiter must be one byte")?;
    let columns = CsvColumns { suffix: args.csv_suffix.clone(), delimiter, ..CsvColumns::default() };
    let folder = args.source.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let root = args.csv_root.as_deref().unwrap_or(folder);
    Ok(dataset::csv(&args.source, root, &columns, names)?)
}

fn frame_names(args: &FrameArgs) -> Option<FrameNames> {
    let template = args.frames_template.clone()?;
    Some(FrameNames { template, first_index: args.first_index })
}

/// Says what a manifest holds that was just written.
fn tell(path: &Path, left_out: Vec<String>, json: bool) -> Result<Status> {
    // Read again: the hash depends on where the manifest lies.
    let manifest = Manifest::read(path)?;
    let counts = counts(&manifest);
    if json {
        let (classes, sha256) = (manifest.classes(), manifest.hash());
        output::print_json(&Contents { manifest: path, sha256, classes, counts, left_out })?;
    } else {
        output::print(&format!("{}\n{}", path.display(), table(manifest.classes(), &counts)))?;
    }
    Ok(Status::Done)
}

fn counts(manifest: &Manifest) -> Vec<SplitCounts> {
    let count = |split: &str| {
        let mut per_class = vec![0; manifest.classes().len()];
        let of_split = manifest.records().iter().filter(|record| record.split == split);
        of_split.for_each(|record| per_class[record.label] += 1);
        SplitCounts { split: split.to_owned(), per_class }
    };
    manifest.splits().into_iter().map(count).collect()
}

/// Videos per split: in all, and the smallest and largest class.
fn table(classes: &[String], counts: &[SplitCounts]) -> String {
    let mut text = format!("{} classes: {}\n", classes.len(), shortened(classes));
    for SplitCounts { split, per_class } in counts {
        let (sum, least, most) = (
            per_class.iter().sum::<usize>(),
            per_class.iter().min().unwrap_or(&0),
            per_class.iter().max().unwrap_or(&0),
        );
        let range = if least == most { format!("{least}") } else { format!("{least} to {most}") };
        let _ = writeln!(text, "{split}: {sum} videos, {range} per class");
    }
    text
}

/// Class names for a line of text.
const MAX_NAMES: usize = 12;

fn shortened(names: &[String]) -> String {
    let more = names.len().saturating_sub(MAX_NAMES);
    let shown = names[..names.len() - more].join(", ");
    if more == 0 { shown } else { format!("{shown} and {more} more") }
}

fn check(args: &CheckArgs) -> Result<Status> {
    let options = CheckOptions { min_frames: args.min_frames, train_splits: args.train_split.clone() };
    let bar = Counter::new("decoding");
    let report = dataset::check(&args.manifest, &options, &|done, total| bar.show(done, total))?;
    drop(bar);
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

fn synth(args: &SynthArgs) -> Result<Status> {
    let (fewest, most) = args.frames;
    let shapes = MovingShapes::new(Seed::new(args.seed), args.size, fewest..=most, args.difficulty)?;
    let splits: Vec<_> = [("train", args.train), ("val", args.val), ("test", args.test)]
        .into_iter()
        .filter(|&(_, count)| count > 0)
        .collect();
    let bar = Counter::new("drawing videos");
    shapes.write(&args.out, &splits, &|done, total| bar.show(done, total))?;
    drop(bar);
    tell(&args.out.join("manifest.jsonl"), Vec::new(), args.json)
}
