use super::geometry::Geometry;
use crate::engine::{self, Machine, Output};
use crate::size::{padded, product, windows};

/// Sizes of a 3-D convolution over `[clips, frames, height, width, channels]`. Axis triples are `[temporal, vertical,
/// horizontal]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Conv3dShape {
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
    /// Output channels.
    pub channels_out: usize,
    /// Kernel size, at least 1.
    pub kernel: [usize; 3],
    /// Step between neighbouring outputs, at least 1.
    pub stride: [usize; 3],
    /// Zeros added on each side.
    pub padding: [usize; 3],
}

impl Conv3dShape {
    fn input(&self) -> [usize; 3] {
        [self.frames, self.height, self.width]
    }

    /// Output frames, height and width.
    pub fn output(&self) -> [usize; 3] {
        [0, 1, 2].map(|axis| windows(self.input()[axis], self.kernel[axis], self.stride[axis], self.padding[axis]))
    }

    /// Length of the input, `clips * frames * height * width * channels_in`.
    pub fn input_len(&self) -> usize {
        product([self.clips, product(self.input()), self.channels_in])
    }

    /// Length of the weights, the kernel's sides times `channels_in * channels_out`.
    pub fn weight_len(&self) -> usize {
        product([product(self.kernel), self.channels_in, self.channels_out])
    }

    /// Length of the output.
    pub fn output_len(&self) -> usize {
        product([self.clips, product(self.output()), self.channels_out])
    }

    /// Floating-point operations of one pass (forward, input gradient or weight gradient), two per multiply-add.
    pub fn operations(&self) -> u64 {
        2 * product([self.clips, product(self.output())]) as u64 * self.weight_len() as u64
    }

    /// Checks that the sizes fit together.
    ///
    /// # Panics
    /// If kernel or stride are zero or the kernel is larger than the padded input.
    pub fn validate(&self) {
        assert!(self.kernel.iter().all(|&side| side > 0), "the kernel must be at least 1x1x1, got {:?}", self.kernel);
        assert!(self.stride.iter().all(|&step| step > 0), "the stride must be at least 1, got {:?}", self.stride);
        let fits = (0..3).all(|axis| padded(self.input()[axis], self.padding[axis]) >= self.kernel[axis]);
        assert!(fits, "a {:?} kernel does not fit {:?} with padding {:?}", self.kernel, self.input(), self.padding);
    }

    fn check(&self, input: usize, weights: usize, output: usize) {
        self.validate();
        assert_eq!(input, self.input_len(), "input floats of {self:?}");
        assert_eq!(weights, self.weight_len(), "weight floats of {self:?}");
        assert_eq!(output, self.output_len(), "output floats of {self:?}");
    }
}

impl From<&Conv3dShape> for Geometry {
    fn from(shape: &Conv3dShape) -> Self {
        Self {
            clips: shape.clips,
            source: shape.input(),
            output: shape.output(),
            channels_in: shape.channels_in,
            channels_out: shape.channels_out,
            kernel: shape.kernel,
            stride: shape.stride,
            padding: shape.padding,
            groups: 1,
            fold: 0,
            is_part: false,
        }
    }
}

/// 3-D convolution without bias: `y = conv(x, w)`, the cross-correlation.
///
/// # Shapes
/// `x` `[clips, frames, height, width, channels_in]`, `w` `[kernel_frames, kernel_height, kernel_width, channels_in,
/// channels_out]`, `y` `[clips, output_frames, output_height, output_width, channels_out]`.
///
/// # Panics
/// If a length does not fit the shape, or the shape itself does not [`Conv3dShape::validate`].
pub fn conv3d_forward(shape: &Conv3dShape, x: &[f32], w: &[f32], y: &mut [f32]) {
    shape.check(x.len(), w.len(), y.len());
    let geometry = Geometry::from(shape);
    let x = geometry.widened(x);
    engine::run(&Machine::detect(), &geometry.forward(&x, w), Output::new(y), |_| ());
}

/// Gradient with respect to the input of [`conv3d_forward`]. Overwrites `dx`.
///
/// # Panics
/// If a length does not fit the shape.
pub fn conv3d_input_gradient(shape: &Conv3dShape, dy: &[f32], w: &[f32], dx: &mut [f32]) {
    shape.check(dx.len(), w.len(), dy.len());
    let products = Geometry::from(shape).input_gradient(dy, w, false);
    engine::run(&Machine::detect(), &products, Output::new(dx), |_| ());
}

/// Gradient with respect to the weights of [`conv3d_forward`]. Overwrites `dw`.
///
/// # Panics
/// If a length does not fit the shape.
pub fn conv3d_weight_gradient(shape: &Conv3dShape, x: &[f32], dy: &[f32], dw: &mut [f32]) {
    shape.check(x.len(), dw.len(), dy.len());
    let geometry = Geometry::from(shape);
    let x = geometry.widened(x);
    engine::reduce(&Machine::detect(), &geometry.weight_gradient(&x, dy), dw);
}
