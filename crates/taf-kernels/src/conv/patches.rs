use std::ops::Range;

use super::ConvShape;
use crate::matrix::Matrix;

/// The matrix a convolution multiplies with its weights: one row per position of a grid, one column per (tap, channel).
/// It is never built as a whole; [`Patches::gather`] copies the part one task needs.
///
/// Positions step over the source by `step`; the window starts `first` pixels from there and has `extent` taps, one pixel
/// apart. What lies outside the source is zero. The input gradient uses the same description over the output gradient.
#[derive(Clone, Debug)]
pub(crate) struct Patches {
    pub(crate) images: usize,
    pub(crate) source: [usize; 2],
    /// All channels of a source pixel.
    pub(crate) pixel_stride: usize,
    /// The channels that are read.
    pub(crate) channels: Range<usize>,
    pub(crate) grid: [usize; 2],
    pub(crate) step: [usize; 2],
    pub(crate) first: [isize; 2],
    pub(crate) extent: [usize; 2],
}

impl Patches {
    /// What the forward pass and the weight gradient read.
    pub(crate) fn of_input(shape: &ConvShape, group: usize) -> Self {
        Self {
            images: shape.batch,
            source: [shape.height, shape.width],
            pixel_stride: shape.channels_in,
            channels: shape.group_inputs(group),
            grid: [shape.output_height(), shape.output_width()],
            step: shape.stride,
            first: shape.padding.map(|side| -(side as isize)),
            extent: shape.kernel,
        }
    }

    pub(crate) fn rows(&self) -> usize {
        self.images * self.grid[0] * self.grid[1]
    }

    pub(crate) fn columns(&self) -> usize {
        self.extent[0] * self.line()
    }

    /// Floats of one row of taps.
    fn line(&self) -> usize {
        self.extent[1] * self.channels.len()
    }

    /// The patches without a copy, where they are the source itself.
    pub(crate) fn as_matrix<'a>(&self, source: &'a [f32]) -> Option<Matrix<'a>> {
        let plain = self.extent == [1, 1] && self.step == [1, 1] && self.first == [0, 0] && self.grid == self.source;
        plain.then(|| {
            let pixels = Matrix::new(source, self.rows(), self.pixel_stride);
            pixels.block(0..self.rows(), self.channels.clone())
        })
    }

    /// Writes the block of the given rows and columns to `out`, row-major.
    pub(crate) fn gather(&self, source: &[f32], rows: Range<usize>, columns: Range<usize>, out: &mut [f32]) {
        let width = columns.len();
        assert_eq!(out.len(), rows.len() * width, "floats of a block of patches");
        for (row, patch) in rows.zip(out.chunks_exact_mut(width)) {
            self.gather_row(source, row, &columns, patch);
        }
    }

    fn gather_row(&self, source: &[f32], row: usize, columns: &Range<usize>, patch: &mut [f32]) {
        let (top, left) = self.corner(row);
        let image = row / (self.grid[0] * self.grid[1]);
        let line = self.line();
        let mut rest = patch;
        for tap in columns.start / line..columns.end.div_ceil(line) {
            let part = columns.start.max(tap * line) - tap * line..columns.end.min((tap + 1) * line) - tap * line;
            let (piece, next) = rest.split_at_mut(part.len());
            rest = next;
            let y = top + tap as isize;
            if y < 0 || y >= self.source[0] as isize {
                piece.fill(0.0);
                continue;
            }
            let start = (image * self.source[0] + y as usize) * self.source[1] * self.pixel_stride;
            let picture_row = &source[start..start + self.source[1] * self.pixel_stride];
            if self.channels.len() == self.pixel_stride {
                self.copy_run(picture_row, left, part, piece);
            } else {
                self.copy_taps(picture_row, left, part, piece);
            }
        }
    }

    /// Upper left corner of a position's window, in source pixels.
    fn corner(&self, row: usize) -> (isize, isize) {
        let in_image = row % (self.grid[0] * self.grid[1]);
        let [y, x] = [in_image / self.grid[1] * self.step[0], in_image % self.grid[1] * self.step[1]];
        (y as isize + self.first[0], x as isize + self.first[1])
    }

    /// Neighbouring taps read neighbouring pixels, so with all channels a row of taps is one run of floats.
    fn copy_run(&self, picture_row: &[f32], left: isize, part: Range<usize>, piece: &mut [f32]) {
        let stride = self.pixel_stride as isize;
        let [from, to] = [left * stride + part.start as isize, left * stride + part.end as isize];
        let valid_from = from.clamp(0, picture_row.len() as isize);
        let valid_to = to.clamp(valid_from, picture_row.len() as isize);
        let before = (valid_from - from).clamp(0, to - from) as usize;
        let copied = (valid_to - valid_from) as usize;
        piece[..before].fill(0.0);
        piece[before..before + copied].copy_from_slice(&picture_row[valid_from as usize..valid_to as usize]);
        piece[before + copied..].fill(0.0);
    }

    /// Tap by tap, where a group reads only some of a pixel's channels.
    fn copy_taps(&self, picture_row: &[f32], left: isize, part: Range<usize>, piece: &mut [f32]) {
        let width = self.channels.len();
        let mut rest = piece;
        for tap in part.start / width..part.end.div_ceil(width) {
            let channels = part.start.max(tap * width) - tap * width..part.end.min((tap + 1) * width) - tap * width;
            let (piece, next) = rest.split_at_mut(channels.len());
            rest = next;
            let x = left + tap as isize;
            if x < 0 || x >= self.source[1] as isize {
                piece.fill(0.0);
            } else {
                let start = x as usize * self.pixel_stride + self.channels.start + channels.start;
                piece.copy_from_slice(&picture_row[start..start + channels.len()]);
            }
        }
    }
}
