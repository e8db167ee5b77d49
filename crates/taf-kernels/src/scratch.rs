use std::cell::RefCell;
use std::ops::{Deref, DerefMut};

thread_local! {
    /// Buffers that wait for their next use on this thread. A stack, not one buffer: a thread that waits for its tasks
    /// may run one of them while it still holds a buffer of its own.
    static FREE: RefCell<Vec<Vec<f32>>> = const { RefCell::new(Vec::new()) };
}

/// Buffers kept per thread; more than that are given back to the allocator.
const KEPT: usize = 4;

/// Borrowed memory that goes back to its thread when dropped, so that the hot loops do not allocate.
///
/// It starts at a cache line: vectors that straddle two cost twice.
pub(crate) struct Scratch {
    buffer: Vec<f32>,
    start: usize,
    len: usize,
}

/// Floats of a cache line.
const LINE: usize = 16;

impl Scratch {
    /// `len` floats of unspecified content.
    pub(crate) fn take(len: usize) -> Self {
        let mut buffer = FREE.with_borrow_mut(|free| take_best(free, len + LINE)).unwrap_or_default();
        if buffer.len() < len + LINE {
            buffer = vec![0.0; len + LINE];
        }
        let start = buffer.as_ptr().align_offset(LINE * size_of::<f32>()).min(LINE);
        Self { buffer, start, len }
    }
}

/// The smallest buffer that is large enough, else the largest.
fn take_best(free: &mut Vec<Vec<f32>>, len: usize) -> Option<Vec<f32>> {
    let fits = (0..free.len()).filter(|&i| free[i].len() >= len).min_by_key(|&i| free[i].len());
    let best = fits.or_else(|| (0..free.len()).max_by_key(|&i| free[i].len()));
    best.map(|i| free.swap_remove(i))
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let buffer = std::mem::take(&mut self.buffer);
        FREE.with_borrow_mut(|free| {
            if free.len() < KEPT {
                free.push(buffer);
            }
        });
    }
}

impl Deref for Scratch {
    type Target = [f32];

    fn deref(&self) -> &[f32] {
        &self.buffer[self.start..self.start + self.len]
    }
}

impl DerefMut for Scratch {
    fn deref_mut(&mut self) -> &mut [f32] {
        &mut self.buffer[self.start..self.start + self.len]
    }
}
