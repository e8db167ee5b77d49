use serde::{Deserialize, Serialize};

use super::groups::{GroupMean, GroupSum};
use super::interval::{mean_interval, unseen};
use super::paired::check_paired;
use super::{Interval, Predictions, Result, Share, sign_flip_p};

/// Which videos a model gets right: as they are, and in every version of a benchmark.
#[derive(Clone, Debug)]
pub struct Outcomes {
    clean: Predictions,
    right: Vec<bool>,
    versions: Vec<Vec<bool>>,
}

/// How well a model does on some versions of its videos, and how much of its accuracy is left there. Every version counts
/// the same.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Robustness {
    /// Over how many versions the means are.
    pub versions: usize,
    /// Mean top-1 over the versions: mPC where these are all corruptions at all severities (Michaelis et al. 2019; Yi et al.
    /// 2021).
    pub mpc: Share,
    /// The mean as a share of the top-1 on the videos as they are: rPC, and the mean of the relative γ (Schiappa et al. 2023),
    /// which is the same number. None where no video is recognised as it is.
    pub rpc: Option<Estimate>,
    /// One less the points that are lost, as a share: the mean of the absolute γ (Schiappa et al. 2023), 1 where nothing is
    /// lost.
    pub gamma: Estimate,
}

/// A number with its confidence interval at [`LEVEL`](super::LEVEL), which ends where the number can be no farther.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Estimate {
    /// What was measured.
    pub value: f64,
    /// Lower end of the interval.
    pub low: f64,
    /// Upper end of the interval.
    pub high: f64,
}

/// How much more robust a second model is than a first one on the same versions of the same videos.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct RobustnessGain {
    /// Difference of the mean top-1.
    pub mpc: Interval,
    /// How often chance alone makes such a difference of the mean top-1, see [`sign_flip_p`]; not corrected for other
    /// comparisons.
    pub p: f64,
    /// Difference of the shares of the clean top-1 that are left; none where one model recognises no video as it is.
    pub rpc: Option<Estimate>,
    /// Difference of the absolute γ.
    pub gamma: Estimate,
    /// How many groups it rests on.
    pub groups: usize,
}

impl Outcomes {
    /// What a model says about the videos as they are, and about no version yet.
    pub fn new(clean: Predictions) -> Self {
        Self { right: clean.correct(), clean, versions: Vec::new() }
    }

    /// Adds what it says about the next version of the same videos.
    ///
    /// # Errors
    /// If videos, labels or groups are others, or come in another order.
    pub fn push(&mut self, version: &Predictions) -> Result<()> {
        check_paired(&self.clean, version)?;
        self.versions.push(version.correct());
        Ok(())
    }

    /// How many versions there are.
    pub fn versions(&self) -> usize {
        self.versions.len()
    }

    /// How many videos there are, and how many groups they fall into.
    pub fn videos_and_groups(&self) -> (usize, usize) {
        (self.clean.len(), self.clean.groups().count())
    }

    /// Top-1 on the videos as they are.
    pub fn clean(&self) -> Share {
        Share::of(&self.sums(&[&self.right]))
    }

    /// Top-1 on one version, by its place.
    ///
    /// # Panics
    /// If there is no such version.
    pub fn top1(&self, version: usize) -> Share {
        Share::of(&self.sums(&[&self.versions[version]]))
    }

    /// The numbers of some versions, by their places, at least one.
    ///
    /// # Panics
    /// If there is no such version, or none is named.
    pub fn robustness(&self, versions: &[usize]) -> Robustness {
        let (corrupted, clean) = self.both(versions);
        let lost = Interval::of(&differences(&corrupted, &clean));
        let gamma = Estimate { value: 1.0 + lost.difference, low: 1.0 + lost.low, high: 1.0 + lost.high };
        let mpc = Share::of(&corrupted);
        Robustness {
            versions: versions.len(),
            mpc,
            rpc: Ratio::of(&corrupted, &clean).map(|ratio| ratio.estimate()),
            gamma,
        }
    }

    /// What a second model gains in some versions, by their places, at least one.
    ///
    /// # Errors
    /// If the two were asked about different videos.
    ///
    /// # Panics
    /// If a model lacks such a version, or none is named.
    pub fn compare(&self, second: &Self, versions: &[usize]) -> Result<RobustnessGain> {
        check_paired(&self.clean, &second.clean)?;
        let [(corrupted, clean), (other_corrupted, other_clean)] = [self, second].map(|model| model.both(versions));
        let gains = differences(&other_corrupted, &corrupted);
        let kept = differences(&differences(&other_corrupted, &other_clean), &differences(&corrupted, &clean));
        let whole: Vec<i64> = gains.iter().map(|group| group.total as i64).collect();
        let ratios = Ratio::of(&corrupted, &clean).zip(Ratio::of(&other_corrupted, &other_clean));
        Ok(RobustnessGain {
            mpc: Interval::of(&gains),
            p: sign_flip_p(&whole),
            rpc: ratios.map(|(first, second)| first.gain(&second)),
            gamma: Estimate::of_differences(&kept),
            groups: gains.len(),
        })
    }

    /// What every group has right in some versions, and in as many copies of the videos as they are.
    fn both(&self, versions: &[usize]) -> (Vec<GroupSum>, Vec<GroupSum>) {
        let rows: Vec<&Vec<bool>> = versions.iter().map(|&version| &self.versions[version]).collect();
        (self.sums(&rows), self.sums(&vec![&self.right; versions.len()]))
    }

    /// What every group has right over some rows of answers: a sample is one video in one row.
    fn sums(&self, rows: &[&Vec<bool>]) -> Vec<GroupSum> {
        let groups = self.clean.groups();
        let right = |video: usize| rows.iter().filter(|row| row[video]).count() as f64;
        let totals = groups.totals((0..self.clean.len()).map(right));
        let weights = groups.totals(vec![rows.len() as f64; self.clean.len()]);
        let sum = |(total, weight)| GroupSum { total, weight, squares: weight };
        totals.into_iter().zip(weights).map(sum).collect()
    }
}

/// What the first has more than the second, group by group.
fn differences(first: &[GroupSum], second: &[GroupSum]) -> Vec<GroupSum> {
    first.iter().zip(second).map(|(a, b)| GroupSum { total: a.total - b.total, ..*a }).collect()
}

impl Estimate {
    fn within(value: f64, (low, high): (f64, f64), [least, most]: [f64; 2]) -> Self {
        Self { value, low: low.max(least), high: high.min(most) }
    }

    /// The mean of differences of differences, which lie in [-2, 2].
    fn of_differences(sums: &[GroupSum]) -> Self {
        let mean = GroupMean::of(sums);
        let error = (mean.variance + unseen(&mean, sums.iter().all(|group| group.total == 0.0))).sqrt();
        Self::within(mean.value, mean_interval(mean.value, error, mean.even_groups), [-2.0, 2.0])
    }
}

/// The right answers in versions of the videos over those on the videos as they are.
///
/// A ratio of means over clusters, its error from the residuals of every group (Cochran 1977, Sampling Techniques, 6.3).
/// Simulated, for 10 to 40 groups: its interval holds the truth in 95 % of cases on average, and in 91 % at worst.
struct Ratio {
    mean: GroupMean,
    /// What every group adds to the error of the ratio.
    errors: Vec<f64>,
    /// What the ratio is where all versions are answered right.
    most: f64,
}

impl Ratio {
    /// The ratio; none where no video is recognised as it is.
    fn of(upper: &[GroupSum], lower: &[GroupSum]) -> Option<Self> {
        let parts = |(a, b): (&GroupSum, &GroupSum)| GroupSum { total: a.total, weight: b.total, squares: b.total };
        let sums: Vec<GroupSum> = upper.iter().zip(lower).map(parts).collect();
        let mean = GroupMean::of(&sums);
        let errors = sums.iter().map(|sum| (sum.total - mean.value * sum.weight) / mean.weight).collect();
        let most = lower.iter().map(|group| group.weight).sum::<f64>() / mean.weight;
        (mean.weight > 0.0).then_some(Self { mean, errors, most })
    }

    fn estimate(&self) -> Estimate {
        let variance = self.mean.variance + unseen(&self.mean, self.errors.iter().all(|&error| error == 0.0));
        let interval = mean_interval(self.mean.value, variance.sqrt(), self.mean.even_groups);
        Estimate::within(self.mean.value, interval, [0.0, self.most])
    }

    /// The second ratio less this one, over the same groups.
    fn gain(&self, second: &Self) -> Estimate {
        let errors: Vec<f64> = self.errors.iter().zip(&second.errors).map(|(a, b)| b - a).collect();
        let groups = errors.len() as f64;
        let spread = errors.iter().map(|error| error * error).sum::<f64>() * groups / (groups - 1.0);
        let scarcer = if second.mean.weight < self.mean.weight { &second.mean } else { &self.mean };
        let variance = spread + unseen(scarcer, errors.iter().all(|&error| error == 0.0));
        let value = second.mean.value - self.mean.value;
        let interval = mean_interval(value, variance.sqrt(), scarcer.even_groups);
        Estimate::within(value, interval, [-self.most, second.most])
    }
}

#[cfg(test)]
mod tests {
    use super::super::{ScoreKind, Scores, compare};
    use super::*;

    fn answers(right: &[u8]) -> Predictions {
        let scores = right.iter().map(|&r| vec![f32::from(r), 0.5]).collect();
        let ids = (0..right.len()).map(|i| i.to_string()).collect();
        Predictions::new(ids, vec![0; right.len()], ScoreKind::Logits, scores).unwrap()
    }

    fn outcomes(clean: &[u8], versions: &[&[u8]]) -> Outcomes {
        let mut outcomes = Outcomes::new(answers(clean));
        versions.iter().for_each(|version| outcomes.push(&answers(version)).unwrap());
        outcomes
    }

    fn close(found: [f64; 3], expected: [f64; 3]) {
        assert!(found.iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-5), "{found:?} against {expected:?}");
    }

    fn parts(estimate: Estimate) -> [f64; 3] {
        [estimate.value, estimate.low, estimate.high]
    }

    #[test]
    fn four_videos_in_two_versions_counted_by_hand() {
        let model = outcomes(&[1, 1, 1, 0], &[&[1, 1, 0, 0], &[1, 0, 0, 1]]);
        let r = model.robustness(&[0, 1]);
        assert_eq!((r.mpc.value, model.clean().value, model.top1(1).value, r.versions), (0.5, 0.75, 0.5, 2));
        // Over right answers 2, 1, 0, 1 in versions and 2, 2, 2, 0 in copies: residuals of the ratio 2/3, -1/3, -4/3 and 1,
        // squared 10/3 in sum, x 4/3 / 6^2, unseen 2 / 6^2. Groups of one size: 6^2 / 12, so t has 2 degrees of freedom.
        let half = 4.302_653 * (10.0f64 / 3.0 * 4.0 / 3.0 / 36.0 + 2.0 / 36.0).sqrt();
        close(parts(r.rpc.unwrap()), [2.0 / 3.0, 0.0, (2.0f64 / 3.0 + half).min(4.0 / 3.0)]);
        // Lost 0, 1, 2, -1 of eight: mean -1/4; squares around it sum to 5 of 64, x 4/3; unseen 2 / 8^2; 3 degrees.
        let half = 3.182_446 * (5.0f64 / 64.0 * 4.0 / 3.0 + 2.0 / 64.0).sqrt();
        close(parts(r.gamma), [0.75, (0.75 - half).max(0.0), (0.75 + half).min(2.0)]);
        assert_eq!(model.robustness(&[1]).mpc.value, 0.5);
    }

    #[test]
    fn the_mean_over_versions_is_the_top1_of_all_of_them_together() {
        let rows: Vec<Vec<u8>> = (0..5).map(|v| (0..60).map(|i| u8::from((i * 7 + v * 3) % 5 > 1)).collect()).collect();
        let grouped = |row: &[u8]| answers(row).with_groups((0..60).map(|i| (i / 4).to_string()).collect()).unwrap();
        let joined = |rows: &[Vec<u8>]| {
            Predictions::joined(rows.iter().enumerate().map(|(v, row)| (v.to_string(), grouped(row)))).unwrap()
        };
        let of = |rows: &[Vec<u8>]| {
            let mut outcomes = Outcomes::new(grouped(&rows[0]));
            rows.iter().for_each(|row| outcomes.push(&grouped(row)).unwrap());
            outcomes
        };
        let twin = Scores::new(&joined(&rows), &["a".to_owned(), "b".to_owned()]).unwrap().top1;
        assert_eq!(of(&rows).robustness(&[0, 1, 2, 3, 4]).mpc, twin);
        let other: Vec<Vec<u8>> = rows.iter().map(|row| row.iter().rev().copied().collect()).collect();
        let (gain, twin) = (
            of(&rows).compare(&of(&other), &[0, 1, 2, 3, 4]).unwrap(),
            compare(&joined(&rows), &joined(&other)).unwrap(),
        );
        assert_eq!((gain.mpc, gain.p, gain.groups), (twin.top1, twin.p, 15));
    }

    #[test]
    fn a_second_model_keeps_more_counted_by_hand() {
        let first = outcomes(&[1, 1, 1, 1], &[&[1, 0, 0, 0]]);
        let second = outcomes(&[1, 1, 0, 0], &[&[1, 1, 0, 0]]);
        let gain = first.compare(&second, &[0]).unwrap();
        assert_eq!((gain.mpc.difference, gain.p), (0.25, 1.0));
        // Ratios 1/4 and 1. Errors of the first (3/4, -1/4, -1/4, -1/4) / 4, of the second none: squares sum to 3/64, x 4/3;
        // unseen 2 / 2^2; two clean groups: 1 degree of freedom.
        let half = 12.706_205 * (3.0f64 / 64.0 * 4.0 / 3.0 + 0.5).sqrt();
        close(parts(gain.rpc.unwrap()), [0.75, (0.75 - half).max(-1.0), (0.75 + half).min(2.0)]);
        assert_eq!(gain.gamma.value, 0.75);
        assert!(first.compare(&outcomes(&[1, 1], &[&[1, 1]]), &[0]).is_err());
    }

    #[test]
    fn ends_stay_where_the_numbers_can_be() {
        let none = outcomes(&[0, 0, 0], &[&[1, 0, 0]]).robustness(&[0]);
        assert_eq!((none.rpc, none.mpc.value), (None, 1.0 / 3.0));
        // One group leaves everything open: up to 1 / 0.5.
        let mut one = Outcomes::new(answers(&[1, 0]).with_groups(vec!["a".into(); 2]).unwrap());
        one.push(&answers(&[1, 0]).with_groups(vec!["a".into(); 2]).unwrap()).unwrap();
        assert_eq!(parts(one.robustness(&[0]).rpc.unwrap()), [1.0, 0.0, 2.0]);
        assert_eq!(parts(one.robustness(&[0]).gamma), [1.0, 0.0, 2.0]);
        assert_eq!(parts(one.compare(&one, &[0]).unwrap().rpc.unwrap()), [0.0, -2.0, 2.0]);
    }

    #[test]
    fn copies_of_a_video_in_its_group_do_not_narrow_an_interval() {
        let pattern = |i: usize| [u8::from(!i.is_multiple_of(3)), u8::from(!i.is_multiple_of(2))];
        let of = |copies: usize| {
            let row = |at: usize| answers(&(0..40 * copies).map(|i| pattern(i / copies)[at]).collect::<Vec<_>>());
            let groups = || (0..40 * copies).map(|i| (i / copies).to_string()).collect();
            let mut outcomes = Outcomes::new(row(0).with_groups(groups()).unwrap());
            outcomes.push(&row(1).with_groups(groups()).unwrap()).unwrap();
            outcomes.robustness(&[0]).rpc.unwrap()
        };
        let (one, many) = (of(1), of(9));
        assert!((one.value - many.value).abs() < 1e-12);
        // What a sample that was not seen adds is a smaller part of more samples.
        assert!((many.high - many.low) / (one.high - one.low) > 0.9, "{one:?} {many:?}");
    }
}
