//! Batch norm, and the scale and shift it becomes with fixed statistics.

mod naive;

use naive::{assert_close, differences, dot, random, spoiled, wide, with_threads};
use taf_kernels::{
    BatchNormInput, BatchNormSaved, BatchStatistics, SavedRelu, batch_norm_backward_in_place, batch_norm_forward_with,
    batch_norm_residual_backward_in_place, scale_shift, scale_shift_input_gradient,
};

const EPSILON: f32 = 1e-5;
/// Normalising multiplies the rounding of the input by a few.
const TOLERANCE: f64 = 5e-6;
/// f32 sums of values up to 1, per block.
const STATISTICS_TOLERANCE: f64 = 1e-6;
/// Central differences in f64 are better than this; the kernel's f32 sums decide.
const GRADIENT_TOLERANCE: f64 = 2e-5;

struct Case {
    x: Vec<f32>,
    gamma: Vec<f32>,
    beta: Vec<f32>,
    residual: Option<Vec<f32>>,
    relu: bool,
}

impl Case {
    fn new(rows: usize, channels: usize, residual: bool, relu: bool) -> Self {
        let len = rows * channels;
        Self {
            x: random(len, 1),
            gamma: random(channels, 2),
            beta: random(channels, 3),
            residual: residual.then(|| random(len, 4)),
            relu,
        }
    }

    /// Every fusion, with few rows, few channels, and more than one task of each.
    fn all(sizes: &[[usize; 2]]) -> Vec<Self> {
        let fusions = [(false, false), (false, true), (true, false), (true, true)];
        let of_size = |&[rows, channels]: &[usize; 2]| fusions.map(|(r, relu)| Self::new(rows, channels, r, relu));
        sizes.iter().flat_map(of_size).collect()
    }

    fn name(&self) -> String {
        let rows = self.x.len() / self.gamma.len();
        format!("{rows}x{} residual {} relu {}", self.gamma.len(), self.residual.is_some(), self.relu)
    }

    fn run(&self) -> (Vec<f32>, BatchStatistics) {
        let mut y = spoiled(self.x.len());
        let input = BatchNormInput {
            x: &self.x,
            gamma: &self.gamma,
            beta: &self.beta,
            residual: self.residual.as_deref(),
            relu: self.relu,
            epsilon: EPSILON,
        };
        let statistics = BatchStatistics::of(&self.x, self.gamma.len(), EPSILON);
        batch_norm_forward_with(&input, &statistics, &mut y);
        (y, statistics)
    }

    fn twin(&self, x: &[f64], gamma: &[f64], beta: &[f64], residual: Option<&[f64]>) -> naive::batch_norm::Forward {
        naive::batch_norm::forward(x, gamma, beta, residual, self.relu, f64::from(EPSILON))
    }
}

#[derive(PartialEq)]
struct Gradients {
    x: Vec<f32>,
    gamma: Vec<f32>,
    beta: Vec<f32>,
    residual: Option<Vec<f32>>,
}

/// How a backward pass learns what the ReLU zeroed.
#[derive(Clone, Copy, Debug)]
enum Way {
    ByOutput,
    ByBeta,
}

impl Way {
    /// The ways that suit a case: a residual needs the output.
    fn of(case: &Case) -> &'static [Self] {
        if case.residual.is_some() { &[Self::ByOutput] } else { &[Self::ByOutput, Self::ByBeta] }
    }

    fn relu<'a>(self, case: &'a Case, y: &'a [f32]) -> SavedRelu<'a> {
        match self {
            _ if !case.relu => SavedRelu::None,
            Self::ByOutput => SavedRelu::Output(y),
            Self::ByBeta => SavedRelu::Beta(&case.beta),
        }
    }
}

fn backward(case: &Case, dy: &[f32], way: Way) -> Gradients {
    let (y, statistics) = case.run();
    let saved = BatchNormSaved {
        x: &case.x,
        mean: &statistics.mean,
        inv_std: &statistics.inv_std,
        gamma: &case.gamma,
        relu: way.relu(case, &y),
    };
    let channels = case.gamma.len();
    let [mut x, mut gamma, mut beta] = [spoiled(case.x.len()), spoiled(channels), spoiled(channels)];
    let mut residual = case.residual.as_ref().map(|residual| spoiled(residual.len()));
    match &mut residual {
        Some(residual) => {
            residual.copy_from_slice(dy);
            batch_norm_residual_backward_in_place(&saved, residual, &mut x, &mut gamma, &mut beta);
        }
        None => {
            x.copy_from_slice(dy);
            batch_norm_backward_in_place(&saved, &mut x, &mut gamma, &mut beta);
        }
    }
    Gradients { x, gamma, beta, residual }
}

#[test]
fn the_forward_pass_agrees_with_its_twin() {
    for case in Case::all(&[[1, 1], [2, 3], [77, 5], [10, 300], [1000, 64], [3000, 70], [64, 2048]]) {
        let residual = case.residual.as_deref().map(wide);
        let twin = case.twin(&wide(&case.x), &wide(&case.gamma), &wide(&case.beta), residual.as_deref());
        let (y, statistics) = case.run();
        assert_close(&case.name(), &y, &twin.y, TOLERANCE);
        assert_close(&case.name(), &statistics.mean, &twin.mean, STATISTICS_TOLERANCE);
        assert_close(&case.name(), &statistics.variance, &twin.variance, STATISTICS_TOLERANCE);
    }
}

#[test]
fn a_large_mean_does_not_eat_the_variance() {
    let channels = 24;
    let x: Vec<f32> = random(5000 * channels, 1).iter().map(|value| 1000.0 + value).collect();
    let twin = naive::batch_norm::forward(&wide(&x), &vec![1.0; channels], &vec![0.0; channels], None, false, 0.0);
    let statistics = BatchStatistics::of(&x, channels, EPSILON);
    assert_close("mean", &statistics.mean, &twin.mean, STATISTICS_TOLERANCE);
    assert_close("variance", &statistics.variance, &twin.variance, STATISTICS_TOLERANCE);
}

#[test]
fn the_gradients_are_the_slopes_of_the_twin() {
    for case in Case::all(&[[4, 3], [21, 2], [3, 9]]) {
        let dy = random(case.x.len(), 5);
        let [x, gamma, beta, slope] = [&case.x, &case.gamma, &case.beta, &dy].map(|values| wide(values));
        let residual = case.residual.as_deref().map(wide);
        let loss = |x: &[f64], gamma: &[f64], beta: &[f64], residual: Option<&[f64]>| {
            dot(&case.twin(x, gamma, beta, residual).y, &slope)
        };
        let got = backward(&case, &dy, Way::ByOutput);
        let r = residual.as_deref();
        let check = |name: &str, got: &[f32], expected: &[f64]| {
            assert_close(&format!("{name} {}", case.name()), got, expected, GRADIENT_TOLERANCE);
        };
        check("dx", &got.x, &differences(&x, |x| loss(x, &gamma, &beta, r)));
        check("dgamma", &got.gamma, &differences(&gamma, |gamma| loss(&x, gamma, &beta, r)));
        check("dbeta", &got.beta, &differences(&beta, |beta| loss(&x, &gamma, beta, r)));
        if let (Some(got), Some(residual)) = (&got.residual, r) {
            check("dresidual", got, &differences(residual, |residual| loss(&x, &gamma, &beta, Some(residual))));
        }
    }
}

/// The textbook formula, in f64, for sizes where differences would take too long.
fn twin_gradient(case: &Case, dy: &[f32]) -> Vec<f64> {
    let channels = case.gamma.len();
    let rows = (case.x.len() / channels) as f64;
    let residual = case.residual.as_deref().map(wide);
    let twin = case.twin(&wide(&case.x), &wide(&case.gamma), &wide(&case.beta), residual.as_deref());
    let stopped = |place: usize| case.relu && twin.y[place] <= 0.0;
    let g: Vec<f64> = (0..dy.len()).map(|at| if stopped(at) { 0.0 } else { f64::from(dy[at]) }).collect();
    let inv_std: Vec<f64> = twin.variance.iter().map(|variance| 1.0 / (variance + f64::from(EPSILON)).sqrt()).collect();
    let normal = |at: usize| (f64::from(case.x[at]) - twin.mean[at % channels]) * inv_std[at % channels];
    let [mut plain, mut normalised] = [vec![0.0; channels], vec![0.0; channels]];
    for (at, g) in g.iter().enumerate() {
        plain[at % channels] += g / rows;
        normalised[at % channels] += g * normal(at) / rows;
    }
    let slope = |at: usize| g[at] - plain[at % channels] - normal(at) * normalised[at % channels];
    (0..g.len()).map(|at| f64::from(case.gamma[at % channels]) * inv_std[at % channels] * slope(at)).collect()
}

#[test]
fn the_gradients_hold_over_many_tasks() {
    for case in Case::all(&[[3000, 70], [64, 2048], [40_000, 3]]) {
        let dy = random(case.x.len(), 5);
        assert_close(
            &case.name(),
            &backward(&case, &dy, Way::ByOutput).x,
            &twin_gradient(&case, &dy),
            GRADIENT_TOLERANCE,
        );
    }
}

#[test]
fn every_way_back_gives_the_same_bits() {
    for case in Case::all(&[[1, 1], [21, 2], [77, 5], [10, 300], [3000, 70], [64, 2048]]) {
        let dy = random(case.x.len(), 5);
        let first = backward(&case, &dy, Way::ByOutput);
        for &way in Way::of(&case) {
            assert!(backward(&case, &dy, way) == first, "{} {way:?}", case.name());
        }
    }
}

#[test]
fn a_first_row_far_from_the_others_does_not_eat_the_variance() {
    let channels = 3;
    let mut x = random(20_000 * channels, 1);
    x[..channels].fill(1e4);
    let twin = naive::batch_norm::forward(&wide(&x), &vec![1.0; channels], &vec![0.0; channels], None, false, 0.0);
    let statistics = BatchStatistics::of(&x, channels, EPSILON);
    assert_close("variance", &statistics.variance, &twin.variance, GRADIENT_TOLERANCE);
}

#[test]
fn the_number_of_threads_does_not_change_a_bit() {
    let case = Case::new(6000, 48, true, true);
    let dy = random(case.x.len(), 5);
    let all = || (case.run(), backward(&case, &dy, Way::ByOutput));
    let one = with_threads(1, all);
    for threads in [1, 2, 3, 7] {
        assert!(one == with_threads(threads, all), "{threads} threads");
    }
}

#[test]
fn scale_and_shift_agree_with_their_formula_and_its_slope() {
    for case in Case::all(&[[1, 1], [9, 5], [700, 130]]) {
        let mut y = spoiled(case.x.len());
        scale_shift(&case.x, &case.gamma, &case.beta, case.residual.as_deref(), case.relu, &mut y);
        let dy = random(case.x.len(), 5);
        let [mut dx, mut dresidual] = [spoiled(dy.len()), spoiled(dy.len())];
        let wanted = case.residual.is_some().then_some(&mut dresidual[..]);
        scale_shift_input_gradient(&dy, &case.gamma, case.relu.then_some(&y), &mut dx, wanted);
        for at in 0..y.len() {
            let c = at % case.gamma.len();
            let sum = case.x[at] * case.gamma[c] + case.beta[c] + case.residual.as_ref().map_or(0.0, |r| r[at]);
            let open = !case.relu || sum > 0.0;
            assert_eq!(y[at], if open { sum } else { 0.0 }, "{} [{at}]", case.name());
            assert_eq!(dx[at], if open { dy[at] * case.gamma[c] } else { 0.0 }, "{} [{at}]", case.name());
            if case.residual.is_some() {
                assert_eq!(dresidual[at], if open { dy[at] } else { 0.0 }, "{} [{at}]", case.name());
            }
        }
    }
}

#[test]
fn what_is_not_a_number_passes_the_relu() {
    let mut y = [0.0];
    scale_shift(&[f32::NAN], &[1.0], &[0.0], None, true, &mut y);
    assert!(y[0].is_nan());
}

#[test]
#[should_panic(expected = "not whole rows")]
fn floats_that_are_not_whole_rows_are_refused() {
    BatchStatistics::of(&[0.0; 7], 3, EPSILON);
}
