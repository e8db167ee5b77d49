//! One file per command.

mod data;
mod eval;
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
        Command::Eval(args) => eval::run(args),
    }
}
