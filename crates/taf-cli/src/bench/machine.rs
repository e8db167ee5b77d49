//! What the machine can do at best, and what this process has taken of it.

use std::time::Instant;

use gemm::Parallelism;
use taf_kernels::{LinearShape, linear_forward};

/// Side of the square matrices: large enough for full speed, small enough for the caches of any machine this runs on.
const SIDE: usize = 1536;
/// The fastest run of as many as fit into this time counts: what is sought is the limit.
const SECONDS: f64 = 1.0;

/// GFLOP/s of a large matrix product, the better of the `gemm` library and our own: what a step's arithmetic could run at.
pub fn product_gflops() -> f64 {
    let filled =
        |seed: usize| (0..SIDE * SIDE).map(|i| ((i * 31 + seed) % 17) as f32 * 0.1 - 0.8).collect::<Vec<f32>>();
    let (x, w, mut y) = (filled(1), filled(2), vec![0.0; SIDE * SIDE]);
    let shape = LinearShape { rows: SIDE, inputs: SIDE, outputs: SIDE };
    let library = fastest(|| multiply(&x, &w, &mut y));
    let own = fastest(|| linear_forward(&shape, &x, &w, None, &mut y));
    2.0 * (SIDE as f64).powi(3) / 1e9 / library.min(own)
}

fn fastest(mut work: impl FnMut()) -> f64 {
    work();
    let begin = Instant::now();
    let mut best = f64::INFINITY;
    while begin.elapsed().as_secs_f64() < SECONDS {
        let start = Instant::now();
        work();
        best = best.min(start.elapsed().as_secs_f64());
    }
    best
}

fn multiply(x: &[f32], w: &[f32], y: &mut [f32]) {
    assert!([x.len(), w.len(), y.len()].iter().all(|&len| len == SIDE * SIDE));
    let (row, column) = (SIDE as isize, 1);
    let threads = Parallelism::Rayon(rayon::current_num_threads());
    // SAFETY: all three are `SIDE` x `SIDE` row-major matrices, as asserted, and the output borrows its memory uniquely.
    unsafe {
        gemm::gemm(
            SIDE,
            SIDE,
            SIDE,
            y.as_mut_ptr(),
            column,
            row,
            false,
            x.as_ptr(),
            column,
            row,
            w.as_ptr(),
            column,
            row,
            1.0,
            1.0,
            false,
            false,
            false,
            threads,
        );
    }
}

/// The most memory this process ever held, in bytes, where the system says so.
pub fn peak_memory() -> Option<u64> {
    status_bytes("VmHWM:")
}

/// The memory this process holds, in bytes, where the system says so.
pub fn memory() -> Option<u64> {
    status_bytes("VmRSS:")
}

/// The memory that programs can still have without others being swapped out, in bytes, where the system says so.
pub fn available_memory() -> Option<u64> {
    bytes_in("/proc/meminfo", "MemAvailable:")
}

fn status_bytes(field: &str) -> Option<u64> {
    bytes_in("/proc/self/status", field)
}

fn bytes_in(file: &str, field: &str) -> Option<u64> {
    let text = std::fs::read_to_string(file).ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix(field))?;
    Some(line.trim().strip_suffix(" kB")?.trim().parse::<u64>().ok()? * 1024)
}
