use serde::{Deserialize, Serialize};
use statrs::distribution::{ContinuousCDF, Normal, StudentsT};

use super::groups::{GroupMean, GroupSum};

/// Confidence level of every interval of this crate.
pub const LEVEL: f64 = 0.95;

/// Fewer groups than this are too few: no verdict is given, and intervals are rough.
pub const FEW_GROUPS: usize = 10;

/// A share of right answers with its confidence interval at [`LEVEL`], all in [0, 1].
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Share {
    /// What was measured.
    pub value: f64,
    /// Lower end of the interval.
    pub low: f64,
    /// Upper end of the interval.
    pub high: f64,
    /// How many groups the share rests on.
    pub groups: usize,
}

impl Share {
    /// The share over groups, of which there must be one at least, with the Wilson score interval (Wilson 1927) of as many
    /// independent samples as tell equally much (Kish 1965; the t quantile for the few groups as Korn and Graubard 1998).
    ///
    /// That number follows from the variance between groups, and lies between that of groups whose samples are copies of
    /// one and that of independent samples. Where all is right or all is wrong nothing tells how alike the samples are, and
    /// they count as copies. Samples that are groups of their own have the plain Wilson interval.
    ///
    /// Simulated, for 10 to 40 groups: holds the truth in 95 % of cases on average, and in 88 % at worst, where groups of
    /// very different sizes are right or wrong as a whole. Above shares of 0.9 it may be as little as 85 % there.
    pub(super) fn of(sums: &[GroupSum]) -> Self {
        let mean = GroupMean::of(sums);
        let one = mean.value * (1.0 - mean.value);
        let size = if one <= 0.0 || mean.groups < 2 {
            mean.even_groups
        } else {
            let quantiles = student_t(mean.even_samples - 1.0) / student_t(mean.even_groups - 1.0);
            let worth = one / mean.variance * quantiles.powi(2);
            // Fewer than two groups of one size have no t quantile: as if their samples were copies.
            if worth.is_nan() { mean.even_groups } else { worth.clamp(mean.even_groups, mean.even_samples) }
        };
        let (low, high) = wilson(mean.value, size);
        Self { value: mean.value, low, high, groups: mean.groups }
    }
}

/// A difference of two shares with its confidence interval at [`LEVEL`], all in [-1, 1].
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Interval {
    /// The difference that was measured.
    pub difference: f64,
    /// Lower end of the interval.
    pub low: f64,
    /// Upper end of the interval.
    pub high: f64,
}

impl Interval {
    /// The mean difference over groups of samples that each differ by -1, 0 or 1, with a t interval.
    ///
    /// Two samples more, one gained and one lost, stand for what was not seen (Bonett and Price 2012), so that models that
    /// agree everywhere are not equal for sure. Where they do agree everywhere nothing tells how alike the samples of a group
    /// are, and a whole group is gained and lost.
    pub(super) fn of(sums: &[GroupSum]) -> Self {
        let mean = GroupMean::of(sums);
        let error = (mean.variance + unseen(&mean, sums.iter().all(|g| g.total == 0.0))).sqrt();
        let (low, high) = mean_interval(mean.value, error, mean.even_groups);
        Self { difference: mean.value, low: low.max(-1.0), high: high.min(1.0) }
    }
}

/// What one gain and one loss that were not seen add to the variance of a mean of gains: of whole groups where nothing was
/// seen.
pub(super) fn unseen(mean: &GroupMean, nothing_seen: bool) -> f64 {
    if nothing_seen { 2.0 / (mean.even_groups * mean.groups as f64) } else { 2.0 / (mean.weight * mean.weight) }
}

/// The t interval of a mean with its standard error, infinite for a single group.
pub(super) fn mean_interval(mean: f64, error: f64, even_groups: f64) -> (f64, f64) {
    let half = match student_t(even_groups - 1.0) {
        quantile if quantile.is_finite() && error.is_finite() => quantile * error,
        _ => f64::INFINITY,
    };
    (mean - half, mean + half)
}

/// How often Student's t lies as far from zero on either side as a mean with its standard error: 1 where nothing was seen,
/// or there are no degrees of freedom.
pub(super) fn two_sided_p(mean: f64, error: f64, degrees: f64) -> f64 {
    let far = (mean / error).abs();
    if mean == 0.0 || !far.is_finite() || degrees < 1.0 - 1e-9 {
        return 1.0;
    }
    let below = match StudentsT::new(0.0, 1.0, degrees) {
        Ok(t) if degrees < AS_NORMAL => t.cdf(-far),
        _ => Normal::standard().cdf(-far),
    };
    (2.0 * below).min(1.0)
}

/// The Wilson score interval of a share of `size` independent samples, which need not be whole.
fn wilson(share: f64, size: f64) -> (f64, f64) {
    let z = normal();
    let spread = z * z / size;
    let centre = (share + spread / 2.0) / (1.0 + spread);
    let half = z / (1.0 + spread) * (share * (1.0 - share) / size + spread / (4.0 * size)).sqrt();
    // The exact ends are 0 and 1 there; rounding would leave 1e-17 or 1 - 1e-16.
    let low = if share <= 0.0 { 0.0 } else { centre - half };
    let high = if share >= 1.0 { 1.0 } else { centre + half };
    (low, high)
}

/// The normal quantile that belongs to [`LEVEL`]: the 97.5 % point.
fn normal() -> f64 {
    Normal::standard().inverse_cdf((1.0 + LEVEL) / 2.0)
}

/// Degrees of freedom from which Student's t counts as normal: its quantile differs by 2.4e-5 there, and statrs's search for
/// it does not always come to the right end, or to any, from some 800 000.
const AS_NORMAL: f64 = 1e5;

/// The quantile of Student's t that belongs to [`LEVEL`]; infinite below one degree of freedom.
fn student_t(degrees: f64) -> f64 {
    if degrees >= AS_NORMAL {
        return normal();
    }
    match StudentsT::new(0.0, 1.0, degrees) {
        Ok(t) if degrees >= 1.0 - 1e-9 => t.inverse_cdf((1.0 + LEVEL) / 2.0),
        _ => f64::INFINITY,
    }
}

#[cfg(test)]
mod tests {
    use super::super::groups::{Groups, Weighted};
    use super::*;

    /// Values in groups of one size, one after another.
    fn sums(size: usize, values: impl IntoIterator<Item = f64>) -> Vec<GroupSum> {
        let values: Vec<f64> = values.into_iter().collect();
        let names: Vec<String> = (0..values.len()).map(|i| (i / size).to_string()).collect();
        Groups::new(names.iter().map(String::as_str)).sums(values.into_iter().map(|v| Some(Weighted::once(v))))
    }

    fn share(size: usize, right: impl IntoIterator<Item = bool>) -> Share {
        Share::of(&sums(size, right.into_iter().map(|r| f64::from(u8::from(r)))))
    }

    #[test]
    fn quantiles_are_those_of_the_published_tables() {
        assert!((normal() - 1.959_964).abs() < 1e-6);
        for (degrees, expected) in [(1.0, 12.706), (9.0, 2.262), (19.0, 2.093), (39.0, 2.023)] {
            assert!((student_t(degrees) - expected).abs() < 5e-4, "{degrees}: {}", student_t(degrees));
        }
        // As many degrees as the videos of several datasets, each in 25 versions, may have.
        for degrees in [833_694.0, 14_433_587.0, f64::INFINITY] {
            assert_eq!(student_t(degrees), normal(), "{degrees}");
        }
        let (below, above) = (student_t(AS_NORMAL - 1.0), student_t(AS_NORMAL));
        assert!((0.0..2.5e-5).contains(&(below - above)), "{below} and {above}");
        assert_eq!((student_t(0.0), student_t(0.7)), (f64::INFINITY, f64::INFINITY));
    }

    #[test]
    fn chances_are_those_of_the_published_tables_on_both_sides() {
        for (quantile, degrees) in [(12.706, 1.0), (2.262, 9.0), (1.959_964, 1e6)] {
            for mean in [quantile, -quantile] {
                assert!((two_sided_p(mean, 1.0, degrees) - 0.05).abs() < 5e-5, "{degrees}");
            }
        }
        assert_eq!([two_sided_p(0.0, 0.0, 4.0), two_sided_p(1.0, f64::INFINITY, 0.0)], [1.0, 1.0]);
    }

    #[test]
    fn two_groups_of_unlike_sizes_with_the_same_share_have_an_interval() {
        let sums = [(4.0, 8.0), (1.0, 2.0)].map(|(total, weight)| GroupSum { total, weight, squares: weight });
        let share = Share::of(&sums);
        assert!(share.low > 0.0 && share.low < 0.5 && share.high > 0.5 && share.high < 1.0, "{share:?}");
    }

    #[test]
    fn samples_of_their_own_have_the_published_wilson_interval() {
        // Newcombe (1998), Statistics in Medicine 17, table I, method 3 (score without continuity correction).
        for (right, n, low, high) in [(81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (1, 29, 0.0061, 0.1718)] {
            let s = share(1, (0..n).map(|i| i < right));
            assert!((s.low - low).abs() < 5e-5 && (s.high - high).abs() < 5e-5, "{s:?}");
            assert_eq!(s.groups, n);
        }
        let none = share(1, [false; 20]);
        assert_eq!((none.low, (none.high * 1e4).round()), (0.0, 1611.0));
    }

    #[test]
    fn copies_of_a_sample_do_not_narrow_its_interval() {
        let single = share(1, (0..40).map(|i| i % 8 == 0));
        let copied = share(20, (0..800).map(|i| (i / 20) % 8 == 0));
        assert!((single.low - copied.low).abs() < 1e-12 && (single.high - copied.high).abs() < 1e-12, "{copied:?}");
        assert_eq!(copied.groups, 40);
    }

    #[test]
    fn all_right_is_as_sure_as_there_are_groups() {
        assert_eq!(share(1, [true; 10]).low, share(4, [true; 40]).low);
        assert_eq!(share(4, [true; 40]).high, 1.0);
        let one = share(16, (0..16).map(|i| i < 8));
        assert!(one.low < 0.1 && one.high > 0.9, "{one:?}");
    }

    #[test]
    fn many_samples_have_the_interval_of_the_normal_approximation() {
        // 300 gains and 100 losses in 2000 samples: difference 0.1, variance of one sample 0.2 - 0.1^2.
        let gain = |i: usize| f64::from(u8::from(i < 300)) - f64::from(u8::from((300..400).contains(&i)));
        let i = Interval::of(&sums(1, (0..2000).map(gain)));
        let half = 1.96 * ((0.2f64 - 0.01) / 2000.0).sqrt();
        assert!((i.difference - 0.1).abs() < 1e-12);
        assert!((i.low - (0.1 - half)).abs() < 2e-4 && (i.high - (0.1 + half)).abs() < 2e-4, "{i:?}");
    }

    #[test]
    fn models_that_agree_everywhere_are_not_equal_for_sure() {
        let i = Interval::of(&sums(1, [0.0; 100]));
        // The rule of three: what is not seen in 100 may happen in 3 of them.
        assert!(i.difference == 0.0 && (0.02..0.04).contains(&i.high) && i.low == -i.high, "{i:?}");
        let grouped = Interval::of(&sums(4, [0.0; 400]));
        assert!((grouped.high - i.high).abs() < 1e-12, "{grouped:?}");
    }

    #[test]
    fn one_group_leaves_everything_open() {
        let i = Interval::of(&sums(16, (0..16).map(|i| f64::from(u8::from(i == 3)))));
        assert_eq!((i.difference, i.low, i.high), (1.0 / 16.0, -1.0, 1.0));
    }
}
