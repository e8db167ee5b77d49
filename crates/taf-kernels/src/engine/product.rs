use std::ops::Range;

use rayon::prelude::*;

use super::kernel::{Ahead, DEPTH, Piece, Tiles};
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
        let (start, len) = (self.rows[index].out + self.channels.start, self.channels.len());
        // SAFETY: rows of the task that made this, which alone writes them, and not while they are borrowed from here.
        unsafe { std::slice::from_raw_parts(self.out.place(start, len), len) }
    }

    /// Calls `visit` with the float the pixel starts at and its finished channels.
    #[inline(always)]
    pub(crate) fn for_each(&mut self, mut visit: impl FnMut(usize, &mut [f32])) {
        for row in self.rows {
            let (start, len) = (row.out + self.channels.start, self.channels.len());
            // SAFETY: rows of the task that made this, which alone writes them; nothing else borrows from here meanwhile.
            visit(row.out, unsafe { std::slice::from_raw_parts_mut(self.out.place(start, len), len) });
        }
    }
}

/// Most rows of a task.
const TASK_ROWS: usize = 192;
/// Tasks there should be, so that threads end together.
const TASKS: usize = 16;
/// Fewest rows of a task made for that.
const FEWEST_ROWS: usize = 192;
/// Most columns of a task: its results and one block of the source stay in the second-level cache.
const TASK_COLUMNS: usize = 512;

/// A part of a product that one thread computes.
pub(crate) struct Task {
    pub(crate) rows: Range<usize>,
    pub(crate) panels: Range<usize>,
}

/// Runs products over one output, whose places no two of them share; gives back what `finish` says of each task.
pub(crate) fn run<R: Send>(
    machine: &Machine,
    products: &[Product],
    out: Output,
    finish: impl Fn(Done) -> R + Sync,
) -> Vec<R> {
    let prepared: Vec<Prepared> = products.iter().map(|product| Prepared::new(machine, product)).collect();
    let tasks: Vec<(&Prepared, Task)> =
        prepared.iter().flat_map(|prepared| prepared.tasks().into_iter().map(move |task| (prepared, task))).collect();
    tasks.into_par_iter().map(|(prepared, task)| prepared.run_task(&task, out, 0, &finish)).collect()
}

/// A product with its weights as the kernels want them.
pub(crate) struct Prepared<'a> {
    machine: &'a Machine,
    product: &'a Product<'a>,
    reader: Reader<'a>,
    weights: Panels,
}

/// Where the blocks of weights come from.
enum Panels {
    /// They lie in memory as the kernels want them.
    InPlace,
    /// Panels one after the other.
    Packed(Scratch),
    /// Too few tasks use each block: they pack their own.
    ByTask,
}

impl<'a> Prepared<'a> {
    pub(crate) fn new(machine: &'a Machine, product: &'a Product) -> Self {
        let weights = product.pack(machine);
        Self { machine, product, reader: product.window.reader(), weights }
    }

    /// All panels, as a [`Task`] takes them.
    pub(crate) fn panels(&self) -> Range<usize> {
        0..self.product.panels(self.machine)
    }

    fn tasks(&self) -> Vec<Task> {
        let (rows, panels) = (self.product.window.rows(), self.panels().end);
        let task_rows = self.product.task_rows(self.machine);
        let parts = TASKS.div_ceil(rows.div_ceil(task_rows).max(1));
        let task_panels = (panels / parts).clamp(1, (TASK_COLUMNS / self.machine.panel).max(1));
        let mut tasks = Vec::new();
        for start in (0..rows).step_by(task_rows) {
            for panel in (0..panels).step_by(task_panels) {
                let rows = start..rows.min(start + task_rows);
                tasks.push(Task { rows, panels: panel..panels.min(panel + task_panels) });
            }
        }
        tasks
    }

    /// Computes one part; the first float of `out` is number `origin` of the output.
    pub(crate) fn run_task<R>(&self, task: &Task, out: Output, origin: usize, finish: impl Fn(Done) -> R) -> R {
        let rows = self.rows(task.rows.clone(), origin);
        let product = self.product;
        let depth = product.window.depth();
        let mut own = Scratch::take(DEPTH * self.machine.panel);
        let mut pieces = Vec::with_capacity(product.window.taps.len());
        let mut start = 0;
        let mut next = Next::default();
        loop {
            next.fill(&product.window, &self.reader, &mut pieces);
            let block = start..start + pieces.iter().map(|piece| piece.len).sum::<usize>();
            for panel in task.panels.clone() {
                let columns = product.panel_columns(self.machine, panel);
                self.machine.arch.dispatch(Tiles {
                    rows: &rows,
                    pieces: &pieces,
                    source: product.source,
                    block: self.block(panel, block.clone(), &mut own),
                    vectors: self.machine.panel_vectors(columns.len()),
                    out,
                    column: product.first_column + columns.start,
                    columns: columns.len(),
                    add: product.add || start > 0,
                    ahead: self.ahead(task, panel, &block),
                });
            }
            start = block.end;
            if start >= depth {
                break;
            }
        }
        let [first, end] = [task.panels.start * self.machine.panel, task.panels.end * self.machine.panel];
        let channels = product.first_column + first..product.first_column + end.min(product.columns);
        finish(Done { rows: &rows, channels, out })
    }

    /// The weights a task packs after the given block of a panel.
    fn ahead(&self, task: &Task, panel: usize, block: &Range<usize>) -> Ahead<'_> {
        let Product { window, weights, .. } = self.product;
        if !matches!(self.weights, Panels::ByTask) {
            return Ahead::default();
        }
        let (panel, rows) = match panel + 1 < task.panels.end {
            true => (panel + 1, block.clone()),
            false => (task.panels.start, block.end..window.depth().min(block.end + DEPTH)),
        };
        weights.ahead(&window.taps, rows, self.product.panel_columns(self.machine, panel))
    }

    /// The given weight rows of a panel.
    fn block<'b>(&'b self, panel: usize, rows: Range<usize>, own: &'b mut [f32]) -> &'b [f32] {
        let Product { window, weights, .. } = self.product;
        let columns = self.product.panel_columns(self.machine, panel);
        let width = self.machine.panel_vectors(columns.len()) * self.machine.lanes;
        let floats = rows.start * width..rows.end * width;
        match &self.weights {
            Panels::InPlace => &weights.data[window.taps.first().map_or(0, |tap| tap.weights)..][floats],
            Panels::Packed(packed) => &packed[panel * window.depth() * self.machine.panel..][floats],
            Panels::ByTask => {
                let own = &mut own[..floats.len()];
                weights.pack(&window.taps, rows, columns, width, own);
                own
            }
        }
    }

    /// The positions of a task; those at the same edge of the picture together, so that tiles of them can skip the taps
    /// that fall outside.
    fn rows(&self, range: Range<usize>, origin: usize) -> Vec<Row> {
        let mut rows = Vec::with_capacity(range.len());
        self.reader.rows(range, &self.product.placement, &mut rows);
        if !self.reader.is_dense {
            rows.sort_by_key(|row| row.valid);
        }
        rows.iter_mut().for_each(|row| row.out -= origin);
        rows
    }
}

impl Product<'_> {
    fn panels(&self, machine: &Machine) -> usize {
        self.columns.div_ceil(machine.panel)
    }

    fn panel_columns(&self, machine: &Machine, panel: usize) -> Range<usize> {
        panel * machine.panel..self.columns.min((panel + 1) * machine.panel)
    }

    /// Rows of a task: many, to use the weights often, unless that leaves too few tasks.
    fn task_rows(&self, machine: &Machine) -> usize {
        let (rows, panels) = (self.window.rows(), self.panels(machine));
        let most = if panels <= 4 { TASK_ROWS } else { 2 * TASK_ROWS };
        let parts = rows.div_ceil(most).max(TASKS.div_ceil(panels).min(rows.div_ceil(FEWEST_ROWS)));
        rows.div_ceil(parts.max(1)).next_multiple_of(TILE_ROWS)
    }

    fn pack(&self, machine: &Machine) -> Panels {
        let depth = self.window.depth();
        let width = machine.panel_vectors(self.columns.min(machine.panel)) * machine.lanes;
        if self.weights.is_packed(width, self.columns, &self.window.taps) {
            return Panels::InPlace;
        }
        if self.window.rows() <= 2 * self.task_rows(machine) {
            return Panels::ByTask;
        }
        let mut packed = Scratch::take(depth * self.columns.next_multiple_of(machine.panel));
        self.weights.pack_all(machine, &self.window.taps, depth, self.columns, &mut packed);
        Panels::Packed(packed)
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
