//! Throughput of the kernels on the layers of ResNet-50, beside a plain matrix product: where the time of a training step
//! goes, layer by layer. Best of several runs, so that a busy machine shows its idle moments.
//!
//! ```text
//! cargo run --release -p taf-kernels --example throughput -- [input side, default 224] [frames, default 8]
//! ```

use std::time::Instant;

use taf_kernels::{
    BatchNormInput, BatchNormSaved, BatchStatistics, ConvShape, LinearShape, PoolShape, SavedRelu, ShiftShape,
    batch_norm_forward_with, batch_norm_residual_backward_in_place, conv2d_forward, conv2d_input_gradient,
    conv2d_weight_gradient, linear_forward, max_pool2d_backward, max_pool2d_forward, temporal_shift_forward,
};

/// Each kernel runs for this many seconds, and at least [`RUNS`] times; the fastest run counts.
const SECONDS: f64 = 0.15;
const RUNS: usize = 5;

fn main() {
    let mut arguments = std::env::args().skip(1).map(|argument| argument.parse().expect("a number"));
    let side: usize = arguments.next().unwrap_or(224);
    let frames: usize = arguments.next().unwrap_or(8);
    let [plain, layer] = product_throughput();
    let threads = rayon::current_num_threads();
    println!("{threads} threads, product 1536^3: {plain:.0} GFLOP/s plain, {layer:.0} as a linear layer\n");
    let peak = plain.max(layer);
    convolutions(side, frames, peak);
    passes_over_memory(side / 4, frames);
}

/// The shortest of several runs, in seconds.
fn fastest(mut work: impl FnMut()) -> f64 {
    work();
    let begin = Instant::now();
    let mut best = f64::INFINITY;
    let mut runs = 0;
    while runs < RUNS || begin.elapsed().as_secs_f64() < SECONDS {
        let start = Instant::now();
        work();
        best = best.min(start.elapsed().as_secs_f64());
        runs += 1;
    }
    best
}

/// GFLOP/s of one large matrix product: by `gemm` with its own threads, and as a linear layer of this crate.
fn product_throughput() -> [f64; 2] {
    const SIDE: usize = 1536;
    let [x, w] = [filled(SIDE * SIDE), filled(SIDE * SIDE)];
    let mut y = filled(SIDE * SIDE);
    let shape = LinearShape { rows: SIDE, inputs: SIDE, outputs: SIDE };
    let plain = fastest(|| multiply_square(SIDE, &x, &w, &mut y));
    let layer = fastest(|| linear_forward(&shape, &x, &w, None, &mut y));
    [plain, layer].map(|seconds| 2.0 * (SIDE as f64).powi(3) / 1e9 / seconds)
}

fn multiply_square(side: usize, x: &[f32], w: &[f32], y: &mut [f32]) {
    assert!([x.len(), w.len(), y.len()].iter().all(|&len| len == side * side));
    let (rows, columns) = (side as isize, 1);
    let threads = gemm::Parallelism::Rayon(0);
    // SAFETY: three contiguous square matrices, the output apart from the inputs.
    unsafe {
        gemm::gemm(
            side,
            side,
            side,
            y.as_mut_ptr(),
            columns,
            rows,
            false,
            x.as_ptr(),
            columns,
            rows,
            w.as_ptr(),
            columns,
            rows,
            0.0,
            1.0,
            false,
            false,
            false,
            threads,
        );
    }
}

/// Values without zeros or denormals.
fn filled(len: usize) -> Vec<f32> {
    (0..len).map(|place| (place % 97) as f32 / 97.0 - 0.49).collect()
}

/// A convolution of ResNet-50 and how often the network has it.
struct Layer {
    name: String,
    times: usize,
    shape: ConvShape,
}

fn layer(name: &str, times: usize, side: usize, channels: [usize; 2], kernel: usize, stride: usize) -> Layer {
    let shape = ConvShape {
        batch: 1,
        height: side,
        width: side,
        channels_in: channels[0],
        channels_out: channels[1],
        kernel: [kernel; 2],
        stride: [stride; 2],
        padding: [kernel / 2; 2],
        groups: 1,
        shift: None,
    };
    Layer { name: name.to_owned(), times, shape }
}

/// Every convolution of ResNet-50 (stride in the 3x3, as torchvision) for pictures of `side` pixels.
fn resnet50(side: usize) -> Vec<Layer> {
    let mut layers = vec![layer("stem", 1, side, [3, 64], 7, 2)];
    let (mut side, mut inputs) = (side / 4, 64);
    for (stage, blocks) in [3, 4, 6, 3].into_iter().enumerate() {
        let (width, stride) = (64 << stage, if stage == 0 { 1 } else { 2 });
        let name = |part: &str| format!("{}.{part}", stage + 1);
        layers.push(layer(&name("first 1x1"), 1, side, [inputs, width], 1, 1));
        layers.push(layer(&name("first 3x3"), 1, side, [width, width], 3, stride));
        layers.push(layer(&name("shortcut"), 1, side, [inputs, 4 * width], 1, stride));
        side = side.div_ceil(stride);
        inputs = 4 * width;
        layers.push(layer(&name("1x1 in"), blocks - 1, side, [inputs, width], 1, 1));
        layers.push(layer(&name("3x3"), blocks - 1, side, [width, width], 3, 1));
        layers.push(layer(&name("1x1 out"), blocks, side, [width, inputs], 1, 1));
    }
    layers
}

fn convolutions(side: usize, frames: usize, peak: f64) {
    println!("{:12} {:>26} {:>8} {:>8} {:>8}  GFLOP/s forward, dx, dw", "layer", "shape", "forward", "dx", "dw");
    let mut seconds = [0.0; 3];
    let mut operations = 0.0;
    for Layer { name, times, mut shape } in resnet50(side) {
        shape.batch = frames;
        let passes = time_layer(&shape);
        let gigaflops = shape.operations() as f64 / 1e9;
        let [height, width, inputs, outputs] = [shape.height, shape.width, shape.channels_in, shape.channels_out];
        let words = format!("{height}x{width} {inputs}->{outputs} x{times}");
        println!(
            "{name:12} {words:>26} {:8.0} {:8.0} {:8.0}",
            gigaflops / passes[0],
            gigaflops / passes[1],
            gigaflops / passes[2]
        );
        passes.iter().zip(&mut seconds).for_each(|(pass, sum)| *sum += pass * times as f64);
        operations += gigaflops * times as f64;
    }
    let total: f64 = seconds.iter().sum();
    let [forward, dx, dw] = seconds.map(|seconds| operations / seconds);
    println!("{:12} {:>26} {forward:8.0} {dx:8.0} {dw:8.0}", "all", "");
    let share = 3.0 * operations / total / peak;
    println!("convolutions of a step: {:.0} ms, {:.0}% of the best product\n", total * 1e3, share * 100.0);
}

fn time_layer(shape: &ConvShape) -> [f64; 3] {
    let [x, w, dy] = [shape.input_len(), shape.weight_len(), shape.output_len()].map(filled);
    let [mut dx, mut dw, mut y] = [x.clone(), w.clone(), dy.clone()];
    [
        fastest(|| conv2d_forward(shape, &x, &w, &mut y)),
        fastest(|| conv2d_input_gradient(shape, &dy, &w, &mut dx)),
        fastest(|| conv2d_weight_gradient(shape, &x, &dy, &mut dw)),
    ]
}

/// Kernels whose floor is the memory, with the gigabytes they must at least move.
fn passes_over_memory(side: usize, frames: usize) {
    const CHANNELS: usize = 256;
    let len = frames * side * side * CHANNELS;
    let [x, residual, mut dy] = [filled(len), filled(len), filled(len)];
    let [mut y, mut dx] = [filled(len), filled(len)];
    let [gamma, beta] = [vec![1.0; CHANNELS], vec![0.1; CHANNELS]];
    let [mut dgamma, mut dbeta] = [beta.clone(), beta.clone()];
    let report = |name: &str, streams: f64, seconds: f64| {
        println!("{name:32} {:8.2} ms {:8.1} GB/s", seconds * 1e3, streams * len as f64 * 4e-9 / seconds);
    };
    println!("{frames}x{side}x{side}x{CHANNELS}");
    report("copy on one thread", 2.0, fastest(|| y.copy_from_slice(&x)));
    let input =
        BatchNormInput { x: &x, gamma: &gamma, beta: &beta, residual: Some(&residual), relu: true, epsilon: 1e-5 };
    let statistics = || BatchStatistics::of(&x, CHANNELS, input.epsilon);
    report("batch norm + residual + relu", 4.0, fastest(|| batch_norm_forward_with(&input, &statistics(), &mut y)));
    let BatchStatistics { mean, inv_std, .. } = &statistics();
    let saved = BatchNormSaved { x: &x, mean, inv_std, gamma: &gamma, relu: SavedRelu::Output(&y) };
    report(
        "its gradient",
        7.0,
        fastest(|| batch_norm_residual_backward_in_place(&saved, &mut dy, &mut dx, &mut dgamma, &mut dbeta)),
    );
    let shift = ShiftShape { clips: 1, frames, pixels: side * side, channels: CHANNELS, fold: CHANNELS / 8 };
    report("temporal shift", 2.0, fastest(|| temporal_shift_forward(&shift, &x, &mut dx)));
    pooling(side, frames, &x, report);
}

fn pooling(side: usize, frames: usize, x: &[f32], report: impl Fn(&str, f64, f64)) {
    let [kernel, stride, padding] = [[3, 3], [2, 2], [1, 1]];
    let shape = PoolShape { batch: frames, height: 2 * side, width: 2 * side, channels: 64, kernel, stride, padding };
    let (mut y, mut places) = (filled(shape.output_len()), vec![0; shape.output_len()]);
    let mut dx = filled(shape.input_len());
    report("max pool 3x3 of 64 channels", 1.3, fastest(|| max_pool2d_forward(&shape, x, &mut y, &mut places)));
    report("its gradient", 1.3, fastest(|| max_pool2d_backward(&shape, &y, &places, &mut dx)));
}
