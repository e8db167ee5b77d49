//! What the tables of all optimisers have in common, and what it means for one parameter in one step.

use crate::setting::{SettingError, within};

/// The table of an optimiser: the settings of every one, with this one's defaults, and its own behind the learning rate.
macro_rules! optimizer_settings {
    (
        $(#[$about:meta])*
        $name:ident: learning_rate = $learning_rate:literal, weight_decay = $weight_decay:literal,
        $($(#[$own_about:meta])* $own:ident: $type:ty = $default:expr,)*
    ) => {
        $(#[$about])*
        #[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
        #[serde(deny_unknown_fields, default)]
        pub struct $name {
            #[doc = concat!("Learning rate before schedule and group factors, above 0; default ", $learning_rate, ".")]
            pub learning_rate: f64,
            $($(#[$own_about])* pub $own: $type,)*
            #[doc = concat!("Pull of weights towards zero, at least 0; default ", $weight_decay, ".")]
            pub weight_decay: f64,
            /// Whether the pull acts on batch-norm parameters and biases too; default false.
            pub decay_norms_and_biases: bool,
            /// Factor of the learning rate for biases of convolutions and classifiers; default 1 (TSM's recipes: 2).
            pub bias_factor: f64,
            /// Factor of the learning rate for the classifier; default 1 (TSM's recipes from ImageNet: 5).
            pub head_factor: f64,
            /// Factor of the learning rate for linear layers before the classifier, which TAM has; default 1 (its own
            /// repository: 5).
            pub linear_factor: f64,
            /// Largest Euclidean norm of all gradients together; longer ones are shortened to it. 0 turns it off; default 20.
            pub clip_norm: f64,
        }

        impl Default for $name {
            fn default() -> Self {
                Self {
                    learning_rate: $learning_rate,
                    $($own: $default,)*
                    weight_decay: $weight_decay,
                    decay_norms_and_biases: false,
                    bias_factor: 1.0,
                    head_factor: 1.0,
                    linear_factor: 1.0,
                    clip_norm: 20.0,
                }
            }
        }

        impl $name {
            pub(super) fn shared(&self) -> super::shared::Shared {
                super::shared::Shared {
                    learning_rate: self.learning_rate,
                    weight_decay: self.weight_decay,
                    decay_norms_and_biases: self.decay_norms_and_biases,
                    bias_factor: self.bias_factor,
                    head_factor: self.head_factor,
                    linear_factor: self.linear_factor,
                    clip_norm: self.clip_norm,
                }
            }
        }
    };
}

pub(super) use optimizer_settings;

/// What PyTorch adds to the norm before it divides by it.
const CLIP_MARGIN: f64 = 1e-6;

/// Settings that mean the same for every optimiser.
#[derive(Clone, Copy)]
pub(super) struct Shared {
    pub learning_rate: f64,
    pub weight_decay: f64,
    pub decay_norms_and_biases: bool,
    pub bias_factor: f64,
    pub head_factor: f64,
    pub linear_factor: f64,
    pub clip_norm: f64,
}

/// By what the learning rate and the weight decay of a parameter are multiplied.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Factors {
    /// Of the learning rate.
    pub learning_rate: f64,
    /// Of the weight decay: 0 or 1.
    pub weight_decay: f64,
}

impl Shared {
    pub fn check(&self) -> Result<(), SettingError> {
        let Self { learning_rate, weight_decay, bias_factor, head_factor, linear_factor, clip_norm, .. } = *self;
        within("train.optimizer.learning_rate", "be above 0", learning_rate, learning_rate > 0.0)?;
        within("train.optimizer.weight_decay", "be at least 0", weight_decay, weight_decay >= 0.0)?;
        within("train.optimizer.bias_factor", "be at least 0", bias_factor, bias_factor >= 0.0)?;
        within("train.optimizer.head_factor", "be at least 0", head_factor, head_factor >= 0.0)?;
        within("train.optimizer.linear_factor", "be at least 0", linear_factor, linear_factor >= 0.0)?;
        within("train.optimizer.clip_norm", "be at least 0", clip_norm, clip_norm >= 0.0)
    }

    /// What gradients of this norm are multiplied by: PyTorch's `clip_grad_norm_`.
    pub fn gradient_scale(&self, norm: f64) -> f64 {
        let limit = self.clip_norm;
        if limit > 0.0 { (limit / (norm + CLIP_MARGIN)).min(1.0) } else { 1.0 }
    }

    /// Of a parameter of so many axes. Vectors are batch-norm parameters and biases, matrices are linear layers.
    pub fn factors(&self, name: &str, rank: usize, in_head: bool) -> Factors {
        let vector = rank == 1;
        let of_layer = match rank {
            _ if in_head => self.head_factor,
            2 => self.linear_factor,
            _ => 1.0,
        };
        let of_bias = if vector && name.ends_with(".bias") { self.bias_factor } else { 1.0 };
        let decays = !vector || self.decay_norms_and_biases;
        Factors { learning_rate: of_layer * of_bias, weight_decay: if decays { 1.0 } else { 0.0 } }
    }

    pub fn pace(&self, factors: Factors, schedule: f64, gradient_scale: f64) -> Pace {
        Pace {
            learning_rate: (self.learning_rate * schedule * factors.learning_rate) as f32,
            weight_decay: (self.weight_decay * factors.weight_decay) as f32,
            gradient_scale: gradient_scale as f32,
        }
    }
}

/// How one parameter moves in one step.
#[derive(Clone, Copy)]
pub(super) struct Pace {
    pub learning_rate: f32,
    pub weight_decay: f32,
    /// What the gradient is multiplied by first.
    pub gradient_scale: f32,
}

#[cfg(test)]
mod tests {
    use super::super::SgdConfig;

    #[test]
    fn long_gradients_are_shortened_as_by_pytorch() {
        let scale = |clip_norm, norm| SgdConfig { clip_norm, ..SgdConfig::default() }.shared().gradient_scale(norm);
        // The factor torch.nn.utils.clip_grad_norm_(parameters, limit) multiplies gradients of this norm by.
        for (limit, norm, expected) in [(20.0, 40.0, 0.499_999_987_5), (1e-6, 1e-6, 0.5), (20.0, 3.0, 1.0)] {
            let found = scale(limit, norm);
            assert!((found - expected).abs() < 1e-12, "{found} for {norm} at {limit}");
        }
        assert_eq!(scale(0.0, 1e9), 1.0, "0 turns it off");
    }
}
