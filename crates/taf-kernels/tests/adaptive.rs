//! The adaptive convolution over time against its definition and the slopes of it.

mod naive;

use naive::{SUM_TOLERANCE, assert_close, differences, dot, random, spoiled, wide, with_threads};
use taf_kernels::{
    AdaptiveShape, AdaptiveWeightGradients, AdaptiveWeights, temporal_adaptive_backward, temporal_adaptive_forward,
};

/// Central differences in f64 are better than this; the kernel's f32 sums decide.
const GRADIENT_TOLERANCE: f64 = 1e-5;

fn shape([clips, frames, pixels, channels]: [usize; 4]) -> AdaptiveShape {
    AdaptiveShape { clips, frames, pixels, channels }
}

struct Operands {
    x: Vec<f32>,
    kernels: Vec<f32>,
    gates: Vec<f32>,
    dy: Vec<f32>,
}

impl Operands {
    fn of(shape: &AdaptiveShape) -> Self {
        let [kernels, gates] = [random(shape.kernels_len(), 2), random(shape.gates_len(), 3)];
        Self { x: random(shape.len(), 1), kernels, gates, dy: random(shape.len(), 4) }
    }

    fn weights(&self) -> AdaptiveWeights<'_> {
        AdaptiveWeights { kernels: &self.kernels, gates: &self.gates }
    }

    fn forward(&self, shape: &AdaptiveShape) -> Vec<f32> {
        let mut y = spoiled(shape.len());
        temporal_adaptive_forward(shape, &self.x, &self.weights(), &mut y);
        y
    }

    /// Gradients of the input, the kernels and the gates.
    fn backward(&self, shape: &AdaptiveShape) -> [Vec<f32>; 3] {
        let [mut dx, mut dkernels, mut dgates] = [shape.len(), shape.kernels_len(), shape.gates_len()].map(spoiled);
        let gradients = AdaptiveWeightGradients { kernels: &mut dkernels, gates: &mut dgates };
        temporal_adaptive_backward(shape, &self.x, &self.weights(), &self.dy, &mut dx, gradients);
        [dx, dkernels, dgates]
    }
}

#[test]
fn the_forward_pass_agrees_with_its_twin() {
    for shape in [[1, 1, 1, 1], [2, 3, 5, 7], [1, 8, 49, 64], [3, 2, 300, 20]].map(shape) {
        let operands = Operands::of(&shape);
        let [x, kernels, gates] = [&operands.x, &operands.kernels, &operands.gates].map(|values| wide(values));
        let expected = naive::adaptive::forward(&shape, &x, &kernels, &gates);
        assert_close(&format!("{shape:?}"), &operands.forward(&shape), &expected, SUM_TOLERANCE);
    }
}

#[test]
fn the_gradients_are_the_slopes_of_the_twin() {
    for shape in [[1, 1, 3, 2], [2, 3, 4, 5], [1, 2, 9, 17], [2, 5, 2, 3]].map(shape) {
        let operands = Operands::of(&shape);
        let [x, kernels, gates] = [&operands.x, &operands.kernels, &operands.gates].map(|values| wide(values));
        let loss = |x: &[f64], kernels: &[f64], gates: &[f64]| {
            dot(&naive::adaptive::forward(&shape, x, kernels, gates), &wide(&operands.dy))
        };
        let [dx, dkernels, dgates] = operands.backward(&shape);
        let check = |name: &str, got: &[f32], expected: &[f64]| {
            assert_close(&format!("{name} {shape:?}"), got, expected, GRADIENT_TOLERANCE);
        };
        check("dx", &dx, &differences(&x, |x| loss(x, &kernels, &gates)));
        check("dkernels", &dkernels, &differences(&kernels, |kernels| loss(&x, kernels, &gates)));
        check("dgates", &dgates, &differences(&gates, |gates| loss(&x, &kernels, gates)));
    }
}

#[test]
fn any_number_of_threads_gives_the_same_bits() {
    let shape = shape([2, 4, 2000, 40]);
    let operands = Operands::of(&shape);
    let all = || (operands.forward(&shape), operands.backward(&shape));
    let one = with_threads(1, all);
    assert!(one == with_threads(3, all));
}

#[test]
#[should_panic(expected = "kernel and gate floats")]
fn kernels_of_another_size_are_refused() {
    let shape = shape([1, 2, 3, 4]);
    let weights = AdaptiveWeights { kernels: &[0.0; 11], gates: &[0.0; 8] };
    temporal_adaptive_forward(&shape, &[0.0; 24], &weights, &mut [0.0; 24]);
}
