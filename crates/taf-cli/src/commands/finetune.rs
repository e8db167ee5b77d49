//! `taf finetune`.

use std::fs;

use anyhow::{Result, ensure};
use taf::model::Recognizer;
use taf::recipe::{Recipe, RecipeError};
use taf_report::run::RunDir;

use crate::args::FinetuneArgs;
use crate::exit::Status;
use crate::fitting::{self, Job};
use crate::reports;
use crate::session::{self, Session};
use crate::source;
use crate::trained::{Trained, Which};

/// Fine-tunes a trained run, or goes on with that.
pub fn run(args: FinetuneArgs) -> Result<Status> {
    let source = Trained::open(&args.from, if args.last { Which::Last } else { Which::Best })?;
    let recipe = recipe(&args, &source)?;
    let Some((session, model)) = begin(&args, recipe, &source)? else {
        return session::tell_finished(&args.run);
    };
    let resume = format!("taf finetune --from {} --out {} --resume", args.from.display(), args.run.out.display());
    let what = if session.plan.recipe.taf.is_some() { "TAF" } else { "plain fine-tuning" };
    let job = Job { what, resume: &resume, json: args.run.json };
    fitting::to_the_end(&session, model, &job, || reports::finetuning(&session, source))
}

fn begin(args: &FinetuneArgs, recipe: Recipe, source: &Trained) -> Result<Option<(Session, Recognizer)>> {
    // The recipe may be that of a run whose weights were imported, which need not have videos.
    ensure!(
        recipe.data.manifest.exists(),
        "expected the manifest of the recipe, found none; --data MANIFEST names another: {}",
        recipe.data.manifest.display()
    );
    let plan = recipe.plan()?;
    let model = source::start(&plan, source)?;
    let session = Session::begin(&args.run.out, args.run.existing(), recipe, Some(&source.weights))?;
    Ok(session.map(|session| (session, model)))
}

fn recipe(args: &FinetuneArgs, source: &Trained) -> Result<Recipe> {
    let overrides = args.run.all_overrides()?;
    let mut recipe = match &args.recipe {
        Some(path) => {
            let text = fs::read_to_string(path).map_err(|source| RecipeError::Read { path: path.clone(), source })?;
            source::completed(&text, path, source, &overrides)?
        }
        None if args.run.resume && RunDir::open(&args.run.out).is_ok() => args.run.own_recipe()?,
        None => source::inherited(source, &overrides)?,
    };
    if args.plain {
        recipe.taf = None;
    }
    Ok(recipe)
}
