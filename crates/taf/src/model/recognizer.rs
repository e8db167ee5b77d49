use burn::module::Module;
use burn::tensor::{Device, Int, Tensor};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

use super::{ConsensusHead, Pass, PixelNorm, ResNet, ResNetConfig, Temporal, VideoModel, VideoOutput};

/// Blocks in the third stage from which TSM shifts only every other block (the published rule for ResNet-101).
const DEEP_STAGE: usize = 23;

/// What a [`Recognizer`] is built from.
#[derive(Clone, Debug, PartialEq)]
pub struct RecognizerConfig {
    /// The trunk that looks at each frame.
    pub trunk: ResNetConfig,
    /// How the trunk's blocks see neighbouring frames.
    pub temporal: Temporal,
    /// Number of classes.
    pub classes: usize,
    /// Dropout before the classifier, in [0, 1).
    pub dropout: f64,
    /// Normalisation of pixels.
    pub pixels: PixelNorm,
}

impl RecognizerConfig {
    /// TSN (Wang et al., ECCV 2016): every frame for itself, logits averaged.
    pub fn tsn(trunk: ResNetConfig, classes: usize) -> Self {
        Self { trunk, temporal: Temporal::None, classes, dropout: 0.5, pixels: PixelNorm::IMAGENET }
    }

    /// TSM (Lin et al., ICCV 2019): TSN with a temporal shift in front of every residual branch; in trunks as deep as
    /// ResNet-101 in front of every other one.
    pub fn tsm(trunk: ResNetConfig, classes: usize) -> Self {
        let every = if trunk.layers.get(2).is_some_and(|&blocks| blocks >= DEEP_STAGE) { 2 } else { 1 };
        let temporal = Temporal::Shift { divisor: 8, every };
        Self { temporal, ..Self::tsn(trunk, classes) }
    }

    /// Builds the network with weights drawn from `seed`.
    pub fn init(&self, device: &Device, seed: u64) -> Recognizer {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        Recognizer {
            trunk: ResNet::new(&self.trunk, self.temporal, device, &mut rng),
            head: ConsensusHead::new(self.trunk.channels_out(), self.classes, self.dropout, device, &mut rng),
            pixels: self.pixels,
        }
    }
}

/// A trunk, which looks at frames, and a classifier, which averages what it says of them: TSN, and with temporal
/// modules in its trunk TSM.
#[derive(Module, Debug)]
pub struct Recognizer {
    trunk: ResNet,
    head: ConsensusHead,
    #[module(skip)]
    pixels: PixelNorm,
}

impl VideoModel for Recognizer {
    fn forward(&self, clips: Tensor<5>, pass: &mut Pass) -> VideoOutput {
        let [batch, time, ..] = clips.dims();
        let features = self.trunk.forward(self.pixels.to_images(clips), time, pass);
        let [_, height, width, channels] = features.dims();
        let features = features.reshape([batch, time, height, width, channels]);
        VideoOutput::new(self.head.forward(features.clone(), pass), features)
    }

    fn cam_weights(&self, _: &VideoOutput, classes: Tensor<1, Int>) -> Tensor<2> {
        self.head.cam_weights(classes)
    }

    fn classes(&self) -> usize {
        self.head.classes()
    }

    fn with_auxiliary_norms(self) -> Self {
        Self { trunk: self.trunk.with_auxiliary_norms(), ..self }
    }
}
