use std::collections::BTreeMap;
use std::fmt::Write;

use taf::profile::OperationTime;

use super::Bench;
use crate::words::as_in_recipes;

const MIB: f64 = 1024.0 * 1024.0;

/// The measurements for a person; `layers` adds every operation of every layer.
pub fn page(bench: &Bench, layers: bool) -> String {
    let mut text = head(bench);
    phases(bench, &mut text);
    kinds(bench, &mut text);
    if layers {
        operations(bench, &mut text);
    }
    text
}

fn head(bench: &Bench) -> String {
    let Bench { model, clips, frames, size, classes, threads, seconds, .. } = bench;
    let [least, most] = [f64::INFINITY, 0.0].map(|start: f64| {
        seconds.iter().fold(start, |so_far, &s| if start == 0.0 { so_far.max(s) } else { so_far.min(s) })
    });
    let mut text = format!(
        "{model}, {}: {clips} x {frames} x {size}x{size}, {classes} classes, {threads} threads\n\n",
        as_in_recipes(&bench.work)
    );
    let _ = writeln!(
        text,
        "step        {:.4} s (median of {}; {least:.4} to {most:.4})\nclips       {:.2} a second",
        bench.median_seconds,
        seconds.len(),
        bench.clips_per_second
    );
    let _ = writeln!(
        text,
        "arithmetic  {:.1} GFLOP a step, {:.0} GFLOP/s: {:.0} % of a large matrix product ({:.0} GFLOP/s)",
        bench.gflop_per_step,
        bench.gflops,
        100.0 * bench.share_of_product,
        bench.product_gflops
    );
    let bytes = |bytes: Option<u64>| bytes.map_or("unknown".into(), |bytes| format!("{:.0} MiB", bytes as f64 / MIB));
    let _ = writeln!(
        text,
        "memory      {} at most, {} before the first step; tensors {:.0} MiB at most",
        bytes(bench.peak_rss_bytes),
        bytes(bench.rss_before_bytes),
        bench.tensor_peak_bytes as f64 / MIB
    );
    text
}

fn phases(bench: &Bench, text: &mut String) {
    let total: f64 = bench.profile.phases.values().sum();
    let _ = writeln!(text, "\nphase            ms  share");
    for (phase, seconds) in &bench.profile.phases {
        let _ =
            writeln!(text, "{:<10} {:>8.1}  {:>4.0} %", as_in_recipes(phase), 1e3 * seconds, 100.0 * seconds / total);
    }
}

/// Milliseconds, calls and operations of what belongs together.
#[derive(Default)]
struct Sum {
    calls: u64,
    seconds: f64,
    flops: u64,
}

impl Sum {
    fn add(&mut self, time: &OperationTime) {
        self.calls += time.calls;
        self.seconds += time.seconds;
        self.flops += time.calls * time.operation.flops;
    }

    fn columns(&self, bench: &Bench) -> String {
        let gflops = self.flops as f64 / 1e9 / self.seconds;
        let rate = match self.flops {
            0 => String::new(),
            _ => format!("{gflops:>8.0}  {:>4.0} %", 100.0 * gflops / bench.product_gflops),
        };
        format!("{:>5} {:>8.2} {rate}", self.calls, 1e3 * self.seconds)
    }
}

fn kinds(bench: &Bench, text: &mut String) {
    let mut sums: BTreeMap<(&str, &str), Sum> = BTreeMap::new();
    for time in &bench.profile.operations {
        sums.entry((time.operation.name, time.operation.pass)).or_default().add(time);
    }
    let _ = writeln!(text, "\n{:<32} calls       ms  GFLOP/s   peak", "kernel");
    for ((name, pass), sum) in &sums {
        let _ = writeln!(text, "{:<32} {}", format!("{name}, {pass}"), sum.columns(bench).trim_end());
    }
    let inside: f64 = sums.values().map(|sum| sum.seconds).sum();
    let outside = bench.profile.phases.values().sum::<f64>() - inside;
    let _ = writeln!(text, "{:<32}       {:>8.2}", "everything else", 1e3 * outside);
}

fn operations(bench: &Bench, text: &mut String) {
    let _ = writeln!(text, "\n{:<10} {:<58} calls       ms  GFLOP/s   peak", "phase", "operation");
    for time in &bench.profile.operations {
        let phase = time.phase.as_ref().map_or(String::new(), as_in_recipes);
        let operation = &time.operation;
        let name = format!("{}, {}: {}", operation.name, operation.pass, operation.layer);
        let mut sum = Sum::default();
        sum.add(time);
        let _ = writeln!(text, "{phase:<10} {name:<58} {}", sum.columns(bench).trim_end());
    }
}
