use std::ops::Range;

use super::point::Point;
use super::scene::{Scene, Sprite, Visible};
use super::texture::{Colour, edge, mix};
use crate::Frame;

/// Objects reach this many radii, corners included.
const REACH: f32 = 1.25;
/// Width of the rim, in radii.
const RIM: f32 = 0.13;
/// Where the spot is and how large, in radii: inside every shape, near its top.
const SPOT: (Point, f32) = (Point { x: 0.0, y: -0.6 }, 0.2);

/// Draws the picture at place `frame` of a scene.
pub(super) fn frame(scene: &Scene, frame: usize, size: usize) -> Frame {
    let time = scene.time(frame);
    let offset = scene.camera.offset(time);
    let mut canvas = Canvas::new(scene, offset, size);
    for distractor in &scene.distractors {
        canvas.put(&distractor.at(time), offset);
    }
    canvas.put(&scene.actor_at(time), offset);
    canvas.develop(scene.light_at(time))
}

/// A picture in the making.
struct Canvas {
    size: usize,
    pixels: Vec<Colour>,
}

impl Canvas {
    /// The background.
    fn new(scene: &Scene, offset: Point, size: usize) -> Self {
        let width = 1.0 / size as f32;
        let place = |index: usize| pixel_centre(index % size, index / size, size).plus(offset.scaled(-1.0));
        let pixels = (0..size * size).map(|index| scene.background.colour(place(index), width)).collect();
        Self { size, pixels }
    }

    /// Lays an object over what is there.
    fn put(&mut self, sprite: &Sprite, offset: Point) {
        let middle = sprite.centre.plus(offset);
        let reach = sprite.radius * REACH;
        let pixel = 1.0 / (self.size as f32 * sprite.radius);
        for row in pixels_around(middle.y, reach, self.size) {
            for column in pixels_around(middle.x, reach, self.size) {
                let from_middle = pixel_centre(column, row, self.size).plus(middle.scaled(-1.0));
                let at = from_middle.scaled(1.0 / sprite.radius).turned(-sprite.angle);
                let coverage = coverage(sprite, at, pixel);
                if coverage > 0.0 {
                    let under = &mut self.pixels[row * self.size + column];
                    *under = mix(*under, paint(sprite, at, pixel), coverage);
                }
            }
        }
    }

    fn develop(self, light: Colour) -> Frame {
        let lit = |pixel: &Colour| -> [u8; 3] {
            std::array::from_fn(|channel| (pixel[channel] * light[channel] * 255.0).round().clamp(0.0, 255.0) as u8)
        };
        Frame::new(self.size, self.size, self.pixels.iter().flat_map(lit).collect())
    }
}

fn pixel_centre(column: usize, row: usize, size: usize) -> Point {
    let place = |index: usize| (index as f32 + 0.5) / size as f32 - 0.5;
    Point { x: place(column), y: place(row) }
}

/// The part of the picture, in pixels, that lies within `reach` of a coordinate.
fn pixels_around(middle: f32, reach: f32, size: usize) -> Range<usize> {
    let pixel = |at: f32| ((at + 0.5) * size as f32).clamp(0.0, size as f32);
    pixel(middle - reach).floor() as usize..pixel(middle + reach).ceil() as usize
}

/// How much of the pixel at a place (in the object's own coordinates) the object hides, 0 to 1.
fn coverage(sprite: &Sprite, at: Point, pixel: f32) -> f32 {
    let covered = edge(-sprite.shape.distance(at), pixel);
    match sprite.visible {
        Visible::Opacity(opacity) => covered * opacity,
        Visible::Wipe { angle, share } => {
            // Half a pixel beyond either end, so that nothing shows at 0 and nothing is missing at 1.
            let line = (2.0 * share - 1.0) * (REACH + pixel);
            covered * edge(line - at.turned(angle).x, pixel)
        }
    }
}

/// The colour of the object at a place in its own coordinates.
fn paint(sprite: &Sprite, at: Point, pixel: f32) -> Colour {
    let body = sprite.texture.colour(at, pixel);
    let from_spot = at.plus(SPOT.0.scaled(-1.0)).length();
    let marked = mix(body, sprite.spot, edge(SPOT.1 - from_spot, pixel));
    mix(marked, sprite.rim, edge(sprite.shape.distance(at) + RIM, pixel))
}
