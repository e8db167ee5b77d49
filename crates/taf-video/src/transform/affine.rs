//! Affine maps of frames, nearest neighbour, as Pillow computes them: in fixed point of 16 bits, so that every pixel agrees.

use crate::Frame;

/// Where a pixel of the result comes from: column `m[0] x + m[1] y + m[2]` and row `m[3] x + m[4] y + m[5]`, of coordinates whose
/// whole numbers lie between pixels.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Affine([f64; 6]);

/// Binary places of a coordinate.
const FRACTION_BITS: u32 = 16;

impl Affine {
    /// Columns pulled aside, by `slope` pixels for every row from the top.
    pub fn shear_x(slope: f64) -> Self {
        Self([1.0, slope, 0.0, 0.0, 1.0, 0.0])
    }

    /// Rows pulled aside, by `slope` pixels for every column from the left.
    pub fn shear_y(slope: f64) -> Self {
        Self([1.0, 0.0, 0.0, slope, 1.0, 0.0])
    }

    /// Moved to the right and downwards by so many pixels.
    pub fn translate(x: f64, y: f64) -> Self {
        Self([1.0, 0.0, -x, 0.0, 1.0, -y])
    }

    /// Turned around the middle of a frame of that size, to the left for positive angles.
    pub fn rotate(degrees: f64, width: usize, height: usize) -> Self {
        let (sin, cos) = (-degrees.to_radians()).sin_cos();
        let (x, y) = (width as f64 / 2.0, height as f64 / 2.0);
        Self([cos, sin, x - cos * x - sin * y, -sin, cos, y + sin * x - cos * y])
    }

    /// The frame that it makes; what comes from outside has all three channels at `fill`.
    pub fn apply(self, frame: &Frame, fill: u8) -> Frame {
        let (width, height) = (frame.width(), frame.height());
        let [x_from_x, x_from_y, _, y_from_x, y_from_y, _] = self.0.map(fixed);
        let [a, b, x_start, d, e, y_start] = self.0;
        // Of the middle of the first pixel.
        let (mut x_row, mut y_row) = (fixed(x_start + a * 0.5 + b * 0.5), fixed(y_start + d * 0.5 + e * 0.5));
        let mut data = Vec::with_capacity(width * height * 3);
        for _ in 0..height {
            let (mut x, mut y) = (x_row, y_row);
            for _ in 0..width {
                let inside = |at: i64, side: usize| usize::try_from(at >> FRACTION_BITS).ok().filter(|at| *at < side);
                let pixel = inside(x, width).zip(inside(y, height)).map(|(x, y)| frame.pixel(x, y));
                data.extend_from_slice(&pixel.unwrap_or([fill; 3]));
                (x, y) = (x + x_from_x, y + y_from_x);
            }
            (x_row, y_row) = (x_row + x_from_y, y_row + y_from_y);
        }
        Frame::new(width, height, data)
    }
}

fn fixed(value: f64) -> i64 {
    (value * f64::from(1u32 << FRACTION_BITS) + 0.5).floor() as i64
}
