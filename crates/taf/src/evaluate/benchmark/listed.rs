//! The table of benchmarks.

use std::num::NonZeroUsize;

use taf_report::page::Measure;
use taf_video::corrupt::Corruption;

use super::published::{PublishedRow, YI_2021_KINETICS, YI_2021_SSV2};

/// A benchmark as data.
pub struct Listed {
    pub name: &'static str,
    pub summary: &'static str,
    pub source: &'static str,
    pub measures: &'static [Measure],
    pub asks: Asks,
    /// What it has elsewhere and not here.
    pub lacks: &'static [&'static str],
    pub published: &'static [PublishedRow],
}

/// What is asked.
pub enum Asks {
    /// Corruptions, each at these severities.
    Corruptions(&'static [Row], &'static [u8]),
    /// Clips of so many frames.
    Frames(&'static [NonZeroUsize]),
}

/// A corruption, and how the benchmark calls it where that is another name.
#[derive(Clone, Copy)]
pub struct Row {
    pub corruption: Corruption,
    pub name: Option<&'static str>,
}

const fn own(corruption: Corruption) -> Row {
    Row { corruption, name: None }
}

const fn called(name: &'static str, corruption: Corruption) -> Row {
    Row { corruption, name: Some(name) }
}

const ALL: &[u8] = &[1, 2, 3, 4, 5];
const PERCENTAGES: &[Measure] = &[Measure::Mpc, Measure::Rpc];
const GAMMAS: &[Measure] = &[Measure::Mpc, Measure::AbsoluteGamma, Measure::RelativeGamma];

pub const LISTED: &[Listed] = &[
    Listed {
        name: "mini-ssv2-c",
        summary: "noise, blur, light, weather and damaged streams, as videos meet them on their way",
        source: "Yi et al., NeurIPS Datasets and Benchmarks 2021 (arXiv 2110.06513), with the levels of its Mini-SSV2 script. Streams are \
                 damaged in other ways than its own: docs/corruptions.md, notes 11 to 15.",
        measures: PERCENTAGES,
        asks: Asks::Corruptions(MINI_SSV2_C, ALL),
        lacks: &[],
        published: YI_2021_SSV2,
    },
    Listed {
        name: "mini-kinetics-c",
        summary: "the same with the shutter and the frame rates meant for Kinetics",
        source: "Yi et al., NeurIPS Datasets and Benchmarks 2021 (arXiv 2110.06513), with the levels of its Mini-Kinetics script. \
                 Streams are damaged in other ways than its own: docs/corruptions.md, notes 11 to 15.",
        measures: PERCENTAGES,
        asks: Asks::Corruptions(MINI_KINETICS_C, ALL),
        lacks: &[],
        published: YI_2021_KINETICS,
    },
    Listed {
        name: "vitta",
        summary: "twelve corruptions at their worst",
        source: "Lin et al., Video Test-Time Adaptation, CVPR 2023. It publishes no table of levels: docs/corruptions.md.",
        measures: PERCENTAGES,
        asks: Asks::Corruptions(VITTA, &[5]),
        lacks: &[],
        published: &[],
    },
    Listed {
        name: "imagenet-c",
        summary: "the fifteen corruptions of ImageNet-C on every frame",
        source: "Hendrycks and Dietterich, ICLR 2019. Its error against AlexNet has no counterpart for videos: mPC and rPC \
                 stand in its place.",
        measures: PERCENTAGES,
        asks: Asks::Corruptions(IMAGENET_C, ALL),
        lacks: &[],
        published: &[],
    },
    Listed {
        name: "imagenet-c-extra",
        summary: "the four corruptions that ImageNet-C keeps for validation",
        source: "Hendrycks and Dietterich, ICLR 2019.",
        measures: PERCENTAGES,
        asks: Asks::Corruptions(IMAGENET_C_EXTRA, ALL),
        lacks: &[],
        published: &[],
    },
    Listed {
        name: "ssv2-p",
        summary: "noise, blur, compression, a moving camera and a broken order of frames",
        source: "Schiappa et al., CVPR 2023 (arXiv 2207.01398).",
        measures: GAMMAS,
        asks: Asks::Corruptions(SSV2_P, ALL),
        lacks: &[],
        published: &[],
    },
    Listed {
        name: "thumos14-c",
        summary: "the middle 1, 5 and 10 % of a clip spoiled, at least one frame",
        source: "Zeng et al., CVPR 2024, who spoil the middle of an action in a long video.",
        measures: PERCENTAGES,
        asks: Asks::Corruptions(THUMOS14_C, &[1, 2, 3]),
        lacks: &[],
        published: &[],
    },
    Listed {
        name: "spans",
        summary: "one to five eighths of a clip spoiled, in its middle",
        source: "The corruptions of Zeng et al., CVPR 2024, over more frames, in levels of this program's own.",
        measures: PERCENTAGES,
        asks: Asks::Corruptions(SPANS, ALL),
        lacks: &[],
        published: &[],
    },
    Listed {
        name: "temporal",
        summary: "clips that start too early or too late, play too fast or too slowly, or lose frames",
        source: "The temporal shifts of Duan et al., IJCAI 2023, in levels of this program's own.",
        measures: PERCENTAGES,
        asks: Asks::Corruptions(TEMPORAL, ALL),
        lacks: &[],
        published: &[],
    },
    Listed {
        name: "order",
        summary: "clips in another order or standing still, which a network that uses time must notice",
        source: "An old question, asked by many; here in forms of this program's own.",
        measures: PERCENTAGES,
        asks: Asks::Corruptions(ORDER, &[5]),
        lacks: &[],
        published: &[],
    },
    Listed {
        name: "frames",
        summary: "the same network on clips of other lengths",
        source: "As Zhang et al., Frame Flexible Network, CVPR 2023, measure it; networks for one length alone cannot be asked.",
        measures: &[Measure::Mpc],
        asks: Asks::Frames(FRAMES),
        lacks: &[],
        published: &[],
    },
];

const FRAMES: &[NonZeroUsize] =
    &[NonZeroUsize::new(4).unwrap(), NonZeroUsize::new(8).unwrap(), NonZeroUsize::new(16).unwrap()];

const MINI_SSV2_C: &[Row] = &[
    own(Corruption::ShotNoise),
    called("motion_blur", Corruption::MotionBlurSsv2C),
    own(Corruption::Fog),
    called("contrast", Corruption::ContrastSsv2C),
    own(Corruption::Brightness),
    own(Corruption::Saturate),
    own(Corruption::Rain),
    own(Corruption::BitError),
    own(Corruption::PacketLoss),
    own(Corruption::H264Crf),
    own(Corruption::H265Crf),
    called("frame_rate", Corruption::FrameRateSsv2C),
];

const MINI_KINETICS_C: &[Row] = &[
    own(Corruption::ShotNoise),
    called("motion_blur", Corruption::MotionBlurKineticsC),
    own(Corruption::Fog),
    called("contrast", Corruption::ContrastSsv2C),
    own(Corruption::Brightness),
    own(Corruption::Saturate),
    own(Corruption::Rain),
    own(Corruption::BitError),
    own(Corruption::PacketLoss),
    own(Corruption::H264Crf),
    own(Corruption::H265Crf),
    called("frame_rate", Corruption::FrameRateKineticsC),
];

const VITTA: &[Row] = &[
    own(Corruption::GaussianNoise),
    own(Corruption::PepperNoise),
    own(Corruption::SaltNoise),
    own(Corruption::ShotNoise),
    own(Corruption::ImpulseNoise),
    own(Corruption::ZoomBlur),
    own(Corruption::DefocusBlur),
    own(Corruption::MotionBlur),
    own(Corruption::JpegCompression),
    // ViTTA publishes no table; its rain and its bit rates are those of Mini-SSV2-C, and so its contrast is taken to be.
    own(Corruption::ContrastSsv2C),
    own(Corruption::Rain),
    own(Corruption::H265Abr),
];

const IMAGENET_C: &[Row] = &[
    own(Corruption::GaussianNoise),
    own(Corruption::ShotNoise),
    own(Corruption::ImpulseNoise),
    own(Corruption::DefocusBlur),
    own(Corruption::GlassBlur),
    own(Corruption::MotionBlur),
    own(Corruption::ZoomBlur),
    own(Corruption::Snow),
    own(Corruption::Frost),
    own(Corruption::Fog),
    own(Corruption::Brightness),
    own(Corruption::Contrast),
    own(Corruption::ElasticTransform),
    own(Corruption::Pixelate),
    own(Corruption::JpegCompression),
];

const IMAGENET_C_EXTRA: &[Row] = &[
    own(Corruption::SpeckleNoise),
    own(Corruption::GaussianBlur),
    own(Corruption::Spatter),
    own(Corruption::Saturate),
];

const SSV2_P: &[Row] = &[
    own(Corruption::GaussianNoise),
    called("shot_noise", Corruption::ShotNoiseSsv2P),
    own(Corruption::ImpulseNoise),
    called("speckle_noise", Corruption::SpeckleNoiseSsv2P),
    own(Corruption::DefocusBlur),
    called("motion_blur", Corruption::MotionBlurSsv2P),
    own(Corruption::ZoomBlur),
    own(Corruption::JpegCompression),
    own(Corruption::Mpeg1),
    own(Corruption::Mpeg2),
    own(Corruption::StaticRotate),
    own(Corruption::Rotate),
    own(Corruption::Translate),
    own(Corruption::Sampling),
    own(Corruption::ReverseSampling),
    called("jumble", Corruption::JumbleSsv2P),
    own(Corruption::BoxJumble),
    own(Corruption::Freeze),
];

const THUMOS14_C: &[Row] = &[
    own(Corruption::BlackSpan),
    own(Corruption::OverexposedSpan),
    own(Corruption::BlurredSpan),
    own(Corruption::OccludedSpan),
    own(Corruption::LostPacketsSpan),
];

const SPANS: &[Row] = &[
    own(Corruption::BlackFrames),
    own(Corruption::OverexposedFrames),
    own(Corruption::BlurredFrames),
    own(Corruption::OccludedFrames),
    own(Corruption::LostPacketsFrames),
];

const TEMPORAL: &[Row] = &[
    own(Corruption::StartEarlier),
    own(Corruption::StartLater),
    own(Corruption::TooFast),
    own(Corruption::TooSlow),
    own(Corruption::DroppedFrames),
    own(Corruption::FrozenFrames),
    own(Corruption::BlackFrames),
];

const ORDER: &[Row] = &[
    called("reversed", Corruption::Reverse),
    called("shuffled", Corruption::Jumble),
    called("frozen", Corruption::FrozenFrames),
    called("middle frame alone", Corruption::MiddleFrame),
    called("one frame repeated", Corruption::RepeatedFrame),
];
