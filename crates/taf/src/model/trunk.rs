use burn::module::Module;
use burn::tensor::{Device, Tensor};
use rand_chacha::ChaCha8Rng;

use super::{MobileNetV2, MobileNetV2Config, Pass, PublishedNames, ResNet, ResNetConfig, StageOutputs, Temporal};

/// Shape of the network that looks at frames.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TrunkConfig {
    /// Residual blocks in stages.
    ResNet(ResNetConfig),
    /// Inverted residual blocks.
    MobileNetV2(MobileNetV2Config),
}

impl From<ResNetConfig> for TrunkConfig {
    fn from(config: ResNetConfig) -> Self {
        Self::ResNet(config)
    }
}

impl From<MobileNetV2Config> for TrunkConfig {
    fn from(config: MobileNetV2Config) -> Self {
        Self::MobileNetV2(config)
    }
}

impl TrunkConfig {
    /// Channels of the last features.
    pub fn channels_out(&self) -> usize {
        match self {
            Self::ResNet(config) => config.channels_out(),
            Self::MobileNetV2(config) => config.channels_out(),
        }
    }
}

/// The network that looks at frames, on channels-last images.
#[derive(Module, Debug)]
#[expect(clippy::large_enum_variant, reason = "a network has one trunk, and its weights are elsewhere")]
pub enum Trunk {
    /// Residual blocks in stages.
    ResNet(ResNet),
    /// Inverted residual blocks.
    MobileNetV2(MobileNetV2),
}

impl Trunk {
    /// Builds the trunk with fresh weights. `temporal` says how blocks look at neighbouring frames.
    ///
    /// # Panics
    /// If `temporal` is not defined for the trunk's blocks: see [`ResNet::new`] and [`MobileNetV2::new`].
    pub fn new(config: &TrunkConfig, temporal: Temporal, device: &Device, rng: &mut ChaCha8Rng) -> Self {
        match config {
            TrunkConfig::ResNet(config) => Self::ResNet(ResNet::new(config, temporal, device, rng)),
            TrunkConfig::MobileNetV2(config) => Self::MobileNetV2(MobileNetV2::new(config, temporal, device, rng)),
        }
    }

    /// `[n, height, width, 3]`, whole clips of `time` frames, to features.
    pub fn forward(&self, x: Tensor<4>, time: usize, pass: &mut Pass) -> StageOutputs {
        match self {
            Self::ResNet(trunk) => trunk.forward(x, time, pass),
            Self::MobileNetV2(trunk) => StageOutputs { earlier: None, last: trunk.forward(x, time, pass) },
        }
    }

    pub(super) fn publish(&self, names: &mut PublishedNames) {
        match self {
            Self::ResNet(trunk) => trunk.publish(names),
            Self::MobileNetV2(trunk) => trunk.publish(names),
        }
    }

    /// Leaves residual branches out while training, the last block's at this rate, in [0, 1), those before it linearly more
    /// seldom (Huang et al., ECCV 2016).
    pub fn with_drop_path(self, last: f64) -> Self {
        match self {
            Self::ResNet(trunk) => Self::ResNet(trunk.with_drop_path(last)),
            Self::MobileNetV2(trunk) => Self::MobileNetV2(trunk.with_drop_path(last)),
        }
    }

    /// Gives every batch norm an auxiliary branch.
    pub fn with_auxiliary_norms(self) -> Self {
        match self {
            Self::ResNet(trunk) => Self::ResNet(trunk.with_auxiliary_norms()),
            Self::MobileNetV2(trunk) => Self::MobileNetV2(trunk.with_auxiliary_norms()),
        }
    }
}
