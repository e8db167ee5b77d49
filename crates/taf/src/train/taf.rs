use serde::{Deserialize, Serialize};

use crate::adversary::TemporalAdversary;
use crate::model::Branch;
use crate::setting::{SettingError, within};

/// The `[taf]` table: fine-tuning on natural and temporal adversarial clips,
/// `E[CE(f(x), y) + weight * CE(f(x_TA), y)]`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct TafConfig {
    /// What a perturbed clip weighs in the loss against a natural one, at least 0; default 1.
    pub weight: f64,
    /// Share of each batch that is perturbed, in (0, 1]; rounded up to whole clips, the first of the shuffled batch,
    /// in however many pieces it is taken. Default 1. The loss on the others has no perturbed part.
    pub fraction: f64,
    /// Batch-norm branch the perturbed clips train; default `main` (shared). `auxiliary` gives every batch norm a
    /// second set of parameters and statistics that inference never uses (AdvProp).
    pub branch: Branch,
    /// How the clips are perturbed.
    pub adversary: TemporalAdversary,
}

impl Default for TafConfig {
    fn default() -> Self {
        Self { weight: 1.0, fraction: 1.0, branch: Branch::Main, adversary: TemporalAdversary::default() }
    }
}

/// What a product of a fraction and a number of clips is off by at most.
const ROUNDING: f64 = 1e-9;

impl TafConfig {
    pub(crate) fn check(&self) -> Result<(), SettingError> {
        within("taf.weight", "be at least 0", self.weight, self.weight >= 0.0)?;
        within("taf.fraction", "lie in (0, 1]", self.fraction, self.fraction > 0.0 && self.fraction <= 1.0)?;
        self.adversary.check("taf.adversary")
    }

    /// Whether the network needs a second set of batch norms.
    pub fn needs_auxiliary_norms(&self) -> bool {
        self.branch == Branch::Auxiliary
    }

    /// How many clips of a batch are perturbed.
    pub(crate) fn perturbed(&self, batch: usize) -> usize {
        let exact = batch as f64 * self.fraction;
        // 20 times 0.55 is a little more than 11, and means 11.
        let whole = if (exact - exact.round()).abs() < ROUNDING { exact.round() } else { exact.ceil() };
        (whole as usize).clamp(1, batch)
    }
}

#[cfg(test)]
mod tests {
    use super::TafConfig;

    #[test]
    fn a_share_of_a_batch_is_rounded_up_to_whole_clips_and_not_beyond() {
        let perturbed = |batch, fraction| TafConfig { fraction, ..TafConfig::default() }.perturbed(batch);
        assert_eq!([perturbed(20, 0.55), perturbed(10, 0.7), perturbed(100, 0.07)], [11, 7, 7]);
        assert_eq!([perturbed(8, 0.51), perturbed(8, 1e-6), perturbed(8, 1.0), perturbed(3, 1.0 / 3.0)], [5, 1, 8, 1]);
    }
}
