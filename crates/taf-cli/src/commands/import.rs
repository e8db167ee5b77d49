//! `taf import`.

use std::fmt::Write;
use std::path::{Path, PathBuf, absolute};

use anyhow::{Context, Result, bail};
use serde::Serialize;
use taf::exchange::{Imported, LabelOrder, import};
use taf::model::{Recognizer, num_parameters, state_dict};
use taf::recipe::Recipe;
use taf::train::{Checkpoint, CheckpointFolder, CheckpointInfo, Progress};
use taf_checkpoint::{Allowed, Contents, read_under};
use taf_report::run::{Existing, Provenance, RunDir};
use taf_video::dataset::Manifest;

use crate::allowed::Reading;
use crate::class_list;
use crate::exit::Status;
use crate::model_name;
use crate::output;
use crate::session::manifest_override;
use crate::trained::device;
use crate::words::network_name;

/// Turn weights from PyTorch into a run, which can then be evaluated, explained and fine-tuned
///
/// Reads .pth, .pth.tar, .pt and .safetensors files of torchvision (ResNet, MobileNetV2: the start of every video network),
/// of the networks' own repositories and of mmaction2, and tells what matched, what was reshaped, what is fresh and what was
/// left over. What programs put around a network, such as module., model. or _orig_mod., is taken out of the keys, and a file
/// of several networks, such as one and the average of its weights, is refused until --under names one. A file is data:
/// nothing in it is executed. Whatever does not fit is refused unless an option allows it.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  taf import TSM_somethingv2_RGB_resnet50.pth.tar --model tsm-resnet50 --classes category.txt --out runs/tsm
  taf eval --run runs/tsm --data something-v2.jsonl --suite clean
  taf import resnet50.pth --model tsm-resnet50 --data manifest.jsonl --out runs/start
      begins with an image network; taf finetune --from runs/start trains it
  taf import lightning.ckpt --model tsm-resnet50 --data manifest.jsonl --under ema --out runs/averaged
  taf import tam_sthv1.pth --model tam-resnet50 --classes labels.json --label-order v1-file --out runs/tam")]
pub struct Args {
    /// The file of weights
    pub file: PathBuf,
    /// The network and its trunk, such as tsm-resnet50
    #[arg(long, value_name = "KIND-TRUNK")]
    pub model: String,
    /// The classes in the order of the run: how many, or a file: a manifest (.jsonl), labels.json, or one class a line
    /// [default: those of --data]
    #[arg(long, value_name = "N or FILE", required_unless_present = "data")]
    pub classes: Option<String>,
    /// The order of the file's classifier, where it is another: sorted, numeric (2 before 10), v1-file (the label file of
    /// Something-Something V1), or a file as for --classes
    #[arg(long, value_name = "ORDER")]
    pub label_order: Option<String>,
    /// Folder of the run to write
    #[arg(long, short, value_name = "RUN")]
    pub out: PathBuf,
    /// Start a new classifier; the file's is left out
    #[arg(long)]
    pub new_classifier: bool,
    /// Take this network of a file with several, such as state_dict_ema or teacher; the error that refuses such a file lists
    /// their names
    #[arg(long, value_name = "NAME")]
    pub under: Option<String>,
    /// Take what fits, although the file lacks weights of the network or has others
    #[arg(long)]
    pub partial: bool,
    /// The manifest of the run's videos
    #[arg(long, value_name = "MANIFEST")]
    pub data: Option<PathBuf>,
    /// Frames per clip
    #[arg(long, value_name = "N", default_value_t = 8)]
    pub frames: usize,
    /// Side of the frames
    #[arg(long, value_name = "PIXELS", default_value_t = 224)]
    pub size: usize,
    /// Change a value of the run's recipe, such as model.dropout=0.3; may be given often
    #[arg(long = "set", value_name = "KEY=VALUE")]
    pub overrides: Vec<String>,
    /// Replace the run in --out
    #[arg(long)]
    pub force: bool,
    /// Print what became of every weight as JSON
    #[arg(long)]
    pub json: bool,
}

impl Args {
    fn reading(&self) -> Reading {
        let [classes, order] = [&self.classes, &self.label_order].map(|file| file.as_deref().map(Path::new));
        Reading::default().at(self.file.as_path()).at(self.data.as_deref()).at(classes).at(order)
    }

    fn existing(&self) -> Existing {
        if self.force { Existing::Replace } else { Existing::Refuse }
    }
}

/// Makes a run of weights that were trained elsewhere.
pub fn run(args: Args) -> Result<Status> {
    args.reading().allows_run(&args.out, args.existing())?;
    let recipe = recipe(&args)?;
    let classes = classes(&args)?;
    let order = class_list::order(args.label_order.as_deref())?;
    let mut contents = read_under(&args.file, args.under.as_deref())?;
    let tensors = std::mem::take(&mut contents.tensors);
    let model = recipe.model.config(classes.len(), recipe.data.sampling.frames()).init(&device(), recipe.seed);
    let allowed = Allowed { new_classifier: args.new_classifier, partial: args.partial };
    let imported = import(model, tensors, allowed, (&order, &classes))
        .with_context(|| format!("cannot import {}", args.file.display()))?;
    write_run(&args, &recipe, &classes, &imported.model)?;
    if !imported.fresh_classifier && order == LabelOrder::AsGiven {
        note_numbers_out_of_order(&classes);
    }
    let told = ImportSummary::new(&args, &recipe, classes, imported, contents);
    if args.json {
        output::print_json(&told)?;
    } else {
        output::print(&page(&told))?;
    }
    Ok(Status::Done)
}

/// The recipe of the run: as a training of this network would have it.
fn recipe(args: &Args) -> Result<Recipe> {
    // Where no videos are named, this is where they would be looked for.
    let manifest = args.data.clone().unwrap_or_else(|| args.out.join("manifest.jsonl"));
    let mut overrides = vec![manifest_override(&manifest)?];
    overrides.extend(args.overrides.iter().cloned());
    model_name::recipe(&args.model, args.frames, args.size, &overrides)
}

fn classes(args: &Args) -> Result<Vec<String>> {
    match (&args.classes, &args.data) {
        (Some(count), _) if args.label_order.is_some() && class_list::is_count(count) => {
            bail!("--label-order needs the names of the classes: a file for --classes, got a number")
        }
        (Some(classes), _) => class_list::classes(classes),
        (None, Some(manifest)) => {
            let classes = Manifest::read(manifest)?.classes().to_vec();
            class_list::check_list(&classes, manifest)?;
            Ok(classes)
        }
        (None, None) => unreachable!("clap asks for one of them"),
    }
}

/// That of the manifest: a list of names does not say which labels it names.
fn label_set(args: &Args) -> Result<Option<String>> {
    let manifest = args.data.as_deref().map(Manifest::read).transpose()?;
    Ok(manifest.and_then(|manifest| manifest.label_set().map(str::to_owned)))
}

/// Classes that are numbers usually tell the rows of a classifier, which sorted names do not follow: 0, 1, 10, 11, 2.
fn note_numbers_out_of_order(classes: &[String]) {
    if let Some(row) = class_list::first_number_out_of_place(classes) {
        output::say(format_args!(
            "note: the classes are numbers in another order than their own: row {row} of the file's classifier is taken for \
             class {:?}; --label-order numeric takes it for class \"{row}\"",
            classes[row]
        ));
    }
}

fn write_run(args: &Args, recipe: &Recipe, classes: &[String], model: &Recognizer) -> Result<()> {
    let mut provenance = Provenance::new("flex (CPU)", rayon::current_num_threads())
        .with_commit(option_env!("TAF_GIT_COMMIT"))
        .with_seed("recipe", recipe.seed);
    if let Some(manifest) = &args.data {
        provenance = provenance.with_data(manifest)?;
    }
    let provenance = provenance.with_data(&absolute(&args.file)?)?;
    let sources: Vec<&Path> = args.data.as_deref().into_iter().chain([args.file.as_path()]).collect();
    let run = RunDir::create(&args.out, args.existing(), &sources)?;
    let info = CheckpointInfo {
        progress: Progress::default(),
        model: recipe.model.clone(),
        classes: classes.to_vec(),
        label_set: label_set(args)?,
        frames: recipe.data.sampling.frames(),
        auxiliary: false,
    };
    let checkpoint =
        Checkpoint { info, model: state_dict(model), newest: Default::default(), optimizer: Default::default() };
    CheckpointFolder::new(run.checkpoints()).save(&checkpoint, 1)?;
    // What training would have noted after every epoch.
    run.metrics()?;
    run.write_origin(provenance, &recipe.to_toml())?;
    Ok(run.finish()?)
}

/// What became of the file, for `--json`.
#[derive(Serialize)]
struct ImportSummary {
    run: PathBuf,
    file: PathBuf,
    container: String,
    /// The key the weights were found under.
    #[serde(skip_serializing_if = "Option::is_none")]
    found_under: Option<String>,
    /// Modules around the network, whose names were taken out of the keys.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    wrappers: Vec<String>,
    layout: &'static str,
    network: String,
    parameters: usize,
    classes: Vec<String>,
    /// How many weights and running statistics were taken over.
    matched: usize,
    reshaped: Vec<Change>,
    /// Weights that keep their random first values.
    fresh: Vec<String>,
    /// Entries of the file that were not used.
    left: Vec<String>,
}

/// A weight that was brought into another shape.
#[derive(Serialize)]
struct Change {
    name: String,
    from: Vec<usize>,
    to: Vec<usize>,
    sliced: bool,
}

impl ImportSummary {
    fn new(args: &Args, recipe: &Recipe, classes: Vec<String>, imported: Imported<Recognizer>, file: Contents) -> Self {
        let Imported { model, count, matched, .. } = imported;
        let change = |taf_checkpoint::Reshaped { name, from, to, sliced }| Change { name, from, to, sliced };
        Self {
            run: args.out.clone(),
            file: args.file.clone(),
            container: file.container.to_string(),
            found_under: file.home,
            wrappers: file.wrappers,
            layout: matched.layout.name(),
            network: network_name(&recipe.model),
            parameters: num_parameters(&model),
            classes,
            matched: count,
            reshaped: matched.reshaped.into_iter().map(change).collect(),
            fresh: matched.fresh,
            left: matched.left.into_iter().chain(file.ignored).collect(),
        }
    }
}

fn page(told: &ImportSummary) -> String {
    let ImportSummary { run, file, container, layout, network, parameters, classes, matched, reshaped, .. } = told;
    let home = told.found_under.as_ref().map_or(String::new(), |home| format!(", weights under {home:?}"));
    let wrappers: String = told.wrappers.iter().map(|wrapper| format!(", keys without {wrapper:?}")).collect();
    let mut text = format!(
        "file        {}: {container}{home}{wrappers}\nlayout      {layout}\nnetwork     {network}, {parameters} parameters, {} classes\n\
         matched     {matched} weights and running statistics\n",
        file.display(),
        classes.len()
    );
    let shapes = |sliced: bool| -> Vec<String> {
        let changes = reshaped.iter().filter(|change| change.sliced == sliced);
        changes.map(|Change { name, from, to, .. }| format!("{name} {from:?} to {to:?}")).collect()
    };
    for (title, names) in
        [("reshaped", &shapes(false)), ("sliced", &shapes(true)), ("fresh", &told.fresh), ("left over", &told.left)]
    {
        list(title, names, &mut text);
    }
    let _ = writeln!(text, "run         {}", run.display());
    text
}

/// Names beyond these are only counted; `--json` has them all.
const SHOWN: usize = 8;

fn list(title: &str, names: &[String], text: &mut String) {
    if names.is_empty() {
        return;
    }
    let _ = writeln!(text, "{title:<12}{}", names.len());
    for name in names.iter().take(SHOWN) {
        let _ = writeln!(text, "  {name}");
    }
    if names.len() > SHOWN {
        let _ = writeln!(text, "  and {} more", names.len() - SHOWN);
    }
}
