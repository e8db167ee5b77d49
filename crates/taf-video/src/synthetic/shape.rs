use rand::RngExt;
use rand_chacha::ChaCha8Rng;

use super::point::Point;

/// The outline of an object, about one unit around the origin. All stand upright: their point or first arm is at the top.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shape {
    Disc,
    Square,
    Triangle,
    Star,
    Ring,
    Cross,
    HalfDisc,
}

impl Shape {
    const ALL: [Self; 7] =
        [Self::Disc, Self::Square, Self::Triangle, Self::Star, Self::Ring, Self::Cross, Self::HalfDisc];

    /// What people call it.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Disc => "disc",
            Self::Square => "square",
            Self::Triangle => "triangle",
            Self::Star => "star",
            Self::Ring => "ring",
            Self::Cross => "cross",
            Self::HalfDisc => "half-disc",
        }
    }

    pub(super) fn draw(rng: &mut ChaCha8Rng) -> Self {
        Self::ALL[rng.random_range(0..Self::ALL.len())]
    }

    /// Distance to the outline, negative inside; exact on the outline, which is where it decides anything.
    pub(super) fn distance(self, at: Point) -> f32 {
        match self {
            Self::Disc => at.length() - 1.0,
            Self::Square => rectangle(at, 0.84, 0.84),
            Self::Triangle => polygon(at, 3, 0.5),
            Self::Star => star(at),
            Self::Ring => (at.length() - 0.69).abs() - 0.31,
            Self::Cross => rectangle(at, 0.36, 1.0).min(rectangle(at, 1.0, 0.36)),
            Self::HalfDisc => (at.length() - 1.0).max(at.y - 0.25),
        }
    }
}

fn rectangle(at: Point, half_width: f32, half_height: f32) -> f32 {
    (at.x.abs() - half_width).max(at.y.abs() - half_height)
}

/// A regular polygon with one corner at the top; `inner` is the distance of its sides from the centre.
fn polygon(at: Point, sides: usize, inner: f32) -> f32 {
    let turn = std::f32::consts::TAU / sides as f32;
    // The sides face half a turn away from the corners.
    let distance = |side: usize| {
        let (sin, cos) = ((side as f32 + 0.5) * turn).sin_cos();
        at.x * sin - at.y * cos - inner
    };
    (0..sides).map(distance).fold(f32::MIN, f32::max)
}

/// Five arms, the first at the top: all sides are one line, folded into the wedge of the nearest arm.
fn star(at: Point) -> f32 {
    const WEDGE: f32 = std::f32::consts::TAU / 5.0;
    const NOTCH_RADIUS: f32 = 0.42;
    let angle = at.x.atan2(-at.y);
    let folded = (angle - (angle / WEDGE).round() * WEDGE).abs();
    let (sin, cos) = folded.sin_cos();
    let (across, along) = (at.length() * sin, at.length() * cos);
    let (notch_sin, notch_cos) = (WEDGE / 2.0).sin_cos();
    let notch = (NOTCH_RADIUS * notch_sin, NOTCH_RADIUS * notch_cos);
    let (side_across, side_along) = (notch.0, notch.1 - 1.0);
    let length = side_across.hypot(side_along);
    (across * -side_along + (along - 1.0) * side_across) / length
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_shape_has_an_inside_within_its_reach_and_an_outside() {
        for shape in Shape::ALL {
            let points = (0..3600).map(|i| Point::polar(i as f32 / 400.0 * std::f32::consts::TAU, i as f32 / 3000.0));
            let inside = points.filter(|&at| shape.distance(at) < 0.0).map(Point::length).fold(0.0, f32::max);
            assert!((0.95..=1.2).contains(&inside), "{shape:?} reaches {inside}");
            assert!(shape.distance(Point { x: 1.3, y: -1.3 }) > 0.0, "{shape:?}");
        }
    }

    #[test]
    fn distances_near_the_outline_change_by_one_per_unit() {
        for shape in Shape::ALL {
            let below = |y: f32| shape.distance(Point { x: 0.0, y });
            let outline = (0..1500).map(|i| i as f32 / 1000.0).rfind(|&y| below(y) < 0.0).unwrap();
            let slope = (below(outline + 0.05) - below(outline)) / 0.05;
            assert!((0.75..=1.01).contains(&slope.abs()), "{shape:?}: {slope}");
        }
    }
}
