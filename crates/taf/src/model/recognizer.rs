use burn::module::Module;
use burn::tensor::{Device, Int, Tensor};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use taf_checkpoint::layout::{Home, Part};

use super::{
    ConsensusHead, Pass, PixelNorm, PublishedNames, Temporal, TpnConfig, TpnNeck, Trunk, TrunkConfig, VideoModel,
    VideoOutput, tpn,
};
use crate::ops;

/// What a [`Recognizer`] is built from.
#[derive(Clone, Debug, PartialEq)]
pub struct RecognizerConfig {
    /// The trunk that looks at each frame.
    pub trunk: TrunkConfig,
    /// How the trunk's blocks see neighbouring frames.
    pub temporal: Temporal,
    /// Groups of the pyramid between trunk and classifier, for networks that have one.
    pub pyramid_groups: Option<usize>,
    /// Number of classes.
    pub classes: usize,
    /// Dropout before the classifier, in [0, 1).
    pub dropout: f64,
    /// Rate at which a clip takes only the shortcut of the last residual block while training, in [0, 1); less in those before.
    pub drop_path: f64,
    /// Normalisation of pixels.
    pub pixels: PixelNorm,
}

impl RecognizerConfig {
    /// TSN (Wang et al., ECCV 2016): every frame for itself, logits averaged.
    pub fn tsn(trunk: impl Into<TrunkConfig>, classes: usize) -> Self {
        Self {
            trunk: trunk.into(),
            temporal: Temporal::None,
            pyramid_groups: None,
            classes,
            dropout: 0.5,
            drop_path: 0.0,
            pixels: PixelNorm::IMAGENET,
        }
    }

    fn neck(&self) -> Option<TpnConfig> {
        let Self { trunk, pyramid_groups, classes, dropout, .. } = self;
        let config =
            |groups| TpnConfig { channels: trunk.channels_out() / 2, groups, classes: *classes, dropout: *dropout };
        pyramid_groups.map(config)
    }

    /// Builds the network with weights drawn from `seed`.
    ///
    /// # Panics
    /// If there is a pyramid whose groups do not divide the channels, or over a trunk that is no ResNet of two stages or
    /// more; if `temporal` does not fit the trunk: see [`Trunk::new`].
    pub fn init(&self, device: &Device, seed: u64) -> Recognizer {
        let two_stages = matches!(&self.trunk, TrunkConfig::ResNet(config) if config.layers.len() >= 2);
        assert!(self.pyramid_groups.is_none() || two_stages, "a pyramid stands on the last two stages of a ResNet");
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let channels = self.trunk.channels_out();
        Recognizer {
            trunk: Trunk::new(&self.trunk, self.temporal, device, &mut rng).with_drop_path(self.drop_path),
            neck: self.neck().map(|neck| TpnNeck::new(&neck, device, &mut rng)),
            head: match self.pyramid_groups {
                None => ConsensusHead::new(channels, self.classes, self.dropout, device, &mut rng),
                Some(_) => {
                    ConsensusHead::spread(tpn::DEVIATION, [channels, self.classes], self.dropout, device, &mut rng)
                }
            },
            pixels: self.pixels,
        }
    }
}

/// A trunk, which looks at frames, and a classifier, which averages what it says of them: TSN, and with temporal
/// modules in its trunk TSM, TAM and GST. With a pyramid between the two: TPN.
#[derive(Module, Debug)]
pub struct Recognizer {
    trunk: Trunk,
    neck: Option<TpnNeck>,
    head: ConsensusHead,
    #[module(skip)]
    pixels: PixelNorm,
}

impl Recognizer {
    /// What the auxiliary classifier says, `[batch, classes]`, where the network has one. Training gets it from
    /// [`VideoOutput::auxiliary`]; inference does without it.
    pub fn auxiliary_logits(&self, clips: Tensor<5>, pass: &mut Pass) -> Option<Tensor<2>> {
        let [_, time, ..] = clips.dims();
        let stages = self.trunk.forward(self.pixels.to_images(clips), time, pass);
        let (neck, earlier) = self.neck.as_ref().zip(stages.earlier)?;
        Some(neck.auxiliary(by_clip(earlier, time), pass).logits)
    }

    /// How the logit of one class per clip grows with each value of [`VideoOutput::features`], in its shape, as
    /// constants. `None` without a pyramid: there the slopes are the classifier's weights.
    ///
    /// What the earlier stage contributes is held constant, and running statistics are used whatever the output was
    /// computed with.
    pub fn feature_slopes(&self, output: &VideoOutput, classes: Tensor<1, Int>) -> Option<Tensor<5>> {
        let (neck, head) = (self.neck.as_ref()?.valid(), self.head.valid());
        let pass = &mut Pass::inference();
        let earlier = output.context[0].clone().without_autodiff();
        let features = output.features.clone().without_autodiff().autodiff().require_grad();
        let logits = head.forward(neck.fuse(earlier, features.clone(), pass), pass);
        let chosen = classes.one_hot::<2>(head.classes()).float();
        Some(features.grad(&(logits * chosen).sum().backward()).expect("the logits depend on the features"))
    }

    fn classify_pyramid(
        &self,
        neck: &TpnNeck,
        earlier: Tensor<5>,
        features: Tensor<5>,
        pass: &mut Pass,
    ) -> VideoOutput {
        let level = neck.earlier_level(earlier.clone(), pass);
        let fused = neck.fuse(level.clone(), features.clone(), pass);
        let logits = self.head.forward(fused, pass);
        let auxiliary = pass.is_training().then(|| neck.auxiliary(earlier, pass));
        VideoOutput { logits, features, context: vec![level], auxiliary }
    }
}

impl VideoModel for Recognizer {
    fn forward(&self, clips: Tensor<5>, pass: &mut Pass) -> VideoOutput {
        let [_, time, ..] = clips.dims();
        let stages = self.trunk.forward(self.pixels.to_images(clips), time, pass);
        let features = by_clip(stages.last, time);
        match self.neck.as_ref().zip(stages.earlier) {
            Some((neck, earlier)) => self.classify_pyramid(neck, by_clip(earlier, time), features, pass),
            None => VideoOutput::new(self.head.forward(features.clone(), pass), features),
        }
    }

    /// With a pyramid, whose classifier does not see single frames: the sum of [`Recognizer::feature_slopes`] over frames and
    /// places (Grad-CAM, Selvaraju et al., ICCV 2017, where it is their mean). Of a classifier that averages features the sum is
    /// its row, so that the maps of all networks are of one scale.
    fn cam_weights(&self, output: &VideoOutput, classes: Tensor<1, Int>) -> Tensor<2> {
        let Some(slopes) = self.feature_slopes(output, classes.clone()) else { return self.head.cam_weights(classes) };
        let [batch, time, height, width, channels] = slopes.dims();
        let places = time * height * width;
        ops::average_pool(slopes.reshape([batch, places, channels])) * places as f64
    }

    /// Without a pyramid the classifier's rows; with one the slopes stay constants.
    fn learnt_cam_weights(&self, output: &VideoOutput, classes: Tensor<1, Int>) -> Tensor<2> {
        match &self.neck {
            None => self.head.rows(classes),
            Some(_) => self.cam_weights(output, classes),
        }
    }

    fn classes(&self) -> usize {
        self.head.classes()
    }

    fn is_head(&self, parameter: &str) -> bool {
        parameter.starts_with("head.") || parameter.starts_with("neck.auxiliary.head.")
    }

    fn publish(&self, names: &mut PublishedNames) {
        let home = if self.neck.is_some() { Home::TPN } else { Home::TSN };
        names.of(home, Part::Trunk, |names| self.trunk.publish(names));
        names.of(home, Part::Classifier, |names| self.head.publish(names));
        if let Some(neck) = &self.neck {
            names.of(home, Part::Neck, |names| neck.publish(names));
        }
    }

    fn with_auxiliary_norms(self) -> Self {
        Self { trunk: self.trunk.with_auxiliary_norms(), neck: self.neck.map(TpnNeck::with_auxiliary_norms), ..self }
    }
}

/// Images of whole clips, `[batch * time, height, width, channels]`, by clip.
fn by_clip(images: Tensor<4>, time: usize) -> Tensor<5> {
    let [count, height, width, channels] = images.dims();
    ops::reshape(images, [count / time, time, height, width, channels])
}
