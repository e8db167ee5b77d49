use serde::{Deserialize, Serialize};

/// What a network says as more and more frames of a clip, or of many, are kept: one value for each number of frames, rising.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FrameCurve {
    /// Probability of the true class, in [0, 1].
    pub probability: Vec<f64>,
    /// Whether the answer is right, 1 or 0; of several clips, or orders, the share.
    pub accuracy: Vec<f64>,
}

impl FrameCurve {
    /// The mean of curves of one length, of which there must be one at least.
    pub fn mean<'a>(curves: impl IntoIterator<Item = &'a Self>) -> Self {
        let mut curves = curves.into_iter();
        let mut sum = curves.next().expect("at least one curve").clone();
        let mut count = 1.0;
        for curve in curves {
            let add = |sum: &mut [f64], of: &[f64]| sum.iter_mut().zip(of).for_each(|(sum, value)| *sum += value);
            add(&mut sum.probability, &curve.probability);
            add(&mut sum.accuracy, &curve.accuracy);
            count += 1.0;
        }
        sum.probability.iter_mut().chain(&mut sum.accuracy).for_each(|value| *value /= count);
        sum
    }
}

/// The area under values at even distances, over the distance from the first to the last: their mean by the trapezoid rule. A
/// single value is its own area.
pub(super) fn area(values: &[f64]) -> f64 {
    match values {
        [] => 0.0,
        [only] => *only,
        [first, .., last] => (values.iter().sum::<f64>() - (first + last) / 2.0) / (values.len() - 1) as f64,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn areas_are_those_of_trapezoids() {
        assert_eq!(area(&[1.0, 1.0, 1.0]), 1.0);
        assert_eq!(area(&[0.0, 1.0]), 0.5);
        assert_eq!(area(&[0.0, 1.0, 1.0]), 0.75);
        assert_eq!((area(&[0.3]), area(&[])), (0.3, 0.0));
    }

    #[test]
    fn a_mean_is_taken_point_by_point() {
        let curve =
            |values: [f64; 2]| FrameCurve { probability: values.into(), accuracy: values.map(f64::round).into() };
        let mean = FrameCurve::mean(&[curve([0.0, 0.5]), curve([1.0, 0.75])]);
        assert_eq!((mean.probability, mean.accuracy), (vec![0.5, 0.625], vec![0.5, 1.0]));
    }
}
