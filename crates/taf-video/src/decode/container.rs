//! From a path to an open container, its video stream and a decoder for it.

use std::ffi::{CStr, CString, OsStr, OsString};
use std::fs::File;
use std::io::{ErrorKind, Read as _};
use std::path::Path;
use std::ptr;

use ffmpeg_the_third as ffmpeg;

use ffmpeg::codec::{Context, decoder::Opened, threading};
use ffmpeg::{ffi, format};

use super::failure::{lower_case, os_error};
use crate::{Error, Result};

/// Containers of moving pictures. Playlists (they point at other files), subtitles, text art and still images are left
/// out, so that a stray text file or JPEG is an error and not a one-frame video.
const CONTAINERS: &str = "mov,matroska,webm,avi,mpegts,mpeg,mpegvideo,h264,hevc,vvc,m4v,ivf,obu,av1,flv,live_flv,\
                          ogg,asf,nut,gif,mjpeg,yuv4mpegpipe,mxf,dv,rm,wtv,swf,h263,cavsvideo,vc1,dirac";

/// A pipe or device could block for ever and a folder is no video: only regular files pass.
pub(super) fn check_is_file(path: &Path) -> Result<()> {
    let about = std::fs::metadata(path).map_err(|source| Error::io("open", path, source))?;
    let found = if about.is_dir() {
        "a folder"
    } else if !about.is_file() {
        "something that is no regular file"
    } else if about.len() == 0 {
        "an empty file"
    } else {
        return Ok(());
    };
    Err(Error::content(path, "a video file", found))
}

pub(super) fn open_input(path: &Path) -> Result<format::context::Input> {
    // The prefix keeps FFmpeg from reading a protocol into the name; the white list keeps what the file refers to
    // local.
    let mut url = OsString::from("file:");
    url.push(path);
    let options: ffmpeg::Dictionary =
        [("protocol_whitelist", "file"), ("format_whitelist", CONTAINERS)].into_iter().collect();
    let format = known_format(path)?;
    open_url(&url, format, options).map_err(|error| open_error(path, error))
}

/// The format of a file where FFmpeg need not, or should not, find it out. JPEG pictures one after the other, called so, it
/// takes for a still picture. Matroska and WebM begin with the four bytes of EBML (RFC 8794), and to let all other formats
/// look at them takes 0.2 ms, of the 13 that a clip takes.
fn known_format(path: &Path) -> Result<Option<&'static CStr>> {
    let mut first = [0; 4];
    let read = File::open(path).and_then(|mut file| file.read(&mut first)).map_err(|s| Error::io("read", path, s))?;
    let ending = path.extension().unwrap_or_default();
    let is_called_jpeg = ["mjpeg", "mjpg"].iter().any(|known| ending.eq_ignore_ascii_case(known));
    Ok(match first[..read] {
        [0xff, 0xd8, 0xff, ..] if is_called_jpeg => Some(c"mjpeg"),
        [0x1a, 0x45, 0xdf, 0xa3] => Some(c"matroska"),
        _ => None,
    })
}

/// Opens a file, whatever it looks like where the format is given, and looks into its streams where the header leaves
/// anything open.
fn open_url(
    url: &OsStr,
    format: Option<&CStr>,
    mut options: ffmpeg::Dictionary,
) -> std::result::Result<format::context::Input, ffmpeg::Error> {
    let url = CString::new(url.as_encoded_bytes()).map_err(|_| ffmpeg::Error::InvalidData)?;
    let mut input = ptr::null_mut();
    // SAFETY: names end in a zero byte and live through the calls; FFmpeg frees an input that it could not open, and one
    // whose streams it could not read is closed by the value that owns it.
    unsafe {
        let format = format.map_or(ptr::null(), |name| ffi::av_find_input_format(name.as_ptr()));
        check(ffi::avformat_open_input(&mut input, url.as_ptr(), format, options.as_mut_ptr()))?;
        let mut input = format::context::Input::wrap(input);
        if !header_says_all(&input) {
            check(ffi::avformat_find_stream_info(input.as_mut_ptr(), ptr::null_mut()))?;
        }
        Ok(input)
    }
}

fn check(code: i32) -> std::result::Result<(), ffmpeg::Error> {
    if code < 0 { Err(ffmpeg::Error::from(code)) } else { Ok(()) }
}

/// Whether the header tells everything about the pictures, so that none needs to be decoded to find it out: one video
/// stream with size and frame rate, of a codec that shows pictures in the order in which they are stored.
fn header_says_all(input: &format::context::Input) -> bool {
    // SAFETY: the input is open; its streams and their parameters live as long as it.
    let video = unsafe {
        let all = (0..input.nb_streams() as usize).map(|index| &**(*input.as_ptr()).streams.add(index));
        all.filter(|stream| (*stream.codecpar).codec_type == ffi::AVMediaType::VIDEO).collect::<Vec<_>>()
    };
    let [stream] = video[..] else { return false };
    // SAFETY: as above.
    let about = unsafe { &*stream.codecpar };
    let in_order = [ffi::AVCodecID::VP8, ffi::AVCodecID::VP9].contains(&about.codec_id);
    in_order && about.width > 0 && about.height > 0 && stream.avg_frame_rate.num > 0 && stream.r_frame_rate.num > 0
}

fn open_error(path: &Path, error: ffmpeg::Error) -> Error {
    match os_error(error) {
        // What the white list answers.
        Some(cause) if cause.kind() == ErrorKind::InvalidInput => {
            Error::content(path, "a video file", "no video format")
        }
        Some(cause) => Error::io("open", path, cause),
        None => Error::content(path, "a video file", lower_case(error)),
    }
}

pub(super) fn best_stream(path: &Path, input: &format::context::Input) -> Result<usize> {
    let kind = ffi::AVMediaType::VIDEO;
    // SAFETY: the input is open; FFmpeg only reads from it.
    let best = unsafe { ffi::av_find_best_stream(input.as_ptr().cast_mut(), kind, -1, -1, ptr::null_mut(), 0) };
    let found = usize::try_from(best).ok().filter(|&index| !is_cover_art(input, index));
    found.ok_or_else(|| Error::content(path, "a video stream", format!("none among {} streams", input.nb_streams())))
}

/// The picture of a record sleeve in a sound file is stored as a video stream of one frame.
fn is_cover_art(input: &format::context::Input, stream: usize) -> bool {
    // SAFETY: `stream` is one of the input's streams.
    let disposition = unsafe { (**(*input.as_ptr()).streams.add(stream)).disposition };
    disposition & ffi::AV_DISPOSITION_ATTACHED_PIC != 0
}

pub(super) fn discard_other_streams(input: &mut format::context::Input, keep: usize) {
    for index in (0..input.nb_streams() as usize).filter(|&index| index != keep) {
        // SAFETY: `index` is one of the input's streams.
        unsafe { (**(*input.as_mut_ptr()).streams.add(index)).discard = ffi::AVDiscard::ALL };
    }
}

/// FFmpeg's own decoder of a stream.
pub(super) fn open_decoder(
    path: &Path,
    input: &format::context::Input,
    stream: usize,
    threads: usize,
) -> Result<Opened> {
    let unusable = |error| Error::content(path, "a video that can be decoded", lower_case(error));
    let context = decoder_context(input, stream, threads).map_err(unusable)?;
    // SAFETY: the context is live; the codec pointer is static. The binding's own look-up goes through an enumeration that
    // panics on codecs newer than itself.
    let codec = unsafe { ffmpeg::Codec::from_raw(ffi::avcodec_find_decoder((*context.as_ptr()).codec_id)) };
    let codec = codec.ok_or_else(|| unusable(ffmpeg::Error::DecoderNotFound))?;
    context.decoder().open_as(codec).map_err(unusable)
}

/// What a decoder of a stream has to know before it is opened.
pub(super) fn decoder_context(
    input: &format::context::Input,
    stream: usize,
    threads: usize,
) -> std::result::Result<Context, ffmpeg::Error> {
    let about = input.stream(stream).expect("the best stream is a stream");
    let mut context = Context::from_parameters(about.parameters())?;
    context.set_threading(threading::Config { kind: threading::Type::Frame, ..threading::Config::count(threads) });
    // SAFETY: stream and context are live.
    unsafe { (*context.as_mut_ptr()).pkt_timebase = (*about.as_ptr()).time_base };
    Ok(context)
}
