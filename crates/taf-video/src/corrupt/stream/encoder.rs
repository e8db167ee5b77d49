use ffmpeg_the_third as ffmpeg;

use ffmpeg::codec::{self, Parameters, threading};
use ffmpeg::encoder::video;
use ffmpeg::software::scaling::Flags;
use ffmpeg::{Dictionary, Packet, Rational, encoder, ffi};

use crate::decode::quieten;
use crate::encode::{CodedPicture, X265, frame_time, x264_params};
use crate::scaler::Look;
use crate::{Error, Frame, Result};

/// What a stream is compressed with.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Codec {
    H264,
    H265,
    Mpeg2,
    Mpeg4,
}

/// How much of the picture is kept.
#[derive(Clone, Copy)]
pub enum Rate {
    /// A constant rate factor.
    Factor(u8),
    /// A quantiser; above 31 the encoder takes 31.
    Quantiser(u8),
    /// Bits per second, never more in any second.
    Bits(usize),
}

/// A stream in memory.
pub struct Encoded {
    pub parameters: Parameters,
    pub packets: Vec<Packet>,
    /// Width and height of the pictures in it that are to be shown, at the upper left.
    pub size: (usize, usize),
}

/// Frames of one size on their way into a stream.
pub struct StreamEncoder {
    encoder: video::Encoder,
    picture: CodedPicture,
    coded: (usize, usize),
    size: (usize, usize),
    pushed: i64,
    packets: Vec<Packet>,
}

impl Codec {
    /// FFmpeg's name of the encoder.
    pub fn encoder_name(self) -> &'static str {
        match self {
            Self::H264 => "libx264",
            Self::H265 => "libx265",
            Self::Mpeg2 => "mpeg2video",
            Self::Mpeg4 => "mpeg4",
        }
    }

    /// MPEG-2 knows a few frame rates; the rate decides nothing where the quantiser is given.
    fn frame_time(self, fps: f64) -> Result<Rational> {
        frame_time(if self == Self::Mpeg2 { crate::USUAL_FPS } else { fps })
    }

    fn find(self) -> Result<ffmpeg::Codec> {
        let name = self.encoder_name();
        encoder::find_by_name(name).ok_or_else(|| {
            let expected = format!("one whose encoder this FFmpeg has, or an FFmpeg with {name}");
            Error::setting("corruption", expected, format!("one through {name}"))
        })
    }

    /// The shown and the coded size of frames: cut to even sides as the published script does, and no smaller than the encoder
    /// takes, which then codes the last row and column several times.
    pub fn sizes(self, width: usize, height: usize) -> [(usize, usize); 2] {
        let shortest = if self == Self::H265 { 32 } else { 16 };
        let shown = |side: usize| if side < shortest { side } else { side - side % 2 };
        let coded = |side: usize| shown(side).max(shortest);
        [(shown(width), shown(height)), (coded(width), coded(height))]
    }
}

/// Whether this FFmpeg has the encoder of this name.
pub fn has_encoder(name: &str) -> bool {
    encoder::find_by_name(name).is_some()
}

impl StreamEncoder {
    /// An encoder of frames of `width` x `height`.
    ///
    /// # Errors
    /// [`Error::Setting`] where this FFmpeg has no such encoder, or it does not take the size.
    pub fn open(codec: Codec, rate: Rate, fps: f64, (width, height): (usize, usize)) -> Result<Self> {
        quieten();
        let [size, coded] = codec.sizes(width, height);
        let refused = || Error::setting("frame size", "one the encoder takes", format!("{width}x{height}"));
        let side = |side: usize| i32::try_from(side).map_err(|_| refused());
        let (matrix, range) = (ffi::AVColorSpace::UNSPECIFIED, ffi::AVColorRange::UNSPECIFIED);
        let look =
            Look { width: side(coded.0)?, height: side(coded.1)?, format: ffi::AVPixelFormat::YUV420P, matrix, range };
        let encoder = open(codec, rate, codec.frame_time(fps)?, look)?;
        // As the `ffmpeg` program converts.
        let mut picture = CodedPicture::new(look, Flags::BICUBIC).ok_or_else(refused)?;
        if let Rate::Quantiser(quantiser) = rate {
            picture.set_quality(i32::from(quantiser) * ffi::FF_QP2LAMBDA);
        }
        Ok(Self { encoder, picture, coded, size, pushed: 0, packets: Vec::new() })
    }

    /// The next frame.
    pub fn push(&mut self, frame: &Frame) -> Result<()> {
        let frame = fitted(frame, self.coded);
        let picture = self.picture.of(&frame, self.pushed).ok_or_else(|| refusal("a frame that converts"))?;
        self.encoder.send_frame(picture).map_err(|_| refusal("a frame that the encoder takes"))?;
        self.pushed += 1;
        self.take_packets();
        Ok(())
    }

    /// The whole stream.
    pub fn finish(mut self) -> Result<Encoded> {
        self.encoder.send_eof().map_err(|_| refusal("a stream that ends"))?;
        self.take_packets();
        let mut parameters = Parameters::new();
        // SAFETY: both are live; FFmpeg copies from the one into the other.
        let code = unsafe { ffi::avcodec_parameters_from_context(parameters.as_mut_ptr(), self.encoder.as_ptr()) };
        if code < 0 {
            return Err(refusal("a stream that fits into memory"));
        }
        Ok(Encoded { parameters, packets: self.packets, size: self.size })
    }

    fn take_packets(&mut self) {
        let mut packet = Packet::empty();
        while self.encoder.receive_packet(&mut packet).is_ok() {
            self.packets.push(std::mem::replace(&mut packet, Packet::empty()));
        }
    }
}

fn refusal(expected: &str) -> Error {
    Error::setting("corruption", expected, "none")
}

fn open(codec: Codec, rate: Rate, frame_time: Rational, look: Look) -> Result<video::Encoder> {
    let mut context = codec::Context::new_with_codec(codec.find()?);
    context.set_threading(threading::Config::count(1));
    let quantised = if matches!(rate, Rate::Quantiser(_)) { codec::Flags::QSCALE } else { codec::Flags::empty() };
    context.set_flags(codec::Flags::BITEXACT | codec::Flags::GLOBAL_HEADER | quantised);
    let refused = |error: ffmpeg::Error| {
        Error::setting("corruption", "one whose encoder opens", format!("{}: {error}", codec.encoder_name()))
    };
    let mut video = context.encoder().video().map_err(refused)?;
    video.set_time_base(frame_time);
    video.set_frame_rate(Some(frame_time.invert()));
    // SAFETY: the context is live; these are plain numbers.
    unsafe {
        let raw = &mut *video.as_mut_ptr();
        (raw.width, raw.height, raw.pix_fmt) = (look.width, look.height, look.format);
        match rate {
            Rate::Factor(_) => {}
            Rate::Quantiser(quantiser) => raw.global_quality = i32::from(quantiser) * ffi::FF_QP2LAMBDA,
            Rate::Bits(bits) => {
                (raw.bit_rate, raw.rc_max_rate) = (bits as i64, bits as i64);
                raw.rc_buffer_size = i32::try_from(bits).unwrap_or(i32::MAX);
            }
        }
    }
    video.open_with(options(codec, rate)).map_err(refused)
}

fn options(codec: Codec, rate: Rate) -> Dictionary {
    let (mut options, factor);
    options = match codec {
        Codec::H264 => vec![("preset", "veryfast"), ("x264-params", x264_params())],
        Codec::H265 => vec![("preset", "ultrafast"), ("x265-params", X265)],
        Codec::Mpeg2 | Codec::Mpeg4 => vec![],
    };
    if let Rate::Factor(value) = rate {
        factor = value.to_string();
        options.push(("crf", &factor));
    }
    options.into_iter().collect()
}

/// A frame cut, or continued by its last row and column.
fn fitted(frame: &Frame, (width, height): (usize, usize)) -> Frame {
    let kept = |y: usize| {
        let y = y.min(frame.height() - 1);
        (0..width).flat_map(move |x| frame.pixel(x.min(frame.width() - 1), y))
    };
    if (frame.width(), frame.height()) == (width, height) {
        return frame.clone();
    }
    Frame::new(width, height, (0..height).flat_map(kept).collect())
}
