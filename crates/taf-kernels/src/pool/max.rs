use rayon::prelude::*;

use crate::simd::vectorized;

/// Sizes of a 2-D max pooling. Axis pairs are `[vertical, horizontal]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct PoolShape {
    /// Number of pictures.
    pub batch: usize,
    /// Input height in pixels.
    pub height: usize,
    /// Input width in pixels.
    pub width: usize,
    /// Channels of a pixel.
    pub channels: usize,
    /// Window size, at least 1 and at most 255 pixels in all.
    pub kernel: [usize; 2],
    /// Step between neighbouring windows, at least 1.
    pub stride: [usize; 2],
    /// Pixels of minus infinity on each side, at most half the window.
    pub padding: [usize; 2],
}

impl PoolShape {
    /// Output height in pixels (the last incomplete window is left out, PyTorch's `ceil_mode=False`).
    pub fn output_height(&self) -> usize {
        (self.height + 2 * self.padding[0] - self.kernel[0]) / self.stride[0] + 1
    }

    /// Output width in pixels.
    pub fn output_width(&self) -> usize {
        (self.width + 2 * self.padding[1] - self.kernel[1]) / self.stride[1] + 1
    }

    /// Length of the input.
    pub fn input_len(&self) -> usize {
        self.batch * self.height * self.width * self.channels
    }

    /// Length of the output and of the places of the maxima.
    pub fn output_len(&self) -> usize {
        self.batch * self.output_height() * self.output_width() * self.channels
    }

    /// Checks that the sizes fit together.
    ///
    /// # Panics
    /// If a size is out of the range its field states, or the window is larger than the padded input.
    pub fn validate(&self) {
        let Self { kernel, stride, padding, .. } = self;
        let taps = kernel[0] * kernel[1];
        assert!((1..=255).contains(&taps), "a window has 1 to 255 pixels, got {kernel:?}");
        assert!(stride[0] > 0 && stride[1] > 0, "the stride must be at least 1, got {stride:?}");
        let narrow = 2 * padding[0] <= kernel[0] && 2 * padding[1] <= kernel[1];
        assert!(narrow, "the padding may be half the window {kernel:?}, got {padding:?}");
        let fits = self.height + 2 * padding[0] >= kernel[0] && self.width + 2 * padding[1] >= kernel[1];
        assert!(fits, "a {kernel:?} window does not fit {}x{} pixels", self.height, self.width);
    }

    fn check(&self, input: usize, output: usize, places: usize) {
        self.validate();
        assert_eq!(input, self.input_len(), "input floats of {self:?}");
        assert_eq!((output, places), (self.output_len(), self.output_len()), "output floats and places of {self:?}");
    }

    /// The taps of an output position that fall on the picture: number in the window, and pixel in the picture.
    #[inline(always)]
    fn taps(&self, row: usize, column: usize) -> impl Iterator<Item = (usize, usize)> {
        let [kernel_height, kernel_width] = self.kernel;
        let [top, left] = [row * self.stride[0], column * self.stride[1]];
        let rows =
            (0..kernel_height).filter(move |i| (self.padding[0]..self.height + self.padding[0]).contains(&(top + i)));
        rows.flat_map(move |i| {
            let y = top + i - self.padding[0];
            (0..kernel_width)
                .filter(move |j| (self.padding[1]..self.width + self.padding[1]).contains(&(left + j)))
                .map(move |j| (i * kernel_width + j, y * self.width + left + j - self.padding[1]))
        })
    }
}

/// Largest value of each window, and which pixel of the window holds it (the first in reading order, as PyTorch; a value
/// that is not a number counts as the largest).
///
/// # Shapes
/// `x` `[batch, height, width, channels]`; `y` and `places` `[batch, output_height, output_width, channels]`.
///
/// # Panics
/// If a length does not fit the shape, or the shape itself does not [`PoolShape::validate`].
pub fn max_pool2d_forward(shape: &PoolShape, x: &[f32], y: &mut [f32], places: &mut [u8]) {
    shape.check(x.len(), y.len(), places.len());
    let (channels, line) = (shape.channels, shape.output_width() * shape.channels);
    let picture_len = shape.height * shape.width * channels;
    y.par_chunks_mut(line).zip(places.par_chunks_mut(line)).enumerate().for_each(|(row, (y, places))| {
        let picture = &x[row / shape.output_height() * picture_len..][..picture_len];
        let pixels = y.chunks_exact_mut(channels).zip(places.chunks_exact_mut(channels));
        vectorized(|| {
            for (column, (y, places)) in pixels.enumerate() {
                y.fill(f32::NEG_INFINITY);
                places.fill(u8::MAX);
                for (tap, pixel) in shape.taps(row % shape.output_height(), column) {
                    keep_larger(y, places, &picture[pixel * channels..][..channels], tap as u8);
                }
            }
        });
    });
}

#[inline(always)]
fn keep_larger(y: &mut [f32], places: &mut [u8], x: &[f32], tap: u8) {
    for ((y, place), &x) in y.iter_mut().zip(places).zip(x) {
        // The first tap of a window counts even if it is minus infinity.
        let larger = x > *y || x.is_nan() || *place == u8::MAX;
        *y = if larger { x } else { *y };
        *place = if larger { tap } else { *place };
    }
}

/// Gradient of [`max_pool2d_forward`]: each window's gradient goes to the pixel that held its maximum. Overwrites `dx`.
///
/// # Panics
/// As [`max_pool2d_forward`].
pub fn max_pool2d_backward(shape: &PoolShape, dy: &[f32], places: &[u8], dx: &mut [f32]) {
    shape.check(dx.len(), dy.len(), places.len());
    let (channels, line) = (shape.channels, shape.width * shape.channels);
    dx.par_chunks_mut(line).enumerate().for_each(|(row, dx)| {
        dx.fill(0.0);
        let (image, y) = (row / shape.height, row % shape.height);
        vectorized(|| {
            for tap_row in 0..shape.kernel[0] {
                let Some(out) = (y + shape.padding[0]).checked_sub(tap_row) else { continue };
                if out % shape.stride[0] != 0 || out / shape.stride[0] >= shape.output_height() {
                    continue;
                }
                let out_row = image * shape.output_height() + out / shape.stride[0];
                let range = out_row * shape.output_width() * channels..(out_row + 1) * shape.output_width() * channels;
                spread_row(shape, tap_row, &dy[range.clone()], &places[range], dx);
            }
        });
    });
}

/// Adds the gradients of one row of windows whose maximum lies in the given row of the window.
#[inline(always)]
fn spread_row(shape: &PoolShape, tap_row: usize, dy: &[f32], places: &[u8], dx: &mut [f32]) {
    let channels = shape.channels;
    for (column, (dy, places)) in dy.chunks_exact(channels).zip(places.chunks_exact(channels)).enumerate() {
        for tap_column in 0..shape.kernel[1] {
            let place = (column * shape.stride[1] + tap_column).checked_sub(shape.padding[1]);
            let Some(pixel) = place.filter(|&pixel| pixel < shape.width) else { continue };
            let tap = (tap_row * shape.kernel[1] + tap_column) as u8;
            let target = &mut dx[pixel * channels..][..channels];
            for ((dx, dy), place) in target.iter_mut().zip(dy).zip(places) {
                *dx += if *place == tap { *dy } else { 0.0 };
            }
        }
    }
}
