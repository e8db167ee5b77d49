//! Random erasing: a box of the clip painted over.

use rand::{Rng, RngExt};
use serde::{Deserialize, Serialize};

use super::crop::{check_range, draw_place, draw_shape};
use super::geometry::Area;
use crate::{Clip, Error, Result, Seed};

/// Random erasing (Zhong et al., AAAI 2020) of clips: one box, at the same place in all frames.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RandomErasing {
    /// How often a clip loses a box, in [0, 1]; default 0.5. Recipes of MViT take 0.25.
    pub probability: f64,
    /// Smallest and largest share of the area, in (0, 1]; default `[0.02, 0.4]`.
    pub area: [f64; 2],
    /// Smallest and largest width/height, drawn evenly in its logarithm; default `[0.3, 3.33]`.
    pub ratio: [f64; 2],
    /// What stands there instead; default `"noise"`.
    pub fill: Fill,
}

/// What an erased box is filled with.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Fill {
    /// Any level for every channel of every pixel of every frame.
    #[default]
    Noise,
    /// One colour, as red, green and blue levels of 255: `{ colour = [124, 116, 104] }`, the mean of ImageNet.
    Colour([u8; 3]),
}

impl Default for RandomErasing {
    fn default() -> Self {
        Self { probability: 0.5, area: [0.02, 0.4], ratio: [0.3, 1.0 / 0.3], fill: Fill::default() }
    }
}

/// How many boxes are drawn before a clip is left as it is: shapes that do not fit are rare.
const ATTEMPTS: usize = 100;

impl RandomErasing {
    pub(crate) fn check(&self) -> Result<()> {
        if !(0.0..=1.0).contains(&self.probability) {
            return Err(Error::setting("erasing.probability", "between 0 and 1", self.probability));
        }
        check_range("erasing.area", self.area, 1.0)?;
        check_range("erasing.ratio", self.ratio, f64::MAX)
    }

    pub(crate) fn apply(&self, clip: Clip, seed: Seed) -> Clip {
        let rng = &mut seed.rng();
        if rng.random::<f64>() >= self.probability {
            return clip;
        }
        let Some(area) = self.draw(&clip, rng) else { return clip };
        clip.map(|mut frame| {
            let stride = frame.width() * 3;
            for row in frame.data_mut().chunks_exact_mut(stride).skip(area.y).take(area.height) {
                self.fill.paint(&mut row[area.x * 3..(area.x + area.width) * 3], rng);
            }
            frame
        })
    }

    /// A box that leaves something on every side of the frame or on its opposite.
    fn draw(&self, clip: &Clip, rng: &mut impl Rng) -> Option<Area> {
        let fits = |&(width, height): &(usize, usize)| {
            (1..clip.width()).contains(&width) && (1..clip.height()).contains(&height)
        };
        let (width, height) = (0..ATTEMPTS).map(|_| draw_shape(clip, self.area, self.ratio, rng)).find(fits)?;
        Some(draw_place(clip, width, height, false, rng))
    }
}

impl Fill {
    fn paint(self, pixels: &mut [u8], rng: &mut impl Rng) {
        match self {
            Self::Noise => rng.fill_bytes(pixels),
            Self::Colour(colour) => pixels.as_chunks_mut::<3>().0.fill(colour),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Frame;

    const GREY: [u8; 3] = [7; 3];

    fn clip(width: usize, height: usize) -> Clip {
        Clip::new(vec![Frame::filled(width, height, GREY); 4])
    }

    /// The box of pixels that are no longer grey, if it is a whole one.
    fn erased(frame: &Frame) -> Option<Area> {
        let changed: Vec<(usize, usize)> = (0..frame.height())
            .flat_map(|y| (0..frame.width()).map(move |x| (x, y)))
            .filter(|&(x, y)| frame.pixel(x, y) != GREY)
            .collect();
        let (&(x, y), &(right, bottom)) = (changed.first()?, changed.last()?);
        let area = Area { x, y, width: right + 1 - x, height: bottom + 1 - y };
        assert_eq!(changed.len(), area.width * area.height, "a box is erased whole");
        Some(area)
    }

    #[test]
    fn one_box_of_the_asked_share_and_shape_is_erased_in_all_frames() {
        let fill = Fill::Colour([1, 2, 3]);
        let erasing = RandomErasing { probability: 1.0, area: [0.1, 0.3], ratio: [0.5, 2.0], fill };
        let (mut shares, mut lefts) = (0.0, std::collections::HashSet::new());
        for i in 0..400 {
            let result = erasing.apply(clip(120, 80), Seed::new(1).at(i));
            assert!(result.frames().iter().all(|frame| *frame == result.frames()[0]));
            let area = erased(&result.frames()[0]).expect("every clip loses a box");
            let (share, ratio) = ((area.width * area.height) as f64 / 9600.0, area.width as f64 / area.height as f64);
            assert!((0.095..0.305).contains(&share) && (0.48..2.05).contains(&ratio), "{share} {ratio}");
            assert_eq!(result.frames()[0].pixel(area.x, area.y), [1, 2, 3]);
            shares += share;
            lefts.insert(area.x);
        }
        // Evenly drawn shares, less the few large and long ones that do not fit; 400 of deviation 0.058 are off by 0.003.
        assert!((shares / 400.0 - 0.2).abs() < 0.01, "{}", shares / 400.0);
        assert!(lefts.len() > 40, "at any place");
    }

    #[test]
    fn noise_is_new_in_every_frame_and_spread_over_all_levels() {
        let erasing = RandomErasing { probability: 1.0, area: [0.4, 0.4], ratio: [1.0, 1.0], fill: Fill::Noise };
        let result = erasing.apply(clip(100, 100), Seed::new(2));
        let noise: Vec<u8> =
            result.frames().iter().flat_map(|f| f.data().iter().filter(|v| **v != 7)).copied().collect();
        let mean = noise.iter().map(|value| f64::from(*value)).sum::<f64>() / noise.len() as f64;
        // 63 x 63 pixels; the mean of 48,000 even levels is off by 0.34.
        assert!(noise.len() > 40_000 && (mean - 127.5).abs() < 2.0, "{} {mean}", noise.len());
        assert_ne!(result.frames()[0], result.frames()[1]);
    }

    #[test]
    fn clips_lose_a_box_as_often_as_asked() {
        let erasing = RandomErasing { probability: 0.25, ..RandomErasing::default() };
        let changed = (0..1000).filter(|&i| erasing.apply(clip(20, 20), Seed::new(3).at(i)) != clip(20, 20)).count();
        assert!((205..295).contains(&changed), "{changed} of 1000");
    }

    #[test]
    fn a_box_that_cannot_fit_is_not_erased() {
        let erasing = RandomErasing { probability: 1.0, area: [1.0, 1.0], ..RandomErasing::default() };
        assert_eq!(erasing.apply(clip(9, 9), Seed::new(1)), clip(9, 9));
        assert_eq!(
            RandomErasing { probability: 1.0, ..RandomErasing::default() }.apply(clip(1, 1), Seed::new(1)),
            clip(1, 1)
        );
    }

    #[test]
    fn settings_read_as_documented_and_senseless_ones_are_refused() {
        let read = |text: &str| serde_json::from_str::<RandomErasing>(text);
        assert_eq!(read("{}").unwrap(), RandomErasing::default());
        assert_eq!(read(r#"{"fill": {"colour": [1, 2, 3]}}"#).unwrap().fill, Fill::Colour([1, 2, 3]));
        assert!(read(r#"{"scale": [0.1, 0.2]}"#).is_err());
        let bad = [
            RandomErasing { probability: 1.1, ..Default::default() },
            RandomErasing { area: [0.0, 0.4], ..Default::default() },
            RandomErasing { area: [0.4, 1.2], ..Default::default() },
            RandomErasing { ratio: [2.0, 1.0], ..Default::default() },
        ];
        assert!(bad.iter().all(|erasing| erasing.check().is_err()));
        assert!(RandomErasing::default().check().is_ok());
    }
}
