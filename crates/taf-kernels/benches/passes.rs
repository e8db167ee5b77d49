//! Criterion benchmarks of the kernels whose floor is the memory, on the maps of ResNet-50 for 8 frames. Bytes per second
//! count what a kernel must at least read and write, once each; every group begins with a copy of the same map, which is
//! what they are to be compared with.

use std::hint::black_box;
use std::time::Duration;

use criterion::measurement::WallTime;
use criterion::{BenchmarkGroup, Criterion, Throughput, criterion_group, criterion_main};
use taf_kernels::{
    AdamwStep, AdaptiveShape, AdaptiveWeightGradients, AdaptiveWeights, BatchNormSaved, BatchStatistics, ClipPixels,
    Colors, PoolShape, SavedRelu, SgdStep, batch_norm_backward_in_place, batch_norm_residual_backward_in_place,
    global_average_pool_backward, global_average_pool_forward, max_pool2d_backward, max_pool2d_forward,
    pixels_to_images, pixels_to_images_gradient, scale_shift, scale_shift_input_gradient, sum_of_squares,
    temporal_adaptive_backward, temporal_adaptive_forward,
};

const FRAMES: usize = 8;

/// Side and channels of the maps.
const MAPS: [[usize; 2]; 5] = [[56, 64], [28, 256], [14, 512], [7, 1024], [4, 2048]];

/// Values without zeros or denormals, of both signs.
fn filled(len: usize) -> Vec<f32> {
    (0..len).map(|place| (place * 7919 % 997) as f32 / 997.0 - 0.4987).collect()
}

/// Benchmarks that each move some maps of `len` floats.
struct Group<'a> {
    group: BenchmarkGroup<'a, WallTime>,
    len: usize,
}

impl<'a> Group<'a> {
    fn new(criterion: &'a mut Criterion, name: String, len: usize) -> Self {
        let mut group = Self { group: criterion.benchmark_group(name), len };
        let (from, mut to) = (filled(len), filled(len));
        group.bench("copy", 2.0, || black_box(&mut to).copy_from_slice(black_box(&from)));
        group
    }

    fn bench(&mut self, name: &str, maps: f64, mut work: impl FnMut()) {
        self.group.throughput(Throughput::Bytes((maps * (self.len * size_of::<f32>()) as f64) as u64));
        self.group.bench_function(name, |b| b.iter(&mut work));
    }
}

fn name([side, channels]: [usize; 2]) -> String {
    format!("{FRAMES}x{side}x{side}x{channels}")
}

fn batch_norm(criterion: &mut Criterion) {
    for map in MAPS {
        let channels = map[1];
        let len = FRAMES * map[0] * map[0] * channels;
        let mut group = Group::new(criterion, format!("batch norm {}", name(map)), len);
        let [x, y, mut dx, mut dy] = [filled(len), filled(len), filled(len), filled(len)];
        let [gamma, beta, mut dgamma, mut dbeta] = [0.9, 0.1, 0.0, 0.0].map(|value| vec![value; channels]);
        group.bench("statistics", 1.0, || drop(BatchStatistics::of(black_box(&x), channels, 1e-5)));
        let BatchStatistics { mean, inv_std, .. } = BatchStatistics::of(&x, channels, 1e-5);
        let of = |relu| BatchNormSaved { x: &x, mean: &mean, inv_std: &inv_std, gamma: &gamma, relu };
        let [by_output, by_beta] = [SavedRelu::Output(&y), SavedRelu::Beta(&beta)].map(of);
        group.bench("backward with residual", 7.0, || {
            batch_norm_residual_backward_in_place(&by_output, &mut dy, &mut dx, &mut dgamma, &mut dbeta);
        });
        group.bench("backward by beta", 5.0, || {
            batch_norm_backward_in_place(&by_beta, &mut dy, &mut dgamma, &mut dbeta);
        });
    }
}

fn scale_and_shift(criterion: &mut Criterion) {
    for map in MAPS {
        let len = FRAMES * map[0] * map[0] * map[1];
        let mut group = Group::new(criterion, format!("scale and shift {}", name(map)), len);
        let [x, mut y, mut dx, mut other] = [filled(len), filled(len), filled(len), filled(len)];
        let [scale, shift] = [vec![0.9; map[1]], vec![0.1; map[1]]];
        group.bench("forward", 2.0, || scale_shift(black_box(&x), &scale, &shift, None, true, &mut y));
        group.bench("forward with residual", 3.0, || scale_shift(&x, &scale, &shift, Some(&other), true, &mut y));
        group.bench("gradient", 3.0, || scale_shift_input_gradient(&x, &scale, Some(&y), &mut dx, None));
        group.bench("gradient with residual", 4.0, || {
            scale_shift_input_gradient(&x, &scale, Some(&y), &mut dx, Some(&mut other));
        });
    }
}

fn pooling(criterion: &mut Criterion) {
    for map in MAPS {
        let (pixels, channels) = (map[0] * map[0], map[1]);
        let len = FRAMES * pixels * channels;
        let mut group = Group::new(criterion, format!("average pool {}", name(map)), len);
        let [x, mut dx] = [filled(len), filled(len)];
        let mut y = filled(FRAMES * channels);
        group.bench("forward", 1.0, || global_average_pool_forward(pixels, channels, black_box(&x), &mut y));
        group.bench("gradient", 1.0, || global_average_pool_backward(pixels, channels, &y, &mut dx));
    }
    let [kernel, stride, padding] = [[3, 3], [2, 2], [1, 1]];
    let shape = PoolShape { batch: FRAMES, height: 56, width: 56, channels: 64, kernel, stride, padding };
    let mut group = Group::new(criterion, "max pool 3x3 of 8x56x56x64".to_owned(), shape.input_len());
    let [x, mut y, mut dx] = [shape.input_len(), shape.output_len(), shape.input_len()].map(filled);
    let mut places = vec![0; y.len()];
    // The input, a quarter of it as output, and two bytes for each of those.
    let moved = 1.0 + 1.5 / 4.0;
    group.bench("forward", moved, || max_pool2d_forward(black_box(&shape), &x, &mut y, &mut places));
    group.bench("gradient", moved, || max_pool2d_backward(&shape, &y, &places, &mut dx));
}

fn step(criterion: &mut Criterion) {
    let len = 512 * 512 * 9;
    let mut group = Group::new(criterion, "weights of a 3x3 of 512 channels".to_owned(), len);
    let [mut weights, gradient, mut velocity] = [filled(len), filled(len), filled(len)];
    let step = SgdStep { learning_rate: 1e-9, momentum: 0.9, weight_decay: 1e-4, nesterov: false, gradient_scale: 0.5 };
    group.bench("step", 5.0, || step.apply(&mut weights, &gradient, &mut velocity));
    let (mut mean, mut square) = (filled(len), vec![0.5; len]);
    let (learning_rate, betas, epsilon) = (1e-9, [0.9, 0.999], 1e-8);
    let adamw = AdamwStep { learning_rate, betas, epsilon, weight_decay: 1e-4, gradient_scale: 0.5, number: 9 };
    group.bench("step of Adam", 7.0, || adamw.apply(&mut weights, &gradient, &mut mean, &mut square));
    group.bench("sum of squares", 1.0, || {
        black_box(sum_of_squares(black_box(&gradient)));
    });
}

fn pixels(criterion: &mut Criterion) {
    let shape = ClipPixels { images: FRAMES, pixels: 224 * 224 };
    let colors = Colors { mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225] };
    let mut group = Group::new(criterion, "pixels of 8x224x224".to_owned(), shape.len());
    let [clips, mut images, mut dclips] = [filled(shape.len()), filled(shape.len()), filled(shape.len())];
    group.bench("to images", 2.0, || pixels_to_images(black_box(&shape), &colors, &clips, &mut images));
    group.bench("gradient", 2.0, || pixels_to_images_gradient(&shape, &colors, &images, &mut dclips));
}

fn adaptive(criterion: &mut Criterion) {
    for map in [[56, 64], [28, 64], [28, 128], [14, 256], [7, 512]] {
        let shape = AdaptiveShape { clips: 1, frames: FRAMES, pixels: map[0] * map[0], channels: map[1] };
        let mut group = Group::new(criterion, format!("adaptive convolution {}", name(map)), shape.len());
        let [x, mut y, mut dx] = [filled(shape.len()), filled(shape.len()), filled(shape.len())];
        let [kernels, gates] = [shape.kernels_len(), shape.gates_len()].map(filled);
        let [mut dkernels, mut dgates] = [kernels.clone(), gates.clone()];
        let weights = AdaptiveWeights { kernels: &kernels, gates: &gates };
        group.bench("forward", 2.0, || temporal_adaptive_forward(black_box(&shape), &x, &weights, &mut y));
        group.bench("backward", 3.0, || {
            let gradients = AdaptiveWeightGradients { kernels: &mut dkernels, gates: &mut dgates };
            temporal_adaptive_backward(&shape, &x, &weights, &y, &mut dx, gradients);
        });
    }
}

fn short() -> Criterion {
    let [warm_up, measure] = [50, 300].map(Duration::from_millis);
    Criterion::default().warm_up_time(warm_up).measurement_time(measure).sample_size(10)
}

criterion_group! {
    name = benches;
    config = short();
    targets = batch_norm, scale_and_shift, pooling, step, pixels, adaptive
}
criterion_main!(benches);
