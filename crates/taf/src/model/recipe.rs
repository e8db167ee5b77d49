use serde::{Deserialize, Serialize};

use super::{PixelNorm, RecognizerConfig, ResNetConfig, Temporal};
use crate::recipe::RecipeError;

/// The networks a recipe can name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ModelKind {
    /// Every frame for itself, logits averaged (Wang et al., ECCV 2016).
    Tsn,
    /// TSN with temporal shift (Lin et al., ICCV 2019).
    Tsm,
}

/// The trunks a recipe can name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum TrunkName {
    /// 2-2-2-2 basic blocks.
    Resnet18,
    /// 3-4-6-3 basic blocks.
    Resnet34,
    /// 3-4-6-3 bottlenecks.
    Resnet50,
    /// 3-4-23-3 bottlenecks.
    Resnet101,
    /// 1-1-1-1 basic blocks of width 16: for small clips on a processor.
    Tiny,
}

/// The `[model]` table.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ModelRecipe {
    /// Which network: `tsn` or `tsm`.
    pub kind: ModelKind,
    /// Which trunk: `resnet18`, `resnet34`, `resnet50`, `resnet101` or `tiny`.
    pub trunk: TrunkName,
    /// Channels of the stem instead of the trunk's own, at least 8.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub width: Option<usize>,
    /// Blocks per stage instead of the trunk's own, one to five stages.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub layers: Option<Vec<usize>>,
    /// Dropout before the classifier, in [0, 1); default 0.5.
    #[serde(default = "half")]
    pub dropout: f64,
    /// Normalisation of pixels; default ImageNet's.
    #[serde(default)]
    pub pixels: PixelNorm,
}

/// Ten times ResNet-152: beyond this a recipe is a mistake, and a checkpoint that asks for it an attack on memory.
const MOST_PARAMETERS: usize = 600_000_000;

fn half() -> f64 {
    0.5
}

impl ModelRecipe {
    /// The network for so many classes.
    pub fn config(&self, classes: usize) -> RecognizerConfig {
        let config = match self.kind {
            ModelKind::Tsn => RecognizerConfig::tsn(self.trunk(), classes),
            ModelKind::Tsm => RecognizerConfig::tsm(self.trunk(), classes),
        };
        RecognizerConfig { dropout: self.dropout, pixels: self.pixels, ..config }
    }

    /// Every how many residual blocks of a stage shift; none where the network does not shift.
    pub(crate) fn shift_every(&self) -> Option<usize> {
        match self.config(1).temporal {
            Temporal::None => None,
            Temporal::Shift { every, .. } => Some(every),
        }
    }

    fn trunk(&self) -> ResNetConfig {
        let named = match self.trunk {
            TrunkName::Resnet18 => ResNetConfig::resnet18(),
            TrunkName::Resnet34 => ResNetConfig::resnet34(),
            TrunkName::Resnet50 => ResNetConfig::resnet50(),
            TrunkName::Resnet101 => ResNetConfig::resnet101(),
            TrunkName::Tiny => ResNetConfig::tiny(),
        };
        ResNetConfig {
            width: self.width.unwrap_or(named.width),
            layers: self.layers.clone().unwrap_or(named.layers),
            ..named
        }
    }

    pub(crate) fn check(&self) -> Result<(), RecipeError> {
        if !(0.0..1.0).contains(&self.dropout) {
            return Err(RecipeError::value("model.dropout", "lie in [0, 1)", self.dropout));
        }
        // Below 8 channels a shift by an eighth moves nothing.
        if let Some(width) = self.width.filter(|&width| !(8..=1024).contains(&width)) {
            return Err(RecipeError::value("model.width", "lie between 8 and 1024", width));
        }
        if let Some(layers) = self.layers.as_ref() {
            let sound = (1..=5).contains(&layers.len()) && layers.iter().all(|blocks| (1..=100).contains(blocks));
            if !sound {
                let expected = "list 1 to 5 stages of 1 to 100 blocks";
                return Err(RecipeError::value("model.layers", expected, format!("{layers:?}")));
            }
        }
        let PixelNorm { mean, std } = self.pixels;
        if !std.iter().all(|&std| std > 0.0 && std.is_finite()) {
            return Err(RecipeError::value("model.pixels.std", "be positive and finite", format!("{std:?}")));
        }
        if !mean.iter().all(|mean| mean.is_finite()) {
            return Err(RecipeError::value("model.pixels.mean", "be finite", format!("{mean:?}")));
        }
        let parameters = self.trunk().num_parameters();
        if parameters > MOST_PARAMETERS {
            let expected = format!("describe a trunk of at most {MOST_PARAMETERS} parameters");
            return Err(RecipeError::value("model", expected, parameters));
        }
        Ok(())
    }
}
