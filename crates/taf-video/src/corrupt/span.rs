//! Frames in the middle of a clip that are spoiled while the others stay: THUMOS14-C (Zeng et al., CVPR 2024).

use rand_chacha::ChaCha8Rng;

use super::Severity;
use super::blur::motion_each;
use crate::{Clip, Frame};

/// How much of a clip a span takes. The benchmark has the first three; the others go on to half of the clip.
const SHARES: [f64; 5] = [0.01, 0.05, 0.1, 0.25, 0.5];
/// What overexposure adds to every channel.
const OVEREXPOSED: u8 = 100;

/// What becomes of the frame of the clip at a place.
pub type Effect = fn(&Clip, usize, &mut ChaCha8Rng) -> Frame;

/// Frames of a span that is a share of a clip of `len`, at least one.
pub fn share(len: usize, severity: Severity) -> usize {
    ((len as f64 * severity.of(SHARES)).round() as usize).max(1)
}

/// The clip with `count` frames in its middle spoiled.
pub fn apply(clip: &Clip, count: usize, effect: Effect, rng: &mut ChaCha8Rng) -> Clip {
    let first = (clip.len() - count) / 2;
    let mut frames = clip.frames().to_vec();
    for (place, frame) in frames.iter_mut().enumerate().skip(first).take(count) {
        *frame = effect(clip, place, rng);
    }
    Clip::new(frames)
}

pub fn black(clip: &Clip, _: usize, _: &mut ChaCha8Rng) -> Frame {
    Frame::filled(clip.width(), clip.height(), [0; 3])
}

pub fn overexposed(clip: &Clip, place: usize, _: &mut ChaCha8Rng) -> Frame {
    let mut frame = clip.frames()[place].clone();
    frame.data_mut().iter_mut().for_each(|value| *value = value.saturating_add(OVEREXPOSED));
    frame
}

pub fn blurred(clip: &Clip, place: usize, rng: &mut ChaCha8Rng) -> Frame {
    motion_each(clip.frames()[place].clone(), Severity::ALL[4], rng)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Seed;
    use crate::corrupt::reference::{expect_within, picture};
    use crate::corrupt::temporal::lost_frames;

    /// Which frames of a white clip of `len` are black, where so many are.
    fn dark(len: usize, count: usize) -> Vec<usize> {
        let white = Clip::new(vec![Frame::filled(2, 2, [255; 3]); len]);
        let clip = apply(&white, count, black, &mut Seed::new(0).rng());
        (0..len).filter(|&place| clip.frames()[place].pixel(0, 0)[0] == 0).collect()
    }

    fn at(severity: u8) -> Severity {
        Severity::new(severity).unwrap()
    }

    #[test]
    fn spoiled_frames_lie_together_in_the_middle() {
        assert_eq!(dark(8, lost_frames(8, at(1))), [3]);
        assert_eq!(dark(8, lost_frames(8, at(4))), [2, 3, 4, 5]);
        assert_eq!(dark(1, lost_frames(1, at(5))), [] as [usize; 0]);
    }

    #[test]
    fn a_share_of_a_clip_is_at_least_one_frame() {
        assert_eq!(Severity::ALL.map(|severity| share(128, severity)), [1, 6, 13, 32, 64]);
        assert_eq!(Severity::ALL.map(|severity| share(8, severity)), [1, 1, 1, 2, 4]);
        assert_eq!(Severity::ALL.map(|severity| share(1, severity)), [1; 5]);
    }

    #[test]
    fn overexposure_adds_a_hundred_and_clips() {
        let clip = Clip::new(vec![picture()]);
        expect_within("overexposed", &overexposed(&clip, 0, &mut Seed::new(0).rng()), 0, 0.0);
    }
}
