//! Weighted sums of neighbouring pixels.

use crate::Frame;

/// What lies beyond the edge of a picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Border {
    /// The nearest pixel of the edge.
    Nearest,
    /// The picture mirrored, the edge not repeated.
    Mirror,
    /// The picture mirrored, the edge repeated.
    Symmetric,
}

impl Border {
    /// The column or row that stands at `position` of a side of `len` pixels.
    pub fn resolve(self, position: isize, len: usize) -> usize {
        let last = len as isize - 1;
        match self {
            Self::Nearest => position.clamp(0, last) as usize,
            Self::Mirror if last == 0 => 0,
            Self::Mirror => (last - (position.rem_euclid(2 * last) - last).abs()) as usize,
            Self::Symmetric => {
                let place = position.rem_euclid(2 * (last + 1));
                place.min(2 * last + 1 - place) as usize
            }
        }
    }
}

/// One neighbour: its place relative to the pixel, and its weight.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Tap {
    /// Columns to the right.
    pub dx: isize,
    /// Rows down.
    pub dy: isize,
    /// Share of the sum.
    pub weight: f32,
}

/// Scales the weights to a sum of 1.
pub fn normalised(mut taps: Vec<Tap>) -> Vec<Tap> {
    let sum: f32 = taps.iter().map(|tap| tap.weight).sum();
    taps.iter_mut().for_each(|tap| tap.weight /= sum);
    taps
}

/// Pixels in floating point, row by row.
pub struct Picture {
    width: usize,
    height: usize,
    /// Values of a pixel: 3 of RGB, laid out as a [`Frame`], or one.
    channels: usize,
    data: Vec<f32>,
}

impl Picture {
    /// The frame's values, from 0 to 255.
    pub fn new(frame: &Frame) -> Self {
        let data = frame.data().iter().map(|&value| f32::from(value)).collect();
        Self { width: frame.width(), height: frame.height(), channels: 3, data }
    }

    /// One value a pixel.
    pub fn grey(width: usize, data: Vec<f32>) -> Self {
        Self { width, height: data.len() / width, channels: 1, data }
    }

    /// The values.
    pub fn into_values(self) -> Vec<f32> {
        self.data
    }

    /// Rounded and clipped to bytes.
    pub fn into_frame(self) -> Frame {
        // Adding a half and cutting rounds, and unlike `round` becomes one vector instruction.
        let data = self.data.iter().map(|value| (value + 0.5) as u8).collect();
        Frame::new(self.width, self.height, data)
    }

    /// The weighted sum of the taps at every pixel.
    ///
    /// Row by row, four taps at a time over the whole row: the inner loop runs over consecutive values, and a sum is loaded and
    /// stored once for four. It is added up in the order of the taps, so their grouping changes no bit.
    pub fn convolved(&self, taps: &[Tap], border: Border) -> Self {
        let reach = taps.iter().map(|tap| tap.dx.unsigned_abs()).max().unwrap_or(0);
        let padded = self.padded(reach, border);
        let (stride, length) = ((self.width + 2 * reach) * self.channels, self.width * self.channels);
        let mut data = vec![0.0; self.data.len()];
        for (y, sums) in data.chunks_exact_mut(length).enumerate() {
            let values = |tap: &Tap| {
                let row = border.resolve(y as isize + tap.dy, self.height);
                let start = row * stride + reach.strict_add_signed(tap.dx) * self.channels;
                (&padded[start..start + length], tap.weight)
            };
            let (fours, rest) = taps.as_chunks::<4>();
            fours.iter().for_each(|four| add_scaled_4(sums, four.each_ref().map(values)));
            rest.iter().map(values).for_each(|(values, weight)| add_scaled(sums, values, weight));
        }
        Self { data, ..*self }
    }

    /// The rows with `reach` more pixels at both ends.
    fn padded(&self, reach: usize, border: Border) -> Vec<f32> {
        let columns: Vec<usize> =
            (0..self.width + 2 * reach).map(|x| border.resolve(x as isize - reach as isize, self.width)).collect();
        let pixel = |&x: &usize| x * self.channels..(x + 1) * self.channels;
        let mut padded = Vec::with_capacity(columns.len() * self.channels * self.height);
        for row in self.data.chunks_exact(self.width * self.channels) {
            columns.iter().for_each(|x| padded.extend_from_slice(&row[pixel(x)]));
        }
        padded
    }
}

/// Values, and the weight they are added with.
type Scaled<'a> = (&'a [f32], f32);

fn add_scaled_4(sums: &mut [f32], scaled: [Scaled; 4]) {
    #[cfg(target_arch = "x86_64")]
    if is_x86_feature_detected!("avx2") {
        // SAFETY: the processor has just been asked.
        return unsafe { add_scaled_4_in_wide_vectors(sums, scaled) };
    }
    add_scaled_4_in_any_vectors(sums, scaled);
}

/// The same operations, eight at a time; none is fused, so no bit differs.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
fn add_scaled_4_in_wide_vectors(sums: &mut [f32], scaled: [Scaled; 4]) {
    add_scaled_4_in_any_vectors(sums, scaled);
}

#[inline(always)]
fn add_scaled_4_in_any_vectors(sums: &mut [f32], [a, b, c, d]: [Scaled; 4]) {
    let values = a.0.iter().zip(b.0).zip(c.0).zip(d.0);
    for (sum, (((x, y), z), w)) in sums.iter_mut().zip(values) {
        *sum = *sum + a.1 * x + b.1 * y + c.1 * z + d.1 * w;
    }
}

fn add_scaled(sums: &mut [f32], values: &[f32], weight: f32) {
    for (sum, value) in sums.iter_mut().zip(values) {
        *sum += weight * value;
    }
}

#[cfg(test)]
mod tests {
    use rand::{Rng, RngExt};

    use super::*;
    use crate::Seed;

    #[test]
    fn borders_continue_the_picture_as_named() {
        let line = |border: Border, len| (-5..8).map(|at| border.resolve(at, len)).collect::<Vec<_>>();
        assert_eq!(line(Border::Nearest, 3), [0, 0, 0, 0, 0, 0, 1, 2, 2, 2, 2, 2, 2]);
        assert_eq!(line(Border::Mirror, 3), [1, 0, 1, 2, 1, 0, 1, 2, 1, 0, 1, 2, 1]);
        assert_eq!(line(Border::Mirror, 1), [0; 13]);
        assert_eq!(line(Border::Symmetric, 3), [1, 2, 2, 1, 0, 0, 1, 2, 2, 1, 0, 0, 1]);
        assert_eq!(line(Border::Symmetric, 1), [0; 13]);
    }

    #[test]
    fn sums_agree_with_a_loop_over_pixels() {
        let mut rng = Seed::new(1).rng();
        let mut bytes = vec![0; 7 * 5 * 3];
        rng.fill_bytes(&mut bytes);
        let frame = Frame::new(7, 5, bytes);
        let mut tap = || Tap {
            dx: rng.random_range(0..19_i32) as isize - 9,
            dy: rng.random_range(0..19_i32) as isize - 9,
            weight: rng.random_range(0.0..0.2),
        };
        let taps: Vec<Tap> = (0..12).map(|_| tap()).collect();
        for border in [Border::Nearest, Border::Mirror] {
            let fast = Picture::new(&frame).convolved(&taps, border);
            for (i, (y, x)) in (0..5_isize).flat_map(|y| (0..7_isize).map(move |x| (y, x))).enumerate() {
                for channel in 0..3 {
                    let value = |tap: &Tap| {
                        let (column, row) = (border.resolve(x + tap.dx, 7), border.resolve(y + tap.dy, 5));
                        tap.weight * f32::from(frame.pixel(column, row)[channel])
                    };
                    let expected: f32 = taps.iter().map(value).sum();
                    assert!((fast.data[i * 3 + channel] - expected).abs() < 1e-3, "{border:?} at ({x}, {y})");
                }
            }
        }
    }

    #[test]
    fn the_width_of_vectors_changes_no_bit() {
        let values: Vec<f32> = (0..4 * 37).map(|i| (i * i % 89) as f32 * 0.37).collect();
        let scaled = |i: usize| (&values[i * 37..(i + 1) * 37], 0.1 + i as f32 / 7.0);
        let (mut wide, mut narrow) = (vec![0.3; 37], vec![0.3; 37]);
        add_scaled_4(&mut wide, std::array::from_fn(scaled));
        (0..4).map(scaled).for_each(|(values, weight)| add_scaled(&mut narrow, values, weight));
        assert_eq!(wide, narrow);
    }

    #[test]
    fn a_single_tap_in_the_middle_changes_nothing() {
        let frame = Frame::new(3, 1, vec![0, 1, 2, 127, 128, 129, 253, 254, 255]);
        let taps = normalised(vec![Tap { dx: 0, dy: 0, weight: 5.0 }]);
        assert_eq!(Picture::new(&frame).convolved(&taps, Border::Mirror).into_frame(), frame);
    }
}
