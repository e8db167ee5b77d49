//! What the tests of corruptions share: a picture, random numbers that any language can draw, and the pictures that
//! `parity/corruptions.py` made of them with NumPy, SciPy, OpenCV, Pillow and ImageMagick.

use std::path::PathBuf;

use crate::Frame;

/// Width and height of the picture.
pub const SIDES: (usize, usize) = (52, 44);
/// The farthest that a value may lie from the independent one, and how far all may on the mean: roundings of several steps add
/// up, and ImageMagick cuts where ours rounds.
const FARTHEST: u8 = 3;
const FARTHEST_MEAN: f64 = 0.6;

/// Shading, edges and colours.
pub fn picture() -> Frame {
    let (width, height) = SIDES;
    let value = |i: usize| {
        let (x, y, channel) = (i / 3 % width, i / 3 / width, i % 3);
        (20 + x * (3 - channel) + y * (1 + channel) + 60 * ((x / 6 + y / 5) % 2)) as u8
    };
    Frame::new(width, height, (0..width * height * 3).map(value).collect())
}

/// Knuth's linear congruential generator of 64 bits.
pub struct Lcg(u64);

impl Lcg {
    /// A stream of its own for each number.
    pub fn new(stream: u64) -> Self {
        Self(stream)
    }

    /// From 0 to below 1.
    pub fn uniform(&mut self) -> f64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// Nearly normal, of mean 0 and standard deviation 1: twelve uniform numbers added up.
    pub fn normal(&mut self) -> f64 {
        (0..12).map(|_| self.uniform()).sum::<f64>() - 6.0
    }
}

/// Compares a corrupted [`picture`] with the independent one. With `TAF_CORRUPTED` set to a folder, it is also written there, for
/// `parity/corruptions.py` to compare and to list.
pub fn expect(name: &str, ours: &Frame) {
    expect_within(name, ours, FARTHEST, FARTHEST_MEAN);
}

/// With other bounds on the farthest value and on the mean.
pub fn expect_within(name: &str, ours: &Frame, farthest: u8, mean: f64) {
    if let Some(folder) = std::env::var_os("TAF_CORRUPTED") {
        std::fs::write(PathBuf::from(folder).join(format!("{name}.rgb")), ours.data()).unwrap();
    }
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(format!("tests/corrupted/{name}.rgb"));
    let expected = std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    assert_eq!(expected.len(), ours.data().len(), "{name}");
    let differences: Vec<u8> = ours.data().iter().zip(&expected).map(|(a, b)| a.abs_diff(*b)).collect();
    let (worst, sum) = differences.iter().fold((0, 0.0), |(worst, sum), &d| (d.max(worst), sum + f64::from(d)));
    let got = sum / differences.len() as f64;
    assert!(worst <= farthest && got <= mean, "{name}: at most {worst} apart, {got:.3} on the mean");
}
