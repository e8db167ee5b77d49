//! How fast eight frames of a video are read, as evaluation reads them: TSN's centre segments, the number of frames
//! known, each video opened anew. `parity/decode_speed.py` runs this in turns with others.
//!
//! ```text
//! cargo run --release -p taf-video --example decode_speed -- THREADS PASSES MANIFEST
//! ```
//!
//! The manifest may be that of a cache. Prints one line of JSON: seconds of all passes by the clock and of the processor,
//! and the sum of all the bytes of a pass before them, which others must find too.

use std::hint::black_box;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use taf_video::dataset::{Manifest, Record};
use taf_video::{Clip, Result, Sampling};

const FRAMES: usize = 8;

fn main() -> Result<()> {
    taf_video::keep_freed_memory();
    let words: Vec<String> = std::env::args().skip(1).collect();
    let [threads, passes, manifest] = &words[..] else { panic!("expected THREADS PASSES MANIFEST, got {words:?}") };
    let number = |word: &String| word.parse().expect("THREADS and PASSES are numbers");
    let (threads, passes): (usize, usize) = (number(threads), number(passes));
    let manifest = Manifest::read(Path::new(manifest))?;
    let sum = read_all(&manifest, threads, sum_of)?;
    let (begin, processor) = (Instant::now(), processor_seconds());
    for _ in 0..passes {
        black_box(read_all(&manifest, threads, |clip| clip.len() as u64)?);
    }
    let (seconds, processor) = (begin.elapsed().as_secs_f64(), processor_seconds() - processor);
    println!(r#"{{"seconds": {seconds}, "processor_seconds": {processor}, "sum": {sum}}}"#);
    Ok(())
}

/// Each thread takes the next video, as the workers of a loader do.
fn read_all(manifest: &Manifest, threads: usize, of_clip: impl Fn(Clip) -> u64 + Sync) -> Result<u64> {
    let taken = AtomicUsize::new(0);
    let next = || manifest.records().get(taken.fetch_add(1, Ordering::Relaxed));
    let work = || std::iter::from_fn(next).map(|record| read(manifest, record).map(&of_clip)).sum::<Result<u64>>();
    std::thread::scope(|scope| {
        let workers: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
        workers.into_iter().map(|worker| worker.join().expect("no worker panics")).sum()
    })
}

fn read(manifest: &Manifest, record: &Record) -> Result<Clip> {
    manifest.open(record)?.read(&Sampling::segments(FRAMES).centre(record.frames))
}

fn sum_of(clip: Clip) -> u64 {
    clip.frames().iter().flat_map(|frame| frame.data()).map(|&byte| u64::from(byte)).sum()
}

/// Seconds that all threads computed, in hundredths as Linux tells them; no number elsewhere.
fn processor_seconds() -> f64 {
    const TICKS_PER_SECOND: f64 = 100.0;
    let about = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    // The name, which may hold anything, ends with the last bracket; then come eleven other fields.
    let fields = about.rsplit(')').next().unwrap_or_default().split_whitespace().skip(11);
    let ticks: Vec<f64> = fields.take(2).filter_map(|ticks| ticks.parse().ok()).collect();
    if ticks.len() == 2 { ticks.iter().sum::<f64>() / TICKS_PER_SECOND } else { f64::NAN }
}
