//! `taf data prepare`.

use std::path::{Path, PathBuf};

use anyhow::Result;
use taf_files::{Input, Output, check_outputs};
use taf_video::dataset::{self, CsvColumns, Listing, PrepareOptions, Prepared, RandomSplit, VIDEO_ENDINGS};
use taf_video::{Error, Seed};

use super::tell;
use crate::allowed::MANIFEST;
use crate::exit::Status;
use crate::output::say;
use crate::picture_folder::FrameArgs;
use crate::progress::Counter;

/// Make a manifest: the list of videos, classes and splits that training reads
///
/// Every video is decoded once to count its frames. The result does not depend on the machine.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  taf data prepare my-videos --out my-videos/manifest.jsonl
      my-videos/CLASS/CLIP.mp4; a fifth of each class becomes the split `val`
  taf data prepare list.csv --csv-root videos --out manifest.jsonl
      list.csv begins with a line `path,label` or `path,label,split,group`
  taf data prepare frames --frames-template '{:05}.jpg' --out manifest.jsonl
      each video is a folder of pictures, frames/CLASS/CLIP/00001.jpg and so on")]
pub struct Args {
    /// A folder of class folders, or a .csv or .tsv file with the columns path, label and perhaps split and group
    #[arg(value_name = "FOLDER_OR_CSV")]
    pub source: PathBuf,
    /// The manifest to write (.jsonl)
    #[arg(long, value_name = "FILE")]
    pub out: PathBuf,
    /// Folder the paths of the CSV file start from [default: the folder of the CSV file]
    #[arg(long, value_name = "FOLDER")]
    pub csv_root: Option<PathBuf>,
    /// Put behind every path of the CSV file, such as .mp4
    #[arg(long, value_name = "TEXT", default_value = "")]
    pub csv_suffix: String,
    /// Character between the columns of the CSV file; \t is a tab [default: a comma, in a .tsv file a tab]
    #[arg(long, value_name = "CHAR", value_parser = delimiter)]
    pub csv_delimiter: Option<u8>,
    /// Share of the videos for the split `val`, where the source names no splits
    #[arg(long, value_name = "SHARE", default_value_t = 0.2)]
    pub val_fraction: f64,
    /// Share of the videos for the split `test`, where the source names no splits
    #[arg(long, value_name = "SHARE", default_value_t = 0.0)]
    pub test_fraction: f64,
    /// Decides which videos go to which split
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub seed: u64,
    /// Leave unreadable videos out instead of stopping
    #[arg(long)]
    pub keep_going: bool,
    #[command(flatten)]
    pub frames: FrameArgs,
    /// Print the counts as JSON
    #[arg(long)]
    pub json: bool,
}

/// Lists videos and counts their frames.
pub fn run(args: &Args) -> Result<Status> {
    let listing = listing(args)?;
    check_out(&args.out, &args.source, &listing)?;
    let split = RandomSplit { val: args.val_fraction, test: args.test_fraction, seed: Seed::new(args.seed) };
    let options = PrepareOptions { split, keep_going: args.keep_going };
    let bar = Counter::new("counting frames");
    let prepared = dataset::prepare(&listing, &options, &|done, total| bar.show(done, total))?;
    drop(bar);
    prepared.manifest.write(&args.out)?;
    let left_out: Vec<String> = prepared.unreadable.iter().map(ToString::to_string).collect();
    left_out.iter().for_each(|video| say(format_args!("left out: {video}")));
    warnings(&listing, &prepared, &split).iter().for_each(say);
    tell(&args.out, left_out, args.json)
}

/// Before any video is decoded: whether the manifest can be written, and is none of the files that are read.
fn check_out(out: &Path, source: &Path, listing: &Listing) -> Result<()> {
    let mut inputs = Vec::new();
    if source.is_file() {
        inputs.push(Input::File(source.to_owned()));
    }
    // A name that is free is no video's.
    if out.exists() {
        inputs.extend(listing.entries.iter().map(|entry| Input::at(&listing.root.join(&entry.path))));
    }
    Ok(check_outputs(&[Output::file("--out", out, MANIFEST)], &inputs)?)
}

/// What a user should know of a manifest that was made all the same.
fn warnings(listing: &Listing, prepared: &Prepared, split: &RandomSplit) -> Vec<String> {
    let mut warnings: Vec<_> = prepared.damaged.iter().map(|video| format!("damaged: {video}")).collect();
    if !prepared.damaged.is_empty() {
        let (damaged, all) = (prepared.damaged.len(), prepared.manifest.records().len());
        warnings.push(format!("{damaged} of {all} videos are damaged; the manifest says which"));
    }
    warnings.extend(passed_over(&prepared.passed_over, listing.frame_names.is_some()));
    warnings.extend(numbered(prepared.manifest.classes()));
    let has_splits = listing.entries.iter().any(|entry| entry.split.is_some());
    let splits = prepared.manifest.splits();
    for (name, share) in [("val", split.val), ("test", split.test)] {
        if !has_splits && share > 0.0 && !splits.contains(&name) {
            warnings.push(format!("no video is in the split {name}: a share of {share} of so few videos is none"));
        }
    }
    warnings
}

/// File names for one line of text.
const MOST_NAMES: usize = 5;

fn passed_over(files: &[String], folders_of_pictures: bool) -> Option<String> {
    let names = files.iter().take(MOST_NAMES).map(String::as_str).collect::<Vec<_>>().join(", ");
    let more = if files.len() > MOST_NAMES { ", ..." } else { "" };
    let rule = match folders_of_pictures {
        true => "each video is a folder of pictures".to_owned(),
        false => format!("videos end in .{}", VIDEO_ENDINGS.join(" .")),
    };
    let count = if files.len() == 1 { "1 file that is".to_owned() } else { format!("{} files that are", files.len()) };
    let what = format!("passed over {count} hidden or no video: {names}{more} ({rule})");
    (!files.is_empty()).then_some(what)
}

/// Of classes that are numbers, where they are not their own places: label ids count from 0 without gaps.
fn numbered(classes: &[String]) -> Option<String> {
    let numbers = classes.iter().map(|class| class.parse().ok()).collect::<Option<Vec<usize>>>()?;
    let (place, number) = numbers.iter().enumerate().find(|(place, number)| place != *number)?;
    Some(format!("the classes are numbers, but not 0, 1, 2, ...: class {number} has the label id {place}"))
}

fn listing(args: &Args) -> Result<Listing> {
    let names = args.frames.names();
    let ending = args.source.extension().unwrap_or_default().to_string_lossy().to_ascii_lowercase();
    let usual_delimiter = match ending.as_str() {
        _ if !args.source.is_file() => return Ok(dataset::class_folders(&args.source, names)?),
        "csv" => b',',
        "tsv" => b'\t',
        _ => return Err(no_list(&args.source).into()),
    };
    let delimiter = args.csv_delimiter.unwrap_or(usual_delimiter);
    let columns = CsvColumns { suffix: args.csv_suffix.clone(), delimiter, ..CsvColumns::default() };
    let folder = args.source.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let root = args.csv_root.as_deref().unwrap_or(folder);
    Ok(dataset::csv(&args.source, root, &columns, names)?)
}

fn no_list(path: &Path) -> Error {
    let expected =
        "a folder of class folders, or a list that ends in .csv or .tsv and begins with a line such as path,label";
    Error::Content {
        path: path.to_owned(),
        expected: expected.to_owned(),
        found: "a file that ends otherwise".to_owned(),
    }
}

/// One byte, or how a tab is written.
fn delimiter(text: &str) -> Result<u8, String> {
    match text.as_bytes() {
        b"\\t" => Ok(b'\t'),
        &[byte] => Ok(byte),
        _ => Err("expected one character that is one byte, or \\t for a tab".to_owned()),
    }
}
