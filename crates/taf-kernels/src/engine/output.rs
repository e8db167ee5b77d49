use std::marker::PhantomData;

/// A slice that tasks write in places of their own, which no division into sub-slices describes (rows a stride apart).
#[derive(Clone, Copy)]
pub(crate) struct Output<'a> {
    data: *mut f32,
    len: usize,
    life: PhantomData<&'a mut [f32]>,
}

// SAFETY: what is reached through the pointer needs `unsafe`, and whoever uses it keeps the places of different tasks apart.
unsafe impl Send for Output<'_> {}
// SAFETY: as above.
unsafe impl Sync for Output<'_> {}

impl<'a> Output<'a> {
    pub(crate) fn new(data: &'a mut [f32]) -> Self {
        Self { data: data.as_mut_ptr(), len: data.len(), life: PhantomData }
    }

    /// Where the `len` floats from `start` on lie. A pointer, so that two of them may lie about at the same time: references
    /// are made where they are used, and only for as long.
    ///
    /// # Safety
    /// So many floats must follow.
    #[inline(always)]
    pub(crate) unsafe fn place(&self, start: usize, len: usize) -> *mut f32 {
        debug_assert!(start + len <= self.len, "{len} floats from {start} of {}", self.len);
        // SAFETY: within the slice this was made from, by the caller's promise.
        unsafe { self.data.add(start) }
    }
}
