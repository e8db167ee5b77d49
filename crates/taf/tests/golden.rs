//! The networks against the numbers PyTorch computes for them: see `golden/README.md` for what each number is.
//! `TAF_GOLDEN_DIR` points at another folder of instances (other depths, widths, lengths).

mod common;

use burn::module::{Module, ModuleVisitor, Param};
use burn::tensor::{Device, Gradients, Int, Tensor, TensorData};
use common::golden::{Golden, fill};
use common::network::{KINDS, config, filled};
use std::collections::HashMap;
use taf::adversary::{Objective, minor_frames};
use taf::attention::{AttentionRule, TemporalAttention, class_activation_map};
use taf::model::{
    Branch, Pass, PixelNorm, PublishedParameter, Recognizer, RecognizerConfig, VideoModel, VideoOutput, published,
    state_dict,
};
use taf::ops::with_composed_ops;
use taf::train::{classification_loss, soft_targets};

/// Largest difference accepted, relative to the largest magnitude of the compared tensor. PyTorch and this crate sum in
/// different orders; over these depths float32 leaves about 1e-6 forward and 1e-5 backward.
const FORWARD: f32 = 1e-5;
const BACKWARD: f32 = 1e-4;
/// For networks of more layers in a row, whose last batch statistics are of few values. In MobileNetV2's training logits
/// PyTorch's float32 differs from its float64 by 1.3e-5, in TPN's by 4e-6.
const FORWARD_OF_DEEP: f32 = 4e-5;
/// Instances with a ReLU so close to zero that rounding decides on which side it is. PyTorch's own gradients do the same:
/// those of `tsn` differ between float32 (the golden ones) and float64 by 1.05e-2 of the largest value; those of the two
/// deep ones change by 1e-2 to 1e-1 when the weights change by a millionth.
const KINKED: [&str; 3] = ["tsn", "tpn", "mobilenet_tsm"];

/// What accumulates forward.
fn forward(golden: &Golden) -> f32 {
    if is_deep(golden) { FORWARD_OF_DEEP } else { FORWARD }
}

fn is_deep(golden: &Golden) -> bool {
    ["mobilenet_tsm", "tpn"].contains(&golden.kind())
}

#[test]
fn every_network_computes_what_pytorch_computes() {
    KINDS.into_iter().for_each(check);
}

fn assert_gradient<const D: usize>(golden: &Golden, name: &str, found: &Tensor<D>) {
    assert_gradient_values(golden, name, &found.to_data().try_to_vec::<f32>().unwrap());
}

/// Strict on the kernels, whose rounding is fixed; the composed bodies sum in the order of the day, and instances from
/// elsewhere may have a kink anywhere (in float64, 1e-7 of noise on the pixels moves gradients of `gst` by 1.4e-2 and of
/// `tam` by 1.6e-2 of the largest value).
fn assert_gradient_values(golden: &Golden, name: &str, found: &[f32]) {
    let foreign = std::env::var_os("TAF_GOLDEN_DIR").is_some();
    if foreign || golden.bodies() == "composed" || KINKED.contains(&golden.kind()) {
        golden.assert_close_but_for_kinks(name, found, BACKWARD);
    } else {
        golden.assert_close_values(name, found, BACKWARD);
    }
}

fn check(kind: &str) {
    for (bodies, run) in [("kernels", check_all as fn(&Golden)), ("composed", |g| with_composed_ops(|| check_all(g)))] {
        println!("{kind} on {bodies}");
        run(&Golden::read(kind, bodies));
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
    let config = RecognizerConfig { pixels: PixelNorm::IDENTITY, dropout: 0.0, ..config(golden) };
    filled(golden, config.init(&Device::flex().autodiff(), 0))
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

/// The golden file has the mean of TPN's slopes over so many places, this crate their sum.
fn places(golden: &Golden, output: &VideoOutput) -> f64 {
    let [_, time, height, width, _] = output.features.dims();
    if golden.kind() == "tpn" { (time * height * width) as f64 } else { 1.0 }
}

fn check_inference(golden: &Golden, model: &Recognizer) {
    let output = model.forward(input(golden), &mut Pass::inference());
    golden.assert_close("eval.logits", &output.logits, forward(golden));
    assert!(output.auxiliary.is_none(), "inference does without the auxiliary classifier");
    if let Some(logits) = model.auxiliary_logits(input(golden), &mut Pass::inference()) {
        golden.assert_close("eval.aux_logits", &logits, forward(golden));
    }
    let labels: Vec<usize> = golden.meta("labels");
    let loss = Objective::of_logits(output.logits.clone(), &labels).mean();
    golden.assert_close("eval.loss", &loss, forward(golden));
    let weights = model.cam_weights(&output, classes(golden)) / places(golden, &output);
    golden.assert_close("eval.cam_weights", &weights, forward(golden));
    golden.assert_close("eval.cam", &class_activation_map(output.features, weights), forward(golden));
}

fn check_attention(golden: &Golden, model: &Recognizer, rule: AttentionRule) {
    let name = if rule == AttentionRule::Relu { "relu" } else { "softmax" };
    let key = |what: &str| format!("eval.{name}.{what}");
    let rule = |output: &VideoOutput| TemporalAttention { rule, temperature: places(golden, output) };
    let attention = |output: &VideoOutput| rule(output).log_of(output, model.cam_weights(output, classes(golden)));
    let output = model.forward(input(golden), &mut Pass::inference());
    let shares = rule(&output).of(&output, model.cam_weights(&output, classes(golden)));
    let natural = attention(&output);
    golden.assert_close(&key("attention"), &shares, forward(golden));
    golden.assert_close(&key("attention"), &natural.clone().exp(), forward(golden));
    golden.assert_close(&key("minor"), &minor_frames(shares), 0.0);
    for (objective, what) in [(Objective::Shift, "shift"), (Objective::Entropy, "entropy")] {
        let clips = input(golden).autodiff().require_grad();
        let output = model.forward(clips.clone(), &mut Pass::inference());
        let value = objective.of_log_attention(attention(&output), natural.clone()).sum();
        golden.assert_close(&key(&format!("{what}_loss")), &value.clone().inner(), forward(golden));
        let gradient = clips.grad(&value.backward()).expect("the clip is tracked");
        match objective {
            Objective::Shift => assert_gradient(golden, &key("shift_input_grad"), &gradient),
            _ => assert_gradient(golden, &key("entropy_input_grad_norm"), &gradient.square().sum().sqrt()),
        }
    }
}

fn check_cross_entropy_gradient(golden: &Golden, model: &Recognizer) {
    let labels: Vec<usize> = golden.meta("labels");
    let clips = input(golden).autodiff().require_grad();
    let output = model.forward(clips.clone(), &mut Pass::inference());
    let gradients = Objective::of_logits(output.logits, &labels).sum().backward();
    assert_gradient(golden, "eval.ce_input_grad", &clips.grad(&gradients).expect("the clip is tracked"));
}

fn check_training(golden: &Golden, model: Recognizer) {
    let labels: Vec<usize> = golden.meta("labels");
    let clips = input(golden).autodiff().require_grad();
    let mut pass = Pass::training(Branch::Main, 0);
    let output = model.forward(clips.clone(), &mut pass);
    golden.assert_close("train.logits", &output.logits.clone().inner(), forward(golden));
    let targets = soft_targets(&labels, model.classes(), 0.0, &output.logits.device().without_autodiff());
    let loss = classification_loss(&output, targets);
    golden.assert_close("train.loss", &loss.clone().inner(), forward(golden));
    let gradients = loss.backward();
    assert_gradient(golden, "train.input_grad", &clips.grad(&gradients).expect("the clip is tracked"));
    check_parameter_gradients(golden, &model, &gradients);
    check_running_statistics(golden, pass.update_running_statistics(model));
}

fn check_parameter_gradients(golden: &Golden, model: &Recognizer, gradients: &Gradients) {
    let parameters = published(model).into_iter().map(|parameter| (parameter.own.clone(), parameter)).collect();
    let mut reader = GradientReader { gradients, parameters, path: Vec::new(), found: HashMap::new() };
    model.visit(&mut reader);
    let names: Vec<String> = golden.meta("parameters");
    let rows: Vec<&[f32]> = names.iter().map(|name| reader.found[name].as_slice()).collect();
    let norms = rows.iter().map(|row| row.iter().map(|g| f64::from(*g).powi(2)).sum::<f64>().sqrt() as f32);
    assert_gradient_values(golden, "train.param_grad_norm", &norms.collect::<Vec<_>>());
    assert_gradient_values(golden, "train.param_grad_first8", &first::<8>(&rows));
}

fn check_running_statistics(golden: &Golden, model: Recognizer) {
    let state = state_dict(&model);
    let values =
        |parameter: PublishedParameter| (parameter.weight.name, state[&parameter.own].clone().try_into_vec().unwrap());
    let published: HashMap<String, Vec<f32>> = published(&model).into_iter().map(values).collect();
    let names: Vec<String> = golden.meta("running_stats");
    let rows: Vec<&[f32]> = names.iter().map(|name| published[name].as_slice()).collect();
    golden.assert_close_values("train.running_stat_first4", &first::<4>(&rows), forward(golden));
}

/// The first `N` values of each row, zeros where it is shorter.
fn first<const N: usize>(rows: &[&[f32]]) -> Vec<f32> {
    rows.iter().flat_map(|row| (0..N).map(|i| row.get(i).copied().unwrap_or(0.0))).collect()
}

/// Gradients of every parameter in PyTorch's names and layout.
struct GradientReader<'a> {
    gradients: &'a Gradients,
    /// By their names here.
    parameters: HashMap<String, PublishedParameter>,
    path: Vec<String>,
    found: HashMap<String, Vec<f32>>,
}

impl ModuleVisitor for GradientReader<'_> {
    fn enter_module(&mut self, name: &str, container: &str) {
        if !container.starts_with("Enum:") {
            self.path.push(name.to_owned());
        }
    }

    fn exit_module(&mut self, _: &str, container: &str) {
        if !container.starts_with("Enum:") {
            self.path.pop();
        }
    }

    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        let name = self.path.join(".");
        if let Some(gradient) = param.val().grad(self.gradients) {
            let parameter = &self.parameters[&name];
            let data = parameter.publish(gradient.into_data());
            self.found.insert(parameter.weight.name.clone(), data.try_into_vec().expect("gradients are f32"));
        }
    }
}
