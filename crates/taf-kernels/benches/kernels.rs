//! Criterion benchmarks of one layer of each kind, to compare two versions of a kernel. `examples/throughput.rs` gives the
//! whole network at a glance.

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use taf_kernels::{
    BatchNormInput, BatchNormSaved, BatchStatistics, ConvShape, SavedRelu, ShiftShape, batch_norm_forward_with,
    batch_norm_residual_backward_in_place, conv2d_forward, conv2d_input_gradient, conv2d_weight_gradient,
    temporal_shift_forward,
};

/// Values without zeros or denormals.
fn filled(len: usize) -> Vec<f32> {
    (0..len).map(|place| (place % 97) as f32 / 97.0 - 0.49).collect()
}

fn shape(side: usize, channels: [usize; 2], kernel: usize, stride: usize) -> ConvShape {
    ConvShape {
        batch: 8,
        height: side,
        width: side,
        channels_in: channels[0],
        channels_out: channels[1],
        kernel: [kernel; 2],
        stride: [stride; 2],
        padding: [kernel / 2; 2],
        groups: 1,
        shift: None,
    }
}

/// Elements per second are multiply-adds per second here.
fn convolution(criterion: &mut Criterion) {
    let layers = [
        ("stem", shape(112, [3, 64], 7, 2)),
        ("3x3 of 56x56", shape(56, [64, 64], 3, 1)),
        ("1x1 of 28x28", shape(28, [128, 512], 1, 1)),
        ("3x3 stride 2 of 28x28", shape(28, [256, 256], 3, 2)),
        ("3x3 of 7x7", shape(7, [512, 512], 3, 1)),
        ("depthwise 3x3 of 28x28", ConvShape { groups: 256, ..shape(28, [256, 256], 3, 1) }),
    ];
    for (name, shape) in layers {
        let [x, w, dy] = [shape.input_len(), shape.weight_len(), shape.output_len()].map(filled);
        let [mut y, mut dx, mut dw] = [dy.clone(), x.clone(), w.clone()];
        let mut group = criterion.benchmark_group(name);
        group.throughput(Throughput::Elements(shape.operations() / 2));
        group.bench_function("forward", |b| b.iter(|| conv2d_forward(black_box(&shape), &x, &w, &mut y)));
        group.bench_function("input gradient", |b| {
            b.iter(|| conv2d_input_gradient(black_box(&shape), &dy, &w, &mut dx))
        });
        group.bench_function("weight gradient", |b| {
            b.iter(|| conv2d_weight_gradient(black_box(&shape), &x, &dy, &mut dw))
        });
    }
}

fn batch_norm(criterion: &mut Criterion) {
    const CHANNELS: usize = 256;
    let len = 8 * 28 * 28 * CHANNELS;
    let [x, residual, mut dy] = [filled(len), filled(len), filled(len)];
    let [mut y, mut dx] = [filled(len), filled(len)];
    let [gamma, beta] = [vec![1.0; CHANNELS], vec![0.1; CHANNELS]];
    let [mut dgamma, mut dbeta] = [beta.clone(), beta.clone()];
    let input =
        BatchNormInput { x: &x, gamma: &gamma, beta: &beta, residual: Some(&residual), relu: true, epsilon: 1e-5 };
    let mut group = criterion.benchmark_group("batch norm, residual, relu");
    group.throughput(Throughput::Elements(len as u64));
    let statistics = || BatchStatistics::of(&x, CHANNELS, input.epsilon);
    group.bench_function("forward", |b| b.iter(|| batch_norm_forward_with(black_box(&input), &statistics(), &mut y)));
    let BatchStatistics { mean, inv_std, .. } = &statistics();
    let saved = BatchNormSaved { x: &x, mean, inv_std, gamma: &gamma, relu: SavedRelu::Output(&y) };
    group.bench_function("backward", |b| {
        b.iter(|| {
            batch_norm_residual_backward_in_place(black_box(&saved), &mut dy, &mut dx, &mut dgamma, &mut dbeta);
        });
    });
}

fn shift(criterion: &mut Criterion) {
    let shape = ShiftShape { clips: 1, frames: 8, pixels: 28 * 28, channels: 256, fold: 32 };
    let [x, mut y] = [filled(shape.len()), filled(shape.len())];
    let mut group = criterion.benchmark_group("temporal shift");
    group.throughput(Throughput::Elements(shape.len() as u64));
    group.bench_function("forward", |b| b.iter(|| temporal_shift_forward(black_box(&shape), &x, &mut y)));
}

criterion_group!(benches, convolution, batch_norm, shift);
criterion_main!(benches);
