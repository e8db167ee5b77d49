use taf_report::metrics::{ScoreKind, softmax};

use crate::evaluate::{Average, likeliest};

/// What a network says of a video or a part of one.
#[derive(Clone, Debug, PartialEq)]
pub struct Answer {
    /// The probability of every class, in class order; they sum to 1.
    pub probabilities: Vec<f32>,
}

impl Answer {
    /// The answer given by the logits of some views, at least one.
    pub(super) fn of(views: &[Vec<f32>], average: Average) -> Self {
        let scores = average.of(views.iter().map(Vec::as_slice));
        Self { probabilities: if average.kind() == ScoreKind::Logits { softmax(&scores) } else { scores } }
    }

    /// The `count` likeliest classes and their probabilities, the likeliest first; all where there are fewer. Of equal
    /// ones the lower class stands first.
    pub fn top(&self, count: usize) -> Vec<(usize, f32)> {
        let ranked = likeliest(&self.probabilities, count).into_iter();
        ranked.map(|class| (class, self.probabilities[class])).collect()
    }

    /// The likeliest class.
    pub fn class(&self) -> usize {
        self.top(1)[0].0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_likeliest_classes_of_the_mean_of_the_views_come_first() {
        // The mean is [ln 2, 0, ln 2, ln 4]: of a sum of 9, two, one, two and four parts.
        let ln = |value: f32| value.ln();
        let views = [vec![ln(4.0), 1.0, ln(2.0), ln(16.0)], vec![0.0, -1.0, ln(2.0), 0.0]];
        let answer = Answer::of(&views, Average::Logits);
        let top: Vec<(usize, f32)> = answer.top(3);
        assert_eq!(top.iter().map(|(class, _)| *class).collect::<Vec<_>>(), [3, 0, 2]);
        assert!((top[0].1 - 4.0 / 9.0).abs() < 1e-6 && (top[1].1 - 2.0 / 9.0).abs() < 1e-6, "{top:?}");
        assert_eq!((answer.top(9).len(), answer.class()), (4, 3));
    }

    #[test]
    fn averaged_probabilities_are_the_answer_as_they_are() {
        let answer = Answer::of(&[vec![0.0, 0.0], vec![3f32.ln(), 0.0]], Average::Probabilities);
        assert!((answer.probabilities[0] - 0.625).abs() < 1e-6, "{answer:?}");
    }
}
