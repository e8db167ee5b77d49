use std::time::Instant;

use anyhow::Result;
use serde::Serialize;
use taf::profile::{self, Profile};

use super::{Workbench, Workload, machine};

/// Steps of the recording that follows the timed ones.
const RECORDED: usize = 3;

/// What was measured, all times in seconds.
#[derive(Debug, Serialize)]
pub struct Bench {
    /// Name of the network.
    pub model: String,
    /// What was repeated.
    pub work: Workload,
    /// Clips per step.
    pub clips: usize,
    /// Frames per clip.
    pub frames: usize,
    /// Side of the frames in pixels.
    pub size: usize,
    /// Number of classes.
    pub classes: usize,
    /// Threads that computed.
    pub threads: usize,
    /// Every timed step, in order.
    pub seconds: Vec<f64>,
    /// Their median.
    pub median_seconds: f64,
    /// Clips per second at the median.
    pub clips_per_second: f64,
    /// Floating-point operations of a step's convolutions, in thousand millions.
    pub gflop_per_step: f64,
    /// Those per second at the median.
    pub gflops: f64,
    /// GFLOP/s of a large matrix product on this machine, measured just before.
    pub product_gflops: f64,
    /// The step's GFLOP/s against the product's.
    pub share_of_product: f64,
    /// The most memory the process held, where the system tells.
    pub peak_rss_bytes: Option<u64>,
    /// What it held before the first step: the program and the network.
    pub rss_before_bytes: Option<u64>,
    /// The most memory the tensors of the kernels took at one time.
    pub tensor_peak_bytes: u64,
    /// Where the time went, per step.
    pub profile: Profile,
}

/// What is measured, in words and numbers.
pub struct Setting {
    /// Name of the network.
    pub model: String,
    /// Frames per clip.
    pub frames: usize,
    /// Side of the frames in pixels.
    pub size: usize,
    /// Number of classes.
    pub classes: usize,
    /// Steps before the clock starts.
    pub warm_up: usize,
    /// Steps that are timed.
    pub steps: usize,
}

/// Warms up, times every step, and then records some more to see where the time goes.
pub fn measure(setting: Setting, mut workbench: Workbench) -> Result<Bench> {
    let product_gflops = machine::product_gflops();
    let rss_before_bytes = machine::memory();
    let mut clips = 0;
    for _ in 0..setting.warm_up {
        clips = workbench.step()?;
    }
    let mut seconds = Vec::with_capacity(setting.steps);
    for _ in 0..setting.steps {
        let start = Instant::now();
        clips = workbench.step()?;
        seconds.push(start.elapsed().as_secs_f64());
    }
    let peak_rss_bytes = machine::peak_memory();
    let profile = record(&mut workbench)?;
    let median_seconds = median(&seconds);
    let gflop_per_step = profile.flops() as f64 / 1e9;
    let gflops = gflop_per_step / median_seconds;
    let Setting { model, frames, size, classes, .. } = setting;
    Ok(Bench {
        model,
        work: workbench.workload(),
        clips,
        frames,
        size,
        classes,
        threads: rayon::current_num_threads(),
        median_seconds,
        clips_per_second: clips as f64 / median_seconds,
        gflop_per_step,
        gflops,
        product_gflops,
        share_of_product: gflops / product_gflops,
        peak_rss_bytes,
        rss_before_bytes,
        tensor_peak_bytes: taf::ops::peak_tensor_bytes(),
        profile,
        seconds,
    })
}

/// Some steps, recorded; everything in it per step.
fn record(workbench: &mut Workbench) -> Result<Profile> {
    let (recorded, mut profile) = profile::record(|| (0..RECORDED).try_for_each(|_| workbench.step().map(drop)));
    recorded?;
    profile.phases.values_mut().for_each(|seconds| *seconds /= RECORDED as f64);
    for time in &mut profile.operations {
        time.calls /= RECORDED as u64;
        time.seconds /= RECORDED as f64;
    }
    Ok(profile)
}

/// The middle value; of an even number the mean of the two in the middle.
fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let half = sorted.len() / 2;
    if sorted.len() % 2 == 1 { sorted[half] } else { (sorted[half - 1] + sorted[half]) / 2.0 }
}

#[cfg(test)]
mod tests {
    use super::median;

    #[test]
    fn the_median_of_an_even_number_lies_between_the_two_in_the_middle() {
        assert_eq!(median(&[4.0, 1.0, 2.0, 8.0]), 3.0);
        assert_eq!(median(&[4.0, 1.0, 8.0]), 4.0);
    }
}
