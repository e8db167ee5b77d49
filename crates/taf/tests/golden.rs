//! The networks against the numbers PyTorch computes for them: see `golden/README.md` for what each number is.
//! `TAF_GOLDEN_DIR` points at another folder of instances (other depths, widths, lengths).

mod common;

use burn::module::{Module, ModuleVisitor, Param};
use burn::tensor::{Device, Gradients, Int, Tensor, TensorData};
use common::golden::{Golden, fill};
use std::collections::HashMap;
use taf::adversary::{Objective, minor_frames};
use taf::attention::{AttentionRule, TemporalAttention, class_activation_map};
use taf::model::{
    BlockKind, Branch, Pass, PixelNorm, Recognizer, RecognizerConfig, ResNetConfig, VideoModel, VideoOutput,
    from_published_layout, load_state, published_name, state_dict, to_published_layout,
};
use taf::ops::with_composed_ops;

/// Largest difference accepted, relative to the largest magnitude of the compared tensor. PyTorch and this crate sum in
/// different orders; over these depths float32 leaves about 1e-6 forward and 1e-5 backward.
const FORWARD: f32 = 1e-5;
const BACKWARD: f32 = 1e-4;
/// In the `tsn` instance one ReLU of the training pass stands within rounding of zero. PyTorch's own gradients in float32
/// (the golden ones) and float64 differ there by 1.05e-2 of the largest value.
const BACKWARD_AT_A_KINK: f32 = 1.2e-2;

#[test]
fn tsn_computes_what_pytorch_computes() {
    check("tsn");
}

#[test]
fn tsm_computes_what_pytorch_computes() {
    check("tsm");
}

#[test]
fn tsm_on_basic_blocks_computes_what_pytorch_computes() {
    check("tsm_basic");
}

fn check(kind: &str) {
    let golden = Golden::read(kind);
    for (path, run) in [("kernels", check_all as fn(&Golden)), ("composed", |g| with_composed_ops(|| check_all(g)))] {
        println!("{kind} on {path}");
        run(&golden);
    }
}

fn check_all(golden: &Golden) {
    let model = build(golden);
    check_inference(golden, &model.valid());
    for rule in [AttentionRule::Relu, AttentionRule::Softmax] {
        check_attention(golden, &model.valid(), rule);
    }
    check_cross_entropy_gradient(golden, &model.valid());
    check_training(golden, model);
}

fn build(golden: &Golden) -> Recognizer {
    let block = if golden.kind() == "tsm_basic" { BlockKind::Basic } else { BlockKind::Bottleneck };
    let trunk = ResNetConfig { block, layers: golden.meta("layers"), width: golden.meta("width") };
    let classes = golden.meta("classes");
    let config = match golden.kind() {
        "tsn" => RecognizerConfig::tsn(trunk, classes),
        _ => RecognizerConfig::tsm(trunk, classes),
    };
    let config = RecognizerConfig { pixels: PixelNorm::IDENTITY, dropout: 0.0, ..config };
    let model = config.init(&Device::flex().autodiff(), 0);
    let shapes: HashMap<String, Vec<usize>> = golden.meta("shapes");
    let published = |name: &String| published_name(name).expect("every parameter has a published name");
    let state = state_dict(&model);
    assert_eq!(state.len(), shapes.len(), "as many tensors as PyTorch's model");
    let filled = state.keys().map(|ours| {
        let name = published(ours);
        let shape = shapes.get(&name).unwrap_or_else(|| panic!("PyTorch's model has no {name}"));
        (ours.clone(), from_published_layout(TensorData::new(fill(&name, shape), shape.clone())))
    });
    load_state(model, filled.collect()).expect("the shapes agree")
}

fn input(golden: &Golden) -> Tensor<5> {
    let [clips, frames, size] = ["clips", "frames", "size"].map(|key| golden.meta::<usize>(key));
    let shape = [clips, frames, 3, size, size];
    let values = fill("input", &shape);
    Tensor::from_data(TensorData::new(values, shape), &Device::flex())
}

fn classes(golden: &Golden) -> Tensor<1, Int> {
    Tensor::from_data(TensorData::from(golden.integers("eval.cam_class").as_slice()), &Device::flex())
}

fn check_inference(golden: &Golden, model: &Recognizer) {
    let output = model.forward(input(golden), &mut Pass::inference());
    golden.assert_close("eval.logits", &output.logits, FORWARD);
    let labels: Vec<usize> = golden.meta("labels");
    let loss = Objective::of_logits(output.logits.clone(), &labels).mean();
    golden.assert_close("eval.loss", &loss, FORWARD);
    let weights = model.cam_weights(&output, classes(golden));
    golden.assert_close("eval.cam_weights", &weights, FORWARD);
    golden.assert_close("eval.cam", &class_activation_map(output.features, weights), FORWARD);
}

fn check_attention(golden: &Golden, model: &Recognizer, rule: AttentionRule) {
    let name = if rule == AttentionRule::Relu { "relu" } else { "softmax" };
    let key = |what: &str| format!("eval.{name}.{what}");
    let attention = |output: &VideoOutput| {
        let attention = TemporalAttention { rule, temperature: 1.0 };
        attention.of(output, model.cam_weights(output, classes(golden)))
    };
    let natural = attention(&model.forward(input(golden), &mut Pass::inference()));
    golden.assert_close(&key("attention"), &natural, FORWARD);
    golden.assert_close(&key("minor"), &minor_frames(natural.clone()), 0.0);
    for (objective, what) in [(Objective::Shift, "shift"), (Objective::Entropy, "entropy")] {
        let clips = input(golden).autodiff().require_grad();
        let output = model.forward(clips.clone(), &mut Pass::inference());
        let value = objective.of_attention(attention(&output), natural.clone()).sum();
        golden.assert_close(&key(&format!("{what}_loss")), &value.clone().inner(), FORWARD);
        let gradient = clips.grad(&value.backward()).expect("the clip is tracked");
        match objective {
            Objective::Shift => golden.assert_close(&key("shift_input_grad"), &gradient, BACKWARD),
            _ => golden.assert_close(&key("entropy_input_grad_norm"), &gradient.square().sum().sqrt(), BACKWARD),
        }
    }
}

fn check_cross_entropy_gradient(golden: &Golden, model: &Recognizer) {
    let labels: Vec<usize> = golden.meta("labels");
    let clips = input(golden).autodiff().require_grad();
    let output = model.forward(clips.clone(), &mut Pass::inference());
    let gradients = Objective::of_logits(output.logits, &labels).sum().backward();
    golden.assert_close("eval.ce_input_grad", &clips.grad(&gradients).expect("the clip is tracked"), BACKWARD);
}

fn check_training(golden: &Golden, model: Recognizer) {
    let labels: Vec<usize> = golden.meta("labels");
    let clips = input(golden).autodiff().require_grad();
    let mut pass = Pass::training(Branch::Main, 0);
    let output = model.forward(clips.clone(), &mut pass);
    golden.assert_close("train.logits", &output.logits.clone().inner(), FORWARD);
    let loss = Objective::of_logits(output.logits, &labels).mean();
    golden.assert_close("train.loss", &loss.clone().inner(), FORWARD);
    let gradients = loss.backward();
    let tolerance = if golden.kind() == "tsn" { BACKWARD_AT_A_KINK } else { BACKWARD };
    golden.assert_close("train.input_grad", &clips.grad(&gradients).expect("the clip is tracked"), tolerance);
    check_parameter_gradients(golden, &model, &gradients, tolerance);
    check_running_statistics(golden, pass.update_running_statistics(model));
}

fn check_parameter_gradients(golden: &Golden, model: &Recognizer, gradients: &Gradients, tolerance: f32) {
    let mut reader = GradientReader { gradients, path: Vec::new(), found: HashMap::new() };
    model.visit(&mut reader);
    let names: Vec<String> = golden.meta("parameters");
    let rows: Vec<&[f32]> = names.iter().map(|name| reader.found[name].as_slice()).collect();
    let norms = rows.iter().map(|row| row.iter().map(|g| f64::from(*g).powi(2)).sum::<f64>().sqrt() as f32);
    golden.assert_close_values("train.param_grad_norm", &norms.collect::<Vec<_>>(), tolerance);
    golden.assert_close_values("train.param_grad_first8", &first::<8>(&rows), tolerance);
}

fn check_running_statistics(golden: &Golden, model: Recognizer) {
    let state = state_dict(&model);
    let published: HashMap<String, Vec<f32>> =
        state.into_iter().map(|(name, data)| (published_name(&name).unwrap(), data.try_into_vec().unwrap())).collect();
    let names: Vec<String> = golden.meta("running_stats");
    let rows: Vec<&[f32]> = names.iter().map(|name| published[name].as_slice()).collect();
    golden.assert_close_values("train.running_stat_first4", &first::<4>(&rows), FORWARD);
}

/// The first `N` values of each row, zeros where it is shorter.
fn first<const N: usize>(rows: &[&[f32]]) -> Vec<f32> {
    rows.iter().flat_map(|row| (0..N).map(|i| row.get(i).copied().unwrap_or(0.0))).collect()
}

/// Gradients of every parameter in PyTorch's names and layout.
struct GradientReader<'a> {
    gradients: &'a Gradients,
    path: Vec<String>,
    found: HashMap<String, Vec<f32>>,
}

impl ModuleVisitor for GradientReader<'_> {
    fn enter_module(&mut self, name: &str, _: &str) {
        self.path.push(name.to_owned());
    }

    fn exit_module(&mut self, _: &str, _: &str) {
        self.path.pop();
    }

    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        let name = published_name(&self.path.join(".")).expect("every parameter has a published name");
        if let Some(gradient) = param.val().grad(self.gradients) {
            let data = to_published_layout(gradient.into_data());
            self.found.insert(name, data.try_into_vec().expect("gradients are f32"));
        }
    }
}
