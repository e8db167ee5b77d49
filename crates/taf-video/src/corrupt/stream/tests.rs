use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

use ffmpeg_the_third::encoder::find_by_name;

use super::noise::Noise;
use super::*;
use crate::corrupt::tests::textured_frame;
use crate::corrupt::{Corruption, Severity};
use crate::{Clip, Frame, Result, Seed, VideoInfo, VideoSource};

const FPS: f64 = 12.0;

/// A video in memory.
struct Film {
    frames: Vec<Frame>,
    info: VideoInfo,
}

impl Film {
    /// A texture that moves by some pixels a frame.
    fn new(width: usize, height: usize, len: usize) -> Self {
        let texture = textured_frame(width, height);
        let moved = |frame: usize| {
            let mut picture = texture.clone();
            picture.data_mut().rotate_left(9 * frame % (3 * width * height));
            picture
        };
        let (codec, pixel_format) = ("rawvideo".into(), "rgb24".into());
        let info = VideoInfo { width, height, fps: Some(FPS), codec, pixel_format };
        Self { frames: (0..len).map(moved).collect(), info }
    }

    fn bytes(&self) -> Vec<u8> {
        self.frames.iter().flat_map(|frame| frame.data().to_vec()).collect()
    }

    /// All frames of what a stream makes of it.
    fn through(&mut self, damage: Damage, severity: u8, seed: u64) -> Clip {
        let severity = Severity::new(severity).unwrap();
        let mut streamed = StreamedVideo::new(self, damage, severity, Seed::new(seed));
        let all: Vec<usize> = (0..streamed.num_frames().unwrap()).collect();
        streamed.read(&all).unwrap()
    }
}

impl VideoSource for Film {
    fn num_frames(&mut self) -> Result<usize> {
        Ok(self.frames.len())
    }

    fn read(&mut self, indices: &[usize]) -> Result<Clip> {
        Ok(Clip::new(indices.iter().map(|&index| self.frames[index].clone()).collect()))
    }

    fn info(&self) -> &VideoInfo {
        &self.info
    }

    fn path(&self) -> &Path {
        Path::new("film")
    }
}

/// Whether a check can run; one that cannot is seen, past the test runner's capture.
fn can_run(check: &str, encoders: &[&str], programs: &[&str]) -> bool {
    let no_encoder = encoders.iter().find(|name| find_by_name(name).is_none());
    let runs = |name: &&&str| Command::new(name).arg("-version").stdout(Stdio::null()).status().is_ok();
    let missing = no_encoder.or_else(|| programs.iter().find(|name| !runs(name)));
    if let Some(missing) = missing {
        writeln!(std::io::stderr(), "skipped {check}: no {missing}").unwrap();
    }
    missing.is_none()
}

/// What the program says when it is given some bytes.
fn ffmpeg(arguments: &[&str], input: &[u8]) -> Vec<u8> {
    let mut program = Command::new("ffmpeg")
        .args(["-v", "error", "-nostdin", "-y"])
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut pipe = program.stdin.take().unwrap();
    let input = input.to_vec();
    let writer = std::thread::spawn(move || pipe.write_all(&input));
    let output = program.wait_with_output().unwrap();
    writer.join().unwrap().unwrap();
    assert!(output.status.success(), "{arguments:?}");
    output.stdout
}

/// The film as the program encodes and decodes it.
fn by_program(film: &Film, encoder: &[&str], fps: f64) -> Vec<u8> {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("film.mkv");
    let (file, size) = (file.to_str().unwrap(), format!("{}x{}", film.info.width, film.info.height));
    let rate = fps.to_string();
    let input = ["-f", "rawvideo", "-pix_fmt", "rgb24", "-s", &size, "-r", &rate, "-i", "-", "-pix_fmt", "yuv420p"];
    ffmpeg(&[&input[..], encoder, &["-threads", "1", file]].concat(), &film.bytes());
    let decode = ["-threads", "1", "-i", file, "-fps_mode", "passthrough", "-f", "rawvideo", "-pix_fmt", "rgb24", "-"];
    ffmpeg(&decode, &[])
}

fn values(clip: &Clip) -> Vec<u8> {
    clip.frames().iter().flat_map(|frame| frame.data().to_vec()).collect()
}

/// Largest and mean difference.
fn difference(ours: &Clip, theirs: &[u8]) -> (u8, f64) {
    let ours = values(ours);
    assert_eq!(ours.len(), theirs.len());
    let differences = || ours.iter().zip(theirs).map(|(a, b)| a.abs_diff(*b));
    (differences().max().unwrap(), differences().map(f64::from).sum::<f64>() / ours.len() as f64)
}

#[test]
fn encoded_videos_are_those_of_the_ffmpeg_program() {
    if !can_run("encoders against the program", &["libx264", "libx265"], &["ffmpeg"]) {
        return;
    }
    let mut film = Film::new(160, 128, 30);
    let x264 = ["-c:v", "libx264", "-preset", "veryfast", "-x264-params", crate::encode::x264_params()];
    let x265 = ["-c:v", "libx265", "-preset", "ultrafast", "-x265-params", crate::encode::X265];
    let bits = ["-b:v", "50000", "-maxrate", "50000", "-bufsize", "50000"];
    for (codec, coder, factors) in [(Codec::H264, x264, [23, 51]), (Codec::H265, x265, [27, 51])] {
        for factor in factors {
            let ours = film.through(Damage::Factor(codec, [factor; 5]), 1, 0);
            let theirs = by_program(&film, &[&coder[..], &["-crf", &factor.to_string()]].concat(), FPS);
            assert_eq!(difference(&ours, &theirs), (0, 0.0), "{} at {factor}", coder[1]);
        }
        let theirs = by_program(&film, &[&coder[..], &bits].concat(), FPS);
        let mut encoder = encoder::StreamEncoder::open(codec, encoder::Rate::Bits(50_000), FPS, (160, 128)).unwrap();
        film.frames.iter().for_each(|frame| encoder.push(frame).unwrap());
        let encoded = encoder.finish().unwrap();
        let all: Vec<usize> = (0..30).collect();
        let frames = decoder::pictures(&encoded, &encoded.packets, &all, Path::new("film")).unwrap();
        assert_eq!(difference(&Clip::new(frames), &theirs), (0, 0.0), "{} at a rate", coder[1]);
    }
}

#[test]
fn quantised_videos_are_those_of_the_ffmpeg_program() {
    if !can_run("MPEG-2 and MPEG-4 against the program", &["mpeg2video", "mpeg4"], &["ffmpeg"]) {
        return;
    }
    let mut film = Film::new(160, 128, 30);
    for (codec, name, fps, quantisers) in
        [(Codec::Mpeg4, "mpeg4", FPS, [15, 75]), (Codec::Mpeg2, "mpeg2video", 25.0, [20, 100])]
    {
        for quantiser in quantisers {
            let ours = film.through(Damage::Quantiser(codec, [quantiser; 5]), 1, 0);
            let theirs =
                by_program(&film, &["-c:v", name, "-flags:v", "+bitexact", "-q:v", &quantiser.to_string()], fps);
            assert_eq!(difference(&ours, &theirs), (0, 0.0), "{name} by {quantiser}");
        }
    }
}

#[test]
fn noise_is_that_of_the_bitstream_filter() {
    if !can_run("noise against the program", &["libx264"], &["ffmpeg"]) {
        return;
    }
    let film = Film::new(160, 128, 40);
    let input = ["-f", "rawvideo", "-pix_fmt", "rgb24", "-s", "160x128", "-r", "12", "-i", "-"];
    let clean = ffmpeg(&[&input[..], &["-c:v", "libx264", "-f", "h264", "-"]].concat(), &film.bytes());
    for amount in [100, 1000, 10_000] {
        let filter = format!("noise={amount}");
        let theirs = ffmpeg(&["-f", "h264", "-i", "-", "-c", "copy", "-bsf:v", &filter, "-f", "h264", "-"], &clean);
        let (mut noise, mut ours) = (Noise::new(amount), clean.clone());
        // What is damaged does not depend on where the stream is cut.
        ours.chunks_mut(777).for_each(|some| noise.spoil(some));
        assert!(ours == theirs, "{amount}");
        let spoiled = ours.iter().zip(&clean).filter(|(a, b)| a != b).count() as f64;
        let expected = clean.len() as f64 / f64::from(amount);
        assert!((spoiled - expected).abs() < 4.0 * expected.sqrt() + 1.0, "{spoiled} bytes of {expected}");
    }
}

#[test]
fn a_stream_that_loses_nothing_is_the_clean_one() {
    if !can_run("streams without loss", &["libx264"], &[]) {
        return;
    }
    let mut film = Film::new(160, 128, 30);
    let clean = film.through(Damage::Factor(Codec::H264, [23; 5]), 1, 0);
    assert!(film.through(Damage::Loss([0.0; 5]), 1, 0) == clean);
    assert!(film.through(Damage::Noise([u32::MAX; 5]), 1, 0) == clean);
}

#[test]
fn losses_go_by_the_seed_and_what_is_lost_altogether_is_black() {
    if !can_run("losses by seed", &["libx264"], &[]) {
        return;
    }
    let mut film = Film::new(160, 128, 40);
    let mut lossy = |seed| film.through(Damage::Loss([0.3; 5]), 1, seed);
    assert!(lossy(1) == lossy(1) && lossy(1) != lossy(2));
    let nothing = film.through(Damage::Loss([1.0; 5]), 1, 0);
    assert!(nothing.len() == 40 && nothing.frames().iter().all(|frame| frame.data().iter().all(|&value| value == 0)));
}

#[test]
fn a_picture_that_does_not_arrive_leaves_the_one_before_on_show() {
    let mut film = Film::new(64, 64, 6);
    let mut encoder = encoder::StreamEncoder::open(Codec::Mpeg4, encoder::Rate::Quantiser(2), 25.0, (64, 64)).unwrap();
    film.frames.iter().for_each(|frame| encoder.push(frame).unwrap());
    let encoded = encoder.finish().unwrap();
    let all = film.through(Damage::Quantiser(Codec::Mpeg4, [2; 5]), 1, 0);
    let shown = decoder::pictures(&encoded, &encoded.packets[..3], &[1, 2, 5], Path::new("film")).unwrap();
    assert!([1, 2, 2].into_iter().zip(&shown).all(|(frame, shown)| all.frames()[frame] == *shown));
}

#[test]
fn some_frames_are_those_of_the_whole_video_in_any_order() {
    let mut film = Film::new(64, 48, 70);
    let damage = Damage::Quantiser(Codec::Mpeg4, [9; 5]);
    let all = film.through(damage, 1, 0);
    let mut streamed = StreamedVideo::new(&mut film, damage, Severity::ALL[0], Seed::new(0));
    let some = streamed.read(&[69, 3, 3, 40]).unwrap();
    assert!([69, 3, 3, 40].into_iter().zip(some.frames()).all(|(frame, shown)| all.frames()[frame] == *shown));
    assert!(streamed.read(&[70]).unwrap_err().to_string().contains("index 70: film"));
}

#[test]
fn streams_take_videos_of_any_size_and_of_one_frame() {
    if !can_run("streams of any size", &["libx264", "libx265"], &[]) {
        return;
    }
    let streams = || Corruption::ALL.into_iter().filter(|corruption| corruption.works_on_streams());
    assert_eq!(streams().count(), 10);
    for (width, height) in [(1, 1), (3, 50), (35, 33), (45, 1), (300, 280)] {
        for (corruption, severity) in streams().flat_map(|corruption| [(corruption, 0), (corruption, 4)]) {
            let mut film = Film::new(width, height, 1);
            let mut streamed = corruption.streamed(&mut film, Severity::ALL[severity], Seed::new(0)).unwrap();
            let clip = streamed.read(&[0, 0]).unwrap();
            let info = streamed.info();
            assert_eq!((clip.len(), clip.width(), clip.height()), (2, info.width, info.height), "{corruption}");
            let kept = |side: usize| side.min(280) - 1;
            assert!(width > 256 || info.width >= kept(width) && info.height >= kept(height), "{corruption}");
        }
    }
}

#[test]
fn a_lower_rate_shows_fewer_frames() {
    if !can_run("frame rates", &["libx265"], &[]) {
        return;
    }
    let mut film = Film::new(64, 48, 36);
    let lengths = Severity::ALL.map(|severity| {
        let mut streamed = Corruption::FrameRateSsv2C.streamed(&mut film, severity, Seed::new(0)).unwrap();
        streamed.num_frames().unwrap()
    });
    assert_eq!(lengths, [30, 24, 18, 12, 6]);
}
