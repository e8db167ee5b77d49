//! How `[rows, channels]` is divided into pieces of work.

use std::ops::Range;

/// Floats per task, 256 KiB: large against the cost of a task, small against a layer.
const TASK: usize = 64 * 1024;
/// Floats a per-channel vector is repeated to, so that inner loops are long even for few channels.
const LANES: usize = 256;

/// How a `[rows, channels]` slice is divided into tasks. Depends on the sizes alone.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Division {
    pub(crate) channels: usize,
    pub(crate) len: usize,
    /// Floats per task, whole rows.
    pub(crate) task: usize,
}

impl Division {
    /// # Panics
    /// If there are no channels or `len` is not a number of whole rows.
    pub(crate) fn new(len: usize, channels: usize) -> Self {
        assert!(channels > 0, "at least one channel is needed");
        assert!(len.is_multiple_of(channels), "{len} floats are not whole rows of {channels} channels");
        Self { channels, len, task: (TASK / channels).max(1) * channels }
    }

    pub(crate) fn rows(&self) -> usize {
        self.len / self.channels
    }

    pub(crate) fn tasks(&self) -> usize {
        self.len.div_ceil(self.task)
    }

    /// The floats of one task.
    pub(crate) fn range(&self, task: usize) -> Range<usize> {
        task * self.task..self.len.min((task + 1) * self.task)
    }

    /// How often a per-channel vector is repeated to fill the lanes.
    pub(crate) fn repeats(&self) -> usize {
        LANES.div_ceil(self.channels)
    }

    /// Length of a per-channel vector that fills the lanes.
    pub(crate) fn lanes(&self) -> usize {
        self.repeats() * self.channels
    }

    /// A per-channel vector, repeated to fill the lanes.
    pub(crate) fn spread(&self, values: &[f32]) -> Vec<f32> {
        values.repeat(self.repeats())
    }

    /// Adds up the repeats of a per-channel vector, in f64.
    pub(crate) fn fold(&self, lanes: &[f32]) -> Vec<f64> {
        let mut sums = vec![0.0; self.channels];
        for part in lanes.chunks_exact(self.channels) {
            sums.iter_mut().zip(part).for_each(|(sum, value)| *sum += f64::from(*value));
        }
        sums
    }
}
