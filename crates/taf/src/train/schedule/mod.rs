use serde::{Deserialize, Serialize};

use crate::setting::{SettingError, within};

/// How the learning rate falls after the warm-up.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Decay {
    /// Not at all.
    // Empty braces here and below: for unit variants unknown fields would not be refused.
    Constant {},
    /// Times `factor` at each of the `milestones`, counted in epochs.
    Step {
        /// Epochs after which the rate falls, rising.
        milestones: Vec<f64>,
        /// Usually 0.1.
        factor: f64,
    },
    /// Half a cosine, from the full rate to zero at the end of training, moving with every step.
    Cosine {},
}

/// Learning rate over the course of training, as a factor of the optimiser's.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Schedule {
    /// Default `cosine`.
    pub decay: Decay,
    /// Epochs over which the rate rises linearly to full, moving with every step; default 0. Decay counts from the start of
    /// training.
    pub warmup_epochs: f64,
    /// Factor of the rate at the start of the warm-up, in (0, 1]; default 0.1, as mmaction2's recipes.
    pub warmup_start: f64,
}

impl Default for Schedule {
    fn default() -> Self {
        Self { decay: Decay::Cosine {}, warmup_epochs: 0.0, warmup_start: 0.1 }
    }
}

impl Schedule {
    /// The factor at `epoch`, a fraction within [0, `epochs`).
    pub fn factor(&self, epoch: f64, epochs: f64) -> f64 {
        let warmup = if epoch < self.warmup_epochs {
            self.warmup_start + (1.0 - self.warmup_start) * epoch / self.warmup_epochs
        } else {
            1.0
        };
        warmup * self.decay.factor(epoch, epochs)
    }
}

impl Schedule {
    pub(super) fn check(&self, epochs: usize) -> Result<(), SettingError> {
        let (warmup, most) = (self.warmup_epochs, epochs as f64);
        within("train.schedule.warmup_epochs", "lie in [0, epochs]", warmup, (0.0..=most).contains(&warmup))?;
        let start = self.warmup_start;
        within("train.schedule.warmup_start", "lie in (0, 1]", start, start > 0.0 && start <= 1.0)?;
        let Decay::Step { milestones, factor } = &self.decay else { return Ok(()) };
        within("train.schedule.decay.factor", "lie in (0, 1]", *factor, *factor > 0.0 && *factor <= 1.0)?;
        if !milestones.is_sorted() || milestones.iter().any(|milestone| milestone.is_nan() || *milestone <= 0.0) {
            let expected = "rise, each above 0";
            return Err(SettingError::new("train.schedule.decay.milestones", expected, format!("{milestones:?}")));
        }
        Ok(())
    }
}

impl Decay {
    fn factor(&self, epoch: f64, epochs: f64) -> f64 {
        match self {
            Self::Constant {} => 1.0,
            Self::Step { milestones, factor } => {
                let passed = milestones.iter().filter(|&&milestone| milestone <= epoch).count();
                factor.powi(passed as i32)
            }
            Self::Cosine {} => 0.5 * (1.0 + (std::f64::consts::PI * epoch / epochs).cos()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Decay, Schedule};

    #[test]
    fn steps_fall_at_their_milestones() {
        let decay = Decay::Step { milestones: vec![20.0, 40.0], factor: 0.1 };
        let schedule = Schedule { decay, ..Schedule::default() };
        for (epoch, expected) in [(0.0, 1.0), (19.99, 1.0), (20.0, 0.1), (39.5, 0.1), (40.0, 0.01)] {
            assert!((schedule.factor(epoch, 50.0) - expected).abs() < 1e-12, "epoch {epoch}");
        }
    }

    #[test]
    fn the_cosine_starts_full_is_half_in_the_middle_and_ends_at_zero() {
        let schedule = Schedule::default();
        assert_eq!(schedule.factor(0.0, 10.0), 1.0);
        assert!((schedule.factor(5.0, 10.0) - 0.5).abs() < 1e-12);
        assert!(schedule.factor(10.0, 10.0) < 1e-12);
    }

    #[test]
    fn the_warm_up_rises_from_a_tenth_or_another_start() {
        for (warmup_start, middle) in [(0.1, 0.55), (0.5, 0.75), (1.0, 1.0)] {
            let schedule = Schedule { decay: Decay::Constant {}, warmup_epochs: 5.0, warmup_start };
            assert!((schedule.factor(0.0, 50.0) - warmup_start).abs() < 1e-12);
            assert!((schedule.factor(2.5, 50.0) - middle).abs() < 1e-12);
            assert_eq!(schedule.factor(5.0, 50.0), 1.0);
        }
        assert_eq!(Schedule::default().warmup_start, 0.1);
    }

    #[test]
    fn a_warm_up_from_nothing_is_refused() {
        for warmup_start in [0.0, 1.5, f64::NAN] {
            let error = Schedule { warmup_start, ..Schedule::default() }.check(5).unwrap_err().to_string();
            assert!(error.contains("train.schedule.warmup_start must lie in (0, 1]"), "{error}");
        }
    }
}
