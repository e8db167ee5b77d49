//! The temporal perturbations of SSv2-P (Schiappa et al., CVPR 2023): frames of the video in another order, or fewer of them.
//!
//! They are published for inputs of 128 frames, of which a network then takes its own. Here they work on all frames of the video
//! before those of the clip are chosen, and their lengths are shares of the video, as of 128, but at least 2 frames: less
//! changes nothing. So the first severities of videos of less than 128 frames can be alike.

use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;

use super::Severity;

/// Frames for which the lengths are published.
const PUBLISHED_FRAMES: f64 = 128.0;
/// From one shown frame to the next.
const STRIDE: [usize; 5] = [2, 4, 8, 16, 32];
/// Within so many frames the order is lost. The worse severity has the shorter stretch, as published.
const JUMBLED: [usize; 5] = [32, 16, 8, 4, 2];
/// So many frames stay together.
const BOX: [usize; 5] = [4, 9, 16, 25, 36];
/// The share of frames that is kept; at the last severity it is one frame.
const KEPT: [f64; 5] = [0.4, 0.2, 0.1, 0.05, 0.0];
/// And at least so many.
const FEWEST_KEPT: [usize; 5] = [1, 1, 1, 2, 1];

/// Every frame is held until the next but so many.
pub fn sampling(indices: &[usize], num_frames: usize, severity: Severity, _: &mut ChaCha8Rng) -> Vec<usize> {
    let stride = length(num_frames, severity.of(STRIDE));
    indices.iter().map(|index| index / stride * stride).collect()
}

/// The video that `sampling` shows, from its end to its beginning.
pub fn reverse_sampling(indices: &[usize], num_frames: usize, severity: Severity, rng: &mut ChaCha8Rng) -> Vec<usize> {
    let reversed: Vec<usize> = indices.iter().map(|index| num_frames - 1 - index).collect();
    sampling(&reversed, num_frames, severity, rng)
}

pub fn jumble(indices: &[usize], num_frames: usize, severity: Severity, rng: &mut ChaCha8Rng) -> Vec<usize> {
    let mut video: Vec<usize> = (0..num_frames).collect();
    video.chunks_mut(length(num_frames, severity.of(JUMBLED))).for_each(|stretch| stretch.shuffle(rng));
    shown(indices, &video)
}

pub fn box_jumble(indices: &[usize], num_frames: usize, severity: Severity, rng: &mut ChaCha8Rng) -> Vec<usize> {
    let video: Vec<usize> = (0..num_frames).collect();
    let mut boxes: Vec<&[usize]> = video.chunks(length(num_frames, severity.of(BOX))).collect();
    boxes.shuffle(rng);
    shown(indices, &boxes.concat())
}

/// A few frames, each held until the next of them. What is before the first shows the first, so that the video keeps its
/// length; the published code drops it.
pub fn freeze(indices: &[usize], num_frames: usize, severity: Severity, rng: &mut ChaCha8Rng) -> Vec<usize> {
    let share = (num_frames as f64 * severity.of(KEPT)).round() as usize;
    let mut kept: Vec<usize> = (0..num_frames).collect();
    kept.shuffle(rng);
    kept.truncate(share.max(severity.of(FEWEST_KEPT)));
    kept.sort_unstable();
    indices.iter().map(|index| kept[kept.partition_point(|frame| frame <= index).saturating_sub(1)]).collect()
}

fn shown(indices: &[usize], video: &[usize]) -> Vec<usize> {
    indices.iter().map(|&index| video[index]).collect()
}

/// A published length in a video of `num_frames`.
fn length(num_frames: usize, published: usize) -> usize {
    (num_frames as f64 * published as f64 / PUBLISHED_FRAMES).round().max(2.0) as usize
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Seed;

    type Change = fn(&[usize], usize, Severity, &mut ChaCha8Rng) -> Vec<usize>;

    /// Every frame of a video.
    fn run(change: Change, num_frames: usize, severity: u8, seed: u64) -> Vec<usize> {
        let all: Vec<usize> = (0..num_frames).collect();
        change(&all, num_frames, Severity::new(severity).unwrap(), &mut Seed::new(seed).rng())
    }

    fn sorted(frames: &[usize]) -> Vec<usize> {
        let mut sorted = frames.to_vec();
        sorted.sort_unstable();
        sorted
    }

    #[test]
    fn frames_are_held_over_the_published_strides_and_their_share_of_longer_videos() {
        for (severity, stride) in (1..).zip(STRIDE) {
            let expected: Vec<usize> = (0..128).map(|frame| frame - frame % stride).collect();
            assert_eq!(run(sampling, 128, severity, 0), expected);
            assert_eq!(run(sampling, 256, severity, 0)[2 * stride], 2 * stride);
            assert_eq!(run(sampling, 256, severity, 0)[2 * stride - 1], 0);
        }
        assert_eq!(run(sampling, 6, 1, 0), [0, 0, 2, 2, 4, 4]);
        assert_eq!(run(reverse_sampling, 6, 1, 0), [4, 4, 2, 2, 0, 0]);
    }

    #[test]
    fn jumbled_frames_stay_within_their_stretch() {
        for (severity, stretch) in (1..).zip(JUMBLED) {
            let video = run(jumble, 128, severity, 3);
            assert!((0..128).all(|place| video[place] / stretch == place / stretch), "{severity}");
            assert!(sorted(&video).into_iter().eq(0..128) && !video.is_sorted());
        }
    }

    #[test]
    fn boxes_keep_their_order_inside_and_lose_that_among_them() {
        for (severity, size) in (1..).zip(BOX) {
            let video = run(box_jumble, 128, severity, 4);
            let follows = (1..128).filter(|&place| video[place] == video[place - 1] + 1).count();
            let boxes = 128_usize.div_ceil(size);
            assert!(follows >= 128 - boxes && !video.is_sorted(), "{severity}");
            assert!(sorted(&video).into_iter().eq(0..128));
        }
    }

    #[test]
    fn a_frozen_video_shows_the_published_number_of_frames() {
        for (severity, kept) in (1..).zip([51, 26, 13, 6, 1]) {
            let video = run(freeze, 128, severity, 5);
            let mut frames = video.clone();
            frames.dedup();
            assert_eq!(frames.len(), kept);
            assert!(video.is_sorted() && frames.iter().all(|&frame| video[frame] == frame));
        }
    }

    #[test]
    fn a_video_of_a_few_frames_survives() {
        for change in [sampling, reverse_sampling, jumble, box_jumble, freeze] {
            for severity in 1..=5 {
                assert_eq!(run(change, 1, severity, 0), [0]);
                assert!(run(change, 3, severity, 0).iter().all(|&frame| frame < 3));
            }
        }
    }
}
