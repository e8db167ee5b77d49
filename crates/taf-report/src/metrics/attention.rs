use serde::{Deserialize, Serialize};

use super::groups::{GroupMean, Groups, Weighted};
use super::interval::mean_interval;
use super::{Error, Result};

/// Shannon entropy in nats of a distribution over frames: 0 when one frame has it all, ln T when all are equal.
pub fn attention_entropy(attention: &[f32]) -> f64 {
    attention.iter().map(|&a| f64::from(a)).filter(|&a| a > 0.0).map(|a| -a * a.ln()).sum()
}

/// How many frames the attention is worth: exp of the entropy, from 1 to T.
pub fn effective_frames(attention: &[f32]) -> f64 {
    attention_entropy(attention).exp()
}

/// The attention of the most attended frame, from 1/T to 1.
pub fn max_share(attention: &[f32]) -> f64 {
    f64::from(attention.iter().copied().fold(0.0, f32::max))
}

/// The neglected frames of a clip: of `T` the `floor(T / 2)` with the least attention, of equals the earlier; in time order.
pub fn neglected_frames(attention: &[f32]) -> Vec<usize> {
    let mut order: Vec<usize> = (0..attention.len()).collect();
    order.sort_by(|&a, &b| attention[a].total_cmp(&attention[b]));
    order.truncate(attention.len() / 2);
    order.sort_unstable();
    order
}

/// The attention that the frames neglected on the `natural` clip have together in `attention`, from 0 to 1.
pub fn neglected_share(natural: &[f32], attention: &[f32]) -> f64 {
    neglected_frames(natural).into_iter().map(|frame| f64::from(attention[frame])).sum()
}

/// Total variation between two distributions over the same frames: the attention that has to move to make one the
/// other, from 0 to 1. Frames that only one of the two has count with their whole share.
pub fn total_variation(first: &[f32], second: &[f32]) -> f64 {
    let at = |row: &[f32], frame: usize| f64::from(row.get(frame).copied().unwrap_or(0.0));
    let frames = first.len().max(second.len());
    (0..frames).map(|t| (at(first, t) - at(second, t)).abs()).sum::<f64>() / 2.0
}

/// The temporal attention of one clip, before and after a perturbation.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AttentionPair {
    /// The group its video belongs to; a video without one is its own.
    pub group: String,
    /// On the clip as it is: `[T]`, not negative, summing to 1.
    pub natural: Vec<f32>,
    /// On the perturbed clip, where there is one: `[T]` likewise.
    pub perturbed: Option<Vec<f32>>,
}

/// Where a list of numbers lies that come in groups.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Summary {
    /// Their mean.
    pub mean: f64,
    /// Lower end of the mean's interval at [`LEVEL`](super::LEVEL), the t interval over groups; the smallest number for a
    /// single group.
    pub low: f64,
    /// Upper end of the mean's interval; the largest number for a single group.
    pub high: f64,
    /// Their standard deviation, with n - 1 in the denominator; 0 for a single number.
    pub sd: f64,
    /// The smallest.
    pub min: f64,
    /// The lower quartile.
    pub q25: f64,
    /// The middle.
    pub median: f64,
    /// The upper quartile.
    pub q75: f64,
    /// The largest.
    pub max: f64,
}

impl Summary {
    /// Summarises one number a sample; none where there are none. Quantiles are linear between neighbours.
    pub fn of(values: &[f64], groups: &Groups) -> Option<Self> {
        Self::of_some(&values.iter().copied().map(Some).collect::<Vec<_>>(), groups)
    }

    /// [`Self::of`] for samples of which some have no number: they are left out.
    pub(super) fn of_some(values: &[Option<f64>], groups: &Groups) -> Option<Self> {
        let mut sorted: Vec<f64> = values.iter().copied().flatten().collect();
        sorted.sort_unstable_by(f64::total_cmp);
        let (&min, &max) = (sorted.first()?, sorted.last()?);
        let mean = GroupMean::of(&groups.sums(values.iter().map(|value| value.map(Weighted::once))));
        let (low, high) = mean_interval(mean.value, mean.variance.sqrt(), mean.even_groups);
        let squares: f64 = sorted.iter().map(|v| (v - mean.value).powi(2)).sum();
        let sd = (squares / sorted.len().saturating_sub(1).max(1) as f64).sqrt();
        let at = |q| quantile(&sorted, q);
        // A mean lies between the least and the largest number; where the groups do not tell, so much is left.
        let (low, high) = if low.is_finite() { (low, high) } else { (min, max) };
        Some(Self { mean: mean.value, low, high, sd, min, q25: at(0.25), median: at(0.5), q75: at(0.75), max })
    }
}

/// The `q`-quantile of sorted values, linear between neighbours.
fn quantile(sorted: &[f64], q: f64) -> f64 {
    let at = q * (sorted.len() - 1) as f64;
    let (low, high) = (sorted[at.floor() as usize], sorted[at.ceil() as usize]);
    low + (high - low) * at.fract()
}

/// How a model spreads its attention over the frames of many clips.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AttentionSummary {
    /// How many clips were measured.
    pub clips: usize,
    /// Of how many there are.
    pub available: usize,
    /// How many groups the measured clips fall into.
    pub groups: usize,
    /// Frames a clip has.
    pub frames: usize,
    /// Entropy on natural clips, nats.
    pub entropy: Summary,
    /// Effective number of frames on natural clips.
    pub effective_frames: Summary,
    /// Share of the most attended frame on natural clips.
    pub max_share: Summary,
    /// Attention on natural clips of the half of the frames that have the least of it.
    pub neglected_share: Summary,
    /// Attention of the same frames on the perturbed clips, where clips were perturbed.
    pub perturbed_neglected_share: Option<Summary>,
    /// Total variation between natural and perturbed clip, where clips were perturbed.
    pub moved: Option<Summary>,
    /// Effective number of frames on the perturbed clips, where clips were perturbed.
    pub perturbed_effective_frames: Option<Summary>,
    /// Attention per frame on natural clips, mean over clips: `[T]`.
    pub mean_natural: Vec<f64>,
    /// The same on the perturbed clips.
    pub mean_perturbed: Option<Vec<f64>>,
}

/// How far a row's sum may lie from 1.
const SUM_TOLERANCE: f64 = 1e-3;

impl AttentionSummary {
    /// Summarises the measured clips of one model, of `available` that there are.
    ///
    /// # Errors
    /// If there is no clip, more than are available, the numbers of frames differ, only some clips are perturbed, or a row is
    /// no distribution.
    pub fn new(clips: &[AttentionPair], available: usize) -> Result<Self> {
        check(clips, available)?;
        let groups = Groups::new(clips.iter().map(|clip| clip.group.as_str()));
        let summary = |values: Vec<f64>| Summary::of(&values, &groups).expect("check() saw at least one clip");
        let each = |rows: &[&[f32]], measure: fn(&[f32]) -> f64| summary(rows.iter().map(|row| measure(row)).collect());
        let natural: Vec<&[f32]> = clips.iter().map(|c| c.natural.as_slice()).collect();
        let perturbed: Option<Vec<&[f32]>> = clips.iter().map(|c| c.perturbed.as_deref()).collect();
        let paired = |measure: fn(&[f32], &[f32]) -> f64| {
            let rows = perturbed.as_ref()?;
            Some(summary(natural.iter().zip(rows).map(|(a, b)| measure(a, b)).collect()))
        };
        Ok(Self {
            clips: clips.len(),
            available,
            groups: groups.count(),
            frames: natural[0].len(),
            entropy: each(&natural, attention_entropy),
            effective_frames: each(&natural, effective_frames),
            max_share: each(&natural, max_share),
            neglected_share: each(&natural, |row| neglected_share(row, row)),
            perturbed_neglected_share: paired(neglected_share),
            moved: paired(total_variation),
            perturbed_effective_frames: perturbed.as_ref().map(|rows| each(rows, effective_frames)),
            mean_natural: mean_rows(&natural),
            mean_perturbed: perturbed.as_deref().map(mean_rows),
        })
    }
}

fn mean_rows(rows: &[&[f32]]) -> Vec<f64> {
    let mean = |t| rows.iter().map(|row| f64::from(row[t])).sum::<f64>() / rows.len() as f64;
    (0..rows[0].len()).map(mean).collect()
}

fn check(clips: &[AttentionPair], available: usize) -> Result<()> {
    let refuse = |clip, expected: String, found: String| Err(Error::Attention { clip, expected, found });
    let Some(first) = clips.first() else { return refuse(0, "at least one clip".into(), "none".into()) };
    if clips.len() > available {
        return refuse(available, format!("at most {available} clips"), clips.len().to_string());
    }
    let frames = first.natural.len();
    for (clip, pair) in clips.iter().enumerate() {
        if pair.perturbed.is_some() != first.perturbed.is_some() {
            return refuse(clip, "a perturbed row for every clip or for none".into(), "a mixture".into());
        }
        for row in std::iter::once(&pair.natural).chain(&pair.perturbed) {
            if row.is_empty() || row.len() != frames {
                return refuse(clip, format!("{} frames", frames.max(1)), row.len().to_string());
            }
            let sum: f64 = row.iter().map(|&a| f64::from(a)).sum();
            if row.iter().any(|a| !(0.0..=1.0 + 1e-4).contains(a)) || (sum - 1.0).abs() > SUM_TOLERANCE {
                return refuse(clip, "shares in [0, 1] that sum to 1".into(), format!("{row:?}"));
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn even_attention_is_worth_every_frame() {
        assert!((attention_entropy(&[0.25; 4]) - 4f64.ln()).abs() < 1e-12);
        assert!((effective_frames(&[0.25; 4]) - 4.0).abs() < 1e-9);
        assert_eq!(max_share(&[0.25; 4]), 0.25);
    }

    #[test]
    fn attention_on_one_frame_is_worth_one_frame() {
        assert_eq!(attention_entropy(&[0.0, 1.0, 0.0]), 0.0);
        assert_eq!(effective_frames(&[0.0, 1.0, 0.0]), 1.0);
    }

    #[test]
    fn total_variation_is_the_attention_that_moved() {
        assert_eq!(total_variation(&[1.0, 0.0], &[0.0, 1.0]), 1.0);
        assert_eq!(total_variation(&[0.5, 0.5], &[0.75, 0.25]), 0.25);
        assert_eq!(total_variation(&[0.5, 0.5], &[0.5, 0.5]), 0.0);
        assert_eq!(total_variation(&[1.0], &[0.5, 0.5]), 0.5);
    }

    #[test]
    fn of_equal_frames_the_earlier_is_neglected_and_an_odd_clip_has_fewer_such() {
        assert_eq!(neglected_frames(&[0.25, 0.25, 0.25, 0.25]), [0, 1]);
        assert_eq!(neglected_frames(&[0.4, 0.1, 0.4, 0.1]), [1, 3]);
        assert_eq!(neglected_frames(&[0.2, 0.5, 0.3]), [0]);
        assert!(neglected_frames(&[1.0]).is_empty());
        assert!((neglected_share(&[0.6, 0.1, 0.3], &[0.2, 0.7, 0.1]) - 0.7).abs() < 1e-6);
    }

    fn single(count: usize) -> Groups {
        let names: Vec<String> = (0..count).map(|i| i.to_string()).collect();
        Groups::new(names.iter().map(String::as_str))
    }

    #[test]
    fn a_summary_agrees_with_numbers_counted_by_hand() {
        let s = Summary::of(&[4.0, 1.0, 3.0, 2.0], &single(4)).unwrap();
        assert_eq!((s.mean, s.min, s.q25, s.median, s.q75, s.max), (2.5, 1.0, 1.75, 2.5, 3.25, 4.0));
        assert!((s.sd - (5.0f64 / 3.0).sqrt()).abs() < 1e-12);
        // 3.182 is the 97.5 % point of t with three degrees of freedom.
        assert!((s.high - s.low - 2.0 * 3.18245 * s.sd / 2.0).abs() < 1e-4 && (s.low + s.high - 5.0).abs() < 1e-12);
        assert_eq!(Summary::of(&[2.0], &single(1)).unwrap().sd, 0.0);
        assert_eq!(Summary::of(&[], &single(0)), None);
    }

    #[test]
    fn clips_of_one_group_do_not_narrow_the_interval() {
        let values = [4.0, 1.0, 3.0, 2.0];
        let copies: Vec<f64> = values.iter().flat_map(|&v| [v; 16]).collect();
        let names: Vec<String> = (0..64).map(|i| (i / 16).to_string()).collect();
        let grouped = Summary::of(&copies, &Groups::new(names.iter().map(String::as_str))).unwrap();
        let free = Summary::of(&values, &single(4)).unwrap();
        assert!((grouped.low - free.low).abs() < 1e-12 && (grouped.high - free.high).abs() < 1e-12);
        let one = Summary::of(&values, &Groups::new(["g"; 4])).unwrap();
        assert_eq!((one.low, one.high), (1.0, 4.0));
    }

    #[test]
    fn clips_are_summarised_before_and_after() {
        let pair = |group: &str, natural: [f32; 2]| AttentionPair {
            group: group.into(),
            natural: natural.into(),
            perturbed: Some(vec![0.5, 0.5]),
        };
        let s = AttentionSummary::new(&[pair("a", [1.0, 0.0]), pair("b", [0.5, 0.5])], 40).unwrap();
        assert_eq!((s.frames, s.clips, s.available, s.groups), (2, 2, 40, 2));
        assert_eq!(s.mean_natural, [0.75, 0.25]);
        assert_eq!(s.moved.unwrap().mean, 0.25);
        assert_eq!((s.neglected_share.mean, s.perturbed_neglected_share.unwrap().mean), (0.25, 0.5));
        assert!((s.effective_frames.mean - 1.5).abs() < 1e-9);
        assert!((s.perturbed_effective_frames.unwrap().mean - 2.0).abs() < 1e-9);
    }

    #[test]
    fn rows_that_are_no_distribution_are_refused() {
        let natural = |row: &[f32]| AttentionPair { group: "g".into(), natural: row.into(), perturbed: None };
        let new = |clips: &[AttentionPair]| AttentionSummary::new(clips, 2);
        assert!(new(&[]).is_err());
        assert!(new(&[natural(&[])]).is_err());
        assert!(new(&[natural(&[0.5, f32::NAN])]).is_err());
        assert!(new(&[natural(&[0.5, 0.6])]).is_err());
        assert!(new(&[natural(&[1.0]), natural(&[1.0]), natural(&[1.0])]).is_err());
        let error = new(&[natural(&[0.5, 0.5]), natural(&[1.0])]).unwrap_err();
        assert_eq!(error.to_string(), "attention of clip 1 needs 2 frames, found 1");
    }
}
