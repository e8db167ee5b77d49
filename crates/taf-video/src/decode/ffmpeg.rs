use std::path::{Path, PathBuf};

use ffmpeg_the_third::{ffi, frame};

use super::ending::ends_early;
use super::index::{Decoded, FrameIndex};
use super::picture::{Converter, picture_bytes, picture_print, pixel_format_name};
use super::stream::{FrameStream, StreamOptions};
use super::{VideoInfo, VideoSource, ascending, check_indices, in_asked_order};
use crate::scaler::Look;
use crate::{Clip, Error, Frame, Result};

/// How a video file is decoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DecodeOptions {
    /// Decoder threads of this one source, at least 1. Default 1: loader workers already run side by side.
    pub threads: usize,
    /// The number of frames, if [`num_frames`](VideoSource::num_frames) counted them before and the file was not
    /// [damaged](VideoSource::is_damaged) (a checked manifest). Where the packets bear it out, nothing needs to be
    /// decoded to know what is where; where they do not, or the decoder stumbles, the frames are counted afresh. VP9 is then
    /// decoded by libvpx, where FFmpeg was built with it: the same pixels in less time.
    pub known_frames: Option<usize>,
    /// Bytes of decoded pictures (YUV, so about half of RGB) that counting may keep, default 32 MiB. A video that fits
    /// is decoded once, for counting and reading together; of one that does not, nothing is kept.
    pub keep_bytes: usize,
    /// Bytes of the file's own packets that may be kept, default 32 MiB: a clip of some seconds has one or two. A file
    /// that fits is read once; in a larger one the container has to find the keyframes, and each packet is hashed to
    /// make sure that it did.
    pub keep_packet_bytes: usize,
}

impl Default for DecodeOptions {
    fn default() -> Self {
        Self { threads: 1, known_frames: None, keep_bytes: 32 << 20, keep_packet_bytes: 32 << 20 }
    }
}

/// A local video file, decoded by FFmpeg's libraries inside this process.
///
/// Frames are numbered as they are shown (B-frames sorted), turned as the container's display matrix says (multiples of
/// 90 degrees and flips) and converted to RGB as the `ffmpeg` program does. Of several video streams the one FFmpeg
/// ranks best is decoded. A packet that doesn't decode is passed over, as the `ffmpeg` program does, so a damaged file
/// yields the frames that are left; one without any is an error.
///
/// # Cost
/// Counting decodes the whole file once, unless [`DecodeOptions::known_frames`] spares it. [`read`](VideoSource::read)
/// then decodes from the keyframe before each frame, but for pictures of H.264 that nobody asked for and no other is made
/// from: 8 frames spread over 160 with a keyframe every 12 cost at most 60 decoded frames with the count known, 160 where
/// all could be kept, 220 otherwise. Where timestamps are missing, doubled or
/// out of order, or the file is damaged, it decodes from the start.
///
/// # Why this binding
/// `ffmpeg-the-third` finds any FFmpeg from 5.1 (Debian 12) to the present by itself at build time and follows new
/// releases; this file was tried with 5.1 and 9.0 and compiled against 7.1. `ffmpeg-next`, from which it stems, is in
/// maintenance only, and `rsmpeg` wants the version named as a feature and starts at 6. Where the binding's
/// enumerations would panic on codecs, pixel formats or colour spaces newer than itself, its raw interface is used.
pub struct FfmpegVideo {
    path: PathBuf,
    options: DecodeOptions,
    stream: FrameStream,
    converter: Converter,
    info: VideoInfo,
    position: Position,
    index: Option<FrameIndex>,
    /// What counting found; `None` while the index comes from packets and somebody's count.
    damaged: Option<bool>,
    kept: Option<Vec<frame::Video>>,
}

/// Where in the file the stream stands.
struct Position {
    /// The first frame, decoded when the file was opened and not yet asked for.
    first: Option<frame::Video>,
    /// Number of the frame that comes next; `None` where only its timestamp will tell.
    next: Option<usize>,
    /// Number of the packet that comes next; `None` after a jump, until the first one tells. Of use only where packets
    /// are not kept.
    packet: Option<usize>,
    /// The stream was not read from the start of the file.
    jumped: bool,
    /// After a jump, when the keyframe is shown that must come first.
    awaited: Option<i64>,
    /// Frames decoded by streams that were closed to start again.
    decoded_before: u64,
}

impl Position {
    fn at_start(decoded_before: u64) -> Self {
        Self { first: None, next: Some(0), packet: Some(0), jumped: false, awaited: None, decoded_before }
    }

    fn after_jump(decoded_before: u64) -> Self {
        Self { next: None, packet: None, jumped: true, ..Self::at_start(decoded_before) }
    }
}

/// Opens a video file with the default [`DecodeOptions`].
///
/// # Errors
/// A missing or unreadable file is an [`Error::Io`]. A folder, an empty file, a file without a video stream and one of
/// which no frame decodes are [`Error::Content`].
pub fn open_video(path: impl AsRef<Path>) -> Result<FfmpegVideo> {
    FfmpegVideo::open(path, DecodeOptions::default())
}

impl FfmpegVideo {
    /// Opens a video file and decodes its first frame; errors as for [`open_video`].
    ///
    /// FFmpeg's own log is switched off for the whole process: what goes wrong is in the returned errors.
    pub fn open(path: impl AsRef<Path>, options: DecodeOptions) -> Result<Self> {
        let path = path.as_ref().to_owned();
        if options.threads == 0 {
            return Err(Error::setting("threads", "at least 1", 0));
        }
        let mut stream = FrameStream::open(&path, stream_options(options))?;
        let first = stream.first()?.ok_or_else(|| no_frame(&path))?;
        let converter = Converter::new(&path, &first, stream.orientation())?;
        let info = describe(&mut stream, &converter, &first);
        let position = Position { first: Some(first), ..Position::at_start(0) };
        Ok(Self { path, options, stream, converter, info, position, index: None, damaged: None, kept: None })
    }

    /// Frames decoded so far on behalf of this source: the cost of what was asked of it.
    pub fn frames_decoded(&self) -> u64 {
        self.position.decoded_before + self.stream.decoded()
    }

    fn index(&mut self) -> Result<&FrameIndex> {
        if self.index.is_none() {
            self.index = match self.options.known_frames {
                Some(frames) => self.index_packets(frames)?,
                None => None,
            };
        }
        if self.index.is_none() {
            self.count()?;
        }
        Ok(self.index.as_ref().expect("counting makes an index"))
    }

    /// The index of a file of which someone knows the number of frames.
    fn index_packets(&mut self, frames: usize) -> Result<Option<FrameIndex>> {
        self.stream.read_to_end();
        self.stream.check_disk()?;
        Ok(FrameIndex::from_packets(self.stream.notes(), frames))
    }

    /// Decodes the file from its start to its end; keeps the pictures as long as they fit.
    fn count(&mut self) -> Result<()> {
        if self.position.next != Some(0) || !self.stream.goes_on() || !self.stream.is_native() {
            self.restart()?;
        }
        let (mut decoded, mut kept, mut bytes) = (Vec::new(), Some(Vec::new()), 0);
        while let Some(frame) = self.advance() {
            decoded.push(Decoded {
                pts: frame.pts(),
                intra: self.stream.may_be_intra(&frame),
                print: picture_print(&frame),
            });
            bytes += picture_bytes(&frame);
            kept = kept.filter(|_| bytes <= self.options.keep_bytes).and_then(|kept| with_copy(kept, &frame));
        }
        self.stream.check_disk()?;
        let (packets, damaged) = (self.stream.notes(), self.stream.damaged());
        self.position.packet = Some(packets.len());
        self.index = Some(FrameIndex::from_decoding(packets, &decoded, damaged));
        let cut_short = ends_early(&self.path).map_err(|source| Error::io("read", &self.path, source))?;
        (self.kept, self.damaged) = (kept, Some(damaged || cut_short));
        Ok(())
    }

    fn restart(&mut self) -> Result<()> {
        self.position = Position::at_start(self.frames_decoded());
        self.stream.restart()
    }

    /// The next frame in the order they are shown.
    fn advance(&mut self) -> Option<frame::Video> {
        let frame = self.position.first.take().or_else(|| self.stream.next())?;
        self.position.next = self.position.next.map(|next| next + 1);
        Some(frame)
    }

    /// Decodes on until frame `wanted`; `None` where it does not come.
    fn go_on_to(&mut self, wanted: usize) -> Option<frame::Video> {
        loop {
            let frame = self.advance()?;
            if self.position.awaited.is_some_and(|key| frame.pts().is_some_and(|time| time < key)) {
                continue;
            }
            if self
                .position
                .awaited
                .take()
                .is_some_and(|key| frame.pts() != Some(key) || !self.stream.may_be_intra(&frame))
            {
                return None;
            }
            let index = self.index.as_ref().filter(|index| index.can_seek());
            let number = match index {
                // After a jump a decoder may put out a leading picture nobody asked for: not in the index, passed over.
                Some(index) => frame.pts().and_then(|time| index.number_at(time)),
                None => self.position.next.map(|next| next - 1),
            };
            self.position.next = number.map(|number| number + 1);
            match number {
                Some(number) if number == wanted => return self.on_track(number, &frame).then_some(frame),
                Some(number) if number > wanted => return None,
                _ => {}
            }
        }
    }

    /// Whether what came after a jump is what comes in order: the same packets, the same picture. A container that is
    /// damaged or cannot seek well may deliver others, and a decoder that starts in the middle may make another picture
    /// of the same.
    fn on_track(&mut self, number: usize, frame: &frame::Video) -> bool {
        let Some(index) = &self.index else { return true };
        if self.stream.keeps_packets() {
            return !self.position.jumped || index.may_be(number, picture_print(frame));
        }
        let seen = self.stream.notes();
        let first = self.position.packet.or_else(|| seen.first().and_then(|packet| index.packet_number(packet)));
        self.position.packet = first.map(|first| first + seen.len());
        let in_order = !self.position.jumped;
        in_order
            || first.is_some_and(|first| index.goes_on_with(first, &seen)) && index.may_be(number, picture_print(frame))
    }

    /// Jumps to the nearest keyframe that leads to frame `wanted`, or the one before it, and decodes from there. What
    /// comes first must be that keyframe, made of itself alone: some files have keyframes in name only (a picture that
    /// is renewed bit by bit), and what follows one depends on where decoding began.
    fn jump_to(&mut self, wanted: usize) -> Option<frame::Video> {
        const TRIES: usize = 2;
        let index = self.index.as_ref().filter(|index| index.can_seek())?;
        // A keyframe that the container cuts away is decoded and not shown.
        let awaited = |key: i64| index.number_at(key).map(|_| key);
        let keys: Vec<_> = index.keys_before(wanted).take(TRIES).map(|key| (key, awaited(key))).collect();
        keys.into_iter().find_map(|(key, awaited)| {
            let decoded_before = self.position.decoded_before;
            self.position = Position { awaited, ..Position::after_jump(decoded_before) };
            if self.stream.seek(key) { self.go_on_to(wanted) } else { None }
        })
    }

    /// Decodes from the start of the file, and from now on always: a jump did not lead to where it should.
    fn start_over_to(&mut self, wanted: usize) -> Result<frame::Video> {
        self.restart()?;
        self.index.iter_mut().for_each(FrameIndex::stop_seeking);
        if let Some(found) = self.go_on_to(wanted) {
            return Ok(found);
        }
        self.stream.check_disk()?;
        let expected = format!("frame {wanted} of {} to decode", self.frames_promised());
        Err(Error::content(&self.path, expected, "nothing that decodes"))
    }

    /// Brings one frame in the cheapest way that works.
    fn fetch(&mut self, wanted: usize) -> Result<Frame> {
        if let Some(kept) = &self.kept {
            return self.converter.convert(&self.path, &kept[wanted]);
        }
        let index = self.index.as_ref().expect("frames are fetched by an index");
        let near = self.position.next.is_some_and(|next| index.is_near(next, wanted));
        let found = if near { self.go_on_to(wanted) } else { None };
        let found = match found.or_else(|| self.jump_to(wanted)) {
            Some(found) => found,
            None => self.start_over_to(wanted)?,
        };
        self.converter.convert(&self.path, &found)
    }

    fn frames_promised(&self) -> usize {
        self.index.as_ref().map_or(0, FrameIndex::frames)
    }

    fn fetch_all(&mut self, wanted: &[usize]) -> Result<Vec<Frame>> {
        let index = self.index.as_ref().expect("frames are fetched by an index");
        self.stream.want(wanted.iter().filter_map(|&frame| index.time_of(frame)).collect());
        wanted.iter().map(|&frame| self.fetch(frame)).collect()
    }

    /// Counts after all, because the packets promised what the decoder did not keep.
    fn verify(&mut self) -> Result<()> {
        let promised = self.frames_promised();
        self.count()?;
        match self.frames_promised() {
            frames if frames == promised => Ok(()),
            frames => Err(Error::content(&self.path, format!("{promised} frames"), format!("{frames} that decode"))),
        }
    }
}

impl VideoSource for FfmpegVideo {
    fn num_frames(&mut self) -> Result<usize> {
        Ok(self.index()?.frames())
    }

    fn read(&mut self, indices: &[usize]) -> Result<Clip> {
        let frames = self.num_frames()?;
        check_indices(&self.path, indices, frames)?;
        let wanted = ascending(indices);
        let mut read = self.fetch_all(&wanted);
        if self.damaged.is_none() && (read.is_err() || self.stream.damaged()) {
            self.verify()?;
            read = self.fetch_all(&wanted);
        }
        Ok(in_asked_order(indices, &wanted, read?))
    }

    fn is_damaged(&mut self) -> Result<bool> {
        if self.damaged.is_none() {
            self.count()?;
        }
        Ok(self.damaged == Some(true))
    }

    fn info(&self) -> &VideoInfo {
        &self.info
    }

    fn path(&self) -> &Path {
        &self.path
    }
}

/// Adds a copy of the frame; `None` where memory is short. The original goes back to the decoder, which then makes the
/// same of a damaged file whether frames are kept or not: blocks it leaves out show what was in that memory before.
fn with_copy(mut kept: Vec<frame::Video>, frame: &frame::Video) -> Option<Vec<frame::Video>> {
    let mut copy = Look::of(frame).buffer()?;
    // SAFETY: both pictures have memory and the same look.
    let code = unsafe { ffi::av_frame_copy(copy.as_mut_ptr(), frame.as_ptr()) };
    kept.push(copy);
    (code >= 0).then_some(kept)
}

fn stream_options(options: DecodeOptions) -> StreamOptions {
    let DecodeOptions { threads, keep_packet_bytes, known_frames, .. } = options;
    StreamOptions { threads, keep_bytes: keep_packet_bytes, sound: known_frames.is_some() }
}

fn no_frame(path: &Path) -> Error {
    Error::content(path, "a video with at least one frame that decodes", "none")
}

fn describe(stream: &mut FrameStream, converter: &Converter, first: &frame::Video) -> VideoInfo {
    let (width, height) = converter.size();
    let (fps, codec) = (stream.fps(), stream.codec_name());
    VideoInfo { width, height, fps, codec, pixel_format: pixel_format_name(first) }
}
