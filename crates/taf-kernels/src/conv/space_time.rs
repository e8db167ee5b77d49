//! The convolution of GST (Luo and Yuille: "Grouped Spatial-Temporal Aggregation for Efficient Action Recognition", ICCV
//! 2019): one over space and one over space and time read the same pixels, and their outputs lie side by side.

use super::geometry::Geometry;
use super::statistics::run_with_statistics;
use super::{Conv3dShape, Epilogue};
use crate::BatchStatistics;
use crate::engine::{self, Machine, Output, Product, Reduction, Tap, Window};
use crate::size::product;

/// Sizes of the two convolutions over `[clips, frames, height, width, channels]`: kernels 1x3x3 and 3x3x3, one pixel of
/// padding wherever they reach over, time never strided.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct SpaceTimeShape {
    /// Number of clips.
    pub clips: usize,
    /// Frames of a clip.
    pub frames: usize,
    /// Input height in pixels.
    pub height: usize,
    /// Input width in pixels.
    pub width: usize,
    /// Input channels.
    pub channels_in: usize,
    /// Output channels of the convolution over space, and of the one over space and time, which come behind them.
    pub channels_out: [usize; 2],
    /// Whether both read all channels; else the first half is for space, the other one for space and time.
    pub shared: bool,
    /// Pixels from one window to the next.
    pub stride: usize,
}

/// Some channels, from the first on, of pixels that have `of` channels.
#[derive(Clone, Copy)]
struct Channels {
    first: usize,
    of: usize,
}

/// One of the two convolutions, and where its channels lie.
struct Part {
    geometry: Geometry,
    inputs: Channels,
    outputs: Channels,
}

impl SpaceTimeShape {
    /// The two convolutions for themselves, on tensors of their own channels.
    pub fn parts(&self) -> [Conv3dShape; 2] {
        [0, 1].map(|part| Conv3dShape {
            clips: self.clips,
            frames: self.frames,
            height: self.height,
            width: self.width,
            channels_in: self.inputs(),
            channels_out: self.channels_out[part],
            kernel: [1 + 2 * part, 3, 3],
            stride: [1, self.stride, self.stride],
            padding: [part, 1, 1],
        })
    }

    /// The first input channel of each part.
    pub fn first_inputs(&self) -> [usize; 2] {
        [0, if self.shared { 0 } else { self.channels_in / 2 }]
    }

    /// Input channels of either part.
    pub fn inputs(&self) -> usize {
        if self.shared { self.channels_in } else { self.channels_in / 2 }
    }

    /// Output channels of both.
    pub fn outputs(&self) -> usize {
        let [space, time] = self.channels_out;
        space.checked_add(time).expect("output channels that can be counted")
    }

    /// Output frames, height and width.
    pub fn output(&self) -> [usize; 3] {
        self.parts()[0].output()
    }

    /// Length of the input.
    pub fn input_len(&self) -> usize {
        product([self.clips, self.frames, self.height, self.width, self.channels_in])
    }

    /// Length of the output.
    pub fn output_len(&self) -> usize {
        product([self.clips, product(self.output()), self.outputs()])
    }

    /// Floating-point operations of one pass, two per multiply-add.
    pub fn operations(&self) -> u64 {
        self.parts().iter().map(Conv3dShape::operations).sum()
    }

    /// Checks that the sizes fit together.
    ///
    /// # Panics
    /// If the channels cannot be halved, a part has no output, or the parts do not [`Conv3dShape::validate`].
    pub fn validate(&self) {
        assert!(self.shared || self.channels_in.is_multiple_of(2), "half of {} channels", self.channels_in);
        assert!(self.channels_out.iter().all(|&outputs| outputs > 0), "outputs of both parts of {self:?}");
        self.parts().iter().for_each(Conv3dShape::validate);
    }

    fn check(&self, input: usize, weights: [usize; 2], output: usize) {
        self.validate();
        assert_eq!(input, self.input_len(), "input floats of {self:?}");
        assert_eq!(weights, self.parts().map(|part| part.weight_len()), "weight floats of {self:?}");
        assert_eq!(output, self.output_len(), "output floats of {self:?}");
    }

    fn places(&self) -> [Part; 2] {
        let shapes = self.parts();
        let first_outputs = [0, self.channels_out[0]];
        [0, 1].map(|part| Part {
            geometry: Geometry { is_part: true, ..Geometry::from(&shapes[part]) },
            inputs: Channels { first: self.first_inputs()[part], of: self.channels_in },
            outputs: Channels { first: first_outputs[part], of: self.outputs() },
        })
    }

    fn forward<'a>(&self, x: &'a [f32], weights: [&'a [f32]; 2]) -> Vec<Product<'a>> {
        let parts = self.places().into_iter().zip(weights);
        parts
            .flat_map(|(part, weights)| part.moved(part.geometry.forward(x, weights), part.inputs, part.outputs))
            .collect()
    }
}

impl Part {
    fn input_gradient<'a>(&self, dy: &'a [f32], weights: &'a [f32], add: bool) -> Vec<Product<'a>> {
        self.moved(self.geometry.input_gradient(dy, weights, add), self.outputs, self.inputs)
    }

    /// The same products on tensors with more channels.
    fn moved<'a>(&self, mut products: Vec<Product<'a>>, from: Channels, to: Channels) -> Vec<Product<'a>> {
        for product in &mut products {
            from.read(&mut product.window);
            product.placement.pixel_stride = to.of;
            product.first_column += to.first;
        }
        products
    }

    fn weight_gradient<'a>(&self, x: &'a [f32], dy: &'a [f32]) -> Vec<Reduction<'a>> {
        let mut reductions = self.geometry.weight_gradient(x, dy);
        for reduction in &mut reductions {
            self.inputs.read(&mut reduction.window);
            reduction.placement.pixel_stride = self.outputs.of;
            reduction.first_column += self.outputs.first;
        }
        reductions
    }
}

impl Channels {
    fn read(self, window: &mut Window) {
        window.pixel_stride = self.of;
        for Tap { channels, .. } in &mut window.taps {
            *channels = channels.start + self.first..channels.end + self.first;
        }
    }
}

/// `y = (conv(x, weights[0]), conv(x, weights[1]))`, the channels of the second behind those of the first.
///
/// # Shapes
/// `x` `[clips, frames, height, width, channels_in]`, `weights` `[3, 3, inputs, channels_out[0]]` and `[3, 3, 3, inputs,
/// channels_out[1]]`, `y` `[clips, frames, output_height, output_width, outputs]`.
///
/// # Panics
/// If a length does not fit the shape, or the shape itself does not [`SpaceTimeShape::validate`].
pub fn space_time_forward(shape: &SpaceTimeShape, x: &[f32], weights: [&[f32]; 2], y: &mut [f32]) {
    space_time_forward_with(shape, x, weights, &Epilogue::default(), y);
}

/// [`space_time_forward`] with scale, bias, residual sum and ReLU applied to each tile while it is hot.
///
/// # Panics
/// As [`space_time_forward`]; and if a part of the epilogue has the wrong length.
pub fn space_time_forward_with(
    shape: &SpaceTimeShape,
    x: &[f32],
    weights: [&[f32]; 2],
    epilogue: &Epilogue,
    y: &mut [f32],
) {
    shape.check(x.len(), weights.map(<[f32]>::len), y.len());
    epilogue.check(shape.outputs(), y.len());
    engine::run(&Machine::detect(), &shape.forward(x, weights), Output::new(y), |done| epilogue.finish(done));
}

/// [`space_time_forward`], and the statistics of `y` for the batch norm that follows, taken from each tile while it is hot.
///
/// # Panics
/// As [`space_time_forward`]; and if `y` is empty.
pub fn space_time_forward_statistics(
    shape: &SpaceTimeShape,
    x: &[f32],
    weights: [&[f32]; 2],
    epsilon: f32,
    y: &mut [f32],
) -> BatchStatistics {
    shape.check(x.len(), weights.map(<[f32]>::len), y.len());
    run_with_statistics(&shape.forward(x, weights), epsilon, y)
}

/// Gradient with respect to the input of [`space_time_forward`]. Overwrites `dx`.
///
/// # Panics
/// If a length does not fit the shape.
pub fn space_time_input_gradient(shape: &SpaceTimeShape, dy: &[f32], weights: [&[f32]; 2], dx: &mut [f32]) {
    shape.check(dx.len(), weights.map(<[f32]>::len), dy.len());
    let machine = Machine::detect();
    let [space, time] = shape.places();
    let mut products = space.input_gradient(dy, weights[0], false);
    if shape.shared {
        // Both write all channels, so the second adds to what the first has written.
        engine::run(&machine, &products, Output::new(dx), |_| ());
        products = time.input_gradient(dy, weights[1], true);
    } else {
        products.extend(time.input_gradient(dy, weights[1], false));
    }
    engine::run(&machine, &products, Output::new(dx), |_| ());
}

/// Gradients with respect to the weights of [`space_time_forward`]. Overwrites `dweights`.
///
/// # Panics
/// If a length does not fit the shape.
pub fn space_time_weight_gradients(shape: &SpaceTimeShape, x: &[f32], dy: &[f32], dweights: [&mut [f32]; 2]) {
    shape.check(x.len(), dweights.each_ref().map(|dw| dw.len()), dy.len());
    let machine = Machine::detect();
    for (part, dw) in shape.places().into_iter().zip(dweights) {
        engine::reduce(&machine, &part.weight_gradient(x, dy), dw);
    }
}
