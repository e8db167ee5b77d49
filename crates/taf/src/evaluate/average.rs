use serde::{Deserialize, Serialize};
use taf_report::metrics::{ScoreKind, softmax};

/// How what a network says about the views of a video becomes its answer to the video. In TOML: `"logits"`,
/// `"probabilities"`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Average {
    /// The mean of the logits (`test_models.py` of TSM and TAM).
    #[default]
    Logits,
    /// The mean of the probabilities, each view's softmax (mmaction2's `average_clips = "prob"`, TPN).
    Probabilities,
}

impl Average {
    /// What the numbers of an answer mean.
    pub fn kind(self) -> ScoreKind {
        match self {
            Self::Logits => ScoreKind::Logits,
            Self::Probabilities => ScoreKind::Probabilities,
        }
    }

    /// The answer to a video, given a row of logits for each of its views.
    ///
    /// # Panics
    /// If there is no view, or rows differ in length.
    pub fn of<'a>(self, views: impl IntoIterator<Item = &'a [f32]>) -> Vec<f32> {
        let mut views = views.into_iter().map(|row| match self {
            Self::Logits => row.to_vec(),
            Self::Probabilities => softmax(row),
        });
        let mut sum = views.next().expect("a video has at least one view");
        let mut count = 1.0;
        for row in views {
            assert_eq!(row.len(), sum.len(), "views of one video have the same classes");
            sum.iter_mut().zip(row).for_each(|(sum, value)| *sum += value);
            count += 1.0;
        }
        sum.iter_mut().for_each(|sum| *sum /= count);
        sum
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn logits_and_probabilities_are_averaged_as_by_hand() {
        // Of two classes the probabilities are 1 / (1 + e^-d): 0.5 for equal logits, 0.75 for a difference of ln 3.
        let views: [&[f32]; 2] = [&[0.0, 0.0], &[3f32.ln(), 0.0]];
        let logits = Average::Logits.of(views);
        assert!((logits[0] - 3f32.ln() / 2.0).abs() < 1e-6 && logits[1] == 0.0, "{logits:?}");
        let probabilities = Average::Probabilities.of(views);
        assert!((probabilities[0] - 0.625).abs() < 1e-6 && (probabilities[1] - 0.375).abs() < 1e-6);
    }

    #[test]
    fn a_sure_view_outvotes_two_others_in_logits_but_not_in_probabilities() {
        let views: [&[f32]; 3] = [&[90.0, 0.0], &[0.0, 2.0], &[0.0, 2.0]];
        let (logits, probabilities) = (Average::Logits.of(views), Average::Probabilities.of(views));
        assert!(logits[0] > logits[1] && probabilities[0] < probabilities[1], "{logits:?} {probabilities:?}");
    }
}
