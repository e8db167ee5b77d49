use std::borrow::Cow;
use std::ops::Range;

use rayon::prelude::*;

use super::ConvShape;
use crate::engine::{Placement, Product, Reduction, Tap, Weights, Window};
use crate::size::{padded, product};

/// A convolution over frames, lines and columns: what 2-D and 3-D have in common.
#[derive(Clone, Copy, Debug)]
pub(super) struct Geometry {
    pub(super) clips: usize,
    /// `[frames, height, width]`, as all axis triples here.
    pub(super) source: [usize; 3],
    pub(super) output: [usize; 3],
    pub(super) channels_in: usize,
    pub(super) channels_out: usize,
    pub(super) kernel: [usize; 3],
    pub(super) stride: [usize; 3],
    pub(super) padding: [usize; 3],
    pub(super) groups: usize,
    /// Channels read from the next frame, and as many from the previous one.
    pub(super) fold: usize,
    /// Whether the input channels are only a part of what the pixels have.
    pub(super) is_part: bool,
}

impl From<&ConvShape> for Geometry {
    fn from(shape: &ConvShape) -> Self {
        let frames = shape.shift.map_or(1, |shift| shift.frames);
        Self {
            clips: shape.batch / frames,
            source: [frames, shape.height, shape.width],
            output: [frames, shape.output_height(), shape.output_width()],
            channels_in: shape.channels_in,
            channels_out: shape.channels_out,
            kernel: [1, shape.kernel[0], shape.kernel[1]],
            stride: [1, shape.stride[0], shape.stride[1]],
            padding: [0, shape.padding[0], shape.padding[1]],
            groups: shape.groups,
            fold: shape.shift.map_or(0, |shift| shift.fold),
            is_part: false,
        }
    }
}

/// With fewer input channels than this (the stem's 3 colours) a tap is too short a run for the kernel, and its channels
/// too few for a vector.
const FEW_CHANNELS: usize = 12;

impl Geometry {
    fn group_inputs(&self, group: usize) -> Range<usize> {
        let width = self.channels_in / self.groups;
        group * width..(group + 1) * width
    }

    fn group_outputs(&self, group: usize) -> Range<usize> {
        let width = self.channels_out / self.groups;
        group * width..(group + 1) * width
    }

    fn taps(&self) -> impl Iterator<Item = [usize; 3]> {
        let [frames, height, width] = self.kernel;
        (0..frames * height * width).map(move |tap| [tap / width / height, tap / width % height, tap % width])
    }

    /// Where the weights of a tap of a group start.
    fn tap_weights(&self, [t, y, x]: [usize; 3]) -> usize {
        let tap = (t * self.kernel[1] + y) * self.kernel[2] + x;
        tap * (self.channels_in / self.groups) * self.channels_out
    }

    /// The parts of a run of input channels by the frame they are read from, relative to their own.
    fn bands(&self, channels: Range<usize>) -> impl Iterator<Item = (Range<usize>, isize)> {
        let ends = [(0..self.fold, 1), (self.fold..2 * self.fold, -1), (2 * self.fold..usize::MAX, 0)];
        ends.into_iter()
            .map(move |(band, frame)| (band.start.max(channels.start)..band.end.min(channels.end), frame))
            .filter(|(band, _)| !band.is_empty())
    }

    pub(super) fn has_few_inputs(&self) -> bool {
        let is_whole = self.groups == 1 && self.fold == 0 && !self.is_part;
        is_whole && self.channels_in < FEW_CHANNELS && self.kernel[2] > 1
    }

    /// What the forward pass of a group reads.
    fn window(&self, group: usize) -> Window {
        let inputs = self.group_inputs(group);
        let first_output = self.group_outputs(group).start;
        let taps = self.taps().flat_map(|tap| {
            let inputs = inputs.clone();
            self.bands(inputs.clone()).map(move |(channels, frame)| {
                let mut at = [0, 1, 2].map(|axis| tap[axis] as isize - self.padding[axis] as isize);
                at[0] += frame;
                let row = channels.start - inputs.start;
                Tap { at, channels, weights: self.tap_weights(tap) + row * self.channels_out + first_output }
            })
        });
        Window {
            clips: self.clips,
            source: self.source,
            pixel_stride: self.channels_in,
            grid: self.output,
            step: self.stride,
            taps: taps.collect(),
        }
    }

    /// [`Geometry::window`] over [`Geometry::widened`] input, where a line of taps is one run of floats.
    fn widened_window(&self) -> Window {
        let line = self.kernel[2] * self.channels_in;
        let taps = self.taps().filter(|tap| tap[2] == 0).map(|tap| {
            let [t, y] = [0, 1].map(|axis| tap[axis] as isize - self.padding[axis] as isize);
            Tap { at: [t, y, 0], channels: 0..line, weights: self.tap_weights(tap) }
        });
        Window {
            clips: self.clips,
            source: self.widened_source(),
            pixel_stride: self.channels_in,
            grid: self.output,
            step: self.stride,
            taps: taps.collect(),
        }
    }

    pub(super) fn widened_source(&self) -> [usize; 3] {
        let [frames, height, width] = self.source;
        [frames, height, padded(width, self.padding[2])]
    }

    pub(super) fn windows(&self) -> Vec<Window> {
        if self.has_few_inputs() {
            return vec![self.widened_window()];
        }
        (0..self.groups).map(|group| self.window(group)).collect()
    }

    fn output_placement(&self) -> Placement {
        Placement { dims: self.output, step: [1; 3], start: [0; 3], pixel_stride: self.channels_out }
    }

    pub(super) fn forward<'a>(&self, x: &'a [f32], w: &'a [f32]) -> Vec<Product<'a>> {
        let product = |(group, window)| Product {
            window,
            placement: self.output_placement(),
            source: x,
            weights: Weights { data: w, row_stride: self.channels_out, column_stride: 1 },
            columns: self.channels_out / self.groups,
            first_column: self.group_outputs(group).start,
            add: false,
        };
        self.windows().into_iter().enumerate().map(product).collect()
    }

    pub(super) fn weight_gradient<'a>(&self, x: &'a [f32], dy: &'a [f32]) -> Vec<Reduction<'a>> {
        let reduction = |(group, window)| Reduction {
            window,
            placement: self.output_placement(),
            source: x,
            gradient: dy,
            columns: self.channels_out / self.groups,
            first_column: self.group_outputs(group).start,
            row_stride: self.channels_out,
        };
        self.windows().into_iter().enumerate().map(reduction).collect()
    }

    /// What each output pixel would add to its window of the input: a row of taps and channels per pixel.
    pub(super) fn patches<'a>(&self, dy: &'a [f32], w: &'a [f32]) -> Product<'a> {
        let columns = self.kernel.iter().product::<usize>() * self.channels_in;
        let tap = Tap { at: [0; 3], channels: 0..self.channels_out, weights: 0 };
        Product {
            window: Window {
                clips: self.clips,
                source: self.output,
                pixel_stride: self.channels_out,
                grid: self.output,
                step: [1; 3],
                taps: vec![tap],
            },
            placement: Placement { pixel_stride: columns, ..self.output_placement() },
            source: dy,
            weights: Weights { data: w, row_stride: 1, column_stride: self.channels_out },
            columns,
            first_column: 0,
            add: false,
        }
    }

    /// Every input pixel collects from the output pixels that read it. Those of one phase (the position modulo the
    /// stride) are read by the same taps, so each phase is a convolution over `dy` with step 1 and some of the taps.
    pub(super) fn input_gradient<'a>(&self, dy: &'a [f32], w: &'a [f32], add: bool) -> Vec<Product<'a>> {
        let mut products = Vec::new();
        for group in 0..self.groups {
            for t in Phase::all(self, 0) {
                for y in Phase::all(self, 1) {
                    for x in Phase::all(self, 2) {
                        for (channels, frame) in self.bands(self.group_inputs(group)) {
                            products.push(self.phase_gradient(group, [&t, &y, &x], channels, frame, dy, w, add));
                        }
                    }
                }
            }
        }
        products.retain(|product| !(add && product.window.taps.is_empty()));
        products
    }

    #[allow(clippy::too_many_arguments)]
    fn phase_gradient<'a>(
        &self,
        group: usize,
        phases: [&Phase; 3],
        channels: Range<usize>,
        frame: isize,
        dy: &'a [f32],
        w: &'a [f32],
        add: bool,
    ) -> Product<'a> {
        let outputs = self.group_outputs(group);
        let row = channels.start - self.group_inputs(group).start;
        let mut taps = Vec::new();
        for (kernel_t, t) in &phases[0].taps {
            for (kernel_y, y) in &phases[1].taps {
                for (kernel_x, x) in &phases[2].taps {
                    let start = self.tap_weights([*kernel_t, *kernel_y, *kernel_x]) + row * self.channels_out;
                    let at = [t - frame, *y, *x];
                    taps.push(Tap { at, channels: outputs.clone(), weights: start + outputs.start });
                }
            }
        }
        Product {
            window: Window {
                clips: self.clips,
                source: self.output,
                pixel_stride: self.channels_out,
                grid: phases.map(|phase| phase.length),
                step: [1; 3],
                taps,
            },
            placement: Placement {
                dims: self.source,
                step: self.stride,
                start: phases.map(|phase| phase.start),
                pixel_stride: self.channels_in,
            },
            source: dy,
            weights: Weights { data: w, row_stride: 1, column_stride: self.channels_out },
            columns: channels.len(),
            first_column: channels.start,
            add,
        }
    }

    /// The input with its horizontal padding, where [`Geometry::windows`] want it so.
    pub(super) fn widened<'a>(&self, x: &'a [f32]) -> Cow<'a, [f32]> {
        if !self.has_few_inputs() || self.padding[2] == 0 {
            return Cow::Borrowed(x);
        }
        let line = self.source[2] * self.channels_in;
        let margin = self.padding[2] * self.channels_in;
        let mut wide = vec![0.0; product([self.clips, product(self.widened_source()), self.channels_in])];
        let lines = wide.par_chunks_exact_mut(line + 2 * margin).zip(x.par_chunks_exact(line)).with_min_len(16);
        lines.for_each(|(wide, line)| wide[margin..margin + line.len()].copy_from_slice(line));
        Cow::Owned(wide)
    }
}

/// The input positions `start, start + stride, ..` of one axis, and the taps that read them.
struct Phase {
    start: usize,
    /// Number of positions.
    length: usize,
    /// A tap of the kernel, and the output it belongs to relative to the position's number.
    taps: Vec<(usize, isize)>,
}

impl Phase {
    fn all(geometry: &Geometry, axis: usize) -> impl Iterator<Item = Self> {
        let [stride, kernel, padding] = [geometry.stride[axis], geometry.kernel[axis], geometry.padding[axis]];
        let side = geometry.source[axis];
        (0..stride.min(side)).map(move |start| {
            // Output `o` reads input `o * stride + tap - padding`.
            let taps = ((start + padding) % stride..kernel).step_by(stride);
            let output = |tap: usize| ((start + padding) as isize - tap as isize) / stride as isize;
            let taps = taps.map(|tap| (tap, output(tap))).collect();
            Self { start, length: (side - start).div_ceil(stride), taps }
        })
    }
}
