//! The two micro-kernels: registers full of sums, a packed row of weights times a value of the source broadcast to all
//! lanes. All pointer arithmetic of the engine is here.

use pulp::{Simd, WithSimd};

use super::machine::{TILE_ROWS, vectors};
use super::output::Output;
use super::window::Row;

/// Most weight rows of a block: with 64 columns 32 KiB, which stay in a first-level cache of 48 KiB beside the source.
pub(crate) const DEPTH: usize = 256;

/// What a tap that falls outside the source reads.
static ZEROS: [f32; DEPTH] = [0.0; DEPTH];

/// Neighbouring weight rows of a block that belong to one tap.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Piece {
    /// Source floats from a row's base to the first value.
    pub(crate) delta: isize,
    /// The bits a row needs for the tap to fall on the source.
    pub(crate) need: u64,
    /// Weight rows, at most [`DEPTH`].
    pub(crate) len: usize,
}

/// `out[row, ..] = or += patches(row) * block` for all rows of a task and one block of a panel.
pub(crate) struct Tiles<'a> {
    pub(crate) rows: &'a [Row],
    pub(crate) pieces: &'a [Piece],
    pub(crate) source: &'a [f32],
    /// Rows of `vectors` vectors, one per value of the pieces.
    pub(crate) block: &'a [f32],
    pub(crate) vectors: usize,
    pub(crate) out: Output<'a>,
    /// Added to the rows' places.
    pub(crate) column: usize,
    /// Columns of the panel that exist.
    pub(crate) columns: usize,
    pub(crate) add: bool,
    /// Fetched meanwhile.
    pub(crate) ahead: Ahead<'a>,
}

/// Runs of floats that will be needed soon: fetched a few lines at a time while there is something to compute.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Ahead<'a> {
    pub(crate) data: &'a [f32],
    /// Number of runs, floats of each, and from one start to the next.
    pub(crate) runs: usize,
    pub(crate) len: usize,
    pub(crate) stride: usize,
}

impl Ahead<'_> {
    /// Floats of a cache line.
    const LINE: usize = 16;

    fn lines(&self) -> usize {
        self.runs * self.len.div_ceil(Self::LINE)
    }

    /// Fetches lines of the given numbers, as far as there are so many.
    #[inline(always)]
    fn fetch(&self, lines: std::ops::Range<usize>) {
        let per_run = self.len.div_ceil(Self::LINE).max(1);
        let (mut run, mut line) = (lines.start / per_run, lines.start % per_run);
        for _ in lines {
            if run >= self.runs {
                break;
            }
            fetch(self.data, run * self.stride + line * Self::LINE);
            line += 1;
            if line == per_run {
                (run, line) = (run + 1, 0);
            }
        }
    }
}

/// Asks for the line of a float to be brought to the second-level cache; no harm where there is none.
#[inline(always)]
fn fetch(data: &[f32], place: usize) {
    #[cfg(target_arch = "x86_64")]
    // SAFETY: a prefetch reads nothing; any address will do.
    unsafe {
        use std::arch::x86_64::{_MM_HINT_T1, _mm_prefetch};
        _mm_prefetch::<_MM_HINT_T1>(data.as_ptr().wrapping_add(place).cast());
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = (data, place);
}

impl WithSimd for Tiles<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let depth: usize = self.pieces.iter().map(|piece| piece.len).sum();
        assert!(self.block.len() >= depth * self.vectors * S::F32_LANES, "floats of a block of weights");
        assert!(self.vectors <= vectors::<S>(), "vectors of a panel");
        assert!(self.columns <= self.vectors * S::F32_LANES, "columns of a panel");
        match self.vectors {
            1 => self.run::<S, 1>(simd),
            2 => self.run::<S, 2>(simd),
            _ => self.run::<S, 4>(simd),
        }
    }
}

impl Tiles<'_> {
    #[inline(always)]
    fn run<S: Simd, const NV: usize>(&self, simd: S) {
        let mut rest = self.rows;
        let lines = self.ahead.lines().div_ceil(self.rows.len().div_ceil(TILE_ROWS).max(1));
        let mut fetched = 0;
        while !rest.is_empty() {
            let (tile, next) = rest.split_at(tile_rows(rest.len()));
            rest = next;
            self.ahead.fetch(fetched..fetched + lines);
            fetched += lines;
            // SAFETY: the rows and pieces describe reads inside the source wherever the bits say so (see `Reader`).
            unsafe {
                match tile.len() {
                    1 => self.tile::<S, 1, NV>(simd, tile),
                    2 => self.tile::<S, 2, NV>(simd, tile),
                    4 => self.tile::<S, 4, NV>(simd, tile),
                    _ => self.tile::<S, TILE_ROWS, NV>(simd, tile),
                }
            }
        }
    }

    #[inline(always)]
    unsafe fn tile<S: Simd, const MR: usize, const NV: usize>(&self, simd: S, rows: &[Row]) {
        let rows: &[Row; MR] = rows.try_into().expect("as many rows as the tile has");
        let mut sums = [[simd.splat_f32s(0.0); NV]; MR];
        let mut steps = Steps { pieces: self.pieces.iter(), block: self.block.as_ptr(), width: NV * S::F32_LANES };
        // One loop, which fetches the next piece on the way: two nested ones make the compiler move sums about.
        if let Some(mut step) = steps.next(self.source, rows) {
            let mut index = 0;
            loop {
                // SAFETY: a step's runs have `len` values, and as many rows of the block are left.
                unsafe {
                    let weights: [S::f32s; NV] = std::array::from_fn(|v| load::<S>(step.block.add(v * S::F32_LANES)));
                    for (sums, from) in sums.iter_mut().zip(&step.from) {
                        let value = simd.splat_f32s(*from.add(index));
                        for (sum, weight) in sums.iter_mut().zip(&weights) {
                            *sum = simd.mul_add_e_f32s(value, *weight, *sum);
                        }
                    }
                    step.block = step.block.add(NV * S::F32_LANES);
                }
                index += 1;
                if index == step.len {
                    let Some(next) = steps.next(self.source, rows) else { break };
                    (step, index) = (next, 0);
                }
            }
        }
        // SAFETY: rows of one task, which it writes alone.
        let out = |r: usize| unsafe { self.out.place(rows[r].out + self.column, self.columns) };
        // SAFETY: as above.
        unsafe { store(simd, sums, self.columns, self.add, out) };
    }
}

/// A piece with the places its rows are read from.
struct Step<const MR: usize> {
    from: [*const f32; MR],
    block: *const f32,
    len: usize,
}

/// The pieces of a block that fall on the source for any of a tile's rows.
struct Steps<'a> {
    pieces: std::slice::Iter<'a, Piece>,
    /// Where the weights of the next piece start.
    block: *const f32,
    width: usize,
}

impl Steps<'_> {
    #[inline(always)]
    fn next<const MR: usize>(&mut self, source: &[f32], rows: &[Row; MR]) -> Option<Step<MR>> {
        for piece in self.pieces.by_ref() {
            let block = self.block;
            self.block = block.wrapping_add(piece.len * self.width);
            let mut from = [ZEROS.as_ptr(); MR];
            let mut any = false;
            for (from, row) in from.iter_mut().zip(rows) {
                let place = row.base + piece.delta;
                if row.valid & piece.need == piece.need {
                    debug_assert!(place as usize + piece.len <= source.len());
                    *from = source.as_ptr().wrapping_offset(place);
                    any = true;
                }
            }
            if any && piece.len > 0 {
                return Some(Step { from, block, len: piece.len });
            }
        }
        None
    }
}

/// Rows of the next tile where `rest` are left.
#[inline(always)]
fn tile_rows(rest: usize) -> usize {
    match rest {
        8 => 4,
        6.. => TILE_ROWS,
        4.. => 4,
        _ => rest.min(2),
    }
}

/// # Safety
/// A vector of floats must be readable from `from`.
#[inline(always)]
unsafe fn load<S: Simd>(from: *const f32) -> S::f32s {
    // SAFETY: the caller's promise; vectors are plain floats.
    unsafe { from.cast::<S::f32s>().read_unaligned() }
}

/// Writes or adds the first `columns` sums of each row to the place `out` gives for it.
///
/// The loops are so plain that they are unrolled: an index that is not a constant would put the sums into memory from
/// the start.
///
/// # Safety
/// At each place so many floats must be this thread's alone, and no place may reach into another.
#[inline(always)]
unsafe fn store<S: Simd, const MR: usize, const NV: usize>(
    simd: S,
    sums: [[S::f32s; NV]; MR],
    columns: usize,
    add: bool,
    out: impl Fn(usize) -> *mut f32,
) {
    if columns < NV * S::F32_LANES {
        #[expect(
            clippy::redundant_locals,
            reason = "a copy, so that the sums themselves are never addressed and stay in registers"
        )]
        let sums = sums;
        // SAFETY: the caller's promise.
        return unsafe { store_part(sums.as_flattened(), [columns, NV * S::F32_LANES], add, out) };
    }
    // SAFETY: the rows have the length compared above; vectors are plain floats.
    let place = |r: usize, v: usize| unsafe { out(r).add(v * S::F32_LANES).cast::<S::f32s>() };
    if add {
        for (r, sums) in sums.iter().enumerate() {
            for (v, sum) in sums.iter().enumerate() {
                // SAFETY: as above.
                unsafe { place(r, v).write_unaligned(simd.add_f32s(place(r, v).read_unaligned(), *sum)) };
            }
        }
    } else {
        for (r, sums) in sums.iter().enumerate() {
            for (v, sum) in sums.iter().enumerate() {
                // SAFETY: as above.
                unsafe { place(r, v).write_unaligned(*sum) };
            }
        }
    }
}

/// The last panel, where columns are fewer than lanes.
///
/// # Safety
/// As [`store`].
#[inline(never)]
unsafe fn store_part<V>(sums: &[V], [columns, width]: [usize; 2], add: bool, out: impl Fn(usize) -> *mut f32) {
    // SAFETY: vectors are plain floats.
    let sums = unsafe { std::slice::from_raw_parts(sums.as_ptr().cast::<f32>(), size_of_val(sums) / 4) };
    for (r, sums) in sums.chunks_exact(width).enumerate() {
        // SAFETY: the caller's promise.
        let row = unsafe { std::slice::from_raw_parts_mut(out(r), columns) };
        for (out, sum) in row.iter_mut().zip(sums) {
            *out = if add { *out + sum } else { *sum };
        }
    }
}

/// Two places whose values are multiplied by [`Gather`]: of the source and of the block.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pair {
    /// Float of the source.
    pub(crate) source: usize,
    /// Float of the block.
    pub(crate) row: usize,
}

/// `out[channel, ..] = or += sum over pairs of source[pair + channel] * block[pair, ..]` for a run of channels.
pub(crate) struct Gather<'a> {
    pub(crate) pairs: &'a [Pair],
    pub(crate) source: &'a [f32],
    /// Channels of the source, added to the pairs' places.
    pub(crate) channels: std::ops::Range<usize>,
    /// Rows of `vectors` vectors.
    pub(crate) block: &'a [f32],
    pub(crate) vectors: usize,
    pub(crate) out: Output<'a>,
    /// Where the row of the first channel starts, and how far the others follow.
    pub(crate) first: usize,
    pub(crate) row_stride: usize,
    pub(crate) columns: usize,
    pub(crate) add: bool,
}

impl WithSimd for Gather<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        assert!(self.vectors <= vectors::<S>(), "vectors of a panel");
        match self.vectors {
            1 => self.run::<S, 1>(simd),
            2 => self.run::<S, 2>(simd),
            _ => self.run::<S, 4>(simd),
        }
    }
}

impl Gather<'_> {
    #[inline(always)]
    fn run<S: Simd, const NV: usize>(&self, simd: S) {
        let mut done = 0;
        while done < self.channels.len() {
            let rows = tile_rows(self.channels.len() - done);
            // SAFETY: the pairs point to pixels of the source and rows of the block (see `Reduction`).
            unsafe {
                match rows {
                    1 => self.tile::<S, 1, NV>(simd, done),
                    2 => self.tile::<S, 2, NV>(simd, done),
                    4 => self.tile::<S, 4, NV>(simd, done),
                    _ => self.tile::<S, TILE_ROWS, NV>(simd, done),
                }
            }
            done += rows;
        }
    }

    #[inline(always)]
    unsafe fn tile<S: Simd, const MR: usize, const NV: usize>(&self, simd: S, done: usize) {
        let mut sums = [[simd.splat_f32s(0.0); NV]; MR];
        let source = self.source.as_ptr().wrapping_add(self.channels.start + done);
        let block = self.block.as_ptr();
        for pair in self.pairs {
            debug_assert!(pair.source + self.channels.start + done + MR <= self.source.len());
            debug_assert!(pair.row + NV * S::F32_LANES <= self.block.len());
            // SAFETY: the caller's promise.
            unsafe {
                let (from, row) = (source.add(pair.source), block.add(pair.row));
                let weights: [S::f32s; NV] = std::array::from_fn(|v| load::<S>(row.add(v * S::F32_LANES)));
                for (r, sums) in sums.iter_mut().enumerate() {
                    let value = simd.splat_f32s(*from.add(r));
                    for (sum, weight) in sums.iter_mut().zip(&weights) {
                        *sum = simd.mul_add_e_f32s(value, *weight, *sum);
                    }
                }
            }
        }
        // SAFETY: rows of one task, which it writes alone.
        let out = |r: usize| unsafe { self.out.place(self.first + (done + r) * self.row_stride, self.columns) };
        // SAFETY: as above.
        unsafe { store(simd, sums, self.columns, self.add, out) };
    }
}
