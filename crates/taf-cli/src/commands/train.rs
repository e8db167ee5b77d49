//! `taf train`.

use std::path::PathBuf;

use anyhow::Result;

use crate::allowed::Reading;
use crate::dry_run;
use crate::exit::Status;
use crate::reports;
use crate::session::{self, RunArgs};
use crate::trained::autodiff_device;
use crate::training::{self, Job};

/// Train a network from scratch as a recipe says
///
/// Writes a run folder: the resolved recipe, where it came from, metrics.jsonl, checkpoints, and at the end report.html and
/// report.json. Ctrl-C finishes the step and writes a checkpoint; --resume goes on from there, bit for bit as if nothing had
/// happened, and so it does after a crash.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
A recipe needs [data] manifest and [model] kind and trunk; everything else has a default. The run's recipe.toml shows all
settings in full, and the recipes in configs/ are commented.

Examples:
  taf train configs/demo_train.toml --data shapes/manifest.jsonl --out runs/base
  taf train recipe.toml --out runs/long --set train.epochs=100 --set train.optimizer.learning_rate=0.02
  taf train recipe.toml --out runs/pair --classes left,right
  taf train configs/tsm_ssv2.toml --data ssv2.jsonl --dry-run
  taf train --out runs/base --resume")]
pub struct Args {
    /// The recipe (TOML); with --resume the run's own
    #[arg(value_name = "RECIPE", required_unless_present = "resume")]
    pub recipe: Option<PathBuf>,
    #[command(flatten)]
    pub run: RunArgs,
}

/// Trains from scratch, or goes on with that.
pub fn run(args: Args) -> Result<Status> {
    let recipe = match &args.recipe {
        Some(path) => args.run.read_recipe(path)?,
        None => args.run.own_recipe()?,
    };
    args.run.check_classes(&recipe)?;
    if args.run.dry_run {
        let plan = recipe.plan()?;
        let model = plan.init_model(&autodiff_device());
        return dry_run::run(&plan, model, args.run.json);
    }
    let reading = Reading::default().at(args.recipe.as_deref()).at(recipe.data.manifest.as_path());
    reading.allows_run(args.run.out(), args.run.existing())?;
    let Some(session) = args.run.begin(recipe, None)? else {
        return session::tell_finished(&args.run);
    };
    let model = session.plan.init_model(&autodiff_device());
    let resume = format!("taf train --out {} --resume", args.run.out().display());
    let job = Job { what: "training", resume: &resume, json: args.run.json };
    training::to_the_end(&session, model, &job, || reports::training(&session))
}
