//! The `taf` command line.

mod args;
mod commands;
mod exit;
mod fitting;
mod interrupt;
mod output;
mod progress;
mod reports;
mod requirement;
mod session;
mod suites;
mod trained;

use std::process::ExitCode;

use clap::Parser;

fn main() -> ExitCode {
    exit::end(commands::run(args::Cli::parse()))
}
