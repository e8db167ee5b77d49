//! `taf data prepare`.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use taf_video::Seed;
use taf_video::dataset::{self, CsvColumns, Listing, PrepareOptions, RandomSplit};

use super::tell;
use crate::exit::Status;
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
    /// A folder of class folders, or a .csv file with the columns path, label and perhaps split and group
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
    /// Character between the columns of the CSV file
    #[arg(long, value_name = "CHAR", default_value_t = ',')]
    pub csv_delimiter: char,
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

fn listing(args: &Args) -> Result<Listing> {
    let names = args.frames.names();
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
