use rayon::prelude::*;

use crate::channels::Cut;
use crate::simd::vectorized;

/// Floats looked at twice while they are in the cache: 64 KiB.
const BLOCK: usize = 16 * 1024;
/// Fewest rows of a block, so that merging blocks costs little for many channels.
const BLOCK_ROWS: usize = 16;

/// Mean and spread of each channel of a batch.
#[derive(Clone, Debug, PartialEq)]
pub struct BatchStatistics {
    /// Mean.
    pub mean: Vec<f32>,
    /// Biased variance (the sum of squares divided by the count).
    pub variance: Vec<f32>,
    /// `1 / sqrt(variance + epsilon)`.
    pub inv_std: Vec<f32>,
    /// Values per channel.
    pub count: usize,
}

impl BatchStatistics {
    /// Statistics of `x` `[.., channels]`.
    ///
    /// Each block is read twice (mean, then squares about it) while it is in the cache; blocks are merged in f64 in a
    /// fixed order (Chan, Golub, LeVeque 1983), so a large mean does not eat the variance.
    ///
    /// # Panics
    /// If `x` is empty or not whole rows of `channels`.
    pub fn of(x: &[f32], channels: usize, epsilon: f32) -> Self {
        let cut = Cut::new(x.len(), channels);
        assert!(!x.is_empty(), "statistics of at least one row");
        let tasks: Vec<Moments> =
            (0..cut.tasks()).into_par_iter().map(|task| Moments::of(&x[cut.range(task)], &cut)).collect();
        let mut total = Moments::none(channels);
        tasks.iter().for_each(|task| total.merge(task));
        total.finish(epsilon)
    }

    /// The unbiased variance (divided by the count less one), which PyTorch keeps as the running variance.
    pub fn unbiased_variance(&self) -> Vec<f32> {
        let correction = self.count as f32 / (self.count.max(2) - 1) as f32;
        self.variance.iter().map(|variance| variance * correction).collect()
    }
}

/// Count, mean and sum of squares about the mean, per channel.
struct Moments {
    count: f64,
    mean: Vec<f64>,
    squares: Vec<f64>,
}

impl Moments {
    fn none(channels: usize) -> Self {
        Self { count: 0.0, mean: vec![0.0; channels], squares: vec![0.0; channels] }
    }

    fn of(x: &[f32], cut: &Cut) -> Self {
        let rows = (BLOCK / cut.channels).max(BLOCK_ROWS);
        let mut total = Self::none(cut.channels);
        x.chunks(rows * cut.channels).for_each(|block| total.merge(&Self::of_block(block, cut)));
        total
    }

    fn of_block(block: &[f32], cut: &Cut) -> Self {
        let count = (block.len() / cut.channels) as f64;
        let lanes = cut.channels * cut.repeats();
        let mut sums = vec![0.0; lanes];
        vectorized(|| {
            for row in block.chunks(lanes) {
                sums.iter_mut().zip(row).for_each(|(sum, x)| *sum += x);
            }
        });
        let pivot: Vec<f32> = fold(&sums, cut.channels).iter().map(|sum| (sum / count) as f32).collect();
        let wide = cut.spread(&pivot);
        let mut squares = vec![0.0; lanes];
        sums.fill(0.0);
        vectorized(|| {
            for row in block.chunks(lanes) {
                for (((sum, square), x), pivot) in sums.iter_mut().zip(&mut squares).zip(row).zip(&wide) {
                    let apart = x - pivot;
                    *sum += apart;
                    *square += apart * apart;
                }
            }
        });
        Self::about_pivot(count, &pivot, &fold(&sums, cut.channels), &fold(&squares, cut.channels))
    }

    /// From sums of the distances to a pivot near the mean, and of their squares.
    fn about_pivot(count: f64, pivot: &[f32], sums: &[f64], squares: &[f64]) -> Self {
        let mean = pivot.iter().zip(sums).map(|(pivot, sum)| f64::from(*pivot) + sum / count).collect();
        let squares = squares.iter().zip(sums).map(|(square, sum)| (square - sum * sum / count).max(0.0)).collect();
        Self { count, mean, squares }
    }

    fn merge(&mut self, other: &Self) {
        let count = self.count + other.count;
        let share = other.count / count;
        let channels = self.mean.iter_mut().zip(&mut self.squares).zip(other.mean.iter().zip(&other.squares));
        for ((mean, squares), (other_mean, other_squares)) in channels {
            let apart = other_mean - *mean;
            *mean += apart * share;
            *squares += other_squares + apart * apart * self.count * share;
        }
        self.count = count;
    }

    fn finish(self, epsilon: f32) -> BatchStatistics {
        let variance: Vec<f64> = self.squares.iter().map(|squares| squares / self.count).collect();
        BatchStatistics {
            mean: self.mean.iter().map(|&mean| mean as f32).collect(),
            inv_std: variance.iter().map(|variance| (1.0 / (variance + f64::from(epsilon)).sqrt()) as f32).collect(),
            variance: variance.iter().map(|&variance| variance as f32).collect(),
            count: self.count as usize,
        }
    }
}

/// Adds up the repeats of a per-channel vector, in f64.
pub(super) fn fold(lanes: &[f32], channels: usize) -> Vec<f64> {
    let mut sums = vec![0.0; channels];
    for part in lanes.chunks_exact(channels) {
        sums.iter_mut().zip(part).for_each(|(sum, value)| *sum += f64::from(*value));
    }
    sums
}
