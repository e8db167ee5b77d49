use std::ops::Range;

use rayon::prelude::*;

use super::kernel::Ahead;
use super::machine::Machine;
use super::transpose::transpose;
use super::window::Tap;
use crate::simd::vectorized;

/// Weights in memory: the value for channel `c` of a tap and column `n` lies at
/// `tap.weights + c * row_stride + n * column_stride`.
#[derive(Clone, Copy)]
pub(crate) struct Weights<'a> {
    pub(crate) data: &'a [f32],
    pub(crate) row_stride: usize,
    pub(crate) column_stride: usize,
}

impl Weights<'_> {
    /// Whether the only panel lies in memory as the kernels want it, at the start of a cache line.
    pub(crate) fn is_packed(&self, width: usize, columns: usize, taps: &[Tap]) -> bool {
        let mut next = taps.first().map_or(0, |tap| tap.weights);
        let follows = taps.iter().all(|tap| {
            let fits = tap.weights == next;
            next += tap.channels.len() * self.row_stride;
            fits
        });
        let first = taps.first().map_or(0, |tap| tap.weights);
        let is_aligned = self.data.as_ptr().wrapping_add(first).addr().is_multiple_of(64);
        is_aligned && self.column_stride == 1 && self.row_stride == columns && width == columns && follows
    }

    /// Writes the given rows (counted over the taps' channels) of a panel as rows of `width` floats, zeros behind the
    /// last column.
    pub(crate) fn pack(&self, taps: &[Tap], rows: Range<usize>, columns: Range<usize>, width: usize, out: &mut [f32]) {
        let mut start = 0;
        for tap in taps {
            let len = tap.channels.len();
            let [from, to] = [rows.start, rows.end].map(|row| row.clamp(start, start + len));
            if from < to {
                let place = tap.weights + (from - start) * self.row_stride + columns.start * self.column_stride;
                let out = &mut out[(from - rows.start) * width..(to - rows.start) * width];
                self.pack_run(&self.data[place..], columns.len(), width, out);
            }
            start += len;
        }
    }

    /// Where [`Weights::pack`] would read the given rows of a panel, where the taps follow each other in memory.
    pub(crate) fn ahead(&self, taps: &[Tap], rows: Range<usize>, columns: Range<usize>) -> Ahead<'_> {
        let mut start = 0;
        let tap = taps.iter().find(|tap| {
            start += tap.channels.len();
            rows.start < start
        });
        let Some(tap) = tap else { return Ahead::default() };
        let row = rows.start + tap.channels.len() - start;
        let place = tap.weights + row * self.row_stride + columns.start * self.column_stride;
        let data = self.data.get(place..).unwrap_or_default();
        if self.column_stride == 1 {
            Ahead { data, runs: rows.len(), len: columns.len(), stride: self.row_stride }
        } else {
            Ahead { data, runs: columns.len(), len: rows.len(), stride: self.column_stride }
        }
    }

    fn pack_run(&self, from: &[f32], columns: usize, width: usize, out: &mut [f32]) {
        if self.column_stride == 1 {
            copy_rows(from, self.row_stride, columns, width, out);
        } else {
            assert_eq!(self.row_stride, 1, "weights are contiguous along one axis");
            transpose(from, self.column_stride, [columns, out.len() / width], out, width);
            out.chunks_exact_mut(width).for_each(|row| row[columns..].fill(0.0));
        }
    }

    /// All panels one after the other, each `[depth, its width]`.
    pub(crate) fn pack_all(&self, machine: &Machine, taps: &[Tap], depth: usize, columns: usize, out: &mut [f32]) {
        const ROWS: usize = 128;
        let panels = out.par_chunks_mut(depth.max(1) * machine.panel).enumerate();
        panels.for_each(|(panel, out)| {
            let columns = panel * machine.panel..columns.min((panel + 1) * machine.panel);
            let width = machine.panel_vectors(columns.len()) * machine.lanes;
            out[..depth * width].par_chunks_mut(ROWS * width).enumerate().for_each(|(part, out)| {
                let start = part * ROWS;
                self.pack(taps, start..start + out.len() / width, columns.clone(), width, out);
            });
        });
    }
}

/// Rows of `columns` floats, `stride` apart, to rows of `width` floats; zeros behind the last column.
pub(super) fn copy_rows(from: &[f32], stride: usize, columns: usize, width: usize, out: &mut [f32]) {
    vectorized(|| {
        for (row, out) in out.chunks_exact_mut(width).enumerate() {
            let (values, rest) = out.split_at_mut(columns);
            copy(&from[row * stride..][..columns], values);
            rest.fill(0.0);
        }
    });
}

/// A copy in vectors on the spot: the library's takes longer to start than a row takes.
#[inline(always)]
pub(super) fn copy(from: &[f32], to: &mut [f32]) {
    let ((from, from_rest), (to, to_rest)) = (from.as_chunks::<16>(), to.as_chunks_mut::<16>());
    to.iter_mut().zip(from).for_each(|(to, from)| *to = *from);
    to_rest.iter_mut().zip(from_rest).for_each(|(to, from)| *to = *from);
}
