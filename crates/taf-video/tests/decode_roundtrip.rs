//! What `VideoWriter` writes, `FfmpegVideo` reads: every codec, any order, many keyframes.

mod numbered;

use numbered::{HEIGHT, WIDTH, number_of, numbered_frame, skipped, write_numbered};
use rand::seq::IndexedRandom as _;
use rand::{RngExt as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;
use taf_video::{
    Clip, DecodeOptions, EncodeOptions, FfmpegVideo, Frame, Pixels, VideoCodec, VideoSource as _, VideoWriter,
};

/// Mean error in 8-bit steps that lossy storage at the default quality may leave on these smooth pictures.
const LOSSY: f64 = 3.0;

fn extension(codec: VideoCodec) -> &'static str {
    match codec {
        VideoCodec::Vp8 | VideoCodec::Vp9 => "webm",
        VideoCodec::Av1 => "mkv",
        _ => "mp4",
    }
}

fn mean_error(a: &Frame, b: &Frame) -> f64 {
    let sum: u64 = a.data().iter().zip(b.data()).map(|(&a, &b)| u64::from(a.abs_diff(b))).sum();
    sum as f64 / a.data().len() as f64
}

/// Codecs to try; names what is left out.
fn codecs() -> Vec<VideoCodec> {
    let (here, missing): (Vec<_>, Vec<_>) = VideoCodec::ALL.into_iter().partition(|codec| codec.can_encode());
    missing.iter().for_each(|codec| skipped(&format!("{codec:?}: this FFmpeg cannot encode it")));
    here
}

/// Nothing kept, so that every read has to find its way.
fn seeking() -> DecodeOptions {
    DecodeOptions { keep_bytes: 0, keep_packet_bytes: 0, ..DecodeOptions::default() }
}

fn sequential(path: &std::path::Path) -> Vec<Frame> {
    let mut video = FfmpegVideo::open(path, seeking()).unwrap();
    let frames = video.num_frames().unwrap();
    video.read(&(0..frames).collect::<Vec<_>>()).unwrap().into_frames()
}

#[test]
fn every_codec_brings_every_frame_back_in_order() {
    let dir = tempfile::tempdir().unwrap();
    for codec in codecs() {
        let path = dir.path().join(format!("{codec:?}.{}", extension(codec)));
        write_numbered(&path, 30, &EncodeOptions::of(codec));
        let frames = sequential(&path);
        assert_eq!(frames.len(), 30, "{codec:?}");
        for (number, frame) in frames.iter().enumerate() {
            assert_eq!(number_of(frame), number, "{codec:?}");
            let error = mean_error(frame, &numbered_frame(number));
            assert!(error < LOSSY, "{codec:?}, frame {number}: mean error {error}");
        }
    }
}

#[test]
fn ten_bit_files_decode_to_the_same_pictures() {
    let dir = tempfile::tempdir().unwrap();
    for codec in codecs().into_iter().filter(|codec| !matches!(codec, VideoCodec::Vp8 | VideoCodec::Mpeg4)) {
        let path = dir.path().join(format!("{codec:?}.mkv"));
        let options = EncodeOptions { ten_bit: true, ..EncodeOptions::of(codec) };
        write_numbered(&path, 8, &options);
        let mut video = FfmpegVideo::open(&path, seeking()).unwrap();
        assert_eq!(video.info().pixel_format, "yuv420p10le", "{codec:?}");
        let clip = video.read(&[7, 0]).unwrap();
        assert_eq!([number_of(&clip.frames()[0]), number_of(&clip.frames()[1])], [7, 0], "{codec:?}");
        assert!(mean_error(&clip.frames()[0], &numbered_frame(7)) < LOSSY, "{codec:?}");
    }
}

#[test]
fn any_indices_read_what_a_full_decode_gives() {
    const FRAMES: usize = 50;
    let dir = tempfile::tempdir().unwrap();
    let mut rng = ChaCha8Rng::seed_from_u64(7);
    for codec in codecs() {
        for (keyframe_interval, b_frames) in [(1, 0), (7, 0), (10, 3), (250, 2)] {
            let path = dir.path().join(format!("{codec:?}-{keyframe_interval}-{b_frames}.{}", extension(codec)));
            write_numbered(&path, FRAMES, &EncodeOptions { keyframe_interval, b_frames, ..EncodeOptions::of(codec) });
            let all = sequential(&path);
            assert_eq!(all.len(), FRAMES, "{codec:?}, keyframe every {keyframe_interval}, {b_frames} B-frames");
            let known = DecodeOptions { known_frames: Some(FRAMES), ..seeking() };
            let kept_packets = DecodeOptions { keep_packet_bytes: 32 << 20, ..known };
            for options in [seeking(), known, kept_packets, DecodeOptions::default()] {
                let mut video = FfmpegVideo::open(&path, options).unwrap();
                for _ in 0..4 {
                    let count = rng.random_range(1..9);
                    let indices: Vec<usize> = (0..count).map(|_| rng.random_range(0..FRAMES)).collect();
                    let expected = Clip::new(indices.iter().map(|&index| all[index].clone()).collect());
                    assert_eq!(video.read(&indices).unwrap(), expected, "{path:?} {indices:?} {options:?}");
                }
            }
        }
    }
}

#[test]
fn a_known_count_saves_decoding_what_the_sample_does_not_need() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("long.mp4");
    write_numbered(&path, 240, &EncodeOptions { keyframe_interval: 12, ..EncodeOptions::default() });
    let read = |known_frames, keep_packet_bytes| {
        let options = DecodeOptions { known_frames, keep_packet_bytes, ..seeking() };
        let mut video = FfmpegVideo::open(&path, options).unwrap();
        let clip = video.read(&[24, 120, 216]).unwrap();
        assert_eq!(clip.frames().iter().map(number_of).collect::<Vec<_>>(), [24, 120, 216]);
        video.frames_decoded()
    };
    for keep_packet_bytes in [0, 32 << 20] {
        let (unknown, known) = (read(None, keep_packet_bytes), read(Some(240), keep_packet_bytes));
        eprintln!("frames decoded for 3 of 240: {known} with the count known, {unknown} with counting");
        assert!(known <= 1 + 3 * 12, "the first frame, then at most a group of pictures for each, got {known}");
        assert!(unknown > 240, "counting decodes all");
    }
}

#[test]
fn a_wrong_known_count_is_not_believed() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("clip.mp4");
    write_numbered(&path, 20, &EncodeOptions::default());
    let options = DecodeOptions { known_frames: Some(21), ..seeking() };
    assert_eq!(FfmpegVideo::open(&path, options).unwrap().num_frames().unwrap(), 20);
}

#[test]
fn reading_on_in_pieces_decodes_each_frame_once() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("clip.mp4");
    write_numbered(&path, 60, &EncodeOptions { keyframe_interval: 250, ..EncodeOptions::default() });
    let options = DecodeOptions { known_frames: Some(60), keep_bytes: 0, ..DecodeOptions::default() };
    let mut video = FfmpegVideo::open(&path, options).unwrap();
    for piece in (0..60).collect::<Vec<_>>().chunks(7) {
        let clip = video.read(piece).unwrap();
        assert_eq!(clip.frames().iter().map(number_of).collect::<Vec<_>>(), piece);
    }
    assert_eq!(video.frames_decoded(), 60);
}

#[test]
fn pictures_nobody_asked_for_and_nothing_needs_are_not_decoded() {
    let dir = tempfile::tempdir().unwrap();
    for name in ["clip.mp4", "clip.mkv", "clip.avi"] {
        let path = dir.path().join(name);
        write_numbered(&path, 60, &EncodeOptions { keyframe_interval: 250, b_frames: 3, ..EncodeOptions::default() });
        let frames = sequential(&path);
        for (threads, first) in [(1, 1), (1, 3), (2, 2), (2, 4)] {
            let options = DecodeOptions { threads, known_frames: Some(60), ..DecodeOptions::default() };
            let mut video = FfmpegVideo::open(&path, options).unwrap();
            let wanted: Vec<_> = (first..60).step_by(7).collect();
            let clip = video.read(&wanted).unwrap();
            assert!(clip.frames().iter().zip(&wanted).all(|(frame, &number)| *frame == frames[number]), "{wanted:?}");
            let decoded = video.frames_decoded();
            assert!(name == "clip.avi" || decoded <= 45, "{decoded} frames of {name}");
            assert_eq!(number_of(&video.read(&[first + 1]).unwrap().frames()[0]), first + 1, "what was passed over");
        }
    }
}

#[test]
fn lossless_means_bit_for_bit_even_for_noise_of_odd_size() {
    let dir = tempfile::tempdir().unwrap();
    let mut rng = ChaCha8Rng::seed_from_u64(1);
    let mut noise = || Frame::new(33, 17, (0..33 * 17 * 3).map(|_| rng.random()).collect());
    let frames: Vec<Frame> = (0..5).map(|_| noise()).collect();
    for name in ["clip.mp4", "clip.mkv"] {
        let path = dir.path().join(name);
        let mut writer = VideoWriter::create(&path, 33, 17, 12.0, &EncodeOptions::lossless()).unwrap();
        frames.iter().for_each(|frame| writer.push(frame).unwrap());
        writer.finish().unwrap();
        assert_eq!(sequential(&path), frames, "{name}");
    }
}

#[test]
fn flat_colours_survive_with_the_matrix_they_were_stored_in() {
    /// Rounding to limited range, to RGB, and a step of the quantiser.
    const STEPS: u8 = 4;
    let dir = tempfile::tempdir().unwrap();
    for codec in codecs() {
        let path = dir.path().join(format!("{codec:?}.{}", extension(codec)));
        let mut writer = VideoWriter::create(&path, 64, 64, 25.0, &EncodeOptions::of(codec)).unwrap();
        let colours = [[255, 0, 0], [0, 255, 0], [0, 0, 255], [255; 3], [0; 3], [120, 80, 200]];
        colours.iter().for_each(|&rgb| writer.push(&Frame::filled(64, 64, rgb)).unwrap());
        writer.finish().unwrap();
        for (frame, rgb) in sequential(&path).iter().zip(colours) {
            let got = frame.pixel(32, 32);
            let close = got.iter().zip(rgb).all(|(&got, wanted)| got.abs_diff(wanted) <= STEPS);
            assert!(close, "{codec:?}: wrote {rgb:?}, read {got:?}");
        }
    }
}

#[test]
fn full_colour_resolution_takes_any_size() {
    let dir = tempfile::tempdir().unwrap();
    for codec in [VideoCodec::H264, VideoCodec::Hevc, VideoCodec::Vp9].into_iter().filter(|codec| codec.can_encode()) {
        let path = dir.path().join(format!("{codec:?}.mkv"));
        let options = EncodeOptions { pixels: Pixels::Yuv444, ..EncodeOptions::of(codec) };
        let mut writer = VideoWriter::create(&path, 35, 33, 25.0, &options).unwrap();
        (0..3).for_each(|_| writer.push(&Frame::filled(35, 33, [10, 200, 90])).unwrap());
        writer.finish().unwrap();
        let frames = sequential(&path);
        assert_eq!((frames.len(), frames[0].width(), frames[0].height()), (3, 35, 33), "{codec:?}");
    }
}

#[test]
fn the_same_frames_give_the_same_file_whatever_was_done_before() {
    let dir = tempfile::tempdir().unwrap();
    let write = |codec, name: String| {
        let path = dir.path().join(name);
        write_numbered(&path, 20, &EncodeOptions::of(codec));
        std::fs::read(path).unwrap()
    };
    // What one encoder leaves in memory is what the next one finds there.
    let files: Vec<Vec<Vec<u8>>> = (0..4)
        .map(|round| codecs().iter().map(|&codec| write(codec, format!("{round}-{codec:?}.mkv"))).collect())
        .collect();
    for (codec, number) in codecs().iter().zip(0..) {
        assert!(files.iter().all(|round| round[number] == files[0][number]), "{codec:?}");
    }
}

#[test]
fn what_a_writer_refuses_it_names() {
    let dir = tempfile::tempdir().unwrap();
    let at = |name: &str| dir.path().join(name);
    let refused = |name: &str, width, height, fps, options: &EncodeOptions| {
        VideoWriter::create(at(name), width, height, fps, options).err().expect(name).to_string()
    };
    let usual = EncodeOptions::default();
    assert!(refused("a.mp4", 33, 32, 25.0, &usual).contains("even on both sides"));
    assert!(refused("a.mp4", 0, 32, 25.0, &usual).contains("frame size"));
    assert!(refused("a.txt", 32, 32, 25.0, &usual).contains(".mp4"));
    assert!(refused("a.mp4", 32, 32, 0.0, &usual).contains("fps"));
    assert!(refused("a.mp4", 32, 32, f64::NAN, &usual).contains("fps"));
    assert!(refused("a.mp4", 32, 32, 25.0, &EncodeOptions { quality: Some(52), ..usual }).contains("0 to 51"));
    assert!(refused("a.mp4", 32, 32, 25.0, &EncodeOptions { keyframe_interval: 0, ..usual }).contains("keyframe"));
    assert!(refused("a.mp4", 30, 64, 25.0, &EncodeOptions::of(VideoCodec::Hevc)).contains("at least 32"));
    let vp8 = EncodeOptions::of(VideoCodec::Vp8);
    assert!(refused("a.webm", 32, 32, 25.0, &EncodeOptions { ten_bit: true, ..vp8 }).contains("Vp8 can store"));
    assert!(refused("a.mp4", 32, 32, 25.0, &vp8).contains("mp4 files can hold"));
    assert!(refused("no/such/folder.mp4", 32, 32, 25.0, &usual).contains("cannot write: No such file"));
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0, "nothing half-made stays behind");
}

#[test]
fn a_file_appears_only_when_it_is_finished() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("clip.mp4");
    let mut writer = VideoWriter::create(&path, WIDTH, HEIGHT, 25.0, &EncodeOptions::default()).unwrap();
    writer.push(&numbered_frame(0)).unwrap();
    assert!(writer.push(&Frame::filled(8, 8, [0; 3])).unwrap_err().to_string().contains("got 8x8"));
    assert!(!path.exists());
    drop(writer);
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0);
    let empty = VideoWriter::create(&path, WIDTH, HEIGHT, 25.0, &EncodeOptions::default()).unwrap();
    assert!(empty.finish().unwrap_err().to_string().contains("at least one frame"));
    assert!(!path.exists());
}

#[test]
fn info_tells_size_rate_and_codec() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("clip.mp4");
    let mut writer = VideoWriter::create(&path, 64, 32, 30000.0 / 1001.0, &EncodeOptions::default()).unwrap();
    (0..9).for_each(|_| writer.push(&Frame::filled(64, 32, [9; 3])).unwrap());
    writer.finish().unwrap();
    let video = taf_video::open_video(&path).unwrap();
    let info = video.info();
    assert_eq!((info.width, info.height, info.codec.as_str(), info.pixel_format.as_str()), (64, 32, "h264", "yuv420p"));
    assert!((info.fps.unwrap() - 29.97).abs() < 0.001, "{:?}", info.fps);
}

#[test]
fn several_threads_decode_the_same_frames() {
    let dir = tempfile::tempdir().unwrap();
    let mut rng = ChaCha8Rng::seed_from_u64(3);
    for codec in codecs() {
        let path = dir.path().join(format!("{codec:?}.{}", extension(codec)));
        write_numbered(&path, 40, &EncodeOptions::of(codec));
        let all = sequential(&path);
        let mut video = FfmpegVideo::open(&path, DecodeOptions { threads: 3, ..seeking() }).unwrap();
        let places: Vec<usize> = (0..40).collect();
        let indices: Vec<usize> = places.sample(&mut rng, 6).copied().collect();
        let expected: Vec<Frame> = indices.iter().map(|&index| all[index].clone()).collect();
        assert_eq!(video.read(&indices).unwrap().into_frames(), expected, "{codec:?}");
    }
}

/// Of an MP4 file without a table of keyframes every picture counts as one.
fn call_every_picture_a_keyframe(path: &std::path::Path) {
    let mut bytes = std::fs::read(path).unwrap();
    let table = bytes.windows(4).position(|name| name == b"stss").expect("the table of keyframes");
    bytes[table..table + 4].copy_from_slice(b"free");
    std::fs::write(path, bytes).unwrap();
}

/// Each frame is asked for alone, of a file just opened, as training does.
#[test]
fn keyframes_in_name_only_do_not_change_the_pictures_that_are_asked_for() {
    const FRAMES: usize = 30;
    let dir = tempfile::tempdir().unwrap();
    for codec in [VideoCodec::Mpeg4, VideoCodec::H264].into_iter().filter(|codec| codec.can_encode()) {
        let path = dir.path().join(format!("{codec:?}.mp4"));
        write_numbered(&path, FRAMES, &EncodeOptions { keyframe_interval: 10, ..EncodeOptions::of(codec) });
        let all = sequential(&path);
        call_every_picture_a_keyframe(&path);
        for keep_packet_bytes in [0, 32 << 20] {
            let known = DecodeOptions { known_frames: Some(FRAMES), keep_packet_bytes, ..seeking() };
            for (wanted, expected) in all.iter().enumerate() {
                let clip = FfmpegVideo::open(&path, known).unwrap().read(&[wanted]).unwrap();
                assert!(clip.frames()[0] == *expected, "{codec:?}, frame {wanted}, {keep_packet_bytes} bytes kept");
            }
        }
    }
}

#[cfg(target_os = "linux")]
#[test]
fn a_file_is_opened_once_however_its_frames_are_asked_for() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("clip.mp4");
    write_numbered(&path, 60, &EncodeOptions::default());
    let options = DecodeOptions { known_frames: Some(60), keep_bytes: 0, ..DecodeOptions::default() };
    let mut video = FfmpegVideo::open(&path, options).unwrap();
    // Whoever opened it again would now find nothing.
    std::fs::remove_file(&path).unwrap();
    for indices in [&[40][..], &[3, 59], &[12, 11]] {
        let clip = video.read(indices).unwrap();
        assert_eq!(clip.frames().iter().map(number_of).collect::<Vec<_>>(), indices);
    }
}
