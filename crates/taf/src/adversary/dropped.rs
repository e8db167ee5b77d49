use burn::tensor::{Tensor, TensorData};
use rand::seq::index;
use serde::{Deserialize, Serialize};
use taf_video::Seed;

use crate::ops::values;

/// What says which frames a clip loses.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum DroppedBy {
    /// Those with the most attention on the natural clip; of equals the earlier. Where a network's features have fewer steps in
    /// time than its clips, the frames of a step are equals.
    Attention,
    /// Any, alike for all: the control.
    Chance,
}

/// The `count` frames of each clip with the most attention, `[batch, steps]` with steps that divide `time`.
pub(super) fn most_attended(attention: &Tensor<2>, time: usize, count: usize) -> Vec<Vec<usize>> {
    let [_, steps] = attention.dims();
    let most = |row: &[f32]| {
        let mut frames: Vec<usize> = (0..time).collect();
        frames.sort_by(|&a, &b| row[b * steps / time].total_cmp(&row[a * steps / time]));
        frames.truncate(count);
        frames
    };
    values(attention.clone()).chunks(steps).map(most).collect()
}

/// Any `count` frames of a clip.
pub(super) fn drawn(time: usize, count: usize, seed: Seed) -> Vec<usize> {
    index::sample(&mut seed.rng(), time, count).into_vec()
}

/// The clips with the nearest frame that is left, of two the earlier, in the place of each dropped one.
///
/// # Shapes
/// - `clips`: `[batch, time, 3, height, width]`; `dropped`: one list of frames per clip, which leaves it at least one
pub(super) fn without_frames(clips: Tensor<5>, dropped: &[Vec<usize>]) -> Tensor<5> {
    let [_, time, ..] = clips.dims();
    let of_clip = |(at, dropped): (usize, &Vec<usize>)| {
        let left: Vec<usize> = (0..time).filter(|frame| !dropped.contains(frame)).collect();
        let shown: Vec<i64> = nearest(&left, time).into_iter().map(|frame| frame as i64).collect();
        let shown = Tensor::from_data(TensorData::new(shown, [time]), &clips.device());
        clips.clone().narrow(0, at, 1).select(1, shown)
    };
    Tensor::cat(dropped.iter().enumerate().map(of_clip).collect(), 0)
}

/// The frame that stands at each of `time` places where only those that are `left`, at least one, are there: the nearest of them,
/// of two the earlier.
pub(crate) fn nearest(left: &[usize], time: usize) -> Vec<usize> {
    let at = |place: usize| *left.iter().min_by_key(|&&frame| (frame.abs_diff(place), frame)).expect("a frame is left");
    (0..time).map(at).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use burn::tensor::Device;

    #[test]
    fn in_the_place_of_a_dropped_frame_stands_the_nearest_that_is_left() {
        assert_eq!(nearest(&[0, 1, 2, 3, 4], 5), [0, 1, 2, 3, 4]);
        assert_eq!(nearest(&[0, 1, 3, 4], 5), [0, 1, 1, 3, 4], "of two the earlier");
        assert_eq!(nearest(&[3, 2], 5), [2, 2, 2, 3, 3]);
        assert_eq!(nearest(&[1], 3), [1, 1, 1]);
    }

    #[test]
    fn the_most_attended_frames_go_first_and_of_a_step_the_earlier() {
        let attention = Tensor::from_data([[0.2, 0.5, 0.3], [0.4, 0.2, 0.4]], &Device::flex());
        assert_eq!(most_attended(&attention, 3, 2), [[1, 2], [0, 2]]);
        assert_eq!(most_attended(&attention, 6, 3), [[2, 3, 4], [0, 1, 4]]);
    }

    #[test]
    fn every_clip_loses_frames_of_its_own() {
        let clips = Tensor::<1>::from_data([0.0, 1.0, 2.0, 3.0, 4.0, 5.0], &Device::flex()).reshape([2, 3, 1, 1, 1]);
        let left = without_frames(clips, &[vec![0], vec![1, 2]]);
        assert_eq!(values(left), [1.0, 1.0, 2.0, 3.0, 3.0, 3.0]);
    }

    #[test]
    fn frames_drawn_are_distinct_spread_over_the_clip_and_of_the_seed() {
        let (time, count) = (8, 2);
        let drawn_of = |seed| (0..4000).map(|clip| drawn(time, count, Seed::new(seed).at(clip))).collect::<Vec<_>>();
        let all = drawn_of(1);
        assert!(all.iter().all(|frames| frames.len() == count && frames[0] != frames[1]));
        for frame in 0..time {
            let times = all.iter().filter(|frames| frames.contains(&frame)).count();
            assert!((900..1100).contains(&times), "frame {frame} is dropped {times} times of 1000 expected");
        }
        assert!(all == drawn_of(1) && all != drawn_of(2));
    }
}
