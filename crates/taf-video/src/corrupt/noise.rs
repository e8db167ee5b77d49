//! Noise that is independent for every channel of every pixel.
//!
//! Pixels have 256 values and so has the result: each noise is, for each value, a distribution of results, tabulated once by
//! its quantiles. Corrupting a value then costs 12 random bits and one look-up.

use std::f64::consts::{PI, SQRT_2};
use std::sync::{LazyLock, OnceLock};

use rand::Rng;
use rand_chacha::ChaCha8Rng;

use super::Severity;
use crate::Frame;

/// Equally likely results per value: tails rarer than 1 in 8192 are cut, moments agree to better than 0.2 %.
const QUANTILES: usize = 4096;
/// Random bytes drawn at a time, two for each value.
const CHUNK_BYTES: usize = 2048;
const GAUSSIAN_SIGMA: [f64; 5] = [0.08, 0.12, 0.18, 0.26, 0.38];
const SHOT_COUNTS: [f64; 5] = [60.0, 25.0, 12.0, 5.0, 3.0];
const IMPULSE_SHARE: [f64; 5] = [0.03, 0.06, 0.09, 0.17, 0.27];
const SPECKLE_SIGMA: [f64; 5] = [0.15, 0.2, 0.35, 0.45, 0.6];
const SHOT_COUNTS_SSV2P: [f64; 5] = [250.0, 100.0, 50.0, 30.0, 15.0];
const SPECKLE_SIGMA_SSV2P: [f64; 5] = [0.15, 0.2, 0.25, 0.3, 0.35];

pub fn gaussian(frame: Frame, severity: Severity, rng: &mut ChaCha8Rng) -> Frame {
    static TABLES: Tables = Tables::new();
    TABLES.get(severity, || gaussian_results(severity.of(GAUSSIAN_SIGMA))).apply(frame, rng)
}

pub fn shot(frame: Frame, severity: Severity, rng: &mut ChaCha8Rng) -> Frame {
    static TABLES: Tables = Tables::new();
    TABLES.get(severity, || shot_results(severity.of(SHOT_COUNTS))).apply(frame, rng)
}

pub fn impulse(frame: Frame, severity: Severity, rng: &mut ChaCha8Rng) -> Frame {
    static TABLES: Tables = Tables::new();
    TABLES.get(severity, || impulse_results(severity.of(IMPULSE_SHARE))).apply(frame, rng)
}

pub fn speckle(frame: Frame, severity: Severity, rng: &mut ChaCha8Rng) -> Frame {
    static TABLES: Tables = Tables::new();
    TABLES.get(severity, || speckle_results(severity.of(SPECKLE_SIGMA))).apply(frame, rng)
}

pub fn pepper(frame: Frame, severity: Severity, rng: &mut ChaCha8Rng) -> Frame {
    static TABLES: Tables = Tables::new();
    TABLES.get(severity, || single_impulse_results(severity.of(IMPULSE_SHARE), 0)).apply(frame, rng)
}

pub fn salt(frame: Frame, severity: Severity, rng: &mut ChaCha8Rng) -> Frame {
    static TABLES: Tables = Tables::new();
    TABLES.get(severity, || single_impulse_results(severity.of(IMPULSE_SHARE), u8::MAX)).apply(frame, rng)
}

pub fn shot_ssv2p(frame: Frame, severity: Severity, rng: &mut ChaCha8Rng) -> Frame {
    static TABLES: Tables = Tables::new();
    TABLES.get(severity, || shot_results(severity.of(SHOT_COUNTS_SSV2P))).apply(frame, rng)
}

pub fn speckle_ssv2p(frame: Frame, severity: Severity, rng: &mut ChaCha8Rng) -> Frame {
    static TABLES: Tables = Tables::new();
    TABLES.get(severity, || speckle_results(severity.of(SPECKLE_SIGMA_SSV2P))).apply(frame, rng)
}

/// `value + sigma * normal`.
fn gaussian_results(sigma: f64) -> Results {
    Results::new(|value| std::array::from_fn(|q| level(value + sigma * NORMAL[q])))
}

/// `value + value * sigma * normal`.
fn speckle_results(sigma: f64) -> Results {
    Results::new(|value| std::array::from_fn(|q| level(value + value * sigma * NORMAL[q])))
}

/// `Poisson(value * counts) / counts`.
fn shot_results(counts: f64) -> Results {
    Results::new(|value| {
        let quantiles = poisson_quantiles(value * counts);
        quantiles.map(|count| level(f64::from(count) / counts))
    })
}

/// 0 and 1 for half of `share` each, else the value.
fn impulse_results(share: f64) -> Results {
    Results::new(|value| {
        std::array::from_fn(|q| match probability(q) {
            p if p < share / 2.0 => 0,
            p if p < share => u8::MAX,
            _ => level(value),
        })
    })
}

/// `impulse` for a share of `share`, else the value.
fn single_impulse_results(share: f64, impulse: u8) -> Results {
    Results::new(|value| std::array::from_fn(|q| if probability(q) < share { impulse } else { level(value) }))
}

/// The level of 255 nearest to a value on the scale from 0 to 1, which it is clipped to.
fn level(value: f64) -> u8 {
    (value * 255.0).round() as u8
}

/// The middle of quantile `q`.
fn probability(q: usize) -> f64 {
    (q as f64 + 0.5) / QUANTILES as f64
}

/// Quantiles of the standard normal distribution.
static NORMAL: LazyLock<Box<[f64]>> = LazyLock::new(|| {
    let upper: Vec<f64> = (QUANTILES / 2..QUANTILES)
        .scan(0.0, |z, q| {
            *z = normal_quantile_above(probability(q), *z);
            Some(*z)
        })
        .collect();
    upper.iter().rev().map(|z| -z).chain(upper.iter().copied()).collect()
});

/// Newton's method from a smaller quantile, at least 0: there the distribution is concave, so the steps never overshoot.
fn normal_quantile_above(probability: f64, from: f64) -> f64 {
    let cumulative = |z: f64| 0.5 * (1.0 + libm::erf(z / SQRT_2));
    let density = |z: f64| (-z * z / 2.0).exp() / (2.0 * PI).sqrt();
    (0..8).fold(from, |z, _| z + (probability - cumulative(z)) / density(z))
}

fn poisson_quantiles(mean: f64) -> [u16; QUANTILES] {
    let (mut count, mut mass) = (0, (-mean).exp());
    let mut cumulative = mass;
    std::array::from_fn(|q| {
        while cumulative < probability(q) {
            count += 1;
            mass *= mean / f64::from(count);
            cumulative += mass;
        }
        count
    })
}

/// The equally likely results for each value.
struct Results(Vec<[u8; QUANTILES]>);

impl Results {
    /// `results`: what becomes of a value on the scale from 0 to 1.
    fn new(results: impl Fn(f64) -> [u8; QUANTILES]) -> Self {
        Self((0..=u8::MAX).map(|value| results(f64::from(value) / 255.0)).collect())
    }

    fn apply(&self, mut frame: Frame, rng: &mut ChaCha8Rng) -> Frame {
        let table: &[[u8; QUANTILES]; 256] = self.0.as_slice().try_into().expect("a row for each value");
        let mut bytes = [0; CHUNK_BYTES];
        for values in frame.data_mut().chunks_mut(CHUNK_BYTES / 2) {
            rng.fill_bytes(&mut bytes);
            for (value, &draw) in values.iter_mut().zip(bytes.as_chunks::<2>().0) {
                let quantile = usize::from(u16::from_le_bytes(draw)) % QUANTILES;
                *value = table[usize::from(*value)][quantile];
            }
        }
        frame
    }
}

/// The tables of one noise, 1 MiB for each severity, made when first needed.
struct Tables([OnceLock<Results>; 5]);

impl Tables {
    const fn new() -> Self {
        Self([const { OnceLock::new() }; 5])
    }

    fn get(&self, severity: Severity, make: impl FnOnce() -> Results) -> &Results {
        self.0[usize::from(severity.get() - 1)].get_or_init(make)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Seed;

    /// Of a quarter of a million draws, and of the cut tails.
    const MOMENT_TOLERANCE: f64 = 0.01;

    /// Mean and standard deviation, on the scale from 0 to 1, of what becomes of a value.
    fn moments(results: &Results, value: u8) -> (f64, f64) {
        let frame = results.apply(Frame::filled(300, 300, [value; 3]), &mut Seed::new(9).rng());
        let number = frame.data().len() as f64;
        let mean = frame.data().iter().map(|&v| f64::from(v)).sum::<f64>() / number;
        let variance = frame.data().iter().map(|&v| (f64::from(v) - mean).powi(2)).sum::<f64>() / number;
        (mean / 255.0, variance.sqrt() / 255.0)
    }

    fn assert_close(got: f64, expected: f64) {
        assert!((got - expected).abs() <= MOMENT_TOLERANCE * expected, "got {got}, expected {expected}");
    }

    #[test]
    fn normal_quantiles_are_those_of_the_tables() {
        let half = QUANTILES / 2;
        assert!((normal_quantile_above(0.975, 1.9) - 1.959_963_984_540_054).abs() < 1e-12);
        assert!((NORMAL[QUANTILES - 1] - 3.668329285).abs() < 1e-9);
        assert!(NORMAL.is_sorted() && NORMAL.len() == QUANTILES);
        assert_eq!(NORMAL[half - 1], -NORMAL[half]);
    }

    #[test]
    fn gaussian_and_speckle_noise_have_the_stated_deviation() {
        for sigma in [0.08, 0.12] {
            let (mean, deviation) = moments(&gaussian_results(sigma), 128);
            assert_close(mean, 128.0 / 255.0);
            assert_close(deviation, sigma);
        }
        let (mean, deviation) = moments(&speckle_results(0.2), 100);
        assert_close(mean, 100.0 / 255.0);
        assert_close(deviation, 0.2 * 100.0 / 255.0);
    }

    #[test]
    fn shot_noise_has_the_moments_of_counted_light() {
        for (counts, value) in [(60.0, 100), (25.0, 64)] {
            let (mean, deviation) = moments(&shot_results(counts), value);
            let light = f64::from(value) / 255.0;
            assert_close(mean, light);
            assert_close(deviation, (light / counts).sqrt());
        }
    }

    #[test]
    fn impulse_noise_replaces_the_stated_share_by_black_and_white_alike() {
        let frame = impulse_results(0.17).apply(Frame::filled(300, 300, [90; 3]), &mut Seed::new(9).rng());
        let share = |value: u8| frame.data().iter().filter(|&&v| v == value).count() as f64 / frame.data().len() as f64;
        assert!((share(0) - 0.085).abs() < 0.002 && (share(255) - 0.085).abs() < 0.002);
        assert!((share(90) - 0.83).abs() < 0.002);
    }

    #[test]
    fn pepper_and_salt_replace_the_stated_share_by_one_value() {
        for impulse in [0, 255] {
            let results = single_impulse_results(0.27, impulse);
            let frame = results.apply(Frame::filled(300, 300, [90; 3]), &mut Seed::new(9).rng());
            let share = |value: u8| frame.data().iter().filter(|&&v| v == value).count() as f64 / 270_000.0;
            assert!((share(impulse) - 0.27).abs() < 0.003 && (share(90) - 0.73).abs() < 0.003);
        }
    }

    #[test]
    fn no_noise_leaves_every_value() {
        let every_value = Frame::new(16, 16, (0..=u8::MAX).flat_map(|value| [value; 3]).collect());
        for results in [gaussian_results(0.0), speckle_results(0.0), impulse_results(0.0)] {
            let after = results.apply(every_value.clone(), &mut Seed::new(0).rng());
            assert_eq!(after, every_value);
        }
    }

    #[test]
    fn black_stays_black_under_noise_in_proportion_to_light() {
        for results in [speckle_results(0.6), shot_results(3.0)] {
            assert_eq!(
                results.apply(Frame::filled(9, 9, [0; 3]), &mut Seed::new(0).rng()),
                Frame::filled(9, 9, [0; 3])
            );
        }
    }
}
