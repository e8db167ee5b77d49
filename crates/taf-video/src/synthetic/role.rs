use std::f32::consts::TAU;

use super::MovingShapes;
use super::point::Point;
use super::scene::{Change, Scene, Sprite};

/// What is shown under the name of a real class.
pub(super) struct Role {
    /// The name, as the data set spells it.
    pub name: &'static str,
    /// The class of MovingShapes whose action it is.
    action: usize,
    staging: Staging,
}

/// What else a scene shows; told forwards, as the action is.
#[derive(Clone, Copy)]
enum Staging {
    Plain,
    /// A hand touches the object on its left (-1) or right (1).
    Hand(f32),
    /// The view turns to the left over so much of the picture, and nothing else moves.
    Pan(f32),
    /// The object turns over so many times.
    Somersaults(f32),
}

impl Role {
    pub(super) const fn plain(name: &'static str, action: usize) -> Self {
        Self { name, action, staging: Staging::Plain }
    }

    /// An object that moves to the left (action 0) or right (1), held at one side in the scene told forwards, which is
    /// that of the move to the left.
    pub(super) const fn by_hand(name: &'static str, action: usize, side: f32) -> Self {
        Self { name, action, staging: Staging::Hand(side) }
    }

    /// The camera turns to the left (action 0) or right (1).
    pub(super) const fn pan(name: &'static str, action: usize) -> Self {
        Self { name, action, staging: Staging::Pan(0.5) }
    }

    /// Somersaults clockwise (action 6) or the other way (7).
    pub(super) const fn somersaults(name: &'static str, action: usize, count: f32) -> Self {
        Self { name, action, staging: Staging::Somersaults(count) }
    }

    /// Clip number `index`. What is staged alike, forwards and backwards, has the same objects before the same background.
    pub(super) fn scene(&self, shapes: &MovingShapes, index: usize) -> Scene {
        let (name, number) = self.staging.key();
        let seed = shapes.seed.with(name).at(number);
        let mut scene = MovingShapes { seed, ..shapes.clone() }.scene(self.action, index);
        match self.staging {
            Staging::Plain => {}
            Staging::Hand(side) => {
                let rng = &mut seed.with("hand").at(index).rng();
                scene.hand = Some(Sprite::hand(rng, side, scene.actor.radius));
            }
            Staging::Pan(share) => {
                scene.actor.centre.x = 0.0;
                scene.change = Change::Move { by: Point::default() };
                // What is seen moves the other way.
                scene.camera.drift = Point { x: share, y: 0.0 };
            }
            Staging::Somersaults(count) => scene.change = Change::Turn { by: count * TAU },
        }
        scene
    }
}

impl Staging {
    fn key(self) -> (&'static str, usize) {
        match self {
            Self::Plain => ("plain", 0),
            Self::Hand(side) => ("hand", usize::from(side > 0.0)),
            Self::Pan(_) => ("pan", 0),
            Self::Somersaults(count) => ("somersaults", (2.0 * count) as usize),
        }
    }
}
