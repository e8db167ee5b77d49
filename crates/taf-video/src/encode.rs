mod jpeg;
mod options;
mod picture;

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use ffmpeg_the_third as ffmpeg;
use taf_files::Unfinished;

use ffmpeg::codec::{self, threading};
use ffmpeg::encoder::video::Encoder;
use ffmpeg::software::scaling::Flags;
use ffmpeg::{Packet, Rational, ffi, format};

use crate::decode::{is_again, lower_case, os_error, quieten};
use crate::scaler::Look;
use crate::{Error, Frame, Result};

pub(crate) use jpeg::jpeg;
pub use options::{EncodeOptions, Pixels, VideoCodec};
pub(crate) use options::{X265, x264_params};
pub(crate) use picture::CodedPicture;

/// Writes frames into a video file.
///
/// The file appears under its name only when [`finish`](Self::finish) succeeds; until then it is a hidden sibling,
/// deleted on drop. YUV is stored in BT.601 limited range and tagged so: that is also what readers assume of files
/// whose container has no tag.
pub struct VideoWriter {
    path: PathBuf,
    encoder: Encoder,
    output: format::context::Output,
    unfinished: Unfinished,
    picture: CodedPicture,
    frame_time: Rational,
    pushed: i64,
}

impl VideoWriter {
    /// Starts a file for frames of `width` x `height` pixels; the container follows from the name: mp4, m4v, mov, mkv,
    /// webm or avi.
    ///
    /// # Errors
    /// [`Error::Setting`] for an option out of range, an odd side with [`Pixels::Yuv420`], a codec that the container
    /// or this FFmpeg does not have; [`Error::Io`] if the file can't be created.
    pub fn create(
        path: impl AsRef<Path>,
        width: usize,
        height: usize,
        fps: f64,
        options: &EncodeOptions,
    ) -> Result<Self> {
        quieten();
        let path = path.as_ref().to_owned();
        let container = container_of(&path)?;
        check_options(options)?;
        let look = coded_look(width, height, options)?;
        let frame_time = frame_time(fps)?;

        let unfinished = Unfinished::beside(&path)?;
        let mut output = format::output_as(url(&unfinished), container).map_err(|error| write_error(&path, error))?;
        let encoder = open_encoder(look, frame_time, options, &output)?;
        add_stream(&mut output, &encoder, frame_time).map_err(|error| write_error(&path, error))?;
        output.write_header().map_err(|_| {
            Error::setting("codec", format!("one that {container} files can hold"), format!("{:?}", options.codec))
        })?;

        let picture = CodedPicture::new(look, Flags::BICUBIC | Flags::ACCURATE_RND | Flags::FULL_CHR_H_INP)
            .ok_or_else(|| size_error(width, height))?;
        Ok(Self { path, encoder, output, unfinished, picture, frame_time, pushed: 0 })
    }

    /// Appends a frame.
    ///
    /// # Errors
    /// [`Error::Setting`] if its size is not the file's, [`Error::Io`] or [`Error::Content`] if it cannot be written.
    pub fn push(&mut self, frame: &Frame) -> Result<()> {
        let (width, height) = self.picture.size();
        if (frame.width(), frame.height()) != (width, height) {
            let got = format!("{}x{}", frame.width(), frame.height());
            return Err(Error::setting("frame", format!("{width}x{height} as {}", self.path.display()), got));
        }
        let refused = || Error::content(&self.path, "a frame that converts", "none");
        let picture = self.picture.of(frame, self.pushed).ok_or_else(refused)?;
        self.encoder.send_frame(picture).map_err(|error| write_error(&self.path, error))?;
        self.pushed += 1;
        self.write_packets()
    }

    /// Writes what is left and gives the file its name.
    ///
    /// # Errors
    /// [`Error::Content`] if no frame was pushed, [`Error::Io`] if the disk refuses.
    pub fn finish(mut self) -> Result<()> {
        if self.pushed == 0 {
            return Err(Error::content(&self.path, "at least one frame to write", "none"));
        }
        self.encoder.send_eof().map_err(|error| write_error(&self.path, error))?;
        self.write_packets()?;
        self.output.write_trailer().map_err(|error| write_error(&self.path, error))?;
        let Self { unfinished, output, .. } = self;
        drop(output);
        Ok(unfinished.finish()?)
    }

    fn write_packets(&mut self) -> Result<()> {
        let to = self.output.stream(0).expect("the writer has one stream").time_base();
        loop {
            let mut packet = Packet::empty();
            match self.encoder.receive_packet(&mut packet) {
                Ok(()) => {}
                Err(ffmpeg::Error::Eof) => return Ok(()),
                Err(error) if is_again(error) => return Ok(()),
                Err(error) => return Err(write_error(&self.path, error)),
            }
            packet.set_duration(1);
            packet.rescale_ts(self.frame_time, to);
            packet.set_stream(0);
            packet.write_interleaved(&mut self.output).map_err(|error| write_error(&self.path, error))?;
        }
    }
}

/// The name as FFmpeg takes it, with no protocol to be read into it.
fn url(file: &Unfinished) -> OsString {
    let mut url = OsString::from("file:");
    url.push(file.path());
    url
}

fn container_of(path: &Path) -> Result<&'static str> {
    let extension = path.extension().and_then(|extension| extension.to_str()).unwrap_or_default();
    match extension.to_ascii_lowercase().as_str() {
        "mp4" | "m4v" => Ok("mp4"),
        "mov" => Ok("mov"),
        "mkv" => Ok("matroska"),
        "webm" => Ok("webm"),
        "avi" => Ok("avi"),
        _ => {
            Err(Error::setting("video file", "a name ending in .mp4, .m4v, .mov, .mkv, .webm or .avi", path.display()))
        }
    }
}

fn check_options(options: &EncodeOptions) -> Result<()> {
    let [best, _, worst] = options.codec.qualities();
    if let Some(quality) = options.quality.filter(|quality| !(best..=worst).contains(quality)) {
        return Err(Error::setting("quality", format!("{best} to {worst} for {:?}", options.codec), quality));
    }
    if options.keyframe_interval == 0 || i32::try_from(options.keyframe_interval).is_err() {
        return Err(Error::setting("keyframe_interval", "at least 1", options.keyframe_interval));
    }
    if options.b_frames > 16 {
        return Err(Error::setting("b_frames", "0 to 16", options.b_frames));
    }
    if !options.codec.stores(options.pixels, options.ten_bit) {
        let got = format!("{:?} with ten_bit = {}", options.pixels, options.ten_bit);
        return Err(Error::setting("pixels", format!("a layout {:?} can store", options.codec), got));
    }
    Ok(())
}

fn coded_look(width: usize, height: usize, options: &EncodeOptions) -> Result<Look> {
    let odd = width % 2 == 1 || height % 2 == 1;
    if options.pixels == Pixels::Yuv420 && odd {
        let expected = "even on both sides, or stored as Yuv444 or Rgb";
        return Err(Error::setting("frame size", expected, format!("{width}x{height}")));
    }
    let shortest = options.codec.shortest_side();
    if width.min(height) < shortest {
        let expected = format!("at least {shortest} on both sides for {:?}", options.codec);
        return Err(Error::setting("frame size", expected, format!("{width}x{height}")));
    }
    let side = |side: usize| i32::try_from(side).map_err(|_| size_error(width, height));
    let (width, height) = (side(width)?, side(height)?);
    let pixels = options.pixels;
    Ok(Look { width, height, format: pixels.format(options.ten_bit), matrix: pixels.matrix(), range: pixels.range() })
}

fn size_error(width: usize, height: usize) -> Error {
    Error::setting("frame size", "one the codec can hold", format!("{width}x{height}"))
}

/// The duration of a frame. MPEG-4 has 16 bits for the clock, so rates are rounded to a fraction that fits for all.
pub(crate) fn frame_time(fps: f64) -> Result<Rational> {
    if !(0.01..=1000.0).contains(&fps) {
        return Err(Error::setting("fps", "0.01 to 1000 frames a second", fps));
    }
    // SAFETY: plain numbers go in and come out.
    Ok(Rational::from(unsafe { ffi::av_d2q(fps, i32::from(u16::MAX)) }).invert())
}

fn open_encoder(
    look: Look,
    frame_time: Rational,
    options: &EncodeOptions,
    output: &format::context::Output,
) -> Result<Encoder> {
    let EncodeOptions { codec, pixels, .. } = *options;
    let (name, encoder) = codec.encoder(pixels).ok_or_else(|| {
        let names = codec.encoder_names(pixels).join(", ");
        Error::setting("codec", "one this FFmpeg can write", format!("{codec:?} (no {names})"))
    })?;
    let mut context = codec::Context::new_with_codec(encoder);
    context.set_threading(threading::Config::count(1));
    context.set_flags(encoder_flags(options, output));
    let mut video = context.encoder().video().map_err(|error| encoder_error(name, error))?;
    video.set_time_base(frame_time);
    video.set_frame_rate(Some(frame_time.invert()));
    video.set_gop(options.keyframe_interval as u32);
    if codec.has_b_frames() {
        video.set_max_b_frames(options.b_frames);
    }
    if codec == VideoCodec::Mpeg4 {
        let quantiser = options.quality.unwrap_or(codec.qualities()[1]);
        video.set_global_quality(i32::from(quantiser) * ffi::FF_QP2LAMBDA);
    }
    // SAFETY: the context is live; these are plain numbers.
    unsafe {
        let raw = &mut *video.as_mut_ptr();
        (raw.width, raw.height, raw.pix_fmt) = (look.width, look.height, look.format);
        (raw.colorspace, raw.color_range) = (look.matrix, look.range);
    }
    video.open_with(options.for_encoder(name)).map_err(|error| encoder_error(name, error))
}

fn encoder_flags(options: &EncodeOptions, output: &format::context::Output) -> codec::Flags {
    let mut flags = codec::Flags::BITEXACT;
    if output.format().flags().contains(format::Flags::GLOBAL_HEADER) {
        flags |= codec::Flags::GLOBAL_HEADER;
    }
    if options.codec == VideoCodec::Mpeg4 {
        flags |= codec::Flags::QSCALE;
    }
    flags
}

fn encoder_error(name: &str, error: ffmpeg::Error) -> Error {
    Error::setting("codec", "set so that its encoder opens", format!("{name}: {}", lower_case(error)))
}

fn add_stream(
    output: &mut format::context::Output,
    encoder: &Encoder,
    frame_time: Rational,
) -> std::result::Result<(), ffmpeg::Error> {
    // SAFETY: the output is live and has no stream yet; no creation date or version goes into the file.
    unsafe { (*output.as_mut_ptr()).flags |= ffi::AVFMT_FLAG_BITEXACT };
    let mut stream = output.add_stream(None::<ffmpeg::Codec>)?;
    stream.copy_parameters_from_context(encoder);
    stream.set_time_base(frame_time);
    stream.set_avg_frame_rate(frame_time.invert());
    Ok(())
}

fn write_error(path: &Path, error: ffmpeg::Error) -> Error {
    match os_error(error) {
        Some(cause) => Error::io("write", path, cause),
        None => Error::content(path, "a file that takes the encoder's output", lower_case(error)),
    }
}
