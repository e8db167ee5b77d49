//! Fog: a fractal plasma that lights the picture up. One layer for all frames, as in Mini-SSV2-C (Yi et al., 2021), whose table
//! is that of ImageNet-C.

use rand::RngExt;
use rand_chacha::ChaCha8Rng;

use super::{Severity, each_frame};
use crate::{Clip, Frame};

/// How thick the fog is, and by what its jitter shrinks from one scale to the next, finer one.
const FOG: [(f32, f64); 5] = [(1.5, 2.0), (2.0, 2.0), (2.5, 1.7), (2.5, 1.5), (3.0, 1.4)];
/// Jitter of the coarsest scale; its square enters, as in the published script.
const FIRST_JITTER: f64 = 100.0;

pub fn fog(clip: Clip, severity: Severity, rng: &mut ChaCha8Rng) -> Clip {
    let (thickness, decay) = severity.of(FOG);
    // 256 for 224: the plasma grows with the picture.
    let side = clip.width().max(clip.height()).next_power_of_two();
    let plasma = plasma(side, decay, || rng.random_range(-1.0..=1.0));
    let layer = cut(&plasma, side, clip.width(), clip.height());
    each_frame(clip, |_, frame| lit(frame, &layer, thickness))
}

/// The upper left corner of a square of that side.
fn cut(square: &[f64], side: usize, width: usize, height: usize) -> Vec<f32> {
    square.chunks_exact(side).take(height).flat_map(|row| row[..width].iter().map(|&value| value as f32)).collect()
}

/// `(value + thickness * layer) * brightest / (brightest + thickness)`, on the scale from 0 to 1.
fn lit(mut frame: Frame, layer: &[f32], thickness: f32) -> Frame {
    let brightest = f32::from(frame.data().iter().copied().max().unwrap_or(0)) / 255.0;
    let dimmed = brightest / (brightest + thickness);
    for (pixel, fog) in frame.data_mut().as_chunks_mut::<3>().0.iter_mut().zip(layer) {
        let added = fog * thickness * 255.0;
        *pixel = pixel.map(|value| ((f32::from(value) + added) * dimmed + 0.5) as u8);
    }
    frame
}

/// A square of values from 0 to 1 by the diamond-square rule, periodic; `draw` gives numbers from -1 to 1.
///
/// # Panics
/// If the side is no power of two.
pub fn plasma(side: usize, decay: f64, mut draw: impl FnMut() -> f64) -> Vec<f64> {
    assert!(side.is_power_of_two(), "a plasma has a side that is a power of two, got {side}");
    let mut map = vec![0.0; side * side];
    let (mut step, mut jitter) = (side, FIRST_JITTER);
    while step >= 2 {
        let mut mean = |sum: f64| sum / 4.0 + jitter * jitter * draw();
        fill_squares(&mut map, side, step, &mut mean);
        fill_diamonds(&mut map, side, step, &mut mean);
        step /= 2;
        jitter /= decay;
    }
    let (low, high) = map.iter().fold((f64::MAX, f64::MIN), |(low, high), &v| (low.min(v), high.max(v)));
    let range = if high > low { high - low } else { 1.0 };
    map.iter().map(|value| (value - low) / range).collect()
}

/// The middle of every square of known corners.
fn fill_squares(map: &mut [f64], side: usize, step: usize, mean: &mut impl FnMut(f64) -> f64) {
    for (y, x) in grid(side, step) {
        let (right, below) = ((x + step) % side, (y + step) % side);
        let sum = map[y * side + x] + map[below * side + x] + (map[y * side + right] + map[below * side + right]);
        map[(y + step / 2) * side + x + step / 2] = mean(sum);
    }
}

/// The middle of the upper edge of every square, then of its left edge.
fn fill_diamonds(map: &mut [f64], side: usize, step: usize, mean: &mut impl FnMut(f64) -> f64) {
    let half = step / 2;
    for (y, x) in grid(side, step) {
        let above = (y + side - half) % side;
        let middles = map[(y + half) * side + x + half] + map[above * side + x + half];
        let corners = map[y * side + x] + map[y * side + (x + step) % side];
        map[y * side + x + half] = mean(middles + corners);
    }
    for (y, x) in grid(side, step) {
        let before = (x + side - half) % side;
        let middles = map[(y + half) * side + x + half] + map[(y + half) * side + before];
        let corners = map[y * side + x] + map[(y + step) % side * side + x];
        map[(y + half) * side + x] = mean(middles + corners);
    }
}

/// Rows and columns of the upper left corners of squares.
fn grid(side: usize, step: usize) -> impl Iterator<Item = (usize, usize)> {
    (0..side).step_by(step).flat_map(move |y| (0..side).step_by(step).map(move |x| (y, x)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::corrupt::reference::{Lcg, SIDES, expect, picture};

    #[test]
    fn fog_is_that_of_the_published_formula() {
        let (width, height) = SIDES;
        for (severity, (thickness, decay)) in [(1, FOG[0]), (5, FOG[4])] {
            let mut field = Lcg::new(severity);
            let plasma = plasma(64, decay, || 2.0 * field.uniform() - 1.0);
            let layer = cut(&plasma, 64, width, height);
            expect(&format!("fog_{severity}"), &lit(picture(), &layer, thickness));
        }
    }
}
