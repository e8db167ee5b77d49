//! How fast eight frames of a video are read, as evaluation reads them: TSN's centre segments, the number of frames
//! known. One pass over the listed videos, each opened anew; `parity/decode_speed.py` runs this in turns with others.
//!
//! ```text
//! cargo run --release -p taf-video --example decode_speed -- THREADS VIDEO FRAMES [VIDEO FRAMES]...
//! ```
//!
//! Prints one line of JSON: seconds by the clock, and the sum of all the bytes read, which others must find too.

use std::collections::VecDeque;
use std::sync::Mutex;
use std::time::Instant;

use taf_video::{DecodeOptions, FfmpegVideo, Result, Sampling, VideoSource as _};

const FRAMES: usize = 8;

/// A video and how many frames it has.
type Entry = (String, usize);

fn main() -> Result<()> {
    let mut words = std::env::args().skip(1);
    let threads = words.next().and_then(|word| word.parse().ok()).expect("THREADS is a number");
    let mut entries = VecDeque::new();
    while let (Some(path), Some(frames)) = (words.next(), words.next()) {
        entries.push_back((path, frames.parse().expect("FRAMES is a number")));
    }
    let begin = Instant::now();
    let sum = read_all(entries, threads)?;
    println!(r#"{{"seconds": {}, "sum": {sum}}}"#, begin.elapsed().as_secs_f64());
    Ok(())
}

/// Each thread takes the next video, as the workers of a loader do.
fn read_all(entries: VecDeque<Entry>, threads: usize) -> Result<u64> {
    let queue = Mutex::new(entries);
    let next = || queue.lock().expect("no worker panics").pop_front();
    let work = || std::iter::from_fn(next).map(|entry| read(&entry)).sum::<Result<u64>>();
    std::thread::scope(|scope| {
        let workers: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
        workers.into_iter().map(|worker| worker.join().expect("no worker panics")).sum()
    })
}

fn read((path, frames): &Entry) -> Result<u64> {
    let options = DecodeOptions { known_frames: Some(*frames), ..DecodeOptions::default() };
    let clip = FfmpegVideo::open(path, options)?.read(&Sampling::segments(FRAMES).centre(*frames))?;
    Ok(clip.frames().iter().flat_map(|frame| frame.data()).map(|&byte| u64::from(byte)).sum())
}
