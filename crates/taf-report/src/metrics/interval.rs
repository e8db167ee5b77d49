use serde::{Deserialize, Serialize};

/// Confidence level of every interval of this crate.
pub const LEVEL: f64 = 0.95;

/// The normal quantile that belongs to [`LEVEL`]: the 97.5 % point.
pub(super) const Z: f64 = 1.959_963_984_540_054;

/// A share of successes with its confidence interval at [`LEVEL`].
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Proportion {
    /// How many succeeded.
    pub successes: usize,
    /// Of how many.
    pub n: usize,
    /// `successes / n`.
    pub value: f64,
    /// Lower end of the interval.
    pub low: f64,
    /// Upper end of the interval.
    pub high: f64,
}

/// The Wilson score interval (Wilson 1927), which stays inside [0, 1] and holds its level for small `n` and extreme shares.
///
/// With `n = 0` nothing is known: value 0, interval [0, 1]. `successes` above `n` count as `n`.
pub fn wilson(successes: usize, n: usize) -> Proportion {
    if n == 0 {
        return Proportion { successes: 0, n: 0, value: 0.0, low: 0.0, high: 1.0 };
    }
    let successes = successes.min(n);
    let count = n as f64;
    let value = successes as f64 / count;
    let spread = Z * Z / count;
    let centre = (value + spread / 2.0) / (1.0 + spread);
    let half = Z / (1.0 + spread) * (value * (1.0 - value) / count + spread / (4.0 * count)).sqrt();
    // The exact ends are 0 and 1 there; rounding would leave 1e-17 or 1 - 1e-16.
    let low = if successes == 0 { 0.0 } else { centre - half };
    let high = if successes == n { 1.0 } else { centre + half };
    Proportion { successes, n, value, low, high }
}

/// A difference with its confidence interval.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Interval {
    /// The difference that was measured.
    pub difference: f64,
    /// Lower end of the interval.
    pub low: f64,
    /// Upper end of the interval.
    pub high: f64,
    /// Share of intervals made this way that cover the truth, [`LEVEL`].
    pub level: f64,
    /// How often chance alone gives a difference at least this far from zero, either way.
    pub p_two_sided: f64,
}

impl Interval {
    /// Whether the interval holds zero, that is, whether no difference has been shown.
    pub fn contains_zero(&self) -> bool {
        self.low <= 0.0 && self.high >= 0.0
    }
}

/// The exact two-sided McNemar test: how likely a split at least as uneven as `only_first` against `only_second` is
/// when both models are equally good, from the binomial distribution with p = 1/2.
///
/// The counts are the samples that only one of the two models got right. Samples are taken as independent.
pub fn mcnemar_exact(only_first: usize, only_second: usize) -> f64 {
    let n = only_first + only_second;
    let mut log_choose = 0.0;
    let mut tail = 0.0;
    for k in 0..=only_first.min(only_second) {
        tail += (log_choose - n as f64 * std::f64::consts::LN_2).exp();
        log_choose += ((n - k) as f64 / (k + 1) as f64).ln();
    }
    (2.0 * tail).min(1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wilson_agrees_with_published_values() {
        // Newcombe (1998), Statistics in Medicine 17, table I, method 3 (score without continuity correction).
        for (successes, n, low, high) in [(81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (1, 29, 0.0061, 0.1718)]
        {
            let p = wilson(successes, n);
            assert!((p.low - low).abs() < 5e-5 && (p.high - high).abs() < 5e-5, "{p:?}");
        }
        let none = wilson(0, 20);
        assert_eq!((none.low, (none.high * 1e4).round()), (0.0, 1611.0));
    }

    #[test]
    fn wilson_holds_at_the_edges() {
        assert_eq!(wilson(0, 0).high, 1.0);
        assert_eq!(wilson(7, 7).high, 1.0);
        assert!(wilson(7, 7).low < 1.0);
    }

    #[test]
    fn mcnemar_matches_the_binomial_counted_by_hand() {
        assert_eq!(mcnemar_exact(0, 0), 1.0);
        assert!((mcnemar_exact(0, 5) - 2.0 / 32.0).abs() < 1e-12);
        assert!((mcnemar_exact(2, 8) - 2.0 * (1.0 + 10.0 + 45.0) / 1024.0).abs() < 1e-12);
        assert_eq!(mcnemar_exact(5, 5), 1.0);
        assert_eq!(mcnemar_exact(3, 9), mcnemar_exact(9, 3));
    }

    #[test]
    fn mcnemar_stands_many_samples() {
        assert!((mcnemar_exact(50_000, 50_000) - 1.0).abs() < 1e-9);
        assert!(mcnemar_exact(1_000, 3_000) < 1e-100);
    }
}
