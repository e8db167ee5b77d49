//! Clips made by rule, whose classes only time can separate.

mod action;
mod difficulty;
mod miniature;
mod point;
mod render;
mod role;
mod scene;
mod settings;
mod shape;
mod texture;
mod write;

#[cfg(test)]
mod tests;

use std::ops::RangeInclusive;

pub use action::{CLASSES, time_reversal_pairs};
pub use difficulty::Difficulty;
pub use miniature::{ClipsPerClass, Form, Miniature};

use self::action::Action;
use self::scene::Scene;
use crate::{Clip, Error, Result, Seed};

/// A generator of small clips in ten classes that form five pairs, each class being the other one backwards.
///
/// Clip number `i` of a class is clip number `i` of its partner with the frames in reverse order. The two therefore hold
/// the same set of frames to the last bit: whoever looks at frames one by one, or forgets their order, cannot do better
/// than a coin within a pair, on the training clips as little as on new ones. Whatever tells them apart uses time.
///
/// An object with a texture and a light or dark rim (disc, square, triangle, star, ring, cross or half-disc) carries out
/// the action in front of a textured background. What gets in the way grows with [`Difficulty`]: a drifting camera, smaller
/// objects that move on their own, changing light, and waiting before and after the action.
///
/// Every clip is a function of the seed, the class and the index alone.
#[derive(Clone, Debug, PartialEq)]
pub struct MovingShapes {
    seed: Seed,
    size: usize,
    frames: RangeInclusive<usize>,
    difficulty: Difficulty,
}

impl MovingShapes {
    /// Square clips with a side of `size` pixels and a random number of `frames`.
    ///
    /// # Errors
    /// If `size` is odd (video codecs halve the colour planes) or outside 32 to 1024, or `frames` is empty or not within
    /// 8 to 1000.
    pub fn new(seed: Seed, size: usize, frames: RangeInclusive<usize>, difficulty: Difficulty) -> Result<Self> {
        if !(32..=1024).contains(&size) || !size.is_multiple_of(2) {
            return Err(Error::setting("size", "an even number from 32 to 1024", size));
        }
        let (fewest, most) = (*frames.start(), *frames.end());
        if !(8 <= fewest && fewest <= most && most <= 1000) {
            return Err(Error::setting("frames", "a range within 8 to 1000", format!("{fewest} to {most}")));
        }
        Ok(Self { seed, size, frames, difficulty })
    }

    /// The side of the clips in pixels.
    pub fn size(&self) -> usize {
        self.size
    }

    /// The names of the ten classes, in the order of their label ids.
    pub fn classes(&self) -> [&'static str; 10] {
        CLASSES
    }

    /// The generator whose clips [`MovingShapes::write`] puts into a split. Splits share no clip.
    pub fn of_split(&self, split: &str) -> Self {
        Self { seed: self.seed.with("split").with(split), ..self.clone() }
    }

    /// Clip number `index` of the class with label id `class`.
    ///
    /// # Panics
    /// If `class` is not below 10.
    pub fn clip(&self, class: usize, index: usize) -> Clip {
        let scene = self.scene(class, index);
        Clip::new((0..scene.frames).map(|place| render::frame(&scene, place, [self.size; 2])).collect())
    }

    fn scene(&self, class: usize, index: usize) -> Scene {
        let (action, reversed) = Action::of_class(class);
        let seed = self.seed.with(action.name()).at(index);
        Scene { reversed, ..Scene::draw(seed, action, self.frames.clone(), self.difficulty) }
    }
}
