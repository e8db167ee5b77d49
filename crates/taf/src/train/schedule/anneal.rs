use serde::{Deserialize, Serialize};

/// A way from one rate to another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Anneal {
    /// Half a cosine: slow at both ends.
    Cosine,
    /// By as much in every step.
    Linear,
}

impl Anneal {
    /// What is left of the difference between two rates after a share of the way, which falls from 1 to 0.
    pub(super) fn left(self, share: f64) -> f64 {
        match self {
            Self::Cosine => 0.5 * (1.0 + (std::f64::consts::PI * share).cos()),
            Self::Linear => 1.0 - share,
        }
    }
}
