//! Memory that goes from tensor to tensor on the CPU.
//!
//! A training step asks for the same few hundred buffers every time. Given back to the system and fetched again, each
//! costs its page faults and a pass of zeros; here a tensor's memory returns to a shelf when the tensor is dropped and
//! the next tensor of about that size takes it as it is. Buffers start at a cache line, which vectors want.
//!
//! What lies ready stays with the process, since it cannot know whether the next step is the last: at most half as much as
//! was in use at the fullest moment, on top of that. Whoever goes on to something smaller, or pauses, gives it back with
//! [`release_tensor_memory`].

use std::collections::BTreeMap;
use std::mem::{MaybeUninit, size_of};
use std::sync::{Mutex, MutexGuard, PoisonError};

use burn::tensor::Bytes;
use burn_std::{AccessError, AccessPolicy, AllocationController, AllocationProperty};
use bytemuck::{Pod, Zeroable, zeroed_vec};

/// One cache line: the unit of size and alignment.
#[derive(Clone, Copy, Pod, Zeroable)]
#[repr(C, align(64))]
struct Line([f32; FLOATS]);

const FLOATS: usize = 16;

/// Smaller buffers (16 KiB) are left to the allocator, which is good at them.
const SMALLEST: usize = 256;
/// A buffer serves a request that needs at least this share of it.
const LEAST_USE: f64 = 0.8;
/// The shelf may hold what was in use at the fullest moment, and this share of it on top: the memory of weight gradients
/// lies idle while that of activations is in use, and the other way about.
const SLACK: f64 = 0.5;

static SHELF: Mutex<Shelf> = Mutex::new(Shelf::new());

/// What lies ready, and how much is out.
struct Shelf {
    /// By length in lines.
    free: BTreeMap<usize, Vec<Vec<Line>>>,
    free_lines: usize,
    lines_in_use: usize,
    /// At the fullest moment since memory was last given back, which the limit follows.
    most_in_use: usize,
    /// At the fullest moment ever.
    peak: usize,
}

impl Shelf {
    const fn new() -> Self {
        Self { free: BTreeMap::new(), free_lines: 0, lines_in_use: 0, most_in_use: 0, peak: 0 }
    }

    fn open() -> MutexGuard<'static, Self> {
        // Every change leaves the shelf whole, so a panic elsewhere while it was open did no harm.
        SHELF.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The smallest free buffer that fits closely enough.
    fn take(&mut self, lines: usize) -> Option<Vec<Line>> {
        let largest = (lines as f64 / LEAST_USE) as usize;
        let (&length, buffers) = self.free.range_mut(lines..=largest).next()?;
        let buffer = buffers.pop();
        if buffers.is_empty() {
            self.free.remove(&length);
        }
        self.free_lines -= length;
        buffer
    }

    fn note_use(&mut self, lines: usize) {
        self.lines_in_use += lines;
        self.most_in_use = self.most_in_use.max(self.lines_in_use);
        self.peak = self.peak.max(self.lines_in_use);
    }

    fn put_back(&mut self, buffer: Vec<Line>) {
        self.lines_in_use -= buffer.len();
        self.free_lines += buffer.len();
        self.free.entry(buffer.len()).or_default().push(buffer);
    }

    /// Takes off everything, to be freed by the caller, and forgets how much was in use.
    fn clear(&mut self) -> BTreeMap<usize, Vec<Vec<Line>>> {
        self.free_lines = 0;
        self.most_in_use = self.lines_in_use;
        std::mem::take(&mut self.free)
    }

    /// Takes off what is more than the limit, the largest first: they are the fewest. They are freed by the caller.
    fn take_excess(&mut self) -> Vec<Vec<Line>> {
        let limit = (self.most_in_use as f64 * (1.0 + SLACK)) as usize;
        let mut excess = Vec::new();
        while self.lines_in_use + self.free_lines > limit {
            let Some(mut largest) = self.free.last_entry() else { break };
            let buffer = largest.get_mut().pop();
            if largest.get().is_empty() {
                largest.remove();
            }
            let Some(buffer) = buffer else { continue };
            self.free_lines -= buffer.len();
            excess.push(buffer);
        }
        excess
    }
}

/// The most bytes that tensors of the kernels took at one time, those below 16 KiB not counted.
pub fn peak_tensor_bytes() -> u64 {
    (Shelf::open().peak * size_of::<Line>()) as u64
}

/// Gives back to the allocator the memory of dropped tensors that was kept for the next ones. The first step afterwards
/// takes its memory anew.
pub fn release_tensor_memory() {
    drop(Shelf::open().clear());
}

/// A buffer of `len` floats of unspecified content, to be filled.
pub(super) struct Buffer {
    lines: Vec<Line>,
    len: usize,
}

impl Buffer {
    pub(super) fn take(len: usize) -> Self {
        let lines = len.div_ceil(FLOATS);
        if lines < SMALLEST {
            return Self { lines: zeroed_vec(lines), len };
        }
        let mut shelf = Shelf::open();
        let found = shelf.take(lines);
        shelf.note_use(found.as_ref().map_or(lines, Vec::len));
        let excess = shelf.take_excess();
        drop(shelf);
        drop(excess);
        Self { lines: found.unwrap_or_else(|| zeroed_vec(lines)), len }
    }

    pub(super) fn values_mut(&mut self) -> &mut [f32] {
        &mut bytemuck::cast_slice_mut(&mut self.lines)[..self.len]
    }

    pub(super) fn into_bytes(self) -> Bytes {
        let len = self.len * size_of::<f32>();
        // SAFETY: the lines hold at least `len` bytes, all of them initialised.
        unsafe { Bytes::from_controller(Box::new(self), len) }
    }

    fn values(&self) -> &[f32] {
        &bytemuck::cast_slice(&self.lines)[..self.len]
    }
}

impl Drop for Buffer {
    fn drop(&mut self) {
        if self.lines.len() >= SMALLEST {
            Shelf::open().put_back(std::mem::take(&mut self.lines));
        }
    }
}

impl AllocationController for Buffer {
    fn alloc_align(&self) -> usize {
        align_of::<Line>()
    }

    fn property(&self) -> AllocationProperty {
        AllocationProperty::Native
    }

    unsafe fn memory_mut(&mut self, _: AccessPolicy) -> Result<&mut [MaybeUninit<u8>], AccessError> {
        let bytes: &mut [u8] = bytemuck::cast_slice_mut(&mut self.lines);
        // SAFETY: the same memory; the caller promises to write initialised bytes only.
        Ok(unsafe { &mut *(bytes as *mut [u8] as *mut [MaybeUninit<u8>]) })
    }

    fn memory(&self, _: AccessPolicy) -> Result<&[MaybeUninit<u8>], AccessError> {
        let bytes: &[u8] = bytemuck::cast_slice(&self.lines);
        // SAFETY: the same memory, and initialised bytes may be read as possibly uninitialised ones.
        Ok(unsafe { &*(bytes as *const [u8] as *const [MaybeUninit<u8>]) })
    }

    fn duplicate(&self) -> Option<Box<dyn AllocationController>> {
        let mut copy = Self::take(self.len);
        copy.values_mut().copy_from_slice(self.values());
        Some(Box::new(copy))
    }
}

#[cfg(test)]
mod tests {
    use super::{Buffer, Line, SLACK, Shelf};
    use bytemuck::zeroed_vec;

    /// Far more than any other test uses, so that tests running beside this one do not take its buffers.
    const LEN: usize = 10_000_005;

    #[test]
    fn a_dropped_tensors_memory_serves_the_next_of_its_size() {
        let mut first = Buffer::take(LEN);
        first.values_mut().fill(7.0);
        let place = first.values().as_ptr();
        drop(first.into_bytes());
        let second = Buffer::take(LEN - 5);
        assert_eq!(second.values().as_ptr(), place);
        assert_eq!(second.values().len(), LEN - 5);
    }

    #[test]
    fn a_copy_has_its_own_memory() {
        let mut first = Buffer::take(100);
        first.values_mut().fill(1.0);
        let bytes = first.into_bytes();
        let mut copy = bytes.clone();
        copy[0] = 9;
        assert_eq!(bytes.len(), 400);
        assert_ne!(bytes, copy);
    }

    #[test]
    fn buffers_start_at_a_cache_line() {
        for len in [1, 17, 1000] {
            assert_eq!(Buffer::take(len).values().as_ptr() as usize % 64, 0);
        }
    }

    /// Lines of the buffers on a shelf of the test's own.
    const LINES: usize = 1000;

    fn shelf_after_two_buffers() -> Shelf {
        let mut shelf = Shelf::new();
        let buffers: [Vec<Line>; 2] = [zeroed_vec(LINES), zeroed_vec(LINES)];
        shelf.note_use(2 * LINES);
        buffers.into_iter().for_each(|buffer| shelf.put_back(buffer));
        shelf
    }

    #[test]
    fn what_was_kept_is_given_back_when_asked_for() {
        let mut shelf = shelf_after_two_buffers();
        assert_eq!(shelf.clear().values().flatten().map(Vec::len).sum::<usize>(), 2 * LINES);
        assert!(shelf.take(LINES).is_none());
    }

    #[test]
    fn less_is_kept_for_smaller_work_once_memory_was_given_back() {
        let mut shelf = shelf_after_two_buffers();
        shelf.clear();
        shelf.note_use(LINES);
        shelf.put_back(zeroed_vec(LINES));
        shelf.note_use(LINES);
        shelf.put_back(zeroed_vec(LINES));
        let excess: usize = shelf.take_excess().iter().map(Vec::len).sum();
        assert_eq!(excess, LINES);
        assert!(shelf.free_lines as f64 <= (1.0 + SLACK) * LINES as f64);
        assert_eq!(shelf.peak, 2 * LINES);
    }
}
