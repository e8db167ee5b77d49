use std::sync::Arc;

use rand::seq::SliceRandom;
use taf_video::dataset::{Manifest, Record};
use taf_video::transform::TrainTransform;
use taf_video::{Error, Result, Sampling, Seed};

use super::{ClipBatch, OnBadVideo, Prefetch, Replaced, Sample};

/// The videos of some splits, and how clips are cut out of them.
#[derive(Clone, Debug)]
pub struct ClipSource {
    manifest: Arc<Manifest>,
    sampling: Sampling,
    seed: Seed,
    on_bad_video: OnBadVideo,
}

/// A training batch, with what had to be replaced to fill it.
#[derive(Clone, Debug)]
pub struct Loaded {
    /// The samples.
    pub batch: ClipBatch,
    /// The videos that could not be used.
    pub replaced: Vec<Replaced>,
}

/// How many other videos of its class are tried in the place of one that cannot be used. If none of them can, something is wrong
/// with more than a few files.
const MOST_TRIED: usize = 8;

impl ClipSource {
    /// Clips of all records of `manifest`, every random choice derived from `seed`.
    pub fn new(manifest: Manifest, sampling: Sampling, seed: Seed) -> Self {
        Self { manifest: Arc::new(manifest), sampling, seed, on_bad_video: OnBadVideo::Stop }
    }

    /// The same with another answer to videos that cannot be used; [`OnBadVideo::Stop`] otherwise.
    pub fn on_bad_video(self, on_bad_video: OnBadVideo) -> Self {
        Self { on_bad_video, ..self }
    }

    /// The records clips are cut from.
    pub fn records(&self) -> &[Record] {
        self.manifest.records()
    }

    /// The videos.
    pub fn videos(&self) -> &Manifest {
        &self.manifest
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
    ) -> impl Iterator<Item = Result<Loaded>> + use<> {
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

    fn epoch_order(&self, epoch: usize) -> Vec<usize> {
        let mut order: Vec<usize> = (0..self.records().len()).collect();
        order.shuffle(&mut self.seed.with("order").at(epoch).rng());
        order
    }

    /// The sample of one record, or where that cannot be used of another one of its class.
    fn train_sample(&self, transform: &TrainTransform, epoch: usize, index: usize) -> Result<Drawn> {
        let seed = self.seed.with("sample").at(epoch).at(index);
        let first = match self.cut(transform, index, seed) {
            Err(error) if self.may_replace(index, &error) => error,
            result => return Ok((result?, Vec::new())),
        };
        let mut bad = vec![(index, first)];
        for other in self.others(index, seed) {
            match self.cut(transform, other, seed) {
                Err(error) if self.may_replace(other, &error) => bad.push((other, error)),
                result => {
                    let sample = result?;
                    let replaced = bad.iter().map(|(index, error)| self.replaced(*index, error, &sample)).collect();
                    return Ok((sample, replaced));
                }
            }
        }
        Err(bad.swap_remove(0).1)
    }

    /// Whether the error is this video's own, and another shall take its place.
    fn may_replace(&self, index: usize, error: &Error) -> bool {
        self.on_bad_video == OnBadVideo::Replace && self.manifest.is_bad_video(&self.records()[index], error)
    }

    fn replaced(&self, index: usize, error: &Error, by: &Sample) -> Replaced {
        Replaced { path: self.records()[index].id().into_owned(), reason: error.to_string(), by: by.id.clone() }
    }

    /// Some other videos of the class of a record, in an order that the seed decides.
    fn others(&self, index: usize, seed: Seed) -> Vec<usize> {
        let label = self.records()[index].label;
        let same = |&other: &usize| other != index && self.records()[other].label == label;
        let mut others: Vec<usize> = (0..self.records().len()).filter(same).collect();
        others.shuffle(&mut seed.with("replacement").rng());
        others.truncate(MOST_TRIED);
        others
    }

    fn cut(&self, transform: &TrainTransform, index: usize, seed: Seed) -> Result<Sample> {
        let record = &self.records()[index];
        let mut video = self.manifest.open(record)?;
        let indices = self.sampling.random(video.num_frames()?, &mut seed.with("sampling").rng());
        let (clip, label) = transform.apply(video.read(&indices)?, record.known_label()?, seed.with("transform"));
        Ok(Sample { clip, label, id: record.id().into_owned() })
    }
}

/// A sample, and the videos that could not be used in its place.
type Drawn = (Sample, Vec<Replaced>);

/// Groups samples; ends after the first failure.
struct Batches {
    /// `None` after a failure.
    samples: Option<Prefetch<Result<Drawn>>>,
    batch_size: usize,
}

impl Iterator for Batches {
    type Item = Result<Loaded>;

    fn next(&mut self) -> Option<Self::Item> {
        let samples: Result<Vec<_>> = self.samples.as_mut()?.take(self.batch_size).collect();
        match samples {
            Ok(samples) if samples.is_empty() => None,
            Ok(samples) => {
                let (samples, replaced): (Vec<Sample>, Vec<Vec<Replaced>>) = samples.into_iter().unzip();
                Some(Ok(Loaded { batch: ClipBatch { samples }, replaced: replaced.concat() }))
            }
            Err(error) => {
                self.samples = None;
                Some(Err(error))
            }
        }
    }
}
