//! `taf bench`.

use anyhow::{Result, ensure};
use taf::recipe::Recipe;

use crate::args::BenchArgs;
use crate::bench::{Setting, Subject, measure, page};
use crate::class_list;
use crate::exit::Status;
use crate::named;
use crate::output;
use crate::session::manifest_override;
use crate::trained::network_name;

/// A batch of that many pixels takes 3 GiB before the network has seen it.
const MOST_PIXELS: usize = 1 << 28;

/// Measures how fast a network trains or answers on this machine.
pub fn run(args: BenchArgs) -> Result<Status> {
    let (recipe, classes, subject) = subject(&args)?;
    let setting = Setting {
        model: network_name(&recipe.model),
        frames: recipe.data.sampling.frames(),
        size: recipe.data.transform.size,
        classes,
        warm_up: args.warm_up,
        steps: args.steps.get(),
    };
    let bench = measure(setting, subject)?;
    if args.json {
        output::print_json(&bench)?;
    } else {
        output::print(&page(&bench, args.layers))?;
    }
    Ok(Status::Done)
}

/// The recipe, how many classes there are, and what repeats its work.
fn subject(args: &BenchArgs) -> Result<(Recipe, usize, Subject)> {
    match &args.recipe {
        Some(path) => {
            let mut overrides = args.overrides.clone();
            overrides.extend(args.data.as_deref().map(manifest_override).transpose()?);
            let plan = Recipe::read(path, &overrides)?.plan()?;
            Ok((plan.recipe.clone(), plan.classes.len(), Subject::of_plan(plan, args.work)))
        }
        None => {
            let recipe = made_up(args)?;
            let subject = Subject::synthetic(recipe.clone(), args.classes, args.work);
            Ok((recipe, args.classes, subject))
        }
    }
}

/// A recipe of what was typed, for clips that are made up.
fn made_up(args: &BenchArgs) -> Result<Recipe> {
    class_list::check_count(args.classes)?;
    let mut overrides = vec![format!("train.batch_size={}", args.clips)];
    overrides.extend(args.overrides.iter().cloned());
    let recipe = named::recipe(&args.model, args.frames, args.size, &overrides)?;
    let pixels = args.clips.saturating_mul(args.frames).saturating_mul(args.size.saturating_mul(args.size));
    ensure!(
        pixels <= MOST_PIXELS,
        "--clips, --frames and --size make {pixels} pixels a batch; at most {MOST_PIXELS} are measured"
    );
    Ok(recipe)
}
