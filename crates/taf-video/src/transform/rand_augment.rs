//! RandAugment: a few operations out of a fixed set, all at one strength.

use rand::{Rng, RngExt};
use rand_distr::StandardNormal;
use serde::{Deserialize, Serialize};

use super::affine::Affine;
use super::tone;
use crate::{Clip, Error, Frame, Result, Seed};

/// RandAugment (Cubuk et al., 2020) of clips: the same operations at the same strength for all frames, each frame's own histogram
/// and mean where an operation asks for one. The set and its strengths are torchvision's; no operation mirrors, so labels stay.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RandAugment {
    /// How many operations a clip undergoes, one after the other, 0 to 14; the same may come again. Default 2.
    pub operations: usize,
    /// Strength, in [0, 30]; default 9. Levels of ten, as timm counts them, are a third of these.
    pub magnitude: f64,
    /// Standard deviation of the strength of each operation, in [0, 30]; default 0. What leaves [0, 30] stays at its end.
    pub std: f64,
    /// How often an operation that was drawn is carried out, in [0, 1]; default 1. timm's is 0.5.
    pub probability: f64,
    /// Level of all channels that comes in from outside the frame; default 0, black. timm's is 128.
    pub fill: u8,
}

impl Default for RandAugment {
    fn default() -> Self {
        Self { operations: 2, magnitude: 9.0, std: 0.0, probability: 1.0, fill: 0 }
    }
}

/// The strongest there is.
const LARGEST: f64 = 30.0;

/// What can be done to a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Operation {
    Identity,
    ShearX,
    ShearY,
    TranslateX,
    TranslateY,
    Rotate,
    Brightness,
    Colour,
    Contrast,
    Sharpness,
    Posterize,
    Solarize,
    AutoContrast,
    Equalize,
}

impl Operation {
    const ALL: [Self; 14] = [
        Self::Identity,
        Self::ShearX,
        Self::ShearY,
        Self::TranslateX,
        Self::TranslateY,
        Self::Rotate,
        Self::Brightness,
        Self::Colour,
        Self::Contrast,
        Self::Sharpness,
        Self::Posterize,
        Self::Solarize,
        Self::AutoContrast,
        Self::Equalize,
    ];
}

/// One operation at one strength.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Change {
    operation: Operation,
    /// In [-1, 1]; its sign is a direction, where an operation has two.
    strength: f64,
}

impl RandAugment {
    pub(crate) fn check(&self) -> Result<()> {
        let within = |name, value: f64, most: f64| match (0.0..=most).contains(&value) {
            true => Ok(()),
            false => Err(Error::setting(name, format!("between 0 and {most}"), value)),
        };
        within("rand_augment.operations", self.operations as f64, Operation::ALL.len() as f64)?;
        within("rand_augment.magnitude", self.magnitude, LARGEST)?;
        within("rand_augment.std", self.std, LARGEST)?;
        within("rand_augment.probability", self.probability, 1.0)
    }

    /// A clip of any size, changed.
    pub(crate) fn apply(&self, clip: Clip, seed: Seed) -> Clip {
        let changes = (0..self.operations).filter_map(|at| self.draw(&mut seed.at(at).rng()));
        changes.fold(clip, |clip, change| clip.map(|frame| change.apply(frame, self.fill)))
    }

    /// The next operation, unless it is one that is left out.
    fn draw(&self, rng: &mut impl Rng) -> Option<Change> {
        let operation = Operation::ALL[rng.random_range(0..Operation::ALL.len())];
        let sign = if rng.random() { 1.0 } else { -1.0 };
        let happens = rng.random::<f64>() < self.probability;
        let magnitude = self.magnitude + self.std * rng.sample::<f64, _>(StandardNormal);
        happens.then_some(Change { operation, strength: sign * magnitude.clamp(0.0, LARGEST) / LARGEST })
    }
}

impl Change {
    /// torchvision's table of strengths: slopes up to 0.3, shifts up to 150 of 331 of a side in whole pixels, turns up to 30 degrees,
    /// factors up to 0.9 from 1, 8 to 4 bits, thresholds from 255 down to 0.
    fn apply(self, frame: Frame, fill: u8) -> Frame {
        let (width, height) = (frame.width(), frame.height());
        let shift = |side: usize| (150.0 / 331.0 * side as f64 * self.strength).trunc();
        let factor = (1.0 + 0.9 * self.strength) as f32;
        match self.operation {
            Operation::Identity => frame,
            Operation::ShearX => Affine::shear_x(0.3 * self.strength).apply(&frame, fill),
            Operation::ShearY => Affine::shear_y(0.3 * self.strength).apply(&frame, fill),
            Operation::TranslateX => Affine::translate(shift(width), 0.0).apply(&frame, fill),
            Operation::TranslateY => Affine::translate(0.0, shift(height)).apply(&frame, fill),
            Operation::Rotate => Affine::rotate(30.0 * self.strength, width, height).apply(&frame, fill),
            Operation::Brightness => tone::brightness(frame, factor),
            Operation::Colour => tone::colour(frame, factor),
            Operation::Contrast => tone::contrast(frame, factor),
            Operation::Sharpness => tone::sharpness(frame, factor),
            Operation::Posterize => tone::posterize(frame, 8 - (4.0 * self.strength.abs()).round_ties_even() as u32),
            Operation::Solarize => tone::solarize(frame, 255.0 * (1.0 - self.strength.abs())),
            Operation::AutoContrast => tone::autocontrast(frame),
            Operation::Equalize => tone::equalize(frame),
        }
    }
}

#[cfg(test)]
#[path = "rand_augment_tests.rs"]
mod tests;
