use std::ops::ControlFlow;
use std::sync::Arc;

use burn::tensor::Device;
use taf_report::metrics::{Predictions, ScoreKind};
use taf_video::dataset::{Manifest, Record};
use taf_video::{Clip, Result, Seed, TemporalViews};

use super::{Answers, Average, EvaluationError, Version, Views, ask};
use crate::data::Prefetch;
use crate::model::VideoModel;

/// Told after each video: how many are done, of how many.
pub type Progress<'a> = &'a mut dyn FnMut(usize, usize);

/// Videos with the classes of a network as labels, and how a network is shown them.
#[derive(Clone, Debug)]
pub struct Evaluation {
    /// The videos; at least one.
    pub videos: Arc<Manifest>,
    /// What is looked at of each.
    pub views: Views,
    /// How what is said about the views of a video becomes its answer.
    pub average: Average,
    /// Views that go through the network together, at least 1. The answers depend on it only by rounding.
    pub batch_size: usize,
    /// Threads that decode ahead, at least 1. The answers do not depend on it.
    pub threads: usize,
}

impl Evaluation {
    /// The videos.
    pub fn records(&self) -> &[Record] {
        self.videos.records()
    }

    /// Asks a network about every view of one version of all videos, which need no labels.
    ///
    /// `model` should live on the plain `device` (see `Module::valid`): on an autodiff device every pass would be recorded.
    ///
    /// # Errors
    /// If there is no video, one cannot be read, or the model answers something that is not finite.
    pub fn ask<M: VideoModel>(
        &self,
        model: &M,
        version: Version,
        device: &Device,
        progress: Progress,
    ) -> std::result::Result<Answers, EvaluationError> {
        let videos = self.records().len();
        self.ask_on(model, version, device, None, &mut |answers| {
            progress(answers.videos(), videos);
            ControlFlow::Continue(())
        })
    }

    /// [`Self::ask`] that can be stopped and gone on with: `known` are the answers to the first videos, `each` hears after
    /// every video what is answered by then, and where it breaks, that is the end.
    ///
    /// Answers that do not fill whole batches are asked for again: those at the end are, bit for bit, the ones of a network
    /// that is asked in one go with the same batches.
    ///
    /// # Errors
    /// As [`Self::ask`].
    pub fn ask_on<M: VideoModel>(
        &self,
        model: &M,
        version: Version,
        device: &Device,
        known: Option<Answers>,
        each: &mut dyn FnMut(&Answers) -> ControlFlow<()>,
    ) -> std::result::Result<Answers, EvaluationError> {
        let mut answers = self.whole_batches(known, model.classes());
        let first = answers.videos();
        let records = &self.records()[first..];
        let videos = self.decoded((first..first + records.len()).collect(), self.views.clone(), version);
        for (record, answer) in ask(model, device, self.batch_size, records.iter().zip(videos)) {
            answers.push(answer.map_err(|source| EvaluationError::answer(record, source))?);
            if each(&answers).is_break() {
                break;
            }
        }
        Some(answers).filter(|answers| answers.videos() > 0).ok_or(EvaluationError::NoVideos)
    }

    /// Those of the known answers after which a batch began.
    fn whole_batches(&self, known: Option<Answers>, classes: usize) -> Answers {
        let views = self.views.count();
        let fits = |known: &Answers| known.videos() <= self.records().len() && known.shape()[1..] == [views, classes];
        let mut answers = known.filter(fits).unwrap_or_else(|| Answers::none_of(views, classes));
        let begins_batch = |videos: &usize| (videos * views).is_multiple_of(self.batch_size);
        if answers.videos() < self.records().len() {
            answers.truncate((0..=answers.videos()).rev().find(begins_batch).unwrap_or(0));
        }
        answers
    }

    /// The answers to the videos, the views of each averaged, beside what is right.
    ///
    /// # Errors
    /// As [`Self::scored`].
    pub fn predictions(&self, answers: &Answers) -> std::result::Result<Predictions, EvaluationError> {
        self.scored(self.average.kind(), answers.averaged(self.average))
    }

    /// One row of scores for each video, in their order, beside what is right. Videos without label are left out.
    ///
    /// # Errors
    /// If no video has a label, or the scores are none.
    pub fn scored(
        &self,
        kind: ScoreKind,
        rows: impl IntoIterator<Item = Vec<f32>>,
    ) -> std::result::Result<Predictions, EvaluationError> {
        let labelled = |(record, row): (_, Vec<f32>)| {
            let record: &Record = record;
            Some((record, record.label?, row))
        };
        let (mut ids, mut groups, mut labels, mut scores) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        for (record, label, row) in self.records().iter().zip(rows).filter_map(labelled) {
            ids.push(record.id().into_owned());
            groups.push(group(record).to_owned());
            labels.push(label);
            scores.push(row);
        }
        Ok(Predictions::new(ids, labels, kind, scores)?.with_groups(groups)?)
    }

    /// Classifies one version of all videos: [`Self::ask`] and [`Self::predictions`].
    ///
    /// # Errors
    /// As both of them.
    pub fn predict<M: VideoModel>(
        &self,
        model: &M,
        version: Version,
        device: &Device,
        progress: Progress,
    ) -> std::result::Result<Predictions, EvaluationError> {
        self.predictions(&self.ask(model, version, device, progress)?)
    }

    /// The first view of one video, as it is.
    ///
    /// # Errors
    /// If it cannot be read.
    pub fn first_view(&self, index: usize) -> Result<Clip> {
        let mut video = self.videos.open(&self.records()[index])?;
        Ok(self.views.first(&mut *video)?.0)
    }

    /// The middle clips of some videos, in their order, decoded ahead.
    pub(super) fn middle_clips(&self, videos: Vec<usize>) -> impl Iterator<Item = Result<Clip>> + use<> {
        let views = Views { temporal: TemporalViews::Centre, ..self.views.clone() };
        self.decoded(videos, views, Version::Clean).map(|views| views.map(|mut views| views.swap_remove(0)))
    }

    /// The views of some videos, in their order.
    fn decoded(
        &self,
        videos: Vec<usize>,
        views: Views,
        version: Version,
    ) -> impl Iterator<Item = Result<Vec<Clip>>> + use<> {
        let list = self.videos.clone();
        Prefetch::new(0..videos.len(), self.threads, move |place| {
            let record = &list.records()[videos[place]];
            // The same for every run: runs of different seeds are compared on the same spoiled clips.
            let seed = Seed::new(0).with("corruption").with(&record.id());
            views.of(&mut *list.open(record)?, version, seed)
        })
    }
}

/// What counts as one independent observation: the recorded group of a video, or else the file, whatever part of it is shown.
pub(super) fn group(record: &Record) -> &str {
    record.group.as_deref().unwrap_or(&record.path)
}
