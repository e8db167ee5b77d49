//! The corruptions on a clip of moving shapes: what they look like, and what they cost.
//!
//! ```text
//! cargo run --release -p taf-video --example corruptions -- sheet docs/corruptions.png
//! cargo run --release -p taf-video --example corruptions -- cost
//! ```
//!
//! `sheet` draws every corruption that changes pixels, at severities 3 and 5, on the middle frame of eight. `cost` prints
//! milliseconds for a clip of 8 frames of 224 x 224 on one thread: the mean over the five severities, each the fastest of
//! several runs.

use std::hint::black_box;
use std::path::Path;
use std::time::{Duration, Instant};

use font8x8::{BASIC_FONTS, UnicodeFonts};
use taf_video::corrupt::{Corruption, Family, Severity};
use taf_video::synthetic::{Difficulty, MovingShapes};
use taf_video::transform::resize;
use taf_video::{Clip, Frame, Sampling, Seed, VideoInfo, VideoSource};

const SIDE: usize = 224;
const FRAMES: usize = 8;
/// Length of the video, so that shutters that stay open have frames around to average.
const VIDEO_FRAMES: usize = 40;
/// Tiles of the sheet, in pixels, and a line of text under them.
const TILE: usize = 96;
const LINE: usize = 12;
/// Corruptions side by side, with two tiles each.
const COLUMNS: usize = 4;
const SHOWN: [u8; 2] = [3, 5];
/// How long a severity is measured, at least.
const MEASURED: Duration = Duration::from_millis(60);

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let video = video()?;
    match words.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["sheet", path] => sheet(&video)?.save(Path::new(path))?,
        ["cost"] => rayon::ThreadPoolBuilder::new().num_threads(1).build()?.install(|| cost(&video))?,
        _ => return Err(format!("expected sheet FILE.png, or cost, got {words:?}").into()),
    }
    Ok(())
}

fn video() -> taf_video::Result<Clip> {
    let shapes = MovingShapes::new(Seed::new(4), SIDE, VIDEO_FRAMES..=VIDEO_FRAMES, Difficulty::HARD)?;
    Ok(shapes.clip(0, 3))
}

/// A video that is decoded already, at 12 frames a second as those of Something-Something.
struct Decoded<'a> {
    video: &'a Clip,
    info: VideoInfo,
}

impl<'a> Decoded<'a> {
    fn new(video: &'a Clip) -> Self {
        let (codec, pixel_format) = ("rawvideo".into(), "rgb24".into());
        let (width, height) = (video.width(), video.height());
        Self { video, info: VideoInfo { width, height, fps: Some(12.0), codec, pixel_format } }
    }
}

impl VideoSource for Decoded<'_> {
    fn num_frames(&mut self) -> taf_video::Result<usize> {
        Ok(self.video.len())
    }

    fn read(&mut self, indices: &[usize]) -> taf_video::Result<Clip> {
        Ok(Clip::new(indices.iter().map(|&at| self.video.frames()[at].clone()).collect()))
    }

    fn info(&self) -> &VideoInfo {
        &self.info
    }

    fn path(&self) -> &Path {
        Path::new("moving shapes")
    }
}

/// The clip of a video out of a damaged stream; none where a corruption does not work on streams.
fn streamed(video: &Clip, corruption: Corruption, severity: Severity) -> taf_video::Result<Option<Clip>> {
    let mut decoded = Decoded::new(video);
    let Some(mut stream) = corruption.streamed(&mut decoded, severity, Seed::new(0)) else { return Ok(None) };
    let indices = Sampling::segments(FRAMES).centre(stream.num_frames()?);
    stream.read(&indices).map(Some)
}

/// The frames of the video that a corruption asks for, before it changes their pixels.
fn asked(video: &Clip, corruption: Corruption, severity: Severity) -> Clip {
    let indices = Sampling::segments(FRAMES).centre(video.len());
    let indices = corruption.indices(&indices, video.len(), severity, Seed::new(0));
    Clip::new(indices.into_iter().map(|at| video.frames()[at].clone()).collect())
}

fn sheet(video: &Clip) -> Result<image::RgbImage, Box<dyn std::error::Error>> {
    let shown: Vec<Corruption> = Corruption::ALL.into_iter().filter(|c| c.family() != Family::Temporal).collect();
    let (width, height) = (SHOWN.len() * TILE, TILE + LINE);
    let rows = shown.len().div_ceil(COLUMNS);
    let mut sheet = image::RgbImage::from_pixel((COLUMNS * width) as u32, (rows * height) as u32, image::Rgb([255; 3]));
    for (place, corruption) in shown.into_iter().enumerate() {
        let (left, top) = (place % COLUMNS * width, place / COLUMNS * height);
        for (i, severity) in SHOWN.into_iter().enumerate() {
            let severity = Severity::new(severity)?;
            let of_pixels = || corruption.pixels(asked(video, corruption, severity), severity, Seed::new(0));
            let clip = streamed(video, corruption, severity)?.unwrap_or_else(of_pixels);
            let tile = resize(clip, TILE, TILE).into_frames().swap_remove(FRAMES / 2 - 1);
            paste(&mut sheet, &tile, left + i * TILE, top);
        }
        write(&mut sheet, corruption.name(), left, top + TILE + 2);
    }
    Ok(sheet)
}

fn paste(sheet: &mut image::RgbImage, tile: &Frame, left: usize, top: usize) {
    for (x, y) in (0..tile.height()).flat_map(|y| (0..tile.width()).map(move |x| (x, y))) {
        sheet.put_pixel((left + x) as u32, (top + y) as u32, image::Rgb(tile.pixel(x, y)));
    }
}

fn write(sheet: &mut image::RgbImage, text: &str, left: usize, top: usize) {
    for (place, letter) in text.chars().enumerate() {
        let rows = BASIC_FONTS.get(letter).unwrap_or_default();
        for (y, x) in (0..8).flat_map(|y| (0..8).map(move |x| (y, x))).filter(|&(y, x)| rows[y] >> x & 1 == 1) {
            sheet.put_pixel((left + place * 8 + x) as u32, (top + y) as u32, image::Rgb([0; 3]));
        }
    }
}

fn cost(video: &Clip) -> taf_video::Result<()> {
    println!("{:26} {:>8}", "corruption", "ms/clip");
    for corruption in Corruption::ALL {
        let mut sum = 0.0;
        for severity in Severity::ALL {
            sum += match corruption.works_on_streams() {
                true => milliseconds_of_stream(video, corruption, severity)?,
                false => milliseconds(video, corruption, severity),
            };
        }
        println!("{:26} {:8.2}", corruption.name(), sum / Severity::ALL.len() as f64);
    }
    Ok(())
}

/// Of the faster of two runs, with the way through encoder and decoder and without decoding the source.
fn milliseconds_of_stream(video: &Clip, corruption: Corruption, severity: Severity) -> taf_video::Result<f64> {
    let mut fastest = f64::INFINITY;
    for _ in 0..2 {
        let start = Instant::now();
        black_box(streamed(video, corruption, severity)?);
        fastest = fastest.min(start.elapsed().as_secs_f64());
    }
    Ok(fastest * 1000.0)
}

/// Of the fastest of several runs; the first, which may make tables, does not count.
fn milliseconds(video: &Clip, corruption: Corruption, severity: Severity) -> f64 {
    let clip = asked(video, corruption, severity);
    black_box(corruption.pixels(clip.clone(), severity, Seed::new(0)));
    let (begin, mut fastest) = (Instant::now(), f64::INFINITY);
    while begin.elapsed() < MEASURED || fastest.is_infinite() {
        let clip = clip.clone();
        let start = Instant::now();
        black_box(corruption.pixels(clip, severity, Seed::new(0)));
        fastest = fastest.min(start.elapsed().as_secs_f64());
    }
    fastest * 1000.0
}
