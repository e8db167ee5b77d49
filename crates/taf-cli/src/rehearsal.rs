//! A few steps of a training that is not wanted yet, to know what all of them would take.

use std::time::Instant;

use serde::Serialize;
use taf::data::ClipBatch;
use taf::model::{Recognizer, state_dict};
use taf::recipe::Plan;
use taf::train::{Average, Course, Optimizer, Step, TafConfig, TrainConfig};

use crate::bench::{available_memory, memory, noise, peak_memory};
use crate::output::say;

/// What one step of a training takes.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Cost {
    /// Seconds, without the wait for clips.
    pub seconds: f64,
    /// The most memory of the process, in bytes, where the system tells.
    pub peak_bytes: Option<u64>,
    /// Clips that go through the network together.
    pub piece: usize,
    /// Clips of the largest such piece that was tried: fewer where `piece` would take too much memory or time, which is then
    /// concluded from those of one and two clips.
    pub tried: usize,
    /// Seconds that cutting one clip out of its video takes on all threads of the loader together; none where the videos
    /// cannot be read, and the steps were taken on made-up clips.
    pub decoding_seconds_per_clip: Option<f64>,
}

/// The longest piece that is tried, in seconds.
const PATIENCE: f64 = 120.0;
/// The share of the available memory that it may take.
const MODESTY: f64 = 0.8;

/// Takes steps of one clip, of two, and of a whole piece if memory and time allow it. The network, as the course
/// [prepares](Course::prepare) it, is spent on it.
pub fn rehearse(plan: &Plan, model: Recognizer) -> Cost {
    let course = plan.course();
    let (batch, decoding_seconds_per_clip) = first_piece(&course);
    let batch_size = course.batch_size();
    let piece = batch_size.div_ceil(course.train.accumulate);
    let mut stage = Stage::new(course, model, piece);
    let tries = [1, 2].map(|clips| stage.take(&batch, clips));
    let expected = of_more_clips(tries, piece);
    let is_tried = piece > 2 && batch.samples.len() >= piece && is_affordable(&expected);
    let last = if is_tried { stage.take(&batch, piece) } else { expected };
    let tried = if is_tried { piece } else { piece.min(2) };
    let waiting = ((batch_size - piece) * bytes_of_clip(&course)) as u64;
    let beside = waiting + stage.bytes_of_a_checkpoint();
    Cost {
        seconds: stage.seconds_of_batch(&batch, tried, &last),
        peak_bytes: last.peak_bytes.map(|peak| peak + beside),
        piece,
        tried,
        decoding_seconds_per_clip,
    }
}

/// Of a clip that waits for its turn in the network.
fn bytes_of_clip(course: &Course) -> usize {
    3 * course.frames * course.transform.size().pow(2)
}

/// Time and memory of a step on some clips.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Try {
    clips: usize,
    seconds: f64,
    peak_bytes: Option<u64>,
}

/// The clips of a piece as training would see them first, and how long one of them took. A list may be there before its
/// videos: then made-up clips.
fn first_piece(course: &Course) -> (ClipBatch, Option<f64>) {
    let clips = course.train.piece().max(2);
    let start = Instant::now();
    let mut batches = course.clips.train_batches(course.transform, 0, 0, clips, course.workers);
    match batches.next() {
        Some(Ok(loaded)) => {
            let seconds = start.elapsed().as_secs_f64() / loaded.batch.samples.len() as f64;
            (loaded.batch, Some(seconds))
        }
        unreadable => {
            let reason =
                unreadable.and_then(Result::err).map_or("there are none".to_owned(), |error| error.to_string());
            say(format_args!("the videos cannot be read yet, and the steps were taken on made-up clips: {reason}"));
            (noise(clips, course.frames, course.transform.size(), course.classes.len()), None)
        }
    }
}

/// A network that takes steps which do not count.
struct Stage<'a> {
    course: Course<'a>,
    /// The `[train]` table for batches in one piece.
    train: TrainConfig,
    /// The `[taf]` table for the first piece of a batch, which has the most perturbed clips.
    taf: Option<TafConfig>,
    optimizer: Optimizer,
    /// `None` only while a step holds it.
    model: Option<Recognizer>,
    average: Option<Average<Recognizer>>,
}

impl<'a> Stage<'a> {
    fn new(course: Course<'a>, model: Recognizer, piece: usize) -> Self {
        let of_first = |taf: &TafConfig| {
            let fraction = taf.perturbed(course.batch_size()).min(piece) as f64 / piece as f64;
            TafConfig { fraction, ..taf.clone() }
        };
        let average = course.train.average.map(|config| Average::new(config, &model));
        let train = TrainConfig { accumulate: 1, ..course.train.clone() };
        let (taf, optimizer) = (course.taf.map(of_first), Optimizer::new(train.optimizer.clone()));
        Self { course, optimizer, train, taf, model: Some(model), average }
    }

    /// Takes a step on the first clips of a batch, or on all of them where there are fewer.
    fn take(&mut self, batch: &ClipBatch, clips: usize) -> Try {
        let batch = ClipBatch { samples: batch.samples.iter().take(clips).cloned().collect() };
        let start = Instant::now();
        let (taf, seed) = (self.taf.as_ref(), self.course.seed);
        let step = Step { train: &self.train, taf, schedule: 0.0, epoch: self.train.epochs as f64, seed };
        let model = self.model.take().expect("the model is back after each step");
        let (model, _) = step.take(model, &mut self.optimizer, &batch);
        self.average = self.average.take().map(|average| average.with(&model, 1));
        self.model = Some(model);
        Try { clips: batch.samples.len(), seconds: start.elapsed().as_secs_f64(), peak_bytes: peak_memory() }
    }

    /// Seconds of a whole batch, of the pieces of which `last` is the first, tried with or concluded from so many clips. Where
    /// others have fewer perturbed clips, a step without any says what those cost.
    fn seconds_of_batch(&mut self, batch: &ClipBatch, tried: usize, last: &Try) -> f64 {
        let clips = self.course.batch_size();
        let perturbed = self.course.taf.map_or(0, |taf| taf.perturbed(clips));
        if perturbed == 0 || perturbed == clips || last.clips == clips {
            return last.seconds * clips as f64 / last.clips as f64;
        }
        self.taf = None;
        let plain = self.take(batch, tried);
        let plain = plain.seconds / plain.clips as f64 * last.clips as f64;
        of_pieces([clips, perturbed], last.clips, [last.seconds, plain])
    }

    /// By how much the memory rises while a checkpoint is written, which is a copy of all weights and of all that goes with
    /// them.
    fn bytes_of_a_checkpoint(&self) -> u64 {
        let before = peak_memory();
        let states = [self.model.as_ref(), self.average.as_ref().map(Average::model)];
        drop((states.map(|model| model.map(state_dict)), self.optimizer.state()));
        peak_memory().zip(before).map_or(0, |(after, before)| after.saturating_sub(before))
    }
}

/// Seconds of a batch of so many clips, so many of them perturbed, from those of its first piece and of one of as many clips
/// without perturbed ones.
fn of_pieces([clips, perturbed]: [usize; 2], piece: usize, [first, plain]: [f64; 2]) -> f64 {
    let of_each = (first - plain).max(0.0) / perturbed.min(piece) as f64;
    plain * clips as f64 / piece as f64 + of_each * perturbed as f64
}

/// Memory grows by as much with every clip, and so does the time of steps that are warm.
fn of_more_clips([one, two]: [Try; 2], clips: usize) -> Try {
    let growth = two.peak_bytes.zip(one.peak_bytes).map(|(two, one)| two - one);
    let more = clips.saturating_sub(two.clips) as u64;
    Try {
        clips,
        seconds: two.seconds / two.clips as f64 * clips as f64,
        peak_bytes: two.peak_bytes.zip(growth).map(|(two, growth)| two + more * growth),
    }
}

fn is_affordable(expected: &Try) -> bool {
    let more = expected.peak_bytes.zip(memory()).map(|(peak, held)| peak.saturating_sub(held) as f64);
    let fits = more.zip(available_memory()).is_none_or(|(more, free)| more <= MODESTY * free as f64);
    fits && expected.seconds <= PATIENCE
}

#[cfg(test)]
mod tests {
    use super::{Try, is_affordable, of_more_clips, of_pieces};

    fn tried(clips: usize, seconds: f64, gib: u64) -> Try {
        Try { clips, seconds, peak_bytes: Some(gib << 30) }
    }

    #[test]
    fn what_more_clips_take_is_concluded_from_two() {
        let expected = of_more_clips([tried(1, 9.0, 3), tried(2, 4.0, 5)], 10);
        assert_eq!(expected, tried(10, 20.0, 21));
        assert_eq!(of_more_clips([tried(1, 9.0, 3), tried(2, 4.0, 5)], 1), tried(1, 2.0, 5));
    }

    #[test]
    fn perturbed_clips_cost_what_they_do_in_the_pieces_that_have_them() {
        // Pieces of 4 of 16 clips: 6 perturbed ones are 4 of the first, 2 of the second; each adds 0.5 s to the 2 s of a piece.
        assert_eq!(of_pieces([16, 6], 4, [4.0, 2.0]), 4.0 * 2.0 + 6.0 * 0.5);
        // One of them alone, in the first piece.
        assert_eq!(of_pieces([16, 1], 4, [2.5, 2.0]), 4.0 * 2.0 + 0.5);
    }

    #[test]
    fn pieces_that_no_machine_holds_or_nobody_waits_for_are_not_tried() {
        assert!(is_affordable(&tried(8, 1.0, 0)));
        assert!(!is_affordable(&tried(8, 1e4, 0)));
        assert!(cfg!(not(target_os = "linux")) || !is_affordable(&tried(8, 1.0, 1 << 20)));
    }
}
