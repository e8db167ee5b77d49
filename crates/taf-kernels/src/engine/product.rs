use std::ops::Range;

use rayon::prelude::*;

use super::kernel::{DEPTH, Piece, Sweep};
use super::machine::{Machine, TILE_ROWS};
use super::output::Output;
use super::pack::Weights;
use super::window::{Placement, Reader, Row, Window};
use crate::scratch::Scratch;

/// `out[position, first_column ..] = or += patches(position) * weights`.
pub(crate) struct Product<'a> {
    pub(crate) window: Window,
    pub(crate) placement: Placement,
    pub(crate) source: &'a [f32],
    pub(crate) weights: Weights<'a>,
    /// Columns of the product.
    pub(crate) columns: usize,
    /// Where the first column goes in an output pixel.
    pub(crate) first_column: usize,
    pub(crate) add: bool,
}

/// A finished part of an output, still in the cache.
pub(crate) struct Done<'a> {
    rows: &'a [Row],
    /// Channels of the output pixels that are done.
    pub(crate) channels: Range<usize>,
    out: Output<'a>,
}

impl Done<'_> {
    /// Number of pixels.
    pub(crate) fn len(&self) -> usize {
        self.rows.len()
    }

    /// The finished channels of a pixel.
    #[inline(always)]
    pub(crate) fn pixel(&self, index: usize) -> &[f32] {
        // SAFETY: rows of the task that made this, which alone writes them, and not while they are borrowed from here.
        unsafe { self.out.run(self.rows[index].out + self.channels.start, self.channels.len()) }
    }

    /// Calls `visit` with the float the pixel starts at and its finished channels.
    pub(crate) fn for_each(&mut self, mut visit: impl FnMut(usize, &mut [f32])) {
        for row in self.rows {
            // SAFETY: rows of the task that made this, which alone writes them.
            visit(row.out, unsafe { self.out.run(row.out + self.channels.start, self.channels.len()) });
        }
    }
}

/// Most rows of a task.
const TASK_ROWS: usize = 192;
/// Tasks there should be, so that threads end together.
const TASKS: usize = 16;
/// Fewest rows a task is cut to for that.
const FEWEST_ROWS: usize = 96;
/// Most columns of a task: its results and one block of the source stay in the second-level cache.
const TASK_COLUMNS: usize = 512;

struct Task {
    product: usize,
    rows: Range<usize>,
    panels: Range<usize>,
}

/// Runs products over one output, whose places no two of them share; gives back what `finish` says of each task.
pub(crate) fn run<R: Send>(
    machine: &Machine,
    products: &[Product],
    out: Output,
    finish: impl Fn(Done) -> R + Sync,
) -> Vec<R> {
    let readers: Vec<Reader> = products.iter().map(|product| product.window.reader()).collect();
    let tasks: Vec<Task> =
        products.iter().enumerate().flat_map(|(index, product)| product.tasks(machine, index)).collect();
    let mut packed: Vec<Option<Scratch>> = products.iter().map(|product| product.pack(machine)).collect();
    let packed: Vec<Option<&[f32]>> = packed.iter_mut().map(|packed| packed.as_deref()).collect();
    tasks
        .into_par_iter()
        .map(|task| {
            let product = &products[task.product];
            product.run_task(machine, &readers[task.product], packed[task.product], &task, out, &finish)
        })
        .collect()
}

impl Product<'_> {
    fn panels(&self, machine: &Machine) -> usize {
        self.columns.div_ceil(machine.panel)
    }

    /// Rows of a task: many, to use the weights often, unless that leaves too few tasks.
    fn task_rows(&self, machine: &Machine) -> usize {
        let (rows, panels) = (self.window.rows(), self.panels(machine));
        let most = if panels <= 4 { TASK_ROWS } else { 2 * TASK_ROWS };
        let parts = rows.div_ceil(most).max(TASKS.div_ceil(panels).min(rows.div_ceil(FEWEST_ROWS)));
        rows.div_ceil(parts.max(1)).next_multiple_of(TILE_ROWS)
    }

    fn tasks(&self, machine: &Machine, product: usize) -> Vec<Task> {
        let (rows, panels) = (self.window.rows(), self.panels(machine));
        let task_rows = self.task_rows(machine);
        let parts = TASKS.div_ceil(rows.div_ceil(task_rows).max(1));
        let task_panels = (panels / parts).clamp(1, (TASK_COLUMNS / machine.panel).max(1));
        let mut tasks = Vec::new();
        for start in (0..rows).step_by(task_rows) {
            for panel in (0..panels).step_by(task_panels) {
                let rows = start..rows.min(start + task_rows);
                tasks.push(Task { product, rows, panels: panel..panels.min(panel + task_panels) });
            }
        }
        tasks
    }

    /// The weights of all panels, where more than one task needs each and they do not already lie as the kernels want.
    fn pack(&self, machine: &Machine) -> Option<Scratch> {
        let depth = self.window.depth();
        let width = machine.panel_vectors(self.columns.min(machine.panel)) * machine.lanes;
        if self.window.rows() <= 2 * self.task_rows(machine)
            || self.weights.is_packed(width, self.columns, &self.window.taps)
        {
            return None;
        }
        let mut packed = Scratch::take(depth * self.columns.next_multiple_of(machine.panel));
        self.weights.pack_all(machine, &self.window.taps, depth, self.columns, &mut packed);
        Some(packed)
    }

    fn run_task<R>(
        &self,
        machine: &Machine,
        reader: &Reader,
        packed: Option<&[f32]>,
        task: &Task,
        out: Output,
        finish: impl Fn(Done) -> R,
    ) -> R {
        let rows = self.rows(reader, task.rows.clone());
        let depth = self.window.depth();
        let mut own = Scratch::take(DEPTH * machine.panel);
        let mut pieces = Vec::with_capacity(self.window.taps.len());
        let mut start = 0;
        let mut next = Next::default();
        loop {
            next.fill(&self.window, reader, &mut pieces);
            let block_rows: usize = pieces.iter().map(|piece| piece.len).sum();
            for panel in task.panels.clone() {
                let columns = panel * machine.panel..self.columns.min((panel + 1) * machine.panel);
                let vectors = machine.panel_vectors(columns.len());
                let width = vectors * machine.lanes;
                let block = match packed {
                    Some(packed) => &packed[panel * depth * machine.panel + start * width..][..block_rows * width],
                    None if self.weights.is_packed(width, self.columns, &self.window.taps) => {
                        let first = self.window.taps.first().map_or(0, |tap| tap.weights);
                        &self.weights.data[first + start * width..][..block_rows * width]
                    }
                    None => {
                        let own = &mut own[..block_rows * width];
                        self.weights.pack(&self.window.taps, start..start + block_rows, columns.clone(), width, own);
                        own
                    }
                };
                machine.arch.dispatch(Sweep {
                    rows: &rows,
                    pieces: &pieces,
                    source: self.source,
                    block,
                    vectors,
                    out,
                    column: self.first_column + columns.start,
                    columns: columns.len(),
                    add: self.add || start > 0,
                });
            }
            start += block_rows;
            if start >= depth {
                break;
            }
        }
        let columns = task.panels.start * machine.panel..self.columns.min(task.panels.end * machine.panel);
        let channels = self.first_column + columns.start..self.first_column + columns.end;
        finish(Done { rows: &rows, channels, out })
    }

    /// The positions of a task; those at the same edge of the picture together, so that tiles of them can skip the taps
    /// that fall outside.
    fn rows(&self, reader: &Reader, range: Range<usize>) -> Vec<Row> {
        let mut rows = Vec::with_capacity(range.len());
        reader.rows(range, &self.placement, &mut rows);
        if !reader.is_dense {
            rows.sort_by_key(|row| row.valid);
        }
        rows
    }
}

/// Where the next block of weight rows starts.
#[derive(Default)]
struct Next {
    tap: usize,
    channel: usize,
}

impl Next {
    /// The pieces of the next block, of at most [`DEPTH`] rows.
    fn fill(&mut self, window: &Window, reader: &Reader, pieces: &mut Vec<Piece>) {
        pieces.clear();
        let mut room = DEPTH;
        while room > 0 && self.tap < window.taps.len() {
            let left = window.taps[self.tap].channels.len() - self.channel;
            let len = left.min(room);
            if len < left && !pieces.is_empty() && left <= DEPTH {
                break;
            }
            let reach = reader.reaches[self.tap];
            pieces.push(Piece { delta: reach.delta + self.channel as isize, need: reach.need, len });
            room -= len;
            self.channel += len;
            if len == left {
                (self.tap, self.channel) = (self.tap + 1, 0);
            }
        }
    }
}
