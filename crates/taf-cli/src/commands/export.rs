//! `taf export`.

use std::path::{Path, PathBuf};

use anyhow::{Result, bail};
use serde::Serialize;
use taf::exchange::{export, published_network};
use taf::model::{ModelRecipe, Recognizer, state_dict};
use taf::run::write_atomic;
use taf::train::Checkpoint;
use taf_checkpoint::layout::{Layout, Network};

use crate::args::{ExportArgs, ExportFormat};
use crate::exit::Status;
use crate::output;
use crate::trained::{Trained, Which, device, network_name, rebuild};

/// Writes the network of a run for other programs.
pub fn run(args: ExportArgs) -> Result<Status> {
    let (recipe, model) = network(&args.checkpoint, if args.last { Which::Last } else { Which::Best })?;
    let (bytes, layout) = match args.format {
        ExportFormat::Safetensors => safetensors(&recipe, &model, args.layout)?,
        ExportFormat::Onnx => bail!("--format must be safetensors, got onnx, which is not written yet"),
    };
    write_atomic(&args.out, &bytes)?;
    let told = Told { file: args.out, layout, network: network_name(&recipe), bytes: bytes.len() };
    if args.json {
        output::print_json(&told)?;
    } else {
        let Told { file, layout, network, bytes } = &told;
        output::print(&format!("{}: {network} in the {layout} layout, {bytes} bytes\n", file.display()))?;
    }
    Ok(Status::Done)
}

/// What was written, for `--json`.
#[derive(Serialize)]
struct Told {
    file: PathBuf,
    layout: &'static str,
    network: String,
    bytes: usize,
}

/// The network of a run's folder, or of a checkpoint in it.
fn network(path: &Path, which: Which) -> Result<(ModelRecipe, Recognizer)> {
    if path.is_dir() {
        let trained = Trained::open(path, which)?;
        return Ok((trained.info.model, trained.model));
    }
    let checkpoint = Checkpoint::read(path)?;
    let model = rebuild(&checkpoint, &device())?;
    Ok((checkpoint.info.model, model))
}

fn safetensors(recipe: &ModelRecipe, model: &Recognizer, layout: Option<Layout>) -> Result<(Vec<u8>, &'static str)> {
    let network = published_network(recipe, model);
    let layout = layout.unwrap_or_else(|| own_layout(&network));
    Ok((export(&state_dict(model), &network, layout)?, layout.name()))
}

/// The layout of the repository a network was published in.
fn own_layout(network: &Network) -> Layout {
    let own = [Layout::Tsm, Layout::Tam, Layout::Gst, Layout::Tpn];
    own.into_iter().find(|layout| layout.holds(network)).unwrap_or(Layout::Mmaction2)
}
