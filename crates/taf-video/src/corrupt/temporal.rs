//! Frames that come at the wrong time, or not at all.
//!
//! A share of a clip is counted in eighths of its frames, at least one frame and never all of them.

use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;

use super::Severity;
use crate::shift_indices;

/// How far a clip starts from where it should, as a share of the video.
const SHIFT: [f64; 5] = [0.05, 0.10, 0.15, 0.20, 0.25];
/// How many times faster than it should, or slower, a video plays.
const PACE: [f64; 5] = [1.25, 1.5, 2.0, 2.5, 3.0];
/// Frames affected, in eighths of the clip.
const LOST_EIGHTHS: [usize; 5] = [1, 2, 3, 4, 5];
/// Length of the stretches whose order changes, in eighths of the clip.
const STRETCH_EIGHTHS: [usize; 5] = [2, 3, 4, 6, 8];

pub fn start_earlier(indices: &[usize], num_frames: usize, severity: Severity, _: &mut ChaCha8Rng) -> Vec<usize> {
    shift_indices(indices, -shift_frames(num_frames, severity), num_frames)
}

pub fn start_later(indices: &[usize], num_frames: usize, severity: Severity, _: &mut ChaCha8Rng) -> Vec<usize> {
    shift_indices(indices, shift_frames(num_frames, severity), num_frames)
}

fn shift_frames(num_frames: usize, severity: Severity) -> isize {
    (num_frames as f64 * severity.of(SHIFT)).round().max(1.0) as isize
}

pub fn dropped(indices: &[usize], _: usize, severity: Severity, rng: &mut ChaCha8Rng) -> Vec<usize> {
    let mut order: Vec<usize> = (0..indices.len()).collect();
    order.shuffle(rng);
    let mut kept = order.split_off(lost_frames(indices.len(), severity));
    kept.sort_unstable();
    let nearest_kept = |place: usize| kept[kept.partition_point(|&k| k <= place).saturating_sub(1)];
    (0..indices.len()).map(|place| indices[nearest_kept(place)]).collect()
}

pub fn frozen(indices: &[usize], _: usize, severity: Severity, _: &mut ChaCha8Rng) -> Vec<usize> {
    let last_moving = indices.len() - 1 - lost_frames(indices.len(), severity);
    (0..indices.len()).map(|place| indices[place.min(last_moving)]).collect()
}

pub fn jumble(indices: &[usize], _: usize, severity: Severity, rng: &mut ChaCha8Rng) -> Vec<usize> {
    let mut jumbled = indices.to_vec();
    jumbled.chunks_mut(stretch(indices.len(), severity)).for_each(|stretch| stretch.shuffle(rng));
    jumbled
}

pub fn reverse(indices: &[usize], _: usize, severity: Severity, _: &mut ChaCha8Rng) -> Vec<usize> {
    let mut reversed = indices.to_vec();
    reversed.chunks_mut(stretch(indices.len(), severity)).for_each(<[usize]>::reverse);
    reversed
}

/// What comes after the video's end is its last frame.
pub fn too_fast(indices: &[usize], num_frames: usize, severity: Severity, _: &mut ChaCha8Rng) -> Vec<usize> {
    at_pace(indices, num_frames, severity.of(PACE))
}

pub fn too_slow(indices: &[usize], num_frames: usize, severity: Severity, _: &mut ChaCha8Rng) -> Vec<usize> {
    at_pace(indices, num_frames, 1.0 / severity.of(PACE))
}

/// The clip begins where it should and goes on at another pace.
fn at_pace(indices: &[usize], num_frames: usize, pace: f64) -> Vec<usize> {
    let start = indices.iter().min().copied().unwrap_or_default();
    let moved = |index: &usize| start + ((index - start) as f64 * pace).round() as usize;
    indices.iter().map(|index| moved(index).min(num_frames - 1)).collect()
}

pub fn middle_frame(indices: &[usize], _: usize, severity: Severity, _: &mut ChaCha8Rng) -> Vec<usize> {
    let (len, held) = (indices.len(), stretch(indices.len(), severity).min(indices.len()));
    let first = (len - held) / 2;
    let mut shown = indices.to_vec();
    shown[first..first + held].fill(indices[len / 2]);
    shown
}

pub fn repeated_frame(indices: &[usize], _: usize, severity: Severity, rng: &mut ChaCha8Rng) -> Vec<usize> {
    let mut places: Vec<usize> = (0..indices.len()).collect();
    places.shuffle(rng);
    let mut shown = indices.to_vec();
    places.iter().take(stretch(indices.len(), severity)).for_each(|&place| shown[place] = indices[places[0]]);
    shown
}

/// Frames lost of a clip of `len`; none of a clip of one.
pub fn lost_frames(len: usize, severity: Severity) -> usize {
    rounded_eighths(len, severity.of(LOST_EIGHTHS)).max(1).min(len - 1)
}

/// A stretch has at least two frames: one alone has no order.
fn stretch(len: usize, severity: Severity) -> usize {
    rounded_eighths(len, severity.of(STRETCH_EIGHTHS)).max(2)
}

fn rounded_eighths(len: usize, eighths: usize) -> usize {
    (len * eighths + 4) / 8
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Seed;

    const INDICES: [usize; 8] = [2, 7, 12, 17, 22, 27, 32, 37];
    const NUM_FRAMES: usize = 40;

    fn at(severity: u8) -> Severity {
        Severity::new(severity).unwrap()
    }

    fn run(change: fn(&[usize], usize, Severity, &mut ChaCha8Rng) -> Vec<usize>, severity: u8) -> Vec<usize> {
        change(&INDICES, NUM_FRAMES, at(severity), &mut Seed::new(1).rng())
    }

    #[test]
    fn a_clip_that_starts_elsewhere_shows_the_ends_of_the_video() {
        assert_eq!(run(start_earlier, 1), [0, 5, 10, 15, 20, 25, 30, 35]);
        assert_eq!(run(start_later, 5), [12, 17, 22, 27, 32, 37, 39, 39]);
        assert_eq!(start_later(&[0, 1, 1], 2, at(1), &mut Seed::new(0).rng()), [1, 1, 1]);
    }

    #[test]
    fn dropped_frames_are_replaced_by_the_one_before() {
        for severity in 1..=5 {
            for seed in 0..40 {
                let shown = dropped(&INDICES, NUM_FRAMES, at(severity), &mut Seed::new(seed).rng());
                let mut kept = shown.clone();
                kept.dedup();
                assert_eq!(kept.len(), 8 - usize::from(severity));
                assert!(shown.is_sorted());
                let replaced = (0..8).filter(|&i| shown[i] != INDICES[i]);
                assert!(replaced.into_iter().all(|i| i == 0 || shown[i] == shown[i - 1] || shown[0] == shown[i]));
            }
        }
    }

    #[test]
    fn a_frozen_clip_stands_still_to_its_end() {
        assert_eq!(run(frozen, 1), [2, 7, 12, 17, 22, 27, 32, 32]);
        assert_eq!(run(frozen, 5), [2, 7, 12, 12, 12, 12, 12, 12]);
    }

    #[test]
    fn jumbling_keeps_every_frame_within_its_stretch() {
        let shown = run(jumble, 3);
        for half in [0..4, 4..8] {
            let mut stretch = shown[half.clone()].to_vec();
            stretch.sort_unstable();
            assert_eq!(stretch, INDICES[half]);
        }
        assert_ne!(run(jumble, 5), INDICES);
    }

    #[test]
    fn reversal_grows_from_pairs_to_the_whole_clip() {
        assert_eq!(run(reverse, 1), [7, 2, 17, 12, 27, 22, 37, 32]);
        assert_eq!(run(reverse, 5), [37, 32, 27, 22, 17, 12, 7, 2]);
    }

    #[test]
    fn a_video_at_another_pace_begins_where_it_should() {
        assert_eq!(run(too_fast, 3), [2, 12, 22, 32, 39, 39, 39, 39]);
        assert_eq!(run(too_slow, 3), [2, 5, 7, 10, 12, 15, 17, 20]);
        assert_eq!(run(too_fast, 1)[..4], [2, 8, 15, 21]);
    }

    #[test]
    fn the_middle_frame_spreads_until_it_is_all_there_is() {
        assert_eq!(run(middle_frame, 1), [2, 7, 12, 22, 22, 27, 32, 37]);
        assert_eq!(run(middle_frame, 3), [2, 7, 22, 22, 22, 22, 32, 37]);
        assert_eq!(run(middle_frame, 5), [22; 8]);
    }

    #[test]
    fn one_frame_of_the_clip_takes_the_place_of_others() {
        for (severity, places) in (1..).zip(STRETCH_EIGHTHS) {
            let shown = run(repeated_frame, severity);
            let moved: Vec<usize> = (0..8).filter(|&place| shown[place] != INDICES[place]).collect();
            assert_eq!(moved.len(), places - 1);
            assert!(moved.iter().all(|&place| shown[place] == shown[moved[0]] && INDICES.contains(&shown[place])));
        }
    }

    #[test]
    fn a_clip_of_one_frame_survives_everything() {
        for severity in Severity::ALL {
            let mut rng = Seed::new(0).rng();
            let changes = [
                start_earlier,
                start_later,
                dropped,
                frozen,
                jumble,
                reverse,
                too_fast,
                too_slow,
                middle_frame,
                repeated_frame,
            ];
            for change in changes {
                assert_eq!(change(&[0], 1, severity, &mut rng), [0]);
            }
            assert_eq!(lost_frames(1, severity), 0);
        }
    }
}
