use std::ops::ControlFlow;
use std::time::Instant;

use burn::tensor::Device;

use super::{Trial, TrialFile};
use crate::evaluate::{Evaluation, EvaluationError, KEEP_EVERY, Progress};

/// A trial that is being made.
pub struct Underway<'a> {
    trial: &'a mut dyn Trial,
    /// Where what it finds is kept; none keeps nothing.
    file: Option<TrialFile>,
    /// On how many clips is what is kept.
    kept: usize,
}

/// How trials ended that met no error.
#[derive(Debug)]
pub struct Tried {
    /// Whether they were told to stop before their end.
    pub stopped: bool,
    /// Why what they found could not be kept, where so; it is good all the same.
    pub unkept: Option<taf_files::Error>,
}

impl<'a> Underway<'a> {
    /// A trial, and where what it finds is kept; none keeps nothing.
    pub fn new(trial: &'a mut dyn Trial, file: Option<TrialFile>) -> Self {
        Self { trial, file, kept: 0 }
    }

    /// Goes on from what is kept, if that is of whole batches.
    fn take_up(&mut self, videos: usize, batch_size: usize) {
        let Some(file) = &self.file else { return };
        let Some((clips, found)) = file.find() else { return };
        let is_whole = clips == videos || clips < videos && clips.is_multiple_of(batch_size);
        if is_whole && self.trial.go_on_from(found, clips) {
            self.kept = clips;
        } else {
            file.forget();
        }
    }

    fn keep(&mut self) -> taf_files::Result<()> {
        let clips = self.trial.clips();
        if let Some(file) = self.file.as_ref().filter(|_| clips != self.kept) {
            file.keep(clips, self.trial.found())?;
            self.kept = clips;
        }
        Ok(())
    }
}

fn keep_all(trials: &mut [Underway]) -> Option<taf_files::Error> {
    // Where one cannot be kept, others can.
    trials.iter_mut().filter_map(|of| of.keep().err()).last()
}

impl Evaluation {
    /// Makes trials with the middle clip of each of `videos` (their places, such as those of [`Self::sample`]), which is decoded
    /// once for all of them. What they find is kept every minute and at the end, whatever that is, and used again. After each
    /// batch `told` hears how many clips were tried by then, all trials together, and where it breaks, that is the end.
    ///
    /// # Errors
    /// If a video cannot be read, or a network answers something that is not finite.
    pub fn try_all(
        &self,
        videos: &[usize],
        trials: &mut [Underway],
        device: &Device,
        told: &mut dyn FnMut(usize) -> ControlFlow<()>,
    ) -> Result<Tried, EvaluationError> {
        trials.iter_mut().for_each(|of| of.take_up(videos.len(), self.batch_size.max(1)));
        let ended = self.try_batches(videos, trials, device, told);
        let unkept = keep_all(trials);
        Ok(Tried { stopped: ended?.is_break(), unkept })
    }

    /// One trial that is not kept.
    pub(in crate::evaluate) fn try_one(
        &self,
        videos: &[usize],
        trial: &mut dyn Trial,
        device: &Device,
        progress: Progress,
    ) -> Result<(), EvaluationError> {
        let told = &mut |clips| {
            progress(clips, videos.len());
            ControlFlow::Continue(())
        };
        self.try_all(videos, &mut [Underway::new(trial, None)], device, told).map(drop)
    }

    fn try_batches(
        &self,
        videos: &[usize],
        trials: &mut [Underway],
        device: &Device,
        told: &mut dyn FnMut(usize) -> ControlFlow<()>,
    ) -> Result<ControlFlow<()>, EvaluationError> {
        let tried = |trials: &[Underway]| trials.iter().map(|of| of.trial.clips()).sum();
        let mut start = trials.iter().map(|of| of.trial.clips()).min().unwrap_or(videos.len());
        let (mut kept, mut ended) = (Instant::now(), told(tried(trials)));
        for shown in self.middle_batches(&videos[start..], device) {
            if ended.is_break() {
                break;
            }
            let shown = shown?;
            for at in 0..trials.len() {
                if ended.is_break() || trials[at].trial.clips() != start {
                    continue;
                }
                trials[at].trial.add(&shown)?;
                if kept.elapsed() >= KEEP_EVERY {
                    // What cannot be kept now is tried again, and told at the end.
                    let _ = keep_all(trials);
                    kept = Instant::now();
                }
                ended = told(tried(trials));
            }
            start += shown.labels.len();
        }
        Ok(ended)
    }
}
