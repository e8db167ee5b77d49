//! Falling snow, as in ImageNet-C. The flakes are new in every frame, since they fall out of the picture before the next frame
//! that a network sees; they fall one way in all frames of a clip.

use rand::{Rng, RngExt};
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, Normal};

use super::blur::{scale, smear};
use super::convolve::{Border, Picture, Tap};
use super::{Severity, each_frame};
use crate::{Clip, Frame, Seed};

/// How one severity snows.
#[derive(Clone, Copy)]
struct Snow {
    /// Mean and standard deviation of the noise that flakes are cut from.
    noise: (f64, f64),
    /// Size of a flake in pixels.
    size: f64,
    /// Below this there is no flake.
    threshold: f32,
    /// Radius and standard deviation of the smear.
    smear: (f64, f64),
    /// How much the picture keeps of its colour.
    colour: f32,
}

const SNOW: [Snow; 5] = [
    Snow { noise: (0.1, 0.3), size: 3.0, threshold: 0.5, smear: (10.0, 4.0), colour: 0.8 },
    Snow { noise: (0.2, 0.3), size: 2.0, threshold: 0.5, smear: (12.0, 4.0), colour: 0.7 },
    Snow { noise: (0.55, 0.3), size: 4.0, threshold: 0.9, smear: (12.0, 8.0), colour: 0.7 },
    Snow { noise: (0.55, 0.3), size: 4.5, threshold: 0.85, smear: (12.0, 8.0), colour: 0.65 },
    Snow { noise: (0.55, 0.3), size: 2.5, threshold: 0.85, smear: (12.0, 12.0), colour: 0.55 },
];

pub fn snow(clip: Clip, severity: Severity, rng: &mut ChaCha8Rng) -> Clip {
    let snow = severity.of(SNOW);
    let (width, height) = (clip.width(), clip.height());
    let scale = scale(width, height);
    let size = (snow.size * scale).max(1.0);
    let taps = smear(snow.smear.0 * scale, snow.smear.1 * scale, rng.random_range(-135.0..=-45.0));
    let noise = Normal::new(snow.noise.0, snow.noise.1).expect("a deviation is positive");
    let flakes = Seed::new(rng.next_u64());
    each_frame(clip, |i, frame| {
        let mut rng = flakes.at(i).rng();
        let number = coarse(width, size) * coarse(height, size);
        let field: Vec<f32> = (0..number).map(|_| noise.sample(&mut rng) as f32).collect();
        fallen(frame, &layer(&field, (width, height), size, snow.threshold, &taps), snow.colour)
    })
}

/// How many points of the noise a side shows.
fn coarse(side: usize, size: f64) -> usize {
    (side as f64 / size).ceil() as usize
}

/// The flakes: noise enlarged to the picture, cut at the threshold and smeared, from 0 to 255.
fn layer(field: &[f32], (width, height): (usize, usize), size: f64, threshold: f32, taps: &[Tap]) -> Vec<f32> {
    let columns = enlarged(width, size);
    let points = coarse(width, size);
    let mut values = Vec::with_capacity(width * height);
    for (row, below, down) in enlarged(height, size) {
        let at = |row: usize, &(left, right, across): &(usize, usize, f32)| {
            let (a, b) = (field[row * points + left], field[row * points + right]);
            a + (b - a) * across
        };
        values.extend(columns.iter().map(|column| {
            let (above, below) = (at(row, column), at(below, column));
            let value = above + (below - above) * down;
            if value < threshold { 0.0 } else { (value.min(1.0) * 255.0).floor() }
        }));
    }
    let smeared = Picture::grey(width, values).convolved(taps, Border::Nearest).into_values();
    smeared.into_iter().map(f32::round).collect()
}

/// For every pixel of a side the two points of the coarse noise that it lies between, and how far it is from the first to the
/// second: the ends of the noise lie on the ends of the enlarged side, whose middle is shown.
fn enlarged(side: usize, size: f64) -> Vec<(usize, usize, f32)> {
    let points = coarse(side, size);
    let whole = (points as f64 * size).round_ties_even().max(side as f64) as usize;
    let step = if whole > 1 { (points - 1) as f64 / (whole - 1) as f64 } else { 0.0 };
    let place = |pixel: usize| {
        let at = (pixel + (whole - side) / 2) as f64 * step;
        let first = (at.floor() as usize).min(points - 1);
        (first, (first + 1).min(points - 1), (at - first as f64) as f32)
    };
    (0..side).map(place).collect()
}

/// The picture paler, and the flakes on it twice, once upside down.
fn fallen(mut frame: Frame, layer: &[f32], colour: f32) -> Frame {
    for (pixel, (flake, opposite)) in
        frame.data_mut().as_chunks_mut::<3>().0.iter_mut().zip(layer.iter().zip(layer.iter().rev()))
    {
        let [r, g, b] = pixel.map(f32::from);
        let pale = (0.299 * r + 0.587 * g + 0.114 * b) * 1.5 + 127.5;
        let snow = flake + opposite + 0.5;
        *pixel = [r, g, b].map(|value| (colour * value + (1.0 - colour) * value.max(pale) + snow) as u8);
    }
    frame
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::corrupt::reference::{Lcg, SIDES, expect, picture};

    #[test]
    fn snow_falls_as_in_the_published_script() {
        let (width, height) = SIDES;
        for (severity, snow) in [(1, SNOW[0]), (4, SNOW[3]), (5, SNOW[4])] {
            let mut random = Lcg::new(severity);
            let number = coarse(width, snow.size) * coarse(height, snow.size);
            let field: Vec<f32> = (0..number).map(|_| (snow.noise.0 + snow.noise.1 * random.normal()) as f32).collect();
            let taps = smear(snow.smear.0, snow.smear.1, -80.0);
            let layer = layer(&field, SIDES, snow.size, snow.threshold, &taps);
            expect(&format!("snow_{severity}"), &fallen(picture(), &layer, snow.colour));
        }
    }
}
