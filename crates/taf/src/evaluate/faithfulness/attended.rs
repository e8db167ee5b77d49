use burn::tensor::{Device, Tensor};
use taf_report::metrics::ClipAttention;

use crate::attention::{TemporalAttention, explain};
use crate::evaluate::{Evaluation, EvaluationError, Progress};
use crate::model::{Pass, VideoModel};
use crate::ops::{on_workers, values};

impl Evaluation {
    /// The attention of a network, for the label, to the middle clip of each of `videos` (their places, such as those of
    /// [`Self::sample`]), by each of several definitions: a list of clips for each, in their order. Lists of one network tell how
    /// alike definitions are ([`AttentionAgreement`](taf_report::metrics::AttentionAgreement)), those of two how far attention
    /// moved ([`AttentionMove`](taf_report::metrics::AttentionMove)).
    ///
    /// # Errors
    /// If a video cannot be read.
    pub fn attentions<M: VideoModel>(
        &self,
        model: &M,
        videos: &[usize],
        definitions: &[TemporalAttention],
        device: &Device,
        progress: Progress,
    ) -> Result<Vec<Vec<ClipAttention>>, EvaluationError> {
        let mut lists = vec![Vec::with_capacity(videos.len()); definitions.len()];
        let mut done = 0;
        for shown in self.middle_batches(videos, device) {
            let shown = shown?;
            let rows = attention_by(model, definitions, &shown.clips, &shown.labels);
            for (list, rows) in lists.iter_mut().zip(rows) {
                let clip = |((id, group), attention)| ClipAttention { id, group, attention };
                list.extend(shown.names().zip(rows).map(clip));
            }
            done += shown.labels.len();
            progress(done, videos.len());
        }
        Ok(lists)
    }
}

/// The attention to each clip for its class by each definition, one row a clip.
pub(super) fn attention_by<M: VideoModel>(
    model: &M,
    definitions: &[TemporalAttention],
    clips: &Tensor<5>,
    classes: &[usize],
) -> Vec<Vec<Vec<f32>>> {
    let attention = on_workers(|| {
        let output = model.forward(clips.clone(), &mut Pass::inference());
        definitions.iter().map(|definition| explain(model, definition, &output, classes).1).collect::<Vec<_>>()
    });
    let rows = |attention: Tensor<2>| {
        let [_, time] = attention.dims();
        values(attention).chunks(time).map(<[f32]>::to_vec).collect()
    };
    attention.into_iter().map(rows).collect()
}
