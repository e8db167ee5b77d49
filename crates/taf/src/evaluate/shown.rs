use burn::tensor::{Device, Int, Tensor, TensorData};
use taf_video::Clip;
use taf_video::dataset::Record;

use super::evaluation::group;
use super::{AnswerError, Evaluation, EvaluationError};
use crate::data::clips_to_tensor;
use crate::ops::values;

/// The middle clips of some videos as networks are shown them.
#[derive(Clone, Debug)]
pub struct Shown<'a> {
    /// The videos.
    pub records: Vec<&'a Record>,
    /// `[batch, time, 3, height, width]` in [0, 1].
    pub clips: Tensor<5>,
    /// The class of each.
    pub labels: Vec<usize>,
}

impl Evaluation {
    /// The middle clip of each of `videos`, in batches of [`Self::batch_size`], decoded ahead.
    pub(super) fn middle_batches<'a>(
        &'a self,
        videos: &'a [usize],
        device: &'a Device,
    ) -> impl Iterator<Item = Result<Shown<'a>, EvaluationError>> {
        let mut clips = self.middle_clips(videos.to_vec());
        videos.chunks(self.batch_size.max(1)).map(move |batch| {
            let clips = clips.by_ref().take(batch.len()).collect::<Result<Vec<Clip>, _>>()?;
            let records: Vec<&Record> = batch.iter().map(|&video| &self.records()[video]).collect();
            let labels = records.iter().map(|record| record.known_label()).collect::<taf_video::Result<_>>()?;
            Ok(Shown { records, clips: clips_to_tensor(&clips, device), labels })
        })
    }
}

/// Refuses an answer to a clip of a video that is not finite.
pub(super) fn check_finite(record: &Record, logits: &[f32]) -> Result<(), EvaluationError> {
    match logits.iter().position(|logit| !logit.is_finite()) {
        None => Ok(()),
        Some(class) => {
            Err(EvaluationError::answer(record, AnswerError::NotFinite { value: logits[class], class, view: 0 }))
        }
    }
}

impl Shown<'_> {
    /// Refuses answers to the clips, `[batch, classes]`, that are not finite.
    pub(super) fn check_finite(&self, logits: Tensor<2>) -> Result<(), EvaluationError> {
        let [_, classes] = logits.dims();
        let logits = values(logits);
        self.records.iter().zip(logits.chunks(classes)).try_for_each(|(record, row)| check_finite(record, row))
    }

    /// Those at some places.
    pub fn of(&self, places: &[usize]) -> Self {
        let indices = places.iter().map(|&place| place as i64).collect();
        let indices = TensorData::new::<i64, _>(indices, [places.len()]);
        let indices = Tensor::<1, Int>::from_data(indices, &self.clips.device());
        Self {
            records: places.iter().map(|&place| self.records[place]).collect(),
            clips: self.clips.clone().select(0, indices),
            labels: places.iter().map(|&place| self.labels[place]).collect(),
        }
    }

    /// The id and the group of each.
    pub fn names(&self) -> impl Iterator<Item = (String, String)> {
        self.records.iter().map(|record| (record.id().into_owned(), group(record).to_owned()))
    }
}
