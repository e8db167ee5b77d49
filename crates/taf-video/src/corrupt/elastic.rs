//! A picture drawn on rubber: a random affine map, and then every pixel moved by a smooth random field. One for the clip.

use rand::RngExt;
use rand_chacha::ChaCha8Rng;

use super::blur::scale;
use super::convolve::Border;
use super::resample::{Place, resampled};
use super::smooth::smoothed;
use super::{Severity, each_frame};
use crate::{Clip, Frame};

/// Strength of the field, the standard deviation that smooths it, and how far the corners of the affine map move.
const ELASTIC: [(f64, f64, f64); 5] =
    [(488.0, 170.8, 24.4), (488.0, 19.52, 48.8), (12.2, 2.44, 4.88), (17.08, 2.44, 4.88), (29.28, 2.44, 4.88)];
/// The field's Gaussian is cut after so many standard deviations.
const REACH: f64 = 3.0;

/// Columns and rows.
type Point = [f64; 2];

pub fn elastic(clip: Clip, severity: Severity, rng: &mut ChaCha8Rng) -> Clip {
    let (width, height) = (clip.width(), clip.height());
    let (strength, sigma, corners) = severity.of(ELASTIC);
    let scale = scale(width, height);
    let mut draw = || rng.random_range(-1.0..=1.0);
    let affine = affine(width, height, || draw() * corners * scale);
    // A field smoothed over fewer pixels is stronger, so the strength shrinks twice: the way of a pixel scales.
    let strength = strength * scale * scale;
    let mut field = || -> Vec<f64> { (0..width * height).map(|_| draw()).collect() };
    let (dx, dy) = (field(), field());
    let field = displaced(width, height, &[dx, dy].map(|field| way(&field, width, sigma * scale, strength)));
    each_frame(clip, |_, frame| stretched(&frame, &affine, &field))
}

/// By the affine map, then by the field, each time between the four nearest pixels.
fn stretched(frame: &Frame, affine: &[Place], field: &[Place]) -> Frame {
    let values: Vec<f32> = frame.data().iter().map(|&value| f32::from(value)).collect();
    let turned = resampled(&values, frame.width(), frame.height(), affine, Border::Mirror);
    let moved = resampled(&turned, frame.width(), frame.height(), field, Border::Symmetric);
    let data = moved.into_iter().map(|value| (value + 0.5) as u8).collect();
    Frame::new(frame.width(), frame.height(), data)
}

/// How far each pixel goes along one direction.
fn way(field: &[f64], width: usize, sigma: f64, strength: f64) -> Vec<f64> {
    smoothed(field, width, sigma, REACH, Border::Symmetric).into_iter().map(|value| value * strength).collect()
}

fn displaced(width: usize, height: usize, [dx, dy]: &[Vec<f64>; 2]) -> Vec<Place> {
    let at = |i: usize| Place { x: ((i % width) as f64 + dx[i]) as f32, y: ((i / width) as f64 + dy[i]) as f32 };
    (0..width * height).map(at).collect()
}

/// Where the pixels come from under the affine map that takes three corners of a square around the middle to where `jitter` puts
/// them: first column, then row, point by point.
fn affine(width: usize, height: usize, mut jitter: impl FnMut() -> f64) -> Vec<Place> {
    let (x, y, reach) = ((width / 2) as f64, (height / 2) as f64, (width.min(height) / 3) as f64);
    let corners = [[x + reach, y + reach], [x + reach, y - reach], [x - reach, y - reach]];
    let moved = corners.map(|corner| corner.map(|coordinate| coordinate + jitter()));
    let source = |i: usize| {
        let point = [(i % width) as f64, (i / width) as f64];
        let [x, y] = carried(point, &moved, &corners).unwrap_or(point);
        Place { x: x as f32, y: y as f32 }
    };
    (0..width * height).map(source).collect()
}

/// Where the affine map that takes the triangle `from` to `to` takes a point; nowhere if `from` is a line.
fn carried(point: Point, from: &[Point; 3], to: &[Point; 3]) -> Option<Point> {
    let minus = |a: Point, b: Point| [a[0] - b[0], a[1] - b[1]];
    let cross = |a: Point, b: Point| a[0] * b[1] - a[1] * b[0];
    let (u, v, p) = (minus(from[1], from[0]), minus(from[2], from[0]), minus(point, from[0]));
    let area = cross(u, v);
    let (along_u, along_v) = (cross(p, v) / area, cross(u, p) / area);
    let (u, v) = (minus(to[1], to[0]), minus(to[2], to[0]));
    let carried = [0, 1].map(|i| to[0][i] + along_u * u[i] + along_v * v[i]);
    (area.abs() > f64::EPSILON).then_some(carried)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::corrupt::reference::{Lcg, SIDES, expect, picture};

    #[test]
    fn rubber_stretches_as_in_the_published_script() {
        let (width, height) = SIDES;
        for (severity, (strength, sigma, corners)) in [(1, ELASTIC[0]), (5, ELASTIC[4])] {
            let mut field = Lcg::new(severity);
            let mut draw = || 2.0 * field.uniform() - 1.0;
            // The picture is small, and so is what the corners move by.
            let affine = affine(width, height, || draw() * corners / 4.0);
            let mut random = || -> Vec<f64> { (0..width * height).map(|_| draw()).collect() };
            let ways = [random(), random()].map(|field| way(&field, width, sigma, strength));
            expect(
                &format!("elastic_transform_{severity}"),
                &stretched(&picture(), &affine, &displaced(width, height, &ways)),
            );
        }
    }

    #[test]
    fn a_map_between_equal_triangles_leaves_points() {
        let triangle = [[3.0, 1.0], [7.0, 2.0], [5.0, 9.0]];
        let [x, y] = carried([4.5, -2.0], &triangle, &triangle).unwrap();
        assert!((x - 4.5).abs() < 1e-12 && (y + 2.0).abs() < 1e-12);
        assert_eq!(carried([1.0, 1.0], &[[0.0; 2], [1.0; 2], [2.0; 2]], &triangle), None);
    }
}
