//! `taf plot`.

use std::path::PathBuf;

use anyhow::Result;
use clap::ValueEnum;
use taf_files::write_atomic;
use taf_report::page::{LearningCurves, Over};
use taf_report::run::read_metrics;

use crate::allowed::{self, Reading};
use crate::exit::Status;
use crate::output;
use crate::run_folders::{distinct_names, find};

/// Draw how runs learned: loss, accuracy, validation top-1 and learning rate, several runs over each other
///
/// Without --out it prints a line of letters for the training loss and the validation top-1 of every run. Runs may still be
/// training.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  taf plot runs/base runs/taf --out curves.svg
  taf plot runs --over hours --smooth 0.9 --out curves.png
  taf plot runs")]
pub struct Args {
    /// Folders of runs, or folders that hold runs
    #[arg(value_name = "RUN", required = true)]
    pub runs: Vec<PathBuf>,
    /// Drawing to write (.svg, light or dark as its reader's page; or .png)
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
    /// What the curves are drawn over
    #[arg(long, value_enum, value_name = "WHAT", default_value = "epochs")]
    pub over: OverArg,
    /// How much the past weighs in the curves of training, from 0 for the values as they are to below 1
    #[arg(long, value_name = "WEIGHT", default_value_t = 0.6, value_parser = weight)]
    pub smooth: f64,
}

/// What curves are drawn over.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum OverArg {
    Epochs,
    Steps,
    /// Of training, with the waits for clips and without evaluations
    Hours,
}

fn weight(text: &str) -> Result<f64, String> {
    let number = text.parse::<f64>().ok().filter(|number| (0.0..1.0).contains(number));
    number.ok_or_else(|| format!("expected a number from 0 to below 1, found {text:?}"))
}

/// Draws how runs learned.
pub fn run(args: Args) -> Result<Status> {
    let out = allowed::perhaps("--out", args.out.as_ref(), allowed::DRAWING);
    let found = find(&args.runs)?;
    let reading = found.iter().fold(Reading::default(), |reading, run| reading.run(run.path()));
    reading.allows(out.as_slice())?;
    let logs = found.iter().map(|run| Ok(read_metrics(&run.metrics_path())?)).collect::<Result<Vec<_>>>()?;
    let named: Vec<_> = distinct_names(found.iter()).into_iter().zip(logs).collect();
    let curves = LearningCurves::new(&named, args.over.into(), args.smooth);
    match &args.out {
        None => output::print(&curves.to_terminal())?,
        Some(path) if allowed::is_svg(path) => {
            write_atomic(path, curves.to_svg().as_bytes())?;
        }
        Some(path) => write_atomic(path, &curves.to_png()?)?,
    }
    Ok(Status::Done)
}

impl From<OverArg> for Over {
    fn from(over: OverArg) -> Self {
        match over {
            OverArg::Epochs => Self::Epochs,
            OverArg::Steps => Self::Steps,
            OverArg::Hours => Self::Hours,
        }
    }
}
