use burn::tensor::{Device, Tensor, TensorData};
use rayon::prelude::*;
use taf_video::Clip;

use crate::ops::values;

/// A clip as the network will see it, with its label and the name errors call it by.
#[derive(Clone, Debug)]
pub struct Sample {
    /// The pixels.
    pub clip: Clip,
    /// Class index.
    pub label: usize,
    /// Path of the video in the manifest.
    pub id: String,
}

/// Samples of one size that go through the network together.
#[derive(Clone, Debug)]
pub struct ClipBatch {
    /// Pixels, labels and names, at least one.
    pub samples: Vec<Sample>,
}

impl ClipBatch {
    /// One label per clip.
    pub fn labels(&self) -> Vec<usize> {
        self.samples.iter().map(|sample| sample.label).collect()
    }

    /// The clips as `[batch, time, 3, height, width]` in [0, 1].
    pub fn to_tensor(&self, device: &Device) -> Tensor<5> {
        clips_to_tensor(self.samples.iter().map(|sample| &sample.clip), device)
    }
}

/// Clips of one size as `[batch, time, 3, height, width]` in [0, 1].
///
/// # Panics
/// If there is no clip, or sizes or lengths differ.
pub fn clips_to_tensor<'a>(clips: impl IntoIterator<Item = &'a Clip>, device: &Device) -> Tensor<5> {
    let clips: Vec<&Clip> = clips.into_iter().collect();
    let shape = |clip: &Clip| [clip.len(), 3, clip.height(), clip.width()];
    let first = shape(clips.first().expect("a batch has at least one clip"));
    assert!(clips.iter().all(|clip| shape(clip) == first), "the clips of a batch share one size and length");
    let frames: Vec<_> = clips.iter().flat_map(|clip| clip.frames()).collect();
    let area = first[2] * first[3];
    let mut values = vec![0.0; frames.len() * 3 * area];
    values.par_chunks_mut(3 * area).zip(frames).for_each(|(planes, frame)| {
        for (channel, plane) in planes.chunks_mut(area).enumerate() {
            let bytes = frame.data().iter().skip(channel).step_by(3);
            plane.iter_mut().zip(bytes).for_each(|(value, byte)| *value = f32::from(*byte) / 255.0);
        }
    });
    let [time, channels, height, width] = first;
    Tensor::from_data(TensorData::new(values, [clips.len(), time, channels, height, width]), device)
}

/// Clips back from `[batch, time, 3, height, width]` in [0, 1], rounded to 8 bits.
pub fn tensor_to_clips(clips: Tensor<5>) -> Vec<Clip> {
    let [_, time, _, height, width] = clips.dims();
    let area = height * width;
    let frame = |planes: &[f32]| {
        let byte = |at: usize| (planes[at].clamp(0.0, 1.0) * 255.0).round() as u8;
        let data = (0..area).flat_map(|at| [byte(at), byte(area + at), byte(2 * area + at)]).collect();
        taf_video::Frame::new(width, height, data)
    };
    values(clips).chunks(time * 3 * area).map(|clip| Clip::new(clip.chunks(3 * area).map(frame).collect())).collect()
}

#[cfg(test)]
mod tests {
    use super::{clips_to_tensor, tensor_to_clips};
    use burn::tensor::Device;
    use taf_video::{Clip, Frame};

    #[test]
    fn a_clip_survives_the_way_into_a_tensor_and_back() {
        let frame = |start: u8| Frame::new(3, 2, (0..18).map(|i| start.wrapping_add(i * 13)).collect());
        let clips = [Clip::new(vec![frame(0), frame(9)]), Clip::new(vec![frame(100), frame(255)])];
        let tensor = clips_to_tensor(&clips, &Device::flex());
        assert_eq!(tensor.dims(), [2, 2, 3, 2, 3]);
        let green = tensor.clone().slice([0..1, 1..2, 1..2, 0..1, 2..3]).into_scalar::<f32>();
        assert_eq!(green, f32::from(clips[0].frames()[1].pixel(2, 0)[1]) / 255.0);
        assert_eq!(tensor_to_clips(tensor), clips);
    }
}
