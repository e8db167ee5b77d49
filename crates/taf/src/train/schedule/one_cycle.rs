use serde::{Deserialize, Serialize};

use super::anneal::Anneal;
use super::moment::Moment;
use crate::setting::{SettingError, within};

/// The settings of one cycle.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct OneCycle {
    /// Share of the steps in which the rate rises, in (0, 1); default 0.3.
    pub rise: f64,
    /// What the full rate is divided by at the first step, at least 1; default 25.
    pub start_divisor: f64,
    /// What the rate of the first step is divided by at the last, at least 1; default 10000.
    pub end_divisor: f64,
    /// How it goes from one to the next; default `cosine`.
    pub anneal: Anneal,
}

impl Default for OneCycle {
    fn default() -> Self {
        Self { rise: 0.3, start_divisor: 25.0, end_divisor: 1e4, anneal: Anneal::Cosine }
    }
}

impl OneCycle {
    /// The peak is a step earlier than the share says, and the end at the last step, as in PyTorch.
    pub(super) fn factor(&self, moment: Moment) -> f64 {
        let (step, peak, last) = (moment.step(), self.rise * moment.steps() - 1.0, moment.steps() - 1.0);
        let (start, fall) = (1.0 / self.start_divisor, last - peak.max(0.0));
        let between = |from: f64, to: f64, share: f64| to + (from - to) * self.anneal.left(share);
        // Of so few steps that none is left for the rise, the first is the peak.
        if step < peak {
            between(start, 1.0, step / peak)
        } else {
            let share = if fall > 0.0 { (step - peak.max(0.0)) / fall } else { 0.0 };
            between(1.0, start / self.end_divisor, share)
        }
    }

    pub(super) fn check(&self) -> Result<(), SettingError> {
        let Self { rise, start_divisor, end_divisor, .. } = *self;
        within("train.schedule.decay.rise", "lie in (0, 1)", rise, rise > 0.0 && rise < 1.0)?;
        within("train.schedule.decay.start_divisor", "be at least 1", start_divisor, start_divisor >= 1.0)?;
        within("train.schedule.decay.end_divisor", "be at least 1", end_divisor, end_divisor >= 1.0)
    }
}

#[cfg(test)]
mod tests {
    use super::{Anneal, Moment, OneCycle};

    // torch.optim.lr_scheduler.OneCycleLR(optimizer, max_lr=1, total_steps=20, ...), the rate before each step.
    const DEFAULT: [f64; 20] = [
        0.04,
        0.131_671_843,
        0.371_671_843,
        0.668_328_157,
        0.908_328_157,
        1.0,
        0.987_464_006,
        0.950_484_632,
        0.890_916_178,
        0.811_745_654,
        0.716_943_002,
        0.611_262_022,
        0.500_002,
        0.388_741_978,
        0.283_060_998,
        0.188_258_346,
        0.109_087_822,
        0.049_519_368,
        0.012_539_993_8,
        4e-6,
    ];
    // pct_start=0.25, div_factor=10, final_div_factor=100, anneal_strategy="linear"
    const LINEAR: [f64; 20] = [
        0.1, 0.325, 0.55, 0.775, 1.0, 0.9334, 0.8668, 0.8002, 0.7336, 0.667, 0.6004, 0.5338, 0.4672, 0.4006, 0.334,
        0.2674, 0.2008, 0.1342, 0.0676, 0.001,
    ];

    #[test]
    fn one_cycle_takes_pytorchs_rates() {
        let linear = OneCycle { rise: 0.25, start_divisor: 10.0, end_divisor: 100.0, anneal: Anneal::Linear };
        for (cycle, expected) in [(OneCycle::default(), DEFAULT), (linear, LINEAR)] {
            for (step, expected) in expected.into_iter().enumerate() {
                let found = cycle.factor(Moment { epoch: step as f64 / 10.0, epochs: 2.0, steps_per_epoch: 10 });
                assert!((found - expected).abs() < 1e-8, "step {step}: {found} instead of {expected}");
            }
        }
    }

    #[test]
    fn a_fall_of_less_than_a_step_ends_at_the_end() {
        // pct_start=0.99, total_steps=50
        let cycle = OneCycle { rise: 0.99, ..OneCycle::default() };
        for (step, expected) in [(47, 0.997_736_042_159_974_7), (48, 0.999_748_273_141_847_2), (49, 4e-6)] {
            let found = cycle.factor(Moment { epoch: step as f64 / 10.0, epochs: 5.0, steps_per_epoch: 10 });
            assert!((found - expected).abs() < 1e-8, "step {step}: {found} instead of {expected}");
        }
    }

    #[test]
    fn one_cycle_of_a_few_steps_has_a_rate_for_each() {
        for steps in 1..5 {
            for step in 0..steps {
                let moment = Moment { epoch: step as f64 / steps as f64, epochs: 1.0, steps_per_epoch: steps };
                let found = OneCycle::default().factor(moment);
                assert!(found > 0.0 && found <= 1.0, "step {step} of {steps}: {found}");
            }
        }
    }
}
