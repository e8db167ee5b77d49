use taf_kernels::Colors;

/// A value's place in [`Graph::values`].
pub type ValueId = usize;

/// One forward pass.
#[derive(Clone, Debug)]
pub struct Graph {
    /// Everything the pass read or made.
    pub values: Vec<Value>,
    /// What it did, in this order.
    pub steps: Vec<Step>,
    /// The clips, `[batch, time, 3, height, width]`.
    pub clips: ValueId,
    /// The class scores, `[batch, classes]`.
    pub logits: ValueId,
}

/// A tensor of the pass.
#[derive(Clone, Debug, PartialEq)]
pub struct Value {
    /// Its shape in this pass.
    pub shape: Vec<usize>,
    /// Where it comes from.
    pub origin: Origin,
}

/// Where a value comes from.
#[derive(Clone, Debug, PartialEq)]
pub enum Origin {
    /// They are the clips.
    Clips,
    /// The parameter or running statistic of this name.
    Parameter(String),
    /// This number everywhere.
    Filled(f32),
    /// An operation made it.
    Made,
}

/// An operation of the pass.
#[derive(Clone, Debug)]
pub struct Step {
    /// What was done.
    pub operation: Operation,
    /// To what.
    pub inputs: Vec<ValueId>,
    /// What came of it.
    pub outputs: Vec<ValueId>,
}

/// What the functions of [`ops`](crate::ops) are made of. Activations are channels last.
#[derive(Clone, Debug, PartialEq)]
pub enum Operation {
    /// Planes `[n, 3, h, w]` to normalised `[n, h, w, 3]`.
    Pixels(Colors),
    /// Of `[n, places.., in]` with weights `[kernel.., in / groups, out]`.
    Convolution {
        /// Along each axis of places.
        stride: Vec<usize>,
        /// Zeros on either side of each axis of places.
        padding: Vec<usize>,
        /// Independent parts of the channels.
        groups: usize,
    },
    /// A norm's scale, offset, running mean and variance to the scale and offset that they come to.
    NormMap {
        /// Added to the variance.
        epsilon: f32,
    },
    /// `x * scale + offset` per channel, the last axis.
    Affine,
    /// The sum of two tensors; an axis of 1 is repeated.
    Add,
    /// The difference of two tensors; an axis of 1 is repeated.
    Subtract,
    /// The product of two tensors; an axis of 1 is repeated.
    Multiply,
    /// `max(x, 0)`
    Relu,
    /// `min(x, ceiling)`
    ClampMax {
        /// The greatest value.
        ceiling: f32,
    },
    /// `1 / (1 + exp(-x))`
    Sigmoid,
    /// Over the last axis.
    Softmax,
    /// The first `fold` channels from the next frame, as many from the one before; images of whole clips.
    Shift {
        /// Frames per clip.
        frames: usize,
        /// Channels that move each way.
        fold: usize,
    },
    /// TAM's filter over time: images, kernels `[clips, c, 3]`, gates `[clips, t, c]`.
    Adaptive,
    /// The maximum over windows of `[n, h, w, c]`.
    MaxPool {
        /// Of the window.
        kernel: [usize; 2],
        /// From one window to the next.
        stride: [usize; 2],
        /// On either side; it never wins.
        padding: [usize; 2],
    },
    /// Over the middle axis: `[n, places, c]` to `[n, c]`.
    Mean,
    /// Rows `[n, in]` with weights `[out, in]` and a bias `[out]`.
    Linear,
    /// The same values in row-major order.
    Reshape,
    /// Axis `i` of the result is axis `axes[i]`.
    Permute {
        /// The order.
        axes: Vec<usize>,
    },
    /// One behind the other.
    Concatenate {
        /// Along this axis.
        axis: usize,
    },
    /// As many as the result has, from here on.
    Slice {
        /// Along this axis.
        axis: usize,
        /// The first that is taken.
        start: usize,
    },
}

impl Operation {
    /// As errors call it.
    pub fn name(&self) -> String {
        let text = format!("{self:?}");
        text.split([' ', '(']).next().unwrap_or_default().to_lowercase()
    }
}

impl Graph {
    /// Which values the logits depend on, by their place.
    pub fn needed(&self) -> Vec<bool> {
        let mut needed = vec![false; self.values.len()];
        needed[self.logits] = true;
        for step in self.steps.iter().rev() {
            if step.outputs.iter().any(|&output| needed[output]) {
                step.inputs.iter().for_each(|&input| needed[input] = true);
            }
        }
        needed
    }
}
