use crate::metrics::{Groups, Summary};

/// Summarises the rank correlations of clips that have one, none where no clip has; the interval ends where a correlation can be no
/// farther.
pub(super) fn summary_of_ranks(ranks: &[Option<f64>], groups: &Groups) -> Option<Summary> {
    let all = Summary::of_some(ranks, groups)?;
    Some(Summary { low: all.low.max(-1.0), high: all.high.min(1.0), ..all })
}

/// Spearman's rank correlation of two rows of one length: the correlation of their ranks, equals sharing the mean of theirs. None
/// where all of a row are equal, or the rows differ in length.
pub fn rank_correlation(first: &[f32], second: &[f32]) -> Option<f64> {
    if first.len() != second.len() {
        return None;
    }
    let (first, second) = (centred_ranks(first), centred_ranks(second));
    let product = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
    let lengths = product(&first, &first) * product(&second, &second);
    (lengths > 0.0).then(|| product(&first, &second) / lengths.sqrt())
}

/// The rank of every value, less the mean rank.
fn centred_ranks(values: &[f32]) -> Vec<f64> {
    let rank = |value: &f32| {
        let lower = values.iter().filter(|other| other.total_cmp(value).is_lt()).count();
        let equal = values.iter().filter(|other| other.total_cmp(value).is_eq()).count();
        lower as f64 + (equal as f64 - values.len() as f64) / 2.0
    };
    values.iter().map(rank).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranks_agree_with_numbers_counted_by_hand() {
        // Without equals it is 1 - 6 * (sum of squared differences of ranks) / (n (n^2 - 1)), here 1 - 12 / 60.
        assert!((rank_correlation(&[0.1, 0.2, 0.3, 0.4], &[1.0, 3.0, 2.0, 4.0]).unwrap() - 0.8).abs() < 1e-12);
        assert!((rank_correlation(&[1.0, 2.0, 3.0], &[9.0, 5.0, 1.0]).unwrap() + 1.0).abs() < 1e-12);
        // Ranks 1, 2.5, 2.5, 4 against 1, 2, 3, 4: 4.5 / sqrt(4.5 * 5).
        let tied = rank_correlation(&[0.0, 0.5, 0.5, 2.0], &[1.0, 2.0, 3.0, 4.0]).unwrap();
        assert!((tied - 4.5 / 22.5f64.sqrt()).abs() < 1e-12);
    }

    #[test]
    fn the_interval_of_correlations_ends_where_they_do() {
        let groups = Groups::new(["a", "b", "c"]);
        let wide = summary_of_ranks(&[Some(0.9), Some(-0.8), Some(0.7)], &groups).unwrap();
        assert_eq!((wide.low, wide.high), (-1.0, 1.0));
        let alike = summary_of_ranks(&[Some(0.5), Some(0.5), None], &groups).unwrap();
        assert!(alike.low > -1.0 && alike.high < 1.0, "{alike:?}");
        assert_eq!(summary_of_ranks(&[None; 3], &groups), None);
    }

    #[test]
    fn what_has_no_order_correlates_with_nothing() {
        assert_eq!(rank_correlation(&[0.5, 0.5], &[0.1, 0.9]), None);
        assert_eq!(rank_correlation(&[0.1, 0.9], &[0.1, 0.2, 0.7]), None);
        assert_eq!(rank_correlation(&[], &[]), None);
    }
}
