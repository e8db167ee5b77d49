use serde::{Deserialize, Serialize};

use super::groups::{GroupSum, Weighted};
use super::{Error, Interval, Predictions, Result, sign_flip_p};

/// Whether a second model is better than a first one on the same samples.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Comparison {
    /// Top-1 of the second model minus that of the first.
    pub top1: Interval,
    /// How often chance alone makes such a difference, from the permutation test by group, see
    /// [`sign_flip_p`]; not corrected for other comparisons.
    pub p: f64,
    /// Samples both get right.
    pub both: usize,
    /// Samples only the first gets right.
    pub only_first: usize,
    /// Samples only the second gets right.
    pub only_second: usize,
    /// Samples neither gets right.
    pub neither: usize,
    /// How many groups the comparison rests on.
    pub groups: usize,
}

/// Compares two models that were asked about the same samples, whole groups taken as independent.
///
/// # Errors
/// If ids, versions, labels or groups differ, or come in another order.
pub fn compare(first: &Predictions, second: &Predictions) -> Result<Comparison> {
    check_paired(first, second)?;
    let (a, b) = (first.correct(), second.correct());
    let count = |x, y| a.iter().zip(&b).filter(|&(&p, &q)| (p, q) == (x, y)).count();
    let gains = a.iter().zip(&b).map(|(&p, &q)| Some(Weighted::once(f64::from(i8::from(q) - i8::from(p)))));
    let by_group: Vec<GroupSum> = first.groups().sums(gains);
    let whole: Vec<i64> = by_group.iter().map(|group| group.total as i64).collect();
    Ok(Comparison {
        top1: Interval::of(&by_group),
        p: sign_flip_p(&whole),
        both: count(true, true),
        only_first: count(true, false),
        only_second: count(false, true),
        neither: count(false, false),
        groups: by_group.len(),
    })
}

/// Refuses answers to other samples, versions, labels or groups, or in another order.
pub(super) fn check_paired(first: &Predictions, second: &Predictions) -> Result<()> {
    if first.len() != second.len() {
        return Err(Error::NotPaired(format!("{} samples against {}", first.len(), second.len())));
    }
    for at in 0..first.len() {
        let (a, b) = (first.name(at), second.name(at));
        if a != b {
            return Err(Error::NotPaired(format!("sample {at} is {a:?} for one and {b:?} for the other")));
        }
        let (x, y) = (first.labels()[at], second.labels()[at]);
        if x != y {
            return Err(Error::NotPaired(format!("sample {a:?} has label {x} for one and {y} for the other")));
        }
    }
    match first.group_names() == second.group_names() {
        true => Ok(()),
        false => Err(Error::NotPaired("the groups differ".into())),
    }
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

    fn grouped(right: &[bool], size: usize) -> Predictions {
        answers(right).with_groups((0..right.len()).map(|i| (i / size).to_string()).collect()).unwrap()
    }

    #[test]
    fn the_four_cells_are_counted() {
        let a = answers(&[true, true, true, false, false]);
        let b = answers(&[true, false, true, true, false]);
        let c = compare(&a, &b).unwrap();
        assert_eq!((c.both, c.only_first, c.only_second, c.neither, c.groups), (2, 1, 1, 1, 5));
        assert_eq!((c.top1.difference, c.p), (0.0, 1.0));
    }

    #[test]
    fn four_gains_in_ten_samples_are_what_mcnemar_says() {
        let c = compare(&answers(&[false; 10]), &answers(&[[true; 4].as_slice(), &[false; 6]].concat())).unwrap();
        assert!((c.p - 0.125).abs() < 1e-12, "{c:?}");
    }

    #[test]
    fn samples_of_one_group_count_together() {
        // Sixteen gains in one group are one observation; in two groups, two.
        let free = compare(&answers(&[false; 16]), &answers(&[true; 16])).unwrap();
        let one = compare(&grouped(&[false; 16], 16), &grouped(&[true; 16], 16)).unwrap();
        let two = compare(&grouped(&[false; 16], 8), &grouped(&[true; 16], 8)).unwrap();
        assert_eq!((free.groups, one.groups, two.groups), (16, 1, 2));
        assert!(free.p < 0.001 && free.top1.low > 0.5, "{free:?}");
        assert_eq!((one.p, one.top1.low, two.p), (1.0, -1.0, 0.5));
        assert!(two.top1.low < 0.0, "{two:?}");
    }

    #[test]
    fn versions_of_one_video_count_together() {
        let joined = |right: &[bool]| {
            let part = |name: &str| (name.to_owned(), answers(right));
            Predictions::joined([part("noise:1"), part("noise:2"), part("noise:3")]).unwrap()
        };
        let c = compare(&joined(&[false, false]), &joined(&[true, false])).unwrap();
        assert_eq!((c.groups, c.only_second, c.p), (2, 3, 1.0));
    }

    #[test]
    fn models_asked_about_other_samples_are_refused() {
        let three = answers(&[true; 3]);
        assert!(compare(&three, &answers(&[true; 2])).is_err());
        let named = |id: &str, label| {
            Predictions::new(vec![id.into()], vec![label], ScoreKind::Logits, vec![vec![0.0, 1.0]]).unwrap()
        };
        let error = compare(&named("a", 0), &named("b", 0)).unwrap_err();
        assert!(error.to_string().contains("\"a\"") && error.to_string().contains("\"b\""));
        assert!(compare(&named("a", 0), &named("a", 1)).unwrap_err().to_string().contains("label"));
        let grouped = named("a", 0).with_groups(vec!["g".into()]).unwrap();
        assert!(compare(&named("a", 0), &grouped).is_err());
        let version = |name: &str| Predictions::joined([(name.to_owned(), named("a", 0))]).unwrap();
        assert!(compare(&version("noise:1"), &version("noise:2")).unwrap_err().to_string().contains("noise:2"));
    }
}
