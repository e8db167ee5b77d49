use std::ffi::{CStr, OsString};
use std::hash::{DefaultHasher, Hasher as _};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::ptr;

use ffmpeg_the_third as ffmpeg;

use ffmpeg::codec::{Context, decoder::Opened, threading};
use ffmpeg::packet::Ref as _;
use ffmpeg::{Packet, ffi, format, frame};

use super::orientation::Orientation;
use crate::{Error, Result};

/// Containers of moving pictures. Playlists (they point at other files), subtitles, text art and still images are left
/// out, so that a stray text file or JPEG is an error and not a one-frame video.
const CONTAINERS: &str = "mov,matroska,webm,avi,mpegts,mpeg,mpegvideo,h264,hevc,vvc,m4v,ivf,obu,av1,flv,live_flv,\
                          ogg,asf,nut,gif,mjpeg,yuv4mpegpipe,mxf,dv,rm,wtv,swf,h263,cavsvideo,vc1,dirac";

/// Errors in a row without any progress after which a file counts as finished: a damaged file must not be read forever.
const PATIENCE: usize = 1000;

/// The packets of one file's best video stream, decoded one frame after the other in presentation order.
pub(super) struct FrameStream {
    input: format::context::Input,
    decoder: Opened,
    stream: usize,
    draining: bool,
    damaged: bool,
    decoded: u64,
    /// The packets read since the file was opened, the last jump, or the last time someone asked.
    log: Vec<PacketNote>,
}

/// What is worth remembering of a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct PacketNote {
    /// When its picture is shown, in ticks of the stream.
    pub(super) pts: Option<i64>,
    /// The container says that decoding can start here.
    pub(super) key: bool,
    /// The container's edit list cuts it away: needed to decode others, never shown.
    pub(super) hidden: bool,
    /// A hash of the contents, to know the packet again.
    pub(super) print: u64,
}

impl PacketNote {
    fn of(packet: &Packet) -> Self {
        let mut hasher = DefaultHasher::new();
        hasher.write(packet.data().unwrap_or_default());
        // SAFETY: the packet is live; the binding's own flags leave this one out.
        let flags = unsafe { (*packet.as_ptr()).flags };
        let hidden = flags & ffi::AV_PKT_FLAG_DISCARD != 0;
        Self { pts: packet.pts(), key: packet.is_key(), hidden, print: hasher.finish() }
    }
}

impl FrameStream {
    /// Opens a local file and its best video stream, the one with the most to show by FFmpeg's own ranking.
    pub(super) fn open(path: &Path, threads: usize) -> Result<Self> {
        check_is_file(path)?;
        ffmpeg::log::set_level(ffmpeg::log::Level::Quiet);
        let mut input = open_input(path)?;
        let stream = best_stream(path, &input)?;
        discard_other_streams(&mut input, stream);
        let decoder = open_decoder(path, &input, stream, threads)?;
        Ok(Self { input, decoder, stream, draining: false, damaged: false, decoded: 0, log: Vec::new() })
    }

    /// The next frame, or `None` after the last. Packets that do not decode are passed over, as the `ffmpeg` program
    /// does; [`damaged`](Self::damaged) remembers it.
    pub(super) fn next(&mut self) -> Option<frame::Video> {
        let mut failures = 0;
        while failures < PATIENCE {
            let mut frame = frame::Video::empty();
            match self.decoder.receive_frame(&mut frame) {
                Ok(()) => return Some(self.delivered(frame)),
                Err(ffmpeg::Error::Eof) => return None,
                Err(error) if is_again(error) && self.draining => return None,
                Err(error) if is_again(error) => {}
                Err(_) => self.damaged = true,
            }
            failures = if self.feed() { 0 } else { failures + 1 };
        }
        None
    }

    fn delivered(&mut self, frame: frame::Video) -> frame::Video {
        self.decoded += 1;
        // SAFETY: the frame was just filled by the decoder.
        let errors = unsafe { (*frame.as_ptr()).decode_error_flags };
        self.damaged |= errors != 0 || frame.is_corrupt();
        frame
    }

    /// Hands the decoder one packet, or the news that there are no more; false where there was nothing new to hand
    /// over.
    fn feed(&mut self) -> bool {
        if self.draining {
            return false;
        }
        let Some(packet) = self.next_packet() else {
            self.draining = true;
            return self.decoder.send_eof().is_ok();
        };
        self.damaged |= self.decoder.send_packet(&packet).is_err() || packet.is_corrupt();
        true
    }

    /// Reads the rest of the file without decoding it: cheap, it only unpacks the container.
    pub(super) fn skim(mut self) -> Vec<PacketNote> {
        while self.next_packet().is_some() {}
        self.log
    }

    fn next_packet(&mut self) -> Option<Packet> {
        let mut retries = 0;
        loop {
            let mut packet = Packet::empty();
            match packet.read(&mut self.input) {
                Ok(()) if packet.stream() == self.stream => {
                    self.log.push(PacketNote::of(&packet));
                    return Some(packet);
                }
                Ok(()) => {}
                Err(ffmpeg::Error::Eof) => return None,
                Err(error) if is_again(error) && retries < PATIENCE => retries += 1,
                Err(_) => {
                    self.damaged = true;
                    return None;
                }
            }
        }
    }

    /// Goes to the last keyframe shown at or before `pts`; false where the container cannot.
    pub(super) fn seek(&mut self, pts: i64) -> bool {
        let stream = self.stream as i32;
        // SAFETY: the input lives as long as `self` and `stream` is one of its streams.
        let code = unsafe { ffi::av_seek_frame(self.input.as_mut_ptr(), stream, pts, ffi::AVSEEK_FLAG_BACKWARD) };
        self.decoder.flush();
        self.draining = false;
        self.log.clear();
        code >= 0
    }

    /// The packets read since the file was opened, the last jump, or the last call.
    pub(super) fn take_log(&mut self) -> Vec<PacketNote> {
        std::mem::take(&mut self.log)
    }

    /// Whether anything so far did not decode cleanly.
    pub(super) fn damaged(&self) -> bool {
        self.damaged
    }

    /// Frames the decoder has put out since the file was opened.
    pub(super) fn decoded(&self) -> u64 {
        self.decoded
    }

    /// Frames per second, if the container says or the timestamps suggest one.
    pub(super) fn fps(&mut self) -> Option<f64> {
        // SAFETY: both pointers belong to the open input.
        let rate = unsafe {
            let input = self.input.as_mut_ptr();
            ffi::av_guess_frame_rate(input, *(*input).streams.add(self.stream), ptr::null_mut())
        };
        (rate.num > 0 && rate.den > 0).then(|| f64::from(rate.num) / f64::from(rate.den))
    }

    /// FFmpeg's name of the codec.
    pub(super) fn codec_name(&self) -> String {
        // SAFETY: the decoder is open; FFmpeg answers with a static string for every id, "unknown_codec" at worst.
        let name = unsafe { CStr::from_ptr(ffi::avcodec_get_name((*self.decoder.as_ptr()).codec_id)) };
        name.to_string_lossy().into_owned()
    }

    /// How the container wants the picture turned.
    pub(super) fn orientation(&self) -> Orientation {
        self.display_matrix().map_or_else(Orientation::default, |matrix| Orientation::from_display_matrix(&matrix))
    }

    fn display_matrix(&self) -> Option<[i32; 9]> {
        // SAFETY: the stream exists; side data of this type holds nine 32-bit integers, which the size check confirms.
        unsafe {
            let stream = *(*self.input.as_ptr()).streams.add(self.stream);
            let (data, size) = display_matrix_bytes(stream);
            (!data.is_null() && size >= 36).then(|| data.cast::<[i32; 9]>().read_unaligned())
        }
    }
}

#[cfg(ffmpeg_6_1)]
unsafe fn display_matrix_bytes(stream: *const ffi::AVStream) -> (*const u8, usize) {
    // SAFETY: the caller hands in a live stream; its parameters always exist.
    unsafe {
        let parameters = (*stream).codecpar;
        let (all, count) = ((*parameters).coded_side_data, (*parameters).nb_coded_side_data);
        let entry = ffi::av_packet_side_data_get(all, count, ffi::AVPacketSideDataType::DISPLAYMATRIX);
        if entry.is_null() { (ptr::null(), 0) } else { ((*entry).data, (*entry).size) }
    }
}

#[cfg(not(ffmpeg_6_1))]
unsafe fn display_matrix_bytes(stream: *const ffi::AVStream) -> (*const u8, usize) {
    let mut size = 0;
    // SAFETY: the caller hands in a live stream.
    let data = unsafe { ffi::av_stream_get_side_data(stream, ffi::AVPacketSideDataType::DISPLAYMATRIX, &mut size) };
    (data, size)
}

/// FFmpeg's "not now": the codec wants input before there is output.
pub(crate) fn is_again(error: ffmpeg::Error) -> bool {
    os_error(error).is_some_and(|error| error.kind() == ErrorKind::WouldBlock)
}

/// The operating system's error behind FFmpeg's, where there is one.
pub(crate) fn os_error(error: ffmpeg::Error) -> Option<std::io::Error> {
    match error {
        ffmpeg::Error::Other { errno } => Some(std::io::Error::from_raw_os_error(errno)),
        _ => None,
    }
}

/// A pipe or device could block for ever and a folder is no video: only regular files pass.
fn check_is_file(path: &Path) -> Result<()> {
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

fn open_input(path: &Path) -> Result<format::context::Input> {
    // The prefix keeps FFmpeg from reading a protocol into the name; the white list keeps what the file refers to
    // local.
    let mut url = OsString::from("file:");
    url.push(path);
    let options: ffmpeg::Dictionary =
        [("protocol_whitelist", "file"), ("format_whitelist", CONTAINERS)].into_iter().collect();
    format::input_with_dictionary(PathBuf::from(url), options).map_err(|error| open_error(path, error))
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

/// FFmpeg's own words for an error, made to fit into a sentence.
pub(crate) fn lower_case(error: ffmpeg::Error) -> String {
    let words = error.to_string();
    let mut letters = words.chars();
    letters.next().map_or_else(String::new, |first| first.to_lowercase().chain(letters).collect())
}

fn best_stream(path: &Path, input: &format::context::Input) -> Result<usize> {
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

fn discard_other_streams(input: &mut format::context::Input, keep: usize) {
    for index in (0..input.nb_streams() as usize).filter(|&index| index != keep) {
        // SAFETY: `index` is one of the input's streams.
        unsafe { (**(*input.as_mut_ptr()).streams.add(index)).discard = ffi::AVDiscard::ALL };
    }
}

fn open_decoder(path: &Path, input: &format::context::Input, stream: usize, threads: usize) -> Result<Opened> {
    let unusable = |error| Error::content(path, "a video that can be decoded", lower_case(error));
    let about = input.stream(stream).expect("the best stream is a stream");
    let mut context = Context::from_parameters(about.parameters()).map_err(unusable)?;
    context.set_threading(threading::Config { kind: threading::Type::Frame, ..threading::Config::count(threads) });
    // SAFETY: stream and context are live; the codec pointer is static. The binding's own look-up goes through an
    // enumeration that panics on codecs newer than itself.
    let codec = unsafe {
        (*context.as_mut_ptr()).pkt_timebase = (*about.as_ptr()).time_base;
        ffmpeg::Codec::from_raw(ffi::avcodec_find_decoder((*context.as_ptr()).codec_id))
    };
    let codec = codec.ok_or_else(|| unusable(ffmpeg::Error::DecoderNotFound))?;
    context.decoder().open_as(codec).map_err(unusable)
}
