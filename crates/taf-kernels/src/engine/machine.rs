use pulp::{Arch, Simd, WithSimd};

/// Rows of a full tile of the micro-kernel: with the panel of [`vectors`] its sums, a row of weights and one value of
/// the source fill the registers (6 x 4 + 4 + 1 of 32, 6 x 2 + 2 + 1 of 16).
pub(crate) const TILE_ROWS: usize = 6;

/// Vectors side by side in a full panel.
pub(crate) const fn vectors<S: Simd>() -> usize {
    if S::REGISTER_COUNT >= 32 { 4 } else { 2 }
}

/// The vectors of the processor the kernels run on.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Machine {
    pub(crate) arch: Arch,
    /// Floats of a vector.
    pub(crate) lanes: usize,
    /// Columns of a full panel of weights.
    pub(crate) panel: usize,
}

impl Machine {
    /// The widest vectors there are.
    pub(crate) fn detect() -> Self {
        Self::of(Arch::new())
    }

    pub(crate) fn of(arch: Arch) -> Self {
        let (lanes, vectors) = arch.dispatch(Widths);
        Self { arch, lanes, panel: lanes * vectors }
    }

    /// Vectors a panel of `columns` takes: 1, 2 or 4.
    pub(crate) fn panel_vectors(&self, columns: usize) -> usize {
        columns.div_ceil(self.lanes).next_power_of_two()
    }
}

struct Widths;

impl WithSimd for Widths {
    type Output = (usize, usize);

    fn with_simd<S: Simd>(self, _: S) -> Self::Output {
        (S::F32_LANES, vectors::<S>())
    }
}
