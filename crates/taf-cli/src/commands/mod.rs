//! One file per command.

mod attend;
mod bench;
mod compare;
mod completions;
mod data;
mod demo;
mod eval;
mod export;
mod finetune;
mod import;
mod info;
mod perturb;
mod train;

use anyhow::{Context, Result};

use crate::args::{Cli, Command};
use crate::exit::Status;

/// Does what was asked.
pub fn run(cli: Cli) -> Result<Status> {
    if let Some(threads) = cli.threads {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads.get());
        pool.build_global().with_context(|| format!("cannot start {threads} threads"))?;
    }
    match cli.command {
        Command::Data(command) => data::run(command),
        Command::Train(args) => train::run(args),
        Command::Finetune(args) => finetune::run(args),
        Command::Eval(args) => eval::run(args),
        Command::Compare(args) => compare::run(args),
        Command::Attend(args) => attend::run(args),
        Command::Perturb(args) => perturb::run(args),
        Command::Import(args) => import::run(args),
        Command::Export(args) => export::run(args),
        Command::Info(args) => info::run(args),
        Command::Bench(args) => bench::run(args),
        Command::Demo(args) => demo::run(args),
        Command::Completions(args) => completions::run(args),
    }
}
