use std::sync::Arc;

use rand::seq::SliceRandom;
use taf_video::corrupt::{Corruption, Severity};
use taf_video::dataset::{Manifest, Record};
use taf_video::transform::{EvalTransform, TrainTransform};
use taf_video::{Clip, Result, Sampling, Seed, TemporalViews};

use super::{ClipBatch, Prefetch, Sample};

/// A corruption at one severity.
pub type Spoiled = (Corruption, Severity);

/// The videos of some splits, and how clips are cut out of them.
#[derive(Clone, Debug)]
pub struct ClipSource {
    manifest: Arc<Manifest>,
    sampling: Sampling,
    seed: Seed,
}

impl ClipSource {
    /// Clips of all records of `manifest`, every random choice derived from `seed`.
    pub fn new(manifest: Manifest, sampling: Sampling, seed: Seed) -> Self {
        Self { manifest: Arc::new(manifest), sampling, seed }
    }

    /// The records clips are cut from.
    pub fn records(&self) -> &[Record] {
        self.manifest.records()
    }

    /// Class names in class order.
    pub fn classes(&self) -> &[String] {
        self.manifest.classes()
    }

    /// Training batches of one epoch from batch number `first` on, in a shuffled order that only the seed and the epoch
    /// decide. The last, smaller batch is dropped, unless it is the only one.
    pub fn train_batches(
        &self,
        transform: &TrainTransform,
        epoch: usize,
        first: usize,
        batch_size: usize,
        workers: usize,
    ) -> impl Iterator<Item = Result<ClipBatch>> + use<> {
        let order = self.epoch_order(epoch);
        let batch_size = batch_size.min(order.len());
        let batches = self.train_batches_per_epoch(batch_size);
        let (source, transform) = (self.clone(), transform.clone());
        let samples = Prefetch::new(first * batch_size..batches * batch_size, workers, move |position| {
            source.train_sample(&transform, epoch, order[position])
        });
        Batches { samples: Some(samples), batch_size }
    }

    /// Number of training batches per epoch.
    pub fn train_batches_per_epoch(&self, batch_size: usize) -> usize {
        let samples = self.records().len();
        samples / batch_size.min(samples).max(1)
    }

    /// The views of every record, in order: first along time, then in space.
    pub fn eval_views(
        &self,
        transform: &EvalTransform,
        views: TemporalViews,
        spoiled: Option<Spoiled>,
        workers: usize,
    ) -> impl Iterator<Item = Result<Vec<Clip>>> + use<> {
        let (source, transform) = (self.clone(), transform.clone());
        Prefetch::new(0..self.records().len(), workers, move |index| source.views(&transform, views, spoiled, index))
    }

    fn epoch_order(&self, epoch: usize) -> Vec<usize> {
        let mut order: Vec<usize> = (0..self.records().len()).collect();
        order.shuffle(&mut self.seed.with("order").at(epoch).rng());
        order
    }

    fn train_sample(&self, transform: &TrainTransform, epoch: usize, index: usize) -> Result<Sample> {
        let record = &self.records()[index];
        let seed = self.seed.with("sample").at(epoch).at(index);
        let mut video = self.manifest.open(record)?;
        let indices = self.sampling.random(video.num_frames()?, &mut seed.with("sampling").rng());
        let (clip, label) = transform.apply(video.read(&indices)?, record.label, seed.with("transform"));
        Ok(Sample { clip, label, id: record.path.clone() })
    }

    fn views(
        &self,
        transform: &EvalTransform,
        views: TemporalViews,
        spoiled: Option<Spoiled>,
        index: usize,
    ) -> Result<Vec<Clip>> {
        let mut video = self.manifest.open(&self.records()[index])?;
        let num_frames = video.num_frames()?;
        // Not from the run's seed: runs of different seeds are compared on the same spoiled clips.
        let seed = Seed::new(0).with("corruption").with(&self.records()[index].path);
        let mut clips = Vec::new();
        for indices in self.sampling.views(num_frames, views) {
            let indices = match spoiled {
                Some((corruption, severity)) => corruption.indices(&indices, num_frames, severity, seed),
                None => indices,
            };
            // Pixels are spoiled as the network would see them: after the resize and crop, as ImageNet-C does.
            let cut = transform.views(video.read(&indices)?);
            clips.extend(cut.into_iter().map(|clip| match spoiled {
                Some((corruption, severity)) => corruption.pixels(clip, severity, seed),
                None => clip,
            }));
        }
        Ok(clips)
    }
}

/// Groups samples; ends after the first failure.
struct Batches {
    /// `None` after a failure.
    samples: Option<Prefetch<Result<Sample>>>,
    batch_size: usize,
}

impl Iterator for Batches {
    type Item = Result<ClipBatch>;

    fn next(&mut self) -> Option<Self::Item> {
        let samples: Result<Vec<Sample>> = self.samples.as_mut()?.take(self.batch_size).collect();
        match samples {
            Ok(samples) if samples.is_empty() => None,
            Ok(samples) => Some(Ok(ClipBatch { samples })),
            Err(error) => {
                self.samples = None;
                Some(Err(error))
            }
        }
    }
}
