//! `taf experiment`.

use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::str::FromStr;

use anyhow::{Result, ensure};
use taf_report::experiment::{CellName, Split};

use crate::exit::Status;
use crate::experiment::{self, Chosen, Place, Shard, Work};

/// Train and compare a grid of methods, networks, data sets and seeds, as one file says
///
/// Every cell of the grid is a run like any other, several at a time. What it answered to the validation clips is kept in a small
/// file, from which the table is drawn at any time. Ctrl-C, a crash or a power cut costs nothing: the same command goes on.
/// Candidates of a method are chosen by validation; the test clips are read with --test alone, once all cells are done.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
docs/experiments.md says what the file holds, what the folders hold, and how the intervals are made.

Examples:
  taf experiment experiments/shapes.toml --dry-run
  taf experiment experiments/shapes.toml --jobs 2
  taf experiment experiments/shapes.toml --only 'shapes/tsm/seed0/*'
  taf experiment experiments/shapes.toml --shard 1/3        on the first of three machines
  taf experiment experiments/shapes.toml --table            draw the table from the results that are there
  taf experiment experiments/shapes.toml --test             at the end, once")]
pub struct Args {
    /// The experiment (TOML)
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    /// Folder of the runs [default: runs/NAME]
    #[arg(long, value_name = "FOLDER")]
    pub out: Option<PathBuf>,
    /// Folder of the results [default: the file's own, or results/NAME beside it]
    #[arg(long, value_name = "FOLDER")]
    pub results: Option<PathBuf>,
    /// Cells that are trained at a time, sharing the threads; each takes its own memory [default: one per core]
    #[arg(long, value_name = "N")]
    pub jobs: Option<NonZeroUsize>,
    /// Take only every n-th start with what begins there, of n machines this one's
    #[arg(long, value_name = "I/N")]
    pub shard: Option<Shard>,
    /// Take only cells whose name DATA/MODEL/seedN/METHOD holds this; * stands for anything; may be given often
    #[arg(long, value_name = "PATTERN")]
    pub only: Vec<String>,
    /// Do cells again whose recipe, start or videos are no longer those of their result or run
    #[arg(long)]
    pub redo: bool,
    /// Remove the weights of finished cells; what needs them later trains again
    #[arg(long)]
    pub drop_weights: bool,
    /// Fix the choices and read the test clips
    #[arg(long, conflicts_with_all = ["shard", "only"])]
    pub test: bool,
    /// Draw the table, of the test clips where they were read, and do nothing else
    #[arg(long, conflicts_with_all = ["dry_run", "redo", "drop_weights", "shard", "only", "jobs"])]
    pub table: bool,
    /// Print the cells and which are done; nothing is written
    #[arg(long)]
    pub dry_run: bool,
    /// Print the table as JSON
    #[arg(long)]
    pub json: bool,
    /// One cell, for the process that does it
    #[arg(long, value_name = "NAME", hide = true, value_parser = CellName::from_str)]
    pub cell: Option<CellName>,
}

/// Does the cells that are not done, and draws the table.
pub fn run(args: Args) -> Result<Status> {
    ensure!(args.only.iter().all(|pattern| !pattern.is_empty()), "--only must hold a part of a name, got none");
    let place = Place::new(args.file, args.out, args.results)?;
    let split = if args.test { Split::Test } else { Split::Validation };
    if let Some(cell) = &args.cell {
        return experiment::cell(&place, cell, split, args.redo);
    }
    if args.table {
        let split = if place.has_read_test()? || args.test { Split::Test } else { Split::Validation };
        return place.tell_table(split, args.json);
    }
    let chosen = Chosen { shard: args.shard, only: args.only };
    if args.dry_run {
        return experiment::dry_run(&place, split, &chosen);
    }
    let work = Work { split, chosen, jobs: args.jobs, redo: args.redo, drop_weights: args.drop_weights };
    match experiment::work(&place, &work)? {
        Status::Done => place.tell_table(split, args.json),
        other => Ok(other),
    }
}
