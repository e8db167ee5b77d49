//! From a decoded clip to what the network sees: crops, resizing, mirrors that know their labels, colour, RandAugment, erasing.
//!
//! Everything random is drawn once per clip and is the same for all its frames.

mod affine;
mod colour;
mod crop;
mod erasing;
mod eval;
mod flip;
mod geometry;
mod labels;
mod rand_augment;
mod tone;

use serde::{Deserialize, Serialize};

pub use colour::ColourJitter;
pub use crop::TrainCrop;
pub use erasing::{Fill, RandomErasing};
pub use eval::{Crops, EvalTransform, EvalTransformConfig};
pub use flip::FlipPolicy;
pub use geometry::{
    Area, crop, crop_and_resize, flip_horizontal, flip_vertical, resize, resize_short_side, reverse_time,
};
pub use labels::{Axis, LabelSwap, directional_pairs};
pub use rand_augment::RandAugment;

pub(crate) use affine::Affine;
pub(crate) use geometry::resize_frame;

use crate::{Clip, Error, Result, Seed};
use flip::{Flip, Mirror};

/// Settings of [`TrainTransform`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct TrainTransformConfig {
    /// Side of the square the network sees, in pixels. Default 224.
    pub size: usize,
    /// Length the short side is resized to before anything else, in pixels. Default: not resized.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub short_side: Option<usize>,
    /// Which part of the frame is shown. Default: TSN's multi-scale crop.
    pub crop: TrainCrop,
    /// Left-right mirror. Default `"off"`.
    pub horizontal_flip: FlipPolicy,
    /// Up-down mirror. Default `"off"`.
    pub vertical_flip: FlipPolicy,
    /// Playing clips backwards. With `"swap"` only clips of classes named in `reversal_pairs` are. Default `"off"`.
    pub time_reversal: FlipPolicy,
    /// How often each allowed flip happens, in [0, 1]. Default 0.5.
    pub flip_probability: f64,
    /// Classes the left-right mirror exchanges besides those found by [`directional_pairs`], as pairs of names. Default none.
    pub horizontal_pairs: Vec<[String; 2]>,
    /// Classes the up-down mirror exchanges besides those found by [`directional_pairs`], as pairs of names. Default none.
    pub vertical_pairs: Vec<[String; 2]>,
    /// Classes that are each other played backwards, as pairs of names such as `["open", "close"]`; `["wave", "wave"]` for
    /// one that looks the same either way. Default none.
    pub reversal_pairs: Vec<[String; 2]>,
    /// Ranges of the colour jitter. Default: none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub colour: Option<ColourJitter>,
    /// Operations of a fixed set after that, on the square that the network sees. Default: none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rand_augment: Option<RandAugment>,
    /// Boxes that are painted over at last. Default: none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub erasing: Option<RandomErasing>,
}

impl Default for TrainTransformConfig {
    fn default() -> Self {
        Self {
            size: 224,
            short_side: None,
            crop: TrainCrop::default(),
            horizontal_flip: FlipPolicy::Off,
            vertical_flip: FlipPolicy::Off,
            time_reversal: FlipPolicy::Off,
            flip_probability: 0.5,
            horizontal_pairs: Vec::new(),
            vertical_pairs: Vec::new(),
            reversal_pairs: Vec::new(),
            colour: None,
            rand_augment: None,
            erasing: None,
        }
    }
}

impl TrainTransformConfig {
    /// Checks the settings against the names of the classes, in the order of the labels.
    ///
    /// # Errors
    /// [`Error::Setting`] for a value out of its range, a pair that names no class, and a plain flip of directional classes.
    pub fn init(&self, classes: &[String]) -> Result<TrainTransform> {
        self.check()?;
        let flips = [
            Flip::new(Mirror::Horizontal, self.horizontal_flip, &self.horizontal_pairs, classes)?,
            Flip::new(Mirror::Vertical, self.vertical_flip, &self.vertical_pairs, classes)?,
            Flip::new(Mirror::Time, self.time_reversal, &self.reversal_pairs, classes)?,
        ];
        Ok(TrainTransform {
            size: self.size,
            short_side: self.short_side,
            crop: self.crop.clone(),
            flips: flips.into_iter().flatten().collect(),
            flip_probability: self.flip_probability,
            colour: self.colour.clone(),
            rand_augment: self.rand_augment.clone(),
            erasing: self.erasing.clone(),
        })
    }

    fn check(&self) -> Result<()> {
        check_side("size", self.size)?;
        self.short_side.map_or(Ok(()), |side| check_side("short_side", side))?;
        if !(0.0..=1.0).contains(&self.flip_probability) {
            return Err(Error::setting("flip_probability", "between 0 and 1", self.flip_probability));
        }
        self.crop.check()?;
        self.colour.as_ref().map_or(Ok(()), ColourJitter::check)?;
        self.rand_augment.as_ref().map_or(Ok(()), RandAugment::check)?;
        self.erasing.as_ref().map_or(Ok(()), RandomErasing::check)
    }
}

/// The longest side a picture is resized to; frames of 4096 x 4096 take 50 MB each.
const LONGEST_SIDE: usize = 4096;

/// Refuses sides of pictures that do not exist or that no memory holds.
fn check_side(name: &'static str, side: usize) -> Result<()> {
    if (1..=LONGEST_SIDE).contains(&side) {
        return Ok(());
    }
    Err(Error::setting(name, format!("1 to {LONGEST_SIDE} pixels"), side))
}

/// Random crop, flips, colour, operations and erasing of a training clip; made by [`TrainTransformConfig::init`].
#[derive(Clone, Debug, PartialEq)]
pub struct TrainTransform {
    size: usize,
    short_side: Option<usize>,
    crop: TrainCrop,
    flips: Vec<Flip>,
    flip_probability: f64,
    colour: Option<ColourJitter>,
    rand_augment: Option<RandAugment>,
    erasing: Option<RandomErasing>,
}

impl TrainTransform {
    /// Side of the resulting squares in pixels.
    pub fn size(&self) -> usize {
        self.size
    }

    /// The clip as a `size` x `size` one, and the label of what it shows now. Crop, every flip, colour, operations and erasing
    /// are each drawn from a place of their own under `seed`, so that switching one of them on does not change what the others draw.
    ///
    /// # Panics
    /// If `label` is no class of the list the transform was made with and a flip is on.
    pub fn apply(&self, clip: Clip, label: usize, seed: Seed) -> (Clip, usize) {
        let clip = match self.short_side {
            Some(short_side) => resize_short_side(clip, short_side),
            None => clip,
        };
        let area = self.crop.draw(&clip, self.size, &mut seed.with("crop").rng());
        let clip = crop_and_resize(clip, area, self.size, self.size);
        let (clip, label) = self.flip(clip, label, seed);
        (self.erase(self.augment(self.recolour(clip, seed), seed), seed), label)
    }

    fn flip(&self, clip: Clip, label: usize, seed: Seed) -> (Clip, usize) {
        let flips = self.flips.iter();
        flips.fold((clip, label), |(clip, label), flip| flip.maybe(clip, label, self.flip_probability, seed))
    }

    fn recolour(&self, clip: Clip, seed: Seed) -> Clip {
        match &self.colour {
            Some(jitter) => jitter.draw(&mut seed.with("colour").rng()).apply(clip),
            None => clip,
        }
    }

    fn augment(&self, clip: Clip, seed: Seed) -> Clip {
        match &self.rand_augment {
            Some(augment) => augment.apply(clip, seed.with("rand augment")),
            None => clip,
        }
    }

    fn erase(&self, clip: Clip, seed: Seed) -> Clip {
        match &self.erasing {
            Some(erasing) => erasing.apply(clip, seed.with("erasing")),
            None => clip,
        }
    }
}

#[cfg(test)]
mod tests;
