//! Random crops for training.

use rand::{Rng, RngExt};
use serde::{Deserialize, Serialize};

use crate::transform::Area;
use crate::{Clip, Error, Result};

/// A crop size this close to the output size, in pixels, is taken as the output size: no resampling for so little.
const SNAP_BELOW: usize = 3;
/// How often [`TrainCrop::RandomResized`] tries before it takes the centre.
const ATTEMPTS: usize = 10;
/// The 13 places of a fixed-offset crop, in quarters of the free space from the left and from the top: corners, centre,
/// middles of the edges, quarter points.
const PLACES: [(usize, usize); 13] =
    [(0, 0), (4, 0), (0, 4), (4, 4), (2, 2), (0, 2), (4, 2), (2, 4), (2, 0), (1, 1), (3, 1), (1, 3), (3, 3)];

/// Which part of the frame a training clip shows; whatever it is, it is then resized to the output size.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
pub enum TrainCrop {
    /// TSN's corner cropping and scale jittering: sides drawn from fixed fractions of the short side.
    MultiScale {
        /// Fractions of the short side, each in (0, 1], largest first. Default `[1, 0.875, 0.75, 0.66]`.
        #[serde(default = "default_scales")]
        scales: Vec<f64>,
        /// How many steps in `scales` width and height may lie apart. Default 1.
        #[serde(default = "default_max_distort")]
        max_distort: usize,
        /// Draw one of 13 fixed places instead of any place. Default true.
        #[serde(default = "default_fixed_offsets")]
        fixed_offsets: bool,
    },
    /// Inception's crop: a random share of the area with a random shape.
    RandomResized {
        /// Smallest and largest share of the frame's area, in (0, 1]. Default `[0.08, 1]`.
        #[serde(default = "default_area")]
        scale: [f64; 2],
        /// Smallest and largest width/height. Default `[3/4, 4/3]`.
        #[serde(default = "default_ratio")]
        ratio: [f64; 2],
    },
    /// The largest square in the middle.
    // Empty braces here and below: for unit variants unknown fields would not be refused.
    Centre {},
    /// The whole frame, stretched to a square.
    Stretch {},
}

fn default_scales() -> Vec<f64> {
    vec![1.0, 0.875, 0.75, 0.66]
}

fn default_max_distort() -> usize {
    1
}

fn default_fixed_offsets() -> bool {
    true
}

fn default_area() -> [f64; 2] {
    [0.08, 1.0]
}

fn default_ratio() -> [f64; 2] {
    [3.0 / 4.0, 4.0 / 3.0]
}

impl Default for TrainCrop {
    fn default() -> Self {
        Self::MultiScale {
            scales: default_scales(),
            max_distort: default_max_distort(),
            fixed_offsets: default_fixed_offsets(),
        }
    }
}

impl TrainCrop {
    /// Inception's crop with its usual ranges.
    pub fn random_resized() -> Self {
        Self::RandomResized { scale: default_area(), ratio: default_ratio() }
    }

    pub(crate) fn check(&self) -> Result<()> {
        match self {
            Self::MultiScale { scales, .. } => check_scales(scales),
            Self::RandomResized { scale, ratio } => {
                check_range("crop.scale", *scale, 1.0)?;
                check_range("crop.ratio", *ratio, f64::MAX)
            }
            Self::Centre {} | Self::Stretch {} => Ok(()),
        }
    }

    /// Draws the area a clip shows. `size`: the side of the output in pixels.
    pub(crate) fn draw(&self, clip: &Clip, size: usize, rng: &mut impl Rng) -> Area {
        let short = clip.width().min(clip.height());
        match self {
            Self::MultiScale { scales, max_distort, fixed_offsets } => {
                let (width, height) = draw_sides(&crop_sides(scales, short, size), *max_distort, rng);
                draw_place(clip, width, height, *fixed_offsets, rng)
            }
            Self::RandomResized { scale, ratio } => draw_share(clip, *scale, *ratio, rng),
            Self::Centre {} => Area::centred(clip, short, short),
            Self::Stretch {} => Area::whole(clip),
        }
    }
}

fn check_scales(scales: &[f64]) -> Result<()> {
    let valid = !scales.is_empty() && scales.iter().all(|&scale| scale > 0.0 && scale <= 1.0);
    let error = || Error::setting("crop.scales", "one or more fractions in (0, 1]", format!("{scales:?}"));
    if valid { Ok(()) } else { Err(error()) }
}

pub(super) fn check_range(name: &'static str, [low, high]: [f64; 2], most: f64) -> Result<()> {
    let valid = low > 0.0 && low <= high && high <= most;
    let upper = if most == f64::MAX { String::new() } else { format!(" and at most {most}") };
    let error = || Error::setting(name, format!("[low, high] with 0 < low <= high{upper}"), format!("[{low}, {high}]"));
    if valid { Ok(()) } else { Err(error()) }
}

/// The crop sides the scales stand for, those near the output size made equal to it where the frame is large enough.
fn crop_sides(scales: &[f64], short: usize, size: usize) -> Vec<usize> {
    let snap = |side: usize| if side.abs_diff(size) < SNAP_BELOW && size <= short { size } else { side.max(1) };
    scales.iter().map(|scale| snap((short as f64 * scale) as usize)).collect()
}

/// Any pair of sides, as (width, height), at most `max_distort` places apart.
fn draw_sides(sides: &[usize], max_distort: usize, rng: &mut impl Rng) -> (usize, usize) {
    let pairs: Vec<(usize, usize)> = (0..sides.len())
        .flat_map(|h| (0..sides.len()).map(move |w| (w, h)))
        .filter(|(w, h)| w.abs_diff(*h) <= max_distort)
        .collect();
    let (w, h) = pairs[rng.random_range(0..pairs.len())];
    (sides[w], sides[h])
}

pub(super) fn draw_place(clip: &Clip, width: usize, height: usize, fixed_offsets: bool, rng: &mut impl Rng) -> Area {
    let (free_x, free_y) = (clip.width() - width, clip.height() - height);
    let (x, y) = if fixed_offsets {
        let (x, y) = PLACES[rng.random_range(0..PLACES.len())];
        (x * (free_x / 4), y * (free_y / 4))
    } else {
        (rng.random_range(0..=free_x), rng.random_range(0..=free_y))
    };
    Area { x, y, width, height }
}

fn draw_share(clip: &Clip, scale: [f64; 2], ratio: [f64; 2], rng: &mut impl Rng) -> Area {
    for _ in 0..ATTEMPTS {
        let (width, height) = draw_shape(clip, scale, ratio, rng);
        if (1..=clip.width()).contains(&width) && (1..=clip.height()).contains(&height) {
            return draw_place(clip, width, height, false, rng);
        }
    }
    centre_within(clip, ratio)
}

/// Width and height of some share of a frame's area, in a shape that is drawn evenly in its logarithm; neither need fit.
pub(super) fn draw_shape(clip: &Clip, share: [f64; 2], ratio: [f64; 2], rng: &mut impl Rng) -> (usize, usize) {
    let area = (clip.width() * clip.height()) as f64 * rng.random_range(share[0]..=share[1]);
    let shape = rng.random_range(ratio[0].ln()..=ratio[1].ln()).exp();
    ((area * shape).sqrt().round() as usize, (area / shape).sqrt().round() as usize)
}

/// The largest area in the middle whose shape lies within `ratio`.
fn centre_within(clip: &Clip, [low, high]: [f64; 2]) -> Area {
    let (width, height) = (clip.width() as f64, clip.height() as f64);
    let shape = (width / height).clamp(low, high);
    let width = width.min(height * shape).round().max(1.0);
    Area::centred(clip, width as usize, (width / shape).round().max(1.0) as usize)
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;
    use crate::{Frame, Seed};

    fn clip(width: usize, height: usize) -> Clip {
        Clip::new(vec![Frame::filled(width, height, [0; 3])])
    }

    fn draws(crop: &TrainCrop, clip: &Clip, size: usize) -> HashSet<(usize, usize, usize, usize)> {
        let mut rng = Seed::new(4).rng();
        let draw = |_| crop.draw(clip, size, &mut rng);
        (0..3000).map(draw).map(|area| (area.x, area.y, area.width, area.height)).collect()
    }

    #[test]
    fn multi_scale_sides_are_those_of_the_published_scales() {
        assert_eq!(crop_sides(&default_scales(), 256, 224), [256, 224, 192, 168]);
        assert_eq!(crop_sides(&default_scales(), 255, 224), [255, 224, 191, 168], "223 is snapped to 224");
        assert_eq!(crop_sides(&default_scales(), 222, 224), [222, 194, 166, 146], "the frame is too small to snap");
    }

    #[test]
    fn multi_scale_draws_every_allowed_shape_and_only_those() {
        let sides: HashSet<_> =
            draws(&TrainCrop::default(), &clip(340, 256), 224).iter().map(|&(_, _, w, h)| (w, h)).collect();
        let steps = [256, 224, 192, 168];
        let allowed = |i: usize, j: usize| i.abs_diff(j) <= 1;
        let expected: HashSet<_> = (0..4)
            .flat_map(|i| (0..4).map(move |j| (i, j)))
            .filter(|&(i, j)| allowed(i, j))
            .map(|(i, j)| (steps[i], steps[j]))
            .collect();
        assert_eq!(sides, expected);
    }

    #[test]
    fn multi_scale_crops_lie_at_the_thirteen_places() {
        let places: HashSet<_> = draws(&TrainCrop::default(), &clip(340, 256), 224)
            .into_iter()
            .filter(|&(_, _, w, h)| (w, h) == (192, 192))
            .map(|(x, y, ..)| (x, y))
            .collect();
        // Steps of (340 - 192) / 4 = 37 and (256 - 192) / 4 = 16 pixels.
        let expected: HashSet<_> = [
            (0, 0),
            (148, 0),
            (0, 64),
            (148, 64),
            (74, 32),
            (0, 32),
            (148, 32),
            (74, 64),
            (74, 0),
            (37, 16),
            (111, 16),
            (37, 48),
            (111, 48),
        ]
        .into();
        assert_eq!(places, expected);
    }

    #[test]
    fn every_crop_lies_inside_frames_of_any_size() {
        let free = TrainCrop::MultiScale { scales: default_scales(), max_distort: 3, fixed_offsets: false };
        for crop in
            [TrainCrop::default(), free, TrainCrop::random_resized(), TrainCrop::Centre {}, TrainCrop::Stretch {}]
        {
            for (width, height) in [(1, 1), (2, 3), (5, 90), (90, 5), (61, 47), (223, 222)] {
                for (x, y, w, h) in draws(&crop, &clip(width, height), 224) {
                    assert!(w > 0 && h > 0 && x + w <= width && y + h <= height, "{crop:?} in {width}x{height}");
                }
            }
        }
    }

    #[test]
    fn random_resized_crops_keep_to_their_share_and_shape() {
        let crop = TrainCrop::RandomResized { scale: [0.25, 0.5], ratio: [0.8, 1.25] };
        for (_, _, w, h) in draws(&crop, &clip(320, 240), 224) {
            let (share, shape) = ((w * h) as f64 / (320.0 * 240.0), w as f64 / h as f64);
            assert!((0.245..=0.505).contains(&share), "{share}");
            assert!((0.79..=1.26).contains(&shape), "{shape}");
        }
    }

    #[test]
    fn an_impossible_shape_falls_back_to_the_middle() {
        let crop = TrainCrop::RandomResized { scale: [1.0, 1.0], ratio: [1.0, 1.0] };
        assert_eq!(draws(&crop, &clip(320, 240), 224), [(40, 0, 240, 240)].into());
    }

    #[test]
    fn senseless_ranges_are_refused() {
        let bad = [
            TrainCrop::MultiScale { scales: vec![], max_distort: 1, fixed_offsets: true },
            TrainCrop::MultiScale { scales: vec![1.2], max_distort: 1, fixed_offsets: true },
            TrainCrop::RandomResized { scale: [0.0, 1.0], ratio: [1.0, 1.0] },
            TrainCrop::RandomResized { scale: [0.5, 1.5], ratio: [1.0, 1.0] },
            TrainCrop::RandomResized { scale: [0.5, 1.0], ratio: [2.0, 1.0] },
            TrainCrop::RandomResized { scale: [f64::NAN, 1.0], ratio: [1.0, 1.0] },
        ];
        for crop in bad {
            assert!(crop.check().is_err(), "{crop:?}");
        }
        assert!(TrainCrop::default().check().is_ok() && TrainCrop::random_resized().check().is_ok());
    }
}
