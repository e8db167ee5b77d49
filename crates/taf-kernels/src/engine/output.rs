use std::marker::PhantomData;

/// A slice that tasks write in places of their own, which no cut into sub-slices describes (rows a stride apart).
#[derive(Clone, Copy)]
pub(crate) struct Output<'a> {
    data: *mut f32,
    len: usize,
    life: PhantomData<&'a mut [f32]>,
}

// SAFETY: access needs the unsafe `run`, whose callers keep the places of different tasks apart.
unsafe impl Send for Output<'_> {}
// SAFETY: as above.
unsafe impl Sync for Output<'_> {}

impl<'a> Output<'a> {
    pub(crate) fn new(data: &'a mut [f32]) -> Self {
        Self { data: data.as_mut_ptr(), len: data.len(), life: PhantomData }
    }

    /// The `len` floats from `start` on.
    ///
    /// # Safety
    /// No other reference to any of them may be in use at the same time.
    #[inline(always)]
    #[allow(clippy::mut_from_ref)] // the caller answers for it
    pub(crate) unsafe fn run(&self, start: usize, len: usize) -> &mut [f32] {
        debug_assert!(start + len <= self.len, "{len} floats from {start} of {}", self.len);
        // SAFETY: within the slice this was made from; unique by the caller's promise.
        unsafe { std::slice::from_raw_parts_mut(self.data.add(start), len) }
    }
}
