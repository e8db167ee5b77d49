//! `--leaderboard`: answers for the server of a benchmark.

use std::path::PathBuf;

use anyhow::{Context, Result};
use clap::Args;
use taf::evaluate::Leaderboard;
use taf::trained::Examination;
use taf_files::{Output, write_atomic};

use crate::allowed;
use crate::exit::Status;
use crate::output::{self, say};

/// Where answers for a server go.
#[derive(Clone, Debug, Args)]
pub struct LeaderboardArgs {
    /// Also write the answers to this file in the form of the benchmark's server: id;p1;p2;p3;p4;p5 for Something-Something V2,
    /// id;name for V1 and Jester. The videos need no labels
    #[arg(long, value_name = "FILE.csv")]
    pub leaderboard: Option<PathBuf>,
}

impl LeaderboardArgs {
    /// Whether such a file is wanted.
    pub fn is_asked(&self) -> bool {
        self.leaderboard.is_some()
    }

    /// The file, as a command has to name what it writes.
    pub fn output(&self) -> Option<Output<'_>> {
        allowed::perhaps("--leaderboard", self.leaderboard.as_ref(), allowed::LEADERBOARD)
    }

    /// Ends a command that was asked about videos without label: there is no score to print.
    pub fn unscored(&self, json: bool) -> Result<Status> {
        if json {
            output::print_json(&serde_json::json!({ "leaderboard": self.leaderboard, "results": [] }))?;
        }
        Ok(Status::Done)
    }

    /// The file to be, where one is wanted; refuses videos that no server takes answers to.
    pub fn file(&self, examination: &Examination) -> Result<Option<Leaderboard>> {
        let Some(_) = self.leaderboard else { return Ok(None) };
        let file = Leaderboard::new(&examination.evaluation.videos, &examination.classes);
        let manifest = || format!("--leaderboard: {}", examination.recipe.data.manifest.display());
        file.map(Some).with_context(manifest)
    }

    /// Writes the file, where one is wanted; `scores` has a row for each video over the classes of the network.
    pub fn write(&self, file: Option<&Leaderboard>, scores: &[Vec<f32>]) -> Result<()> {
        let (Some(path), Some(file)) = (&self.leaderboard, file) else { return Ok(()) };
        write_atomic(path, file.text(scores.iter().map(Vec::as_slice)).as_bytes())?;
        say(format_args!("answers to {} videos for the leaderboard: {}", scores.len(), path.display()));
        Ok(())
    }
}
