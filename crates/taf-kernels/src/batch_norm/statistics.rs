use pulp::Simd;
use rayon::prelude::*;

use crate::channels::Division;
use crate::lanes::Lanes;
use crate::sweep::{Body, Total, sweep_task};

/// Lane-filling rows whose mean is the pivot of a task.
const PIVOT_ROWS: usize = 4;

/// Mean and spread of each channel of a batch.
#[derive(Clone, Debug, PartialEq)]
pub struct BatchStatistics {
    /// Mean.
    pub mean: Vec<f32>,
    /// Biased variance (the sum of squares divided by the count).
    pub variance: Vec<f32>,
    /// `1 / sqrt(variance + epsilon)`.
    pub inv_std: Vec<f32>,
}

impl BatchStatistics {
    /// Statistics of `x` `[.., channels]`.
    ///
    /// Read once: each task sums the distances to a pivot, the mean of its first rows, and their squares. At most 64 times
    /// as many rows follow, so the pivot lies within 8 standard deviations of the task's mean, and a large mean does not
    /// eat the variance. Tasks are merged in f64 in a fixed order (Chan, Golub, LeVeque 1983).
    ///
    /// # Panics
    /// If `x` is empty or not whole rows of `channels`.
    pub fn of(x: &[f32], channels: usize, epsilon: f32) -> Self {
        let division = Division::new(x.len(), channels);
        assert!(!x.is_empty(), "statistics of at least one row");
        let tasks: Vec<Moments> = (0..division.tasks())
            .into_par_iter()
            .map(|task| Moments::of(&x[division.range(task)], &division))
            .collect();
        let mut total = Moments::none(channels);
        tasks.iter().for_each(|task| total.merge(task));
        total.finish(epsilon)
    }
}

/// Count, mean and sum of squares about the mean, per channel.
pub(crate) struct Moments {
    count: f64,
    mean: Vec<f64>,
    squares: Vec<f64>,
}

impl Moments {
    fn none(channels: usize) -> Self {
        Self { count: 0.0, mean: vec![0.0; channels], squares: vec![0.0; channels] }
    }

    fn of(x: &[f32], division: &Division) -> Self {
        let start = &x[..x.len().min(PIVOT_ROWS * division.lanes())];
        let [sums] = sweep_task(division, [start], [], [], &Total);
        let rows = (start.len() / division.channels) as f64;
        let pivot: Vec<f32> = sums.iter().map(|sum| (sum / rows) as f32).collect();
        let [sums, squares] = sweep_task(division, [x], [], [&division.spread(&pivot)], &AboutPivot);
        Self::about_pivot((x.len() / division.channels) as f64, &pivot, &sums, &squares)
    }

    /// From sums of the distances to a pivot near the mean, and of their squares.
    pub(crate) fn about_pivot(count: f64, pivot: &[f32], sums: &[f64], squares: &[f64]) -> Self {
        let mean = pivot.iter().zip(sums).map(|(pivot, sum)| f64::from(*pivot) + sum / count).collect();
        let squares = squares.iter().zip(sums).map(|(square, sum)| (square - sum * sum / count).max(0.0)).collect();
        Self { count, mean, squares }
    }

    pub(crate) fn merge(&mut self, other: &Self) {
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

    /// These channels followed by others of the same rows.
    pub(crate) fn beside(mut self, others: Self) -> Self {
        debug_assert_eq!(self.count, others.count);
        self.mean.extend(others.mean);
        self.squares.extend(others.squares);
        self
    }

    pub(crate) fn finish(self, epsilon: f32) -> BatchStatistics {
        let variance: Vec<f64> = self.squares.iter().map(|squares| squares / self.count).collect();
        BatchStatistics {
            mean: self.mean.iter().map(|&mean| mean as f32).collect(),
            inv_std: variance.iter().map(|variance| (1.0 / (variance + f64::from(epsilon)).sqrt()) as f32).collect(),
            variance: variance.iter().map(|&variance| variance as f32).collect(),
        }
    }
}

/// The sums of the distances to a pivot, and of their squares.
struct AboutPivot;

impl Body<1, 0, 1, 2> for AboutPivot {
    #[inline(always)]
    fn apply<V: Simd>(
        &self,
        _: [Lanes<V>; 0],
        [x]: [Lanes<V>; 1],
        [pivot]: [Lanes<V>; 1],
    ) -> ([Lanes<V>; 0], [Lanes<V>; 2]) {
        let apart = x - pivot;
        ([], [apart, apart * apart])
    }
}
