//! Where the time of a step goes: by phase, and by operation and layer.
//!
//! Nothing is measured until [`record`] is called, and then what its work does: on its thread, and on those of the kernels
//! that it hands something to.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
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

thread_local! {
    static HERE: RefCell<Recording> = const { RefCell::new(Recording(None)) };
}

/// The measurement a thread takes part in, if it does.
#[derive(Clone)]
pub(crate) struct Recording(Option<Arc<Mutex<Recorder>>>);

impl Recording {
    /// That of this thread.
    pub(crate) fn here() -> Self {
        HERE.with_borrow(Self::clone)
    }

    /// Runs `work` on this thread as a part of the measurement.
    pub(crate) fn around<R>(self, work: impl FnOnce() -> R) -> R {
        /// Goes back to what was, also when the work panics.
        struct Restore(Recording);
        impl Drop for Restore {
            fn drop(&mut self) {
                HERE.set(self.0.clone());
            }
        }
        let _restore = Restore(HERE.replace(self));
        work()
    }

    fn recorder(&self) -> Option<MutexGuard<'_, Recorder>> {
        // Every change leaves the recorder whole, so a panic elsewhere did no harm.
        self.0.as_ref().map(|recorder| recorder.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

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

/// Measures `work`. Operations take a little longer while they are measured. A recording within another is its own.
pub fn record<R>(work: impl FnOnce() -> R) -> (R, Profile) {
    let recording = Recording(Some(Arc::new(Mutex::new(Recorder::new()))));
    let result = recording.clone().around(work);
    let recorded = recording.recorder().map(|mut recorder| std::mem::replace(&mut *recorder, Recorder::new()));
    (result, recorded.map(Recorder::finish).unwrap_or_default())
}

/// Counts `work` as part of a phase; a phase within another counts as the outer one.
pub fn phase<R>(phase: Phase, work: impl FnOnce() -> R) -> R {
    /// Leaves the phase also when the work panics.
    struct Leave(Recording, Instant);
    impl Drop for Leave {
        fn drop(&mut self) {
            let Some(mut recorder) = self.0.recorder() else { return };
            if let Some(phase) = recorder.phase.take() {
                *recorder.phases.entry(phase).or_default() += self.1.elapsed().as_secs_f64();
            }
        }
    }
    let recording = Recording::here();
    let enters = recording.recorder().is_some_and(|mut recorder| {
        let outermost = recorder.phase.is_none();
        recorder.phase.get_or_insert(phase);
        outermost
    });
    let _leave = enters.then(|| Leave(recording, Instant::now()));
    work()
}

/// Counts `work` as one call of an operation.
pub(crate) fn operation<R>(operation: impl FnOnce() -> Operation, work: impl FnOnce() -> R) -> R {
    let recording = Recording::here();
    if recording.0.is_none() {
        return work();
    }
    let start = Instant::now();
    let result = work();
    let seconds = start.elapsed().as_secs_f64();
    if let Some(mut recorder) = recording.recorder() {
        let key = (recorder.phase, operation());
        let (calls, total) = recorder.operations.entry(key).or_default();
        *calls += 1;
        *total += seconds;
    }
    result
}

#[cfg(test)]
mod tests {
    use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

    use super::{Operation, Phase, operation, phase, record};

    fn call() -> Operation {
        Operation { name: "test", pass: "forward", layer: String::new(), flops: 10 }
    }

    #[test]
    fn a_phase_within_another_counts_as_the_outer_one() {
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

    #[test]
    fn what_another_thread_does_meanwhile_is_not_recorded() {
        let other = || std::thread::scope(|scope| drop(scope.spawn(|| operation(call, || ())).join()));
        assert!(record(other).1.operations.is_empty());
    }

    #[test]
    fn a_phase_ends_with_a_panic_inside() {
        let ((), profile) = record(|| {
            let panic = || phase(Phase::Forward, || resume_unwind(Box::new("on purpose")));
            assert!(catch_unwind(AssertUnwindSafe(panic)).is_err());
            operation(call, || ());
        });
        assert_eq!(profile.operations[0].phase, None);
    }
}
