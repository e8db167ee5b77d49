//! Every frame of every file in a folder of odd videos, against what the `ffmpeg` program makes of it.
//!
//! Give the folder in `TAF_ODD_VIDEOS`; without it, or without the program, the check is skipped and says so. Any files
//! will do: a file from which `ffmpeg` gets no frame must be an error here too.

mod numbered;

use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use numbered::skipped;
use taf_video::{DecodeOptions, FfmpegVideo, Frame, VideoSource as _};

/// Frames held at a time.
const PIECE: usize = 16;

struct Comparison {
    frames: usize,
    size: (usize, usize),
    max: u8,
    mean: f64,
}

fn ffmpeg(path: &Path) -> Child {
    let mut input = std::ffi::OsString::from("file:");
    input.push(path);
    Command::new("ffmpeg")
        // What the decoder makes of damage depends on its threads.
        .args(["-v", "quiet", "-nostdin", "-threads", "1", "-i"])
        .arg(input)
        .args(["-fps_mode", "passthrough", "-f", "rawvideo", "-pix_fmt", "rgb24", "-"])
        .stdout(Stdio::piped())
        .spawn()
        .expect("the program was there a moment ago")
}

/// Reads through a file beside `ffmpeg`; the error is ours.
fn compare(path: &Path, options: DecodeOptions) -> taf_video::Result<Comparison> {
    let mut video = FfmpegVideo::open(path, options)?;
    let (frames, size) = (video.num_frames()?, (video.info().width, video.info().height));
    let mut theirs = ffmpeg(path);
    let mut pipe = theirs.stdout.take().expect("piped");
    let (mut max, mut sum) = (0, 0);
    for piece in (0..frames).collect::<Vec<_>>().chunks(PIECE) {
        for frame in video.read(piece).expect("a counted frame reads").frames() {
            let mut expected = vec![0; frame.data().len()];
            pipe.read_exact(&mut expected)
                .unwrap_or_else(|_| panic!("ffmpeg gives fewer than {frames} frames of {path:?}"));
            let (worst, total) = difference(frame, &expected);
            (max, sum) = (worst.max(max), sum + total);
        }
    }
    let more = pipe.read_to_end(&mut Vec::new()).unwrap();
    assert_eq!(more, 0, "bytes ffmpeg has after our {frames} frames of {path:?}");
    theirs.wait().unwrap();
    Ok(Comparison { frames, size, max, mean: sum as f64 / (frames * size.0 * size.1 * 3) as f64 })
}

fn difference(frame: &Frame, expected: &[u8]) -> (u8, u64) {
    let steps = frame.data().iter().zip(expected).map(|(&a, &b)| a.abs_diff(b));
    steps.fold((0, 0), |(max, sum), step| (step.max(max), sum + u64::from(step)))
}

fn frames_of_ffmpeg(path: &Path) -> usize {
    let mut bytes = Vec::new();
    let mut theirs = ffmpeg(path);
    theirs.stdout.take().expect("piped").read_to_end(&mut bytes).unwrap();
    theirs.wait().unwrap();
    bytes.len()
}

fn folder() -> Option<PathBuf> {
    let folder = std::env::var_os("TAF_ODD_VIDEOS").map(PathBuf::from);
    let program = Command::new("ffmpeg").arg("-version").stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok();
    match folder {
        None => skipped("decode_against_ffmpeg: TAF_ODD_VIDEOS is not set"),
        Some(_) if !program => skipped("decode_against_ffmpeg: there is no ffmpeg program"),
        Some(folder) => return Some(folder),
    }
    None
}

#[test]
fn odd_files_give_the_frames_the_ffmpeg_program_gives() {
    let Some(folder) = folder() else { return };
    let is_text = |path: &PathBuf| path.extension().is_some_and(|extension| extension == "tsv" || extension == "md");
    let mut files: Vec<PathBuf> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.retain(|path| !is_text(path));
    files.sort();
    println!("| file | frames | size | largest difference | mean difference |\n|---|---|---|---|---|");
    for path in files {
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        match compare(&path, DecodeOptions::default()) {
            Ok(Comparison { frames, size: (width, height), max, mean }) => {
                println!("| {name} | {frames} | {width}x{height} | {max} | {mean:.4} |");
                assert_eq!(max, 0, "{name}");
                let seeking =
                    DecodeOptions { keep_bytes: 0, keep_packet_bytes: 0, known_frames: Some(frames), threads: 1 };
                let kept = DecodeOptions { keep_packet_bytes: 32 << 20, ..seeking };
                assert_eq!(compare(&path, kept).unwrap().max, 0, "{name}, from kept packets");
                assert_eq!(compare(&path, seeking).unwrap().max, 0, "{name}, seeking");
            }
            Err(error) => {
                println!("| {name} | none | | error: {error} | |");
                assert_eq!(frames_of_ffmpeg(&path), 0, "{error}");
            }
        }
    }
}
