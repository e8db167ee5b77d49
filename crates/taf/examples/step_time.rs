//! Seconds per training step of TSM, plain and TAF: the peer of `parity/torch_taf_step.py`.
//!
//! `cargo run --release -p taf --example step_time -- [resnet50|resnet18] [clips] [frames] [size]`

use std::time::Instant;

use burn::tensor::Device;
use taf::data::{ClipBatch, Sample};
use taf::model::{ResNetConfig, TsnConfig};
use taf::train::{Sgd, SgdConfig, StepRecipe, TafConfig, train_step};
use taf_video::{Clip, Frame, Seed};

const CLASSES: usize = 174;
const WARM_UP: usize = 2;
const STEPS: usize = 7;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let number = |at: usize, default| arguments.get(at).map_or(default, |text| text.parse().expect("a number"));
    let (clips, frames, size) = (number(1, 1), number(2, 8), number(3, 112));
    let trunk = match arguments.first().map(String::as_str) {
        Some("resnet18") => ResNetConfig::resnet18(),
        _ => ResNetConfig::resnet50(),
    };
    let batch = batch(clips, frames, size);
    for (name, taf) in [("plain", None), ("TAF", Some(TafConfig::default()))] {
        let mut model = TsnConfig::tsm(trunk.clone(), CLASSES).init(&Device::flex().autodiff(), 0);
        let mut optimizer = Sgd::new(SgdConfig::default());
        let recipe = StepRecipe { label_smoothing: 0.0, taf };
        let mut seconds = Vec::new();
        for step in 0..WARM_UP + STEPS {
            let start = Instant::now();
            (model, _) = train_step(model, &mut optimizer, &recipe, &batch, 0.01, Seed::new(0).at(step));
            seconds.push(start.elapsed().as_secs_f64());
        }
        let mut counted = seconds.split_off(WARM_UP);
        counted.sort_by(f64::total_cmp);
        let (least, median, most) = (counted[0], counted[STEPS / 2], counted[STEPS - 1]);
        println!("{name:>5} {clips}x{frames}x{size}: {median:.3} s/step (least {least:.3}, most {most:.3})");
    }
}

fn batch(clips: usize, frames: usize, size: usize) -> ClipBatch {
    let frame = |seed: usize| {
        let byte = |i: usize| (i.wrapping_mul(2_654_435_761).wrapping_add(seed * 97) >> 7) as u8;
        Frame::new(size, size, (0..size * size * 3).map(byte).collect())
    };
    let clip = |index: usize| Clip::new((0..frames).map(|t| frame(index * frames + t)).collect());
    let sample = |index| Sample { clip: clip(index), label: index % CLASSES, id: index.to_string() };
    ClipBatch { samples: (0..clips).map(sample).collect() }
}
