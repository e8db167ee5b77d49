//! What follows the last feature map: linear layer, loss, optimiser step, and the plain element-wise kernels.

mod naive;

use naive::{SUM_TOLERANCE, assert_close, differences, random, spoiled, wide, with_threads};
use taf_kernels::{
    LinearShape, SgdStep, add_assign, bias_gradient, linear_forward, linear_input_gradient, linear_weight_gradient,
    relu_backward, relu_forward, softmax_cross_entropy,
};

fn product(a: &[f32], b: &[f32], [rows, inner, columns]: [usize; 3]) -> Vec<f64> {
    let cell = |at: usize| {
        let terms =
            (0..inner).map(|k| f64::from(a[at / columns * inner + k]) * f64::from(b[k * columns + at % columns]));
        terms.sum()
    };
    (0..rows * columns).map(cell).collect()
}

fn transposed(a: &[f32], columns: usize) -> Vec<f32> {
    (0..a.len()).map(|at| a[at % (a.len() / columns) * columns + at / (a.len() / columns)]).collect()
}

#[test]
fn a_linear_layer_is_a_matrix_product() {
    for [rows, inputs, outputs] in [[1, 1, 1], [8, 2048, 174], [3, 17, 5], [64, 40, 48]] {
        let shape = LinearShape { rows, inputs, outputs };
        let [x, w] = [random(rows * inputs, 1), random(inputs * outputs, 2)];
        let [dy, bias] = [random(rows * outputs, 3), random(outputs, 4)];
        let [mut y, mut dx, mut dw, mut dbias] = [dy.len(), x.len(), w.len(), outputs].map(spoiled);
        linear_forward(&shape, &x, &w, Some(&bias), &mut y);
        linear_input_gradient(&shape, &dy, &w, &mut dx);
        linear_weight_gradient(&shape, &x, &dy, &mut dw);
        bias_gradient(&dy, &mut dbias);
        let mut expected = product(&x, &w, [rows, inputs, outputs]);
        expected.iter_mut().enumerate().for_each(|(at, sum)| *sum += f64::from(bias[at % outputs]));
        assert_close("y", &y, &expected, SUM_TOLERANCE);
        assert_close("dx", &dx, &product(&dy, &transposed(&w, outputs), [rows, outputs, inputs]), SUM_TOLERANCE);
        assert_close("dw", &dw, &product(&transposed(&x, inputs), &dy, [inputs, rows, outputs]), SUM_TOLERANCE);
        assert_close("dbias", &dbias, &product(&vec![1.0; rows], &dy, [1, rows, outputs]), SUM_TOLERANCE);
    }
}

/// The definition: cross-entropy between the smoothed target and the softmax, averaged.
fn twin_loss(logits: &[f64], labels: &[usize], classes: usize, smoothing: f64) -> f64 {
    let row_loss = |(row, &label): (&[f64], &usize)| -> f64 {
        let log_sum = row.iter().map(|logit| logit.exp()).sum::<f64>().ln();
        let target = |class| smoothing / classes as f64 + if class == label { 1.0 - smoothing } else { 0.0 };
        row.iter().enumerate().map(|(class, logit)| target(class) * (log_sum - logit)).sum()
    };
    logits.chunks(classes).zip(labels).map(row_loss).sum::<f64>() / labels.len() as f64
}

#[test]
fn the_loss_and_its_gradient_agree_with_the_definition() {
    for (labels, classes) in [(vec![0], 1), (vec![3, 0, 3], 5), ((0..20).collect(), 20)] {
        for smoothing in [0.0, 0.1, 1.0] {
            let logits = random(labels.len() * classes, 1);
            let mut gradient = spoiled(logits.len());
            let loss = softmax_cross_entropy(&logits, &labels, classes, smoothing, Some(&mut gradient));
            let twin = |logits: &[f64]| twin_loss(logits, &labels, classes, f64::from(smoothing));
            assert_close("loss", &[loss], &[twin(&wide(&logits))], 1e-6);
            assert_close("gradient", &gradient, &differences(&wide(&logits), twin), 1e-5);
        }
    }
}

#[test]
fn huge_logits_do_not_overflow() {
    let mut gradient = spoiled(2);
    let loss = softmax_cross_entropy(&[1e30, -1e30], &[0], 2, 0.0, Some(&mut gradient));
    assert_eq!((loss, gradient), (0.0, vec![0.0, 0.0]));
}

#[test]
#[should_panic(expected = "labels must lie below 2, got 2")]
fn a_label_outside_the_classes_is_refused() {
    softmax_cross_entropy(&[0.0; 2], &[2], 2, 0.0, None);
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
fn the_relu_stops_what_it_zeroed() {
    let [mut y, mut dx] = [spoiled(4), spoiled(4)];
    relu_forward(&[-1.0, 0.0, 2.0, f32::NAN], &mut y);
    assert_eq!(y[..3], [0.0, 0.0, 2.0]);
    assert!(y[3].is_nan());
    relu_backward(&y, &[5.0; 4], &mut dx);
    assert_eq!(dx[..3], [0.0, 0.0, 5.0]);
}

#[test]
fn long_vectors_are_handled_to_the_last_element() {
    let [x, mut y] = [random(100_003, 1), vec![1.0; 100_003]];
    add_assign(&mut y, &x);
    assert!(y.iter().zip(&x).all(|(y, x)| *y == 1.0 + x));
    let mut clipped = spoiled(x.len());
    relu_forward(&x, &mut clipped);
    assert!(clipped.iter().zip(&x).all(|(y, x)| *y == x.max(0.0)));
}

#[test]
fn the_number_of_threads_does_not_change_a_bit() {
    let dy = random(3000 * 170, 1);
    let sum = || {
        let mut dbias = spoiled(170);
        bias_gradient(&dy, &mut dbias);
        let labels = vec![5; 3000];
        (dbias, softmax_cross_entropy(&dy, &labels, 170, 0.1, None))
    };
    assert_eq!(with_threads(1, sum), with_threads(3, sum));
}
