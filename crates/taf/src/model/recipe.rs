use serde::{Deserialize, Serialize};

use super::{BlockKind, Grouping, PixelNorm, RecognizerConfig, ResNetConfig};
use crate::recipe::RecipeError;

/// The networks a recipe can name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ModelKind {
    /// Every frame for itself, logits averaged (Wang et al., ECCV 2016).
    Tsn,
    /// TSN with temporal shift (Lin et al., ICCV 2019).
    Tsm,
    /// TSN with filters over time made from the clip (Liu et al., ICCV 2021); for clips of one length.
    Tam,
    /// TSN with grouped spatial-temporal convolutions (Luo and Yuille, ICCV 2019).
    Gst,
    /// GST whose convolutions see all channels.
    GstLarge,
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
    /// Which network: `tsn`, `tsm`, or on bottlenecks `tam`, `gst` or `gst-large`.
    pub kind: ModelKind,
    /// Which trunk: `resnet18`, `resnet34`, `resnet50`, `resnet101` or `tiny`.
    pub trunk: TrunkName,
    /// Channels of the stem instead of the trunk's own, at least 8; a multiple of 4 for `gst` and `gst-large`.
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

/// Frames of the longest clips.
pub(crate) const MOST_FRAMES: usize = 512;

fn half() -> f64 {
    0.5
}

impl ModelRecipe {
    /// The network for so many classes and clips of so many frames.
    pub fn config(&self, classes: usize, frames: usize) -> RecognizerConfig {
        let config = match self.kind {
            ModelKind::Tsn => RecognizerConfig::tsn(self.trunk(), classes),
            ModelKind::Tsm => RecognizerConfig::tsm(self.trunk(), classes),
            ModelKind::Tam => RecognizerConfig::tam(self.trunk(), classes, frames),
            ModelKind::Gst => RecognizerConfig::gst(self.trunk(), classes),
            ModelKind::GstLarge => RecognizerConfig::gst_large(self.trunk(), classes),
        };
        RecognizerConfig { dropout: self.dropout, pixels: self.pixels, ..config }
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

    /// Whether the weights are for clips of one length alone.
    pub fn is_for_one_length(&self) -> bool {
        self.kind == ModelKind::Tam
    }

    pub(crate) fn check(&self, frames: usize) -> Result<(), RecipeError> {
        if frames > MOST_FRAMES {
            let expected = format!("be at most {MOST_FRAMES}");
            return Err(RecipeError::value("data.sampling.frames", expected, frames));
        }
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
        self.check_blocks()?;
        let parameters = self.trunk().num_parameters(self.config(2, frames).temporal);
        if parameters > MOST_PARAMETERS {
            let expected = format!("describe a network of at most {MOST_PARAMETERS} parameters");
            return Err(RecipeError::value("model", expected, parameters));
        }
        Ok(())
    }

    /// Some networks are defined for bottlenecks of some widths.
    fn check_blocks(&self) -> Result<(), RecipeError> {
        let ResNetConfig { block, width, .. } = self.trunk();
        let is_grouped = matches!(self.kind, ModelKind::Gst | ModelKind::GstLarge);
        if (is_grouped || self.kind == ModelKind::Tam) && block != BlockKind::Bottleneck {
            let expected = "be resnet50 or resnet101 for tam, gst and gst-large, which change bottlenecks";
            return Err(RecipeError::value("model.trunk", expected, format!("{:?}", self.trunk).to_lowercase()));
        }
        if is_grouped && !width.is_multiple_of(Grouping::GST.alpha) {
            return Err(RecipeError::value("model.width", "be a multiple of 4 for gst and gst-large", width));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::ModelRecipe;

    fn refused(text: &str, frames: usize) -> String {
        let recipe: ModelRecipe = toml::from_str(text).expect("the fields are known");
        recipe.check(frames).expect_err("the network cannot be").to_string()
    }

    #[test]
    fn networks_of_bottlenecks_refuse_basic_blocks_before_anything_is_built() {
        for kind in ["tam", "gst", "gst-large"] {
            let refusal = refused(&format!("kind = {kind:?}\ntrunk = \"resnet18\""), 8);
            assert!(refusal.contains("model.trunk must be resnet50 or resnet101"), "{refusal}");
        }
    }

    #[test]
    fn gst_refuses_channels_it_cannot_share_out() {
        let refusal = refused("kind = \"gst\"\ntrunk = \"resnet50\"\nwidth = 10", 8);
        assert!(refusal.contains("model.width must be a multiple of 4"), "{refusal}");
    }

    #[test]
    fn the_weights_of_temporal_modules_count_as_a_networks_own() {
        let wide = "kind = \"gst-large\"\ntrunk = \"resnet50\"\nwidth = 304";
        let plain: ModelRecipe = toml::from_str(&wide.replace("gst-large", "tsm")).unwrap();
        plain.check(8).expect("just below the limit");
        let refusal = refused(wide, 8);
        assert!(refusal.contains("at most 600000000 parameters"), "{refusal}");
    }

    #[test]
    fn clips_longer_than_any_recipes_are_refused() {
        let refusal = refused("kind = \"tam\"\ntrunk = \"resnet50\"", usize::MAX);
        assert!(refusal.contains("data.sampling.frames must be at most 512"), "{refusal}");
    }
}
