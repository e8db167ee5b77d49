use std::collections::VecDeque;
use std::iter::Fuse;

use burn::tensor::Device;
use taf_video::{Clip, Result};

use crate::data::clips_to_tensor;
use crate::model::{Pass, VideoModel};
use crate::ops::{on_workers, values};

/// Why a video has no answer.
#[derive(Debug, thiserror::Error)]
pub enum AnswerError {
    /// It could not be read.
    #[error(transparent)]
    Video(#[from] taf_video::Error),
    /// What the network says about it is no number.
    #[error("the network must answer finite logits, got {value} for class {class} of view {view}")]
    NotFinite {
        /// The first such logit.
        value: f32,
        /// Its class.
        class: usize,
        /// Its view, from 0.
        view: usize,
    },
}

/// What a network says about videos as they come, each with the name it came with, in their order: one row of logits per
/// view. At most `batch_size` views, at least 1, go through the network together, those of several videos or a part of those
/// of one; the answers depend on it only by rounding. No more videos are taken than fill a batch.
///
/// A video that cannot be read or has no finite answer is an error of that video alone. Clips of one size and length make a
/// batch; where they change, a batch ends.
///
/// `model` should live on the plain `device` (see `Module::valid`): on an autodiff device every pass would be recorded.
pub fn ask<'a, M, K, V>(
    model: &'a M,
    device: &'a Device,
    batch_size: usize,
    videos: V,
) -> impl Iterator<Item = (K, std::result::Result<Vec<Vec<f32>>, AnswerError>)> + use<'a, M, K, V>
where
    M: VideoModel,
    V: IntoIterator<Item = (K, Result<Vec<Clip>>)>,
{
    let videos = videos.into_iter().fuse();
    Asking { model, device, batch_size, videos, open: VecDeque::new(), clips: VecDeque::new(), rows: VecDeque::new() }
}

/// Videos on their way through a network.
struct Asking<'a, M, K, V> {
    model: &'a M,
    device: &'a Device,
    batch_size: usize,
    videos: Fuse<V>,
    /// Videos without an answer so far, with the number of their views.
    open: VecDeque<(K, Result<usize>)>,
    /// The next views to go through the network.
    clips: VecDeque<Clip>,
    /// What it said about the views before those, from the first of the first open video on.
    rows: VecDeque<Vec<f32>>,
}

impl<M: VideoModel, K, V: Iterator<Item = (K, Result<Vec<Clip>>)>> Iterator for Asking<'_, M, K, V> {
    type Item = (K, std::result::Result<Vec<Vec<f32>>, AnswerError>);

    fn next(&mut self) -> Option<Self::Item> {
        if self.open.is_empty() {
            self.take_video();
        }
        while self.open.front().is_some_and(|(_, views)| views.as_ref().is_ok_and(|views| *views > self.rows.len())) {
            self.fill_and_ask();
        }
        self.answer()
    }
}

impl<M: VideoModel, K, V: Iterator<Item = (K, Result<Vec<Clip>>)>> Asking<'_, M, K, V> {
    fn fill_and_ask(&mut self) {
        while self.clips.len() < self.batch_size.max(1) && self.take_video() {}
        let batch = self.next_batch();
        self.rows.extend(logits(self.model, &batch, self.device));
    }

    /// Puts the views of the next video behind those that wait; whether there was one.
    fn take_video(&mut self) -> bool {
        let Some((name, views)) = self.videos.next() else { return false };
        let waiting = self.clips.len();
        let count = views.map(|views| {
            self.clips.extend(views);
            self.clips.len() - waiting
        });
        self.open.push_back((name, count));
        true
    }

    /// The first views that wait, as many as may go through the network together.
    fn next_batch(&mut self) -> Vec<Clip> {
        let shape = |clip: &Clip| (clip.len(), clip.width(), clip.height());
        let alike = self.clips.iter().take_while(|clip| shape(clip) == shape(&self.clips[0])).count();
        self.clips.drain(..alike.min(self.batch_size.max(1))).collect()
    }

    /// The answer to the first open video, whose rows are there.
    fn answer(&mut self) -> Option<<Self as Iterator>::Item> {
        let (name, views) = self.open.pop_front()?;
        let answer = views.map_err(AnswerError::from).and_then(|views| finite(self.rows.drain(..views).collect()));
        Some((name, answer))
    }
}

/// One row of logits per clip.
fn logits<M: VideoModel>(model: &M, clips: &[Clip], device: &Device) -> Vec<Vec<f32>> {
    let clips = clips_to_tensor(clips, device);
    let logits = on_workers(|| model.forward(clips, &mut Pass::inference()).logits);
    let [_, classes] = logits.dims();
    values(logits).chunks(classes).map(<[f32]>::to_vec).collect()
}

fn finite(rows: Vec<Vec<f32>>) -> std::result::Result<Vec<Vec<f32>>, AnswerError> {
    for (view, row) in rows.iter().enumerate() {
        if let Some(class) = row.iter().position(|value| !value.is_finite()) {
            return Err(AnswerError::NotFinite { value: row[class], class, view });
        }
    }
    Ok(rows)
}

#[cfg(test)]
mod tests {
    use burn::module::Module;
    use burn::tensor::{Int, Tensor};
    use taf_video::{Error, Frame};

    use super::*;
    use crate::model::VideoOutput;

    const BATCH: usize = 3;

    /// Says how bright a clip is, and infinity of a black one.
    #[derive(Module, Debug)]
    struct Brightness {
        unused: (),
    }

    impl VideoModel for Brightness {
        fn forward(&self, clips: Tensor<5>, _: &mut Pass) -> VideoOutput {
            let [batch, time, _, height, width] = clips.dims();
            assert!(batch <= BATCH, "{batch} views at once");
            let mean = clips.clone().reshape([batch as i32, -1]).mean_dim(1) * 255.0;
            let logits = Tensor::cat(vec![mean.clone(), mean.recip()], 1);
            VideoOutput::new(logits, clips.reshape([batch, time, height, width, 3]))
        }

        fn cam_weights(&self, _: &VideoOutput, _: Tensor<1, Int>) -> Tensor<2> {
            unreachable!("nobody asks for a map")
        }

        fn classes(&self) -> usize {
            2
        }
    }

    fn clip(side: usize, brightness: u8) -> Clip {
        Clip::new(vec![Frame::new(side, side, vec![brightness; 3 * side * side]); 2])
    }

    fn views(brightness: &[u8]) -> Result<Vec<Clip>> {
        Ok(brightness.iter().map(|&brightness| clip(4, brightness)).collect())
    }

    fn broken() -> Result<Vec<Clip>> {
        Err(Error::Content { path: "b.mp4".into(), expected: "a video".into(), found: "a poem".into() })
    }

    /// The names and, in whole numbers, the first logit of every view; none for an error.
    fn answers(videos: Vec<(char, Result<Vec<Clip>>)>) -> Vec<(char, Option<Vec<i64>>)> {
        let first = |rows: Vec<Vec<f32>>| rows.iter().map(|row| row[0].round() as i64).collect();
        let model = Brightness { unused: () };
        ask(&model, &Device::flex(), BATCH, videos).map(|(name, rows)| (name, rows.ok().map(first))).collect()
    }

    #[test]
    fn every_video_has_its_own_views_in_order_however_they_fall_into_batches() {
        let videos = vec![
            ('a', views(&[1])),
            ('b', views(&[2, 3, 4, 5, 6, 7, 8])),
            ('c', views(&[9, 10])),
            ('d', views(&[11, 12, 13])),
        ];
        let expected = [
            ('a', Some(vec![1])),
            ('b', Some(vec![2, 3, 4, 5, 6, 7, 8])),
            ('c', Some(vec![9, 10])),
            ('d', Some(vec![11, 12, 13])),
        ];
        assert_eq!(answers(videos), expected);
        assert_eq!(answers(vec![]), []);
    }

    #[test]
    fn a_bad_video_is_passed_through_in_its_place() {
        let videos =
            vec![('a', broken()), ('b', views(&[1, 2])), ('c', broken()), ('d', views(&[3, 0, 4])), ('e', views(&[5]))];
        let expected = [('a', None), ('b', Some(vec![1, 2])), ('c', None), ('d', None), ('e', Some(vec![5]))];
        assert_eq!(answers(videos), expected);
    }

    #[test]
    fn an_answer_that_is_no_number_names_class_and_view() {
        let videos = [("v", views(&[7, 0]))];
        let (_, answer) = ask(&Brightness { unused: () }, &Device::flex(), BATCH, videos).next().unwrap();
        let expected = "the network must answer finite logits, got inf for class 1 of view 1";
        assert_eq!(answer.unwrap_err().to_string(), expected);
    }

    #[test]
    fn clips_of_other_sizes_go_through_the_network_alone() {
        let videos = vec![('a', Ok(vec![clip(4, 1), clip(6, 2)])), ('b', Ok(vec![clip(6, 3)])), ('c', views(&[4]))];
        assert_eq!(answers(videos), [('a', Some(vec![1, 2])), ('b', Some(vec![3])), ('c', Some(vec![4]))]);
    }

    #[test]
    fn no_more_videos_are_taken_than_fill_a_batch() {
        let mut taken = 0;
        let videos = (0..100u8).map(|number| {
            taken += 1;
            (number, views(&[number + 1, 1]))
        });
        let (model, device) = (Brightness { unused: () }, Device::flex());
        let mut answers = ask(&model, &device, BATCH, videos);
        assert_eq!(answers.next().unwrap().0, 0);
        drop(answers);
        assert_eq!(taken, 2);
    }
}
