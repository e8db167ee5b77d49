//! `taf runs`.

mod differences;
mod facts;
mod table;

use std::path::PathBuf;

use anyhow::Result;
use clap::ValueEnum;
use taf_report::run::{RunDir, State};

use crate::exit::Status;
use crate::output::{self, say};
use crate::run_folders::find;
use facts::Facts;

/// List and compare runs: how far they are, what they reached, how fast they train
///
/// Best and last are top-1 on the validation videos; steps/s and waits, the share of the time that goes by waiting for clips,
/// are those of the last 200 steps. Runs may still be training.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  taf runs
  taf runs experiments --sort best --only tsm
  taf runs runs/base runs/taf --diff
  taf runs --state running --json")]
pub struct Args {
    /// Folders of runs, or folders that hold runs
    #[arg(value_name = "FOLDER", default_value = "runs")]
    pub folders: Vec<PathBuf>,
    /// Put the highest, or the newest, first; by path where it is left out
    #[arg(long, value_enum, value_name = "BY")]
    pub sort: Option<Order>,
    /// Show only runs whose name, network, data or TAF settings hold this text; may be given often
    #[arg(long, value_name = "TEXT")]
    pub only: Vec<String>,
    /// Show only runs in these states
    #[arg(long, value_enum, value_name = "STATE,...", value_delimiter = ',')]
    pub state: Vec<StateArg>,
    /// Show the settings in which the recipes of the runs differ
    #[arg(long)]
    pub diff: bool,
    /// Print as JSON
    #[arg(long)]
    pub json: bool,
}

/// What runs are sorted by.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum Order {
    Best,
    Last,
    Epochs,
    Speed,
    Waits,
    Started,
}

/// How far a run has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum StateArg {
    Finished,
    Imported,
    Running,
    Interrupted,
}

impl From<State> for StateArg {
    fn from(state: State) -> Self {
        match state {
            State::Finished => Self::Finished,
            State::Imported => Self::Imported,
            State::Running => Self::Running,
            State::Interrupted => Self::Interrupted,
        }
    }
}

/// Lists runs, or what they differ in.
pub fn run(args: Args) -> Result<Status> {
    let mut all: Vec<Facts> = find(&args.folders)?.iter().filter_map(readable).collect();
    all.retain(|facts| args.shows(facts));
    if let Some(order) = args.sort {
        all.sort_by(|a, b| facts::compare(order, a, b));
    }
    match (args.diff, args.json) {
        (false, false) => output::print(&table::of(&all))?,
        (false, true) => output::print_json(&all)?,
        (true, false) => output::print(&differences::to_text(&all))?,
        (true, true) => output::print_json(&differences::of(&all))?,
    }
    Ok(Status::Done)
}

/// What is known of a run; one that cannot be read is named, and hides no other.
fn readable(run: &RunDir) -> Option<Facts> {
    match Facts::of(run) {
        Ok(facts) => Some(facts),
        Err(error) => {
            say(format_args!("passed over: {error:#}"));
            None
        }
    }
}

impl Args {
    fn shows(&self, facts: &Facts) -> bool {
        let text = facts.searched().to_lowercase();
        let in_state = self.state.is_empty() || self.state.contains(&facts.state.into());
        in_state && self.only.iter().all(|part| text.contains(&part.to_lowercase()))
    }
}
