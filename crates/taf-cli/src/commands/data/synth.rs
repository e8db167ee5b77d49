//! `taf data synth`.

use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};

use anyhow::Result;
use clap::ValueEnum;
use serde::Serialize;
use taf_files::{Output, check_outputs};
use taf_video::Seed;
use taf_video::dataset::SplitCounts;
use taf_video::synthetic::{ClipsPerClass, Difficulty, Form, Miniature, MovingShapes};

use super::{table, tell};
use crate::exit::Status;
use crate::output;
use crate::progress::Counter;

/// Generate MovingShapes: videos in ten classes that only time can separate
///
/// Classes come in pairs that are each other played backwards, so a network that ignores the order of frames cannot tell
/// them apart. Writes H.264 files and a manifest. Running it again completes what is missing.
///
/// With --like it writes a miniature of a published data set instead: such motions under names of real classes, with files,
/// folders and lists exactly as they are distributed, to rehearse on what will be done with the real ones.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  taf data synth --out shapes --train 40 --val 10
      400 training and 100 validation videos, and shapes/manifest.jsonl
  taf data synth --like ssv2 --out something-v2
      a small Something-Something V2: VP9 files and JSON lists; `taf data prepare something-v2` reads it as the real one")]
pub struct Args {
    /// Folder to write
    #[arg(long, value_name = "FOLDER")]
    pub out: PathBuf,
    /// Write a miniature in the form of this data set
    #[arg(long, value_name = "DATA_SET")]
    pub like: Option<Like>,
    /// Side of the square videos in pixels, even [default: 64; with --like the shorter side, as the data set has it]
    #[arg(long, value_name = "PIXELS")]
    pub size: Option<usize>,
    /// Frames of a video: a number, or a range such as 24-40 [default: 24-40; with --like about as the data set has]
    #[arg(long, value_name = "N or N-M", value_parser = frame_range)]
    pub frames: Option<FrameRange>,
    /// How much gets in the way: easy, medium, hard or a number from 0 to 1
    #[arg(long, value_name = "LEVEL", default_value = "medium")]
    pub difficulty: Difficulty,
    /// Videos per class in the split `train` [default: 40; with --like 8]
    #[arg(long, value_name = "N")]
    pub train: Option<usize>,
    /// Videos per class in the split `val` [default: 10; with --like 4]
    #[arg(long, value_name = "N")]
    pub val: Option<usize>,
    /// Videos per class in the split `test` [default: 0; with --like 1, in a list without labels, but for diving48]
    #[arg(long, value_name = "N")]
    pub test: Option<usize>,
    /// The same seed gives the same videos
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub seed: u64,
    /// Print the counts as JSON
    #[arg(long)]
    pub json: bool,
}

/// Data sets of which there are miniatures.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum Like {
    /// Something-Something V1
    Ssv1,
    /// Something-Something V2
    Ssv2,
    /// Something-Something V2 with lists named as by its first publisher
    #[value(name = "ssv2-20bn")]
    Ssv2By20bn,
    /// Diving48 V2
    Diving48,
    /// Jester
    Jester,
}

impl Like {
    fn form(self) -> Form {
        match self {
            Self::Ssv1 => Form::SomethingV1,
            Self::Ssv2 => Form::SomethingV2,
            Self::Ssv2By20bn => Form::SomethingV2By20bn,
            Self::Diving48 => Form::Diving48,
            Self::Jester => Form::Jester,
        }
    }
}

/// Shortest and longest number of frames.
pub type FrameRange = RangeInclusive<usize>;

fn frame_range(text: &str) -> Result<FrameRange, String> {
    let (fewest, most) = text.split_once('-').unwrap_or((text, text));
    let number = |text: &str| text.trim().parse().map_err(|_| "expected a number or a range such as 24-40".to_owned());
    Ok(number(fewest)?..=number(most)?)
}

/// Generates videos and their lists.
pub fn run(args: &Args) -> Result<Status> {
    check_outputs(&[Output::folder("--out", &args.out)], &[])?;
    match args.like {
        Some(like) => miniature(args, like.form()),
        None => shapes(args),
    }
}

fn shapes(args: &Args) -> Result<Status> {
    let frames = args.frames.clone().unwrap_or(24..=40);
    let shapes = MovingShapes::new(Seed::new(args.seed), args.size.unwrap_or(64), frames, args.difficulty)?;
    let counts =
        [("train", args.train.unwrap_or(40)), ("val", args.val.unwrap_or(10)), ("test", args.test.unwrap_or(0))];
    let splits: Vec<_> = counts.into_iter().filter(|&(_, count)| count > 0).collect();
    let bar = Counter::new("drawing videos");
    shapes.write(&args.out, &splits, &|done, total| bar.show(done, total))?;
    drop(bar);
    tell(&args.out.join("manifest.jsonl"), Vec::new(), args.json)
}

/// What a miniature holds, for `--json`.
#[derive(Serialize)]
struct Generated<'a> {
    folder: &'a Path,
    classes: Vec<String>,
    counts: Vec<SplitCounts>,
}

fn miniature(args: &Args, form: Form) -> Result<Status> {
    let miniature = Miniature::new(form, Seed::new(args.seed), args.size, args.frames.clone(), args.difficulty)?;
    let usual_test = if form == Form::Diving48 { 0 } else { 1 };
    let clips = ClipsPerClass {
        train: args.train.unwrap_or(8),
        val: args.val.unwrap_or(4),
        test: args.test.unwrap_or(usual_test),
    };
    let bar = Counter::new("drawing videos");
    let counts = miniature.write(&args.out, clips, &|done, total| bar.show(done, total))?;
    drop(bar);
    let (folder, classes) = (args.out.as_path(), miniature.classes());
    match args.json {
        true => output::print_json(&Generated { folder, classes, counts })?,
        false => output::print(&format!("{}\n{}", folder.display(), table(&classes, &counts)))?,
    }
    Ok(Status::Done)
}
