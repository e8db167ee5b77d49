use burn::tensor::{Device, Tensor};
use serde_json::Value;
use taf_report::metrics::ClipAttention;

use crate::attention::{TemporalAttention, explain};
use crate::evaluate::shown::Shown;
use crate::evaluate::trial::{Trial, replace, to_json};
use crate::evaluate::{Evaluation, EvaluationError, Progress};
use crate::model::{Pass, VideoModel};
use crate::ops::{on_workers, values};

/// The attention of a network by several definitions, clip by clip: see [`Evaluation::attentions`].
pub struct AttentionTrial<'a, M> {
    model: &'a M,
    definitions: &'a [TemporalAttention],
    /// The clips for each definition.
    lists: Vec<Vec<ClipAttention>>,
}

impl<'a, M: VideoModel> AttentionTrial<'a, M> {
    /// No clip is looked at yet; there is at least one definition.
    pub fn new(model: &'a M, definitions: &'a [TemporalAttention]) -> Self {
        Self { model, definitions, lists: vec![Vec::new(); definitions.len()] }
    }

    /// The attention to every clip, a list for each definition.
    pub fn lists(&self) -> &[Vec<ClipAttention>] {
        &self.lists
    }
}

impl<M: VideoModel> Trial for AttentionTrial<'_, M> {
    fn clips(&self) -> usize {
        self.lists.first().map_or(0, Vec::len)
    }

    fn add(&mut self, shown: &Shown) -> Result<(), EvaluationError> {
        let rows = attention_by(self.model, self.definitions, shown)?;
        for (list, rows) in self.lists.iter_mut().zip(rows) {
            let clip = |((id, group), attention)| ClipAttention { id, group, attention };
            list.extend(shown.names().zip(rows).map(clip));
        }
        Ok(())
    }

    fn found(&self) -> Value {
        to_json(&self.lists)
    }

    fn go_on_from(&mut self, found: Value, clips: usize) -> bool {
        let definitions = self.definitions.len();
        let fits = |known: &Vec<Vec<_>>| known.len() == definitions && known.iter().all(|list| list.len() == clips);
        replace(&mut self.lists, found, fits)
    }
}

impl Evaluation {
    /// The attention of a network, for the label, to the middle clip of each of `videos` (their places, such as those of
    /// [`Self::sample`]), by each of several definitions: a list of clips for each, in their order. Lists of one network tell how
    /// alike definitions are ([`AttentionAgreement`](taf_report::metrics::AttentionAgreement)), those of two how far attention
    /// moved ([`AttentionMove`](taf_report::metrics::AttentionMove)).
    ///
    /// # Errors
    /// If a video cannot be read, or the network answers something that is not finite.
    pub fn attentions<M: VideoModel>(
        &self,
        model: &M,
        videos: &[usize],
        definitions: &[TemporalAttention],
        device: &Device,
        progress: Progress,
    ) -> Result<Vec<Vec<ClipAttention>>, EvaluationError> {
        let mut trial = AttentionTrial::new(model, definitions);
        self.try_one(videos, &mut trial, device, progress)?;
        Ok(trial.lists)
    }
}

/// The attention to each clip for its class by each definition, one row a clip.
pub(super) fn attention_by<M: VideoModel>(
    model: &M,
    definitions: &[TemporalAttention],
    shown: &Shown,
) -> Result<Vec<Vec<Vec<f32>>>, EvaluationError> {
    let (attention, logits) = on_workers(|| {
        let output = model.forward(shown.clips.clone(), &mut Pass::inference());
        let by = |definition| explain(model, definition, &output, &shown.labels).1;
        (definitions.iter().map(by).collect::<Vec<_>>(), output.logits)
    });
    shown.check_finite(logits)?;
    let rows = |attention: Tensor<2>| {
        let [_, time] = attention.dims();
        values(attention).chunks(time).map(<[f32]>::to_vec).collect()
    };
    Ok(attention.into_iter().map(rows).collect())
}
