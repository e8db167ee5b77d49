use std::ffi::CStr;
use std::hash::{DefaultHasher, Hasher as _};
use std::path::{Path, PathBuf};
use std::ptr;

use ffmpeg_the_third as ffmpeg;

use ffmpeg::codec::decoder::Opened;
use ffmpeg::packet::Ref as _;
use ffmpeg::{Packet, ffi, format, frame};

use super::container::{best_stream, check_is_file, decoder_context, discard_other_streams, open_decoder, open_input};
use super::failure::{is_again, os_error, quieten};
use super::libvpx::{self, LibvpxWatch};
use super::orientation::Orientation;
use super::reference::NalUnits;
use crate::{Error, Result};

/// Errors in a row without any progress after which a file counts as finished: a damaged file must not be read forever.
const PATIENCE: usize = 1000;

/// The packets of one file's best video stream, decoded one frame after the other in presentation order.
///
/// The file is opened once and each packet read once: packets are kept as long as they fit, and jumps and new starts
/// then go to memory. Of a larger file nothing is kept, and the container has to find the place.
pub(super) struct FrameStream {
    path: PathBuf,
    options: StreamOptions,
    input: format::context::Input,
    decoder: Opened,
    /// Where the decoder is libvpx's instead of FFmpeg's own.
    libvpx: Option<LibvpxWatch>,
    stream: usize,
    /// How to tell which packets no other needs, where that can be told.
    units: Option<NalUnits>,
    /// When the pictures are shown that somebody waits for, ascending; empty where all are wanted.
    wanted: Vec<i64>,
    kept: Option<Kept>,
    /// Number of the kept packet that is decoded next.
    next_kept: usize,
    /// The container has no more packets, as far as was read.
    ended: bool,
    draining: bool,
    /// The container could not be read to its end.
    torn: bool,
    damaged: bool,
    decoded: u64,
    /// The packets read since the file was opened; where they are not kept, since the last jump or the last time someone
    /// asked.
    notes: Vec<PacketNote>,
}

/// How much of the machine one stream takes.
#[derive(Clone, Copy)]
pub(super) struct StreamOptions {
    pub(super) threads: usize,
    /// Bytes of packets that may be kept.
    pub(super) keep_bytes: usize,
    /// Somebody decoded the file before and found no damage: a faster decoder may be taken that knows less of it.
    pub(super) sound: bool,
}

/// All packets read so far.
#[derive(Default)]
struct Kept {
    packets: Vec<Packet>,
    bytes: usize,
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
    /// A hash of the contents, to know the packet again; 0 while it is kept.
    pub(super) print: u64,
}

impl PacketNote {
    fn of(packet: &Packet) -> Self {
        // SAFETY: the packet is live; the binding's own flags leave this one out.
        let flags = unsafe { (*packet.as_ptr()).flags };
        let hidden = flags & ffi::AV_PKT_FLAG_DISCARD != 0;
        Self { pts: packet.pts(), key: packet.is_key(), hidden, print: 0 }
    }

    fn with_print(self, packet: &Packet) -> Self {
        let mut hasher = DefaultHasher::new();
        hasher.write(packet.data().unwrap_or_default());
        Self { print: hasher.finish(), ..self }
    }
}

impl FrameStream {
    /// Opens a local file and its best video stream, the one with the most to show by FFmpeg's own ranking.
    pub(super) fn open(path: &Path, options: StreamOptions) -> Result<Self> {
        check_is_file(path)?;
        quieten();
        let mut input = open_input(path)?;
        let stream = best_stream(path, &input)?;
        discard_other_streams(&mut input, stream);
        let (decoder, libvpx) = open_either(path, &input, stream, options)?;
        Ok(Self {
            path: path.to_owned(),
            options,
            libvpx,
            units: NalUnits::of(&input.stream(stream).expect("the best stream is a stream").parameters()),
            wanted: Vec::new(),
            input,
            decoder,
            stream,
            kept: Some(Kept::default()),
            next_kept: 0,
            ended: false,
            draining: false,
            torn: false,
            damaged: false,
            decoded: 0,
            notes: Vec::new(),
        })
    }

    /// Back to the first frame, with FFmpeg's own decoder that remembers nothing. Only where packets are not kept is the
    /// file opened again.
    pub(super) fn restart(&mut self) -> Result<()> {
        (self.options.sound, self.libvpx) = (false, None);
        if self.kept.is_none() {
            *self = Self::open(&self.path, self.options)?;
            return Ok(());
        }
        self.decoder = open_decoder(&self.path, &self.input, self.stream, self.options.threads)?;
        (self.next_kept, self.draining, self.damaged, self.decoded) = (0, false, self.torn, 0);
        self.wanted.clear();
        Ok(())
    }

    /// From here to the next restart only pictures shown at these times are wanted, and what they are made from. Others
    /// may or may not come out; all that follow the last do, so that reading can go on there.
    pub(super) fn want(&mut self, times: Vec<i64>) {
        self.wanted = times;
    }

    /// Whether a packet need not be decoded: nobody waits for its picture, and no other is made from it.
    fn can_pass_over(&self, packet: &Packet) -> bool {
        let (Some(units), Some(last), Some(time)) = (self.units, self.wanted.last(), packet.pts()) else {
            return false;
        };
        let unwanted = time < *last && self.wanted.binary_search(&time).is_err();
        unwanted && units.is_disposable(packet.data().unwrap_or_default())
    }

    /// The first frame of a stream just opened, by FFmpeg's own decoder where another one stumbles over it.
    pub(super) fn first(&mut self) -> Result<Option<frame::Video>> {
        let first = self.next();
        if self.is_native() || first.is_some() && !self.damaged {
            return Ok(first);
        }
        self.restart()?;
        Ok(self.next())
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
        let unlike = self.libvpx.as_mut().is_some_and(|watch| !watch.may_show(&frame));
        self.damaged |= errors != 0 || frame.is_corrupt() || unlike;
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
        if self.can_pass_over(&packet) {
            return true;
        }
        let data = packet.data().unwrap_or_default();
        let groundless = self.libvpx.as_mut().is_some_and(|watch| !watch.may_decode(data));
        self.damaged |= self.decoder.send_packet(&packet).is_err() || packet.is_corrupt() || groundless;
        true
    }

    /// The packet that is decoded next.
    fn next_packet(&mut self) -> Option<Packet> {
        let kept = self.kept.as_ref().and_then(|kept| kept.packets.get(self.next_kept).cloned());
        let packet = kept.or_else(|| self.read_packet())?;
        self.next_kept += 1;
        Some(packet)
    }

    /// Reads the rest of the file without decoding it: cheap, it only unpacks the container.
    pub(super) fn read_to_end(&mut self) {
        while self.read_packet().is_some() {}
    }

    fn read_packet(&mut self) -> Option<Packet> {
        let mut retries = 0;
        while !self.ended {
            let mut packet = Packet::empty();
            match packet.read(&mut self.input) {
                Ok(()) if packet.stream() == self.stream => {
                    self.remember(&packet);
                    return Some(packet);
                }
                Ok(()) => {}
                Err(error) if is_again(error) && retries < PATIENCE => retries += 1,
                Err(error) => {
                    self.ended = true;
                    self.torn |= !matches!(error, ffmpeg::Error::Eof);
                    self.damaged |= self.torn;
                }
            }
        }
        None
    }

    fn remember(&mut self, packet: &Packet) {
        let note = PacketNote::of(packet);
        match &mut self.kept {
            Some(kept) if kept.bytes + packet.size() <= self.options.keep_bytes => {
                kept.bytes += packet.size();
                kept.packets.push(packet.clone());
                self.notes.push(note);
            }
            _ => {
                self.stop_keeping();
                self.notes.push(note.with_print(packet));
            }
        }
    }

    /// From here on the container has to find packets again, so each must be known by its contents.
    fn stop_keeping(&mut self) {
        let Some(kept) = self.kept.take() else { return };
        for (note, packet) in self.notes.iter_mut().zip(&kept.packets) {
            *note = note.with_print(packet);
        }
    }

    /// Whether decoding can go on from here to the last frame: packets that were read and not kept are gone.
    pub(super) fn goes_on(&self) -> bool {
        self.kept.is_some() || !self.ended
    }

    /// Whether every packet lies in memory.
    pub(super) fn keeps_packets(&self) -> bool {
        self.kept.is_some()
    }

    /// Goes to the last keyframe shown at or before `pts`, of the packets read so far where they are kept; false where
    /// the container cannot.
    pub(super) fn seek(&mut self, pts: i64) -> bool {
        self.decoder.flush();
        self.libvpx.iter_mut().for_each(LibvpxWatch::jumped);
        self.draining = false;
        if let Some(kept) = &self.kept {
            let is_it = |packet: &Packet| packet.is_key() && packet.pts() == Some(pts);
            let place = kept.packets.iter().position(is_it);
            self.next_kept = place.unwrap_or(self.next_kept);
            return place.is_some();
        }
        let stream = self.stream as i32;
        // SAFETY: the input lives as long as `self` and `stream` is one of its streams.
        let code = unsafe { ffi::av_seek_frame(self.input.as_mut_ptr(), stream, pts, ffi::AVSEEK_FLAG_BACKWARD) };
        self.ended = false;
        self.notes.clear();
        code >= 0
    }

    /// The packets read since the file was opened; where they are not kept, since the last jump or the last call.
    pub(super) fn notes(&mut self) -> Vec<PacketNote> {
        if self.kept.is_some() { self.notes.clone() } else { std::mem::take(&mut self.notes) }
    }

    /// Refuses to go on where the disk, not the file, is to blame for what could not be read.
    pub(super) fn check_disk(&self) -> Result<()> {
        // SAFETY: the input is open; FFmpeg keeps the first error of its reading there, 0 where there was none.
        let code = unsafe {
            let file = (*self.input.as_ptr()).pb;
            if file.is_null() { 0 } else { (*file).error }
        };
        match os_error(ffmpeg::Error::from(code)) {
            Some(cause) if code < 0 => Err(Error::io("read", &self.path, cause)),
            _ => Ok(()),
        }
    }

    /// Whether a frame was made without reference to any other. Of libvpx's nothing is known; there it was made sure of by
    /// the packet that came first.
    pub(super) fn may_be_intra(&self, frame: &frame::Video) -> bool {
        // SAFETY: the frame exists; this field is a plain number in every release, unlike the keyframe mark.
        self.libvpx.is_some() || unsafe { (*frame.as_ptr()).pict_type == ffi::AVPictureType::I }
    }

    /// Whether the decoder is FFmpeg's own, whose word on damage and kinds of pictures counts.
    pub(super) fn is_native(&self) -> bool {
        self.libvpx.is_none()
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

    /// Seconds in a tick of the timestamps.
    pub(super) fn tick_secs(&self) -> f64 {
        // SAFETY: the stream is one of the open input's.
        let base = unsafe { (*(*(*self.input.as_ptr()).streams.add(self.stream))).time_base };
        f64::from(base.num) / f64::from(base.den.max(1))
    }

    /// Seconds that the container says the video lasts.
    pub(super) fn duration_secs(&self) -> Option<f64> {
        let duration = self.input.duration();
        (duration > 0).then(|| duration as f64 / f64::from(ffi::AV_TIME_BASE))
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

/// libvpx's decoder where it can be had and may be taken, FFmpeg's own otherwise.
fn open_either(
    path: &Path,
    input: &format::context::Input,
    stream: usize,
    options: StreamOptions,
) -> Result<(Opened, Option<LibvpxWatch>)> {
    let context = if options.sound { decoder_context(input, stream, options.threads).ok() } else { None };
    match context.and_then(libvpx::open) {
        Some(decoder) => Ok((decoder, Some(LibvpxWatch::default()))),
        None => Ok((open_decoder(path, input, stream, options.threads)?, None)),
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
