use std::collections::HashMap;

use burn::tensor::{Device, Tensor};
use serde_json::Value;
use taf_report::metrics::{Faithfulness, FrameCurve, FrameRemovals, highest, softmax};
use taf_video::dataset::Record;

use super::attended::attention_by;
use super::removal::{FrameRemoval, by_attention, versions, with_mean_frame};
use crate::evaluate::shown::{Shown, check_finite};
use crate::evaluate::trial::{Trial, replace, to_json};
use crate::evaluate::{Evaluation, EvaluationError, Progress};
use crate::model::{Pass, VideoModel};
use crate::ops::{on_workers, values};
use crate::setting::SettingError;

/// Whether a network's attention tells which frames its answers rest on, clip by clip: see [`Evaluation::faithfulness`].
pub struct RemovalTrial<'a, M> {
    model: &'a M,
    removal: &'a FrameRemoval,
    batch_size: usize,
    clips: Vec<FrameRemovals>,
}

impl<'a, M: VideoModel> RemovalTrial<'a, M> {
    /// No frame is taken away yet; `batch_size` versions of a clip go through the network together, at least 1.
    ///
    /// # Errors
    /// If the settings make no sense.
    pub fn new(model: &'a M, removal: &'a FrameRemoval, batch_size: usize) -> Result<Self, SettingError> {
        removal.check()?;
        Ok(Self { model, removal, batch_size, clips: Vec::new() })
    }

    /// What it came to, with clips of so many videos to choose from.
    ///
    /// # Errors
    /// If there is no clip.
    pub fn result(&self, available: usize) -> Result<Faithfulness, EvaluationError> {
        let FrameRemoval { replacement, orders, .. } = self.removal;
        let points = self.clips.first().map_or(0, |clip| clip.most.probability.len());
        let kept = replacement.kept_at(points);
        Ok(Faithfulness::new(replacement.name(), *orders, kept, &self.clips, available)?)
    }
}

impl<M: VideoModel> Trial for RemovalTrial<'_, M> {
    fn clips(&self) -> usize {
        self.clips.len()
    }

    fn add(&mut self, shown: &Shown) -> Result<(), EvaluationError> {
        self.clips.extend(removed(self.model, shown, self.removal, self.batch_size)?);
        Ok(())
    }

    fn found(&self) -> Value {
        to_json(&self.clips)
    }

    fn go_on_from(&mut self, found: Value, clips: usize) -> bool {
        let fits = |known: &Vec<FrameRemovals>| known.len() == clips && are_alike(known);
        replace(&mut self.clips, found, fits)
    }
}

impl Evaluation {
    /// Measures whether a network's attention tells which frames its answers rest on, on the middle clip of each of `videos`:
    /// deletion and insertion (Petsiuk et al., BMVC 2018) of whole frames, against random orders. A clip of T frames costs about
    /// (2 + orders) T forward passes of one clip; versions that are equal are asked about once.
    ///
    /// # Errors
    /// If the settings make no sense, a video cannot be read, there is none, or the network answers no numbers.
    pub fn faithfulness<M: VideoModel>(
        &self,
        model: &M,
        videos: &[usize],
        removal: &FrameRemoval,
        device: &Device,
        progress: Progress,
    ) -> Result<Faithfulness, EvaluationError> {
        let mut trial = RemovalTrial::new(model, removal, self.batch_size)?;
        self.try_one(videos, &mut trial, device, progress)?;
        trial.result(self.records().len())
    }
}

/// Whether all curves have as many points.
fn are_alike(clips: &[FrameRemovals]) -> bool {
    let curves = clips.iter().flat_map(|clip| [&clip.most, &clip.least, &clip.random]);
    let mut points = curves.flat_map(|curve| [curve.probability.len(), curve.accuracy.len()]);
    let first = points.next();
    first.is_some_and(|first| first > 0 && points.all(|of| of == first))
}

fn removed<M: VideoModel>(
    model: &M,
    shown: &Shown,
    removal: &FrameRemoval,
    batch_size: usize,
) -> Result<Vec<FrameRemovals>, EvaluationError> {
    let attention = attention_by(model, &[removal.attention], shown)?.swap_remove(0);
    let of_one = |(place, ((id, group), attention)): (usize, ((String, String), Vec<f32>))| {
        let clip = with_mean_frame(shown.clips.clone().narrow(0, place, 1));
        let (record, label) = (shown.records[place], shown.labels[place]);
        let curves = Curves { model, clip, record, label, removal, batch_size };
        let frames = shown.clips.dims()[1];
        let most = by_attention(&attention, frames);
        let least = most.iter().rev().copied().collect();
        let orders: Vec<Vec<usize>> = [most, least].into_iter().chain(removal.random_orders(&id, frames)).collect();
        let curves = curves.along(&orders)?;
        let [most, least, random @ ..] = &curves[..] else { unreachable!("two orders go by attention") };
        Ok(FrameRemovals { id, group, most: most.clone(), least: least.clone(), random: FrameCurve::mean(random) })
    };
    shown.names().zip(attention).enumerate().map(of_one).collect()
}

/// One clip and who is asked about it.
struct Curves<'a, M> {
    model: &'a M,
    /// With a mean frame at its end, `[1, time + 1, 3, height, width]`.
    clip: Tensor<5>,
    record: &'a Record,
    label: usize,
    removal: &'a FrameRemoval,
    batch_size: usize,
}

impl<M: VideoModel> Curves<'_, M> {
    /// What the network says as the first frames of each order are kept, more and more of them.
    fn along(&self, orders: &[Vec<usize>]) -> Result<Vec<FrameCurve>, EvaluationError> {
        let frames = self.clip.dims()[1] - 1;
        let replacement = self.removal.replacement;
        let counts = replacement.kept(frames);
        let at = |order: &[usize], count: usize| replacement.places(&order[..count], frames);
        let mut distinct: Vec<Vec<usize>> =
            orders.iter().flat_map(|order| counts.iter().map(move |&count| at(order, count))).collect();
        distinct.sort_unstable();
        distinct.dedup();
        let said: HashMap<&Vec<usize>, (f64, f64)> = distinct.iter().zip(self.said(&distinct)?).collect();
        let curve = |order: &Vec<usize>| {
            let (probability, accuracy) = counts.iter().map(|&count| said[&at(order, count)]).unzip();
            FrameCurve { probability, accuracy }
        };
        Ok(orders.iter().map(curve).collect())
    }

    /// The probability of the label, and 1 where it is the answer, for each version of the clip.
    fn said(&self, places: &[Vec<usize>]) -> Result<Vec<(f64, f64)>, EvaluationError> {
        let mut said = Vec::with_capacity(places.len());
        for places in places.chunks(self.batch_size.max(1)) {
            let clips = versions(&self.clip, places);
            let logits = on_workers(|| self.model.forward(clips, &mut Pass::inference()).logits);
            let [_, classes] = logits.dims();
            for row in values(logits).chunks(classes) {
                check_finite(self.record, row)?;
                said.push(self.judged(row));
            }
        }
        Ok(said)
    }

    fn judged(&self, logits: &[f32]) -> (f64, f64) {
        let is_right = highest(logits) == self.label;
        (f64::from(softmax(logits)[self.label]), f64::from(u8::from(is_right)))
    }
}
