use burn::tensor::Tensor;
use serde::{Deserialize, Serialize};

use crate::ops::{self, Colors};

/// Per-channel mean and deviation of RGB in [0, 1], subtracted and divided inside the model so that a pixel budget means
/// the same for every model.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PixelNorm {
    /// Mean of red, green, blue.
    pub mean: [f32; 3],
    /// Standard deviation of red, green, blue.
    pub std: [f32; 3],
}

impl PixelNorm {
    /// The statistics of ImageNet, which torchvision's, TSM's, TAM's and GST's weights expect.
    pub const IMAGENET: Self = Self { mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225] };

    /// Leaves pixels as they are.
    pub const IDENTITY: Self = Self { mean: [0.0; 3], std: [1.0; 3] };

    /// Clips `[batch, time, 3, height, width]` to normalised channels-last images `[batch * time, height, width, 3]`.
    ///
    /// # Panics
    /// If the third axis is not RGB.
    pub fn to_images(&self, clips: Tensor<5>) -> Tensor<4> {
        let [batch, time, channels, height, width] = clips.dims();
        assert_eq!(channels, 3, "clips are [batch, time, 3, height, width]");
        let colors = Colors { mean: self.mean, std: self.std };
        ops::pixels_to_images(ops::reshape(clips, [batch * time, 3, height, width]), colors)
    }
}

impl Default for PixelNorm {
    fn default() -> Self {
        Self::IMAGENET
    }
}
