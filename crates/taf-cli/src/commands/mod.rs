//! One file per command.

mod attend;
mod bench;
mod compare;
mod completions;
mod data;
mod demo;
mod ensemble;
mod eval;
mod experiment;
mod export;
mod finetune;
mod import;
mod info;
mod perturb;
mod plot;
mod predict;
mod robustness;
mod runs;
mod train;

use anyhow::Result;
use clap::Subcommand;

use crate::exit::Status;

/// The commands, in the order of the help.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// List videos, check them, or generate some
    #[command(subcommand)]
    Data(data::DataCommand),
    Train(train::Args),
    Finetune(finetune::Args),
    Eval(eval::Args),
    Compare(compare::Args),
    Robustness(robustness::Args),
    Ensemble(ensemble::Args),
    Predict(predict::Args),
    Runs(runs::Args),
    Plot(plot::Args),
    Attend(attend::Args),
    Perturb(perturb::Args),
    Import(import::Args),
    Export(export::Args),
    Info(info::Args),
    Bench(bench::Args),
    Experiment(experiment::Args),
    Demo(demo::Args),
    Completions(completions::Args),
}

/// Does what was asked.
pub fn run(command: Command) -> Result<Status> {
    match command {
        Command::Data(command) => data::run(command),
        Command::Train(args) => train::run(args),
        Command::Finetune(args) => finetune::run(args),
        Command::Eval(args) => eval::run(args),
        Command::Compare(args) => compare::run(args),
        Command::Robustness(args) => robustness::run(args),
        Command::Ensemble(args) => ensemble::run(args),
        Command::Predict(args) => predict::run(args),
        Command::Runs(args) => runs::run(args),
        Command::Plot(args) => plot::run(args),
        Command::Attend(args) => attend::run(args),
        Command::Perturb(args) => perturb::run(args),
        Command::Import(args) => import::run(args),
        Command::Export(args) => export::run(args),
        Command::Info(args) => info::run(args),
        Command::Bench(args) => bench::run(args),
        Command::Experiment(args) => experiment::run(args),
        Command::Demo(args) => demo::run(args),
        Command::Completions(args) => completions::run(args),
    }
}
