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
const BLOCK: usize = 144;
/// Rows of a task's results up to which the gradients are not copied.
const DIRECT_ROWS: usize = 128;
/// Results up to this many floats (512 KiB) are summed in parts over positions.
const SMALL: usize = 128 * 1024;
/// Most parts.
const PARTS: usize = 12;
/// Fewest positions worth a part of their own.
const PART_ROWS: usize = 256;
/// Tasks there should be, so that threads end together.
const TASKS: usize = 16;
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
                let most = if widest > self.columns { TASK_PANELS } else { taps * panels / TASKS };
                let task_panels = most.clamp(1, TASK_PANELS.min(panels.max(1)));
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
        let block_len = BLOCK * machine.panel;
        let direct = self.reads_directly(machine, task);
        let mut packed = Scratch::take(if direct { 0 } else { block_len * task.panels.len() });
        let step = task.rows.len().div_ceil(task.rows.len().div_ceil(BLOCK).max(1)).max(1);
        for start in task.rows.clone().step_by(step) {
            rows.clear();
            reader.rows(start..task.rows.end.min(start + step), &self.placement, &mut rows);
            if !direct {
                self.pack(machine, task.panels.clone(), &rows, &mut packed);
            }
            for tap_index in task.taps.clone() {
                for panel in task.panels.clone() {
                    let columns = self.panel_columns(machine, panel);
                    let width = machine.panel_vectors(columns.len()) * machine.lanes;
                    if direct {
                        find_pairs(&rows, reader.reaches[tap_index], |_, row| row.out, &mut pairs);
                    } else if panel == task.panels.start || width < machine.panel {
                        find_pairs(&rows, reader.reaches[tap_index], |index, _| index * width, &mut pairs);
                    }
                    let tap = &self.window.taps[tap_index];
                    let channels = task.channels.start..task.channels.end.min(tap.channels.len());
                    let block = if direct {
                        &self.gradient[self.first_column + columns.start..]
                    } else {
                        &packed[(panel - task.panels.start) * block_len..][..block_len]
                    };
                    machine.arch.dispatch(Gather {
                        pairs: &pairs,
                        source: self.source,
                        channels: channels.clone(),
                        block,
                        vectors: width / machine.lanes,
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

    /// Whether the gradients are read where they are: a copy costs more than it saves where it is read a few times.
    fn reads_directly(&self, machine: &Machine, task: &Task) -> bool {
        let few = task.taps.len() * task.channels.len() <= DIRECT_ROWS;
        let whole = self.columns.is_multiple_of(machine.panel);
        let is_aligned = self.gradient[self.first_column..].as_ptr().addr().is_multiple_of(64);
        is_aligned && whole && (few || self.placement.pixel_stride == machine.panel)
    }

    fn panel_columns(&self, machine: &Machine, panel: usize) -> Range<usize> {
        panel * machine.panel..self.columns.min((panel + 1) * machine.panel)
    }

    /// The gradients of each panel side by side, zeros behind the last column.
    fn pack(&self, machine: &Machine, panels: Range<usize>, rows: &[Row], packed: &mut [f32]) {
        let block_len = BLOCK * machine.panel;
        vectorized(|| {
            for (index, row) in rows.iter().enumerate() {
                for (panel, packed) in panels.clone().zip(packed.chunks_exact_mut(block_len)) {
                    let columns = self.panel_columns(machine, panel);
                    let width = machine.panel_vectors(columns.len()) * machine.lanes;
                    let (values, rest) = packed[index * width..(index + 1) * width].split_at_mut(columns.len());
                    copy(&self.gradient[row.out + self.first_column + columns.start..][..columns.len()], values);
                    rest.fill(0.0);
                }
            }
        });
    }
}

/// The positions whose tap falls on the source; the others add nothing.
fn find_pairs(rows: &[Row], reach: Reach, place: impl Fn(usize, &Row) -> usize, pairs: &mut Vec<Pair>) {
    pairs.clear();
    let reached = rows.iter().enumerate().filter(|(_, row)| row.valid & reach.need == reach.need);
    pairs
        .extend(reached.map(|(index, row)| Pair { source: (row.base + reach.delta) as usize, row: place(index, row) }));
}

#[cfg(test)]
mod tests {
    use super::{Pair, Reach, Row, find_pairs};

    /// Behind the last float that 32 bits can count.
    const FAR: usize = 1 << 33;

    #[test]
    fn places_in_more_than_four_thousand_million_floats_are_found() {
        let row = Row { base: FAR as isize, valid: 1, out: FAR + 64 };
        let mut pairs = Vec::new();
        find_pairs(&[row], Reach { delta: 3, need: 1 }, |_, row| row.out, &mut pairs);
        let places: Vec<[usize; 2]> = pairs.iter().map(|&Pair { source, row }| [source, row]).collect();
        assert_eq!(places, [[FAR + 3, FAR + 64]]);
    }
}
