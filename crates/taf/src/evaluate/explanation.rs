use burn::tensor::{Device, Tensor, activation};
use image::RgbImage;
use taf_report::page::{ActivationMaps, Strip, View};
use taf_video::{Clip, Frame};

use super::EvaluationError;
use super::probe::{answers, towards};
use crate::adversary::{AttendedClass, TemporalAdversary};
use crate::attention::{TemporalAttention, explain};
use crate::data::{clips_to_tensor, tensor_to_clips};
use crate::model::{Pass, VideoModel};
use crate::ops::{on_workers, values};

/// What a network sees in one clip, natural and perturbed.
#[derive(Clone, Debug)]
pub struct Explanation {
    /// The class whose evidence is shown.
    pub class: usize,
    /// The clip as it is.
    pub natural: Seen,
    /// The temporal adversarial clip.
    pub perturbed: Seen,
}

/// One version of a clip and what the network makes of it.
#[derive(Clone, Debug)]
pub struct Seen {
    /// The pixels, 8 bits.
    pub clip: Clip,
    /// Class probabilities.
    pub probabilities: Vec<f32>,
    /// Class-activation maps of the explained class.
    pub maps: ActivationMaps,
    /// Attention per frame, summing to 1.
    pub attention: Vec<f32>,
}

impl Explanation {
    /// Explains one clip. The class is `label` where the adversary attends to labels and one is given, else the prediction.
    ///
    /// # Errors
    /// If the network's activations are not finite.
    pub fn new<M: VideoModel>(
        model: &M,
        clip: &Clip,
        label: Option<usize>,
        adversary: &TemporalAdversary,
        device: &Device,
        seed: u64,
    ) -> Result<Self, EvaluationError> {
        let clips = clips_to_tensor([clip], device);
        let label = label.filter(|_| adversary.class == AttendedClass::Label);
        let class = label.unwrap_or_else(|| answers(model, &clips)[0]);
        let perturbed = towards(adversary).perturb(model, clips.clone(), &[class], seed).clips;
        Ok(Self {
            class,
            natural: Seen::new(model, clips, class, &adversary.attention)?,
            perturbed: Seen::new(model, perturbed, class, &adversary.attention)?,
        })
    }

    /// The picture: frames, activation maps on one scale for the clip, attention curves, amplified difference. A frame is
    /// `frame_width` pixels wide, or as wide as is legible on a page.
    ///
    /// # Errors
    /// If it cannot be drawn.
    pub fn strip(&self, title: &str, classes: &[String], frame_width: Option<u32>) -> Result<Vec<u8>, EvaluationError> {
        let seen = [&self.natural, &self.perturbed];
        let [natural, perturbed] = seen.map(|seen| seen.caption(classes));
        let [natural_frames, perturbed_frames] = seen.map(|seen| pictures(&seen.clip));
        let strip = Strip {
            title,
            natural: self.natural.view("natural", &natural, &natural_frames),
            perturbed: Some(self.perturbed.view("TA", &perturbed, &perturbed_frames)),
            one_clip: false,
            frame_width,
        };
        Ok(strip.to_png()?)
    }
}

impl Seen {
    /// What a network makes of the one clip of `clips`, for a class.
    pub(super) fn new<M: VideoModel>(
        model: &M,
        clips: Tensor<5>,
        class: usize,
        attention: &TemporalAttention,
    ) -> Result<Self, EvaluationError> {
        let (logits, (cam, attention)) = on_workers(|| {
            let output = model.forward(clips.clone(), &mut Pass::inference());
            let explained = explain(model, attention, &output, &[class]);
            (output.logits, explained)
        });
        let [_, time, height, width] = cam.dims();
        Ok(Self {
            clip: tensor_to_clips(clips).swap_remove(0),
            probabilities: values(activation::softmax(logits, 1)),
            maps: ActivationMaps::new(time, height, width, values(cam))?,
            attention: values(attention),
        })
    }

    /// The five likeliest classes with their probabilities, the likeliest first.
    pub fn top5(&self) -> Vec<(usize, f32)> {
        let mut ranked: Vec<_> = self.probabilities.iter().copied().enumerate().collect();
        ranked.sort_by(|(_, a), (_, b)| b.total_cmp(a));
        ranked.truncate(5);
        ranked
    }

    /// The likeliest class and its probability.
    pub(super) fn caption(&self, classes: &[String]) -> String {
        let (class, probability) = self.top5()[0];
        format!("{} {:.0} %", classes[class], 100.0 * probability)
    }

    /// As a strip shows it.
    pub(super) fn view<'a>(&'a self, name: &'a str, caption: &'a str, frames: &'a [RgbImage]) -> View<'a> {
        View { name, caption, frames, maps: &self.maps, attention: &self.attention }
    }
}

/// The frames of a clip.
pub(super) fn pictures(clip: &Clip) -> Vec<RgbImage> {
    let picture =
        |frame: &Frame| RgbImage::from_raw(frame.width() as u32, frame.height() as u32, frame.data().to_vec());
    clip.frames().iter().map(|frame| picture(frame).expect("a frame holds its pixels")).collect()
}
