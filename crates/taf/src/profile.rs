//! Where the time of a step goes: by phase, and by operation and layer.
//!
//! Nothing is measured until [`record`] is called, and then of this process as a whole.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use serde::Serialize;

/// A part of a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Phase {
    /// From the frames of a batch to its tensor.
    Data,
    /// Perturbing clips, with the passes this takes.
    Adversary,
    /// From the tensor to the loss.
    Forward,
    /// From the loss to the gradients.
    Backward,
    /// From the gradients to the new weights and running statistics.
    Optimizer,
}

/// What a kernel did, and for which layer.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Operation {
    /// Such as `convolution`.
    pub name: &'static str,
    /// Such as `forward` or `weight gradient`.
    pub pass: &'static str,
    /// Such as `3x3 64 -> 64, 8x28x28`.
    pub layer: String,
    /// Floating-point operations of one call, a multiplication and an addition counting as two; 0 where memory is what
    /// limits it.
    pub flops: u64,
}

/// Seconds and calls of one operation in one phase.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct OperationTime {
    /// Where in the step, if in a phase.
    pub phase: Option<Phase>,
    /// What was computed.
    #[serde(flatten)]
    pub operation: Operation,
    /// How often.
    pub calls: u64,
    /// All calls together.
    pub seconds: f64,
}

/// What was measured.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Profile {
    /// Seconds of each phase that ran.
    pub phases: BTreeMap<Phase, f64>,
    /// Operations of the kernels.
    pub operations: Vec<OperationTime>,
}

impl Profile {
    /// Floating-point operations of all calls.
    pub fn flops(&self) -> u64 {
        self.operations.iter().map(|time| time.operation.flops * time.calls).sum()
    }
}

static RECORDING: AtomicBool = AtomicBool::new(false);
static RECORDER: Mutex<Recorder> = Mutex::new(Recorder::new());
/// Held while recording, so that two recordings do not mix.
static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());

struct Recorder {
    phase: Option<Phase>,
    phases: BTreeMap<Phase, f64>,
    operations: BTreeMap<(Option<Phase>, Operation), (u64, f64)>,
}

impl Recorder {
    const fn new() -> Self {
        Self { phase: None, phases: BTreeMap::new(), operations: BTreeMap::new() }
    }

    fn finish(self) -> Profile {
        let time = |((phase, operation), (calls, seconds))| OperationTime { phase, operation, calls, seconds };
        Profile { phases: self.phases, operations: self.operations.into_iter().map(time).collect() }
    }
}

fn recorder() -> MutexGuard<'static, Recorder> {
    RECORDER.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Measures `work`. Operations take a little longer while they are measured.
pub fn record<R>(work: impl FnOnce() -> R) -> (R, Profile) {
    /// Stops recording also when the work panics.
    struct Stop;
    impl Drop for Stop {
        fn drop(&mut self) {
            RECORDING.store(false, Ordering::Relaxed);
        }
    }
    let _alone = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
    *recorder() = Recorder::new();
    RECORDING.store(true, Ordering::Relaxed);
    let stop = Stop;
    let result = work();
    drop(stop);
    let recorded = std::mem::replace(&mut *recorder(), Recorder::new());
    (result, recorded.finish())
}

/// Counts `work` as part of a phase; a phase within another counts as the outer one.
pub fn phase<R>(phase: Phase, work: impl FnOnce() -> R) -> R {
    if !RECORDING.load(Ordering::Relaxed) || recorder().phase.is_some() {
        return work();
    }
    recorder().phase = Some(phase);
    let start = Instant::now();
    let result = work();
    let mut recorder = recorder();
    *recorder.phases.entry(phase).or_default() += start.elapsed().as_secs_f64();
    recorder.phase = None;
    result
}

/// Counts `work` as one call of an operation.
pub(crate) fn operation<R>(operation: impl FnOnce() -> Operation, work: impl FnOnce() -> R) -> R {
    if !RECORDING.load(Ordering::Relaxed) {
        return work();
    }
    let start = Instant::now();
    let result = work();
    let seconds = start.elapsed().as_secs_f64();
    let mut recorder = recorder();
    let key = (recorder.phase, operation());
    let (calls, total) = recorder.operations.entry(key).or_default();
    *calls += 1;
    *total += seconds;
    result
}

#[cfg(test)]
mod tests {
    use super::{Operation, Phase, operation, phase, record};

    #[test]
    fn a_phase_within_another_counts_as_the_outer_one() {
        let call = || Operation { name: "test", pass: "forward", layer: String::new(), flops: 10 };
        let ((), profile) = record(|| {
            phase(Phase::Adversary, || phase(Phase::Forward, || operation(call, || ())));
            phase(Phase::Forward, || operation(call, || ()));
            phase(Phase::Forward, || operation(call, || ()));
        });
        let found: Vec<_> = profile.operations.iter().map(|time| (time.phase, time.calls)).collect();
        assert_eq!(found, [(Some(Phase::Adversary), 1), (Some(Phase::Forward), 2)]);
        assert_eq!(profile.phases.len(), 2);
        assert_eq!(profile.flops(), 30);
    }

    #[test]
    fn nothing_is_kept_outside_a_recording() {
        let (_, profile) = record(|| ());
        assert!(profile.operations.is_empty() && profile.phases.is_empty());
    }
}
