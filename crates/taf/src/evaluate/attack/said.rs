use burn::tensor::Tensor;

use super::{Attack, Target};
use crate::adversary::{Objective, TemporalAdversary};
use crate::evaluate::EvaluationError;
use crate::evaluate::shown::Shown;
use crate::model::predictions;
use crate::ops::values;

/// What a network says to clips, or to the worst of several perturbed versions of each.
#[derive(Clone, Debug)]
pub(super) struct Said {
    /// Whether the answer to each is the label.
    pub right: Vec<bool>,
    /// Cross-entropy at the label, nats.
    pub losses: Vec<f64>,
}

impl Said {
    /// What a network says to the clips as they are.
    pub fn naturally(target: &dyn Target, shown: &Shown) -> Result<Self, EvaluationError> {
        Self::to(target, shown, shown.clips.clone())
    }

    /// What a network says to `clips`, versions of those that are shown.
    pub fn to(target: &dyn Target, shown: &Shown, clips: Tensor<5>) -> Result<Self, EvaluationError> {
        let logits = target.logits(clips);
        shown.check_finite(logits.clone())?;
        let answers = predictions(&logits);
        let losses = values(Objective::of_logits(logits, &shown.labels));
        Ok(Self {
            right: answers.iter().zip(&shown.labels).map(|(answer, label)| answer == label).collect(),
            losses: losses.into_iter().map(f64::from).collect(),
        })
    }

    /// The worse of two for every clip.
    pub fn worse(self, other: Self) -> Self {
        let right = self.right.iter().zip(&other.right).map(|(a, b)| *a && *b);
        let losses = self.losses.iter().zip(&other.losses).map(|(a, b)| a.max(*b));
        Self { right: right.collect(), losses: losses.collect() }
    }
}

/// Clips that were perturbed, from one start or several.
pub(super) struct Crafted {
    /// The perturbed clips, one batch a start.
    pub starts: Vec<Tensor<5>>,
    /// How many clips had no gradient in the last step, all starts together.
    pub flat: usize,
}

impl Crafted {
    /// The clips that are shown, perturbed against `target` from the first so many starts.
    pub fn on(target: &dyn Target, attack: &Attack, by: &TemporalAdversary, shown: &Shown, starts: usize) -> Self {
        let starts = (0..starts).map(|start| Self::at(target, attack, by, shown, start));
        starts.reduce(|all, next| all.and(next)).expect("there is at least one start")
    }

    /// The same from one start.
    pub fn at(target: &dyn Target, attack: &Attack, by: &TemporalAdversary, shown: &Shown, start: usize) -> Self {
        let seeds = attack.seeds(&shown.records, start);
        let perturbed = target.perturb(by, shown.clips.clone(), &shown.labels, &seeds);
        Self { starts: vec![perturbed.clips], flat: perturbed.flat }
    }

    fn and(mut self, other: Self) -> Self {
        self.starts.extend(other.starts);
        Self { starts: self.starts, flat: self.flat + other.flat }
    }

    /// What a network says to the worst of them.
    pub fn answered(&self, target: &dyn Target, shown: &Shown) -> Result<Said, EvaluationError> {
        let mut said = self.starts.iter().map(|clips| Said::to(target, shown, clips.clone()));
        let first = said.next().expect("there is at least one start")?;
        said.try_fold(first, |worst, next| Ok(worst.worse(next?)))
    }
}
