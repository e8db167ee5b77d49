//! What follows the last feature map: linear layer, optimiser step, and the plain element-wise kernels.

mod naive;

use naive::{SUM_TOLERANCE, assert_close, random, spoiled, wide};
use taf_kernels::{
    AdamwStep, LinearShape, SgdStep, add_assign, clamp_max_backward_in_place, clamp_max_in_place, lerp_assign,
    linear_forward,
};

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

/// The formulas of torch.optim.AdamW's documentation, in f64 and in their order; returns the weights.
fn adamw_twin(step: &AdamwStep, mut weights: Vec<f64>, gradients: &[Vec<f32>]) -> Vec<f64> {
    let (rate, [beta1, beta2]) = (f64::from(step.learning_rate), step.betas);
    let (mut mean, mut square) = (vec![0.0; weights.len()], vec![0.0; weights.len()]);
    for (round, gradient) in gradients.iter().enumerate() {
        let power = round as i32 + 1;
        for place in 0..weights.len() {
            let g = f64::from(step.gradient_scale) * f64::from(gradient[place]);
            weights[place] -= rate * f64::from(step.weight_decay) * weights[place];
            mean[place] = beta1 * mean[place] + (1.0 - beta1) * g;
            square[place] = beta2 * square[place] + (1.0 - beta2) * g * g;
            let mean_hat: f64 = mean[place] / (1.0 - beta1.powi(power));
            let square_hat: f64 = square[place] / (1.0 - beta2.powi(power));
            weights[place] -= rate * mean_hat / (square_hat.sqrt() + f64::from(step.epsilon));
        }
    }
    weights
}

#[test]
fn steps_of_adam_follow_the_formula() {
    for (betas, epsilon, gradient_scale) in [([0.9, 0.999], 1e-8, 1.0), ([0.5, 0.75], 1e-3, 0.25)] {
        let of_number =
            |number| AdamwStep { learning_rate: 0.1, betas, epsilon, weight_decay: 0.01, gradient_scale, number };
        let mut weights = random(40_000, 1);
        let gradients: Vec<_> = (0..3).map(|round| random(weights.len(), 2 + round)).collect();
        let expected = adamw_twin(&of_number(1), wide(&weights), &gradients);
        let [mut mean, mut square] = [(); 2].map(|()| vec![0.0; weights.len()]);
        for (number, gradient) in (1..).zip(&gradients) {
            of_number(number).apply(&mut weights, gradient, &mut mean, &mut square);
        }
        assert_close("weights", &weights, &expected, 1e-5);
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
    let mut between = vec![1.0; x.len()];
    lerp_assign(&mut between, &x, 0.25);
    assert!(between.iter().zip(&x).all(|(y, x)| *y == 1.0 + 0.25 * (x - 1.0)));
    let mut clamped = x.clone();
    clamp_max_in_place(0.0, &mut clamped);
    assert!(clamped.iter().zip(&x).all(|(y, x)| *y == x.min(0.0)));
}
