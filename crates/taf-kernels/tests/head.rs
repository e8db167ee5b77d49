//! What follows the last feature map: linear layer, optimiser step, and the plain element-wise kernels.

mod naive;

use naive::{SUM_TOLERANCE, assert_close, random, spoiled, wide};
use taf_kernels::{LinearShape, SgdStep, add_assign, clamp_max_backward_in_place, clamp_max_in_place, linear_forward};

fn product(a: &[f32], b: &[f32], [rows, inner, columns]: [usize; 3]) -> Vec<f64> {
    let cell = |at: usize| {
        let terms =
            (0..inner).map(|k| f64::from(a[at / columns * inner + k]) * f64::from(b[k * columns + at % columns]));
        terms.sum()
    };
    (0..rows * columns).map(cell).collect()
}

#[test]
fn a_linear_layer_is_a_matrix_product() {
    for [rows, inputs, outputs] in [[1, 1, 1], [8, 2048, 174], [3, 17, 5], [64, 40, 48]] {
        let shape = LinearShape { rows, inputs, outputs };
        let [x, w] = [random(rows * inputs, 1), random(inputs * outputs, 2)];
        let bias = random(outputs, 3);
        let mut y = spoiled(rows * outputs);
        linear_forward(&shape, &x, &w, Some(&bias), &mut y);
        let mut expected = product(&x, &w, [rows, inputs, outputs]);
        expected.iter_mut().enumerate().for_each(|(at, sum)| *sum += f64::from(bias[at % outputs]));
        assert_close("y", &y, &expected, SUM_TOLERANCE);
    }
}

/// clip_grad_norm_'s factor, then torch.optim.SGD's documentation, line by line, in f64.
fn twin_step(step: &SgdStep, weights: &mut [f64], gradient: &[f32], velocity: &mut [f64]) {
    for place in 0..weights.len() {
        let mut g = f64::from(step.gradient_scale) * f64::from(gradient[place]);
        g += f64::from(step.weight_decay) * weights[place];
        velocity[place] = f64::from(step.momentum) * velocity[place] + g;
        g = if step.nesterov { g + f64::from(step.momentum) * velocity[place] } else { velocity[place] };
        weights[place] -= f64::from(step.learning_rate) * g;
    }
}

#[test]
fn steps_of_descent_follow_the_formula() {
    for (momentum, nesterov, gradient_scale) in [(0.0, false, 1.0), (0.9, false, 0.25), (0.9, true, 1.0)] {
        let step = SgdStep { learning_rate: 0.1, momentum, weight_decay: 0.01, nesterov, gradient_scale };
        let mut weights = random(40_000, 1);
        let mut velocity = vec![0.0; weights.len()];
        let [mut twin_weights, mut twin_velocity] = [wide(&weights), wide(&velocity)];
        for round in 0..3 {
            let gradient = random(weights.len(), 2 + round);
            step.apply(&mut weights, &gradient, &mut velocity);
            twin_step(&step, &mut twin_weights, &gradient, &mut twin_velocity);
        }
        assert_close("weights", &weights, &twin_weights, 1e-6);
        assert_close("velocity", &velocity, &twin_velocity, 1e-6);
    }
}

#[test]
fn a_ceiling_stops_the_gradient_of_what_reaches_it() {
    let mut y = [-1.0, 6.0, 7.0, f32::NAN];
    clamp_max_in_place(6.0, &mut y);
    assert_eq!(y[..3], [-1.0, 6.0, 6.0]);
    assert!(y[3].is_nan());
    let mut dy = [5.0; 4];
    clamp_max_backward_in_place(6.0, &y, &mut dy);
    assert_eq!(dy, [5.0, 0.0, 0.0, 5.0]);
}

#[test]
fn long_vectors_are_handled_to_the_last_element() {
    let [x, mut y] = [random(100_003, 1), vec![1.0; 100_003]];
    add_assign(&mut y, &x);
    assert!(y.iter().zip(&x).all(|(y, x)| *y == 1.0 + x));
    let mut clamped = x.clone();
    clamp_max_in_place(0.0, &mut clamped);
    assert!(clamped.iter().zip(&x).all(|(y, x)| *y == x.min(0.0)));
}
