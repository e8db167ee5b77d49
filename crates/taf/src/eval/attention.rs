use burn::tensor::{Device, Tensor};
use taf_video::{Clip, Seed, TemporalViews};

use super::{EvalError, Progress};
use crate::adversary::TemporalAdversary;
use crate::attention::explain;
use crate::data::clips_to_tensor;
use crate::model::{Pass, VideoModel};
use crate::ops::values;
use crate::recipe::Plan;
use taf_report::metrics::{AttentionPair, AttentionSummary};

/// Measures, for the centre clip of the first `limit` validation videos, how the model spreads its attention, and how far
/// `adversary` moves it: the attention for the video's label on the natural and on the perturbed clip.
///
/// # Errors
/// If a video cannot be read.
pub fn probe<M: VideoModel>(
    model: &M,
    plan: &Plan,
    adversary: &TemporalAdversary,
    limit: usize,
    device: &Device,
    progress: Progress,
) -> Result<AttentionSummary, EvalError> {
    let records = plan.validation.records();
    let total = records.len().min(limit);
    let workers = plan.recipe.data.workers;
    let seed = Seed::new(plan.recipe.seed).with("probe");
    let mut views = plan.validation.eval_views(&plan.eval, TemporalViews::Centre, None, workers).take(total);
    let mut pairs = Vec::with_capacity(total);
    while pairs.len() < total {
        let clips: Result<Vec<Clip>, _> = views
            .by_ref()
            .take(plan.recipe.train.batch_size)
            .map(|views| views.map(|mut views| views.swap_remove(0)))
            .collect();
        let clips = clips_to_tensor(&clips?, device);
        let asked = &records[pairs.len()..][..clips.dims()[0]];
        let labels: Vec<usize> = asked.iter().map(|record| record.label).collect();
        let perturbed = adversary.perturb(model, clips.clone(), &labels, seed.at(pairs.len()).value());
        let [natural, moved] = [clips, perturbed.clips].map(|clips| attention(model, adversary, clips, &labels));
        pairs.extend(asked.iter().zip(natural.into_iter().zip(moved)).map(|(record, (natural, moved))| {
            AttentionPair {
                group: record.group.as_ref().unwrap_or(&record.path).clone(),
                natural,
                perturbed: Some(moved),
            }
        }));
        progress(pairs.len(), total);
    }
    Ok(AttentionSummary::new(&pairs, records.len())?)
}

fn attention<M: VideoModel>(
    model: &M,
    adversary: &TemporalAdversary,
    clips: Tensor<5>,
    labels: &[usize],
) -> Vec<Vec<f32>> {
    let output = model.forward(clips, &mut Pass::inference());
    let (_, attention) = explain(model, &adversary.attention, &output, labels);
    let [_, time] = attention.dims();
    values(attention).chunks(time).map(<[f32]>::to_vec).collect()
}
