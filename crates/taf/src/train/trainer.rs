use std::path::Path;
use std::time::{Duration, Instant};

use burn::tensor::{Device, TensorData};

use super::pictures::{self, Picture};
use super::{
    Average, Checkpoint, CheckpointError, CheckpointFolder, CheckpointInfo, Course, Moment, Optimizer, Progress, Step,
    StepOutcome,
};
use crate::data::{ClipBatch, Loaded, Replaced};
use crate::evaluate::{EvaluationError, Version};
use crate::model::{StateDict, StateError, VideoModel, load_state, state_dict};
use crate::setting::SettingError;
use taf_report::metrics::Scores;
use taf_report::run::{EvaluationRecord, Line, MetricsLog, Record, RunDir, StepRecord, VideoRecord};

/// Why training ended before its time.
#[derive(Debug, thiserror::Error)]
pub enum TrainError {
    /// A video could not be used; a checkpoint of the steps before was written.
    #[error(
        "training stopped after step {step}, and can go on from there once the video is mended, or without it where \
         data.on_bad_video = \"replace\": {source}"
    )]
    Video {
        /// Steps taken.
        step: u64,
        /// What is wrong, with the file.
        source: taf_video::Error,
    },
    /// A setting does not fit the network.
    #[error(transparent)]
    Setting(#[from] SettingError),
    /// The run folder could not be written.
    #[error(transparent)]
    Run(#[from] taf_report::run::Error),
    /// A checkpoint could not be written or taken up.
    #[error(transparent)]
    Checkpoint(#[from] CheckpointError),
    /// The last update left the range of numbers; nothing was written.
    #[error(
        "training diverged: step {step} made {name} infinite; the last checkpoint is from before; try a lower learning rate"
    )]
    NonFiniteWeights {
        /// Steps taken.
        step: u64,
        /// The first such parameter.
        name: String,
    },
    /// The evaluation at the end of an epoch failed; a checkpoint of the epoch was written.
    #[error(
        "training stopped after step {step}, and goes on from there with the evaluation that ends the epoch, once what \
         failed is mended: {source}"
    )]
    Evaluation {
        /// Steps taken.
        step: u64,
        /// What failed, with the file.
        source: EvaluationError,
    },
    /// The loss or its gradients left the range of numbers.
    #[error(
        "training diverged at step {step} (epoch {epoch}, batch {batch}): loss {loss}, gradient norm {gradient_norm}; \
         the last checkpoint is from before this step; clips: {}", clips.join(", ")
    )]
    NonFinite {
        /// Steps taken before.
        step: u64,
        /// Epoch, from 0.
        epoch: usize,
        /// Batch within the epoch, from 0.
        batch: usize,
        /// What the loss was.
        loss: f64,
        /// What the gradients' norm was.
        gradient_norm: f64,
        /// Paths of the batch's videos.
        clips: Vec<String>,
    },
}

/// What the trainer tells while it works.
#[derive(Clone, Copy, Debug)]
pub enum Event<'a> {
    /// A step was taken.
    Step {
        /// Where training stands now.
        progress: &'a Progress,
        /// Steps of a whole epoch.
        batches_per_epoch: usize,
        /// What the step measured.
        outcome: &'a StepOutcome,
    },
    /// A training video could not be used, and another took its place.
    Replaced(&'a Replaced),
    /// The validation clips were classified.
    Evaluated {
        /// Where training stands.
        progress: &'a Progress,
        /// Mean loss on the natural clips over the whole epoch.
        train_loss: f64,
        /// How well.
        scores: &'a Scores,
    },
}

/// How training ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// All epochs were done.
    Finished,
    /// It was asked to stop; a checkpoint was written and the run can be resumed.
    Stopped,
}

/// Trains one model into one run folder.
pub struct Trainer<'a, M> {
    course: Course<'a>,
    /// `None` only while a step holds it: a second owner would make every step copy all weights.
    model: Option<M>,
    optimizer: Optimizer,
    /// What the run is worth, where the recipe asks for an average of its steps.
    average: Option<Average<M>>,
    progress: Progress,
    folder: CheckpointFolder,
    log: MetricsLog,
    device: Device,
}

impl<'a, M: VideoModel> Trainer<'a, M> {
    /// Starts at `model`, or where the run folder has a checkpoint at that. `device` is the plain device to work on.
    ///
    /// # Errors
    /// If the folder cannot be read, or its checkpoint belongs to another network.
    pub fn new(course: Course<'a>, run: &RunDir, model: M, device: &Device) -> Result<Self, TrainError> {
        let model = course.prepare(model)?;
        let mut trainer = Self {
            course,
            average: course.train.average.map(|config| Average::new(config, &model)),
            model: Some(model),
            optimizer: Optimizer::new(course.train.optimizer.clone()),
            progress: Progress::default(),
            folder: CheckpointFolder::new(run.checkpoints()),
            log: run.metrics()?,
            device: device.clone(),
        };
        match trainer.folder.newest_path()? {
            Some(path) => {
                trainer.take_up(&path)?;
                trainer.rewind_log()?;
            }
            None => trainer.log.rewind_while(|_| false)?,
        }
        Ok(trainer)
    }

    /// Drops what the log says of later than the checkpoint: a run that was killed had written on.
    fn rewind_log(&mut self) -> Result<(), TrainError> {
        let Progress { step, batch, .. } = self.progress;
        // An evaluation at this very step belongs to the end of the epoch, which is still to come within one.
        let here = |record: &Record| batch == 0 || !matches!(record, Record::Evaluation(_));
        Ok(self.log.rewind_while(|Line { step: at, record }| *at < step || *at == step && here(record))?)
    }

    /// Where training stands.
    pub fn progress(&self) -> &Progress {
        &self.progress
    }

    fn model(&self) -> &M {
        self.model.as_ref().expect("the model is back after each step")
    }

    /// Trains to the end of the course. `tell` hears of every step and evaluation; when it answers `false`, training
    /// writes a checkpoint and stops.
    ///
    /// # Errors
    /// If a video cannot be used and not be replaced, a file cannot be written, or the loss is not finite.
    pub fn run(&mut self, tell: &mut dyn FnMut(Event) -> bool) -> Result<Outcome, TrainError> {
        if self.folder.newest_path()?.is_none() {
            self.note_damaged()?;
            // So that a run that is killed early resumes with these weights.
            self.save()?;
        }
        while self.progress.epoch < self.course.train.epochs {
            if self.epoch(tell)? == Outcome::Stopped {
                self.save()?;
                return Ok(Outcome::Stopped);
            }
            let outcome = self.end_epoch(tell)?;
            self.save()?;
            if outcome == Outcome::Stopped && self.progress.epoch < self.course.train.epochs {
                return Ok(Outcome::Stopped);
            }
        }
        Ok(Outcome::Finished)
    }

    fn epoch(&mut self, tell: &mut dyn FnMut(Event) -> bool) -> Result<Outcome, TrainError> {
        let Course { train, clips, transform, workers, .. } = self.course;
        let batches_per_epoch = self.course.batches_per_epoch();
        let Progress { epoch, batch: first, .. } = self.progress;
        let mut batches = clips.train_batches(transform, epoch, first, train.batch_size, workers);
        loop {
            let asked = Instant::now();
            let Some(loaded) = batches.next() else { return Ok(Outcome::Finished) };
            let waited = asked.elapsed();
            let Loaded { batch, replaced } = loaded.or_else(|error| self.stopped_by(error))?;
            self.note(&replaced, tell)?;
            let outcome = self.step(&batch, batches_per_epoch, waited)?;
            let go_on = tell(Event::Step { progress: &self.progress, batches_per_epoch, outcome: &outcome });
            if !go_on {
                return Ok(Outcome::Stopped);
            }
            let every = train.checkpoint_steps as u64;
            if every > 0 && self.progress.step.is_multiple_of(every) {
                self.save()?;
            }
        }
    }

    /// Ends training at a place it can go on from.
    fn stopped_by<T>(&self, source: taf_video::Error) -> Result<T, TrainError> {
        self.save()?;
        Err(TrainError::Video { step: self.progress.step, source })
    }

    /// Writes videos that were replaced to the log, as part of the step to come.
    fn note(&mut self, replaced: &[Replaced], tell: &mut dyn FnMut(Event) -> bool) -> Result<(), TrainError> {
        for replaced in replaced {
            let Replaced { path, reason, by } = replaced.clone();
            let record = VideoRecord { epoch: self.progress.epoch, path, reason, replaced_by: Some(by) };
            self.log.append(self.progress.step + 1, Record::Video(record))?;
            tell(Event::Replaced(replaced));
        }
        Ok(())
    }

    /// Says in the log of a new run which of its videos are known to be damaged.
    fn note_damaged(&mut self) -> Result<(), TrainError> {
        for record in self.course.clips.records().iter().filter(|record| record.damaged) {
            let reason = "some of it does not decode; the frames that are left are used".to_owned();
            let record = VideoRecord { epoch: 0, path: record.id().into_owned(), reason, replaced_by: None };
            self.log.append(0, Record::Video(record))?;
        }
        Ok(())
    }

    fn step(
        &mut self,
        batch: &ClipBatch,
        batches_per_epoch: usize,
        waited: Duration,
    ) -> Result<StepOutcome, TrainError> {
        let start = Instant::now();
        let Course { train, taf, .. } = self.course;
        let epoch = self.progress.epoch as f64 + self.progress.batch as f64 / batches_per_epoch as f64;
        let moment = Moment { epoch, epochs: train.epochs as f64, steps_per_epoch: batches_per_epoch };
        let schedule = train.schedule.factor(moment) * train.rate_scale(self.course.batch_size());
        let seed = self.course.seed.with("step").at(self.progress.step as usize);
        let step = Step { train, taf, schedule, epoch, seed };
        let model = self.model.take().expect("the model is back after each step");
        let (model, outcome) = step.take(model, &mut self.optimizer, batch);
        self.model = Some(model);
        if !outcome.is_finite() {
            return Err(self.diverged(batch, &outcome));
        }
        self.progress.batch += 1;
        self.progress.step += 1;
        self.average = self.average.take().map(|average| average.with(self.model(), self.progress.step));
        self.progress.loss_sum += outcome.loss;
        let record = StepRecord {
            epoch: self.progress.epoch,
            learning_rate: train.optimizer.learning_rate() * schedule,
            loss: outcome.loss,
            perturbed_loss: outcome.perturbed_loss,
            consistency: outcome.consistency,
            alignment: outcome.alignment,
            unevenness: outcome.unevenness,
            attention_entropy: outcome.attention_entropy,
            accuracy: outcome.accuracy,
            gradient_norm: outcome.gradient_norm,
            flat: outcome.flat,
            seconds: start.elapsed().as_secs_f64(),
            waited_seconds: waited.as_secs_f64(),
        };
        self.log.append(self.progress.step, Record::Step(record))?;
        Ok(outcome)
    }

    fn diverged(&self, batch: &ClipBatch, outcome: &StepOutcome) -> TrainError {
        TrainError::NonFinite {
            step: self.progress.step,
            epoch: self.progress.epoch,
            batch: self.progress.batch,
            loss: outcome.loss,
            gradient_norm: outcome.gradient_norm,
            clips: batch.samples.iter().map(|sample| sample.id.clone()).collect(),
        }
    }

    fn end_epoch(&mut self, tell: &mut dyn FnMut(Event) -> bool) -> Result<Outcome, TrainError> {
        let train = self.course.train;
        let Progress { epoch, batch, loss_sum, .. } = self.progress;
        let ended = epoch + 1;
        let due = ended == train.epochs || ended.is_multiple_of(train.validate_every);
        // Before progress moves on, so that training that goes on from a failure comes to the evaluation first.
        let evaluated = due.then(|| self.evaluate()).transpose()?;
        self.progress = Progress { epoch: ended, batch: 0, loss_sum: 0.0, ..self.progress };
        let Some((scores, pictures)) = evaluated else { return Ok(Outcome::Finished) };
        let train_loss = loss_sum / batch.max(1) as f64;
        self.keep(&scores, train_loss)?;
        for (name, png) in pictures {
            self.log.append_picture(self.progress.step, name, png)?;
        }
        let go_on = tell(Event::Evaluated { progress: &self.progress, train_loss, scores: &scores });
        Ok(if go_on { Outcome::Finished } else { Outcome::Stopped })
    }

    /// Classifies the validation clips and draws what there is to see, or ends training at a place it can go on from.
    fn evaluate(&self) -> Result<(Scores, Vec<Picture>), TrainError> {
        let worth = self.average.as_ref().map(Average::model);
        self.evaluated(worth.unwrap_or(&self.model().valid())).or_else(|source| {
            self.save()?;
            Err(TrainError::Evaluation { step: self.progress.step, source })
        })
    }

    fn evaluated(&self, model: &M) -> Result<(Scores, Vec<Picture>), EvaluationError> {
        let predictions = self.course.evaluation.predict(model, Version::Clean, &self.device, &mut |_, _| {})?;
        let scores = Scores::new(&predictions, self.course.classes)?;
        let pictures = pictures::of_evaluation(&self.course, model, &scores, &self.device)?;
        Ok((scores, pictures))
    }

    /// Writes scores to the log, and the weights beside the checkpoints if they are the best so far.
    fn keep(&mut self, scores: &Scores, train_loss: f64) -> Result<(), TrainError> {
        let record = EvaluationRecord {
            epoch: self.progress.epoch,
            train_loss,
            top1: scores.top1.value,
            top5: scores.top5.value,
            log_loss: scores.log_loss,
        };
        self.log.append(self.progress.step, Record::Evaluation(record))?;
        if self.progress.best_top1.is_none_or(|best| scores.top1.value > best) {
            self.progress.best_top1 = Some(scores.top1.value);
            self.folder.save_best(&self.checkpoint()?)?;
        }
        Ok(())
    }

    fn checkpoint(&self) -> Result<Checkpoint, TrainError> {
        let newest = state_dict(self.model());
        let finite = |data: &TensorData| data.iter::<f32>().all(f32::is_finite);
        if let Some((name, _)) = newest.iter().find(|(_, data)| !finite(data)) {
            return Err(TrainError::NonFiniteWeights { step: self.progress.step, name: name.clone() });
        }
        let (model, newest) = match &self.average {
            None => (newest, StateDict::new()),
            Some(average) => (state_dict(average.model()), newest),
        };
        Ok(Checkpoint { info: self.info(), model, newest, optimizer: self.optimizer.state() })
    }

    fn info(&self) -> CheckpointInfo {
        let Course { model, frames, classes, label_set, .. } = self.course;
        CheckpointInfo {
            progress: self.progress,
            model: model.clone(),
            classes: classes.to_vec(),
            label_set: label_set.map(str::to_owned),
            frames,
            auxiliary: self.course.needs_auxiliary_norms(),
        }
    }

    fn save(&self) -> Result<(), TrainError> {
        self.log.sync()?;
        Ok(self.folder.save(&self.checkpoint()?, self.course.train.keep_last)?)
    }

    fn take_up(&mut self, path: &Path) -> Result<(), TrainError> {
        let Checkpoint { info, model: worth, newest, optimizer } = Checkpoint::read(path)?;
        let expected = CheckpointInfo { progress: info.progress, ..self.info() };
        let unfit =
            |expected: &'static str, found: String| CheckpointError::Content { path: path.to_owned(), expected, found };
        if info != expected {
            let found = serde_json::to_string(&info).expect("the description is made of JSON's types");
            return Err(unfit("the network, classes and frames of the recipe", found).into());
        }
        let model = self.model.take().expect("the model is back after each step");
        let unfit_weights = |error: StateError| unfit("weights of the recipe's network", error.to_string());
        let newest = match self.course.train.average {
            None => worth,
            Some(config) => {
                self.average = Some(Average::resume(config, &model, worth).map_err(unfit_weights)?);
                newest
            }
        };
        let model = load_state(model, newest).map_err(unfit_weights)?;
        let taken = self.optimizer.load_state(optimizer, &model, &self.device);
        taken.map_err(|found| unfit("what the recipe's optimiser remembers of the network's weights", found))?;
        (self.model, self.progress) = (Some(model), info.progress);
        Ok(())
    }
}
