use super::paired::check_paired;
use super::scores::label_probability;
use super::{Error, Predictions, Result};

/// How far the log loss of learnt weights may lie above the least there is, in nats.
const GAP: f64 = 1e-6;
/// Rounds after which learning ends at the latest.
const MOST_ROUNDS: usize = 10_000;

/// What an ensemble says: for every sample the weighted mean of its members' rows.
///
/// # Shapes
/// `members` is `[m][n][k]`; one weight for each member, none below 0 and not all 0, which are taken as shares of their sum.
///
/// # Panics
/// If the shapes do not fit, or weights are none.
pub fn mixed(members: &[Vec<Vec<f32>>], weights: &[f64]) -> Vec<Vec<f32>> {
    assert_eq!(members.len(), weights.len(), "one weight for each member");
    let total: f64 = weights.iter().sum();
    assert!(total > 0.0 && weights.iter().all(|weight| *weight >= 0.0), "weights are not below 0 and not all 0");
    let row = |sample: usize| {
        let value = |class: usize| {
            let weighted = members.iter().zip(weights).map(|(rows, weight)| weight * f64::from(rows[sample][class]));
            (weighted.sum::<f64>() / total) as f32
        };
        (0..members[0][sample].len()).map(value).collect()
    };
    (0..members[0].len()).map(row).collect()
}

/// The shares of an ensemble's members whose mixture of probabilities has the least log loss on these samples, each at least 0,
/// summing to 1. A label's probability below 1e-12 counts as 1e-12.
///
/// Expectation maximisation from equal shares: every round a member gets the mean of its part in the label's probability. The
/// log loss never rises, and falls short of its minimum by at most what the largest mean of a member's probability over the
/// mixture's exceeds 1, which ends the search.
///
/// # Errors
/// If there is no member, or they were asked about different samples.
pub fn learnt_weights(members: &[Predictions]) -> Result<Vec<f64>> {
    let (first, others) = members.split_first().ok_or_else(|| Error::predictions("at least one member", "none"))?;
    others.iter().try_for_each(|other| check_paired(first, other))?;
    let likelihoods: Vec<Vec<f64>> = members.iter().map(label_probabilities).collect();
    let mut weights = vec![1.0 / members.len() as f64; members.len()];
    for _ in 0..MOST_ROUNDS {
        let gains = gains(&likelihoods, &weights);
        if gains.iter().all(|gain| *gain <= 1.0 + GAP) {
            break;
        }
        weights.iter_mut().zip(gains).for_each(|(weight, gain)| *weight *= gain);
    }
    let total: f64 = weights.iter().sum();
    Ok(weights.into_iter().map(|weight| weight / total).collect())
}

fn label_probabilities(member: &Predictions) -> Vec<f64> {
    let rows = member.scores().iter().zip(member.labels());
    rows.map(|(row, &label)| label_probability(member.kind(), row, label)).collect()
}

/// For each member the mean over the samples of its probability of the label over that of the mixture.
fn gains(likelihoods: &[Vec<f64>], weights: &[f64]) -> Vec<f64> {
    let samples = likelihoods[0].len();
    let mut sums = vec![0.0; weights.len()];
    for sample in 0..samples {
        let mixture: f64 = likelihoods.iter().zip(weights).map(|(of, weight)| weight * of[sample]).sum();
        sums.iter_mut().zip(likelihoods).for_each(|(sum, of)| *sum += of[sample] / mixture);
    }
    sums.into_iter().map(|sum| sum / samples as f64).collect()
}

#[cfg(test)]
mod tests {
    use super::super::ScoreKind;
    use super::*;

    /// Predictions over two classes whose label 0 has these probabilities.
    fn saying(label: &[f32]) -> Predictions {
        let ids = (0..label.len()).map(|sample| sample.to_string()).collect();
        let rows = label.iter().map(|p| vec![*p, 1.0 - p]).collect();
        Predictions::new(ids, vec![0; label.len()], ScoreKind::Probabilities, rows).unwrap()
    }

    #[test]
    fn a_mixture_is_the_weighted_mean_by_hand() {
        let members = [vec![vec![1.0, 0.0], vec![4.0, 8.0]], vec![vec![0.0, 1.0], vec![0.0, 0.0]]];
        assert_eq!(mixed(&members, &[3.0, 1.0]), [[0.75, 0.25], [3.0, 6.0]]);
        assert_eq!(mixed(&members, &[0.0, 2.0]), members[1]);
    }

    #[test]
    fn learnt_weights_of_two_members_are_those_of_the_closed_form() {
        // One is sure of 3 samples and blind to 1, the other the reverse: w maximises 3 log w + log (1 - w).
        let weights = learnt_weights(&[saying(&[1.0, 1.0, 1.0, 0.0]), saying(&[0.0, 0.0, 0.0, 1.0])]).unwrap();
        assert!((weights[0] - 0.75).abs() < 1e-4 && (weights[0] + weights[1] - 1.0).abs() < 1e-12, "{weights:?}");
    }

    #[test]
    fn no_other_mixture_has_a_lower_log_loss() {
        let members = [
            saying(&[0.9, 0.2, 0.6, 0.3, 0.7]),
            saying(&[0.5, 0.6, 0.1, 0.8, 0.6]),
            saying(&[0.4, 0.1, 0.2, 0.2, 0.1]),
        ];
        let loss = |weights: &[f64]| {
            let likelihood = |sample: usize| {
                let weighted = members.iter().zip(weights).map(|(m, w)| w * f64::from(m.scores()[sample][0]));
                weighted.sum::<f64>()
            };
            (0..5).map(|sample| -likelihood(sample).ln()).sum::<f64>() / 5.0
        };
        let weights = learnt_weights(&members).unwrap();
        let least = loss(&weights);
        for a in 0..=20 {
            for b in 0..=20 - a {
                let [a, b] = [a, b].map(|part| f64::from(part) / 20.0);
                assert!(loss(&[a, b, 1.0 - a - b]) >= least - GAP, "{a} {b} against {weights:?}");
            }
        }
        // The third says less about the label than the others everywhere.
        assert!(weights[2] < 1e-3, "{weights:?}");
    }

    #[test]
    fn members_that_are_wrong_for_sure_still_have_weights() {
        let weights = learnt_weights(&[saying(&[0.0, 0.0]), saying(&[0.0, 1.0])]).unwrap();
        assert!(weights.iter().all(|weight| weight.is_finite()) && weights[1] > 0.9, "{weights:?}");
    }

    #[test]
    fn members_of_other_samples_are_refused() {
        assert!(learnt_weights(&[]).is_err());
        let error = learnt_weights(&[saying(&[0.5]), saying(&[0.5, 0.5])]).unwrap_err().to_string();
        assert!(error.contains("same samples"), "{error}");
    }
}
