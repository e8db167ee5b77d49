//! The networks that have a name: what each is made of, and nowhere else.

use serde::{Deserialize, Serialize};

use super::{Grouping, RecognizerConfig, Temporal, TrunkConfig};

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
    /// TSN with filters over time made from the clip (Liu et al., ICCV 2021); for clips of one length.
    Tam,
    /// TSN with grouped spatial-temporal convolutions (Luo and Yuille, ICCV 2019).
    Gst,
    /// GST whose convolutions see all channels.
    GstLarge,
    /// TSN with motion excitation and multiple temporal aggregation (Li et al., CVPR 2020).
    Tea,
}

/// What a model is made of and what it asks of its trunk.
pub(super) struct Row {
    /// On a trunk, for so many classes and clips of so many frames.
    pub config: fn(TrunkConfig, usize, usize) -> RecognizerConfig,
    pub trunks: Trunks,
    /// The weights are for clips of one length alone.
    pub one_length: bool,
}

/// The trunks that a model stands on.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Trunks {
    /// Every one.
    All,
    /// ResNets of bottlenecks whose width is a multiple of this.
    Bottlenecks(usize),
    /// The last two of four stages of bottlenecks.
    Pyramid,
}

impl ModelKind {
    /// Every model.
    pub const ALL: [Self; 7] = [Self::Tsn, Self::Tsm, Self::Tpn, Self::Tam, Self::Gst, Self::GstLarge, Self::Tea];

    /// The model that recipes and `--model` name so.
    pub fn named(name: &str) -> Option<Self> {
        let name = serde::de::value::StrDeserializer::<serde::de::value::Error>::new(name);
        Self::deserialize(name).ok()
    }

    pub(super) fn row(self) -> Row {
        use RecognizerConfig as Config;
        let row = |config, trunks| Row { config, trunks, one_length: false };
        match self {
            Self::Tsn => row(|trunk, classes, _| Config::tsn(trunk, classes), Trunks::All),
            Self::Tsm => row(|trunk, classes, _| Config::tsm(trunk, classes), Trunks::All),
            Self::Tpn => row(|trunk, classes, _| Config::tpn(trunk, classes), Trunks::Pyramid),
            Self::Tam => Row { one_length: true, ..row(Config::tam, Trunks::Bottlenecks(1)) },
            Self::Gst => row(|trunk, classes, _| Config::gst(trunk, classes), Trunks::Bottlenecks(GST)),
            Self::Tea => row(|trunk, classes, _| Config::tea(trunk, classes), Trunks::Bottlenecks(1)),
            Self::GstLarge => row(|trunk, classes, _| Config::gst_large(trunk, classes), Trunks::Bottlenecks(GST)),
        }
    }

    /// As recipes write it.
    pub(super) fn name(self) -> String {
        let name = toml::Value::try_from(self).expect("a name is a text");
        name.as_str().expect("a name is a text").to_owned()
    }
}

/// GST shares out a stem of as many channels.
const GST: usize = Grouping::GST.alpha;

/// Blocks in the third stage from which TSM shifts only every other block (the published rule for ResNet-101).
const DEEP_STAGE: usize = 23;
/// One of so many channels moves each way, as published.
const SHIFT_DIVISOR: usize = 8;

impl RecognizerConfig {
    /// TSM (Lin et al., ICCV 2019): TSN with a temporal shift in front of every residual branch; in trunks as deep as
    /// ResNet-101 in front of every other one.
    pub fn tsm(trunk: impl Into<TrunkConfig>, classes: usize) -> Self {
        let trunk = trunk.into();
        let deep = match &trunk {
            TrunkConfig::ResNet(config) => config.layers.get(2).is_some_and(|&blocks| blocks >= DEEP_STAGE),
            TrunkConfig::MobileNetV2(_) => false,
        };
        let temporal = Temporal::Shift { divisor: SHIFT_DIVISOR, every: if deep { 2 } else { 1 } };
        Self { temporal, ..Self::tsn(trunk, classes) }
    }

    /// TAM (Liu et al., ICCV 2021; TANet elsewhere): a filter over time in every bottleneck, with kernels made from the
    /// clip. The weights are for clips of `frames` frames alone. The trunk is a ResNet of bottlenecks.
    pub fn tam(trunk: impl Into<TrunkConfig>, classes: usize, frames: usize) -> Self {
        Self { temporal: Temporal::Adaptive { frames }, ..Self::tsn(trunk, classes) }
    }

    /// GST (Luo and Yuille, ICCV 2019): in every bottleneck half of the channels pass a convolution over space, the other
    /// half one over space and time, which makes a quarter of the outputs. The trunk is a ResNet of bottlenecks.
    pub fn gst(trunk: impl Into<TrunkConfig>, classes: usize) -> Self {
        Self { temporal: Temporal::Grouped(Grouping::GST), ..Self::tsn(trunk, classes) }
    }

    /// GST-Large: both convolutions of [`RecognizerConfig::gst`] see all channels.
    pub fn gst_large(trunk: impl Into<TrunkConfig>, classes: usize) -> Self {
        Self { temporal: Temporal::Grouped(Grouping::LARGE), ..Self::tsn(trunk, classes) }
    }

    /// TEA (Li et al., CVPR 2020): bottlenecks of four groups of channels, which motion excites and filters over time look
    /// over. The trunk is a ResNet of bottlenecks.
    pub fn tea(trunk: impl Into<TrunkConfig>, classes: usize) -> Self {
        Self { temporal: Temporal::Excited, ..Self::tsn(trunk, classes) }
    }

    /// TPN (Yang et al., CVPR 2020) as published for Something-Something: a trunk whose blocks shift their input, and a
    /// pyramid over its last two stages. The network of the publication has [`super::ResNetConfig::resnet50`].
    pub fn tpn(trunk: impl Into<TrunkConfig>, classes: usize) -> Self {
        let temporal = Temporal::ShiftBlock { divisor: SHIFT_DIVISOR };
        Self { temporal, pyramid_groups: Some(32), ..Self::tsn(trunk, classes) }
    }
}
