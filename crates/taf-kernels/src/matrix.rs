//! Matrix views over slices and the one product every kernel uses. The unsafe code of the crate lives here: the pointers
//! given to `gemm`, and tiles of one slice that different threads may write because they do not overlap.

use std::marker::PhantomData;
use std::ops::Range;

use gemm::Parallelism;

/// A read-only view with any strides.
#[derive(Clone, Copy)]
pub(crate) struct Matrix<'a> {
    data: &'a [f32],
    rows: usize,
    columns: usize,
    row_stride: usize,
    column_stride: usize,
}

impl<'a> Matrix<'a> {
    /// A contiguous row-major matrix.
    pub(crate) fn new(data: &'a [f32], rows: usize, columns: usize) -> Self {
        Self::strided(data, rows, columns, columns)
    }

    /// Rows of `columns` neighbours, `row_stride` apart.
    pub(crate) fn strided(data: &'a [f32], rows: usize, columns: usize, row_stride: usize) -> Self {
        let view = Self { data, rows, columns, row_stride, column_stride: 1 };
        view.check();
        view
    }

    fn check(&self) {
        if self.rows > 0 && self.columns > 0 {
            let last = (self.rows - 1) * self.row_stride + (self.columns - 1) * self.column_stride;
            assert!(last < self.data.len(), "a {}x{} view of {} floats", self.rows, self.columns, self.data.len());
        }
    }

    pub(crate) fn transposed(self) -> Self {
        Self {
            rows: self.columns,
            columns: self.rows,
            row_stride: self.column_stride,
            column_stride: self.row_stride,
            ..self
        }
    }

    /// The block of the given rows and columns.
    pub(crate) fn block(self, rows: Range<usize>, columns: Range<usize>) -> Self {
        assert!(rows.end <= self.rows && columns.end <= self.columns, "block of a {}x{} view", self.rows, self.columns);
        let start = rows.start * self.row_stride + columns.start * self.column_stride;
        let data = self.data.get(start..).unwrap_or(&[]);
        Self { data, rows: rows.len(), columns: columns.len(), ..self }
    }

    pub(crate) fn rows(self) -> usize {
        self.rows
    }

    pub(crate) fn columns(self) -> usize {
        self.columns
    }
}

/// A writable view whose rows are contiguous.
pub(crate) struct MatrixMut<'a> {
    data: *mut f32,
    rows: usize,
    columns: usize,
    row_stride: usize,
    life: PhantomData<&'a mut [f32]>,
}

// SAFETY: a view stands for a unique borrow of its own elements; no two views in existence share one (see `tiles`).
unsafe impl Send for MatrixMut<'_> {}

impl<'a> MatrixMut<'a> {
    /// A contiguous row-major matrix.
    pub(crate) fn new(data: &'a mut [f32], rows: usize, columns: usize) -> Self {
        assert_eq!(data.len(), rows * columns, "floats of a {rows}x{columns} matrix");
        Self { data: data.as_mut_ptr(), rows, columns, row_stride: columns, life: PhantomData }
    }

    /// The columns of the given range alone.
    pub(crate) fn into_columns(self, columns: Range<usize>) -> Self {
        let rows = self.rows;
        self.into_block(0..rows, columns)
    }

    fn into_block(self, rows: Range<usize>, columns: Range<usize>) -> Self {
        assert!(rows.end <= self.rows && columns.end <= self.columns, "block of a {}x{} view", self.rows, self.columns);
        // Only an address is computed here, hence wrapping: an empty block may lie past the end.
        let data = self.data.wrapping_add(rows.start * self.row_stride + columns.start);
        Self { data, rows: rows.len(), columns: columns.len(), row_stride: self.row_stride, life: PhantomData }
    }

    /// Cuts the view into tiles of at most the given size, row by row.
    pub(crate) fn tiles(self, tile_rows: usize, tile_columns: usize) -> Vec<Tile<'a>> {
        let (tile_rows, tile_columns) = (tile_rows.max(1), tile_columns.max(1));
        let mut tiles = Vec::with_capacity(self.rows.div_ceil(tile_rows) * self.columns.div_ceil(tile_columns));
        for row in (0..self.rows).step_by(tile_rows) {
            for column in (0..self.columns).step_by(tile_columns) {
                let rows = row..self.rows.min(row + tile_rows);
                let columns = column..self.columns.min(column + tile_columns);
                // SAFETY of the alias: the ranges of different tiles never overlap, and `self` is consumed.
                let alias = Self { life: PhantomData, ..self };
                tiles.push(Tile { view: alias.into_block(rows.clone(), columns.clone()), rows, columns });
            }
        }
        tiles
    }

    pub(crate) fn rows(&self) -> usize {
        self.rows
    }

    pub(crate) fn columns(&self) -> usize {
        self.columns
    }

    /// One row as a slice.
    pub(crate) fn row_mut(&mut self, row: usize) -> &mut [f32] {
        assert!(row < self.rows, "row {row} of {}", self.rows);
        // SAFETY: the view covers `columns` floats from here, borrowed uniquely through `&mut self`.
        unsafe { std::slice::from_raw_parts_mut(self.data.add(row * self.row_stride), self.columns) }
    }
}

/// A part of a matrix and where it lies in the whole.
pub(crate) struct Tile<'a> {
    pub(crate) view: MatrixMut<'a>,
    pub(crate) rows: Range<usize>,
    pub(crate) columns: Range<usize>,
}

/// What becomes of the old content of the destination.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Store {
    /// It is overwritten, whatever it was.
    Replace,
    /// The product is added to it.
    Add,
}

/// `out = a · b` or `out += a · b`, on the calling thread.
pub(crate) fn multiply(a: Matrix, b: Matrix, out: &mut MatrixMut, store: Store) {
    assert_eq!(a.columns, b.rows, "inner sizes of a matrix product");
    assert_eq!((a.rows, b.columns), (out.rows, out.columns), "outer sizes of a matrix product");
    a.check();
    b.check();
    // SAFETY: `check` has shown that the last element of each input lies in its slice; the output is a valid unique view,
    // and being unique cannot overlap the inputs. `gemm` reads the output only where it adds.
    unsafe {
        gemm::gemm(
            a.rows,
            b.columns,
            a.columns,
            out.data,
            1,
            out.row_stride as isize,
            store == Store::Add,
            a.data.as_ptr(),
            a.column_stride as isize,
            a.row_stride as isize,
            b.data.as_ptr(),
            b.column_stride as isize,
            b.row_stride as isize,
            1.0,
            1.0,
            false,
            false,
            false,
            Parallelism::None,
        );
    }
}

/// The default cut of a product over threads: tiles of `rows` x all columns where there are plenty, narrower ones where
/// rows are few. Depends on the sizes alone, never on the number of threads.
pub(crate) fn tile_columns(rows: usize, columns: usize, tile_rows: usize) -> usize {
    const TASKS: usize = 12;
    const NARROWEST: usize = 64;
    let parts = TASKS.div_ceil(rows.div_ceil(tile_rows).max(1));
    columns.div_ceil(parts).next_multiple_of(16).max(NARROWEST).min(columns.max(1))
}
