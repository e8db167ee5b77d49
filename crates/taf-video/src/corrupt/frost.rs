//! Frost on the lens: ImageNet-C adds a part of a photograph of frost. Here five pictures are grown by rule, always the same, so
//! nobody's photographs are needed; a clip has one of them, and a part that stays.

use std::f32::consts::FRAC_PI_3;
use std::sync::OnceLock;

use fast_image_resize::{FilterType, ResizeAlg, ResizeOptions, Resizer};
use rand::RngExt;
use rand_chacha::ChaCha8Rng;

use super::blur::{gaussian_blur, scale};
use super::fog::plasma;
use super::{Severity, each_frame};
use crate::transform::resize_frame;
use crate::{Clip, Frame, Seed};

/// What the picture counts, and what the frost.
const FROST: [(f32, f32); 5] = [(1.0, 0.4), (0.8, 0.6), (0.7, 0.7), (0.65, 0.7), (0.6, 0.75)];
const PICTURES: usize = 5;
/// Side of a picture of frost, in pixels; 224 of them cover the short side of a clip.
const SIDE: usize = 512;
/// Where they all grow from.
const PLACE: &str = "pictures of frost";
/// How rough the clouded ice is: what its jitter shrinks by from scale to scale.
const CLOUD_DECAY: f64 = 1.75;
/// Crystals on a picture.
const CRYSTALS: usize = 150;
/// How long a crystal gets, in pixels.
const LENGTHS: std::ops::Range<f32> = 40.0..190.0;
/// Generations of branches, the stem counted.
const GENERATIONS: u32 = 3;
/// Pixels from one branch to the next.
const GAP: usize = 7;
/// The colours of thin and of thick ice.
const THIN: [f32; 3] = [22.0, 32.0, 48.0];
const THICK: [f32; 3] = [225.0, 238.0, 250.0];
/// Standard deviation that rounds the crystals, in pixels.
const SOFTNESS: f64 = 0.7;

pub fn frost(clip: Clip, severity: Severity, rng: &mut ChaCha8Rng) -> Clip {
    let (kept, added) = severity.of(FROST);
    let picture = grown(rng.random_range(0..PICTURES));
    let part = part(picture, clip.width(), clip.height(), [rng.random(), rng.random()]);
    each_frame(clip, |_, frame| frozen(frame, &part, kept, added))
}

fn frozen(mut frame: Frame, frost: &Frame, kept: f32, added: f32) -> Frame {
    for (value, &ice) in frame.data_mut().iter_mut().zip(frost.data()) {
        *value = (f32::from(*value) * kept + f32::from(ice) * added + 0.5) as u8;
    }
    frame
}

/// The part of a picture of frost that lies over a clip, its corner at two shares of the free way.
fn part(picture: &Frame, width: usize, height: usize, corner: [f64; 2]) -> Frame {
    let scale = scale(width, height);
    let [shown_width, shown_height] = [width, height].map(|side| (side as f64 / scale).min(SIDE as f64));
    let [left, top] =
        [(corner[0], shown_width), (corner[1], shown_height)].map(|(share, shown)| share * (SIDE as f64 - shown));
    let options = ResizeOptions::new().resize_alg(ResizeAlg::Convolution(FilterType::Bilinear)).crop(
        left.floor(),
        top.floor(),
        shown_width,
        shown_height,
    );
    resize_frame(&mut Resizer::new(), picture, &options, width, height)
}

/// One of the pictures, grown when it is first needed.
fn grown(number: usize) -> &'static Frame {
    static GROWN: [OnceLock<Frame>; PICTURES] = [const { OnceLock::new() }; PICTURES];
    GROWN[number].get_or_init(|| grow(&mut Seed::new(0).with(PLACE).at(number).rng()))
}

fn grow(rng: &mut ChaCha8Rng) -> Frame {
    let cloud = plasma(SIDE, CLOUD_DECAY, || rng.random_range(-1.0..=1.0));
    let mut ice = Ice(vec![0.0; SIDE * SIDE]);
    for _ in 0..CRYSTALS {
        let stem = Stem {
            x: rng.random_range(0.0..SIDE as f32),
            y: rng.random_range(0.0..SIDE as f32),
            angle: rng.random_range(0.0..std::f32::consts::TAU),
            length: rng.random_range(LENGTHS),
            bend: rng.random_range(-0.006..0.006),
        };
        ice.branch(stem, GENERATIONS);
    }
    let colour = |(cloud, crystal): (&f64, &f32)| {
        let thickness = (0.55 * *cloud as f32 * *cloud as f32 + crystal).min(1.0);
        [0, 1, 2].map(|c| (THIN[c] + (THICK[c] - THIN[c]) * thickness) as u8)
    };
    gaussian_blur(&Frame::new(SIDE, SIDE, cloud.iter().zip(&ice.0).flat_map(colour).collect()), SOFTNESS)
}

/// A line of ice.
#[derive(Clone, Copy)]
struct Stem {
    x: f32,
    y: f32,
    angle: f32,
    length: f32,
    /// By what its angle changes from pixel to pixel.
    bend: f32,
}

/// How thick the ice of crystals is, from 0 to 1.
struct Ice(Vec<f32>);

impl Ice {
    /// A stem that gets thinner, with branches to both sides at 60 degrees, as ice crystallises.
    fn branch(&mut self, stem: Stem, generations: u32) {
        let Stem { mut x, mut y, mut angle, length, bend } = stem;
        for step in 0..length as usize {
            let left = 1.0 - step as f32 / length;
            self.thicken(x, y, (0.25 + 0.75 * left) * generations as f32 / GENERATIONS as f32);
            if step % GAP == GAP - 1 && generations > 1 {
                for side in [-FRAC_PI_3, FRAC_PI_3] {
                    let length = length * left * 0.4;
                    self.branch(Stem { x, y, angle: angle + side, length, bend }, generations - 1);
                }
            }
            (x, y, angle) = (x + angle.cos(), y + angle.sin(), angle + bend);
        }
    }

    fn thicken(&mut self, x: f32, y: f32, thickness: f32) {
        let (column, row) = (x as usize, y as usize);
        if x >= 0.0 && y >= 0.0 && column < SIDE && row < SIDE {
            let here = &mut self.0[row * SIDE + column];
            *here = here.max(thickness);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::corrupt::reference::{expect, picture};

    #[test]
    fn frost_is_added_as_in_the_published_script() {
        let mut ice = picture();
        ice.data_mut().reverse();
        for (severity, (kept, added)) in [(1, FROST[0]), (5, FROST[4])] {
            expect(&format!("frost_{severity}"), &frozen(picture(), &ice, kept, added));
        }
    }

    #[test]
    fn pictures_of_frost_differ_and_have_dark_and_bright_parts() {
        for number in 0..PICTURES {
            let mut values = grown(number).data().to_vec();
            values.sort_unstable();
            let quantile = |share: f64| values[(share * (values.len() - 1) as f64) as usize];
            assert!(quantile(0.1) < 100 && quantile(0.9) > 140, "{} {}", quantile(0.1), quantile(0.9));
            assert!((0..number).all(|other| grown(other) != grown(number)));
        }
    }

    #[test]
    fn a_part_of_the_frost_has_the_size_of_the_clip() {
        let frost = grown(0);
        let part = part(frost, 224, 224, [1.0, 0.0]);
        assert_eq!(
            (0..224).map(|x| part.pixel(x, 9)).collect::<Vec<_>>(),
            (288..512).map(|x| frost.pixel(x, 9)).collect::<Vec<_>>()
        );
        assert_eq!(super::part(frost, 1, 900, [0.5, 0.5]).height(), 900);
    }
}
