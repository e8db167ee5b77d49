//! Files that are not what they seem: an error with the file's name, or the frames that are left; never a crash or a
//! hang.

mod numbered;

use std::path::{Path, PathBuf};

use numbered::{number_of, skipped, write_numbered};
use rand::{RngExt as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;
use taf_video::{Clip, DecodeOptions, EncodeOptions, Error, FfmpegVideo, VideoCodec, VideoSource as _, open_video};

fn message(path: &Path) -> String {
    open_video(path).err().unwrap_or_else(|| panic!("{path:?} opened")).to_string()
}

fn seeking(known_frames: Option<usize>) -> DecodeOptions {
    DecodeOptions { keep_bytes: 0, keep_packet_bytes: 0, known_frames, ..DecodeOptions::default() }
}

fn file(dir: &tempfile::TempDir, name: &str, bytes: &[u8]) -> PathBuf {
    let path = dir.path().join(name);
    std::fs::write(&path, bytes).unwrap();
    path
}

#[test]
fn what_is_no_video_is_named_with_what_it_is() {
    let dir = tempfile::tempdir().unwrap();
    assert!(message(&dir.path().join("missing.mp4")).starts_with("cannot open: No such file"));
    assert!(message(dir.path()).contains("found a folder"));
    assert!(message(&file(&dir, "empty.mp4", b"")).contains("found an empty file"));
    let text = "a line of text\n".repeat(200);
    for name in ["text.mp4", "text.txt", "text.ans", "text.avi"] {
        let error = message(&file(&dir, name, text.as_bytes()));
        assert!(error.starts_with("expected a video file") && error.ends_with(name), "{error}");
    }
    let picture = dir.path().join("picture.png");
    image::RgbImage::new(8, 8).save(&picture).unwrap();
    assert!(message(&picture).starts_with("expected a video file"));
    assert!(matches!(open_video("with\0nul.mp4"), Err(Error::Io { .. })));
}

#[test]
fn sound_without_pictures_is_no_video() {
    let dir = tempfile::tempdir().unwrap();
    let mut wave =
        b"RIFF\x64\x08\0\0WAVEfmt \x10\0\0\0\x01\0\x01\0\x40\x1f\0\0\x40\x1f\0\0\x01\0\x08\0data\x40\x08\0\0".to_vec();
    wave.extend([128; 2112]);
    assert!(message(&file(&dir, "sound.wav", &wave)).starts_with("expected a video file"));
}

#[test]
fn nothing_is_fetched_from_anywhere_else() {
    let dir = tempfile::tempdir().unwrap();
    for address in
        ["http://127.0.0.1:9/a.mp4", "https://a.b/c.mp4", "rtsp://a/b", "concat:a.mp4|b.mp4", "pipe:0", "data:,x"]
    {
        assert!(matches!(open_video(address), Err(Error::Io { .. })), "{address}");
    }
    let video = dir.path().join("real.mp4");
    write_numbered(&video, 3, &EncodeOptions::default());
    let playlist = format!("#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\n{}\n#EXT-X-ENDLIST\n", video.display());
    assert!(message(&file(&dir, "list.m3u8", playlist.as_bytes())).starts_with("expected a video file"));
    let list = format!("ffconcat version 1.0\nfile {}\n", video.display());
    assert!(message(&file(&dir, "list.ffconcat", list.as_bytes())).starts_with("expected a video file"));
}

#[cfg(unix)]
#[test]
fn a_pipe_is_refused_before_it_blocks() {
    let dir = tempfile::tempdir().unwrap();
    let pipe = dir.path().join("pipe.mp4");
    assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    assert!(message(&pipe).contains("no regular file"));
    assert!(message(Path::new("/dev/null")).contains("no regular file"));
}

#[test]
fn an_index_past_the_end_names_file_frames_and_index() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("short.mp4");
    write_numbered(&path, 5, &EncodeOptions::default());
    let mut video = open_video(&path).unwrap();
    let error = video.read(&[0, 5]).unwrap_err().to_string();
    let expected = format!("expected frame indices below 5, the number of frames, found index 5: {}", path.display());
    assert_eq!(error, expected);
    assert!(video.read(&[]).unwrap_err().to_string().starts_with("indices must be at least one"));
    assert_eq!(number_of(&video.read(&[4]).unwrap().frames()[0]), 4, "an error does not spoil the source");
}

#[test]
fn unusual_names_open() {
    let dir = tempfile::tempdir().unwrap();
    for name in ["-dash.mp4", "a:b.mp4", "%05d.mp4", "spa ce.mp4", "ä#?.mp4", "file:x.mp4"] {
        let path = dir.path().join(name);
        write_numbered(&path, 2, &EncodeOptions::default());
        assert_eq!(open_video(&path).unwrap().num_frames().unwrap(), 2, "{name}");
    }
}

#[test]
fn a_sound_file_is_not_called_damaged_and_a_broken_one_is() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("clip.mp4");
    write_numbered(&path, 30, &EncodeOptions { keyframe_interval: 250, ..EncodeOptions::default() });
    assert!(!open_video(&path).unwrap().is_damaged().unwrap());
    let mut bytes = std::fs::read(&path).unwrap();
    let middle = bytes.len() / 3;
    bytes[middle..middle + 200].fill(0xa5);
    assert!(open_video(file(&dir, "broken.mp4", &bytes)).unwrap().is_damaged().unwrap());
}

#[test]
fn no_thread_at_all_is_refused() {
    let options = DecodeOptions { threads: 0, ..DecodeOptions::default() };
    assert!(FfmpegVideo::open("any.mp4", options).err().unwrap().to_string().starts_with("threads must be at least 1"));
}

/// Frames of a damaged file; both ways of reading a counted file must agree. `None` where it does not open.
fn frames_left(path: &Path, rng: &mut ChaCha8Rng) -> Option<usize> {
    let mut video = FfmpegVideo::open(path, seeking(None)).ok()?;
    let frames = video.num_frames().unwrap();
    let all = video.read(&(0..frames).collect::<Vec<_>>()).unwrap().into_frames();
    let indices: Vec<usize> = (0..6).map(|_| rng.random_range(0..frames)).collect();
    let kept_packets = DecodeOptions { keep_bytes: 0, ..DecodeOptions::default() };
    for options in [DecodeOptions::default(), kept_packets, seeking(None)] {
        let mut video = FfmpegVideo::open(path, options).unwrap();
        let expected = Clip::new(indices.iter().map(|&index| all[index].clone()).collect());
        assert!(video.read(&indices).unwrap() == expected, "{path:?}: {indices:?} of {frames} with {options:?}");
    }
    // Nobody vouches for the pictures when a damaged file is not decoded whole, but there must be six, or an error.
    if let Ok(clip) = FfmpegVideo::open(path, seeking(Some(frames))).unwrap().read(&indices) {
        assert_eq!(clip.len(), 6);
    }
    Some(frames)
}

/// Containers that keep an index at the end lose everything with it; these two do not.
#[test]
fn a_truncated_file_gives_its_first_frames() {
    let dir = tempfile::tempdir().unwrap();
    let mut rng = ChaCha8Rng::seed_from_u64(5);
    for (codec, name) in [(VideoCodec::H264, "clip.mkv"), (VideoCodec::Mpeg4, "clip.avi")] {
        if !codec.can_encode() {
            skipped(&format!("{codec:?}: this FFmpeg cannot encode it"));
            continue;
        }
        let whole = dir.path().join(name);
        write_numbered(&whole, 40, &EncodeOptions { b_frames: 0, ..EncodeOptions::of(codec) });
        let bytes = std::fs::read(&whole).unwrap();
        let cut = file(&dir, &format!("cut-{name}"), &bytes[..bytes.len() * 3 / 4]);
        let left = frames_left(&cut, &mut rng).expect(name);
        assert!((5..40).contains(&left), "{name}: {left}");
        assert!(open_video(&cut).unwrap().is_damaged().unwrap(), "{name}: a part is missing");
        let numbers: Vec<usize> =
            open_video(&cut).unwrap().read(&[0, 1, 2]).unwrap().frames().iter().map(number_of).collect();
        assert_eq!(numbers, [0, 1, 2], "{name}");
    }
    let whole = dir.path().join("clip.mp4");
    write_numbered(&whole, 40, &EncodeOptions::default());
    let bytes = std::fs::read(&whole).unwrap();
    let cut = file(&dir, "cut.mp4", &bytes[..bytes.len() / 2]);
    assert!(message(&cut).starts_with("expected a video"), "the index of an mp4 is at its end");
}

/// How many damaged copies of each file: a few in every run, more when asked.
fn rounds() -> usize {
    std::env::var("TAF_DAMAGE_ROUNDS").map_or(4, |rounds| rounds.parse().expect("TAF_DAMAGE_ROUNDS is a number"))
}

#[test]
fn damage_never_crashes_and_every_way_of_reading_agrees() {
    let dir = tempfile::tempdir().unwrap();
    let mut rng = ChaCha8Rng::seed_from_u64(11);
    for (codec, name) in [
        (VideoCodec::H264, "a.mp4"),
        (VideoCodec::H264, "b.mkv"),
        (VideoCodec::Hevc, "c.mp4"),
        (VideoCodec::Vp8, "d.webm"),
        (VideoCodec::Vp9, "e.webm"),
        (VideoCodec::Av1, "f.mkv"),
        (VideoCodec::Mpeg4, "g.avi"),
        (VideoCodec::Mpeg4, "h.mp4"),
    ] {
        if !codec.can_encode() {
            skipped(&format!("{codec:?}: this FFmpeg cannot encode it"));
            continue;
        }
        let whole = dir.path().join(name);
        write_numbered(&whole, 25, &EncodeOptions { keyframe_interval: 8, ..EncodeOptions::of(codec) });
        let bytes = std::fs::read(&whole).unwrap();
        for round in 0..rounds() {
            let mut damaged = bytes.clone();
            for _ in 0..rng.random_range(1..20) {
                let at = rng.random_range(0..damaged.len());
                damaged[at] = rng.random();
            }
            frames_left(&file(&dir, &format!("{round}-{name}"), &damaged), &mut rng);
        }
    }
}

#[test]
fn jpeg_pictures_one_after_the_other_are_a_video_and_a_single_one_is_none() {
    let dir = tempfile::tempdir().unwrap();
    let mut pictures = Vec::new();
    for number in 0..5 {
        let frame = numbered::numbered_frame(number);
        let image = image::RgbImage::from_raw(frame.width() as u32, frame.height() as u32, frame.into_data()).unwrap();
        let mut bytes = std::io::Cursor::new(Vec::new());
        image.write_to(&mut bytes, image::ImageFormat::Jpeg).unwrap();
        pictures.push(bytes.into_inner());
    }
    let mut video = open_video(file(&dir, "clip.mjpeg", &pictures.concat())).unwrap();
    assert_eq!(video.num_frames().unwrap(), 5);
    assert_eq!(number_of(&video.read(&[3]).unwrap().frames()[0]), 3);
    assert!(message(&file(&dir, "clip.jpg", &pictures[0])).starts_with("expected a video file"));
}
