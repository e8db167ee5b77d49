//! Progress on standard error: bars on a terminal, else a line now and then.

use std::io::stderr;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use taf::data::Replaced;
use taf::train::{Event, StepOutcome};

use crate::output::{has_controls, say};

/// A bar for work that is counted. Where standard error is no terminal it is a line now and then.
pub struct Counter {
    bar: ProgressBar,
    what: String,
    last_line: Mutex<Instant>,
}

/// Between the lines that stand for a bar.
const LINE_EVERY: Duration = Duration::from_secs(60);

impl Counter {
    /// A bar with a few words in front.
    pub fn new(what: impl Into<String>) -> Self {
        let style = ProgressStyle::with_template("{msg} {wide_bar} {pos}/{len} {eta:>4}");
        let what = what.into();
        let bar = bar(0, style.expect("the template is well formed")).with_message(what.clone());
        Self { bar, what, last_line: Mutex::new(Instant::now()) }
    }

    /// Shows that `done` of `total` are done.
    pub fn show(&self, done: usize, total: usize) {
        self.bar.set_length(total as u64);
        // Several threads report in any order; the bar goes forward only.
        self.bar.set_position(self.bar.position().max(done as u64));
        if self.bar.is_hidden() && self.is_time_for_a_line() {
            say(format_args!("{}: {done} of {total}, {} left", self.what, clock(self.bar.eta())));
        }
    }

    fn is_time_for_a_line(&self) -> bool {
        let Ok(mut last) = self.last_line.try_lock() else { return false };
        let is_time = last.elapsed() >= LINE_EVERY;
        if is_time {
            *last = Instant::now();
        }
        is_time
    }

    /// Does something that writes to the terminal, without the bar in its way.
    pub fn aside<T>(&self, write: impl FnOnce() -> T) -> T {
        self.bar.suspend(write)
    }
}

impl Drop for Counter {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}

fn bar(length: u64, style: ProgressStyle) -> ProgressBar {
    let target = if has_controls(&stderr()) { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() };
    ProgressBar::with_draw_target(Some(length), target).with_style(style)
}

/// What training tells while it goes on: a bar over the epoch, and a line for every epoch that stays.
pub struct TrainingProgress {
    bar: ProgressBar,
    epochs: usize,
    /// Steps of a whole epoch, once known.
    batches: usize,
    epoch: Epoch,
    recent_seconds: f64,
    last_step: Instant,
}

/// What the running epoch has measured so far.
#[derive(Clone, Copy, Default)]
struct Epoch {
    steps: usize,
    loss: f64,
    accuracy: f64,
    flat: usize,
}

/// Share of the newest step in the shown seconds per step.
const NEWEST: f64 = 0.1;

impl TrainingProgress {
    /// Progress of a run of so many epochs; `what` stands in front.
    pub fn new(what: &str, epochs: usize) -> Self {
        let template = format!("{what} {{prefix}} {{wide_bar}} {{pos}}/{{len}} {{msg}}");
        let style = ProgressStyle::with_template(&template).unwrap_or_else(|_| ProgressStyle::default_bar());
        Self {
            bar: bar(0, style),
            epochs,
            batches: 0,
            epoch: Epoch::default(),
            recent_seconds: 0.0,
            last_step: Instant::now(),
        }
    }

    /// Shows what happened.
    pub fn tell(&mut self, event: &Event) {
        match event {
            Event::Step { progress, batches_per_epoch, outcome } => {
                if progress.batch == 1 && self.epoch.steps > 0 {
                    self.end_epoch(progress.epoch, None, "not evaluated");
                }
                self.epoch.add(outcome);
                self.batches = *batches_per_epoch;
                self.time_step();
                let left = (self.epochs - progress.epoch) * batches_per_epoch - progress.batch;
                self.show_step(progress.epoch, progress.batch, *batches_per_epoch, left);
            }
            Event::Replaced(Replaced { path, reason, by }) => {
                self.line(&format!("{path} is replaced by {by}: {reason}"))
            }
            Event::Evaluated { progress, train_loss, scores } => {
                let validation = format!("validation top-1 {:.1} %", 100.0 * scores.top1.value);
                self.end_epoch(progress.epoch, Some(*train_loss), &validation);
            }
        }
    }

    fn time_step(&mut self) {
        let seconds = self.last_step.elapsed().as_secs_f64();
        self.last_step = Instant::now();
        let first = self.recent_seconds == 0.0;
        self.recent_seconds = if first { seconds } else { NEWEST * seconds + (1.0 - NEWEST) * self.recent_seconds };
    }

    fn show_step(&mut self, epoch: usize, batch: usize, batches: usize, left: usize) {
        self.bar.set_prefix(format!("epoch {}/{}", epoch + 1, self.epochs));
        self.bar.set_length(batches as u64);
        self.bar.set_position(batch as u64);
        let rest = Duration::from_secs_f64(self.recent_seconds * left as f64);
        let Epoch { loss, accuracy, .. } = self.epoch.mean();
        self.bar.set_message(if batch == batches {
            format!("loss {loss:.3}, evaluating")
        } else {
            let (percent, step) = (100.0 * accuracy, self.recent_seconds);
            format!("loss {loss:.3}, right {percent:.0} %, {step:.2} s/step, {} left", clock(rest))
        });
    }

    fn end_epoch(&mut self, epoch: usize, loss: Option<f64>, validation: &str) {
        let seen = std::mem::take(&mut self.epoch).words(self.batches, loss);
        self.line(&format!("epoch {epoch}/{}: {seen}{validation}", self.epochs));
        self.last_step = Instant::now();
    }

    fn line(&self, text: &str) {
        if self.bar.is_hidden() { say(text) } else { self.bar.println(text) }
    }
}

impl Drop for TrainingProgress {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}

impl Epoch {
    fn add(&mut self, outcome: &StepOutcome) {
        self.steps += 1;
        self.loss += outcome.loss;
        self.accuracy += outcome.accuracy;
        self.flat += outcome.flat;
    }

    /// What is known of an epoch of so many steps. Of one that was taken up in its midst that is at most its loss.
    fn words(self, batches: usize, loss: Option<f64>) -> String {
        let whole = self.steps > 0 && self.steps == batches;
        let Self { loss: mean, accuracy, flat, .. } = self.mean();
        let loss = loss.or(whole.then_some(mean)).map_or(String::new(), |loss| format!("loss {loss:.3}, "));
        let right = if whole { format!("right {:.1} %, ", 100.0 * accuracy) } else { String::new() };
        let flat = if flat > 0 { format!("{flat} clips the adversary found no slope at, ") } else { String::new() };
        loss + &right + &flat
    }

    fn mean(self) -> Self {
        let steps = self.steps.max(1) as f64;
        Self { loss: self.loss / steps, accuracy: self.accuracy / steps, ..self }
    }
}

/// `1:05:09` or `5:09`.
pub fn clock(duration: Duration) -> String {
    let seconds = duration.as_secs();
    let (hours, minutes, seconds) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    if hours > 0 { format!("{hours}:{minutes:02}:{seconds:02}") } else { format!("{minutes}:{seconds:02}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_epoch_that_was_only_evaluated_has_no_figures_of_steps() {
        let seen = |steps, flat| Epoch { steps, loss: 2.0 * steps as f64, accuracy: 0.5 * steps as f64, flat };
        assert_eq!(seen(0, 0).words(0, Some(1.25)), "loss 1.250, ");
        assert_eq!(seen(2, 0).words(5, Some(1.25)), "loss 1.250, ", "the first three steps were another process's");
        assert_eq!(seen(5, 0).words(5, Some(2.0)), "loss 2.000, right 50.0 %, ");
        assert_eq!(seen(5, 3).words(5, None), "loss 2.000, right 50.0 %, 3 clips the adversary found no slope at, ");
    }

    #[test]
    fn durations_read_like_a_clock() {
        let shown = |seconds| clock(Duration::from_secs(seconds));
        assert_eq!([shown(9), shown(309), shown(3909)], ["0:09", "5:09", "1:05:09"]);
    }
}
