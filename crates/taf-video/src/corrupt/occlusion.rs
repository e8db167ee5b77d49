//! A hand before the camera: THUMOS14-C pastes a photograph of one into the lower left corner and takes medians of the picture.
//! Here the hand is drawn by rule, as large and in the same place.

use rand_chacha::ChaCha8Rng;

use super::blur::scale;
use super::median::median;
use crate::{Clip, Frame};

/// How far the medians reach, in pixels at 224: squares of 7 by 7.
const REACH: f64 = 3.0;
/// The hand fills the picture up to this share of the side that is the first to be filled.
const FILLED: f64 = 1.0 / 1.1;
/// Width of the hand's picture for a height of 1.
const WIDTH: f64 = 0.8;
const SKIN: [f64; 3] = [214.0, 164.0, 132.0];
/// How much darker the lower end is.
const SHADE: f64 = 0.35;
/// Capsules: both ends as columns and rows of a hand of height 1, and the radius. Palm and wrist, then thumb and fingers.
const HAND: [([f64; 2], [f64; 2], f64); 7] = [
    ([0.38, 0.66], [0.46, 0.66], 0.17),
    ([0.42, 0.80], [0.42, 1.10], 0.13),
    ([0.55, 0.72], [0.72, 0.50], 0.055),
    ([0.53, 0.55], [0.58, 0.20], 0.05),
    ([0.43, 0.52], [0.44, 0.08], 0.05),
    ([0.33, 0.53], [0.30, 0.13], 0.048),
    ([0.24, 0.58], [0.16, 0.28], 0.042),
];

pub fn occluded(clip: &Clip, place: usize, _: &mut ChaCha8Rng) -> Frame {
    let reach = (REACH * scale(clip.width(), clip.height())).round() as usize;
    median(&with_hand(clip.frames()[place].clone()), reach)
}

fn with_hand(mut frame: Frame) -> Frame {
    let (width, height) = (frame.width(), frame.height());
    let size = (height as f64).min(width as f64 / WIDTH) * FILLED;
    let top = height as f64 - size;
    for (i, pixel) in frame.data_mut().as_chunks_mut::<3>().0.iter_mut().enumerate() {
        let point = [i % width, i / width].map(|at| at as f64 + 0.5);
        let point = [point[0] / size, (point[1] - top) / size];
        if HAND.iter().any(|(from, to, radius)| way(point, *from, *to) <= *radius) {
            *pixel = SKIN.map(|value| (value * (1.0 - SHADE * point[1])) as u8);
        }
    }
    frame
}

/// The way from a point to the line between two others.
fn way([x, y]: [f64; 2], [x0, y0]: [f64; 2], [x1, y1]: [f64; 2]) -> f64 {
    let (across, down) = (x1 - x0, y1 - y0);
    let along = (((x - x0) * across + (y - y0) * down) / (across * across + down * down)).clamp(0.0, 1.0);
    (x - x0 - along * across).hypot(y - y0 - along * down)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Seed;

    #[test]
    fn the_hand_covers_the_lower_left_and_not_the_upper_right() {
        let white = Clip::new(vec![Frame::filled(224, 224, [255; 3])]);
        let covered = occluded(&white, 0, &mut Seed::new(0).rng());
        assert_eq!(covered.pixel(200, 20), [255; 3]);
        assert!(covered.pixel(85, 160)[2] < 140);
        let share = covered.data().iter().filter(|&&value| value < 255).count() as f64 / covered.data().len() as f64;
        assert!((0.15..0.45).contains(&share), "{share}");
    }
}
