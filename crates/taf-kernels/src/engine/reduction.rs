use std::ops::Range;

use rayon::prelude::*;

use super::kernel::{Gather, Pair};
use super::machine::{Machine, TILE_ROWS};
use super::output::Output;
use super::pack::copy;
use super::window::{Placement, Reach, Reader, Row, Window};
use crate::scratch::Scratch;
use crate::simd::vectorized;

/// `out = patches^T * gradient`, the weight gradient: the taps' `weights` say where their rows of `out` start.
pub(crate) struct Reduction<'a> {
    pub(crate) window: Window,
    /// Where the positions lie in `gradient`.
    pub(crate) placement: Placement,
    pub(crate) source: &'a [f32],
    pub(crate) gradient: &'a [f32],
    pub(crate) columns: usize,
    /// Where the columns start in a pixel of the gradient.
    pub(crate) first_column: usize,
    /// Floats between rows of `out`.
    pub(crate) row_stride: usize,
}

/// Positions summed in registers at a time; their gradients of one panel take 32 KiB.
const BLOCK: usize = 128;
/// Results up to this many floats (512 KiB) are summed in parts over positions.
const SMALL: usize = 128 * 1024;
/// Most parts.
const PARTS: usize = 12;
/// Fewest positions worth a part of their own.
const PART_ROWS: usize = 256;
/// Tasks there should be, so that threads end together.
const TASKS: usize = 24;
/// Most panels of a task.
const TASK_PANELS: usize = 4;

struct Task {
    reduction: usize,
    part: usize,
    rows: Range<usize>,
    taps: Range<usize>,
    channels: Range<usize>,
    panels: Range<usize>,
}

/// Runs reductions into one output of places of their own, which they fill between them.
pub(crate) fn run(machine: &Machine, reductions: &[Reduction], out: &mut [f32]) {
    let rows = reductions.iter().map(|reduction| reduction.window.rows()).max().unwrap_or(0);
    let parts = if out.len() <= SMALL { (rows / PART_ROWS).clamp(1, PARTS) } else { 1 };
    let tasks: Vec<Task> =
        reductions.iter().enumerate().flat_map(|(index, reduction)| reduction.tasks(machine, index, parts)).collect();
    let readers: Vec<Reader> = reductions.iter().map(|reduction| reduction.window.reader()).collect();
    let run_all = |out: Output, len: usize| {
        tasks.par_iter().for_each(|task| {
            reductions[task.reduction].run_task(machine, &readers[task.reduction], task, out, task.part * len);
        });
    };
    if parts == 1 {
        return run_all(Output::new(out), 0);
    }
    let mut copies = Scratch::take(parts * out.len());
    run_all(Output::new(&mut copies), out.len());
    add_copies(&copies, out);
}

/// The sum of copies of `out`, in their order.
fn add_copies(copies: &[f32], out: &mut [f32]) {
    let len = out.len();
    let task = len.div_ceil(PARTS).max(4096);
    out.par_chunks_mut(task).enumerate().for_each(|(index, sum)| {
        vectorized(|| {
            sum.fill(0.0);
            for copy in copies.chunks_exact(len) {
                sum.iter_mut().zip(&copy[index * task..]).for_each(|(sum, value)| *sum += value);
            }
        });
    });
}

impl Reduction<'_> {
    fn tasks(&self, machine: &Machine, reduction: usize, parts: usize) -> Vec<Task> {
        let (rows, taps) = (self.window.rows(), self.window.taps.len());
        let panels = self.columns.div_ceil(machine.panel);
        let widest = self.window.taps.iter().map(|tap| tap.channels.len()).max().unwrap_or(0);
        let (task_taps, chunk, task_panels) = match parts {
            1 => {
                let task_panels = (taps * panels / TASKS).clamp(1, TASK_PANELS);
                let chunks = TASKS.div_ceil(taps * panels.div_ceil(task_panels)).min(widest.div_ceil(16 * TILE_ROWS));
                (1, widest.div_ceil(chunks.max(1)).next_multiple_of(TILE_ROWS), task_panels)
            }
            _ => (taps, widest, TASK_PANELS),
        };
        let mut tasks = Vec::new();
        for part in 0..parts {
            for tap in (0..taps).step_by(task_taps) {
                for panel in (0..panels).step_by(task_panels) {
                    for start in (0..widest).step_by(chunk) {
                        tasks.push(Task {
                            reduction,
                            part,
                            rows: part * rows / parts..(part + 1) * rows / parts,
                            taps: tap..taps.min(tap + task_taps),
                            channels: start..widest.min(start + chunk),
                            panels: panel..panels.min(panel + task_panels),
                        });
                    }
                }
            }
        }
        tasks
    }

    fn run_task(&self, machine: &Machine, reader: &Reader, task: &Task, out: Output, first: usize) {
        let mut rows = Vec::with_capacity(BLOCK);
        let mut pairs = Vec::with_capacity(BLOCK);
        let mut packed = Scratch::take(BLOCK * machine.panel * task.panels.len());
        for start in task.rows.clone().step_by(BLOCK) {
            rows.clear();
            reader.rows(start..task.rows.end.min(start + BLOCK), &self.placement, &mut rows);
            for (panel, packed) in task.panels.clone().zip(packed.chunks_exact_mut(BLOCK * machine.panel)) {
                self.pack(machine, panel, &rows, packed);
            }
            for tap in task.taps.clone() {
                find_pairs(&rows, reader.reaches[tap], &mut pairs);
                let tap = &self.window.taps[tap];
                let channels = task.channels.start..task.channels.end.min(tap.channels.len());
                for (panel, packed) in task.panels.clone().zip(packed.chunks_exact(BLOCK * machine.panel)) {
                    let columns = self.panel_columns(machine, panel);
                    machine.arch.dispatch(Gather {
                        pairs: &pairs,
                        source: self.source,
                        channels: channels.clone(),
                        block: packed,
                        vectors: machine.panel_vectors(columns.len()),
                        out,
                        first: first + tap.weights + channels.start * self.row_stride + columns.start,
                        row_stride: self.row_stride,
                        columns: columns.len(),
                        add: start > task.rows.start,
                    });
                }
            }
        }
    }

    fn panel_columns(&self, machine: &Machine, panel: usize) -> Range<usize> {
        panel * machine.panel..self.columns.min((panel + 1) * machine.panel)
    }

    /// The gradients of a panel side by side, zeros behind the last column.
    fn pack(&self, machine: &Machine, panel: usize, rows: &[Row], packed: &mut [f32]) {
        let columns = self.panel_columns(machine, panel);
        let width = machine.panel_vectors(columns.len()) * machine.lanes;
        vectorized(|| {
            for (row, packed) in rows.iter().zip(packed.chunks_exact_mut(width)) {
                let (values, rest) = packed.split_at_mut(columns.len());
                copy(&self.gradient[row.out + self.first_column + columns.start..][..columns.len()], values);
                rest.fill(0.0);
            }
        });
    }
}

/// The positions whose tap falls on the source; the others add nothing.
fn find_pairs(rows: &[Row], reach: Reach, pairs: &mut Vec<Pair>) {
    pairs.clear();
    pairs.extend(
        rows.iter()
            .enumerate()
            .filter(|(_, row)| row.valid & reach.need == reach.need)
            .map(|(index, row)| Pair { source: (row.base + reach.delta) as u32, row: index as u32 }),
    );
}
