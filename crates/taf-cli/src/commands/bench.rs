//! `taf bench`.

use std::num::NonZeroUsize;
use std::path::PathBuf;

use anyhow::{Result, ensure};
use taf::recipe::Recipe;

use crate::bench::{Setting, Workbench, Workload, measure, page};
use crate::class_list;
use crate::exit::Status;
use crate::model_name;
use crate::output;
use crate::session::manifest_override;
use crate::words::network_name;

/// Measure how fast a network trains or answers on this machine, and where the time goes
///
/// Without a recipe the clips are made up: what is measured is computing alone. With one its videos are decoded as in
/// training, and `data` is what a step waits for them. Nothing else should run meanwhile.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  taf bench --model tsm-resnet50 --size 112
  taf bench --model tsm-resnet50 --work inference --layers
  taf bench --model tsm-resnet18 --clips 4 --size 64 --work taf --set taf.adversary.steps=2 --threads 2
  taf bench configs/demo_taf.toml --data shapes/manifest.jsonl --work taf --json")]
pub struct Args {
    /// A recipe (TOML): its network, clips and batch size, with its videos
    #[arg(value_name = "RECIPE", conflicts_with_all = ["model", "clips", "frames", "size", "classes"])]
    pub recipe: Option<PathBuf>,
    /// Take the videos of this manifest, where not the recipe's
    #[arg(long, value_name = "MANIFEST", requires = "recipe")]
    pub data: Option<PathBuf>,
    /// What to repeat
    #[arg(long, value_enum, default_value_t = Workload::Plain)]
    pub work: Workload,
    /// The network and its trunk
    #[arg(long, value_name = "KIND-TRUNK", default_value = "tsm-resnet50")]
    pub model: String,
    /// Clips per step
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub clips: usize,
    /// Frames per clip
    #[arg(long, value_name = "N", default_value_t = 8)]
    pub frames: usize,
    /// Side of the frames
    #[arg(long, value_name = "PIXELS", default_value_t = 224)]
    pub size: usize,
    /// Classes
    #[arg(long, value_name = "N", default_value_t = 174)]
    pub classes: usize,
    /// Change a value of the recipe, such as taf.fraction=0.5; may be given often
    #[arg(long = "set", value_name = "KEY=VALUE")]
    pub overrides: Vec<String>,
    /// Steps that are timed
    #[arg(long, value_name = "N", default_value = "10")]
    pub steps: NonZeroUsize,
    /// Steps before the clock starts
    #[arg(long = "warmup", value_name = "N", default_value_t = 2)]
    pub warm_up: usize,
    /// List every operation of every layer
    #[arg(long)]
    pub layers: bool,
    /// Print everything as JSON
    #[arg(long)]
    pub json: bool,
}

/// A batch of that many pixels takes 3 GiB before the network has seen it.
const MOST_PIXELS: usize = 1 << 28;

/// Measures how fast a network trains or answers on this machine.
pub fn run(args: Args) -> Result<Status> {
    let (recipe, classes, workbench) = workbench(&args)?;
    let setting = Setting {
        model: network_name(&recipe.model),
        frames: recipe.data.sampling.frames(),
        size: recipe.data.transform.size,
        classes,
        warm_up: args.warm_up,
        steps: args.steps.get(),
    };
    let bench = measure(setting, workbench)?;
    if args.json {
        output::print_json(&bench)?;
    } else {
        output::print(&page(&bench, args.layers))?;
    }
    Ok(Status::Done)
}

/// The recipe, how many classes there are, and what repeats its work.
fn workbench(args: &Args) -> Result<(Recipe, usize, Workbench)> {
    match &args.recipe {
        Some(path) => {
            let mut overrides = args.overrides.clone();
            overrides.extend(args.data.as_deref().map(manifest_override).transpose()?);
            let plan = Recipe::read(path, &overrides)?.plan()?;
            Ok((plan.recipe.clone(), plan.classes.len(), Workbench::of_plan(plan, args.work)?))
        }
        None => {
            let recipe = made_up(args)?;
            let workbench = Workbench::synthetic(recipe.clone(), args.classes, args.work)?;
            Ok((recipe, args.classes, workbench))
        }
    }
}

/// A recipe of what was typed, for clips that are made up.
fn made_up(args: &Args) -> Result<Recipe> {
    class_list::check_count(args.classes)?;
    let pixels = args.clips.saturating_mul(args.frames).saturating_mul(args.size.saturating_mul(args.size));
    ensure!(
        pixels <= MOST_PIXELS,
        "--clips, --frames and --size make {pixels} pixels a batch; at most {MOST_PIXELS} are measured"
    );
    let mut overrides = vec![format!("train.batch_size={}", args.clips)];
    overrides.extend(args.overrides.iter().cloned());
    model_name::recipe(&args.model, args.frames, args.size, &overrides)
}
