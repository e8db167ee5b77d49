//! `taf compare`.

use std::path::PathBuf;

use anyhow::Result;

use crate::allowed::{self, Reading};
use crate::exit::Status;
use crate::output;
use crate::panel::Panel;
use crate::reports;
use crate::suites::SuiteArgs;
use crate::trained::{AskedArgs, WeightsArgs, open};

/// Compare runs on the same videos: is one better, and by how much for sure?
///
/// Every run is compared with the first, and the last also with the one before it, of which the answer speaks: difference in
/// top-1 with an interval that takes whole groups of videos as independent, and a permutation test by group says whether it
/// is more than chance. Predictions that `taf eval` has made are used again.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  taf compare runs/plain runs/taf
  taf compare runs/plain runs/taf --suite clean --protocol tsm-accurate
  taf compare runs/base runs/plain runs/taf --suite clean,time-shifted --severity 1,3,5 --report comparison.html")]
pub struct Args {
    /// Folders of the runs, the one to compare with first
    #[arg(value_name = "RUN", num_args = 2.., required = true)]
    pub runs: Vec<PathBuf>,
    #[command(flatten)]
    pub weights: WeightsArgs,
    #[command(flatten)]
    pub suites: SuiteArgs,
    #[command(flatten)]
    pub asked: AskedArgs,
    /// Also write a report with attention, curves and pictures to this HTML file
    #[arg(long, value_name = "FILE")]
    pub report: Option<PathBuf>,
    /// Print the results as JSON
    #[arg(long)]
    pub json: bool,
}

/// Compares runs on the same videos.
pub fn run(args: Args) -> Result<Status> {
    let suites = args.suites.suites()?;
    let report = allowed::perhaps("--report", args.report.as_ref(), allowed::PAGE);
    let reading = args.runs.iter().fold(Reading::default(), |reading, run| reading.run(run));
    reading.at(args.asked.data.as_deref()).allows(report.as_slice())?;
    let trained = args.runs.iter().map(|run| open(run, args.weights.which())).collect::<Result<_>>()?;
    let panel = Panel::new(trained, &args.asked.asked())?;
    panel.same_videos()?;
    let title = panel.names().join(" against ");
    let report = match &args.report {
        Some(page) => reports::comparison(&panel, "Do these networks differ?", &title, &suites, page)?,
        None => reports::with_pairs(&panel, panel.report(&title, &suites)?).build()?,
    };
    if args.json {
        output::print(&report.to_json())?;
    } else {
        output::print(&report.to_terminal(output::colour()))?;
    }
    Ok(Status::Done)
}
