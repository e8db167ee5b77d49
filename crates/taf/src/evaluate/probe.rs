use burn::tensor::{Device, Tensor};
use rand::seq::SliceRandom;
use taf_report::metrics::{AttentionPair, AttentionSummary};
use taf_video::Seed;

use super::evaluation::group;
use super::shown::Shown;
use super::{Evaluation, EvaluationError, Progress};
use crate::adversary::{AttendedClass, TemporalAdversary};
use crate::attention::explain;
use crate::model::{Pass, VideoModel, predictions};
use crate::ops::{on_workers, values};

impl Evaluation {
    /// Measures, for the middle clip of each of `videos` (their places, such as those of [`Self::sample`]), how the model
    /// spreads its attention, and how far `adversary` moves it: the attention for one class on the natural and on the
    /// perturbed clip. The class is the one the adversary attends to. What an adversary draws at random, it draws for a
    /// batch, so that it depends on [`Self::batch_size`].
    ///
    /// # Errors
    /// If a video cannot be read, or there is none.
    pub fn probe<M: VideoModel>(
        &self,
        model: &M,
        videos: &[usize],
        adversary: &TemporalAdversary,
        device: &Device,
        progress: Progress,
    ) -> Result<AttentionSummary, EvaluationError> {
        let seed = Seed::new(0).with("probe");
        let mut pairs = Vec::with_capacity(videos.len());
        for shown in self.middle_batches(videos, device) {
            let Shown { records, clips, labels } = shown?;
            let rows = moved(model, adversary, clips, &labels, seed.at(pairs.len()));
            pairs.extend(records.into_iter().zip(rows).map(|(record, [natural, perturbed])| AttentionPair {
                group: group(record).to_owned(),
                natural,
                perturbed: Some(perturbed),
            }));
            progress(pairs.len(), videos.len());
        }
        Ok(AttentionSummary::new(&pairs, self.records().len())?)
    }

    /// The places of at most `limit` videos: all, or a sample in which every class has its share.
    pub fn sample(&self, limit: usize) -> Vec<usize> {
        let records = self.records();
        let mut order: Vec<usize> = (0..records.len()).collect();
        if records.len() <= limit {
            return order;
        }
        order.shuffle(&mut Seed::new(0).with("sample of videos").rng());
        order.sort_by_key(|&video| records[video].label);
        // Every so many of the list by class: a class is met as often as its share says, to the next whole number.
        let mut sample: Vec<usize> = (0..limit).map(|place| order[place * records.len() / limit]).collect();
        sample.sort_unstable();
        sample
    }
}

/// The attention on each clip as it is and as perturbed.
fn moved<M: VideoModel>(
    model: &M,
    adversary: &TemporalAdversary,
    clips: Tensor<5>,
    labels: &[usize],
    seed: Seed,
) -> Vec<[Vec<f32>; 2]> {
    let classes = match adversary.class {
        AttendedClass::Label => labels.to_vec(),
        AttendedClass::Prediction => answers(model, &clips),
    };
    let perturbed = towards(adversary).perturb(model, clips.clone(), &classes, seed.value());
    let [natural, perturbed] = [clips, perturbed.clips].map(|clips| attention(model, adversary, clips, &classes));
    natural.into_iter().zip(perturbed).map(|(natural, perturbed)| [natural, perturbed]).collect()
}

/// What the network answers to clips as they are shown.
pub(super) fn answers<M: VideoModel>(model: &M, clips: &Tensor<5>) -> Vec<usize> {
    predictions(&on_workers(|| model.forward(clips.clone(), &mut Pass::inference()).logits))
}

/// The adversary that attends to the classes it is given. One that asks the network for them asks with its own statistics,
/// and may hear of another class than the one that is measured and shown.
pub(super) fn towards(adversary: &TemporalAdversary) -> TemporalAdversary {
    TemporalAdversary { class: AttendedClass::Label, ..adversary.clone() }
}

fn attention<M: VideoModel>(
    model: &M,
    adversary: &TemporalAdversary,
    clips: Tensor<5>,
    classes: &[usize],
) -> Vec<Vec<f32>> {
    let (_, attention) = on_workers(|| {
        let output = model.forward(clips, &mut Pass::inference());
        explain(model, &adversary.attention, &output, classes)
    });
    let [_, time] = attention.dims();
    values(attention).chunks(time).map(<[f32]>::to_vec).collect()
}

#[cfg(test)]
mod tests {
    use std::path::Path;
    use std::sync::Arc;

    use taf_video::dataset::{Manifest, Record};
    use taf_video::transform::EvalTransformConfig;
    use taf_video::{Sampling, TemporalViews};

    use super::*;
    use crate::evaluate::{Average, Views};

    fn of_classes(counts: &[usize]) -> Evaluation {
        let video = |label: usize, number: usize| Record {
            path: format!("{label}/{number}"),
            label: Some(label),
            split: "val".into(),
            frames: 9,
            ..Record::default()
        };
        let records = counts.iter().enumerate().flat_map(|(label, &count)| (0..count).map(move |n| video(label, n)));
        let classes = (0..counts.len()).map(|class| class.to_string()).collect();
        Evaluation {
            videos: Arc::new(Manifest::new(Path::new("/"), classes, None, records.collect()).unwrap()),
            views: Views {
                sampling: Sampling::segments(8),
                temporal: TemporalViews::Centre,
                transform: EvalTransformConfig::default().init().unwrap(),
            },
            average: Average::Logits,
            batch_size: 4,
            threads: 1,
        }
    }

    #[test]
    fn a_sample_of_videos_has_every_class_by_its_share() {
        let evaluation = of_classes(&[40; 10]);
        let mut counts = [0; 10];
        evaluation.sample(64).iter().for_each(|&video| counts[evaluation.records()[video].label.unwrap()] += 1);
        assert!(counts.iter().all(|count| (6..=7).contains(count)), "{counts:?}");
        let uneven = of_classes(&[300, 0, 100]);
        let of_the_first = uneven.sample(40).iter().filter(|&&video| video < 300).count();
        assert_eq!(of_the_first, 30);
    }

    #[test]
    fn a_sample_is_no_beginning_and_the_same_every_time() {
        let evaluation = of_classes(&[100]);
        let sample = evaluation.sample(20);
        assert_eq!(sample, evaluation.sample(20));
        assert!(sample.is_sorted_by(|a, b| a < b) && *sample.last().unwrap() >= 50, "{sample:?}");
        assert_eq!(evaluation.sample(100), (0..100).collect::<Vec<_>>());
    }
}
