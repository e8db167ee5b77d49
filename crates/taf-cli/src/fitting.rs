//! Training in a run folder, with progress, until it is finished or interrupted.

use anyhow::Result;
use serde::Serialize;
use taf::model::Tsn;
use taf::train::{Outcome, Progress, Trainer};

use crate::exit::Status;
use crate::interrupt;
use crate::output;
use crate::progress::TrainingProgress;
use crate::session::Session;
use crate::trained::device;

/// How training ended, for `--json`.
#[derive(Serialize)]
struct Ending<'a> {
    run: &'a std::path::Path,
    outcome: &'static str,
    epochs: usize,
    steps: u64,
    best_top1: Option<f64>,
    report: Option<std::path::PathBuf>,
}

/// Trains, has the report written, marks the run as finished and says so. `resume` is what to type after an interruption.
pub fn to_the_end(
    session: &Session,
    model: Tsn,
    what: &str,
    resume: &str,
    json: bool,
    report: impl FnOnce() -> Result<std::path::PathBuf>,
) -> Result<Status> {
    let (outcome, progress) = train(session, model, what)?;
    let finished = outcome == Outcome::Finished;
    let report = if finished { Some(report()?) } else { None };
    if finished {
        session.run.finish()?;
    } else {
        eprintln!("stopped after step {}; go on with: {resume}", progress.step);
    }
    tell(session, &progress, report, json)?;
    Ok(if finished { Status::Done } else { Status::Interrupted })
}

/// Trains until the recipe's end or an interruption.
pub fn train(session: &Session, model: Tsn, what: &str) -> Result<(Outcome, Progress)> {
    interrupt::listen()?;
    let plan = &session.plan;
    let mut trainer = Trainer::new(plan, &session.run, model, &device())?;
    let mut shown = TrainingProgress::new(what, plan.recipe.train.epochs);
    let outcome = trainer.run(&mut |event| {
        shown.tell(&event);
        !interrupt::asked()
    })?;
    Ok((outcome, *trainer.progress()))
}

fn tell(session: &Session, progress: &Progress, report: Option<std::path::PathBuf>, json: bool) -> Result<()> {
    let Progress { epoch: epochs, step: steps, best_top1, .. } = *progress;
    if json {
        let outcome = if report.is_some() { "finished" } else { "interrupted" };
        return output::print_json(&Ending { run: session.run.path(), outcome, epochs, steps, best_top1, report });
    }
    let Some(report) = report else { return Ok(()) };
    let best = best_top1.map_or(String::new(), |top1| format!(", best validation top-1 {:.1} %", 100.0 * top1));
    output::print(&format!("finished: {epochs} epochs, {steps} steps{best}\nreport: {}\n", report.display()))
}
