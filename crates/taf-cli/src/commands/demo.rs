//! `taf demo`: the other commands, one after the other, on generated videos.

use std::path::{Path, PathBuf};

use anyhow::{Result, bail};
use taf::evaluate::Suite;
use taf::recipe::Recipe;
use taf::train::Outcome;
use taf::trained::{Asked, Weights};
use taf_files::{Output, write_atomic};
use taf_report::run::{Existing, RunDir};
use taf_video::Seed;
use taf_video::corrupt::Severity;
use taf_video::synthetic::{Difficulty, MovingShapes};

use crate::allowed::{Reading, refuse_foreign_folder};
use crate::exit::Status;
use crate::output::{self, say};
use crate::panel::Panel;
use crate::progress::Counter;
use crate::reports;
use crate::session::{Session, manifest_override, refuse_differences, stored_recipe};
use crate::source::Source;
use crate::trained::{autodiff_device, open};
use crate::training;

/// Show the whole method at work: generate videos, train, fine-tune plainly and with TAF, compare, report
///
/// A small network learns to tell generated motions apart, and is then fine-tuned twice from the same weights with the same
/// budget: plainly, and on temporal adversarial clips. All three are evaluated on videos as they are, shifted in time, noisy and
/// blurred. Running it again goes on where it stopped.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Example:
  taf demo --out my-demo
      then open my-demo/report.html")]
pub struct Args {
    /// Folder to write
    #[arg(long, value_name = "FOLDER", default_value = "taf-demo")]
    pub out: PathBuf,
    /// About how long to take on two cores; fewer minutes train less
    #[arg(long, value_name = "MINUTES", default_value_t = USUAL_MINUTES)]
    pub minutes_hint: f64,
    /// Decides the videos, the first weights and the order of training
    #[arg(long, value_name = "N", default_value_t = 0, value_parser = clap::value_parser!(u64).range(..=MOST_SEED))]
    pub seed: u64,
    /// Print the report as JSON
    #[arg(long)]
    pub json: bool,
}

const TRAIN: &str = include_str!("../../../../configs/demo_train.toml");
const FINETUNE: &str = include_str!("../../../../configs/demo_taf.toml");

const VIDEOS_FOLDER: &str = "videos";
/// Videos per class.
const VIDEOS: [(&str, usize); 2] = [("train", 80), ("val", 40)];
const SIZE: usize = 64;
const FRAMES: std::ops::RangeInclusive<usize> = 24..=40;
/// Severities of the spoiled versions, pooled.
const SEVERITIES: [u8; 2] = [2, 4];
/// What the recipes' epochs take on two cores.
const USUAL_MINUTES: f64 = 4.0;

/// Recipes are TOML, whose whole numbers end there.
const MOST_SEED: u64 = i64::MAX as u64;

/// The folder and what was asked for.
struct Demo<'a> {
    args: &'a Args,
}

/// Generates, trains, fine-tunes twice, evaluates and reports; what is there already is not done again.
pub fn run(args: Args) -> Result<Status> {
    if !(args.minutes_hint > 0.0 && args.minutes_hint.is_finite()) {
        bail!("--minutes-hint must be above 0, got {}", args.minutes_hint);
    }
    let demo = Demo { args: &args };
    Reading::default().allows(&[Output::folder("--out", &args.out)])?;
    refuse_foreign_folder(&args.out, &format!("{VIDEOS_FOLDER}/{}", MovingShapes::SETTINGS_FILE))?;
    demo.refuse_other_settings()?;
    demo.videos()?;
    let stages =
        [("base", 2, "training from scratch"), ("plain", 3, "plain fine-tuning"), ("taf", 4, "TAF fine-tuning")];
    for (name, number, what) in stages {
        say_stage(
            number,
            &format!("{what}, from {}", if name == "base" { "random weights" } else { "the same weights" }),
        );
        if demo.train(name, what)? == Outcome::Stopped {
            say("stopped; run the same command again to go on");
            return Ok(Status::Interrupted);
        }
    }
    demo.report()
}

fn say_stage(number: usize, what: &str) {
    say(format_args!("[{number}/5] {what}"));
}

impl Demo<'_> {
    fn folder(&self, name: &str) -> PathBuf {
        self.args.out.join(name)
    }

    fn videos(&self) -> Result<()> {
        say_stage(1, "generating MovingShapes: ten motions in pairs that only time can separate");
        let shapes = MovingShapes::new(Seed::new(self.args.seed), SIZE, FRAMES, Difficulty::MEDIUM)?;
        let bar = Counter::new("drawing videos");
        let folder = self.folder(VIDEOS_FOLDER);
        shapes.write(&folder, &VIDEOS, &|done, total| bar.show(done, total))?;
        Ok(())
    }

    fn manifest(&self) -> PathBuf {
        self.folder(VIDEOS_FOLDER).join("manifest.jsonl")
    }

    /// Refuses another seed or length than that of the runs that are there, before their videos are drawn anew.
    fn refuse_other_settings(&self) -> Result<()> {
        match RunDir::open(self.folder("base")) {
            Ok(run) => refuse_differences(&stored_recipe(&run)?, &self.first_recipe()?, run.path()),
            Err(_) => Ok(()),
        }
    }

    /// The recipe of the run that the others start from.
    fn first_recipe(&self) -> Result<Recipe> {
        let recipe = Recipe::parse(TRAIN, Path::new("demo_train.toml"), &[manifest_override(&self.manifest())?])?;
        Ok(self.settled(recipe))
    }

    /// A recipe with what the command line says.
    fn settled(&self, mut recipe: Recipe) -> Recipe {
        recipe.seed = self.args.seed;
        recipe.train.epochs = self.epochs(recipe.train.epochs);
        recipe
    }

    /// One of the three runs; the fine-tuned ones start from the first.
    fn train(&self, name: &str, what: &str) -> Result<Outcome> {
        let base = if name == "base" { None } else { Some(open(&self.folder("base"), Weights::Last)?) };
        let source = base.as_ref().map(|trained| Source { trained, new_classifier: false });
        let mut recipe = match &source {
            None => self.first_recipe()?,
            Some(source) => self.settled(source.completed(FINETUNE, Path::new("demo_taf.toml"), &[])?),
        };
        if name == "plain" {
            recipe.taf = None;
        }
        let Some(session) = Session::begin(&self.folder(name), Existing::Resume, recipe, source)? else {
            say("      done before");
            return Ok(Outcome::Finished);
        };
        let model = match &source {
            None => session.plan.init_model(&autodiff_device()),
            Some(source) => source.start(&session.plan)?,
        };
        let (outcome, _) = training::train(&session, model, what)?;
        if outcome == Outcome::Finished {
            session.run.finish()?;
        }
        Ok(outcome)
    }

    fn epochs(&self, usual: usize) -> usize {
        ((usual as f64 * self.args.minutes_hint / USUAL_MINUTES).round() as usize).max(1)
    }

    fn report(&self) -> Result<Status> {
        say_stage(5, "evaluating the three networks on videos as they are, shifted in time, noisy and blurred");
        let trained = ["base", "plain", "taf"].iter().map(|name| open(&self.folder(name), Weights::Last));
        let panel = Panel::new(trained.collect::<Result<_>>()?, &Asked::default())?;
        let severities: Vec<Severity> = SEVERITIES.iter().map(|&n| Ok(Severity::new(n)?)).collect::<Result<_>>()?;
        let question = "Does fine-tuning on temporal adversarial clips (TAF) do better than plain fine-tuning with the same \
                        budget, from the same weights?";
        let page = self.folder("report.html");
        let report =
            reports::comparison(&panel, question, "taf demo on MovingShapes", &Suite::standard(&severities), &page)?;
        write_atomic(&self.folder("report.json"), report.to_json().as_bytes())?;
        if self.args.json {
            output::print(&report.to_json())?;
        } else {
            output::print(&format!("{}\nreport: {}\n", report.to_terminal(output::colour()), page.display()))?;
        }
        Ok(Status::Done)
    }
}
