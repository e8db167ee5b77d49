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

/// Draws the picture at place `frame` of a scene, of a width and height in pixels. The shorter side is the unit of length.
pub(super) fn frame(scene: &Scene, frame: usize, [width, height]: [usize; 2]) -> Frame {
    let time = scene.time(frame);
    let offset = scene.camera.offset(time);
    let mut canvas = Canvas::new(scene, offset, Grid { width, height, unit: width.min(height) as f32 });
    for distractor in &scene.distractors {
        canvas.put(&distractor.at(time), offset);
    }
    canvas.put(&scene.actor_at(time), offset);
    if let Some(hand) = scene.hand_at(time) {
        canvas.put(&hand, offset);
    }
    canvas.develop(scene.light_at(time))
}

/// Where pixels lie.
#[derive(Clone, Copy)]
struct Grid {
    width: usize,
    height: usize,
    /// Pixels per unit of length.
    unit: f32,
}

impl Grid {
    fn pixel_centre(self, column: usize, row: usize) -> Point {
        let place = |index: usize, side: usize| (index as f32 + 0.5) / self.unit - self.half(side);
        Point { x: place(column, self.width), y: place(row, self.height) }
    }

    /// Half of a side in units of length.
    fn half(self, side: usize) -> f32 {
        side as f32 / (2.0 * self.unit)
    }

    /// The pixels along a side that lie within `reach` of a coordinate.
    fn pixels_around(self, middle: f32, reach: f32, side: usize) -> Range<usize> {
        let pixel = |at: f32| ((at + self.half(side)) * self.unit).clamp(0.0, side as f32);
        pixel(middle - reach).floor() as usize..pixel(middle + reach).ceil() as usize
    }
}

/// A picture in the making.
struct Canvas {
    grid: Grid,
    pixels: Vec<Colour>,
}

impl Canvas {
    /// The background.
    fn new(scene: &Scene, offset: Point, grid: Grid) -> Self {
        let Grid { width, height, unit } = grid;
        let place = |index: usize| grid.pixel_centre(index % width, index / width).plus(offset.scaled(-1.0));
        let pixels = (0..width * height).map(|index| scene.background.colour(place(index), 1.0 / unit)).collect();
        Self { grid, pixels }
    }

    /// Lays an object over what is there.
    fn put(&mut self, sprite: &Sprite, offset: Point) {
        let grid = self.grid;
        let middle = sprite.centre.plus(offset);
        let reach = sprite.radius * REACH;
        let pixel = 1.0 / (grid.unit * sprite.radius);
        for row in grid.pixels_around(middle.y, reach, grid.height) {
            for column in grid.pixels_around(middle.x, reach, grid.width) {
                let from_middle = grid.pixel_centre(column, row).plus(middle.scaled(-1.0));
                let at = from_middle.scaled(1.0 / sprite.radius).turned(-sprite.angle);
                let coverage = coverage(sprite, at, pixel);
                if coverage > 0.0 {
                    let under = &mut self.pixels[row * grid.width + column];
                    *under = mix(*under, paint(sprite, at, pixel), coverage);
                }
            }
        }
    }

    fn develop(self, light: Colour) -> Frame {
        let lit = |pixel: &Colour| -> [u8; 3] {
            std::array::from_fn(|channel| (pixel[channel] * light[channel] * 255.0).round().clamp(0.0, 255.0) as u8)
        };
        Frame::new(self.grid.width, self.grid.height, self.pixels.iter().flat_map(lit).collect())
    }
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
