//! The learning rate over the course of training.

mod anneal;
mod moment;
mod one_cycle;

pub use anneal::Anneal;
use anneal::half_cosine;
pub use moment::Moment;
pub use one_cycle::OneCycle;

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
    /// Half a cosine, from the full rate to `minimum` at the end of training, moving with every step.
    Cosine {
        /// Factor of the rate at the end, in [0, 1); default 0.
        #[serde(default)]
        minimum: f64,
    },
    /// One cycle (Smith and Topin, 2017), PyTorch's `OneCycleLR`, moving with every step: the rate rises from a low one to full,
    /// and falls to a much lower one. The momentum stays as it is.
    OneCycle(OneCycle),
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
        Self { decay: Decay::Cosine { minimum: 0.0 }, warmup_epochs: 0.0, warmup_start: 0.1 }
    }
}

impl Schedule {
    /// The factor of one step.
    pub fn factor(&self, moment: Moment) -> f64 {
        let epoch = moment.epoch;
        let warmup = if epoch < self.warmup_epochs {
            self.warmup_start + (1.0 - self.warmup_start) * epoch / self.warmup_epochs
        } else {
            1.0
        };
        warmup * self.decay.factor(moment)
    }
}

impl Schedule {
    pub(in crate::train) fn check(&self, epochs: usize) -> Result<(), SettingError> {
        let (warmup, most) = (self.warmup_epochs, epochs as f64);
        within("train.schedule.warmup_epochs", "lie in [0, epochs]", warmup, (0.0..=most).contains(&warmup))?;
        let start = self.warmup_start;
        within("train.schedule.warmup_start", "lie in (0, 1]", start, start > 0.0 && start <= 1.0)?;
        if let Decay::OneCycle(_) = self.decay {
            within(
                "train.schedule.warmup_epochs",
                "be 0 for one-cycle, which has its own rise",
                warmup,
                warmup == 0.0,
            )?;
        }
        self.decay.check()
    }
}

impl Decay {
    fn factor(&self, moment: Moment) -> f64 {
        let Moment { epoch, epochs, .. } = moment;
        match self {
            Self::Constant {} => 1.0,
            Self::Step { milestones, factor } => {
                let passed = milestones.iter().filter(|&&milestone| milestone <= epoch).count();
                factor.powi(passed as i32)
            }
            Self::Cosine { minimum } => {
                // In this order: another changes the last bit of rates that runs were trained with.
                minimum + (1.0 - minimum) * half_cosine(std::f64::consts::PI * epoch / epochs)
            }
            Self::OneCycle(cycle) => cycle.factor(moment),
        }
    }

    fn check(&self) -> Result<(), SettingError> {
        match self {
            Self::Constant {} => Ok(()),
            Self::Step { milestones, factor } => check_steps(milestones, *factor),
            Self::Cosine { minimum } => {
                within("train.schedule.decay.minimum", "lie in [0, 1)", *minimum, (0.0..1.0).contains(minimum))
            }
            Self::OneCycle(cycle) => cycle.check(),
        }
    }
}

fn check_steps(milestones: &[f64], factor: f64) -> Result<(), SettingError> {
    within("train.schedule.decay.factor", "lie in (0, 1]", factor, factor > 0.0 && factor <= 1.0)?;
    if !milestones.is_sorted() || milestones.iter().any(|milestone| milestone.is_nan() || *milestone <= 0.0) {
        let expected = "rise, each above 0";
        return Err(SettingError::new("train.schedule.decay.milestones", expected, format!("{milestones:?}")));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::{Decay, Moment, OneCycle, Schedule};

    /// The factor at some epoch of so many, of ten steps each.
    fn factor(schedule: &Schedule, epoch: f64, epochs: f64) -> f64 {
        schedule.factor(Moment { epoch, epochs, steps_per_epoch: 10 })
    }

    fn of(decay: Decay) -> Schedule {
        Schedule { decay, ..Schedule::default() }
    }

    #[test]
    fn steps_fall_at_their_milestones() {
        let decay = Decay::Step { milestones: vec![20.0, 40.0], factor: 0.1 };
        let schedule = of(decay);
        for (epoch, expected) in [(0.0, 1.0), (19.99, 1.0), (20.0, 0.1), (39.5, 0.1), (40.0, 0.01)] {
            assert!((factor(&schedule, epoch, 50.0) - expected).abs() < 1e-12, "epoch {epoch}");
        }
    }

    #[test]
    fn the_cosine_starts_full_is_half_in_the_middle_and_ends_at_zero() {
        let schedule = Schedule::default();
        assert_eq!(factor(&schedule, 0.0, 10.0), 1.0);
        assert!((factor(&schedule, 5.0, 10.0) - 0.5).abs() < 1e-12);
        assert!(factor(&schedule, 10.0, 10.0) < 1e-12);
    }

    #[test]
    fn the_rates_of_the_cosine_stay_to_the_bit() {
        for step in 0..500 {
            let epoch = f64::from(step) / 10.0;
            let expected = 0.5 * (1.0 + (std::f64::consts::PI * epoch / 50.0).cos());
            assert_eq!(factor(&Schedule::default(), epoch, 50.0), expected, "epoch {epoch}");
        }
    }

    #[test]
    fn the_warm_up_rises_from_a_tenth_or_another_start() {
        for (warmup_start, middle) in [(0.1, 0.55), (0.5, 0.75), (1.0, 1.0)] {
            let schedule = Schedule { decay: Decay::Constant {}, warmup_epochs: 5.0, warmup_start };
            assert!((factor(&schedule, 0.0, 50.0) - warmup_start).abs() < 1e-12);
            assert!((factor(&schedule, 2.5, 50.0) - middle).abs() < 1e-12);
            assert_eq!(factor(&schedule, 5.0, 50.0), 1.0);
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

    #[test]
    fn the_cosine_ends_at_its_minimum_where_it_has_one() {
        let schedule = of(Decay::Cosine { minimum: 0.2 });
        for (epoch, expected) in [(0.0, 1.0), (5.0, 0.6), (10.0, 0.2)] {
            assert!((factor(&schedule, epoch, 10.0) - expected).abs() < 1e-12, "epoch {epoch}");
        }
    }

    #[test]
    fn schedules_are_read_and_checked() {
        let read = |text: &str| toml::from_str::<Schedule>(text).map_err(|error| error.message().to_owned());
        assert_eq!(read("decay = { kind = \"cosine\" }"), Ok(Schedule::default()));
        let cycle = OneCycle { rise: 0.2, ..OneCycle::default() };
        assert_eq!(read("decay = { kind = \"one-cycle\", rise = 0.2 }"), Ok(of(Decay::OneCycle(cycle))));
        assert!(read("decay = { kind = \"one-cycle\", milestones = [1] }").unwrap_err().contains("milestones"));
        for (text, expected) in [
            ("decay = { kind = \"cosine\", minimum = 1.0 }", "train.schedule.decay.minimum must lie in [0, 1)"),
            ("decay = { kind = \"one-cycle\", rise = 0.0 }", "train.schedule.decay.rise must lie in (0, 1)"),
            ("decay = { kind = \"one-cycle\", start_divisor = 0.5 }", "start_divisor must be at least 1"),
            ("decay = { kind = \"one-cycle\", end_divisor = 0.5 }", "end_divisor must be at least 1"),
            ("warmup_epochs = 1\ndecay = { kind = \"one-cycle\" }", "warmup_epochs must be 0 for one-cycle"),
        ] {
            let error = read(text).unwrap().check(5).unwrap_err().to_string();
            assert!(error.contains(expected), "{text}: {error}");
        }
    }
}
