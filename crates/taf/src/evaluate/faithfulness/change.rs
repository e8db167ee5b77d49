use burn::tensor::Device;
use taf_report::page::Strip;
use taf_video::Clip;

use crate::attention::TemporalAttention;
use crate::data::clips_to_tensor;
use crate::evaluate::EvaluationError;
use crate::evaluate::explanation::{Seen, pictures};
use crate::model::VideoModel;

/// What two networks see in one clip, such as one before and after fine-tuning.
#[derive(Clone, Debug)]
pub struct AttentionChange {
    /// The first network.
    pub before: Seen,
    /// The second.
    pub after: Seen,
}

impl AttentionChange {
    /// Asks two networks about one clip, for the same class.
    ///
    /// # Errors
    /// If a network's activations are not finite.
    pub fn new<A: VideoModel, B: VideoModel>(
        (before, after): (&A, &B),
        clip: &Clip,
        class: usize,
        attention: &TemporalAttention,
        device: &Device,
    ) -> Result<Self, EvaluationError> {
        let clips = clips_to_tensor([clip], device);
        Ok(Self {
            before: Seen::new(before, clips.clone(), class, attention)?,
            after: Seen::new(after, clips, class, attention)?,
        })
    }

    /// The picture: the frames, what argues for the class in each network, and attention, under the names of the networks. A frame
    /// is `frame_width` pixels wide, or as wide as is legible on a page.
    ///
    /// # Errors
    /// If it cannot be drawn.
    pub fn strip(
        &self,
        title: &str,
        [before, after]: [&str; 2],
        classes: &[String],
        frame_width: Option<u32>,
    ) -> Result<Vec<u8>, EvaluationError> {
        let frames = pictures(&self.before.clip);
        let captions = [&self.before, &self.after].map(|seen| seen.caption(classes));
        let strip = Strip {
            title,
            natural: self.before.view(before, &captions[0], &frames),
            perturbed: Some(self.after.view(after, &captions[1], &frames)),
            one_clip: true,
            frame_width,
        };
        Ok(strip.to_png()?)
    }
}
