//! Rain, as in Mini-SSV2-C (Yi et al., 2021): straight drops, new in every frame, on a darker picture.
//!
//! The published script draws a slant and then leans every drop by one pixel to the left, whatever was drawn: the slant only
//! moves where drops begin. That is followed.

use rand::RngExt;
use rand_chacha::ChaCha8Rng;

use super::Severity;
use super::blur::scale;
use super::convolve::Border;
use super::digital::flatten;
use crate::Frame;

/// Pixels for each drop, length of a drop, and the contrast that is left.
const RAIN: [(f64, f64, f32); 5] =
    [(770.0, 10.0, 0.8), (770.0, 30.0, 0.8), (770.0, 60.0, 0.7), (500.0, 60.0, 0.6), (400.0, 80.0, 0.5)];
/// How bright a drop is on black, of 255.
const DROP: f32 = 220.0;
/// The farthest that the beginnings of drops are pushed aside, in pixels at 224.
const SLANT: f64 = 10.0;

pub fn rain(frame: Frame, severity: Severity, rng: &mut ChaCha8Rng) -> Frame {
    let (area, length, contrast) = severity.of(RAIN);
    let (width, height) = (frame.width(), frame.height());
    let scale = scale(width, height);
    let length = ((length * scale).round() as usize).clamp(1, height);
    // Drops stay one pixel wide: shorter ones must be more to cover as much.
    let number = ((width * height) as f64 / (area * scale)).round().max(1.0) as usize;
    let slant = (rng.random_range(-SLANT..SLANT) * scale).floor() as i64;
    let drop = |_| {
        let columns = if slant < 0 { slant..width as i64 } else { 0..(width as i64 - slant).max(1) };
        (rng.random_range(columns) as isize, rng.random_range(0..(height - length).max(1)))
    };
    let drops: Vec<(isize, usize)> = (0..number).map(drop).collect();
    flatten(wet(frame, &drops, length), contrast)
}

/// The picture with drops that begin at the columns and rows. A drop lightens what it covers, less the lighter that is, and shows
/// it blurred.
fn wet(frame: Frame, drops: &[(isize, usize)], length: usize) -> Frame {
    let (width, height) = (frame.width(), frame.height());
    let mut covered = vec![false; width * height];
    for (x, y) in drops.iter().flat_map(|&drop| line(drop, length)) {
        if let Some(x) = usize::try_from(x).ok().filter(|&x| x < width && y < height) {
            covered[y * width + x] = true;
        }
    }
    let lit = lightened(&frame, &covered);
    let share = DROP / 255.0;
    let mut rained = frame.clone();
    for place in (0..width * height).filter(|&place| covered[place]) {
        let blurred = box_mean(&lit, place % width, place / width);
        let pixel = &mut rained.data_mut()[place * 3..place * 3 + 3];
        for (value, blurred) in pixel.iter_mut().zip(blurred) {
            *value = (blurred * share + f32::from(*value) * (1.0 - share) + 0.5) as u8;
        }
    }
    rained
}

/// The pixels of a drop: a line to one column to the left, `length` rows below.
fn line((x, y): (isize, usize), length: usize) -> impl Iterator<Item = (isize, usize)> {
    (0..=length).map(move |row| (if row < length.div_ceil(2) { x } else { x - 1 }, y + row))
}

fn lightened(frame: &Frame, covered: &[bool]) -> Frame {
    let sum: u64 = frame.data().iter().map(|&value| u64::from(value)).sum();
    let darkness = 1.0 - (sum as f64 / frame.data().len() as f64 / 255.0) as f32;
    let mut lit = frame.clone();
    for (pixel, _) in lit.data_mut().as_chunks_mut::<3>().0.iter_mut().zip(covered).filter(|(_, covered)| **covered) {
        *pixel = pixel.map(|value| value + (DROP * (1.0 - f32::from(value) / 255.0) * darkness) as u8);
    }
    lit
}

/// Of 3x3 pixels, rounded.
fn box_mean(frame: &Frame, x: usize, y: usize) -> [f32; 3] {
    let near = |at: usize, len: usize| [-1, 0, 1].map(|way| Border::Mirror.resolve(at as isize + way, len));
    let (columns, rows) = (near(x, frame.width()), near(y, frame.height()));
    let mut sums = [0_u16; 3];
    for (row, column) in rows.into_iter().flat_map(|row| columns.map(|column| (row, column))) {
        sums.iter_mut().zip(frame.pixel(column, row)).for_each(|(sum, value)| *sum += u16::from(value));
    }
    sums.map(|sum| f32::from((sum + 4) / 9))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::corrupt::reference::{Lcg, SIDES, expect, picture};

    #[test]
    fn rain_is_that_of_the_published_script() {
        let (width, height) = SIDES;
        for (severity, length, contrast) in [(1, 10, RAIN[0].2), (5, 31, RAIN[4].2)] {
            let mut random = Lcg::new(severity);
            let mut below = |most: usize| (random.uniform() * most as f64) as usize;
            let drops: Vec<(isize, usize)> =
                (0..12).map(|_| (below(width + 5) as isize - 5, below(height - length))).collect();
            expect(&format!("rain_{severity}"), &flatten(wet(picture(), &drops, length), contrast));
        }
    }
}
