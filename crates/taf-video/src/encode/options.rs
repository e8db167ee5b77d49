use ffmpeg_the_third as ffmpeg;

use ffmpeg::{Dictionary, encoder, ffi};

/// What a video file is compressed with.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum VideoCodec {
    /// H.264 through x264: plays everywhere.
    #[default]
    H264,
    /// HEVC through x265.
    Hevc,
    /// VP8 through libvpx; in webm or mkv.
    Vp8,
    /// VP9 through libvpx.
    Vp9,
    /// AV1 through libaom, SVT-AV1 or rav1e, whichever comes first in this FFmpeg.
    Av1,
    /// MPEG-4 part 2, FFmpeg's own encoder.
    Mpeg4,
}

impl VideoCodec {
    /// All of them, for tests and lists.
    pub const ALL: [Self; 6] = [Self::H264, Self::Hevc, Self::Vp8, Self::Vp9, Self::Av1, Self::Mpeg4];

    /// Whether the FFmpeg at hand can write it.
    pub fn can_encode(self) -> bool {
        self.encoder(Pixels::Yuv420).is_some()
    }

    /// The first encoder for it that this FFmpeg has.
    pub(super) fn encoder(self, pixels: Pixels) -> Option<(&'static str, ffmpeg::Codec)> {
        self.encoder_names(pixels).iter().find_map(|&name| encoder::find_by_name(name).map(|codec| (name, codec)))
    }

    pub(super) fn encoder_names(self, pixels: Pixels) -> &'static [&'static str] {
        match self {
            Self::H264 if pixels == Pixels::Rgb => &["libx264rgb"],
            Self::H264 => &["libx264"],
            Self::Hevc => &["libx265"],
            Self::Vp8 => &["libvpx"],
            Self::Vp9 => &["libvpx-vp9"],
            Self::Av1 => &["libaom-av1", "libsvtav1", "librav1e"],
            Self::Mpeg4 => &["mpeg4"],
        }
    }

    /// Lowest (best), usual and highest value of [`EncodeOptions::quality`].
    pub(super) fn qualities(self) -> [u8; 3] {
        match self {
            Self::H264 => [0, 18, 51],
            Self::Hevc => [0, 20, 51],
            Self::Vp8 => [0, 10, 63],
            Self::Vp9 | Self::Av1 => [0, 20, 63],
            Self::Mpeg4 => [1, 2, 31],
        }
    }

    /// Shortest side of a picture. Below it x265 would change its block size (see [`X265`]).
    pub(super) fn shortest_side(self) -> usize {
        if self == Self::Hevc { 32 } else { 1 }
    }

    pub(super) fn has_b_frames(self) -> bool {
        matches!(self, Self::H264 | Self::Hevc | Self::Mpeg4)
    }

    /// Whether the codec can store pixels that way.
    pub(super) fn stores(self, pixels: Pixels, ten_bit: bool) -> bool {
        match (self, pixels) {
            (_, Pixels::Rgb) => self == Self::H264 && !ten_bit,
            (Self::Vp8 | Self::Mpeg4, _) => pixels == Pixels::Yuv420 && !ten_bit,
            _ => true,
        }
    }
}

/// How pixels are stored.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Pixels {
    /// Colour at half resolution both ways, the common choice. Width and height must be even.
    #[default]
    Yuv420,
    /// Colour at full resolution, any size: H.264, HEVC, VP9 and AV1.
    Yuv444,
    /// No conversion at all, any size: H.264 only. Players need the High 4:4:4 profile; FFmpeg's libraries have it.
    Rgb,
}

impl Pixels {
    pub(super) fn format(self, ten_bit: bool) -> ffi::AVPixelFormat {
        match (self, ten_bit) {
            (Self::Yuv420, false) => ffi::AVPixelFormat::YUV420P,
            (Self::Yuv420, true) => ffi::AVPixelFormat::YUV420P10LE,
            (Self::Yuv444, false) => ffi::AVPixelFormat::YUV444P,
            (Self::Yuv444, true) => ffi::AVPixelFormat::YUV444P10LE,
            (Self::Rgb, _) => ffi::AVPixelFormat::RGB24,
        }
    }

    /// BT.601, which is also what readers assume where a container has no room for the tag.
    pub(super) fn matrix(self) -> ffi::AVColorSpace {
        if self == Self::Rgb { ffi::AVColorSpace::RGB } else { ffi::AVColorSpace::SMPTE170M }
    }

    pub(super) fn range(self) -> ffi::AVColorRange {
        if self == Self::Rgb { ffi::AVColorRange::JPEG } else { ffi::AVColorRange::MPEG }
    }
}

/// Quiet and one thread. The block size stays fixed because x265 keeps it for the whole process: encoders side by side
/// that settled on different ones spoil each other's pictures. "cutree" is off because x265 3.5 writes past its arrays
/// there when pictures are small (35x33, for one).
pub(crate) const X265: &str = "log-level=none:pools=none:frame-threads=1:ctu=32:cutree=0";

/// x264 0.164 reads memory it never wrote where it uses AVX-512: the same frames gave other pictures by what the
/// process did before. Every processor with AVX-512 has AVX2; elsewhere x264 finds out by itself what it can use.
pub(crate) fn x264_params() -> &'static str {
    #[cfg(target_arch = "x86_64")]
    if std::arch::is_x86_feature_detected!("avx512f") {
        return "asm=avx2";
    }
    ""
}

/// How a video file is written.
///
/// The same frames and options give the same file with the same FFmpeg: the encoder has one thread, and nothing of the
/// day or the machine goes into the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EncodeOptions {
    /// The codec, default H.264.
    pub codec: VideoCodec,
    /// Constant quality on the codec's own scale, lower is better: 0-51 for H.264 and HEVC, 0-63 for VP8, VP9 and AV1,
    /// quantiser 1-31 for MPEG-4. `None` takes a value at which the eye sees no loss (18, 20, 10, 20, 20, 2).
    pub quality: Option<u8>,
    /// Frames from one keyframe to the next at most, at least 1; default 12, so that seeking stays cheap.
    pub keyframe_interval: usize,
    /// B-frames in a row at most, 0-16, default 2. VP8, VP9 and AV1 have none and ignore it.
    pub b_frames: usize,
    /// Ten bits a channel instead of eight: H.264, HEVC, VP9 and AV1, not with [`Pixels::Rgb`].
    pub ten_bit: bool,
    /// How pixels are stored, default 4:2:0.
    pub pixels: Pixels,
}

impl Default for EncodeOptions {
    fn default() -> Self {
        Self {
            codec: VideoCodec::H264,
            quality: None,
            keyframe_interval: 12,
            b_frames: 2,
            ten_bit: false,
            pixels: Pixels::Yuv420,
        }
    }
}

impl EncodeOptions {
    /// What comes back is what went in, bit for bit: H.264 in RGB at quality 0, any size. For clips whose perturbation
    /// must survive.
    pub fn lossless() -> Self {
        Self { quality: Some(0), pixels: Pixels::Rgb, b_frames: 0, ..Self::default() }
    }

    /// The options for one codec with everything else by default.
    pub fn of(codec: VideoCodec) -> Self {
        Self { codec, ..Self::default() }
    }

    /// What the encoder of the given name wants to hear.
    pub(super) fn for_encoder(&self, encoder: &str) -> Dictionary {
        let quality = self.quality.unwrap_or(self.codec.qualities()[1]).to_string();
        let settings: &[(&str, &str)] = match encoder {
            // Quality 0 of these two means no loss at all, which the quantiser says more plainly than the rate factor.
            "libx264" | "libx264rgb" if quality == "0" => {
                &[("qp", "0"), ("preset", "fast"), ("x264-params", x264_params())]
            }
            "libx264" | "libx264rgb" => &[("crf", &quality), ("preset", "fast"), ("x264-params", x264_params())],
            "libx265" => &[("crf", &quality), ("preset", "fast"), ("x265-params", X265)],
            // Constrained quality needs a ceiling: one no clip reaches.
            "libvpx" => &[("crf", &quality), ("b", "200000000"), ("deadline", "good"), ("cpu-used", "4")],
            "libvpx-vp9" => &[("crf", &quality), ("b", "0"), ("deadline", "good"), ("cpu-used", "4")],
            // No look-ahead: libaom 3.14 fails with it when keyframes are dense.
            "libaom-av1" => &[("crf", &quality), ("b", "0"), ("cpu-used", "8"), ("lag-in-frames", "0")],
            "libsvtav1" => &[("crf", &quality), ("preset", "10")],
            "librav1e" => &[("qp", &quality), ("speed", "10")],
            _ => &[],
        };
        settings.iter().copied().collect()
    }
}
