use super::{Norm, Objective, TemporalAdversary};
use crate::setting::{SettingError, within};

/// More than any clip of a network's size can change by.
const LARGEST_L2: f64 = 1e4;

impl TemporalAdversary {
    /// Refuses settings that make no sense, of an adversary that a recipe keeps in `table`.
    ///
    /// # Errors
    /// Names the first option out of range.
    pub fn check(&self, table: &str) -> Result<(), SettingError> {
        self.check_sizes(table)?;
        self.check_ascent(table)?;
        self.check_objective(table)
    }

    fn check_sizes(&self, table: &str) -> Result<(), SettingError> {
        let named = |option| format!("{table}.{option}");
        let (limit, expected) = match self.norm {
            Norm::Linf => (1.0, "lie in (0, 1]; 8 on the 0-255 scale is 8/255 = 0.0314"),
            Norm::L2 => (LARGEST_L2, "lie in (0, 10000], the length of the change of a whole clip"),
        };
        let in_limit = |value: f64| value > 0.0 && value <= limit;
        within(&named("epsilon"), expected, self.epsilon, in_limit(self.epsilon))?;
        if let Some(from) = self.epsilon_from {
            let expected = "be at least 0 and below epsilon";
            within(&named("epsilon_from"), expected, from, from >= 0.0 && from < self.epsilon)?;
        }
        if let Some(size) = self.step_size {
            let expected = "be positive and no larger than epsilon may be";
            within(&named("step_size"), expected, size, in_limit(size))?;
        }
        let expected = "lie in (0, 1], a share of the clips' side";
        within(&named("scale"), expected, self.scale, self.scale > 0.0 && self.scale <= 1.0)?;
        let temperature = self.attention.temperature;
        within(&named("attention.temperature"), "be positive", temperature, temperature > 0.0)
    }

    fn check_ascent(&self, table: &str) -> Result<(), SettingError> {
        let wrong = |option, expected, got| Err(SettingError::new(format!("{table}.{option}"), expected, got));
        if self.steps == 0 {
            return wrong("steps", "be at least 1; for no perturbation write objective = \"none\"", "0");
        }
        let momentum = self.momentum;
        within(&format!("{table}.momentum"), "be at least 0", momentum, momentum >= 0.0)?;
        if momentum > 0.0 && self.steps == 1 {
            return wrong("steps", "be more than 1 where there is momentum", "1");
        }
        if self.until_wrong && self.steps == 1 {
            return wrong("steps", "be more than 1 with until_wrong, which ends the ascent between steps", "1");
        }
        Ok(())
    }

    fn check_objective(&self, table: &str) -> Result<(), SettingError> {
        let wrong = |option, expected, got| Err(SettingError::new(format!("{table}.{option}"), expected, got));
        let weight = self.cross_entropy;
        within(&format!("{table}.cross_entropy"), "be at least 0", weight, weight >= 0.0)?;
        if weight > 0.0 && matches!(self.objective, Objective::CrossEntropy | Objective::Noise) {
            let expected = "be 0 unless the objective is shift, entropy or divergence, beside which it weighs";
            return wrong("cross_entropy", expected, weight.to_string());
        }
        if self.dropped > 0 && self.objective == Objective::None {
            return wrong(
                "dropped",
                "be 0 where the objective is none, which perturbs no clip",
                self.dropped.to_string(),
            );
        }
        if self.until_wrong && self.objective == Objective::Noise {
            return wrong("until_wrong", "be false for noise, which makes no steps", "true".into());
        }
        if self.objective == Objective::Divergence && !self.random_start {
            let expected = "be true for the divergence objective, which is flat at the natural clip";
            return wrong("random_start", expected, "false".into());
        }
        Ok(())
    }
}
