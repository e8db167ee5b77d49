use std::ops::Range;

/// What one run of weight rows is multiplied with: some channels of the source pixel `at` a distance from the position.
#[derive(Clone, Debug)]
pub(crate) struct Tap {
    /// `[frame, line, column]`, added to the position times the step.
    pub(crate) at: [isize; 3],
    pub(crate) channels: Range<usize>,
    /// Where its first weight lies.
    pub(crate) weights: usize,
}

/// Which source values a position of a grid reads. What lies outside the source is zero.
#[derive(Clone, Debug)]
pub(crate) struct Window {
    pub(crate) clips: usize,
    /// `[frames, height, width]`, as are `grid` and `step`.
    pub(crate) source: [usize; 3],
    /// Floats from one source pixel to the next.
    pub(crate) pixel_stride: usize,
    pub(crate) grid: [usize; 3],
    pub(crate) step: [usize; 3],
    pub(crate) taps: Vec<Tap>,
}

/// Where the results of grid positions go: position times `step` plus `start`, in an array of `dims`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Placement {
    pub(crate) dims: [usize; 3],
    pub(crate) step: [usize; 3],
    pub(crate) start: [usize; 3],
    pub(crate) pixel_stride: usize,
}

/// A grid position as the kernels see it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Row {
    /// Source float a tap at distance zero starts from.
    pub(crate) base: isize,
    /// One bit per coordinate of a tap: whether it falls on the source.
    pub(crate) valid: u64,
    /// Float of the output its results start from.
    pub(crate) out: usize,
}

/// A tap as the kernels see it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Reach {
    /// Source floats from a row's base to the tap's first channel.
    pub(crate) delta: isize,
    /// The bits a row needs for the tap to fall on the source.
    pub(crate) need: u64,
}

impl Window {
    /// Number of grid positions.
    pub(crate) fn rows(&self) -> usize {
        self.clips * self.grid.iter().product::<usize>()
    }

    /// Rows of the weights.
    pub(crate) fn depth(&self) -> usize {
        self.taps.iter().map(|tap| tap.channels.len()).sum()
    }

    pub(crate) fn reader(&self) -> Reader<'_> {
        Reader::new(self)
    }
}

/// A window made ready for fast enumeration.
pub(crate) struct Reader<'a> {
    window: &'a Window,
    /// For each axis and place on it the bits of the coordinates that fall on the source.
    valid: [Vec<u64>; 3],
    pub(crate) reaches: Vec<Reach>,
    /// Whether every tap of every position falls on the source.
    pub(crate) is_dense: bool,
}

impl<'a> Reader<'a> {
    fn new(window: &'a Window) -> Self {
        let mut first_bit = 0;
        let mut need = vec![0; window.taps.len()];
        let mut is_dense = true;
        let valid = [0, 1, 2].map(|axis| {
            let coordinates = distinct(window.taps.iter().map(|tap| tap.at[axis]));
            assert!(first_bit + coordinates.len() <= 64, "a kernel whose sides sum to more than 64");
            for (tap, need) in window.taps.iter().zip(&mut need) {
                let index = coordinates.iter().position(|at| *at == tap.at[axis]).expect("one of the taps");
                *need |= 1 << (first_bit + index);
            }
            let side = window.source[axis] as isize;
            let places = (0..window.grid[axis]).map(|place| {
                let bits = coordinates
                    .iter()
                    .enumerate()
                    .filter(|(_, at)| (0..side).contains(&((place * window.step[axis]) as isize + **at)));
                bits.fold(0, |bits, (index, _)| bits | 1 << (first_bit + index))
            });
            let places: Vec<u64> = places.collect();
            is_dense &= places.iter().all(|bits| bits.count_ones() as usize == coordinates.len());
            first_bit += coordinates.len();
            places
        });
        let [_, height, width] = window.source.map(|side| side as isize);
        let delta = |tap: &Tap| {
            ((tap.at[0] * height + tap.at[1]) * width + tap.at[2]) * window.pixel_stride as isize
                + tap.channels.start as isize
        };
        let reaches = window.taps.iter().zip(need).map(|(tap, need)| Reach { delta: delta(tap), need }).collect();
        Self { window, valid, reaches, is_dense }
    }

    /// Appends the given positions to `rows`.
    pub(crate) fn rows(&self, range: Range<usize>, placement: &Placement, rows: &mut Vec<Row>) {
        let Window { source, grid, step, pixel_stride, .. } = self.window;
        let mut rest = range.len();
        let mut line = range.start / grid[2];
        let mut column = range.start % grid[2];
        while rest > 0 {
            let [t, y] = [line / grid[1] % grid[0], line % grid[1]];
            let clip = line / grid[1] / grid[0];
            let source_line = (clip * source[0] + t * step[0]) * source[1] + y * step[1];
            let place = |axis: usize, at: usize| at * placement.step[axis] + placement.start[axis];
            let out_line = (clip * placement.dims[0] + place(0, t)) * placement.dims[1] + place(1, y);
            let valid = self.valid[0][t] | self.valid[1][y];
            let count = rest.min(grid[2] - column);
            rows.extend((column..column + count).map(|x| Row {
                base: ((source_line * source[2] + x * step[2]) * pixel_stride) as isize,
                valid: valid | self.valid[2][x],
                out: (out_line * placement.dims[2] + place(2, x)) * placement.pixel_stride,
            }));
            rest -= count;
            column = 0;
            line += 1;
        }
    }
}

fn distinct(values: impl Iterator<Item = isize>) -> Vec<isize> {
    let mut values: Vec<isize> = values.collect();
    values.sort_unstable();
    values.dedup();
    values
}
