//! Criterion benchmarks of the way from a video file to a batch: decode, sample, transform, tensor. The videos are
//! MovingShapes as H.264 files, 32 frames of which 8 are taken, written to a temporary folder first.

use std::hint::black_box;
use std::path::Path;
use std::time::Duration;

use burn::tensor::Device;
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use taf::data::{ClipBatch, ClipSource, Sample, clips_to_tensor};
use taf_video::dataset::Manifest;
use taf_video::synthetic::{Difficulty, MovingShapes};
use taf_video::transform::{TrainTransform, TrainTransformConfig};
use taf_video::{Sampling, Seed};

const FRAMES: usize = 8;
/// Side of the videos, and of the clips cut out of them.
const SIDES: [[usize; 2]; 3] = [[64, 56], [128, 112], [256, 224]];
const WORKERS: [usize; 3] = [1, 2, 4];
/// Clips per batch, one of each class of MovingShapes.
const BATCH: usize = 10;

fn videos(folder: &Path, side: usize) -> Manifest {
    let shapes = MovingShapes::new(Seed::new(0), side, 32..=32, Difficulty::MEDIUM).expect("the side is even");
    shapes.write(folder, &[("train", 1)], &|_, _| {}).expect("there is room for ten small videos")
}

fn transform(side: usize, classes: &[String]) -> TrainTransform {
    let config = TrainTransformConfig { size: side, ..TrainTransformConfig::default() };
    config.init(classes).expect("the side is above 0")
}

/// A whole batch with so many threads that decode, as training waits for it at its first step.
fn batches(criterion: &mut Criterion) {
    for [video_side, side] in SIDES {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let manifest = videos(folder.path(), video_side);
        let transform = transform(side, manifest.classes());
        let source = ClipSource::new(manifest, Sampling::segments(FRAMES), Seed::new(1));
        let mut group = criterion.benchmark_group(format!("batch {BATCH}x{FRAMES}x{side}x{side} of {video_side}"));
        group.throughput(Throughput::Elements(BATCH as u64));
        for workers in WORKERS {
            let batch = |epoch| source.train_batches(&transform, epoch, 0, BATCH, workers).next();
            let mut epochs = 0..;
            group.bench_function(format!("{workers} threads"), |b| {
                b.iter(|| {
                    let batch = epochs.next().and_then(batch).expect("one batch per epoch");
                    black_box(batch.expect("the files were just written").batch.to_tensor(&Device::flex()))
                });
            });
        }
    }
}

/// The same way step by step, one clip, one thread but for the tensor.
fn steps(criterion: &mut Criterion) {
    for [video_side, side] in SIDES {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let manifest = videos(folder.path(), video_side);
        let record = &manifest.records()[0];
        let transform = transform(side, manifest.classes());
        let seed = Seed::new(2);
        let read = || {
            let mut video = manifest.open(record).expect("the file was just written");
            let indices =
                Sampling::segments(FRAMES).random(video.num_frames().expect("it is whole"), &mut Seed::new(3).rng());
            video.read(&indices).expect("it is whole")
        };
        let frames = read();
        let (clip, label) = transform.apply(frames.clone(), record.known_label().unwrap(), seed);
        let batch = ClipBatch { samples: vec![Sample { clip, label, id: record.path.clone() }] };
        let mut group = criterion.benchmark_group(format!("clip {FRAMES}x{side}x{side} of {video_side}"));
        group.throughput(Throughput::Elements(1));
        group.bench_function("open, decode, sample", |b| b.iter(read));
        group.bench_function("crop, resize, flip", |b| {
            b.iter_batched(
                || frames.clone(),
                |frames| transform.apply(frames, record.known_label().unwrap(), seed),
                criterion::BatchSize::LargeInput,
            );
        });
        group.bench_function("to tensor", |b| {
            b.iter(|| clips_to_tensor(batch.samples.iter().map(|sample| &sample.clip), &Device::flex()));
        });
    }
}

criterion_group! {
    name = loader;
    config = Criterion::default().sample_size(20).warm_up_time(Duration::from_millis(300)).measurement_time(Duration::from_millis(1500));
    targets = batches, steps
}
criterion_main!(loader);
