use std::collections::HashMap;

/// Which samples belong together: the videos of one scene, person or recording, and the versions of one video.
///
/// Samples of one group may be right and wrong together, so whole groups, not samples, are what an estimate rests on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Groups {
    /// The group of every sample, by number.
    of: Vec<usize>,
    count: usize,
}

impl Groups {
    /// The groups of samples that are named one by one.
    pub fn new<'a>(names: impl IntoIterator<Item = &'a str>) -> Self {
        let mut numbers = HashMap::new();
        let of = names.into_iter().map(|name| {
            let next = numbers.len();
            *numbers.entry(name).or_insert(next)
        });
        let of = of.collect();
        Self { of, count: numbers.len() }
    }

    /// How many groups there are.
    pub fn count(&self) -> usize {
        self.count
    }

    /// The sum of `values` in every group, given in the order of the samples.
    pub(super) fn totals(&self, values: impl IntoIterator<Item = f64>) -> Vec<f64> {
        let mut totals = vec![0.0; self.count];
        self.of.iter().zip(values).for_each(|(&group, value)| totals[group] += value);
        totals
    }

    /// What every group adds to a mean of `values`, given in the order of the samples; a sample without a value is left out,
    /// and so is a group without any.
    pub(super) fn sums(&self, values: impl IntoIterator<Item = Option<Weighted>>) -> Vec<GroupSum> {
        let mut sums = vec![GroupSum::default(); self.count];
        for (&group, Weighted { value, weight }) in self.of.iter().zip(values).filter_map(|(g, v)| Some((g, v?))) {
            sums[group].add(value, weight);
        }
        sums.retain(|sum| sum.weight > 0.0);
        sums
    }
}

/// A value and how much it counts, above 0.
#[derive(Clone, Copy, Debug)]
pub(super) struct Weighted {
    pub value: f64,
    pub weight: f64,
}

impl Weighted {
    /// A value that counts once.
    pub fn once(value: f64) -> Self {
        Self { value, weight: 1.0 }
    }
}

/// What one group adds to a mean.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct GroupSum {
    /// Sum of the weighted values.
    pub total: f64,
    /// Sum of the weights.
    pub weight: f64,
    /// Sum of the squared weights.
    pub squares: f64,
}

impl GroupSum {
    fn add(&mut self, value: f64, weight: f64) {
        self.total += weight * value;
        self.weight += weight;
        self.squares += weight * weight;
    }
}

/// A mean over samples that come in groups, and how sure it is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct GroupMean {
    /// The mean.
    pub value: f64,
    /// Its variance as far as the groups differ from each other; infinite for a single group.
    pub variance: f64,
    /// Number of groups.
    pub groups: usize,
    /// As many groups of one size would be as sure, if a group's samples were all copies of one: from 1 to `groups`.
    pub even_groups: f64,
    /// As many samples of one weight would be as sure, if all were independent: at least `even_groups`.
    pub even_samples: f64,
    /// Sum of all weights.
    pub weight: f64,
}

impl GroupMean {
    /// The mean over groups, of which there must be one at least.
    ///
    /// The variance is the one that is robust to any likeness within groups (Liang and Zeger 1986, for a mean), times
    /// G / (G - 1).
    pub fn of(sums: &[GroupSum]) -> Self {
        let sum = |of: fn(&GroupSum) -> f64| sums.iter().map(of).sum::<f64>();
        let weight = sum(|g| g.weight);
        let value = sum(|g| g.total) / weight;
        let count = sums.len() as f64;
        let spread: f64 = sums.iter().map(|g| (g.total - value * g.weight).powi(2)).sum();
        let variance = if sums.len() > 1 { count / (count - 1.0) * spread / (weight * weight) } else { f64::INFINITY };
        Self {
            value,
            variance,
            groups: sums.len(),
            even_groups: weight * weight / sum(|g| g.weight * g.weight),
            even_samples: weight * weight / sum(|g| g.squares),
            weight,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mean(groups: &[&str], values: &[f64]) -> GroupMean {
        let groups = Groups::new(groups.iter().copied());
        GroupMean::of(&groups.sums(values.iter().map(|&v| Some(Weighted::once(v)))))
    }

    #[test]
    fn samples_of_their_own_have_the_variance_of_a_mean() {
        let m = mean(&["a", "b", "c", "d"], &[1.0, 2.0, 3.0, 4.0]);
        assert_eq!((m.value, m.groups, m.even_groups, m.even_samples), (2.5, 4, 4.0, 4.0));
        assert!((m.variance - 5.0 / 3.0 / 4.0).abs() < 1e-12, "{m:?}");
    }

    #[test]
    fn copies_within_a_group_add_nothing() {
        let (single, copied) = (mean(&["a", "b"], &[0.0, 1.0]), mean(&["a", "a", "b", "b"], &[0.0, 0.0, 1.0, 1.0]));
        assert_eq!((single.variance, single.even_groups), (copied.variance, copied.even_groups));
        assert_eq!(copied.even_samples, 4.0);
    }

    #[test]
    fn one_group_says_nothing_of_others() {
        assert_eq!(mean(&["a", "a"], &[0.0, 1.0]).variance, f64::INFINITY);
    }

    #[test]
    fn one_large_group_makes_the_others_count_little() {
        let m = mean(&["a", "a", "a", "b"], &[0.0; 4]);
        assert_eq!(m.even_groups, 16.0 / 10.0);
    }

    #[test]
    fn what_has_no_value_is_left_out() {
        let sums = Groups::new(["a", "b", "a"]).sums([Some(Weighted::once(1.0)), None, None]);
        assert_eq!(sums, [GroupSum { total: 1.0, weight: 1.0, squares: 1.0 }]);
    }
}
