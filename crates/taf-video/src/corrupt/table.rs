//! Every corruption: a row has its doc, its variant, its name, its family and its work.
//!
//! A name means one table of severities for ever, since stored results refer to it. Where a benchmark has another table for a
//! name, its corruption has the benchmark's name behind its own: `_ssv2c` and `_kineticsc` (Yi et al., NeurIPS Datasets and
//! Benchmarks 2021), `_ssv2p` (Schiappa et al., CVPR 2023).

use serde::{Deserialize, Serialize};

use super::stream::{Codec, Damage};
use super::{Family, Work};
use super::{
    blur, camera, digital, disorder, elastic, fog, frost, glass, noise, occlusion, packets, rain, snow, span, spatter,
    temporal,
};

macro_rules! corruptions {
    ($($(#[$doc:meta])* $variant:ident $name:literal $family:ident $work:expr;)+) => {
        /// A way to spoil a clip. In recipes and results it goes by its [`name`](Self::name).
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub enum Corruption { $($(#[$doc])* $variant,)+ }

        impl Corruption {
            /// Every corruption, family by family.
            pub const ALL: [Self; [$($name),+].len()] = [$(Self::$variant),+];

            /// The name users write: that of ImageNet-C where it has one.
            pub fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)+ }
            }

            /// What kind of trouble it is.
            pub fn family(self) -> Family {
                match self { $(Self::$variant => Family::$family,)+ }
            }

            pub(super) fn work(self) -> Work {
                match self { $(Self::$variant => $work,)+ }
            }
        }
    };
}

corruptions! {
    /// Noise of a dim sensor: normal, standard deviation 0.08, 0.12, 0.18, 0.26, 0.38 of full scale.
    GaussianNoise "gaussian_noise" Noise Work::Frame(noise::gaussian);
    /// Noise of counted light: Poisson, with 60, 25, 12, 5, 3 counts at full scale.
    ShotNoise "shot_noise" Noise Work::Frame(noise::shot);
    /// Values replaced by 0 or 255, as often each: a share of 0.03, 0.06, 0.09, 0.17, 0.27.
    ImpulseNoise "impulse_noise" Noise Work::Frame(noise::impulse);
    /// Normal noise in proportion to the value: 0.15, 0.2, 0.35, 0.45, 0.6.
    SpeckleNoise "speckle_noise" Noise Work::Frame(noise::speckle);
    /// Shot noise as in SSv2-P: 250, 100, 50, 30, 15 counts at full scale.
    ShotNoiseSsv2P "shot_noise_ssv2p" Noise Work::Frame(noise::shot_ssv2p);
    /// Speckle noise as in SSv2-P: 0.15, 0.2, 0.25, 0.3, 0.35.
    SpeckleNoiseSsv2P "speckle_noise_ssv2p" Noise Work::Frame(noise::speckle_ssv2p);
    /// Values replaced by 0. ViTTA (Lin et al., CVPR 2023) names it and publishes no share: that of impulse noise is taken.
    PepperNoise "pepper_noise" Noise Work::Frame(noise::pepper);
    /// Values replaced by 255, otherwise as pepper.
    SaltNoise "salt_noise" Noise Work::Frame(noise::salt);
    /// Gaussian of standard deviation 1, 2, 3, 4, 6 pixels at 224.
    GaussianBlur "gaussian_blur" Blur Work::Frame(blur::gaussian);
    /// A lens out of focus: a disc of radius 3, 4, 6, 8, 10 pixels at 224.
    DefocusBlur "defocus_blur" Blur Work::Frame(blur::defocus);
    /// Frosted glass: pixels change places with those up to 1, 2, 2, 3, 4 pixels at 224 away, 2, 1, 3, 2, 2 times, between two
    /// Gaussians of standard deviation 0.7, 0.9, 1, 1.1, 1.5. The glass stays for the clip.
    GlassBlur "glass_blur" Blur Work::Clip(glass::glass);
    /// A camera that moves while the shutter is open, 15 to 20 pixels at 224. ImageNet-C's smear; its direction, within 45
    /// degrees of level, is one for the clip.
    MotionBlur "motion_blur" Blur Work::Clip(blur::motion);
    /// A camera that closes in while the shutter is open, up to a factor of 1.10, 1.15, 1.20, 1.24, 1.30.
    ZoomBlur "zoom_blur" Blur Work::Frame(blur::zoom);
    /// The smear of `motion_blur` in a direction of its own for every frame, as in SSv2-P.
    MotionBlurSsv2P "motion_blur_ssv2p" Blur Work::Frame(blur::motion_each);
    /// A shutter open for 2, 4, 6, 8, 12 frames of the video: the mean of as many before a frame as from it on. Mini-SSV2-C.
    MotionBlurSsv2C "motion_blur_ssv2c" Blur Work::Exposure([1, 2, 3, 4, 6]);
    /// A shutter open for 6, 10, 14, 18, 22 frames of the video. Mini-Kinetics-C.
    MotionBlurKineticsC "motion_blur_kineticsc" Blur Work::Exposure([3, 5, 7, 9, 11]);
    /// Overexposure: 0.1, 0.2, 0.3, 0.4, 0.5 added to the value of HSV.
    Brightness "brightness" Digital Work::Frame(digital::brightness);
    /// Flat light: distances to the mean of each channel times 0.4, 0.3, 0.2, 0.1, 0.05.
    Contrast "contrast" Digital Work::Frame(digital::contrast);
    /// Contrast as in Mini-SSV2-C and Mini-Kinetics-C: 0.5, 0.4, 0.3, 0.2, 0.1.
    ContrastSsv2C "contrast_ssv2c" Digital Work::Frame(digital::contrast_ssv2c);
    /// The saturation of HSV times 0.3, 0.1, 2, 5, 20, plus 0, 0, 0, 0.1, 0.2. Severities 1 and 2 fade, the others exaggerate.
    Saturate "saturate" Digital Work::Frame(digital::saturate);
    /// JPEG of quality 25, 18, 15, 10, 7 with halved colour resolution.
    JpegCompression "jpeg_compression" Digital Work::Frame(digital::jpeg);
    /// Resolution times 0.6, 0.5, 0.4, 0.3, 0.25, shown as squares.
    Pixelate "pixelate" Digital Work::Frame(digital::pixelate);
    /// The picture on rubber, stretched once for the clip. Severities 1 and 2 turn and shear it by up to 24 and 49 pixels at 224
    /// (and 2 waves it), the others ripple it more and more; so 3 lies nearer to the clean picture than 2.
    ElasticTransform "elastic_transform" Digital Work::Clip(elastic::elastic);
    /// The clip is cut too early: every frame comes 5, 10, 15, 20, 25 % of the video's length sooner, the first at the least.
    StartEarlier "start_earlier" Temporal Work::Indices(temporal::start_earlier);
    /// The clip is cut too late: every frame comes 5, 10, 15, 20, 25 % of the video's length later, the last at the most.
    StartLater "start_later" Temporal Work::Indices(temporal::start_later);
    /// Frames are lost: 1 to 5 eighths of them, anywhere, each replaced by the one before it (the first by the one after).
    DroppedFrames "dropped_frames" Temporal Work::Indices(temporal::dropped);
    /// The stream hangs: the picture stands still for the last 1 to 5 eighths of the clip.
    FrozenFrames "frozen_frames" Temporal Work::Indices(temporal::frozen);
    /// The signal is lost: the middle 1 to 5 eighths of the clip are black.
    BlackFrames "black_frames" Temporal Work::Span(temporal::lost_frames, span::black);
    /// Frames arrive in disorder within stretches of 2, 3, 4, 6, 8 eighths of the clip. The lengths of UCF101-P presume 128
    /// frames and mean little for the 8 or 16 a network sees.
    Jumble "jumble" Temporal Work::Indices(temporal::jumble);
    /// Stretches of 2, 3, 4, 6, 8 eighths of the clip play backwards; at severity 5 all of it.
    Reverse "reverse" Temporal Work::Indices(temporal::reverse);
    /// The video plays 1.25, 1.5, 2, 2.5, 3 times too fast from the clip's first frame on; its last one stands to the end.
    TooFast "too_fast" Temporal Work::Indices(temporal::too_fast);
    /// The video plays 1.25, 1.5, 2, 2.5, 3 times too slowly from the clip's first frame on: its end is not reached.
    TooSlow "too_slow" Temporal Work::Indices(temporal::too_slow);
    /// The middle frame of the clip stands for 2, 3, 4, 6, 8 eighths of it; at severity 5 it is all there is.
    MiddleFrame "middle_frame" Temporal Work::Indices(temporal::middle_frame);
    /// One frame of the clip, drawn, is shown in 2, 3, 4, 6, 8 eighths of its places; at severity 5 it is all there is.
    RepeatedFrame "repeated_frame" Temporal Work::Indices(temporal::repeated_frame);
    /// Every 2nd, 4th, 8th, 16th, 32nd of 128 frames of the video, held until the next. SSv2-P; of another number of frames the
    /// same share, but at least every 2nd.
    Sampling "sampling" Temporal Work::Indices(disorder::sampling);
    /// The video that `sampling` shows, backwards. SSv2-P.
    ReverseSampling "reverse_sampling" Temporal Work::Indices(disorder::reverse_sampling);
    /// Frames of the video in disorder within stretches of 32, 16, 8, 4, 2 of 128: the higher the severity, the shorter. SSv2-P.
    JumbleSsv2P "jumble_ssv2p" Temporal Work::Indices(disorder::jumble);
    /// Stretches of 4, 9, 16, 25, 36 of 128 frames of the video in disorder, each whole. SSv2-P.
    BoxJumble "box_jumble" Temporal Work::Indices(disorder::box_jumble);
    /// 40, 20, 10, 5 % of the video's frames, anywhere, at severity 5 one alone; each is held until the next. SSv2-P.
    Freeze "freeze" Temporal Work::Indices(disorder::freeze);
    /// Fog of thickness 1.5, 2, 2.5, 2.5, 3 times full scale, a fractal whose jitter falls by 2, 2, 1.7, 1.5, 1.4 from scale to
    /// scale. One layer for the clip, as in Mini-SSV2-C; ImageNet-C has the same table.
    Fog "fog" Weather Work::Clip(fog::fog);
    /// Frost on the lens: the picture times 1, 0.8, 0.7, 0.65, 0.6 and frost times 0.4, 0.6, 0.7, 0.7, 0.75. The frost is grown by
    /// rule instead of photographed, and stays for the clip.
    Frost "frost" Weather Work::Clip(frost::frost);
    /// Rain: a drop for every 770, 770, 770, 500, 400 pixels, 10, 30, 60, 60, 80 pixels long at 224, new in every frame, and the
    /// contrast times 0.8, 0.8, 0.7, 0.6, 0.5. Mini-SSV2-C.
    Rain "rain" Weather Work::Frame(rain::rain);
    /// Snow: flakes of 3, 2, 4, 4.5, 2.5 pixels at 224, smeared on the way down, new in every frame. Its severities change kind
    /// as well as amount.
    Snow "snow" Weather Work::Clip(snow::snow);
    /// Drops on the lens that stay for the clip: water at severities 1 to 3, finer each time, mud at 4 and 5.
    Spatter "spatter" Weather Work::Clip(spatter::spatter);
    /// The picture moved by up to 8, 16, 24, 32, 40 pixels at 224 to the left and up, anew in every frame, as the paper of SSv2-P
    /// says (its evaluation draws once a clip).
    Translate "translate" Camera Work::Frame(camera::translate);
    /// The picture turned by up to 7, 13, 19, 25, 31 degrees to either side, anew in every frame. SSv2-P.
    Rotate "rotate" Camera Work::Frame(camera::rotate);
    /// The picture turned to the left by 7.5, 15, 30, 45, 90 degrees in all frames. SSv2-P.
    StaticRotate "static_rotate" Camera Work::Frame(camera::static_rotate);
    /// The middle 1, 5, 10 % of the clip are black, at least one frame. THUMOS14-C; severities 4 and 5 go on to 25 and 50 %.
    BlackSpan "black_span" Span Work::Span(span::share, span::black);
    /// The middle of the clip, as of `black_span`, is overexposed: 100 of 255 added to every channel. THUMOS14-C.
    OverexposedSpan "overexposed_span" Span Work::Span(span::share, span::overexposed);
    /// The middle 1 to 5 eighths of the clip, as of `black_frames`, are overexposed.
    OverexposedFrames "overexposed_frames" Span Work::Span(temporal::lost_frames, span::overexposed);
    /// The middle of the clip, as of `black_span`, is smeared like `motion_blur` of severity 5, each frame another way. THUMOS14-C.
    BlurredSpan "blurred_span" Span Work::Span(span::share, span::blurred);
    /// The middle 1 to 5 eighths of the clip, as of `black_frames`, are smeared.
    BlurredFrames "blurred_frames" Span Work::Span(temporal::lost_frames, span::blurred);
    /// The middle of the clip, as of `black_span`, has a hand before it, drawn by rule, and loses detail to medians of 7x7 pixels
    /// at 224. THUMOS14-C.
    OccludedSpan "occluded_span" Span Work::Span(span::share, occlusion::occluded);
    /// The middle 1 to 5 eighths of the clip, as of `black_frames`, have a hand before them.
    OccludedFrames "occluded_frames" Span Work::Span(temporal::lost_frames, occlusion::occluded);
    /// The middle of the clip, as of `black_span`, has bands of neighbouring frames and small blocks of one colour. THUMOS14-C.
    LostPacketsSpan "lost_packets_span" Span Work::Span(span::share, packets::lost_packets);
    /// The middle 1 to 5 eighths of the clip, as of `black_frames`, lost packets.
    LostPacketsFrames "lost_packets_frames" Span Work::Span(temporal::lost_frames, packets::lost_packets);
    /// The whole video in H.264 at constant rate factors 23, 30, 37, 44, 51. Mini-SSV2-C.
    H264Crf "h264_crf" Stream Work::Stream(Damage::Factor(Codec::H264, [23, 30, 37, 44, 51]));
    /// In H.265 at constant rate factors 27, 33, 39, 45, 51. Mini-SSV2-C.
    H265Crf "h265_crf" Stream Work::Stream(Damage::Factor(Codec::H265, [27, 33, 39, 45, 51]));
    /// In H.264 at 1/2, 1/4, 1/8, 1/16, 1/32 of the source's bit rate, which no second exceeds. Mini-SSV2-C asks the file for that
    /// rate; here it is what the video takes at factor 23, whatever it is stored in.
    H264Abr "h264_abr" Stream Work::Stream(Damage::BitRate(Codec::H264, [2, 4, 8, 16, 32]));
    /// In H.265 at the bit rates of `h264_abr`. Mini-SSV2-C; ViTTA.
    H265Abr "h265_abr" Stream Work::Stream(Damage::BitRate(Codec::H265, [2, 4, 8, 16, 32]));
    /// About one byte of 100000, 50000, 30000, 20000, 10000 of the H.264 stream is another. Mini-SSV2-C, whose videos are VP9.
    BitError "bit_error" Stream Work::Stream(Damage::Noise([100_000, 50_000, 30_000, 20_000, 10_000]));
    /// 1, 2, 3, 4, 6 % of the network's packets with the H.264 stream are lost. Mini-SSV2-C.
    PacketLoss "packet_loss" Stream Work::Stream(Damage::Loss([0.01, 0.02, 0.03, 0.04, 0.06]));
    /// The whole video in H.265 at 10, 8, 6, 4, 2 frames a second. Mini-SSV2-C.
    FrameRateSsv2C "frame_rate_ssv2c" Stream Work::Stream(Damage::FrameRate([10.0, 8.0, 6.0, 4.0, 2.0]));
    /// At 20, 16, 12, 9, 6 frames a second. Mini-Kinetics-C.
    FrameRateKineticsC "frame_rate_kineticsc" Stream Work::Stream(Damage::FrameRate([20.0, 16.0, 12.0, 9.0, 6.0]));
    /// In MPEG-2 with quantisers 20, 40, 60, 80, 100, as SSv2-P asks for: above 31 the encoder only counts bits for more.
    Mpeg1 "mpeg1" Stream Work::Stream(Damage::Quantiser(Codec::Mpeg2, [20, 40, 60, 80, 100]));
    /// In MPEG-4 part 2 with quantisers 15, 30, 45, 60, 75, as SSv2-P asks for: above 31 the encoder only counts bits for more.
    Mpeg2 "mpeg2" Stream Work::Stream(Damage::Quantiser(Codec::Mpeg4, [15, 30, 45, 60, 75]));
}
