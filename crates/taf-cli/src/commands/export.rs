//! `taf export`.

use std::path::{Path, PathBuf};

use anyhow::{Result, bail};
use clap::ValueEnum;
use serde::Serialize;
use taf::exchange;
use taf::model::Recognizer;
use taf::onnx::{Description, write_onnx};
use taf::train::{Checkpoint, CheckpointInfo};
use taf::trained::{self, Weights};
use taf_checkpoint::layout::Layout;
use taf_files::{Output, write_atomic};

use crate::allowed::Reading;
use crate::exit::Status;
use crate::output;
use crate::trained::{WeightsArgs, device, open};
use crate::words::network_name;

/// Write a network for other programs: its weights for PyTorch's load_state_dict, or all of it as ONNX
///
/// Weights are named as in a repository's own model (without the module. of DataParallel), with the counters of its batch
/// norms, so that strict=True holds. An ONNX file takes `clips` [batch, frames, 3, height, width], RGB in [0, 1], normalises
/// them itself and gives `logits` [batch, classes]; its metadata names the classes. The auxiliary batch-norm branch of
/// adversarial training is left out of both.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  taf export runs/taf --out tsm.safetensors
  taf export runs/taf --layout mmaction2 --out mmaction2.safetensors
  in Python: model.load_state_dict(safetensors.torch.load_file('tsm.safetensors'))
  taf export runs/taf --format onnx --out tsm.onnx
  in Python: onnxruntime.InferenceSession('tsm.onnx').run(['logits'], {'clips': clips})")]
pub struct Args {
    /// Folder of a run, or a checkpoint in it
    #[arg(value_name = "RUN")]
    pub checkpoint: PathBuf,
    /// File to write
    #[arg(long, short, value_name = "FILE")]
    pub out: PathBuf,
    /// What to write
    #[arg(long, value_enum, default_value_t = ExportFormat::Safetensors)]
    pub format: ExportFormat,
    #[arg(long, value_name = "LAYOUT", help = layouts())]
    pub layout: Option<Layout>,
    /// ONNX: frames per clip [default: those of the run]
    #[arg(long, value_name = "N")]
    pub frames: Option<usize>,
    /// ONNX: height and width of the clips [default: any]
    #[arg(long, value_name = "PIXELS")]
    pub size: Option<usize>,
    #[command(flatten)]
    pub weights: WeightsArgs,
    /// Print what was written as JSON
    #[arg(long)]
    pub json: bool,
}

fn layouts() -> String {
    format!("Whose names, of {} [default: the network's own repository]", Layout::names())
}

/// What `taf export` writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ExportFormat {
    /// Weights alone
    Safetensors,
    /// Network and weights
    Onnx,
}

/// Writes the network of a run for other programs.
pub fn run(args: Args) -> Result<Status> {
    check(&args)?;
    let ending = match args.format {
        ExportFormat::Safetensors => &["safetensors"],
        ExportFormat::Onnx => &["onnx"],
    };
    Reading::default().run(&args.checkpoint).allows(&[Output::file("--out", &args.out, ending)])?;
    let (info, model) = network(&args.checkpoint, args.weights.which())?;
    let (bytes, layout) = match args.format {
        ExportFormat::Safetensors => {
            let (bytes, layout) = safetensors(&model, args.layout)?;
            write_atomic(&args.out, &bytes)?;
            (bytes.len(), Some(layout))
        }
        ExportFormat::Onnx => (onnx(&args, &info, &model)?, None),
    };
    tell(Exported { file: &args.out, layout, network: network_name(&info.model), bytes }, args.json)
}

/// Refuses options of the other format.
fn check(args: &Args) -> Result<()> {
    match args.format {
        ExportFormat::Onnx if args.layout.is_some() => bail!("--layout goes with --format safetensors, got onnx"),
        ExportFormat::Safetensors if args.frames.is_some() || args.size.is_some() => {
            bail!("--frames and --size go with --format onnx, got safetensors")
        }
        _ => Ok(()),
    }
}

fn tell(told: Exported, json: bool) -> Result<Status> {
    let Exported { file, layout, network, bytes } = &told;
    if json {
        output::print_json(&told)?;
    } else {
        let form = layout.map_or("as ONNX".to_owned(), |layout| format!("in the {layout} layout"));
        output::print(&format!("{}: {network} {form}, {bytes} bytes\n", file.display()))?;
    }
    Ok(Status::Done)
}

/// What was written, for `--json`.
#[derive(Serialize)]
struct Exported<'a> {
    file: &'a PathBuf,
    #[serde(skip_serializing_if = "Option::is_none")]
    layout: Option<&'static str>,
    network: String,
    bytes: usize,
}

/// The network of a run's folder, or of a checkpoint in it.
fn network(path: &Path, which: Weights) -> Result<(CheckpointInfo, Recognizer)> {
    if path.is_dir() {
        let trained = open(path, which)?;
        return Ok((trained.info, trained.model));
    }
    let checkpoint = Checkpoint::read(path)?;
    let model = trained::network(&checkpoint, &device())?;
    Ok((checkpoint.info, model))
}

/// Writes network and weights, and says how many bytes these are.
fn onnx(args: &Args, info: &CheckpointInfo, model: &Recognizer) -> Result<usize> {
    let frames = args.frames.unwrap_or(info.frames);
    if info.model.is_for_one_length() && frames != info.frames {
        bail!(
            "--frames must be {}, the length of clips that {} is made for, got {frames}",
            info.frames,
            network_name(&info.model)
        );
    }
    let (name, classes) = (network_name(&info.model), info.classes.clone());
    Ok(write_onnx(&args.out, model, &Description { name, frames, side: args.size, classes })?)
}

fn safetensors(model: &Recognizer, layout: Option<Layout>) -> Result<(Vec<u8>, &'static str)> {
    let layout = layout.unwrap_or_else(|| Layout::own(&exchange::network(model)));
    Ok((exchange::export(model, layout)?, layout.name()))
}
