//! Training in a run folder, with progress, until it is finished or interrupted.

use std::path::{Path, PathBuf};

use anyhow::Result;
use serde::Serialize;
use taf::model::Recognizer;
use taf::train::{Course, Outcome, Progress, Trainer};
use taf_report::run::{Pace, read_metrics, replaced, steps};

use crate::exit::{Status, Stopped};
use crate::interrupt::Graceful;
use crate::output::{self, say};
use crate::progress::TrainingProgress;
use crate::session::Session;
use crate::trained::device;
use crate::words::{shortened, waited};

/// How a training is spoken of.
pub struct Job<'a> {
    /// A word in front of the progress bar.
    pub what: &'a str,
    /// What to type after an interruption.
    pub resume: &'a str,
    /// Whether to print how it ended as JSON.
    pub json: bool,
}

/// How training ended, for `--json`.
#[derive(Serialize)]
struct Ending<'a> {
    run: &'a Path,
    outcome: &'static str,
    epochs: usize,
    steps: u64,
    best_top1: Option<f64>,
    waited_share: Option<f64>,
    report: Option<&'a Path>,
}

/// Trains, has the report written, marks the run as finished and says so.
pub fn to_the_end(
    session: &Session,
    model: Recognizer,
    job: &Job,
    report: impl FnOnce() -> Result<PathBuf>,
) -> Result<Status> {
    let (outcome, progress) = train(session, model, job.what)?;
    if outcome == Outcome::Stopped {
        say(format_args!("stopped after step {}; go on with: {}", progress.step, job.resume));
        tell(session, &progress, None, job.json)?;
        return Ok(Status::Interrupted);
    }
    let report = match report() {
        Err(stopped) if stopped.is::<Stopped>() => {
            say(format_args!("{stopped}; go on with: {}", job.resume));
            tell(session, &progress, None, job.json)?;
            return Ok(Status::Interrupted);
        }
        report => report?,
    };
    session.run.finish()?;
    tell(session, &progress, Some(&report), job.json)?;
    Ok(Status::Done)
}

/// Trains until the recipe's end or an interruption.
pub fn train(session: &Session, model: Recognizer, what: &str) -> Result<(Outcome, Progress)> {
    let plan = &session.plan;
    let graceful = Graceful::begin()?;
    let mut trainer = Trainer::new(plan.course(), &session.run, model, &device())?;
    let Progress { epoch, step, .. } = *trainer.progress();
    if step > 0 {
        let epochs = plan.recipe.train.epochs;
        say(format_args!("{what} goes on after step {step}, in epoch {} of {epochs}", epoch + 1));
    }
    if step == 0 {
        tell_damaged(session);
    }
    tell_scaling(&plan.course());
    let mut shown = TrainingProgress::new(what, plan.recipe.train.epochs);
    let outcome = trainer.run(&mut |event| {
        shown.tell(&event);
        !graceful.asked()
    })?;
    drop(shown);
    tell_replaced(session)?;
    Ok((outcome, *trainer.progress()))
}

/// Says what became of the learning rate where it is meant for batches of another size.
fn tell_scaling(course: &Course) {
    let (asked, scaled) = (course.train.optimizer.learning_rate(), course.learning_rate());
    if let Some(base) = course.train.base_batch.filter(|_| asked != scaled) {
        let batch = course.batch_size();
        say(format_args!(
            "learning rate {scaled:.3e}: {asked} is for batches of {base} clips, and these are of {batch}"
        ));
    }
}

/// How many videos are named before it says that there are more.
const NAMED: usize = 10;

/// Names the training videos that the manifest says are damaged.
fn tell_damaged(session: &Session) {
    let records = session.plan.train.records().iter();
    let damaged: Vec<&str> = records.filter(|record| record.damaged).map(|record| record.path.as_str()).collect();
    if !damaged.is_empty() {
        let names = shortened(damaged.iter().copied(), NAMED);
        say(format_args!("{} training videos are damaged; the frames that are left are used: {names}", damaged.len()));
    }
}

/// Names the training videos that others had to stand in for.
fn tell_replaced(session: &Session) -> Result<()> {
    let log = read_metrics(&session.run.metrics_path())?;
    let counts = replaced(&log);
    if !counts.is_empty() {
        let (times, names) = (counts.values().sum::<usize>(), shortened(counts.keys().copied(), NAMED));
        say(format_args!("{} videos could not be used and were replaced {times} times: {names}", counts.len()));
    }
    Ok(())
}

fn tell(session: &Session, progress: &Progress, report: Option<&Path>, json: bool) -> Result<()> {
    let log = read_metrics(&session.run.metrics_path())?;
    let pace = Pace::of(steps(&log));
    let Progress { epoch: epochs, step: steps, best_top1, .. } = *progress;
    if json {
        let outcome = if report.is_some() { "finished" } else { "interrupted" };
        let (run, waited_share) = (session.run.path(), pace.map(|pace| pace.waited_share()));
        return output::print_json(&Ending { run, outcome, epochs, steps, best_top1, waited_share, report });
    }
    let Some(report) = report else { return Ok(()) };
    let best = best_top1.map_or(String::new(), |top1| format!(", best validation top-1 {:.1} %", 100.0 * top1));
    let waited = pace.map_or(String::new(), |pace| format!("waited for clips: {}\n", waited(&pace)));
    output::print(&format!("finished: {epochs} epochs, {steps} steps{best}\n{waited}report: {}\n", report.display()))
}
