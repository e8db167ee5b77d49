//! `taf info`.

use std::fmt::Write;
use std::path::{Path, PathBuf};

use anyhow::{Result, bail};
use serde::Serialize;
use taf::model::{Cost, ModelRecipe, Recognizer, state_dict};
use taf::recipe::Recipe;
use taf::train::CheckpointInfo;
use taf::trained::Weights;

use crate::exit::Status;
use crate::output;
use crate::session::manifest_override;
use crate::trained::{device, open};
use crate::words::network_name;

/// Say what a network is made of, and what this program runs on
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  taf info
  taf info configs/demo_train.toml --data shapes/manifest.jsonl
  taf info --run runs/taf --layers")]
pub struct Args {
    /// A recipe (TOML), or the folder of a run
    #[arg(value_name = "RECIPE or RUN", conflicts_with = "run")]
    pub recipe: Option<PathBuf>,
    /// Folder of a run
    #[arg(long, value_name = "RUN")]
    pub run: Option<PathBuf>,
    /// Take the classes of this manifest, where not the recipe's
    #[arg(long, value_name = "MANIFEST", requires = "recipe")]
    pub data: Option<PathBuf>,
    /// List every parameter with its shape
    #[arg(long)]
    pub layers: bool,
    /// Print as JSON
    #[arg(long)]
    pub json: bool,
}

/// Everything, for `--json`.
#[derive(Serialize)]
struct Info {
    program: Program,
    #[serde(skip_serializing_if = "Option::is_none")]
    network: Option<NetworkFacts>,
}

/// What runs here.
#[derive(Serialize)]
struct Program {
    version: &'static str,
    commit: Option<&'static str>,
    platform: String,
    device: &'static str,
    threads: usize,
    cpu_features: Vec<&'static str>,
}

/// What a network is made of.
#[derive(Serialize)]
struct NetworkFacts {
    source: PathBuf,
    name: String,
    /// No running statistics, no auxiliary norms.
    parameters: usize,
    /// Those of them that inference does without.
    training_parameters: usize,
    /// For one clip, in convolutions and linear layers.
    multiply_adds: u64,
    classes: Vec<String>,
    frames: usize,
    size: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    trained: Option<Training>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    layers: Vec<Layer>,
}

/// How far a run has come.
#[derive(Serialize)]
struct Training {
    /// Which labels it learned, where it is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    label_set: Option<String>,
    steps: u64,
    epochs: usize,
    best_top1: Option<f64>,
    finished: bool,
    started: String,
}

/// One parameter or running statistic.
#[derive(Serialize)]
struct Layer {
    name: String,
    shape: Vec<usize>,
}

/// Says what a network is made of, and what this program runs on.
pub fn run(args: Args) -> Result<Status> {
    let run = args.run.as_ref().or(args.recipe.as_ref().filter(|path| path.is_dir()));
    if let (Some(run), Some(_)) = (run, &args.data) {
        bail!("--data goes with a recipe, got a run, which knows its classes: {}", run.display());
    }
    let network = match (&args.run, &args.recipe) {
        (Some(run), _) => Some(of_run(run, args.layers)?),
        (None, Some(run)) if run.is_dir() => Some(of_run(run, args.layers)?),
        (None, Some(recipe)) => Some(of_recipe(recipe, args.data.as_deref(), args.layers)?),
        (None, None) => None,
    };
    let info = Info { program: program(), network };
    if args.json {
        output::print_json(&info)?;
    } else {
        output::print(&page(&info))?;
    }
    Ok(Status::Done)
}

fn program() -> Program {
    Program {
        version: env!("CARGO_PKG_VERSION"),
        commit: option_env!("TAF_GIT_COMMIT"),
        platform: format!("{} {}", std::env::consts::OS, std::env::consts::ARCH),
        device: "flex (CPU)",
        threads: rayon::current_num_threads(),
        cpu_features: cpu_features(),
    }
}

#[cfg(target_arch = "x86_64")]
fn cpu_features() -> Vec<&'static str> {
    let found = [
        ("sse4.2", is_x86_feature_detected!("sse4.2")),
        ("avx", is_x86_feature_detected!("avx")),
        ("fma", is_x86_feature_detected!("fma")),
        ("avx2", is_x86_feature_detected!("avx2")),
        ("avx512f", is_x86_feature_detected!("avx512f")),
    ];
    found.into_iter().filter(|(_, found)| *found).map(|(name, _)| name).collect()
}

#[cfg(target_arch = "aarch64")]
fn cpu_features() -> Vec<&'static str> {
    if std::arch::is_aarch64_feature_detected!("neon") { vec!["neon"] } else { Vec::new() }
}

#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
fn cpu_features() -> Vec<&'static str> {
    Vec::new()
}

fn of_run(path: &Path, layers: bool) -> Result<NetworkFacts> {
    let trained = open(path, Weights::Last)?;
    let CheckpointInfo { progress, model, classes, frames, .. } = &trained.info;
    let training = Training {
        label_set: trained.info.label_set.clone(),
        steps: progress.step,
        epochs: progress.epoch,
        best_top1: progress.best_top1,
        finished: trained.run.is_finished(),
        started: trained.provenance.started.clone(),
    };
    let network = NetworkFacts::new(path, model, classes.clone(), [*frames, trained.recipe.data.eval.size]);
    let layers = if layers { list(&trained.model) } else { Vec::new() };
    Ok(NetworkFacts { trained: Some(training), layers, ..network })
}

fn of_recipe(path: &Path, data: Option<&Path>, layers: bool) -> Result<NetworkFacts> {
    let overrides = data.map(manifest_override).transpose()?;
    let recipe = Recipe::read(path, overrides.as_slice())?;
    let plan = recipe.plan()?;
    let clip = [recipe.data.sampling.frames(), recipe.data.eval.size];
    let layers = if layers { list(&plan.init_model(&device())) } else { Vec::new() };
    Ok(NetworkFacts { layers, ..NetworkFacts::new(path, &recipe.model, plan.classes, clip) })
}

impl NetworkFacts {
    fn new(source: &Path, model: &ModelRecipe, classes: Vec<String>, [frames, size]: [usize; 2]) -> Self {
        let Cost { parameters, training_parameters, multiply_adds } =
            model.config(classes.len(), frames).cost(frames, size);
        Self {
            source: source.to_owned(),
            name: network_name(model),
            parameters,
            training_parameters,
            multiply_adds,
            classes,
            frames,
            size,
            trained: None,
            layers: Vec::new(),
        }
    }
}

fn list(model: &Recognizer) -> Vec<Layer> {
    state_dict(model).into_iter().map(|(name, data)| Layer { name, shape: data.shape().to_vec() }).collect()
}

fn page(info: &Info) -> String {
    let Program { version, commit, platform, device, threads, cpu_features } = &info.program;
    let commit = commit.map_or(String::new(), |commit| format!(" ({commit})"));
    let mut text = format!(
        "taf         {version}{commit}\nplatform    {platform}\ndevice      {device}, {threads} threads\nprocessor   {}\n",
        cpu_features.join(", ")
    );
    if let Some(network) = &info.network {
        describe(network, &mut text);
    }
    text
}

fn describe(network: &NetworkFacts, text: &mut String) {
    let NetworkFacts {
        source,
        name,
        parameters,
        training_parameters,
        multiply_adds,
        classes,
        frames,
        size,
        trained,
        layers,
    } = network;
    let training = match training_parameters {
        0 => String::new(),
        count => format!(" ({count} of them for training alone)"),
    };
    let _ = write!(
        text,
        "\n{}\nnetwork     {name}, {parameters} parameters{training}\nclip        {frames} frames of {size}x{size}, {:.2} G multiply-adds\nclasses     {}: {}\n",
        source.display(),
        *multiply_adds as f64 / 1e9,
        classes.len(),
        classes.join(", ")
    );
    if let Some(Training { label_set, steps, epochs, best_top1, finished, started }) = trained {
        if let Some(labels) = label_set {
            let _ = writeln!(text, "labels      {labels}");
        }
        let state = if *finished { "finished" } else { "not finished" };
        let best = best_top1.map_or(String::new(), |top1| format!(", best validation top-1 {:.1} %", 100.0 * top1));
        let _ = writeln!(text, "training    {epochs} epochs, {steps} steps, {state}{best}\nstarted     {started}");
    }
    for Layer { name, shape } in layers {
        let _ = writeln!(text, "  {name}  {shape:?}");
    }
}
