//! `taf finetune`.

use std::fs;
use std::path::PathBuf;

use anyhow::{Result, ensure};
use taf::model::Recognizer;
use taf::recipe::{Plan, Recipe, RecipeError};
use taf_report::run::RunDir;

use crate::allowed::Reading;
use crate::dry_run;
use crate::exit::Status;
use crate::output::say;
use crate::reports;
use crate::session::{self, RunArgs, Session};
use crate::source::Source;
use crate::trained::{WeightsArgs, open};
use crate::training::{self, Job};

/// Fine-tune a trained run: plainly, or on temporal adversarial clips (TAF)
///
/// Starts from the newest weights of another run; --new-classifier leaves its classifier out, for videos of other classes.
/// With a [taf] table in the recipe every step also learns from clips whose temporal attention was moved; without one, or
/// with --plain, it is ordinary fine-tuning. The report shows the network before and after: accuracy with a paired
/// comparison, and what it attends to.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Tables the recipe leaves out, such as [data] and [model], are those of the run that --from names. The [taf] table is only
ever the recipe's own, or made with --set.

Examples:
  taf finetune configs/demo_taf.toml --from runs/base --out runs/taf
  taf finetune configs/demo_taf.toml --from runs/base --out runs/plain --plain
  taf finetune --from runs/base --out runs/entropy --set train.epochs=5 --set taf.adversary.objective=entropy
  taf finetune --from runs/tsm --data mine.jsonl --new-classifier --out runs/mine
  taf finetune --from runs/base --out runs/taf --resume")]
pub struct Args {
    /// The recipe (TOML) [default: that of the run --from]
    #[arg(value_name = "RECIPE")]
    pub recipe: Option<PathBuf>,
    /// Folder of the run to start from
    #[arg(long, value_name = "RUN")]
    pub from: PathBuf,
    #[command(flatten)]
    pub weights: WeightsArgs,
    /// Start a new classifier for the classes of the videos, which may be others than the run's
    #[arg(long)]
    pub new_classifier: bool,
    /// Leave the recipe's [taf] table out, so that one recipe serves for both
    #[arg(long)]
    pub plain: bool,
    #[command(flatten)]
    pub run: RunArgs,
}

/// Fine-tunes a trained run, or goes on with that.
pub fn run(args: Args) -> Result<Status> {
    let reading = Reading::default().run(&args.from).at(args.recipe.as_deref()).at(args.run.data.data.as_deref());
    if !args.run.dry_run {
        reading.allows_run(args.run.out(), args.run.existing())?;
    }
    let trained = open(&args.from, args.weights.which())?;
    let source = Source { trained: &trained, new_classifier: wants_new_classifier(&args)? };
    let recipe = recipe(&args, source)?;
    args.run.check_classes(&recipe)?;
    if args.run.dry_run {
        let (plan, model) = planned(&recipe, source)?;
        return dry_run::run(&plan, model, args.run.json);
    }
    let Some((session, model)) = begin(&args, recipe, source)? else {
        return session::tell_finished(&args.run);
    };
    let resume = format!("taf finetune --from {} --out {} --resume", args.from.display(), args.run.out().display());
    let what = if session.plan.recipe.taf.is_some() { "TAF" } else { "plain fine-tuning" };
    let job = Job { what, resume: &resume, json: args.run.json };
    training::to_the_end(&session, model, &job, || reports::finetuning(&session, trained))
}

/// Whether the classifier is to be a new one: it is asked for, or the run that is taken up began with one.
fn wants_new_classifier(args: &Args) -> Result<bool> {
    let taken_up = args.run.resume && RunDir::open(args.run.out()).is_ok();
    Ok(args.new_classifier || taken_up && session::began_with_new_classifier(args.run.out())?)
}

/// The training, and the network it starts from.
fn planned(recipe: &Recipe, source: Source) -> Result<(Plan, Recognizer)> {
    // The recipe may be that of a run whose weights were imported, which need not have videos.
    ensure!(
        recipe.data.manifest.exists(),
        "expected the manifest of the recipe, found none; --data MANIFEST names another: {}",
        recipe.data.manifest.display()
    );
    let plan = recipe.plan()?;
    let model = source.start(&plan)?;
    if !source.new_classifier || source.knows(&plan.classes, plan.train.videos().label_set()) {
        // The report needs it in the end; what is wrong with it is better known before.
        source.trained.examination(&reports::asked(&plan.recipe))?;
    }
    Ok((plan, model))
}

fn begin(args: &Args, recipe: Recipe, source: Source) -> Result<Option<(Session, Recognizer)>> {
    let (plan, model) = planned(&recipe, source)?;
    let session = args.run.begin(recipe, Some(source))?;
    if session.is_some() && source.new_classifier {
        tell_new_classifier(&plan, source);
    }
    Ok(session.map(|session| (session, model)))
}

fn tell_new_classifier(plan: &Plan, source: Source) {
    let (classes, known) = (plan.classes.len(), source.trained.info.classes.len());
    say(format_args!(
        "a new classifier of {classes} classes takes the place of one of {known}; all other weights are those of {}",
        source.trained.run.path().display()
    ));
}

fn recipe(args: &Args, source: Source) -> Result<Recipe> {
    let overrides = args.run.all_overrides()?;
    let mut recipe = match &args.recipe {
        Some(path) => {
            let text = fs::read_to_string(path).map_err(|source| RecipeError::Read { path: path.clone(), source })?;
            source.completed(&text, path, &overrides)?
        }
        None if args.run.resume && RunDir::open(args.run.out()).is_ok() => args.run.own_recipe()?,
        None => source.inherited(&overrides)?,
    };
    if args.plain {
        recipe.taf = None;
    }
    Ok(recipe)
}
