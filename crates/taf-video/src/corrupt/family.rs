use serde::{Deserialize, Serialize};

/// Kinds of corruption that are reported together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Family {
    /// Random values in the pixels.
    Noise,
    /// Detail smeared.
    Blur,
    /// Processing: light, colour, compression.
    Digital,
    /// Frames missing, late or out of order.
    Temporal,
    /// What the sky and the cold put between camera and scene.
    Weather,
    /// A camera that is not held still.
    Camera,
    /// A few consecutive frames spoiled.
    Span,
    /// The video compressed harder, or sent with errors.
    Stream,
}

impl Family {
    /// Every family.
    pub const ALL: [Self; 8] =
        [Self::Noise, Self::Blur, Self::Digital, Self::Temporal, Self::Weather, Self::Camera, Self::Span, Self::Stream];

    /// The name users write.
    pub fn name(self) -> &'static str {
        match self {
            Self::Noise => "noise",
            Self::Blur => "blur",
            Self::Digital => "digital",
            Self::Temporal => "temporal",
            Self::Weather => "weather",
            Self::Camera => "camera",
            Self::Span => "span",
            Self::Stream => "stream",
        }
    }
}
