use serde::{Deserialize, Serialize};

use super::{BlockKind, MobileNetV2Config, PixelNorm, RecognizerConfig, ResNetConfig, Temporal, TrunkConfig};
use crate::recipe::RecipeError;

/// The networks a recipe can name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ModelKind {
    /// Every frame for itself, logits averaged (Wang et al., ECCV 2016).
    Tsn,
    /// TSN with temporal shift (Lin et al., ICCV 2019).
    Tsm,
    /// TSM with a temporal pyramid over its last two stages (Yang et al., CVPR 2020).
    Tpn,
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
    /// Inverted residual blocks (Sandler et al., CVPR 2018).
    Mobilenetv2,
}

/// The `[model]` table.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ModelRecipe {
    /// Which network: `tsn`, `tsm` or `tpn`.
    pub kind: ModelKind,
    /// Which trunk: `resnet18`, `resnet34`, `resnet50`, `resnet101`, `tiny` or `mobilenetv2`; `tpn` takes `resnet50` or
    /// `resnet101`.
    pub trunk: TrunkName,
    /// Channels of the stem instead of the trunk's own, at least 8; even for `tpn`, a multiple of 8 for `mobilenetv2`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub width: Option<usize>,
    /// Blocks per stage instead of the trunk's own, one to five stages, four for `tpn`; not for `mobilenetv2`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub layers: Option<Vec<usize>>,
    /// Whether the shortcuts that project see the shifted input too; only for `tpn`, whose repository does so (`true`, the
    /// default) while mmaction2 does not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shifted_shortcuts: Option<bool>,
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
        let config = match (self.kind, self.trunk()) {
            (ModelKind::Tsn, trunk) => RecognizerConfig::tsn(trunk, classes),
            (ModelKind::Tsm, trunk) => RecognizerConfig::tsm(trunk, classes),
            (ModelKind::Tpn, trunk) => RecognizerConfig::tpn(trunk, classes),
        };
        let temporal = match config.temporal {
            Temporal::ShiftBlock { divisor } if self.shifted_shortcuts == Some(false) => {
                Temporal::Shift { divisor, every: 1 }
            }
            temporal => temporal,
        };
        RecognizerConfig { temporal, dropout: self.dropout, pixels: self.pixels, ..config }
    }

    fn trunk(&self) -> TrunkConfig {
        match self.resnet() {
            None => MobileNetV2Config { width: self.width.unwrap_or(MobileNetV2Config::default().width) }.into(),
            Some(named) => ResNetConfig {
                width: self.width.unwrap_or(named.width),
                layers: self.layers.clone().unwrap_or(named.layers),
                ..named
            }
            .into(),
        }
    }

    /// The ResNet of the trunk's name, where it is one.
    fn resnet(&self) -> Option<ResNetConfig> {
        match self.trunk {
            TrunkName::Resnet18 => Some(ResNetConfig::resnet18()),
            TrunkName::Resnet34 => Some(ResNetConfig::resnet34()),
            TrunkName::Resnet50 => Some(ResNetConfig::resnet50()),
            TrunkName::Resnet101 => Some(ResNetConfig::resnet101()),
            TrunkName::Tiny => Some(ResNetConfig::tiny()),
            TrunkName::Mobilenetv2 => None,
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
        self.check_combination()?;
        let PixelNorm { mean, std } = self.pixels;
        if !std.iter().all(|&std| std > 0.0 && std.is_finite()) {
            return Err(RecipeError::value("model.pixels.std", "be positive and finite", format!("{std:?}")));
        }
        if !mean.iter().all(|mean| mean.is_finite()) {
            return Err(RecipeError::value("model.pixels.mean", "be finite", format!("{mean:?}")));
        }
        // With one class: how many there are is not known here, and they weigh little.
        let parameters = self.config(1).num_parameters();
        if parameters > MOST_PARAMETERS {
            let expected = format!("describe a network of at most {MOST_PARAMETERS} parameters");
            return Err(RecipeError::value("model", expected, parameters));
        }
        Ok(())
    }

    /// What some networks and trunks cannot be.
    fn check_combination(&self) -> Result<(), RecipeError> {
        if let Some(shifted) = self.shifted_shortcuts.filter(|_| self.kind != ModelKind::Tpn) {
            return Err(RecipeError::value("model.shifted_shortcuts", "be left out unless kind = \"tpn\"", shifted));
        }
        let Some(trunk) = self.resnet() else { return self.check_mobilenet() };
        if self.kind != ModelKind::Tpn {
            return Ok(());
        }
        if trunk.block != BlockKind::Bottleneck {
            let expected = "be resnet50 or resnet101 for kind = \"tpn\", whose pyramid is made for bottlenecks";
            return Err(RecipeError::value("model.trunk", expected, trunk_name(self.trunk)));
        }
        if let Some(layers) = self.layers.as_ref().filter(|layers| layers.len() != 4) {
            let expected = "list 4 stages for kind = \"tpn\"";
            return Err(RecipeError::value("model.layers", expected, format!("{layers:?}")));
        }
        match self.width.filter(|width| !width.is_multiple_of(2)) {
            Some(width) => Err(RecipeError::value("model.width", "be even for kind = \"tpn\"", width)),
            None => Ok(()),
        }
    }

    fn check_mobilenet(&self) -> Result<(), RecipeError> {
        if self.kind == ModelKind::Tpn {
            let expected = "be resnet50 or resnet101 for kind = \"tpn\"";
            return Err(RecipeError::value("model.trunk", expected, trunk_name(self.trunk)));
        }
        if let Some(layers) = &self.layers {
            let expected = "be left out for trunk = \"mobilenetv2\", whose blocks are fixed";
            return Err(RecipeError::value("model.layers", expected, format!("{layers:?}")));
        }
        match self.width.filter(|width| !width.is_multiple_of(8)) {
            Some(width) => {
                Err(RecipeError::value("model.width", "be a multiple of 8 for trunk = \"mobilenetv2\"", width))
            }
            None => Ok(()),
        }
    }
}

/// As recipes write it.
fn trunk_name(trunk: TrunkName) -> String {
    format!("{trunk:?}").to_lowercase()
}

#[cfg(test)]
mod tests {
    use super::ModelRecipe;

    fn refusal(text: &str) -> String {
        let recipe: ModelRecipe = toml::from_str(text).expect("a model table");
        recipe.check().err().map(|error| error.to_string()).unwrap_or_default()
    }

    #[test]
    fn networks_name_the_option_they_cannot_take() {
        for (text, expected) in [
            ("kind = 'tpn'\ntrunk = 'tiny'", "model.trunk"),
            ("kind = 'tpn'\ntrunk = 'mobilenetv2'", "model.trunk"),
            ("kind = 'tpn'\ntrunk = 'resnet50'\nlayers = [1, 1, 1]", "model.layers"),
            ("kind = 'tpn'\ntrunk = 'resnet50'\nwidth = 9", "model.width"),
            ("kind = 'tsm'\ntrunk = 'mobilenetv2'\nlayers = [1, 1, 1, 1]", "model.layers"),
            ("kind = 'tsm'\ntrunk = 'mobilenetv2'\nwidth = 12", "model.width"),
            ("kind = 'tpn'\ntrunk = 'resnet101'\nwidth = 1024", "model"),
        ] {
            let error = refusal(text);
            assert!(error.contains(expected), "{text}: {error:?}");
        }
    }

    #[test]
    fn published_networks_and_small_ones_pass() {
        for text in [
            "kind = 'tpn'\ntrunk = 'resnet50'",
            "kind = 'tpn'\ntrunk = 'resnet50'\nwidth = 8\nlayers = [1, 1, 1, 1]",
            "kind = 'tsm'\ntrunk = 'mobilenetv2'",
            "kind = 'tsn'\ntrunk = 'mobilenetv2'\nwidth = 16",
        ] {
            assert_eq!(refusal(text), "", "{text}");
        }
    }
}
