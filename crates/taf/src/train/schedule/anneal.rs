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
            Self::Cosine => half_cosine(std::f64::consts::PI * share),
            Self::Linear => 1.0 - share,
        }
    }
}

/// Falls from 1 to 0 between the angles 0 and pi.
pub(super) fn half_cosine(angle: f64) -> f64 {
    0.5 * (1.0 + angle.cos())
}
