//! Where VP9 is decoded by libvpx, and how it is noticed that it should not be.

use std::ptr;

use ffmpeg_the_third as ffmpeg;

use ffmpeg::codec::{Context, decoder::Opened};
use ffmpeg::{Codec, ffi, frame};

use crate::scaler::Look;

/// Watch over libvpx's decoder of VP9, which makes the same pixels of a sound file as FFmpeg's own in a tenth less time.
///
/// It does not forget what it decoded before a jump, knows no kind of picture, and may make something else of a damaged
/// file. So it must begin with a key picture, its pictures must all look alike, and whoever finds anything amiss starts
/// again with FFmpeg's own.
#[derive(Debug, Default)]
pub(super) struct LibvpxWatch {
    /// A packet was decoded since the beginning or the last jump.
    under_way: bool,
    look: Option<Look>,
}

impl LibvpxWatch {
    /// What is decoded next has nothing before it.
    pub(super) fn jumped(&mut self) {
        self.under_way = false;
    }

    /// Whether a packet may be decoded here.
    pub(super) fn may_decode(&mut self, packet: &[u8]) -> bool {
        std::mem::replace(&mut self.under_way, true) || is_key_picture(packet)
    }

    /// Whether a picture is in 8 bits and 4:2:0, without an alpha channel, and looks like those before it.
    pub(super) fn may_show(&mut self, picture: &frame::Video) -> bool {
        let look = Look::of(picture);
        look.format == ffi::AVPixelFormat::YUV420P && *self.look.get_or_insert(look) == look
    }
}

/// Whether a packet begins with a key picture of profile 0 that is no repeat of an old one: frame marker, profile, repeat
/// and kind are the first six bits (VP9 bitstream specification, 6.2).
fn is_key_picture(packet: &[u8]) -> bool {
    packet.first().is_some_and(|byte| byte >> 2 == 0b10_0000)
}

/// A decoder of libvpx for the stream of a context; `None` for other codecs, and where FFmpeg was built without.
pub(super) fn open(context: Context) -> Option<Opened> {
    // SAFETY: the context is live, the name ends in a zero byte and the codec found is static.
    let codec = unsafe {
        let is_vp9 = (*context.as_ptr()).codec_id == ffi::AVCodecID::VP9;
        let found = if is_vp9 { ffi::avcodec_find_decoder_by_name(c"libvpx-vp9".as_ptr()) } else { ptr::null() };
        Codec::from_raw(found)
    };
    context.decoder().open_as(codec?).ok()
}

#[cfg(test)]
mod tests {
    use std::path::{Path, PathBuf};

    use rand::RngExt as _;

    use super::super::picture::{Converter, pixel_format_name};
    use super::super::stream::{FrameStream, StreamOptions};
    use crate::{DecodeOptions, EncodeOptions, FfmpegVideo, Frame, Pixels, VideoCodec, VideoSource, VideoWriter};

    use super::*;

    /// First byte of a packet by its fields.
    fn byte(marker: u8, profile_low: u8, profile_high: u8, repeat: u8, inter: u8) -> u8 {
        marker << 6 | profile_low << 5 | profile_high << 4 | repeat << 3 | inter << 2 | 0b10
    }

    #[test]
    fn only_a_key_picture_of_the_first_profile_begins() {
        assert!(is_key_picture(&[byte(2, 0, 0, 0, 0), 0x49, 0x83, 0x42]));
        for other in [byte(2, 0, 0, 0, 1), byte(2, 0, 0, 1, 0), byte(2, 1, 0, 0, 0), byte(2, 0, 1, 0, 0), 0, 0xff] {
            assert!(!is_key_picture(&[other, 0x49, 0x83, 0x42]), "{other:08b}");
        }
        assert!(!is_key_picture(&[]));
    }

    #[test]
    fn decoding_goes_on_with_anything_and_begins_again_with_a_key_picture() {
        let (key, other) = ([byte(2, 0, 0, 0, 0)], [byte(2, 0, 0, 0, 1)]);
        let mut watch = LibvpxWatch::default();
        assert!(watch.may_decode(&key) && watch.may_decode(&other));
        watch.jumped();
        assert!(!watch.may_decode(&other));
    }

    #[test]
    fn pictures_of_another_size_or_depth_are_not_shown() {
        let look = |width, format| Look {
            width,
            height: 16,
            format,
            matrix: ffi::AVColorSpace::BT709,
            range: ffi::AVColorRange::MPEG,
        };
        let picture = |width, format| look(width, format).buffer().unwrap();
        let mut watch = LibvpxWatch::default();
        assert!(!watch.may_show(&picture(16, ffi::AVPixelFormat::YUV420P10LE)));
        assert!(!watch.may_show(&picture(16, ffi::AVPixelFormat::YUVA420P)));
        assert!(watch.may_show(&picture(16, ffi::AVPixelFormat::YUV420P)));
        assert!(!watch.may_show(&picture(32, ffi::AVPixelFormat::YUV420P)));
        assert!(watch.may_show(&picture(16, ffi::AVPixelFormat::YUV420P)));
    }

    /// Rings that wander, in grain that does not repeat: every kind of prediction has something to do.
    fn picture(number: usize, width: usize, height: usize) -> Frame {
        let pixel = |place: usize| {
            let (x, y) = ((place % width) as f32, (place / width) as f32);
            let from_middle = (x - 20.0 - 0.7 * number as f32).hypot(y - 15.0 - 0.4 * number as f32);
            let grain = (((place * 7919 + number * 104_729) * 2_654_435_761) >> 8) & 15;
            [0.3, 0.5, 0.8].map(|ring: f32| (120.0 + 100.0 * (from_middle * ring).sin()) as u8 + grain as u8)
        };
        Frame::new(width, height, (0..width * height).flat_map(pixel).collect())
    }

    /// Writes a VP9 file; `None`, and a word, where this FFmpeg cannot.
    fn written(dir: &Path, frames: usize, [width, height]: [usize; 2], options: &EncodeOptions) -> Option<PathBuf> {
        if !VideoCodec::Vp9.can_encode() {
            eprintln!("skipped: this FFmpeg cannot encode VP9");
            return None;
        }
        let path = dir.join(format!("{frames}-{width}-{}-{}.webm", options.keyframe_interval, options.ten_bit));
        let mut writer = VideoWriter::create(&path, width, height, 12.0, options).unwrap();
        (0..frames).for_each(|number| writer.push(&picture(number, width, height)).unwrap());
        writer.finish().unwrap();
        Some(path)
    }

    fn vp9() -> EncodeOptions {
        EncodeOptions::of(VideoCodec::Vp9)
    }

    fn opened(path: &Path, sound: bool, threads: usize) -> FrameStream {
        FrameStream::open(path, StreamOptions { threads, keep_bytes: 32 << 20, sound }).unwrap()
    }

    /// All frames with their times, and whether FFmpeg's own decoder made them.
    fn decoded(path: &Path, sound: bool, threads: usize) -> (Vec<(Option<i64>, Frame)>, bool) {
        let mut stream = opened(path, sound, threads);
        let first = stream.first().unwrap().unwrap();
        let mut converter = Converter::new(path, &first, stream.orientation()).unwrap();
        let all = std::iter::once(first).chain(std::iter::from_fn(|| stream.next()));
        let frames = all.map(|frame| (frame.pts(), converter.convert(path, &frame).unwrap())).collect();
        assert!(!stream.damaged());
        (frames, stream.is_native())
    }

    /// Whether a packet holds several pictures, of which only one is shown (VP9 bitstream specification, annex B).
    fn hides_pictures(path: &Path) -> bool {
        let bytes = std::fs::read(path).unwrap();
        let marked = |bytes: &[u8]| bytes.first() == bytes.last() && bytes[0] & 0b1110_0000 == 0b1100_0000;
        // Two pictures, whose sizes take one or two bytes each.
        bytes.windows(4).chain(bytes.windows(6)).any(|index| marked(index) && index[0] & 7 == 1)
    }

    #[test]
    fn frames_and_times_are_those_of_ffmpegs_own_decoder() {
        let dir = tempfile::tempdir().unwrap();
        for (frames, size, keyframe_interval) in
            [(1, [64, 48], 250), (3, [70, 38], 250), (60, [96, 70], 250), (40, [64, 48], 9)]
        {
            let options = EncodeOptions { keyframe_interval, ..vp9() };
            let Some(path) = written(dir.path(), frames, size, &options) else { return };
            assert!(frames < 40 || hides_pictures(&path), "{path:?} has no picture that is only referred to");
            let (expected, native) = decoded(&path, false, 1);
            assert!(native && expected.len() == frames);
            for threads in [1, 2] {
                let (found, native) = decoded(&path, true, threads);
                if native {
                    eprintln!("skipped: this FFmpeg has no decoder of libvpx");
                    return;
                }
                assert!(found == expected, "{path:?} on {threads} threads");
            }
        }
    }

    #[test]
    fn ten_bits_and_full_colour_go_to_ffmpegs_own_decoder() {
        let dir = tempfile::tempdir().unwrap();
        for (name, options) in [
            ("yuv420p10le", EncodeOptions { ten_bit: true, ..vp9() }),
            ("yuv444p", EncodeOptions { pixels: Pixels::Yuv444, ..vp9() }),
        ] {
            let Some(path) = written(dir.path(), 6, [64, 48], &options) else { return };
            let mut stream = opened(&path, true, 1);
            assert_eq!(pixel_format_name(&stream.first().unwrap().unwrap()), name);
            assert!(stream.is_native());
            assert!(decoded(&path, true, 1) == decoded(&path, false, 1), "{name}");
        }
    }

    #[test]
    fn a_new_start_and_counting_go_to_ffmpegs_own_decoder() {
        let dir = tempfile::tempdir().unwrap();
        let Some(path) = written(dir.path(), 20, [64, 48], &vp9()) else { return };
        let mut stream = opened(&path, true, 1);
        stream.first().unwrap();
        stream.restart().unwrap();
        assert!(stream.is_native());
        let mut known =
            FfmpegVideo::open(&path, DecodeOptions { known_frames: Some(20), ..Default::default() }).unwrap();
        assert!(!known.is_damaged().unwrap() && known.num_frames().unwrap() == 20);
        assert_eq!(known.frames_decoded(), 1 + 20, "the first frame again, by the other decoder");
    }

    /// Copies of a file with one to three bytes changed.
    fn changed_copies(bytes: &[u8], count: usize) -> impl Iterator<Item = Vec<u8>> {
        let mut rng = crate::Seed::new(3).rng();
        (0..count).map(move |_| {
            let mut changed = bytes.to_vec();
            for _ in 0..rng.random_range(1..4) {
                let at = rng.random_range(0..changed.len());
                changed[at] = rng.random();
            }
            changed
        })
    }

    #[test]
    fn of_a_file_in_which_no_damage_was_found_come_the_frames_that_counting_found() {
        let dir = tempfile::tempdir().unwrap();
        let options = EncodeOptions { keyframe_interval: 11, ..vp9() };
        let Some(path) = written(dir.path(), 30, [64, 48], &options) else { return };
        let bytes = std::fs::read(&path).unwrap();
        let file = dir.path().join("changed.webm");
        let mut sound = 0;
        for changed in changed_copies(&bytes, 30) {
            std::fs::write(&file, changed).unwrap();
            let Ok(mut counted) = FfmpegVideo::open(&file, DecodeOptions::default()) else { continue };
            let frames = counted.num_frames().unwrap();
            if frames < 26 || counted.is_damaged().unwrap() {
                continue;
            }
            sound += 1;
            let known = DecodeOptions { known_frames: Some(frames), ..Default::default() };
            let found = FfmpegVideo::open(&file, known).unwrap().read(&[2, 9, 14, 25]).unwrap();
            assert!(found == counted.read(&[2, 9, 14, 25]).unwrap(), "change {sound}");
        }
        assert!(sound > 10, "changed where nobody notices: {sound}");
    }
}
