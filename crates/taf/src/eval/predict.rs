use burn::tensor::Device;
use taf_video::Clip;

use super::EvalError;
use crate::data::{Spoiled, clips_to_tensor};
use crate::model::{Pass, VideoModel};
use crate::ops::{on_workers, values};
use crate::recipe::Plan;
use taf_report::metrics::{Predictions, ScoreKind};

/// Told after each video: how many are done, of how many.
pub type Progress<'a> = &'a mut dyn FnMut(usize, usize);

/// Classifies the validation videos, or a spoiled version of them. The logits of a video's views are averaged.
///
/// `model` should live on the plain `device` (see `Module::valid`): on an autodiff device every pass would be recorded.
///
/// # Errors
/// If a video cannot be read, or the model answers something that is not finite.
pub fn predict<M: VideoModel>(
    model: &M,
    plan: &Plan,
    spoiled: Option<Spoiled>,
    device: &Device,
    progress: Progress,
) -> Result<Predictions, EvalError> {
    let records = plan.validation.records();
    let data = &plan.recipe.data;
    let mut scores = Vec::with_capacity(records.len());
    let mut queue = Queue { model, device, views: Vec::new(), pending: Vec::new() };
    for views in plan.validation.eval_views(&plan.eval, data.views, spoiled, data.workers) {
        queue.push(views?);
        if queue.views.len() >= plan.recipe.train.batch_size {
            scores.extend(queue.flush());
            progress(scores.len(), records.len());
        }
    }
    scores.extend(queue.flush());
    progress(scores.len(), records.len());
    let ids = records.iter().map(|record| record.path.clone()).collect();
    let groups = records.iter().map(|record| record.group.clone().unwrap_or_else(|| record.path.clone())).collect();
    let labels = records.iter().map(|record| record.label).collect();
    Ok(Predictions::new(ids, labels, ScoreKind::Logits, scores)?.with_groups(groups)?)
}

/// Views that wait until a batch is full.
struct Queue<'a, M> {
    model: &'a M,
    device: &'a Device,
    views: Vec<Clip>,
    /// Views of each waiting video.
    pending: Vec<usize>,
}

impl<M: VideoModel> Queue<'_, M> {
    fn push(&mut self, views: Vec<Clip>) {
        self.pending.push(views.len());
        self.views.extend(views);
    }

    /// The mean logits of every waiting video.
    fn flush(&mut self) -> Vec<Vec<f32>> {
        if self.views.is_empty() {
            return Vec::new();
        }
        let clips = clips_to_tensor(&self.views, self.device);
        self.views.clear();
        let logits = on_workers(|| self.model.forward(clips, &mut Pass::inference()).logits);
        let [_, classes] = logits.dims();
        let logits = values(logits);
        let mut rows = logits.chunks(classes);
        self.pending.drain(..).map(|views| mean(rows.by_ref().take(views), views, classes)).collect()
    }
}

fn mean<'a>(rows: impl Iterator<Item = &'a [f32]>, count: usize, classes: usize) -> Vec<f32> {
    let mut sum = vec![0.0; classes];
    rows.for_each(|row| sum.iter_mut().zip(row).for_each(|(sum, value)| *sum += value));
    sum.iter().map(|sum| sum / count as f32).collect()
}
