//! `taf predict`.

use std::path::PathBuf;

use anyhow::Result;
use burn::tensor::Device;
use taf::evaluate::Protocol;
use taf::model::Recognizer;
use taf::predict::{Classifier, Manner};
use taf::recipe::Recipe;
use taf::trained::{Asked, Trained};
use taf_files::Output;

use crate::allowed::{self, Reading};
use crate::exit::Status;
use crate::picture_folder::FrameArgs;
use crate::predict::{Found, LongVideos, RowArgs, Searched, SlidingArgs, WholeVideos, find};
use crate::trained::{WeightsArgs, device, open, protocols};

/// Say what is seen in videos: the likeliest classes of each
///
/// A video that cannot be read is named and passed over; the exit code is 1 then. Where labels are known the share of right
/// answers is told at the end: a manifest and a list may have them, and a folder that is called like a class labels the
/// videos in it. Answers are written as they are found; Ctrl-C ends after the video that is looked at.
///
/// With --every it slides over long videos and tells from when to when which class is seen. Such a video is decoded once and
/// never held; times are those of the file, so that they are right where its rate varies.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  taf predict runs/taf clip.mp4
  taf predict runs/taf my-videos --top 1 --out answers.csv
  taf predict runs/taf list.txt --json-lines | jq .top[0].class
      list.txt has a path on every line; a .csv has a column path, and perhaps label
  taf predict runs/taf something-v2.jsonl --split val --protocol tsm-accurate
  taf predict runs/taf day.mp4 --every 1 --window 2 --picture day.svg
  taf predict runs/taf frames --frames-template '{:05}.jpg'
      every folder under frames that has a 00001.jpg is a video")]
pub struct Args {
    /// Folder of the run
    #[arg(value_name = "RUN")]
    pub run: PathBuf,
    /// Videos, folders of them at any depth, and lists: a manifest (.jsonl), .csv, .tsv, or .txt
    #[arg(value_name = "PATH", required = true)]
    pub paths: Vec<PathBuf>,
    #[command(flatten)]
    pub rows: RowArgs,
    #[command(flatten)]
    pub sliding: SlidingArgs,
    #[command(flatten)]
    pub weights: WeightsArgs,
    /// Take only this split of manifests; may be given often
    #[arg(long, value_name = "NAME")]
    pub split: Vec<String>,
    #[command(flatten)]
    pub frames: FrameArgs,
    /// Show the videos as a paper tests its networks, in clips of the run's own length
    #[arg(long, value_name = "NAME", value_parser = protocols())]
    pub protocol: Option<Protocol>,
    /// Show the videos in another way than the recipe says, such as data.eval.crops=three, data.eval.size=256 or
    /// data.views=twice; may be given often
    #[arg(long = "set", value_name = "KEY=VALUE")]
    pub settings: Vec<String>,
}

/// Classifies videos.
pub fn run(args: Args) -> Result<Status> {
    reading(&args).allows(&outputs(&args))?;
    let trained = open(&args.run, args.weights.which())?;
    let device = device();
    let classifier = classifier(&args, &trained, &device)?;
    let pictures = args.frames.names();
    let searched = Searched { pictures: pictures.as_ref(), splits: &args.split, classes: &trained.info.classes };
    let videos = find(&args.paths, &searched)?;
    refuse_overwriting(&args, &videos)?;
    let (classes, rows) = (trained.info.classes.as_slice(), &args.rows);
    match args.sliding.sliding() {
        None => WholeVideos { classes, rows, videos }.tell(&classifier),
        Some(sliding) => {
            let network = (trained.name(), classes);
            LongVideos { network: (&network.0, network.1), rows, args: &args.sliding, sliding, videos }
                .tell(&classifier)
        }
    }
}

/// What is read, as far as it is named.
fn reading(args: &Args) -> Reading {
    let files = args.paths.iter().filter(|path| path.is_file());
    files.fold(Reading::default().run(&args.run), |reading, path| reading.at(path.as_path()))
}

/// What is written.
fn outputs(args: &Args) -> Vec<Output<'_>> {
    let rows = args.rows.out.as_ref().map(|out| Output::file("--out", out, args.rows.endings()));
    rows.into_iter().chain(allowed::perhaps("--picture", args.sliding.picture.as_ref(), allowed::DRAWING)).collect()
}

/// Refuses an output that is one of the videos.
fn refuse_overwriting(args: &Args, videos: &[Found]) -> Result<()> {
    // A name that is free is no video's.
    if ![&args.rows.out, &args.sliding.picture].into_iter().flatten().any(|out| out.exists()) {
        return Ok(());
    }
    let read = videos.iter().fold(Reading::default(), |reading, video| reading.at(video.path().as_path()));
    read.allows(&outputs(args))
}

fn classifier<'a>(args: &Args, trained: &'a Trained, device: &'a Device) -> Result<Classifier<'a, Recognizer>> {
    let asked = Asked { protocol: args.protocol, settings: &args.settings, ..Asked::default() };
    let manner = manner(&trained.recipe_with(&asked)?)?;
    Ok(Classifier { model: &trained.model, device, manner })
}

/// How a run's evaluation shows videos.
fn manner(recipe: &Recipe) -> Result<Manner> {
    Ok(Manner {
        views: recipe.data.evaluation_views()?,
        average: recipe.data.average,
        // What the memory holds that the recipe was made for.
        batch_size: recipe.train.piece(),
        threads: recipe.data.workers,
    })
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::{Recipe, manner};

    #[test]
    fn no_more_views_go_through_the_network_together_than_training_lets() {
        let text = include_str!("../../../../configs/demo_train.toml");
        let settings = ["train.batch_size=64", "train.accumulate=8"].map(str::to_owned);
        let recipe = Recipe::parse(text, Path::new("recipe.toml"), &settings).unwrap();
        assert_eq!(manner(&recipe).unwrap().batch_size, 8);
    }
}
