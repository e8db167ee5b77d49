//! `taf predict`.

use std::path::{Path, PathBuf};

use anyhow::{Result, ensure};
use burn::tensor::Device;
use taf::evaluate::{AnswerError, Protocol};
use taf::model::Recognizer;
use taf::predict::{Answer, Classifier, Manner};
use taf::trained::{Asked, Trained};
use taf_files::Output;

use crate::allowed::Reading;
use crate::exit::Status;
use crate::interrupt::Graceful;
use crate::output::say;
use crate::picture_folder::FrameArgs;
use crate::predict::{Accuracy, Format, Found, Likely, Row, RowArgs, Searched, Sink, find};
use crate::progress::Counter;
use crate::trained::{WeightsArgs, device, open, protocols};

/// Say what is seen in videos: the likeliest classes of each
///
/// A video that cannot be read is named and passed over; the exit code is 1 then. Where labels are known the share of right
/// answers is told at the end: a manifest and a list may have them, and a folder that is called like a class labels the
/// videos in it. Answers are written as they are found; Ctrl-C ends after the video that is looked at.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  taf predict runs/taf clip.mp4
  taf predict runs/taf my-videos --top 1 --out answers.csv
  taf predict runs/taf list.txt --json-lines | jq .top[0].class
      list.txt has a path on every line; a .csv has a column path, and perhaps label
  taf predict runs/taf something-v2.jsonl --split val --protocol tsm-accurate
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
    let out = args.rows.out.as_deref().map(|out| Output::file("--out", out, args.rows.endings()));
    reading(&args).allows(out.as_slice())?;
    let trained = open(&args.run, args.weights.which())?;
    let device = device();
    let classifier = classifier(&args, &trained, &device)?;
    let pictures = args.frames.names();
    let searched = Searched { pictures: pictures.as_ref(), splits: &args.split, classes: &trained.info.classes };
    let videos = find(&args.paths, &searched)?;
    refuse_overwriting(&args, &videos)?;
    Telling { classes: &trained.info.classes, rows: &args.rows, videos }.of_all(&classifier)
}

/// What is read, as far as it is named.
fn reading(args: &Args) -> Reading {
    let files = args.paths.iter().filter(|path| path.is_file());
    files.fold(Reading::default().run(&args.run), |reading, path| reading.at(path.as_path()))
}

/// Refuses an output that is one of the videos.
fn refuse_overwriting(args: &Args, videos: &[Found]) -> Result<()> {
    let Some(out) = args.rows.out.as_deref().filter(|out| out.exists()) else { return Ok(()) };
    let read = videos.iter().fold(Reading::default(), |reading, video| reading.at(video.path().as_path()));
    read.allows(&[Output::file("--out", out, args.rows.endings())])
}

fn classifier<'a>(args: &Args, trained: &'a Trained, device: &'a Device) -> Result<Classifier<'a, Recognizer>> {
    let asked = Asked { protocol: args.protocol, settings: &args.settings, ..Asked::default() };
    let recipe = trained.recipe_with(&asked)?;
    let manner = Manner {
        views: recipe.data.evaluation_views()?,
        average: recipe.data.average,
        batch_size: recipe.train.batch_size,
        threads: recipe.data.workers,
    };
    Ok(Classifier { model: &trained.model, device, manner })
}

/// Videos, and how they are told of.
struct Telling<'a> {
    classes: &'a [String],
    rows: &'a RowArgs,
    videos: Vec<Found>,
}

impl Telling<'_> {
    /// Tells of every video as its answer is found.
    fn of_all(&self, classifier: &Classifier<Recognizer>) -> Result<Status> {
        let format = self.rows.format();
        let mut sink = Sink::open(self.rows.out.as_deref())?;
        let graceful = Graceful::ending_with("finishing this video")?;
        let bar = Counter::new("classifying");
        let (mut accuracy, mut bad) = (Accuracy::default(), 0);
        let mut is_read = bar.aside(|| sink.write(&format.heading(self.told())))?;
        let videos = self.videos.clone();
        let answers = classifier.videos(videos.len(), move |video| videos[video].open());
        for (done, (video, answer)) in self.videos.iter().zip(answers).enumerate() {
            match answer {
                Ok(answer) => {
                    is_read &= bar.aside(|| sink.write(&self.row(format, video, &answer)))?;
                    video.label.iter().for_each(|label| accuracy.add(label, &answer, self.classes));
                }
                Err(error) => {
                    bad += 1;
                    bar.aside(|| pass_over(&video.path(), &error));
                }
            }
            bar.show(done + 1, self.videos.len());
            if !is_read || graceful.asked() {
                break;
            }
        }
        drop(bar);
        sink.finish()?;
        if is_read {
            accuracy.tell(self.classes)?;
        }
        self.verdict(bad, graceful.asked())
    }

    /// How many classes are told of a video.
    fn told(&self) -> usize {
        usize::from(self.rows.top).min(self.classes.len())
    }

    fn row(&self, format: Format, video: &Found, answer: &Answer) -> String {
        let likely = |(class, probability): (usize, f32)| Likely { class: &self.classes[class], probability };
        let top = answer.top(self.told()).into_iter().map(likely).collect();
        format.row(&Row { video: &video.name, label: video.label.as_deref(), top })
    }

    fn verdict(&self, bad: usize, interrupted: bool) -> Result<Status> {
        ensure!(bad < self.videos.len(), "none of {bad} videos could be classified");
        if bad > 0 {
            say(format_args!("{bad} of {} videos could not be classified, and are named above", self.videos.len()));
        }
        Ok(match (interrupted, bad) {
            (true, _) => Status::Interrupted,
            (false, 0) => Status::Done,
            (false, _) => Status::NotMet,
        })
    }
}

/// Names a video that has no answer. What cannot be read names itself.
fn pass_over(path: &Path, error: &AnswerError) {
    match error {
        AnswerError::Video(error) => say(format_args!("passed over: {error}")),
        AnswerError::NotFinite { .. } => say(format_args!("passed over: {error}: {}", path.display())),
    }
}
