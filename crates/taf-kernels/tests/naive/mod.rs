//! The kernels again, as obvious loops with f64 sums, and what the tests share.
#![allow(dead_code)] // every test program uses some of it

pub mod adaptive;
pub mod batch_norm;
pub mod conv;
pub mod conv3d;

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// `len` values between -1 and 1.
pub fn random(len: usize, seed: u64) -> Vec<f32> {
    let mut generator = ChaCha8Rng::seed_from_u64(seed);
    (0..len).map(|_| generator.random_range(-1.0..1.0)).collect()
}

/// A buffer whose old content would show in every result that reads it.
pub fn spoiled(len: usize) -> Vec<f32> {
    vec![f32::NAN; len]
}

/// f32 sums of up to some thousand products in another order differ by this much of the largest value.
pub const SUM_TOLERANCE: f64 = 3e-6;

/// Compares with the twin, relative to the twin's largest magnitude.
#[track_caller]
pub fn assert_close(name: &str, got: &[f32], expected: &[f64], tolerance: f64) {
    assert_eq!(got.len(), expected.len(), "{name}: lengths");
    let scale = expected.iter().fold(1e-3, |largest: f64, value| largest.max(value.abs()));
    for (place, (got, expected)) in got.iter().zip(expected).enumerate() {
        let apart = (f64::from(*got) - expected).abs();
        assert!(apart <= tolerance * scale, "{name}: [{place}] is {got}, expected {expected}");
    }
}

/// Runs `work` with a pool of its own.
pub fn with_threads<R: Send>(threads: usize, work: impl FnOnce() -> R + Send) -> R {
    rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("a small pool").install(work)
}

/// The same numbers in f64.
pub fn wide(values: &[f32]) -> Vec<f64> {
    values.iter().map(|&value| f64::from(value)).collect()
}

/// Gradient of `loss` at `at` by central differences, in f64.
pub fn differences(at: &[f64], loss: impl Fn(&[f64]) -> f64) -> Vec<f64> {
    const STEP: f64 = 1e-5;
    let mut point = at.to_vec();
    (0..at.len())
        .map(|place| {
            let mut value_at = |moved: f64| {
                point[place] = at[place] + moved;
                let value = loss(&point);
                point[place] = at[place];
                value
            };
            (value_at(STEP) - value_at(-STEP)) / (2.0 * STEP)
        })
        .collect()
}

/// Sum of products.
pub fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}
