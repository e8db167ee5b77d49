//! A camera that is not held still: SSv2-P (Schiappa et al., CVPR 2023). Lengths are those for 224 pixels and scale with the
//! short side.

use rand::RngExt;
use rand_chacha::ChaCha8Rng;

use super::Severity;
use super::blur::scale;
use super::convolve::Border;
use crate::Frame;
use crate::transform::Affine;

/// The longest way of the picture, in pixels, exclusive.
const TRANSLATE: [f64; 5] = [8.0, 16.0, 24.0, 32.0, 40.0];
/// The largest turn to either side, in degrees.
const ROTATE: [i32; 5] = [7, 13, 19, 25, 31];
/// In degrees, to the left.
const STATIC_ROTATE: [f64; 5] = [7.5, 15.0, 30.0, 45.0, 90.0];
const BLACK: u8 = 0;

/// The published crop is cut out of a larger picture; a clip that is cut already is continued by its mirror image.
pub fn translate(frame: Frame, severity: Severity, rng: &mut ChaCha8Rng) -> Frame {
    let reach = severity.of(TRANSLATE) * scale(frame.width(), frame.height());
    let mut way = || (rng.random_range(0.0..1.0) * reach) as isize;
    moved(&frame, way(), way())
}

/// The picture as seen `dx` pixels to the right and `dy` pixels below.
fn moved(frame: &Frame, dx: isize, dy: isize) -> Frame {
    let (width, height) = (frame.width(), frame.height());
    let pixels = frame.data().as_chunks::<3>().0;
    let columns: Vec<usize> = (0..width).map(|x| Border::Mirror.resolve(x as isize + dx, width)).collect();
    let mut data = Vec::with_capacity(frame.data().len());
    for row in (0..height).map(|y| Border::Mirror.resolve(y as isize + dy, height)) {
        let row = &pixels[row * width..(row + 1) * width];
        columns.iter().for_each(|&column| data.extend_from_slice(&row[column]));
    }
    Frame::new(width, height, data)
}

pub fn rotate(frame: Frame, severity: Severity, rng: &mut ChaCha8Rng) -> Frame {
    let most = severity.of(ROTATE);
    turned(&frame, f64::from(rng.random_range(-most..=most)))
}

pub fn static_rotate(frame: Frame, severity: Severity, _: &mut ChaCha8Rng) -> Frame {
    turned(&frame, severity.of(STATIC_ROTATE))
}

/// Turned to the left around the middle, the corners black, as Pillow does it.
fn turned(frame: &Frame, degrees: f64) -> Frame {
    Affine::rotate(degrees, frame.width(), frame.height()).apply(frame, BLACK)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::corrupt::reference::{expect_within, picture};

    #[test]
    fn ways_and_turns_are_those_of_numpy_and_pillow() {
        expect_within("translate", &moved(&picture(), 7, 13), 0, 0.0);
        expect_within("rotate", &turned(&picture(), -19.0), 0, 0.0);
        expect_within("static_rotate", &turned(&picture(), 30.0), 0, 0.0);
    }
}
