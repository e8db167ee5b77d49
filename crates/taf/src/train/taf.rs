use serde::{Deserialize, Serialize};

use crate::adversary::{Objective, TemporalAdversary};
use crate::model::Branch;
use crate::setting::{SettingError, within};

/// Which forward pass leads the perturbation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Crafting {
    /// One of its own, as `[taf.adversary]` says.
    OwnPass,
    /// The training pass of the natural clips, with its batch statistics, main branch and dropout: a graph of its own on the
    /// outputs of that pass, so that crafting costs the gradient to the pixels alone. For one step from the natural clip at its full
    /// size, of every clip.
    NaturalPass,
}

/// The `[taf]` table: fine-tuning on natural and temporal adversarial clips,
/// `E[CE(f(x), y) + weight * CE(f(x_TA), y) + consistency * KL(f(x) ‖ f(x_TA)) + evenness * KL(a(x) ‖ uniform)]`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct TafConfig {
    /// What a perturbed clip weighs in the loss against a natural one, at least 0; default 1.
    pub weight: f64,
    /// What the divergence between the answers to a clip and to its perturbed version weighs, at least 0: `KL(p_natural ‖ p_TA)`,
    /// with the answers of the natural training pass as constants. Beside the loss against the label, or instead of it where
    /// `weight` is 0. Default 0.
    pub consistency: f64,
    /// What uneven attention on the natural clips weighs, at least 0: `log T - H(a)`, with the attention of their training pass as
    /// `[taf.adversary]` reads it. Needs no perturbed clips: `objective = "none"` trains with this alone. Default 0.
    pub evenness: f64,
    /// Epochs over which the budget grows evenly from 0 to the adversary's own, at least 0; parts of epochs count. Default 0: it is
    /// whole from the first step on.
    pub ramp_epochs: f64,
    /// Share of each batch that is perturbed, in (0, 1]; rounded up to whole clips, the first of the shuffled batch,
    /// in however many pieces it is taken. Default 1. The loss on the others has no perturbed part.
    pub fraction: f64,
    /// Where the gradient comes from that perturbs a clip; default `own-pass`.
    pub craft: Crafting,
    /// Batch-norm branch the perturbed clips train; default `main` (shared). `auxiliary` gives every batch norm a
    /// second set of parameters and statistics that inference never uses (AdvProp).
    pub branch: Branch,
    /// How the clips are perturbed.
    pub adversary: TemporalAdversary,
}

impl Default for TafConfig {
    fn default() -> Self {
        Self {
            weight: 1.0,
            consistency: 0.0,
            evenness: 0.0,
            ramp_epochs: 0.0,
            fraction: 1.0,
            craft: Crafting::OwnPass,
            branch: Branch::Main,
            adversary: TemporalAdversary::default(),
        }
    }
}

/// What a product of a fraction and a number of clips is off by at most.
const ROUNDING: f64 = 1e-9;

impl TafConfig {
    pub(crate) fn check(&self) -> Result<(), SettingError> {
        for (field, value) in [
            ("taf.weight", self.weight),
            ("taf.consistency", self.consistency),
            ("taf.evenness", self.evenness),
            ("taf.ramp_epochs", self.ramp_epochs),
        ] {
            within(field, "be at least 0", value, value >= 0.0)?;
        }
        within("taf.fraction", "lie in (0, 1]", self.fraction, self.fraction > 0.0 && self.fraction <= 1.0)?;
        self.adversary.check("taf.adversary")?;
        self.check_craft()
    }

    /// Refuses a ramp that a training of so many epochs does not see the end of. Runs of such a one can be asked all the same.
    pub(crate) fn check_ramp(&self, epochs: usize) -> Result<(), SettingError> {
        let ramp = self.ramp_epochs;
        within("taf.ramp_epochs", "lie in [0, train.epochs]", ramp, (0.0..=epochs as f64).contains(&ramp))
    }

    /// The natural pass is one pass, over all clips, through the main norms.
    fn check_craft(&self) -> Result<(), SettingError> {
        let Self { adversary, fraction, craft, .. } = self;
        let fits = adversary.makes_one_pass() && adversary.branch == Branch::Main && *fraction == 1.0;
        if *craft == Crafting::OwnPass || adversary.objective == Objective::None || fits {
            return Ok(());
        }
        let expected = "be \"own-pass\" unless the adversary ascends in one step without random start at scale 1 in the main \
                        branch, and fraction is 1";
        Err(SettingError::new("taf.craft", expected, "\"natural-pass\""))
    }

    /// Whether the network needs a second set of batch norms.
    pub fn needs_auxiliary_norms(&self) -> bool {
        self.branch == Branch::Auxiliary
    }

    /// The adversary after so many epochs, parts counted: with what it has of its budget by then.
    pub fn adversary_at(&self, epoch: f64) -> TemporalAdversary {
        if epoch >= self.ramp_epochs {
            self.adversary.clone()
        } else {
            self.adversary.with_share(epoch / self.ramp_epochs)
        }
    }

    /// How many clips of a batch are perturbed: the first ones.
    pub fn perturbed(&self, batch: usize) -> usize {
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
    fn the_budget_grows_evenly_over_the_ramp_and_stays() {
        let epsilon = |ramp_epochs, epoch| {
            TafConfig { ramp_epochs, ..TafConfig::default() }.adversary_at(epoch).epsilon * 255.0 / 4.0
        };
        assert_eq!([epsilon(0.0, 0.0), epsilon(0.0, 3.0), epsilon(2.0, 0.0), epsilon(2.0, 2.5)], [1.0, 1.0, 0.0, 1.0]);
        assert!((epsilon(2.0, 0.5) - 0.25).abs() < 1e-12 && (epsilon(2.0, 1.5) - 0.75).abs() < 1e-12);
    }

    #[test]
    fn what_a_training_cannot_have_is_refused_by_name() {
        let refused =
            |taf: TafConfig| taf.check().and(taf.check_ramp(8)).expect_err("the setting makes no sense").to_string();
        assert!(refused(TafConfig { consistency: -1.0, ..TafConfig::default() }).contains("taf.consistency"));
        assert!(refused(TafConfig { evenness: f64::NAN, ..TafConfig::default() }).contains("taf.evenness"));
        assert!(refused(TafConfig { ramp_epochs: -0.5, ..TafConfig::default() }).contains("taf.ramp_epochs"));
        assert!(refused(TafConfig { ramp_epochs: 8.5, ..TafConfig::default() }).contains("lie in [0, train.epochs]"));
        assert!(TafConfig { ramp_epochs: 8.0, ..TafConfig::default() }.check_ramp(8).is_ok());
    }

    #[test]
    fn a_share_of_a_batch_is_rounded_up_to_whole_clips_and_not_beyond() {
        let perturbed = |batch, fraction| TafConfig { fraction, ..TafConfig::default() }.perturbed(batch);
        assert_eq!([perturbed(20, 0.55), perturbed(10, 0.7), perturbed(100, 0.07)], [11, 7, 7]);
        assert_eq!([perturbed(8, 0.51), perturbed(8, 1e-6), perturbed(8, 1.0), perturbed(3, 1.0 / 3.0)], [5, 1, 8, 1]);
    }
}
