use std::collections::BTreeMap;

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::{Error, Interval, LEVEL, Predictions, Result, mcnemar_exact};

/// How a bootstrap is drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bootstrap {
    /// Number of resamples, at least 1.
    pub resamples: usize,
    /// Seed of the draw: the same seed gives the same interval on any number of threads.
    pub seed: u64,
}

impl Default for Bootstrap {
    /// Ten thousand resamples, where the ends of a 95 % interval move by about a tenth of a standard error at most.
    fn default() -> Self {
        Self { resamples: 10_000, seed: 0 }
    }
}

/// Whether a second model is better than a first one on the same samples.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Comparison {
    /// Top-1 of the second model minus that of the first, with a paired bootstrap interval.
    pub top1: Interval,
    /// Exact McNemar p-value; it takes samples as independent even where groups are given.
    pub mcnemar_p: f64,
    /// Samples both get right.
    pub both: usize,
    /// Samples only the first gets right.
    pub only_first: usize,
    /// Samples only the second gets right.
    pub only_second: usize,
    /// Samples neither gets right.
    pub neither: usize,
    /// What was resampled: number of groups, or of samples where no groups are given.
    pub units: usize,
}

/// Compares two models that were asked about the same samples.
///
/// # Errors
/// If ids, labels or groups differ, or come in another order.
pub fn compare(first: &Predictions, second: &Predictions, bootstrap: Bootstrap) -> Result<Comparison> {
    check_paired(first, second)?;
    let (a, b) = (first.correct(), second.correct());
    let count = |x, y| a.iter().zip(&b).filter(|&(&p, &q)| (p, q) == (x, y)).count();
    let units = units(first.groups(), &a, &b);
    Ok(Comparison {
        top1: interval(&units, bootstrap),
        mcnemar_p: mcnemar_exact(count(true, false), count(false, true)),
        both: count(true, true),
        only_first: count(true, false),
        only_second: count(false, true),
        neither: count(false, false),
        units: units.len(),
    })
}

/// The difference in top-1, second minus first, with a percentile interval of the paired bootstrap (Efron 1979).
///
/// Samples are drawn with replacement, whole groups where the predictions have groups. The two-sided p-value is twice
/// the smaller share of resampled differences on either side of zero, counting zero with both and one more resample than
/// was drawn, so that it is never 0.
///
/// # Errors
/// As [`compare`].
pub fn paired_bootstrap(first: &Predictions, second: &Predictions, bootstrap: Bootstrap) -> Result<Interval> {
    check_paired(first, second)?;
    Ok(interval(&units(first.groups(), &first.correct(), &second.correct()), bootstrap))
}

fn check_paired(first: &Predictions, second: &Predictions) -> Result<()> {
    if first.len() != second.len() {
        return Err(Error::NotPaired(format!("{} samples against {}", first.len(), second.len())));
    }
    for (at, (a, b)) in first.samples().iter().zip(second.samples()).enumerate() {
        if a != b {
            return Err(Error::NotPaired(format!("sample {at} is {a:?} for one and {b:?} for the other")));
        }
        let (x, y) = (first.labels()[at], second.labels()[at]);
        if x != y {
            return Err(Error::NotPaired(format!("sample {a:?} has label {x} for one and {y} for the other")));
        }
    }
    match first.groups() == second.groups() {
        true => Ok(()),
        false => Err(Error::NotPaired("the groups differ".into())),
    }
}

/// What is drawn as one: gain of the second model over the first in samples, and the number of samples.
#[derive(Clone, Copy, Default)]
struct Unit {
    gain: i64,
    samples: i64,
}

fn units(groups: Option<&[String]>, first: &[bool], second: &[bool]) -> Vec<Unit> {
    let single = |(&a, &b): (&bool, &bool)| Unit { gain: i64::from(b) - i64::from(a), samples: 1 };
    let singles = first.iter().zip(second).map(single);
    let Some(groups) = groups else { return singles.collect() };
    let mut by_group = BTreeMap::<&str, Unit>::new();
    for (group, unit) in groups.iter().zip(singles) {
        let total = by_group.entry(group).or_default();
        total.gain += unit.gain;
        total.samples += unit.samples;
    }
    by_group.into_values().collect()
}

fn interval(units: &[Unit], bootstrap: Bootstrap) -> Interval {
    let resamples = bootstrap.resamples.max(1);
    let mut drawn: Vec<f64> =
        (0..resamples as u64).into_par_iter().map(|number| resample(units, bootstrap.seed, number)).collect();
    drawn.sort_unstable_by(f64::total_cmp);
    let share = |count: usize| (count + 1) as f64 / (resamples + 1) as f64;
    let below = share(drawn.iter().filter(|&&d| d <= 0.0).count());
    let above = share(drawn.iter().filter(|&&d| d >= 0.0).count());
    Interval {
        difference: difference(units.iter().copied()),
        low: quantile(&drawn, (1.0 - LEVEL) / 2.0),
        high: quantile(&drawn, (1.0 + LEVEL) / 2.0),
        level: LEVEL,
        p_two_sided: (2.0 * below.min(above)).min(1.0),
    }
}

/// One resampled difference. Every resample has its own stream of the seed, so threads do not change the draw.
fn resample(units: &[Unit], seed: u64, number: u64) -> f64 {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    rng.set_stream(number);
    difference(units.iter().map(|_| units[rng.random_range(0..units.len())]))
}

fn difference(units: impl Iterator<Item = Unit>) -> f64 {
    let total = units
        .fold(Unit::default(), |sum, unit| Unit { gain: sum.gain + unit.gain, samples: sum.samples + unit.samples });
    total.gain as f64 / total.samples as f64
}

/// The `q`-quantile of sorted values, linear between neighbours.
pub(super) fn quantile(sorted: &[f64], q: f64) -> f64 {
    let at = q * (sorted.len() - 1) as f64;
    let (low, high) = (sorted[at.floor() as usize], sorted[at.ceil() as usize]);
    low + (high - low) * at.fract()
}

#[cfg(test)]
mod tests {
    use super::super::ScoreKind;
    use super::*;

    fn answers(right: &[bool]) -> Predictions {
        let scores = right.iter().map(|&r| if r { vec![1.0, 0.0] } else { vec![0.0, 1.0] }).collect();
        let ids = (0..right.len()).map(|i| i.to_string()).collect();
        Predictions::new(ids, vec![0; right.len()], ScoreKind::Logits, scores).unwrap()
    }

    fn draws(resamples: usize, seed: u64) -> Bootstrap {
        Bootstrap { resamples, seed }
    }

    #[test]
    fn the_four_cells_are_counted() {
        let a = answers(&[true, true, true, false, false]);
        let b = answers(&[true, false, true, true, false]);
        let c = compare(&a, &b, draws(100, 0)).unwrap();
        assert_eq!((c.both, c.only_first, c.only_second, c.neither, c.units), (2, 1, 1, 1, 5));
        assert_eq!(c.top1.difference, 0.0);
        assert_eq!(c.mcnemar_p, 1.0);
        assert!(c.top1.contains_zero());
    }

    #[test]
    fn equal_models_differ_by_exactly_nothing() {
        let a = answers(&[true, false, true]);
        let i = paired_bootstrap(&a, &a, draws(50, 1)).unwrap();
        assert_eq!((i.difference, i.low, i.high, i.p_two_sided), (0.0, 0.0, 0.0, 1.0));
    }

    #[test]
    fn the_same_seed_gives_the_same_interval_on_any_number_of_threads() {
        let a = answers(&(0..200).map(|i| i % 3 == 0).collect::<Vec<_>>());
        let b = answers(&(0..200).map(|i| i % 5 < 3).collect::<Vec<_>>());
        let many = paired_bootstrap(&a, &b, draws(500, 7)).unwrap();
        let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build().unwrap();
        let one = pool.install(|| paired_bootstrap(&a, &b, draws(500, 7))).unwrap();
        assert_eq!(many, one);
        assert_ne!(many, paired_bootstrap(&a, &b, draws(500, 8)).unwrap());
    }

    #[test]
    fn the_interval_is_that_of_the_normal_approximation_for_many_samples() {
        // 300 gains and 100 losses in 2000 samples: difference 0.1, variance of one sample 0.2 - 0.1^2.
        let a = answers(&(0..2000).map(|i| (300..400).contains(&i)).collect::<Vec<_>>());
        let b = answers(&(0..2000).map(|i| i < 300).collect::<Vec<_>>());
        let i = paired_bootstrap(&a, &b, draws(4000, 3)).unwrap();
        let half = 1.96 * ((0.2f64 - 0.01) / 2000.0).sqrt();
        assert!((i.difference - 0.1).abs() < 1e-12);
        assert!((i.low - (0.1 - half)).abs() < 2e-3 && (i.high - (0.1 + half)).abs() < 2e-3, "{i:?}");
        assert!(i.p_two_sided < 0.001);
    }

    #[test]
    fn the_interval_covers_the_truth_about_as_often_as_it_says() {
        // The second model gains with probability 0.25 and loses with 0.15: the truth is 0.10.
        let mut rng = ChaCha8Rng::seed_from_u64(5);
        let mut covered = 0;
        for experiment in 0..400 {
            let draw: Vec<f64> = (0..150).map(|_| rng.random::<f64>()).collect();
            let a = answers(&draw.iter().map(|&u| (0.25..0.40).contains(&u)).collect::<Vec<_>>());
            let b = answers(&draw.iter().map(|&u| u < 0.25).collect::<Vec<_>>());
            let i = paired_bootstrap(&a, &b, draws(300, experiment)).unwrap();
            covered += usize::from(i.low <= 0.10 && 0.10 <= i.high);
        }
        // 400 experiments at 0.95 have a standard error of 0.011; the bootstrap at n = 150 runs a little short.
        assert!((0.92..=0.98).contains(&(covered as f64 / 400.0)), "covered {covered} of 400");
    }

    #[test]
    fn samples_of_one_group_are_drawn_together() {
        // Ten samples that always agree within their group say no more than two groups.
        let right: Vec<bool> = (0..10).map(|i| i < 5).collect();
        let group: Vec<String> = (0..10).map(|i| if i < 5 { "a".into() } else { "b".into() }).collect();
        let (first, second) = (answers(&[false; 10]), answers(&right));
        let free = compare(&first, &second, draws(2000, 0)).unwrap();
        let grouped =
            compare(&first.with_groups(group.clone()).unwrap(), &second.with_groups(group).unwrap(), draws(2000, 0))
                .unwrap();
        assert_eq!((free.units, grouped.units), (10, 2));
        assert_eq!((grouped.top1.low, grouped.top1.high), (0.0, 1.0));
        assert!(free.top1.low > 0.1 && free.top1.high < 0.9);
    }

    #[test]
    fn models_asked_about_other_samples_are_refused() {
        let three = answers(&[true; 3]);
        assert!(compare(&three, &answers(&[true; 2]), draws(1, 0)).is_err());
        let named = |id: &str, label| {
            Predictions::new(vec![id.into()], vec![label], ScoreKind::Logits, vec![vec![0.0, 1.0]]).unwrap()
        };
        let error = compare(&named("a", 0), &named("b", 0), draws(1, 0)).unwrap_err();
        assert!(error.to_string().contains("\"a\"") && error.to_string().contains("\"b\""));
        assert!(compare(&named("a", 0), &named("a", 1), draws(1, 0)).unwrap_err().to_string().contains("label"));
        let grouped = named("a", 0).with_groups(vec!["g".into()]).unwrap();
        assert!(compare(&named("a", 0), &grouped, draws(1, 0)).is_err());
    }
}
