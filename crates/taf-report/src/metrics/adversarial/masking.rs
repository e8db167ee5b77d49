use serde::{Deserialize, Serialize};

/// How much accuracy a stronger attack may leave above a weaker one: attacks find no best perturbation, and may miss one that
/// the other met by luck.
pub const MASKING_SLACK: f64 = 0.02;

/// How much accuracy an attack without bounds may leave.
pub const UNBOUNDED_LEFT: f64 = 0.05;

/// How far the loss may fall between two sizes, as a part of its whole rise.
const FALL: f64 = 0.05;

/// What a network is tried for whose gradients may not lead to what fools it, which makes weak attacks look like a strong
/// network: after Carlini et al., "On Evaluating Adversarial Robustness" (arXiv 1902.06705), and Athalye et al., "Obfuscated
/// Gradients Give a False Sense of Security" (ICML 2018).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum MaskingTest {
    /// The gradient at a clip is not zero.
    Gradient,
    /// One attack of many steps is no weaker than one step.
    Iteration,
    /// More steps are no weaker.
    Steps,
    /// An attack without bounds leaves next to nothing.
    Unbounded,
    /// Noise of the same size is no stronger than the gradient.
    Noise,
    /// Clips crafted on another network are no stronger than those crafted on this one.
    Transfer,
    /// The loss grows with the size.
    Growth,
}

impl MaskingTest {
    /// What a network without masked gradients fulfils.
    pub fn expectation(self) -> &'static str {
        match self {
            Self::Gradient => "the gradient to the pixels is not zero",
            Self::Iteration => "many steps are no weaker than one step",
            Self::Steps => "twice the steps are no weaker",
            Self::Unbounded => "without bounds next to every clip is fooled",
            Self::Noise => "random noise of the same size is no stronger",
            Self::Transfer => "clips crafted on another network are no stronger",
            Self::Growth => "the loss grows with the size",
        }
    }
}

/// What one attack came to on a set of clips.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AttackOutcome {
    /// The attack.
    pub attack: String,
    /// Its size, 0 for the clips as they are.
    pub epsilon: f64,
    /// Share of the clips that are answered rightly still.
    pub accuracy: f64,
    /// Mean cross-entropy at the label, nats.
    pub loss: f64,
    /// Share of the clips whose gradient was zero at every pixel in the last step.
    pub flat: f64,
}

/// One trial for masked gradients, with the numbers it was decided by.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MaskingCheck {
    /// What was tried.
    pub test: MaskingTest,
    /// Whether it came out as without masked gradients.
    pub passed: bool,
    /// What it was decided by, the attack that should be the stronger last.
    pub outcomes: Vec<AttackOutcome>,
}

impl MaskingCheck {
    /// Passed where the gradient is zero for no more than [`MASKING_SLACK`] of the clips.
    pub fn gradient(one_step: AttackOutcome) -> Self {
        Self { test: MaskingTest::Gradient, passed: one_step.flat <= MASKING_SLACK, outcomes: vec![one_step] }
    }

    /// Passed where the accuracy that `stronger` leaves is at most [`MASKING_SLACK`] above what each of the others does.
    pub fn no_weaker(test: MaskingTest, weaker: Vec<AttackOutcome>, stronger: AttackOutcome) -> Self {
        let passed = weaker.iter().all(|weaker| stronger.accuracy <= weaker.accuracy + MASKING_SLACK);
        let outcomes = weaker.into_iter().chain([stronger]).collect();
        Self { test, passed, outcomes }
    }

    /// Passed where at most [`UNBOUNDED_LEFT`] of the accuracy is left.
    pub fn unbounded(outcome: AttackOutcome) -> Self {
        Self { test: MaskingTest::Unbounded, passed: outcome.accuracy <= UNBOUNDED_LEFT, outcomes: vec![outcome] }
    }

    /// Of outcomes of rising size, the first that of the clips as they are: passed where every size has a higher loss than
    /// those, and none a loss that is lower than at the size before by more than 5 % of the whole rise.
    pub fn growth(outcomes: Vec<AttackOutcome>) -> Self {
        let losses: Vec<f64> = outcomes.iter().map(|outcome| outcome.loss).collect();
        let natural = losses.first().copied().unwrap_or(f64::NAN);
        let rise = losses.iter().copied().fold(natural, f64::max) - natural;
        let rises = losses.len() > 1 && losses[1..].iter().all(|&loss| loss > natural);
        let holds = losses.windows(2).all(|pair| pair[1] >= pair[0] - FALL * rise);
        Self { test: MaskingTest::Growth, passed: rises && holds, outcomes }
    }
}

/// Whether the attacks on a network can be believed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MaskingReport {
    /// How many clips the trials were made with.
    pub clips: usize,
    /// The size of the attacks that have one size.
    pub epsilon: f64,
    /// The trials. One is missing where it needs another network and there is none.
    pub checks: Vec<MaskingCheck>,
}

impl MaskingReport {
    /// The trials that did not come out as without masked gradients.
    pub fn failed(&self) -> impl Iterator<Item = &MaskingCheck> {
        self.checks.iter().filter(|check| !check.passed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outcome(accuracy: f64, loss: f64) -> AttackOutcome {
        AttackOutcome { attack: "any".into(), epsilon: 0.1, accuracy, loss, flat: 0.0 }
    }

    fn growth(losses: &[f64]) -> bool {
        MaskingCheck::growth(losses.iter().map(|&loss| outcome(0.5, loss)).collect()).passed
    }

    #[test]
    fn the_stronger_attack_may_miss_what_the_weaker_met_by_luck_and_no_more() {
        let passed = |weaker: &[f64], stronger| {
            let weaker = weaker.iter().map(|&accuracy| outcome(accuracy, 1.0)).collect();
            MaskingCheck::no_weaker(MaskingTest::Noise, weaker, outcome(stronger, 1.0)).passed
        };
        assert!(passed(&[0.5, 0.4], 0.3) && passed(&[0.4], 0.4) && passed(&[0.4], 0.415));
        assert!(!passed(&[0.4], 0.43) && !passed(&[0.5, 0.2], 0.4));
        assert!(passed(&[], 0.4));
    }

    #[test]
    fn an_attack_without_bounds_leaves_next_to_nothing() {
        assert!(MaskingCheck::unbounded(outcome(0.05, 9.0)).passed);
        assert!(!MaskingCheck::unbounded(outcome(0.06, 9.0)).passed);
    }

    #[test]
    fn a_gradient_of_zero_is_told() {
        let flat = |flat| MaskingCheck::gradient(AttackOutcome { flat, ..outcome(0.5, 1.0) }).passed;
        assert!(flat(0.0) && flat(0.02) && !flat(0.03) && !flat(1.0));
    }

    #[test]
    fn the_loss_grows_from_the_clips_as_they_are_on() {
        assert!(growth(&[1.0, 1.2, 1.6, 3.0]) && growth(&[1.0, 3.0, 2.95]));
        assert!(!growth(&[1.0, 1.0, 1.0]), "nothing grows");
        assert!(!growth(&[1.0, 0.9, 3.0]), "the first step leads down");
        assert!(!growth(&[1.0, 1.0, 3.0]), "the first step leads nowhere");
        assert!(!growth(&[1.0, 3.0, 2.0]), "a larger size has less");
        assert!(!growth(&[1.0, f64::NAN]) && !growth(&[1.0]) && !growth(&[]));
    }
}
