use burn::tensor::Tensor;

use super::memory::{MEAN, Memory, SQUARE, STEPS};
use super::shared::{Pace, optimizer_settings};
use crate::ops::{self, AdamwStep};
use crate::setting::{SettingError, within};

optimizer_settings! {
    /// Adam with decoupled weight decay (Loshchilov and Hutter, ICLR 2019), PyTorch's formulas and defaults, and the same
    /// parameter groups as [`SgdConfig`](super::SgdConfig). The pull is multiplied by a parameter's learning rate, and apart
    /// from its gradient.
    AdamwConfig: learning_rate = 1e-3, weight_decay = 0.01,
    /// Shares that are kept per step of the mean of the gradients and of the mean of their squares, each in [0, 1); default
    /// `[0.9, 0.999]`.
    betas: [f64; 2] = [0.9, 0.999],
    /// What is added to the root of the mean square, above 0; default 1e-8.
    epsilon: f64 = 1e-8,
}

impl AdamwConfig {
    /// The parts of the memory that are its own.
    pub(super) const PARTS: &[&str] = &[MEAN, SQUARE, STEPS];

    pub(super) fn check(&self) -> Result<(), SettingError> {
        for beta in self.betas {
            within("train.optimizer.betas", "each lie in [0, 1)", beta, (0.0..1.0).contains(&beta))?;
        }
        within("train.optimizer.epsilon", "be above 0", self.epsilon, self.epsilon > 0.0)
    }

    /// The weights of one parameter after a step.
    pub(super) fn update(
        &self,
        memory: &mut Memory,
        name: &str,
        weights: Tensor<1>,
        gradient: Tensor<1>,
        pace: Pace,
    ) -> Tensor<1> {
        let step = AdamwStep {
            learning_rate: pace.learning_rate,
            betas: self.betas,
            epsilon: self.epsilon as f32,
            weight_decay: pace.weight_decay,
            gradient_scale: pace.gradient_scale,
            number: memory.count(name),
        };
        let means = [MEAN, SQUARE].map(|part| memory.take(part, name, &gradient));
        let (weights, [mean, square]) = ops::adamw_step(weights, gradient, means, step);
        memory.put(MEAN, name, mean);
        memory.put(SQUARE, name, square);
        weights
    }
}

#[cfg(test)]
mod tests {
    use burn::tensor::{Device, Tensor};

    use super::super::memory::{MEAN, Memory, SQUARE};
    use super::AdamwConfig;
    use crate::ops::values;
    use crate::train::OptimizerConfig;

    fn tensor(values: [f32; 4]) -> Tensor<1> {
        Tensor::from_data(values, &Device::flex())
    }

    /// The weights after each of three steps at rates that fall, and what is remembered then.
    fn three_steps(config: &AdamwConfig) -> (Vec<Vec<f32>>, Memory) {
        let (mut memory, mut weights) = (Memory::default(), tensor([1.0, -2.0, 0.5, 3.0]));
        let gradients = [[0.5, -1.0, 0.0, 2.0], [0.25, 0.5, -0.125, 1e-4], [-1.0, 0.75, 0.5, 1e-4]];
        let mut path = Vec::new();
        for (number, gradient) in gradients.into_iter().enumerate() {
            let factors = config.shared().factors("conv.weight", 4, false);
            let pace = config.shared().pace(factors, 1.0 - 0.25 * number as f64, 1.0);
            weights = config.update(&mut memory, "conv.weight", weights, tensor(gradient), pace);
            path.push(values(weights.clone()));
        }
        (path, memory)
    }

    fn assert_near(found: &[f32], expected: [f64; 4]) {
        for (&found, expected) in found.iter().zip(expected) {
            assert!(
                (f64::from(found) - expected).abs() <= 2e-7 * expected.abs().max(0.1),
                "{found} instead of {expected}"
            );
        }
    }

    // torch.optim.AdamW([torch.tensor([1, -2, .5, 3])], lr=.01) of PyTorch 2.15, the gradients above, lr of the group set to
    // .01, .0075, .005 before each step.
    #[test]
    fn it_takes_pytorchs_steps() {
        let own = AdamwConfig { learning_rate: 0.01, weight_decay: 0.1, ..AdamwConfig::default() };
        let (path, mut memory) = three_steps(&own);
        assert_near(&path[0], [0.989_000_022, -1.988_000_04, 0.499_500_006, 2.986_999_99]);
        assert_near(&path[1], [0.981_266_916, -1.984_511_49, 0.504_706_442, 2.979_734_18]);
        assert_near(&path[2], [0.981_808_007, -1.984_445_1, 0.502_052_486, 2.975_654_13]);
        let mut kept = |part| values(memory.take(part, "conv.weight", &tensor([0.0; 4])));
        assert_near(&kept(MEAN), [-0.037_000_007_9, 0.039_000_004_5, 0.038_750_000_3, 0.162_018_999]);
        assert_near(&kept(SQUARE), [0.001_311_937_81, 0.001_810_251_04, 0.000_265_609_386, 0.003_992_004_32]);
        let other = AdamwConfig { betas: [0.5, 0.75], epsilon: 1e-3, weight_decay: 0.0, ..own };
        let (path, _) = three_steps(&other);
        assert_near(&path[1], [0.983_423_054, -1.990_010_02, 0.506_545_126, 2.986_188_65]);
        assert_near(&path[2], [0.986_409_187, -1.992_850_66, 0.502_840_519, 2.984_741_45]);
    }

    #[test]
    fn its_settings_are_read_and_checked() {
        let read = |text: &str| toml::from_str::<OptimizerConfig>(text).map_err(|error| error.message().to_owned());
        let given = read("kind = \"adamw\"\nbetas = [0.9, 0.99]\nclip_norm = 1.0").unwrap();
        let expected = AdamwConfig { betas: [0.9, 0.99], clip_norm: 1.0, ..AdamwConfig::default() };
        assert_eq!(given, expected.into());
        assert_eq!(read(&toml::to_string(&given).unwrap()), Ok(given));
        assert!(read("kind = \"adamw\"\nmomentum = 0.9").unwrap_err().contains("momentum"));
        let refusal = |text: &str| read(text).unwrap().check().unwrap_err().to_string();
        assert!(
            refusal("kind = \"adamw\"\nbetas = [0.9, 1.0]").contains("train.optimizer.betas must each lie in [0, 1)")
        );
        assert!(refusal("kind = \"adamw\"\nepsilon = 0.0").contains("train.optimizer.epsilon must be above 0"));
        assert!(refusal("kind = \"adamw\"\nclip_norm = -1.0").contains("train.optimizer.clip_norm"));
    }
}
