//! Lost packets as THUMOS14-C shows them: bands of the frames before and after, and small blocks of one colour.

use rand::RngExt;
use rand_chacha::ChaCha8Rng;

use super::blur::scale;
use crate::{Clip, Frame};

/// Bands from either neighbour.
const BANDS: usize = 10;
const BLOCKS: usize = 2000;

pub fn lost_packets(clip: &Clip, place: usize, rng: &mut ChaCha8Rng) -> Frame {
    let frames = clip.frames();
    let (before, after) = (&frames[place.saturating_sub(1)], &frames[(place + 1).min(clip.len() - 1)]);
    let scale = scale(clip.width(), clip.height());
    glitched(&frames[place], before, after, scale, &mut |most| rng.random_range(0..most))
}

/// `draw` gives numbers from 0 to below its argument. Where a band or block begins decides how large it is, as in the published
/// script; lengths are those of a picture that is `scale` times 224 pixels.
fn glitched(frame: &Frame, before: &Frame, after: &Frame, scale: f64, draw: &mut impl FnMut(usize) -> usize) -> Frame {
    let (width, height) = (frame.width(), frame.height());
    // The rest of a place by `period` and a constant, in the units of the reference and back.
    let length = |at: usize, period: usize, least: usize| {
        (((at as f64 / scale) as usize % period + least) as f64 * scale).round() as usize
    };
    let mut banded = frame.clone();
    for neighbour in [after, before].into_iter().cycle().take(2 * BANDS) {
        let (y, x) = (draw(height), draw(width));
        let (bottom, right) = ((y + length(y, 15, 10)).min(height), (x + length(x, 50, 150)).min(width));
        for row in y..bottom {
            let band = (row * width + x) * 3..(row * width + right) * 3;
            banded.data_mut()[band.clone()].copy_from_slice(&neighbour.data()[band]);
        }
    }
    let mut glitched = banded.clone();
    let inner = |side: usize| side.saturating_sub(2).max(1);
    for _ in 0..BLOCKS {
        let (x, y) = ((draw(inner(width)) + 1).min(width - 1), (draw(inner(height)) + 1).min(height - 1));
        let colour = banded.pixel(x, y);
        let (right, bottom) = ((x + length(x, 10, 0)).min(width), (y + length(y, 10, 0)).min(height));
        for row in y..bottom {
            glitched.data_mut()[(row * width + x) * 3..(row * width + right) * 3].as_chunks_mut().0.fill(colour);
        }
    }
    glitched
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::corrupt::reference::{Lcg, expect_within, picture};

    #[test]
    fn lost_packets_are_those_of_the_published_script() {
        let (mut before, mut after) = (picture(), picture());
        before.data_mut().reverse();
        after.data_mut().iter_mut().for_each(|value| *value = 255 - *value);
        let mut random = Lcg::new(1);
        let mut draw = |most: usize| (random.uniform() * most as f64) as usize;
        expect_within("lost_packets", &glitched(&picture(), &before, &after, 1.0, &mut draw), 0, 0.0);
    }
}
