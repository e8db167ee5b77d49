//! How many threads compute.

use std::env;
use std::num::NonZeroUsize;
use std::thread::available_parallelism;

use anyhow::{Context, Result, ensure};

/// More threads than that for each core only wait for each other.
const MOST_PER_CORE: usize = 4;
/// So many are always taken: results do not depend on their number, and tests of that ask for more than there are cores.
const ALWAYS: usize = 64;

/// Starts the threads that `--threads` asks for, or the environment, or else one per core.
pub fn start(asked: Option<NonZeroUsize>) -> Result<()> {
    check("RAYON_NUM_THREADS", env::var("RAYON_NUM_THREADS").ok().and_then(|text| text.parse().ok()))?;
    let Some(threads) = asked.map(NonZeroUsize::get) else { return Ok(()) };
    check("--threads", Some(threads))?;
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads);
    pool.build_global().with_context(|| format!("cannot start {threads} threads"))
}

fn check(name: &str, threads: Option<usize>) -> Result<()> {
    let cores = available_parallelism().map_or(1, NonZeroUsize::get);
    let most = (MOST_PER_CORE * cores).max(ALWAYS);
    let asked = threads.unwrap_or(0);
    ensure!(asked <= most, "{name} must be at most {most} on {cores} cores, got {asked}");
    Ok(())
}
