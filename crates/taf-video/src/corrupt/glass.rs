//! Frosted glass before the lens: pixels change places with near ones, between two blurs. The glass is one for the clip.
//!
//! The published script means to swap pixels, and by the aliasing of its arrays copies one onto the other; here it is copied too.

use rand::RngExt;
use rand_chacha::ChaCha8Rng;

use super::blur::{gaussian_blur, scale};
use super::{Severity, each_frame};
use crate::{Clip, Frame};

/// Standard deviation of the blurs, the farthest a pixel moves, and how often all of them do.
const GLASS: [(f64, f64, usize); 5] = [(0.7, 1.0, 2), (0.9, 2.0, 1), (1.0, 2.0, 3), (1.1, 3.0, 2), (1.5, 4.0, 2)];

pub fn glass(clip: Clip, severity: Severity, rng: &mut ChaCha8Rng) -> Clip {
    let (sigma, farthest, rounds) = severity.of(GLASS);
    let scale = scale(clip.width(), clip.height());
    // Of a small picture the nearest pixels are still exchanged.
    let farthest = (farthest * scale).round().max(1.0) as i32;
    let sources = sources(clip.width(), clip.height(), farthest, rounds, || rng.random_range(-farthest..farthest));
    each_frame(clip, |_, frame| through(&frame, &sources, sigma * scale))
}

fn through(frame: &Frame, sources: &[u32], sigma: f64) -> Frame {
    let blurred = gaussian_blur(frame, sigma);
    let pixels = blurred.data().as_chunks::<3>().0;
    let mut moved = Vec::with_capacity(frame.data().len());
    sources.iter().for_each(|&source| moved.extend_from_slice(&pixels[source as usize]));
    gaussian_blur(&Frame::new(frame.width(), frame.height(), moved), sigma)
}

/// Which pixel is seen at each place. From the last place to the first, each takes what is at a near place by then; `draw` says
/// how far to the right it lies, then how far below, from `-farthest` to below `farthest`.
fn sources(width: usize, height: usize, farthest: i32, rounds: usize, mut draw: impl FnMut() -> i32) -> Vec<u32> {
    let mut sources: Vec<u32> = (0..(width * height) as u32).collect();
    let margin = farthest as usize;
    let inner = |side: usize| (margin + 1..=side.saturating_sub(margin)).rev();
    for _ in 0..rounds {
        for (y, x) in inner(height).flat_map(|y| inner(width).map(move |x| (y, x))) {
            let (dx, dy) = (draw(), draw());
            let from = (y as i32 + dy) as usize * width + (x as i32 + dx) as usize;
            sources[y * width + x] = sources[from];
        }
    }
    sources
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::corrupt::reference::{Lcg, SIDES, expect, picture};

    #[test]
    fn glass_is_that_of_the_published_script() {
        let (width, height) = SIDES;
        for (severity, (sigma, farthest, rounds)) in [(1, GLASS[0]), (5, GLASS[4])] {
            let (mut field, farthest) = (Lcg::new(severity), farthest as i32);
            let draw = || (field.uniform() * f64::from(2 * farthest)) as i32 - farthest;
            let sources = sources(width, height, farthest, rounds, draw);
            expect(&format!("glass_blur_{severity}"), &through(&picture(), &sources, sigma));
        }
    }

    #[test]
    fn a_picture_too_small_to_shuffle_is_left() {
        assert_eq!(sources(2, 2, 4, 3, || 0), [0, 1, 2, 3]);
    }
}
