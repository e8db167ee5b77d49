//! The `taf` command line.

mod allowed;
mod answers;
mod args;
mod bench;
mod class_list;
mod clip;
mod commands;
mod dry_run;
mod ensemble;
mod exit;
mod experiment;
mod interrupt;
mod leaderboard;
mod model_name;
mod output;
mod panel;
mod picture_folder;
mod predict;
mod progress;
mod rehearsal;
mod reports;
mod requirement;
mod run_folders;
mod session;
mod settings;
mod source;
mod suites;
mod threads;
mod trained;
mod training;
mod trials;
mod words;

use std::process::ExitCode;

use clap::Parser;

fn main() -> ExitCode {
    taf_video::keep_freed_memory();
    let args = args::Cli::parse();
    exit::end(threads::start(args.threads).and_then(|()| commands::run(args.command)))
}
