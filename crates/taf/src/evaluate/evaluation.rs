use std::ops::ControlFlow;
use std::sync::Arc;

use burn::tensor::Device;
use taf_report::metrics::{Predictions, ScoreKind};
use taf_video::dataset::{Manifest, Record};
use taf_video::{Clip, Result, Seed, TemporalViews};

use super::{Answers, Average, Condition, EvaluationError, Version, Views};
use crate::data::{Prefetch, fingerprint};
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

    /// What tells the videos from others: the list, and the files that it names as they are now.
    pub fn list_and_files(&self) -> (String, String) {
        (self.videos.hash(), fingerprint(&self.videos))
    }

    /// The places of evaluations that show the same clips of the same files, group by group, in the order of their first members.
    pub fn shown_alike(evaluations: &[&Self]) -> Vec<Vec<usize>> {
        // A look at every file tells nothing where there is nobody to share it with.
        let is_alone = evaluations.len() == 1;
        let mut groups: Vec<(_, Vec<usize>)> = Vec::new();
        for (place, of) in evaluations.iter().enumerate() {
            let shown = ((!is_alone).then(|| of.list_and_files()), &of.views);
            match groups.iter_mut().find(|(known, _)| *known == shown) {
                Some((_, places)) => places.push(place),
                None => groups.push((shown, vec![place])),
            }
        }
        groups.into_iter().map(|(_, places)| places).collect()
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

    /// One video in the middle clip and the first crop, under a condition.
    ///
    /// # Errors
    /// If it cannot be read.
    pub fn shown(&self, index: usize, condition: Condition) -> Result<Clip> {
        let record = &self.records()[index];
        let views = Views { temporal: TemporalViews::Centre, ..condition.views(&self.views) };
        Ok(views.of(&mut *self.videos.open(record)?, condition.version(), seed(record))?.swap_remove(0))
    }

    /// The middle clips of some videos, in their order, decoded ahead.
    pub(super) fn middle_clips(&self, videos: Vec<usize>) -> impl Iterator<Item = Result<Clip>> + use<> {
        let views = Views { temporal: TemporalViews::Centre, ..self.views.clone() };
        self.decoded(videos, views, Version::Clean).map(|views| views.map(|mut views| views.swap_remove(0)))
    }

    /// The views of some videos, in their order.
    pub(super) fn decoded(
        &self,
        videos: Vec<usize>,
        views: Views,
        version: Version,
    ) -> impl Iterator<Item = Result<Vec<Clip>>> + use<> {
        let list = self.videos.clone();
        Prefetch::new(0..videos.len(), self.threads, move |place| {
            let record = &list.records()[videos[place]];
            views.of(&mut *list.open(record)?, version, seed(record))
        })
    }
}

/// How a video is spoiled. The same for every run: runs of different seeds are compared on the same spoiled clips.
fn seed(record: &Record) -> Seed {
    Seed::new(0).with("corruption").with(&record.id())
}

/// What counts as one independent observation: the recorded group of a video, or else the file, whatever part of it is shown.
pub(super) fn group(record: &Record) -> &str {
    record.group.as_deref().unwrap_or(&record.path)
}
