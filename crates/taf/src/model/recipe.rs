use serde::{Deserialize, Serialize};

use super::kind::Trunks;
use super::{
    BlockKind, MobileNetV2Config, ModelKind, PixelNorm, RecognizerConfig, ResNetConfig, Temporal, TrunkConfig,
};
use crate::setting::{SettingError, within};

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
    /// Which network, in the words of [`ModelKind`]: `tsn`, `tsm` and so on.
    pub kind: ModelKind,
    /// Which trunk: `resnet18`, `resnet34`, `resnet50`, `resnet101`, `tiny` or `mobilenetv2`; `tpn` takes `resnet50` or
    /// `resnet101`.
    pub trunk: TrunkName,
    /// Channels of the stem instead of the trunk's own, at least 8; even for `tpn`, a multiple of 4 for `gst` and
    /// `gst-large`, of 8 for `mobilenetv2`.
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
    /// Rate at which a clip takes only the shortcut of the last residual block while training, all its frames together, in
    /// [0, 1); the rate rises linearly from block to block (stochastic depth, Huang et al., ECCV 2016). Default 0.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub drop_path: f64,
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

fn is_zero(value: &f64) -> bool {
    *value == 0.0
}

impl ModelRecipe {
    /// The network for so many classes and clips of so many frames.
    pub fn config(&self, classes: usize, frames: usize) -> RecognizerConfig {
        let config = (self.kind.row().config)(self.trunk(), classes, frames);
        let temporal = match config.temporal {
            Temporal::ShiftBlock { divisor } if self.shifted_shortcuts == Some(false) => {
                Temporal::Shift { divisor, every: 1 }
            }
            temporal => temporal,
        };
        RecognizerConfig { temporal, dropout: self.dropout, drop_path: self.drop_path, pixels: self.pixels, ..config }
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

    /// Whether the weights are for clips of one length alone.
    pub fn is_for_one_length(&self) -> bool {
        self.kind.row().one_length
    }

    pub(crate) fn check(&self, frames: usize) -> Result<(), SettingError> {
        if frames > MOST_FRAMES {
            let expected = format!("be at most {MOST_FRAMES}");
            return Err(SettingError::new("data.sampling.frames", expected, frames));
        }
        for (field, rate) in [("model.dropout", self.dropout), ("model.drop_path", self.drop_path)] {
            within(field, "lie in [0, 1)", rate, (0.0..1.0).contains(&rate))?;
        }
        // Below 8 channels a shift by an eighth moves nothing.
        if let Some(width) = self.width.filter(|&width| !(8..=1024).contains(&width)) {
            return Err(SettingError::new("model.width", "lie between 8 and 1024", width));
        }
        if let Some(layers) = self.layers.as_ref() {
            let sound = (1..=5).contains(&layers.len()) && layers.iter().all(|blocks| (1..=100).contains(blocks));
            if !sound {
                let expected = "list 1 to 5 stages of 1 to 100 blocks";
                return Err(SettingError::new("model.layers", expected, format!("{layers:?}")));
            }
        }
        self.check_combination()?;
        let PixelNorm { mean, std } = self.pixels;
        if !std.iter().all(|&std| std > 0.0 && std.is_finite()) {
            return Err(SettingError::new("model.pixels.std", "be positive and finite", format!("{std:?}")));
        }
        if !mean.iter().all(|mean| mean.is_finite()) {
            return Err(SettingError::new("model.pixels.mean", "be finite", format!("{mean:?}")));
        }
        // With one class: how many there are is not known here, and they weigh little.
        let parameters = self.config(1, frames).parameters();
        if parameters > MOST_PARAMETERS {
            let expected = format!("describe a network of at most {MOST_PARAMETERS} parameters");
            return Err(SettingError::new("model", expected, parameters));
        }
        Ok(())
    }

    /// What some networks and trunks cannot be.
    fn check_combination(&self) -> Result<(), SettingError> {
        if let Some(shifted) = self.shifted_shortcuts.filter(|_| self.kind != ModelKind::Tpn) {
            return Err(SettingError::new("model.shifted_shortcuts", "be left out unless kind = \"tpn\"", shifted));
        }
        let Some(trunk) = self.resnet() else { return self.check_mobilenet() };
        match self.kind.row().trunks {
            Trunks::All => Ok(()),
            _ if trunk.block != BlockKind::Bottleneck => Err(self.needs_bottlenecks()),
            Trunks::Bottlenecks(divisor) => self.check_width(divisor, &format!("kind = {:?}", self.kind.name())),
            Trunks::Pyramid => self.check_pyramid(),
        }
    }

    fn check_pyramid(&self) -> Result<(), SettingError> {
        if let Some(layers) = self.layers.as_ref().filter(|layers| layers.len() != 4) {
            let expected = "list 4 stages for kind = \"tpn\"";
            return Err(SettingError::new("model.layers", expected, format!("{layers:?}")));
        }
        self.check_width(2, "kind = \"tpn\"")
    }

    fn check_mobilenet(&self) -> Result<(), SettingError> {
        if self.kind.row().trunks != Trunks::All {
            return Err(self.needs_bottlenecks());
        }
        if let Some(layers) = &self.layers {
            let expected = "be left out for trunk = \"mobilenetv2\", whose blocks are fixed";
            return Err(SettingError::new("model.layers", expected, format!("{layers:?}")));
        }
        self.check_width(8, "trunk = \"mobilenetv2\"")
    }

    fn needs_bottlenecks(&self) -> SettingError {
        let expected = format!("be resnet50 or resnet101 for kind = {:?}, which needs bottlenecks", self.kind.name());
        SettingError::new("model.trunk", expected, format!("{:?}", self.trunk).to_lowercase())
    }

    fn check_width(&self, divisor: usize, whose: &str) -> Result<(), SettingError> {
        match self.width.filter(|width| !width.is_multiple_of(divisor)) {
            Some(width) => {
                Err(SettingError::new("model.width", format!("be a multiple of {divisor} for {whose}"), width))
            }
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::ModelRecipe;

    fn refusal(text: &str, frames: usize) -> String {
        let recipe: ModelRecipe = toml::from_str(text).expect("the fields are known");
        recipe.check(frames).err().map(|error| error.to_string()).unwrap_or_default()
    }

    #[test]
    fn networks_name_the_option_they_cannot_take() {
        for (text, expected) in [
            ("kind = 'tpn'\ntrunk = 'tiny'", "model.trunk must be resnet50 or resnet101"),
            ("kind = 'tam'\ntrunk = 'resnet18'", "model.trunk must be resnet50 or resnet101"),
            ("kind = 'gst-large'\ntrunk = 'resnet34'", "model.trunk must be resnet50 or resnet101"),
            ("kind = 'gst'\ntrunk = 'mobilenetv2'", "model.trunk must be resnet50 or resnet101"),
            ("kind = 'gst'\ntrunk = 'resnet50'\nwidth = 10", "model.width must be a multiple of 4"),
            ("kind = 'tpn'\ntrunk = 'resnet50'\nlayers = [1, 1, 1]", "model.layers"),
            ("kind = 'tpn'\ntrunk = 'resnet50'\nwidth = 9", "model.width must be a multiple of 2"),
            ("kind = 'tsm'\ntrunk = 'mobilenetv2'\nlayers = [1, 1, 1, 1]", "model.layers"),
            ("kind = 'tsm'\ntrunk = 'mobilenetv2'\nwidth = 12", "model.width must be a multiple of 8"),
            ("kind = 'tsm'\ntrunk = 'tiny'\ndrop_path = 1.0", "model.drop_path must lie in [0, 1)"),
            ("kind = 'tpn'\ntrunk = 'resnet101'\nwidth = 1024", "at most 600000000 parameters"),
        ] {
            let error = refusal(text, 8);
            assert!(error.contains(expected), "{text}: {error:?}");
        }
    }

    #[test]
    fn published_networks_and_small_ones_pass() {
        for text in [
            "kind = 'tpn'\ntrunk = 'resnet50'",
            "kind = 'tpn'\ntrunk = 'resnet50'\nwidth = 8\nlayers = [1, 1, 1, 1]",
            "kind = 'tam'\ntrunk = 'resnet50'",
            "kind = 'tea'\ntrunk = 'resnet50'\nwidth = 8",
            "kind = 'gst-large'\ntrunk = 'resnet101'",
            "kind = 'tsm'\ntrunk = 'mobilenetv2'",
            "kind = 'tsn'\ntrunk = 'mobilenetv2'\nwidth = 16",
        ] {
            assert_eq!(refusal(text, 8), "", "{text}");
        }
    }

    #[test]
    fn the_weights_of_temporal_modules_count_as_a_networks_own() {
        let wide = "kind = \"gst-large\"\ntrunk = \"resnet50\"\nwidth = 304";
        assert_eq!(refusal(&wide.replace("gst-large", "tsm"), 8), "", "just below the limit");
        let refusal = refusal(wide, 8);
        assert!(refusal.contains("at most 600000000 parameters"), "{refusal}");
    }

    #[test]
    fn clips_longer_than_any_recipes_are_refused() {
        let refusal = refusal("kind = \"tam\"\ntrunk = \"resnet50\"", usize::MAX);
        assert!(refusal.contains("data.sampling.frames must be at most 512"), "{refusal}");
    }
}
