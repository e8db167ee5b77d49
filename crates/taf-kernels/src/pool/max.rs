use pulp::bytemuck::{bytes_of, cast_slice, pod_read_unaligned};
use pulp::{Arch, Simd, WithSimd};
use rayon::prelude::*;

use crate::lanes::Lanes;
use crate::size::{padded, product, windows};

/// Floats of the widest registers there are.
const MOST_LANES: usize = 16;

/// Pixels of the largest window, whose numbers are kept in 16 bits.
const MOST_TAPS: usize = u16::MAX as usize;

/// A meeting of a window and a pixel: where the one of the two that is read starts, in floats, and the number of the pixel
/// in the window.
type Tap = (usize, u32);

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
    /// Window size, at least 1 and at most 65535 pixels in all.
    pub kernel: [usize; 2],
    /// Step between neighbouring windows, at least 1.
    pub stride: [usize; 2],
    /// Pixels of minus infinity on each side, at most half the window.
    pub padding: [usize; 2],
}

impl PoolShape {
    /// Output height in pixels (the last incomplete window is left out, PyTorch's `ceil_mode=False`).
    pub fn output_height(&self) -> usize {
        windows(self.height, self.kernel[0], self.stride[0], self.padding[0])
    }

    /// Output width in pixels.
    pub fn output_width(&self) -> usize {
        windows(self.width, self.kernel[1], self.stride[1], self.padding[1])
    }

    /// Length of the input.
    pub fn input_len(&self) -> usize {
        product([self.batch, self.height, self.width, self.channels])
    }

    /// Length of the output and of the places of the maxima.
    pub fn output_len(&self) -> usize {
        product([self.batch, self.output_height(), self.output_width(), self.channels])
    }

    /// Checks that the sizes fit together.
    ///
    /// # Panics
    /// If a size is out of the range its field states, or the window is larger than the padded input.
    pub fn validate(&self) {
        let Self { kernel, stride, padding, .. } = self;
        let taps = product(*kernel);
        assert!((1..=MOST_TAPS).contains(&taps), "a window has 1 to {MOST_TAPS} pixels, got {kernel:?}");
        assert!(stride[0] > 0 && stride[1] > 0, "the stride must be at least 1, got {stride:?}");
        let narrow = (0..2).all(|axis| padding[axis] <= kernel[axis] / 2);
        assert!(narrow, "the padding may be half the window {kernel:?}, got {padding:?}");
        let fits = padded(self.height, padding[0]) >= kernel[0] && padded(self.width, padding[1]) >= kernel[1];
        assert!(fits, "a {kernel:?} window does not fit {}x{} pixels", self.height, self.width);
    }

    fn check(&self, input: usize, output: usize, places: usize) {
        self.validate();
        assert_eq!(input, self.input_len(), "input floats of {self:?}");
        assert_eq!((output, places), (self.output_len(), self.output_len()), "output floats and places of {self:?}");
    }

    /// Which windows see which pixels along the vertical (0) or horizontal (1) axis, as `(window, pixel, tap)`.
    fn meetings(&self, axis: usize) -> impl Iterator<Item = (usize, usize, usize)> {
        let size = [self.height, self.width][axis];
        let windows = [self.output_height(), self.output_width()][axis];
        let [kernel, stride, padding] = [self.kernel[axis], self.stride[axis], self.padding[axis]];
        let all = (0..windows).flat_map(move |window| (0..kernel).map(move |tap| (window, tap)));
        all.filter_map(move |(window, tap)| {
            let pixel = (window * stride + tap).checked_sub(padding)?;
            (pixel < size).then_some((window, pixel, tap))
        })
    }

    /// For every window along an axis: the pixels it sees, each with its tap.
    fn seen(&self, axis: usize) -> Vec<Vec<(usize, usize)>> {
        let mut seen = vec![Vec::new(); [self.output_height(), self.output_width()][axis]];
        self.meetings(axis).for_each(|(window, pixel, tap)| seen[window].push((pixel, tap)));
        seen
    }

    /// For every pixel along an axis: the windows that see it, each with its tap.
    fn seeing(&self, axis: usize) -> Vec<Vec<(usize, usize)>> {
        let mut seeing = vec![Vec::new(); [self.height, self.width][axis]];
        self.meetings(axis).for_each(|(window, pixel, tap)| seeing[pixel].push((window, tap)));
        seeing
    }

    /// Vertical and horizontal meetings put together: `width` positions to a line.
    #[inline(always)]
    fn cross(&self, width: usize, rows: &[(usize, usize)], columns: &[(usize, usize)], taps: &mut Vec<Tap>) {
        taps.clear();
        for &(row, i) in rows {
            let (line, first) = (row * width * self.channels, i * self.kernel[1]);
            taps.extend(columns.iter().map(|&(column, j)| (line + column * self.channels, (first + j) as u32)));
        }
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
pub fn max_pool2d_forward(shape: &PoolShape, x: &[f32], y: &mut [f32], places: &mut [u16]) {
    shape.check(x.len(), y.len(), places.len());
    let line = shape.output_width() * shape.channels;
    let picture_len = shape.height * shape.width * shape.channels;
    let [rows, columns] = [0, 1].map(|axis| shape.seen(axis));
    y.par_chunks_mut(line).zip(places.par_chunks_mut(line)).enumerate().for_each(|(row, (y, places))| {
        let picture = &x[row / shape.output_height() * picture_len..][..picture_len];
        let rows = &rows[row % shape.output_height()];
        Arch::new().dispatch(Maxima { shape, rows, columns: &columns, picture, y, places });
    });
}

/// One row of windows.
struct Maxima<'a> {
    shape: &'a PoolShape,
    rows: &'a [(usize, usize)],
    columns: &'a [Vec<(usize, usize)>],
    picture: &'a [f32],
    y: &'a mut [f32],
    places: &'a mut [u16],
}

impl WithSimd for Maxima<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<V: Simd>(self, simd: V) {
        let (picture, channels) = (self.picture, self.shape.channels);
        let mut taps = Vec::with_capacity(self.shape.kernel.iter().product());
        let pixels = self.y.chunks_exact_mut(channels).zip(self.places.chunks_exact_mut(channels));
        for ((y, places), columns) in pixels.zip(self.columns) {
            self.shape.cross(self.shape.width, self.rows, columns, &mut taps);
            // The count of a whole 3x3 window as a constant: its loop is unrolled.
            match taps.len() {
                9 => keep_largest(simd, picture, &taps[..9], y, places),
                _ => keep_largest(simd, picture, &taps, y, places),
            }
        }
    }
}

#[inline(always)]
fn keep_largest<V: Simd>(simd: V, picture: &[f32], taps: &[Tap], y: &mut [f32], places: &mut [u16]) {
    let whole = y.len() / V::F32_LANES * V::F32_LANES;
    for lane in (0..whole).step_by(V::F32_LANES) {
        let (largest, tap) = largest(simd, picture, taps, lane, V::F32_LANES);
        largest.store(&mut y[lane..lane + V::F32_LANES]);
        places[lane..lane + V::F32_LANES].copy_from_slice(&narrow(simd, tap)[..V::F32_LANES]);
    }
    if whole < y.len() {
        let (largest, tap) = largest(simd, picture, taps, whole, y.len() - whole);
        largest.store(&mut y[whole..]);
        places[whole..].copy_from_slice(&narrow(simd, tap)[..y.len() - whole]);
    }
}

/// The largest values of a window in `width` channels from `lane` on, and which tap each is.
#[inline(always)]
fn largest<V: Simd>(simd: V, picture: &[f32], taps: &[Tap], lane: usize, width: usize) -> (Lanes<V>, V::u32s) {
    let value = |tap: &Tap| Lanes::load(simd, &picture[tap.0 + lane..tap.0 + lane + width]);
    // The first tap of a window counts even if it is minus infinity.
    let (mut most, mut at) = (value(&taps[0]), simd.splat_u32s(taps[0].1));
    for tap in &taps[1..] {
        let value = value(tap);
        let larger = value.exceeds(most);
        most = Lanes::select(larger, value, most);
        at = simd.select_u32s(larger, simd.splat_u32s(tap.1), at);
    }
    (most, at)
}

/// The taps as they are kept.
#[inline(always)]
fn narrow<V: Simd>(_: V, taps: V::u32s) -> [u16; MOST_LANES] {
    let taps: &[u32] = cast_slice(bytes_of(&taps));
    let mut kept = [0; MOST_LANES];
    for lane in 0..V::F32_LANES {
        kept[lane] = taps[lane] as u16;
    }
    kept
}

/// Gradient of [`max_pool2d_forward`]: each window's gradient goes to the pixel that held its maximum. Overwrites `dx`.
///
/// # Panics
/// As [`max_pool2d_forward`].
pub fn max_pool2d_backward(shape: &PoolShape, dy: &[f32], places: &[u16], dx: &mut [f32]) {
    shape.check(dx.len(), dy.len(), places.len());
    let picture_len = shape.output_height() * shape.output_width() * shape.channels;
    let [rows, columns] = [0, 1].map(|axis| shape.seeing(axis));
    dx.par_chunks_mut(shape.width * shape.channels).enumerate().for_each(|(row, dx)| {
        let start = row / shape.height * picture_len;
        let (dy, places) = (&dy[start..][..picture_len], &places[start..][..picture_len]);
        let rows = &rows[row % shape.height];
        Arch::new().dispatch(Spread { shape, rows, columns: &columns, dy, places, dx });
    });
}

/// One row of pixels: each gathers from the windows that see it.
struct Spread<'a> {
    shape: &'a PoolShape,
    rows: &'a [(usize, usize)],
    columns: &'a [Vec<(usize, usize)>],
    dy: &'a [f32],
    places: &'a [u16],
    dx: &'a mut [f32],
}

impl WithSimd for Spread<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<V: Simd>(self, simd: V) {
        let (dy, places) = (self.dy, self.places);
        let mut windows = Vec::with_capacity(self.shape.kernel.iter().product());
        let width = self.shape.output_width();
        for (dx, columns) in self.dx.chunks_exact_mut(self.shape.channels).zip(self.columns) {
            self.shape.cross(width, self.rows, columns, &mut windows);
            // The counts of a 3x3 window with stride 2 as constants.
            match windows.len() {
                1 => gather(simd, dy, places, &windows[..1], dx),
                2 => gather(simd, dy, places, &windows[..2], dx),
                4 => gather(simd, dy, places, &windows[..4], dx),
                _ => gather(simd, dy, places, &windows, dx),
            }
        }
    }
}

#[inline(always)]
fn gather<V: Simd>(simd: V, dy: &[f32], places: &[u16], windows: &[Tap], dx: &mut [f32]) {
    let whole = dx.len() / V::F32_LANES * V::F32_LANES;
    for lane in (0..whole).step_by(V::F32_LANES) {
        gathered(simd, dy, places, windows, lane, V::F32_LANES).store(&mut dx[lane..lane + V::F32_LANES]);
    }
    if whole < dx.len() {
        gathered(simd, dy, places, windows, whole, dx.len() - whole).store(&mut dx[whole..]);
    }
}

/// The gradient of a pixel in `width` channels from `lane` on.
#[inline(always)]
fn gathered<V: Simd>(simd: V, dy: &[f32], places: &[u16], windows: &[Tap], lane: usize, width: usize) -> Lanes<V> {
    let zero = Lanes::splat(simd, 0.0);
    let mut sum = zero;
    for &(start, tap) in windows {
        let range = start + lane..start + lane + width;
        let here = simd.equal_u32s(widen(simd, &places[range.clone()]), simd.splat_u32s(tap));
        sum = sum + Lanes::select(here, Lanes::load(simd, &dy[range]), zero);
    }
    sum
}

/// Bytes as taps; those that are missing are zero.
#[inline(always)]
fn widen<V: Simd>(_: V, places: &[u16]) -> V::u32s {
    let mut bytes = [0; MOST_LANES];
    bytes[..places.len()].copy_from_slice(places);
    let wide = bytes.map(u32::from);
    pod_read_unaligned(cast_slice(&wide[..V::F32_LANES]))
}
