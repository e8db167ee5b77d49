//! Colour jitter: one change of brightness, contrast, saturation and hue for all frames of a clip.

use rand::{Rng, RngExt};
use rand_distr::StandardNormal;
use serde::{Deserialize, Serialize};

use crate::{Clip, Error, Frame, Result};

/// Ranges a change of colour is drawn from. The defaults are those of the TPN recipes, but for `lighting`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ColourJitter {
    /// Largest amount added to or taken from every channel, in levels of 255. Default 32.
    pub brightness: f64,
    /// Smallest and largest factor on every channel, not negative. Default `[0.6, 1.4]`.
    pub contrast: [f64; 2],
    /// Smallest and largest factor on the saturation (HSV), not negative. Default `[0.6, 1.4]`.
    pub saturation: [f64; 2],
    /// Largest turn of the hue (HSV) in degrees, in [0, 180]. Default 18.
    pub hue_degrees: f64,
    /// Noise along the directions in which the colours of ImageNet vary, as a share of how far they do (Krizhevsky et al.,
    /// 2012): its standard deviation, in [0, 10]. Default 0, in the TPN recipes 0.1.
    pub lighting: f64,
}

impl Default for ColourJitter {
    fn default() -> Self {
        Self { brightness: 32.0, contrast: [0.6, 1.4], saturation: [0.6, 1.4], hue_degrees: 18.0, lighting: 0.0 }
    }
}

impl ColourJitter {
    pub(crate) fn check(&self) -> Result<()> {
        check_factors("colour.contrast", self.contrast)?;
        check_factors("colour.saturation", self.saturation)?;
        check_most("colour.brightness", self.brightness, 255.0)?;
        check_most("colour.hue_degrees", self.hue_degrees, 180.0)?;
        check_most("colour.lighting", self.lighting, 10.0)
    }

    pub(crate) fn draw(&self, rng: &mut impl Rng) -> ColourChange {
        let mut within = |[low, high]: [f64; 2]| rng.random_range(low..=high) as f32;
        ColourChange {
            brightness: within([-self.brightness, self.brightness]),
            contrast: within(self.contrast),
            saturation: within(self.saturation),
            hue_degrees: within([-self.hue_degrees, self.hue_degrees]),
            // Drawn last: whoever leaves it out draws the rest as before.
            lighting: if self.lighting > 0.0 { self.draw_lighting(rng) } else { [0.0; 3] },
        }
    }

    fn draw_lighting(&self, rng: &mut impl Rng) -> [f32; 3] {
        let along =
            PRINCIPAL_DEVIATIONS.map(|deviation| self.lighting * deviation * rng.sample::<f64, _>(StandardNormal));
        PRINCIPAL_COLOURS
            .map(|channel| channel.iter().zip(along).map(|(part, amount)| part * amount).sum::<f64>() as f32)
    }
}

/// How far the colours of ImageNet lie apart along [`PRINCIPAL_COLOURS`], in levels of 255 (fb.resnet.torch, mmaction).
const PRINCIPAL_DEVIATIONS: [f64; 3] = [55.46, 4.794, 1.148];
/// Red, green and blue of the three principal directions of ImageNet's colours.
const PRINCIPAL_COLOURS: [[f64; 3]; 3] =
    [[-0.5675, 0.7192, 0.4009], [-0.5808, -0.0045, -0.8140], [-0.5836, -0.6948, 0.4203]];

fn check_factors(name: &'static str, [low, high]: [f64; 2]) -> Result<()> {
    let valid = low >= 0.0 && low <= high && high.is_finite();
    let error = || Error::setting(name, "[low, high] with 0 <= low <= high", format!("[{low}, {high}]"));
    if valid { Ok(()) } else { Err(error()) }
}

fn check_most(name: &'static str, value: f64, most: f64) -> Result<()> {
    let error = || Error::setting(name, format!("between 0 and {most}"), value);
    if (0.0..=most).contains(&value) { Ok(()) } else { Err(error()) }
}

/// One definite change of colour.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct ColourChange {
    /// Added to every channel, in levels of 255.
    pub brightness: f32,
    /// Factor on every channel after that.
    pub contrast: f32,
    /// Factor on the saturation.
    pub saturation: f32,
    /// Turn of the hue.
    pub hue_degrees: f32,
    /// Added to red, green and blue at last, in levels of 255.
    pub lighting: [f32; 3],
}

impl ColourChange {
    pub fn apply(self, clip: Clip) -> Clip {
        let levels = self.levels();
        let keeps_hue = self.saturation == 1.0 && self.hue_degrees == 0.0;
        clip.map(|mut frame| {
            frame.data_mut().iter_mut().for_each(|value| *value = levels[usize::from(*value)]);
            let frame = if keeps_hue { frame } else { self.turn(frame) };
            if self.lighting == [0.0; 3] { frame } else { self.light(frame) }
        })
    }

    fn light(self, mut frame: Frame) -> Frame {
        for pixel in frame.data_mut().as_chunks_mut::<3>().0 {
            for (value, more) in pixel.iter_mut().zip(self.lighting) {
                *value = (f32::from(*value) + more).round() as u8;
            }
        }
        frame
    }

    /// What brightness and contrast make of each level.
    fn levels(self) -> [u8; 256] {
        // A float turned into u8 stops at 0 and 255.
        std::array::from_fn(|level| ((level as f32 + self.brightness) * self.contrast).round() as u8)
    }

    fn turn(self, mut frame: Frame) -> Frame {
        let sixths = self.hue_degrees / 60.0;
        for pixel in frame.data_mut().as_chunks_mut::<3>().0 {
            *pixel = turned(*pixel, self.saturation, sixths);
        }
        frame
    }
}

/// Multiplies the saturation and turns the hue by `sixths` of the circle, at most 3 either way; both of HSV.
fn turned(rgb: [u8; 3], saturation: f32, sixths: f32) -> [u8; 3] {
    let [r, g, b] = rgb.map(f32::from);
    let value = r.max(g).max(b);
    let chroma = value - r.min(g).min(b);
    if chroma == 0.0 {
        return rgb;
    }
    let hue = if value == r {
        (g - b) / chroma
    } else if value == g {
        (b - r) / chroma + 2.0
    } else {
        (r - g) / chroma + 4.0
    };
    let (chroma, hue) = ((chroma * saturation).min(value), around(around(hue) + sixths));
    let channel = |offset: f32| {
        let k = around(offset + hue);
        (value - chroma * k.min(4.0 - k).clamp(0.0, 1.0) + 0.5) as u8
    };
    [channel(5.0), channel(3.0), channel(1.0)]
}

/// The same place on a circle of six, in [0, 6), of one at most a turn away: comparisons are far cheaper than a remainder.
fn around(place: f32) -> f32 {
    let place = if place < 0.0 { place + 6.0 } else { place };
    if place >= 6.0 { place - 6.0 } else { place }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Seed;

    const NEUTRAL: ColourChange =
        ColourChange { brightness: 0.0, contrast: 1.0, saturation: 1.0, hue_degrees: 0.0, lighting: [0.0; 3] };

    fn pixel_after(change: ColourChange, rgb: [u8; 3]) -> [u8; 3] {
        change.apply(Clip::new(vec![Frame::filled(2, 2, rgb)])).frames()[0].pixel(1, 1)
    }

    #[test]
    fn the_neutral_change_changes_nothing() {
        let still =
            ColourJitter { brightness: 0.0, contrast: [1.0; 2], saturation: [1.0; 2], hue_degrees: 0.0, lighting: 0.0 };
        assert_eq!(still.draw(&mut Seed::new(0).rng()), NEUTRAL);
        for rgb in [[0, 0, 0], [255, 255, 255], [1, 2, 3], [200, 10, 99]] {
            assert_eq!(pixel_after(NEUTRAL, rgb), rgb);
            assert_eq!(turned(rgb, 1.0, 0.0), rgb, "through HSV and back");
        }
    }

    #[test]
    fn each_change_does_what_its_name_says() {
        let change = |brightness, contrast| ColourChange { brightness, contrast, ..NEUTRAL };
        assert_eq!(pixel_after(change(30.0, 1.0), [10, 100, 240]), [40, 130, 255]);
        assert_eq!(pixel_after(change(-30.0, 1.0), [10, 100, 240]), [0, 70, 210]);
        assert_eq!(pixel_after(change(0.0, 1.5), [10, 100, 240]), [15, 150, 255]);
        assert_eq!(pixel_after(ColourChange { saturation: 0.0, ..NEUTRAL }, [10, 100, 240]), [240; 3]);
        assert_eq!(pixel_after(ColourChange { saturation: 0.5, ..NEUTRAL }, [100, 200, 100]), [150, 200, 150]);
        assert_eq!(pixel_after(ColourChange { saturation: 9.0, ..NEUTRAL }, [100, 200, 100]), [0, 200, 0]);
        assert_eq!(pixel_after(ColourChange { lighting: [5.4, -5.4, 9.0], ..NEUTRAL }, [1, 2, 250]), [6, 0, 255]);
    }

    #[test]
    fn lighting_spreads_as_far_as_its_principal_colours_and_changes_no_other_draw() {
        let (plain, lit) = (ColourJitter::default(), ColourJitter { lighting: 0.1, ..ColourJitter::default() });
        let draws = |jitter: &ColourJitter| (0..4000).map(|i| jitter.draw(&mut Seed::new(i).rng())).collect::<Vec<_>>();
        let (plain, lit) = (draws(&plain), draws(&lit));
        for (plain, lit) in plain.iter().zip(&lit) {
            assert_eq!(ColourChange { lighting: [0.0; 3], ..*lit }, *plain);
        }
        for (channel, colours) in PRINCIPAL_COLOURS.iter().enumerate() {
            let spread = lit.iter().map(|change| f64::from(change.lighting[channel]).powi(2)).sum::<f64>() / 4000.0;
            let parts = colours.iter().zip(PRINCIPAL_DEVIATIONS);
            let expected = parts.map(|(part, deviation)| (0.1 * part * deviation).powi(2)).sum::<f64>();
            // Of 4000 draws a variance is off by 2.2 % as a rule.
            assert!((spread / expected - 1.0).abs() < 0.1, "channel {channel}: {spread} for {expected}");
        }
    }

    #[test]
    fn turning_the_hue_goes_around_the_circle() {
        let turned = |degrees, rgb| pixel_after(ColourChange { hue_degrees: degrees, ..NEUTRAL }, rgb);
        assert_eq!(turned(120.0, [200, 50, 50]), [50, 200, 50]);
        assert_eq!(turned(-120.0, [200, 50, 50]), [50, 50, 200]);
        assert_eq!(turned(60.0, [200, 50, 50]), [200, 200, 50]);
        assert_eq!(turned(180.0, [10, 100, 240]), turned(-180.0, [10, 100, 240]));
        assert_eq!(turned(90.0, [77; 3]), [77; 3]);
    }

    #[test]
    fn every_draw_lies_in_its_range() {
        let (jitter, mut rng) = (ColourJitter::default(), Seed::new(1).rng());
        for change in (0..500).map(|_| jitter.draw(&mut rng)) {
            assert!(change.brightness.abs() <= 32.0 && change.hue_degrees.abs() <= 18.0);
            assert!((0.6..=1.4).contains(&change.contrast) && (0.6..=1.4).contains(&change.saturation));
        }
    }

    #[test]
    fn senseless_ranges_are_refused() {
        let bad = [
            ColourJitter { brightness: -1.0, ..Default::default() },
            ColourJitter { contrast: [1.4, 0.6], ..Default::default() },
            ColourJitter { saturation: [-1.0, 1.0], ..Default::default() },
            ColourJitter { hue_degrees: 200.0, ..Default::default() },
            ColourJitter { brightness: f64::NAN, ..Default::default() },
            ColourJitter { lighting: -0.1, ..Default::default() },
        ];
        assert!(bad.iter().all(|jitter| jitter.check().is_err()));
        assert!(ColourJitter::default().check().is_ok());
    }
}
