//! `taf data prepare`.

use std::path::PathBuf;

use anyhow::Result;
use taf_files::{Input, Output, check_outputs};
use taf_video::Seed;
use taf_video::dataset::{
    self, Format, Listing, Miscounted, PrepareOptions, Prepared, RandomSplit, ReadOptions, Separator, SomethingOrder,
    VIDEO_ENDINGS,
};

use super::tell;
use super::unfinished::Unfinished;
use crate::allowed::MANIFEST;
use crate::exit::Status;
use crate::output::say;
use crate::picture_folder::FrameArgs;
use crate::progress::Counter;

/// Make a manifest: the list of videos, classes and splits that training reads
///
/// Takes folders of videos, tables, published data sets as they are downloaded, and the list files of other programs. Every
/// video is decoded once to count its frames, but with --fast or --trust-counts. The result does not depend on the machine.
///
/// What was found out is kept beside the manifest (FILE.preparing) until that is written: after an interruption of any
/// kind, the same command goes on from there. Videos that changed meanwhile are looked at again.
#[derive(Debug, clap::Args)]
#[command(after_help = after_help())]
pub struct Args {
    /// A folder of class folders or of a published data set, or files: a table with the columns path, label and perhaps
    /// split, group, start and end, or lists of one format
    #[arg(value_name = "FOLDER_OR_FILE", required = true)]
    pub sources: Vec<PathBuf>,
    /// The manifest to write (.jsonl)
    #[arg(long, value_name = "FILE")]
    pub out: PathBuf,
    /// What the source is, see below [default: told by the source where it is safe, and said]
    #[arg(long, value_name = "NAME")]
    pub format: Option<Format>,
    /// Folder the paths of a table or list start from [default: the folder it lies in]
    #[arg(long, alias = "csv-root", value_name = "FOLDER")]
    pub root: Option<PathBuf>,
    /// Put behind every path of a table or list, such as .mp4
    #[arg(long, alias = "csv-suffix", value_name = "TEXT", default_value = "")]
    pub suffix: String,
    /// Character between the values of a row; \t is a tab [default: that of the format]
    #[arg(long, alias = "csv-delimiter", value_name = "CHAR", value_parser = separator)]
    pub separator: Option<Separator>,
    /// Names of the classes in the order of their numbers: one a line, a label file of Something-Something V2 or Diving48,
    /// a table id,name, or a manifest
    #[arg(long, value_name = "FILE")]
    pub classes: Option<PathBuf>,
    /// Which order of Something-Something's classes the numbers are in: sorted (V2, and V1 with TSM and GST) or file (V1
    /// with mmaction2)
    #[arg(long, value_name = "ORDER", value_parser = label_order)]
    pub label_order: Option<SomethingOrder>,
    /// Which labels these are, such as diving48-v2: results of different ones are not put together
    #[arg(long, value_name = "NAME")]
    pub label_set: Option<String>,
    /// JSON files of Something-Something V2 with the labels of the videos, for SlowFast's lists of frames; may be given often
    #[arg(long, value_name = "FILE")]
    pub labels: Vec<PathBuf>,
    /// Splits of the lists, one for each; of a published data set those to take [default: the list's name up to the first _
    /// or .]
    #[arg(long, value_name = "A,B,...", value_delimiter = ',')]
    pub splits: Vec<String>,
    /// Splits of lists whose labels stand for nothing, as TSM writes them of test videos
    #[arg(long, value_name = "A,B,...", value_delimiter = ',')]
    pub unlabelled: Vec<String>,
    /// Believe the numbers of frames that lists give, and touch no video: they may arrive later (`taf data check` counts)
    #[arg(long)]
    pub trust_counts: bool,
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
    /// Count packets of H.264, VP9 and AV1 files and names of pictures instead of decoding, where that is safe: a small part
    /// of the time, but damage inside a file is not found
    #[arg(long, conflicts_with = "trust_counts")]
    pub fast: bool,
    #[command(flatten)]
    pub frames: FrameArgs,
    /// Print the counts as JSON
    #[arg(long)]
    pub json: bool,
}

/// The formats, then examples.
fn after_help() -> String {
    let format = |format: Format| format!("  {:<17} {}\n", format.name(), format.description());
    let formats: String = Format::ALL.map(format).concat();
    format!(
        "Formats:\n{formats}\n\
Examples:
  taf data prepare my-videos --out my-videos/manifest.jsonl
      my-videos/CLASS/CLIP.mp4; a fifth of each class becomes the split `val`
  taf data prepare list.csv --root videos --out manifest.jsonl
      list.csv begins with a line `path,label` or `path,label,split,group,start,end`
  taf data prepare frames --frames-template '{{:05}}.jpg' --out manifest.jsonl
      each video is a folder of pictures, frames/CLASS/CLIP/00001.jpg and so on
  taf data prepare something-v2 --format something-v2 --out ssv2.jsonl
      a folder as downloaded; likewise something-v1, diving48 and jester
  taf data prepare train_videofolder.txt val_videofolder.txt --format tsm --classes category.txt --root FRAMES \\
      --frames-template '{{:06}}.jpg' --trust-counts --out m.jsonl
      the lists of TSM, before the pictures arrive"
    )
}

/// Lists videos and counts their frames.
pub fn run(args: &Args) -> Result<Status> {
    let listing = dataset::read(&args.sources, &read_options(args))?;
    check_out(args, &listing)?;
    listing.notes.iter().for_each(say);
    let split = RandomSplit { val: args.val_fraction, test: args.test_fraction, seed: Seed::new(args.seed) };
    let unfinished = (!args.trust_counts).then(|| Unfinished::beside(&args.out, "preparing"));
    let options = PrepareOptions {
        split,
        keep_going: args.keep_going,
        trust_counts: args.trust_counts,
        fast: args.fast,
        unfinished: unfinished.as_ref().map(|work| work.path().to_owned()),
    };
    let bar = Counter::new("counting frames");
    let prepared = dataset::prepare(&listing, &options, &|done, total| bar.show(done, total))?;
    drop(bar);
    prepared.manifest.write(&args.out)?;
    unfinished.map_or(Ok(()), Unfinished::remove)?;
    let left_out: Vec<String> = prepared.unreadable.iter().map(ToString::to_string).collect();
    left_out.iter().for_each(|video| say(format_args!("left out: {video}")));
    warnings(&listing, &prepared, &split).iter().for_each(say);
    // The manifest is read again, and a large one need not be held twice.
    drop((listing, prepared));
    tell(&args.out, left_out, args.json)
}

fn read_options(args: &Args) -> ReadOptions {
    ReadOptions {
        format: args.format,
        root: args.root.clone(),
        suffix: args.suffix.clone(),
        separator: args.separator,
        frame_names: args.frames.names(),
        classes: args.classes.clone(),
        label_order: args.label_order,
        label_set: args.label_set.clone(),
        labels: args.labels.clone(),
        splits: args.splits.clone(),
        unlabelled: args.unlabelled.clone(),
    }
}

/// Before any video is decoded: whether the manifest can be written, and is none of the files that are read.
fn check_out(args: &Args, listing: &Listing) -> Result<()> {
    let files = args.sources.iter().chain(&args.classes).chain(&args.labels).filter(|source| source.is_file());
    let mut inputs: Vec<Input> = files.map(|file| Input::File(file.clone())).collect();
    let out = &args.out;
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
    warnings.extend(miscounted(&prepared.miscounted));
    warnings.extend(passed_over(&prepared.passed_over, listing.frame_names().is_some()));
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

fn miscounted(videos: &[Miscounted]) -> Option<String> {
    let shown = videos.iter().take(MOST_NAMES).map(ToString::to_string).collect::<Vec<_>>().join("; ");
    let more = if videos.len() > MOST_NAMES { "; ..." } else { "" };
    let count = videos.len();
    let what = format!("of {count} videos the list gives another number of frames than was counted: {shown}{more}");
    (count > 0).then_some(what)
}

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

/// One character, or how a tab is written.
fn separator(text: &str) -> Result<Separator, String> {
    let mut characters = text.chars();
    match (text, characters.next(), characters.next()) {
        ("\\t", ..) => Ok(Separator::Character('\t')),
        (" ", ..) => Ok(Separator::Spaces),
        (_, Some(character), None) => Ok(Separator::Character(character)),
        _ => Err("expected one character, or \\t for a tab".to_owned()),
    }
}

fn label_order(text: &str) -> Result<SomethingOrder, String> {
    match text {
        "sorted" => Ok(SomethingOrder::Sorted),
        "file" => Ok(SomethingOrder::File),
        _ => Err("expected sorted or file".to_owned()),
    }
}
