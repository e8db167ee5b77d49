use std::ops::RangeInclusive;

use rand::RngExt;
use rand_chacha::ChaCha8Rng;

use super::action::Action;
use super::difficulty::Difficulty;
use super::point::Point;
use super::shape::Shape;
use super::texture::{Colour, Texture, hsv, mix};
use crate::Seed;

const TAU: f32 = std::f32::consts::TAU;

/// Everything that decides a clip. Times run from 0 (first frame) to 1 (last frame), forwards.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Scene {
    pub frames: usize,
    /// Play the frames from the last to the first.
    pub reversed: bool,
    pub action: Action,
    /// When the action begins and ends.
    pub span: (f32, f32),
    /// 0: at even speed; 1: slow start and end.
    pub easing: f32,
    pub actor: Sprite,
    pub change: Change,
    /// What holds the actor; its centre is the way from the actor's to its own.
    pub hand: Option<Sprite>,
    pub distractors: Vec<Distractor>,
    pub background: Texture,
    pub camera: Camera,
    /// Brightness per channel at the first and at the last frame.
    pub light: [Colour; 2],
}

/// An object: what it looks like and how it stands.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Sprite {
    pub shape: Shape,
    pub texture: Texture,
    pub rim: Colour,
    /// Colour of the spot near the top, which shows how the object is turned.
    pub spot: Colour,
    pub centre: Point,
    pub radius: f32,
    pub angle: f32,
    pub visible: Visible,
}

/// How much of an object is to be seen.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Visible {
    /// All of it, at this opacity.
    Opacity(f32),
    /// What lies below a line; the object is `share` of the way over it, coming from direction `angle`.
    Wipe { angle: f32, share: f32 },
}

/// What the action changes, from its beginning to its end.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Change {
    Move { by: Point },
    Grow { ratio: f32 },
    Turn { by: f32 },
    FadeIn,
    WipeIn { angle: f32 },
}

/// A small object with a life of its own.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Distractor {
    sprite: Sprite,
    velocity: Point,
    spin: f32,
    /// Share by which the size goes up and down, and when.
    pulse: (f32, f32),
}

/// How the view wanders: a straight drift and a wobble.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Camera {
    pub drift: Point,
    pub wobble: Point,
    pub turns: f32,
    pub phase: f32,
}

impl Scene {
    /// A scene of `action`, told forwards. Every nuisance is as likely as its own reverse.
    pub(super) fn draw(seed: Seed, action: Action, frames: RangeInclusive<usize>, difficulty: Difficulty) -> Self {
        let level = difficulty.value();
        let mut rng = seed.with("time").rng();
        let length = rng.random_range(1.0 - 0.5 * level..=1.0);
        let start = rng.random_range(0.0..=1.0 - length);
        let frames = rng.random_range(frames);
        let easing = rng.random_range(0.0..=1.0);
        let (background, backdrop_hue) = draw_background(&mut seed.with("background").rng(), level);
        let (actor, change) = draw_actor(&mut seed.with("actor").rng(), action, backdrop_hue, level);
        let mut rng = seed.with("distractors").rng();
        let count = rng.random_range(0..=(4.0 * level).round() as usize);
        Self {
            frames,
            reversed: false,
            action,
            span: (start, start + length),
            easing,
            actor,
            change,
            hand: None,
            distractors: (0..count).map(|_| Distractor::draw(&mut rng, level)).collect(),
            background,
            camera: Camera::draw(&mut seed.with("camera").rng(), level),
            light: draw_light(&mut seed.with("light").rng(), level),
        }
    }

    /// The time of the frame that is shown at place `frame`.
    pub(super) fn time(&self, frame: usize) -> f32 {
        let last = self.frames - 1;
        let shown = if self.reversed { last - frame } else { frame };
        shown as f32 / last as f32
    }

    /// How far the action has gone, 0 to 1.
    pub(super) fn progress(&self, time: f32) -> f32 {
        let (start, end) = self.span;
        let even = ((time - start) / (end - start)).clamp(0.0, 1.0);
        let eased = even * even * (3.0 - 2.0 * even);
        even + (eased - even) * self.easing
    }

    /// The acting object at a time.
    pub(super) fn actor_at(&self, time: f32) -> Sprite {
        let progress = self.progress(time);
        let mut actor = self.actor;
        match self.change {
            Change::Move { by } => actor.centre = actor.centre.plus(by.scaled(progress)),
            Change::Grow { ratio } => actor.radius *= ratio.powf(progress),
            Change::Turn { by } => actor.angle += by * progress,
            Change::FadeIn => actor.visible = Visible::Opacity(progress),
            Change::WipeIn { angle } => actor.visible = Visible::Wipe { angle, share: progress },
        }
        actor
    }

    /// The hand at a time, if there is one.
    pub(super) fn hand_at(&self, time: f32) -> Option<Sprite> {
        let at = |hand: Sprite| Sprite { centre: self.actor_at(time).centre.plus(hand.centre), ..hand };
        self.hand.map(at)
    }

    /// The brightness per channel at a time.
    pub(super) fn light_at(&self, time: f32) -> Colour {
        mix(self.light[0], self.light[1], time)
    }
}

impl Distractor {
    fn draw(rng: &mut ChaCha8Rng, level: f32) -> Self {
        let hue = rng.random_range(0.0..1.0);
        let colours = [hsv(hue, 0.3, 0.35), hsv(hue + 0.1, 0.35, 0.75)];
        let sprite = Sprite {
            shape: Shape::draw(rng),
            texture: Texture::draw(rng, colours, 0.8..1.6),
            rim: colours[0],
            spot: colours[1],
            centre: anywhere(rng, 0.5, 0.5),
            radius: rng.random_range(0.035..0.05 + 0.02 * level),
            angle: rng.random_range(0.0..TAU),
            visible: Visible::Opacity(1.0),
        };
        Self {
            sprite,
            velocity: Point::polar(rng.random_range(0.0..TAU), rng.random_range(0.0..=0.5 * level)),
            spin: rng.random_range(-3.0..=3.0) * level,
            pulse: (rng.random_range(0.0..=0.4) * level, rng.random_range(0.0..TAU)),
        }
    }

    pub(super) fn at(&self, time: f32) -> Sprite {
        let mut sprite = self.sprite;
        sprite.centre = sprite.centre.plus(self.velocity.scaled(time - 0.5));
        sprite.angle += self.spin * time;
        sprite.radius *= 1.0 + self.pulse.0 * (TAU * time + self.pulse.1).sin();
        sprite
    }
}

impl Camera {
    fn draw(rng: &mut ChaCha8Rng, level: f32) -> Self {
        Self {
            drift: Point::polar(rng.random_range(0.0..TAU), rng.random_range(0.0..=0.16 * level)),
            wobble: Point::polar(rng.random_range(0.0..TAU), rng.random_range(0.0..=0.015 * level)),
            turns: rng.random_range(0.5..2.0),
            phase: rng.random_range(0.0..TAU),
        }
    }

    /// How far things are displaced in the picture at a time; the drift is none in the middle of the clip.
    pub(super) fn offset(&self, time: f32) -> Point {
        let wobble = self.wobble.scaled((TAU * self.turns * time + self.phase).sin());
        self.drift.scaled(time - 0.5).plus(wobble)
    }
}

impl Sprite {
    /// A hand that touches an object of some radius on its left (`side` -1) or right (1).
    pub(super) fn hand(rng: &mut ChaCha8Rng, side: f32, radius: f32) -> Self {
        let skin = hsv(rng.random_range(0.04..0.09), rng.random_range(0.35..0.6), rng.random_range(0.5..0.95));
        let own = radius * rng.random_range(0.55..0.7);
        Self {
            shape: Shape::Disc,
            texture: Texture::draw(rng, [skin, skin.map(|channel| channel * 0.85)], 0.8..1.6),
            rim: skin.map(|channel| channel * 0.6),
            spot: skin,
            centre: Point { x: side * (radius + 0.6 * own), y: rng.random_range(-0.4..0.4) * radius },
            radius: own,
            angle: 0.0,
            visible: Visible::Opacity(1.0),
        }
    }
}

/// Somewhere within `x` and `y` of the middle.
fn anywhere(rng: &mut ChaCha8Rng, x: f32, y: f32) -> Point {
    Point { x: rng.random_range(-x..=x), y: rng.random_range(-y..=y) }
}

fn draw_background(rng: &mut ChaCha8Rng, level: f32) -> (Texture, f32) {
    let hue = rng.random_range(0.0..1.0);
    let saturation = rng.random_range(0.1..0.25 + 0.25 * level);
    let dark = rng.random_range(0.2..0.45);
    let light = dark + rng.random_range(0.15..0.2 + 0.2 * level);
    let colours = [hsv(hue, saturation, dark), hsv(hue + rng.random_range(-0.12..0.12), saturation, light)];
    (Texture::draw(rng, colours, 3.0..9.0), hue)
}

/// The acting object at the beginning of its action, and what the action does to it.
fn draw_actor(rng: &mut ChaCha8Rng, action: Action, backdrop_hue: f32, level: f32) -> (Sprite, Change) {
    // Away from the background on the colour circle, so that the object stands out.
    let hue = backdrop_hue + rng.random_range(0.25..0.75);
    let value = rng.random_range(0.7..1.0);
    let saturation = rng.random_range(0.85 - 0.35 * level..0.95);
    let second = hsv(hue + rng.random_range(-0.15..0.15), 0.8 * saturation, 0.55 * value);
    let colours = [hsv(hue, saturation, value), second];
    let bright = rng.random_bool(0.5);
    let (rim, spot) = if bright { ([0.97; 3], [0.05; 3]) } else { ([0.04; 3], [0.97; 3]) };
    let rim = mix(rim, second, rng.random_range(0.0..=0.6 * level));
    let (radius, centre, change) = draw_change(rng, action, level);
    let sprite = Sprite {
        shape: Shape::draw(rng),
        texture: Texture::draw(rng, colours, 0.9..2.0),
        rim,
        spot,
        centre,
        radius,
        angle: first_angle(rng.random_range(0.0..TAU), change),
        visible: Visible::Opacity(1.0),
    };
    (sprite, change)
}

/// How the object is turned at the beginning. Any way, but where it is to turn: half-way, the spot that shows it is within
/// a twelfth of a turn of the top. So it goes to the right when clockwise and a motion alone tells the sense, as in the
/// other pairs; told by where the spot lies around the middle of the object and its motion together, the sense was not
/// learnt by a network that learnt all the rest.
fn first_angle(any: f32, change: Change) -> f32 {
    match change {
        Change::Turn { by } => (any - TAU / 2.0) / 6.0 - by / 2.0,
        _ => any,
    }
}

/// Radius and centre at the beginning of the action, and the change.
fn draw_change(rng: &mut ChaCha8Rng, action: Action, level: f32) -> (f32, Point, Change) {
    match action {
        Action::MoveLeft | Action::MoveUp => {
            let radius = rng.random_range(0.12..0.19);
            let (along, across, distance) = draw_path(rng, radius);
            let slant = rng.random_range(-0.3..=0.3) * level;
            let start = Point { x: along + distance / 2.0, y: across - slant * distance / 2.0 };
            let by = Point { x: -distance, y: slant * distance };
            // Upwards is leftwards, turned a quarter clockwise.
            let quarter = if action == Action::MoveUp { TAU / 4.0 } else { 0.0 };
            (radius, start.turned(quarter), Change::Move { by: by.turned(quarter) })
        }
        Action::Approach => {
            let radius = rng.random_range(0.09..0.13);
            (radius, anywhere(rng, 0.2, 0.2), Change::Grow { ratio: rng.random_range(1.8..2.6) })
        }
        Action::RotateClockwise => {
            let radius = rng.random_range(0.2..0.3);
            (radius, anywhere(rng, 0.2, 0.2), Change::Turn { by: rng.random_range(1.6..2.8) })
        }
        Action::Appear => {
            let radius = rng.random_range(0.13..0.26);
            let wipe = Change::WipeIn { angle: rng.random_range(0.0..TAU) };
            let change = if rng.random_bool(0.5) { wipe } else { Change::FadeIn };
            (radius, anywhere(rng, 0.25, 0.25), change)
        }
    }
}

/// Middle of the path along and across its direction, and its length: the object stays in the picture but for its edge.
fn draw_path(rng: &mut ChaCha8Rng, radius: f32) -> (f32, f32, f32) {
    let reach = 0.5 - 0.7 * radius;
    let distance = rng.random_range(0.35..2.0 * reach * 0.9);
    let along = reach - distance / 2.0;
    (rng.random_range(-along..=along), rng.random_range(-0.8 * reach..=0.8 * reach), distance)
}

/// Brightness at the ends of the clip, a little different per channel.
fn draw_light(rng: &mut ChaCha8Rng, level: f32) -> [Colour; 2] {
    let mut vary = |by: f32| -> f32 { 1.0 + rng.random_range(-by..=by) * level };
    std::array::from_fn(|_| {
        let gain = vary(0.25);
        std::array::from_fn(|_| gain * vary(0.06))
    })
}
