//! `taf data synth`.

use std::path::PathBuf;

use anyhow::Result;
use taf_files::{Output, check_outputs};
use taf_video::Seed;
use taf_video::synthetic::{Difficulty, MovingShapes};

use super::tell;
use crate::exit::Status;
use crate::progress::Counter;

/// Generate MovingShapes: videos in ten classes that only time can separate
///
/// Classes come in pairs that are each other played backwards, so a network that ignores the order of frames cannot tell
/// them apart. Writes H.264 files and a manifest. Running it again completes what is missing.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Example:
  taf data synth --out shapes --train 40 --val 10
      400 training and 100 validation videos, and shapes/manifest.jsonl")]
pub struct Args {
    /// Folder to write
    #[arg(long, value_name = "FOLDER")]
    pub out: PathBuf,
    /// Side of the square videos in pixels, even
    #[arg(long, value_name = "PIXELS", default_value_t = 64)]
    pub size: usize,
    /// Frames of a video: a number, or a range such as 24-40
    #[arg(long, value_name = "N or N-M", default_value = "24-40", value_parser = frame_range)]
    pub frames: FrameRange,
    /// How much gets in the way: easy, medium, hard or a number from 0 to 1
    #[arg(long, value_name = "LEVEL", default_value = "medium")]
    pub difficulty: Difficulty,
    /// Videos per class in the split `train`
    #[arg(long, value_name = "N", default_value_t = 40)]
    pub train: usize,
    /// Videos per class in the split `val`
    #[arg(long, value_name = "N", default_value_t = 10)]
    pub val: usize,
    /// Videos per class in the split `test`
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub test: usize,
    /// The same seed gives the same videos
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub seed: u64,
    /// Print the counts as JSON
    #[arg(long)]
    pub json: bool,
}

/// Shortest and longest number of frames.
pub type FrameRange = (usize, usize);

fn frame_range(text: &str) -> Result<FrameRange, String> {
    let (fewest, most) = text.split_once('-').unwrap_or((text, text));
    let number = |text: &str| text.trim().parse().map_err(|_| "expected a number or a range such as 24-40".to_owned());
    Ok((number(fewest)?, number(most)?))
}

/// Generates videos and their manifest.
pub fn run(args: &Args) -> Result<Status> {
    check_outputs(&[Output::folder("--out", &args.out)], &[])?;
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
