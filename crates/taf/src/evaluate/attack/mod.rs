//! What is left of a network when clips are perturbed to be answered wrongly, by the ascent of
//! [`TemporalAdversary`] on the cross-entropy.

mod curve;
mod masking;
mod said;
mod target;
mod transfer;

pub use curve::RobustTrial;
pub use masking::MaskingTrial;
pub use target::Target;
pub use transfer::TransferTrial;

use taf_video::Seed;
use taf_video::dataset::Record;

use crate::adversary::{Norm, Objective, TemporalAdversary};
use crate::setting::SettingError;

/// Projected gradient descent with random restarts on the classification of a clip (Madry et al., "Towards Deep Learning Models
/// Resistant to Adversarial Attacks", ICLR 2018): it maximises the cross-entropy at the label within a ball around the clip,
/// and ends as soon as the answer is wrong. Perturbed clips are not rounded to 8 bits.
///
/// A clip meets the same random starts in whatever batch and beside whatever other clips.
#[derive(Clone, Debug, PartialEq)]
pub struct Attack {
    /// How sizes are measured.
    pub norm: Norm,
    /// The radii of the balls, rising from above 0, in pixel units of [0, 1]: L∞ at most 1.
    pub epsilons: Vec<f64>,
    /// Ascent steps, at least 2, each [`STEP`] / steps of the radius and no longer than it.
    pub steps: usize,
    /// Random starts, at least 1. A clip counts as right only if it is after each of them.
    pub restarts: usize,
    /// What the starts are drawn from.
    pub seed: u64,
}

/// The length of all steps together, in radii: enough to cross the ball from any start and to come back a little (Madry et al.).
pub const STEP: f64 = 2.5;

/// Radii that show the fall of a network that was not trained against attacks, in 1/255 for L∞.
const RADII: [f64; 5] = [0.25, 0.5, 1.0, 2.0, 4.0];

impl Attack {
    /// Ten steps from one start, at sizes that show the fall of a network that was not trained against attacks: a quarter to 4
    /// of 255 for L∞, a quarter to 4 for L2.
    pub fn new(norm: Norm) -> Self {
        let unit = match norm {
            Norm::Linf => 1.0 / 255.0,
            Norm::L2 => 1.0,
        };
        Self { norm, epsilons: RADII.map(|radius| radius * unit).into(), steps: 10, restarts: 1, seed: 0 }
    }

    /// The size of attacks that have one size: the middle of the list, of two the larger.
    pub fn epsilon(&self) -> f64 {
        self.epsilons.get(self.epsilons.len() / 2).copied().unwrap_or(f64::NAN)
    }

    /// Refuses settings that make no sense.
    ///
    /// # Errors
    /// Names the first option out of range.
    pub fn check(&self) -> Result<(), SettingError> {
        let wrong =
            |option: &str, expected, got: String| Err(SettingError::new(format!("attack.{option}"), expected, got));
        if self.steps < 2 {
            return wrong("steps", "be at least 2", self.steps.to_string());
        }
        if self.restarts == 0 {
            return wrong("restarts", "be at least 1", "0".into());
        }
        if self.epsilons.is_empty() || !self.epsilons.is_sorted_by(|a, b| a < b) {
            return wrong("epsilons", "rise, and be at least one", format!("{:?}", self.epsilons));
        }
        self.epsilons.iter().try_for_each(|&epsilon| self.ascent(epsilon).check("attack"))
    }

    /// The name of the norm in results.
    fn norm_name(&self) -> &'static str {
        match self.norm {
            Norm::Linf => "linf",
            Norm::L2 => "l2",
        }
    }

    /// The whole ascent at one size, whether the answer becomes wrong or not.
    fn ascent(&self, epsilon: f64) -> TemporalAdversary {
        TemporalAdversary {
            steps: self.steps,
            step_size: Some(epsilon * (STEP / self.steps as f64).min(1.0)),
            random_start: true,
            ..self.one_step(epsilon)
        }
    }

    /// The ascent that ends when the answer is wrong.
    fn until_wrong(&self, epsilon: f64) -> TemporalAdversary {
        TemporalAdversary { until_wrong: true, ..self.ascent(epsilon) }
    }

    /// One step of the whole radius from the clip itself: the fast gradient sign method of Goodfellow et al. (ICLR 2015) for L∞.
    fn one_step(&self, epsilon: f64) -> TemporalAdversary {
        let objective = Objective::CrossEntropy;
        TemporalAdversary { objective, norm: self.norm, epsilon, ..TemporalAdversary::default() }
    }

    /// Random noise of full size.
    fn noise(&self, epsilon: f64) -> TemporalAdversary {
        TemporalAdversary { objective: Objective::Noise, ..self.one_step(epsilon) }
    }

    /// What one clip of each video draws from, at one start.
    fn seeds(&self, records: &[&Record], restart: usize) -> Vec<u64> {
        let seed = Seed::new(self.seed).with("attack");
        records.iter().map(|record| seed.with(&record.id()).at(restart).value()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attacks_that_make_no_sense_are_refused_by_name() {
        let fine = Attack::new(Norm::Linf);
        assert!(fine.check().is_ok() && Attack::new(Norm::L2).check().is_ok());
        assert_eq!(fine.epsilon(), 1.0 / 255.0);
        let wrong = [
            (Attack { steps: 1, ..fine.clone() }, "attack.steps"),
            (Attack { restarts: 0, ..fine.clone() }, "attack.restarts"),
            (Attack { epsilons: vec![], ..fine.clone() }, "attack.epsilons"),
            (Attack { epsilons: vec![0.2, 0.1], ..fine.clone() }, "attack.epsilons"),
            (Attack { epsilons: vec![0.1, f64::NAN], ..fine.clone() }, "attack.epsilons"),
            (Attack { epsilons: vec![0.0, 0.1], ..fine.clone() }, "attack.epsilon"),
            (Attack { epsilons: vec![0.1, 8.0], ..fine }, "attack.epsilon"),
        ];
        for (attack, option) in wrong {
            assert!(attack.check().unwrap_err().to_string().starts_with(option), "{attack:?}");
        }
    }

    #[test]
    fn a_step_is_no_longer_than_the_radius() {
        let two = Attack { steps: 2, ..Attack::new(Norm::Linf) };
        assert_eq!(two.ascent(0.5).step_size, Some(0.5));
        assert_eq!(Attack { steps: 10, ..two }.ascent(0.5).step_size, Some(0.125));
    }
}
