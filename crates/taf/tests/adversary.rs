//! What a perturbation may and may not do.

use burn::module::Module;
use burn::tensor::module::adaptive_avg_pool2d;
use burn::tensor::{Device, Int, Tensor, TensorData};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use taf::adversary::{AttendedClass, Norm, Objective, TemporalAdversary, minor_frames};
use taf::attention::{AttentionRule, TemporalAttention};
use taf::model::{
    BlockKind, Branch, Pass, Recognizer, RecognizerConfig, ResNetConfig, Statistics, VideoModel, VideoOutput,
    load_state, predictions, state_dict,
};

const FRAMES: usize = 6;
/// Adding a step to a pixel and clamping rounds by this much.
const ROUNDING: f32 = 1e-6;

fn model() -> Recognizer {
    let trunk = ResNetConfig { block: BlockKind::Basic, layers: vec![1, 1, 1], width: 8 };
    RecognizerConfig::tsm(trunk, 4).init(&Device::flex().autodiff(), 3)
}

fn clips() -> Tensor<5> {
    clips_of(24, 24)
}

fn clips_of(height: usize, width: usize) -> Tensor<5> {
    let mut rng = ChaCha8Rng::seed_from_u64(1);
    let shape = [3, FRAMES, 3, height, width];
    let values = (0..shape.iter().product()).map(|_| rng.random()).collect();
    Tensor::from_data(TensorData::new::<f32, _>(values, shape), &Device::flex())
}

const LABELS: [usize; 3] = [0, 3, 1];

fn label_tensor() -> Tensor<1, Int> {
    Tensor::from_data(LABELS.map(|label| label as i64), &Device::flex())
}

fn values<const D: usize>(x: Tensor<D>) -> Vec<f32> {
    x.into_data().try_into_vec().unwrap()
}

/// Per clip: the largest change and the Euclidean length of the change.
fn sizes(perturbed: Tensor<5>) -> Vec<(f32, f32)> {
    changes(perturbed - clips())
}

fn changes(delta: Tensor<5>) -> Vec<(f32, f32)> {
    let [_, time, channels, height, width] = delta.dims();
    let delta = values(delta);
    let size = |clip: &[f32]| {
        let most = clip.iter().fold(0.0_f32, |most, d| most.max(d.abs()));
        (most, clip.iter().map(|d| d * d).sum::<f32>().sqrt())
    };
    delta.chunks(time * channels * height * width).map(size).collect()
}

fn every_objective() -> impl Iterator<Item = TemporalAdversary> {
    let objectives =
        [Objective::Shift, Objective::Entropy, Objective::Divergence, Objective::CrossEntropy, Objective::Noise];
    let rules = [AttentionRule::Relu, AttentionRule::Softmax];
    objectives.into_iter().flat_map(move |objective| {
        rules.into_iter().map(move |rule| TemporalAdversary {
            objective,
            attention: TemporalAttention { rule, temperature: 1.0 },
            random_start: objective == Objective::Divergence,
            ..TemporalAdversary::default()
        })
    })
}

#[test]
fn every_perturbation_stays_within_its_budget_and_within_pixels() {
    for adversary in every_objective() {
        for (norm, epsilon) in [(Norm::Linf, 0.03), (Norm::L2, 0.7)] {
            for (steps, step_size) in [(1, None), (3, Some(epsilon / 2.0))] {
                let adversary = TemporalAdversary { norm, epsilon, steps, step_size, ..adversary.clone() };
                adversary.check("taf.adversary").expect("the settings are sound");
                let perturbed = adversary.perturb(&model(), clips(), &LABELS, 4).clips;
                for (most, length) in sizes(perturbed.clone()) {
                    let size = if norm == Norm::Linf { most } else { length };
                    assert!(size <= epsilon as f32 + ROUNDING, "{size} in {adversary:?}");
                    // Under the relu rule frames without positive evidence have no slope, and a clip may stay as it is.
                    let flat = adversary.attention.rule == AttentionRule::Relu && adversary.objective.uses_gradient();
                    assert!(flat || size > 0.1 * epsilon as f32, "hardly any change, {size}, in {adversary:?}");
                }
                assert!(values(perturbed).iter().all(|v| (0.0..=1.0).contains(v)), "{adversary:?}");
            }
        }
    }
}

#[test]
fn the_objective_rises() {
    let model = model();
    let every = every_objective().filter(|adversary| adversary.objective.uses_gradient());
    // Enlarged gradients point only roughly uphill: enough for a smooth objective, not for one with the relu rule's corners.
    let smooth = |adversary: &TemporalAdversary| adversary.attention.rule == AttentionRule::Softmax;
    let scaled = every_objective().filter(|adversary| adversary.objective.uses_gradient() && smooth(adversary));
    for (adversary, scale) in every.map(|adversary| (adversary, 1.0)).chain(scaled.map(|adversary| (adversary, 0.6))) {
        let several = |steps| {
            let step_size = Some(0.004);
            let adversary = TemporalAdversary { steps, step_size, epsilon: 0.03, scale, ..adversary.clone() };
            adversary.perturb(&model, clips(), &LABELS, 4).objective.iter().sum::<f32>()
        };
        let (before, after) = (several(1), several(6));
        assert!(after > before, "{before} to {after} at scale {scale} in {adversary:?}");
    }
}

#[test]
fn gradients_at_any_scale_keep_to_the_budget_and_the_pixels_of_the_clip() {
    let clips = clips_of(23, 17);
    let settings = [(Norm::Linf, 0.03), (Norm::L2, 0.7)];
    for (norm, epsilon) in settings {
        for (scale, steps) in [(0.9, 1), (0.5, 3), (0.3, 2), (0.01, 1)] {
            for random_start in [false, true] {
                let adversary = TemporalAdversary {
                    norm,
                    epsilon,
                    scale,
                    steps,
                    random_start,
                    step_size: Some(epsilon / 2.0),
                    ..TemporalAdversary::default()
                };
                adversary.check("taf.adversary").expect("the settings are sound");
                let perturbed = adversary.perturb(&model(), clips.clone(), &LABELS, 4).clips;
                assert_eq!(perturbed.dims(), clips.dims());
                for (most, length) in changes(perturbed.clone() - clips.clone()) {
                    let size = if norm == Norm::Linf { most } else { length };
                    assert!(size <= epsilon as f32 + ROUNDING, "{size} in {adversary:?}");
                    assert!(size > 0.1 * epsilon as f32, "hardly any change, {size}, in {adversary:?}");
                }
                assert!(values(perturbed).iter().all(|v| (0.0..=1.0).contains(v)), "{adversary:?}");
            }
        }
    }
}

#[test]
fn at_scale_1_a_step_is_the_sign_of_the_gradient_at_the_pixels_themselves_to_the_bit() {
    let (model, clips) = (model().valid(), clips());
    let adversary = TemporalAdversary::default();
    let leaf = clips.clone().autodiff().require_grad();
    let output = model.forward(leaf.clone(), &mut Pass::new(Statistics::Running, Branch::Main));
    let classes = label_tensor();
    let attention = adversary.attention.log_of(&output, model.cam_weights(&output, classes));
    let objective = Objective::Shift.of_log_attention(attention.clone(), attention.without_autodiff());
    let gradient = leaf.grad(&objective.sum().backward()).expect("the clip is tracked");
    let by_hand = (clips.clone() + gradient.sign() * adversary.epsilon).clamp(0.0, 1.0);
    let crafted = adversary.perturb(&model, clips, &LABELS, 4).clips;
    let bits = |clips: Tensor<5>| values(clips).into_iter().map(f32::to_bits).collect::<Vec<_>>();
    assert_eq!(bits(crafted), bits(by_hand));
}

#[test]
fn at_a_smaller_scale_the_network_is_asked_about_the_smaller_clip() {
    let model = model();
    let at = |scale, clips| {
        let adversary = TemporalAdversary { scale, ..TemporalAdversary::default() };
        let perturbed = adversary.perturb(&model, clips, &LABELS, 4);
        (values(perturbed.natural_attention.expect("the objective has a gradient")), perturbed.objective)
    };
    let halved = adaptive_avg_pool2d(clips().reshape([3 * FRAMES as i32, 3, 24, 24]), [12, 12]);
    assert_eq!(at(0.5, clips()), at(1.0, halved.reshape([3, FRAMES as i32, 3, 12, 12])));
}

#[test]
fn no_objective_changes_nothing_and_noise_uses_the_whole_budget() {
    let run = |objective| {
        let adversary = TemporalAdversary { objective, ..TemporalAdversary::default() };
        adversary.perturb(&model(), clips(), &LABELS, 4).clips
    };
    assert_eq!(values(run(Objective::None)), values(clips()));
    let noise = values(run(Objective::Noise) - clips());
    let epsilon = TemporalAdversary::default().epsilon as f32;
    let full = noise.iter().filter(|d| (d.abs() - epsilon).abs() < ROUNDING).count();
    assert!(full > noise.len() * 9 / 10, "{full} of {} pixel values moved by epsilon", noise.len());
}

#[test]
fn crafting_changes_neither_weights_nor_running_statistics() {
    let model = model().with_auxiliary_norms();
    let before = state_dict(&model);
    for statistics in [Statistics::Running, Statistics::Batch] {
        for branch in [Branch::Main, Branch::Auxiliary] {
            let adversary = TemporalAdversary { statistics, branch, steps: 2, ..TemporalAdversary::default() };
            adversary.perturb(&model, clips(), &LABELS, 4);
            assert_eq!(state_dict(&model), before, "{statistics:?} {branch:?}");
        }
    }
}

#[test]
fn the_same_seed_gives_the_same_perturbation_and_another_seed_another() {
    let adversary = TemporalAdversary { random_start: true, ..TemporalAdversary::default() };
    let run = |seed| values(adversary.perturb(&model(), clips(), &LABELS, seed).clips);
    assert_eq!(run(5), run(5));
    assert_ne!(run(5), run(6));
}

#[test]
fn the_perturbation_of_a_clip_does_not_depend_on_its_batch() {
    let adversary = TemporalAdversary::default();
    let together = adversary.perturb(&model(), clips(), &LABELS, 4).clips.narrow(0, 1, 1);
    let alone = adversary.perturb(&model(), clips().narrow(0, 1, 1), &LABELS[1..2], 4).clips;
    let differing = values(together - alone).iter().filter(|d| d.abs() > ROUNDING).count();
    // The sign of a gradient within rounding of zero may go either way.
    assert!(differing * 1000 < FRAMES * 3 * 24 * 24, "{differing} pixel values differ");
}

#[test]
fn a_model_on_the_plain_device_is_perturbed_alike() {
    let adversary = TemporalAdversary::default();
    let tracked = adversary.perturb(&model(), clips(), &LABELS, 4).clips;
    let plain = adversary.perturb(&model().valid(), clips(), &LABELS, 4).clips;
    assert_eq!(values(tracked), values(plain));
}

#[test]
fn predictions_can_stand_in_for_labels() {
    let model = model();
    let logits = values(model.valid().forward(clips(), &mut Pass::inference()).logits);
    let best = |row: &[f32]| (0..4).max_by(|&a, &b| row[a].total_cmp(&row[b])).unwrap();
    let adversary = TemporalAdversary { class: AttendedClass::Prediction, ..TemporalAdversary::default() };
    let perturbed = adversary.perturb(&model, clips(), &LABELS, 4);
    assert_eq!(perturbed.classes, logits.chunks(4).map(best).collect::<Vec<_>>());
}

#[test]
fn the_prediction_attended_to_is_that_of_the_clip_at_its_full_size() {
    let (model, clips) = (model(), gratings());
    let answers = |clips| predictions(&model.valid().forward(clips, &mut Pass::inference()).logits);
    let [batch, time, _, side, _] = clips.dims().map(|size| size as i32);
    let halved = adaptive_avg_pool2d(clips.clone().reshape([batch * time, 3, side, side]), [12, 12]);
    let (full, small) = (answers(clips.clone()), answers(halved.reshape([batch, time, 3, 12, 12])));
    assert_ne!(full, small, "the test needs a clip that is answered otherwise when it is small");
    for random_start in [false, true] {
        let class = AttendedClass::Prediction;
        let adversary = TemporalAdversary { class, scale: 0.5, random_start, ..TemporalAdversary::default() };
        let labels = vec![0; full.len()];
        assert_eq!(adversary.perturb(&model, clips.clone(), &labels, 4).classes, full);
    }
}

/// Clips of stripes, from one pixel wide, which halving turns grey, to several.
fn gratings() -> Tensor<5> {
    let side = 24;
    let value = |clip: usize, channel: usize, at: usize| {
        let (x, y) = (at % side, at / side);
        let along = if clip.is_multiple_of(2) { x } else { y };
        f32::from(u8::from((along / (1 + clip / 4) + channel * (clip % 4)).is_multiple_of(2)))
    };
    let frames =
        |clip| (0..FRAMES * 3).flat_map(move |plane| (0..side * side).map(move |at| value(clip, plane % 3, at)));
    let values: Vec<f32> = (0..16).flat_map(frames).collect();
    Tensor::from_data(TensorData::new(values, [16, FRAMES, 3, side, side]), &Device::flex())
}

#[test]
fn attention_that_lies_on_one_frame_alone_is_moved_too() {
    let model = model();
    let output = model.valid().forward(clips(), &mut Pass::inference());
    let weights = model.valid().cam_weights(&output, label_tensor());
    let peaked = |temperature| TemporalAttention { rule: AttentionRule::Softmax, temperature };
    // So cold that by far the most is on one frame: 1e-12 and less is left for the minor ones.
    let temperature = 1e-6;
    let attention = peaked(temperature).of(&output, weights);
    let minor = (attention.clone() * minor_frames(attention)).sum_dim(1).max().into_scalar::<f32>();
    assert!(minor < 1e-12, "{minor} on the minor frames");
    let adversary = TemporalAdversary { attention: peaked(temperature), ..TemporalAdversary::default() };
    let perturbed = adversary.perturb(&model, clips(), &LABELS, 4);
    assert_eq!(perturbed.flat, 0);
    for (most, _) in sizes(perturbed.clips) {
        assert!(most > 0.9 * adversary.epsilon as f32, "moved by {most}");
    }
}

#[test]
fn clips_without_any_slope_are_counted() {
    // Weights of zero: nothing that is seen argues for anything.
    let model = model();
    let zeros = state_dict(&model).into_iter().map(|(name, data)| (name, TensorData::zeros::<f32, _>(data.shape())));
    let blind = load_state(model, zeros.collect()).expect("names and shapes are the model's own");
    let perturbed = TemporalAdversary::default().perturb(&blind, clips(), &LABELS, 4);
    assert_eq!(perturbed.flat, LABELS.len());
    assert_eq!(values(perturbed.clips), values(clips()));
}

/// A network whose features are the clip's own colours, and for which brightness argues for every class.
#[derive(Module, Debug)]
struct Brightness {
    #[module(skip)]
    threshold: f32,
}

impl VideoModel for Brightness {
    fn forward(&self, clips: Tensor<5>, _: &mut Pass) -> VideoOutput {
        let [batch, time, _, height, width] = clips.dims();
        let features = clips.permute([0, 1, 3, 4, 2]) - self.threshold;
        let logits = features.clone().reshape([batch, time * height * width * 3]).mean_dim(1).expand([batch, 4]);
        VideoOutput::new(logits, features)
    }

    fn cam_weights(&self, output: &VideoOutput, classes: Tensor<1, Int>) -> Tensor<2> {
        Tensor::ones([classes.dims()[0], 3], &output.features.device().without_autodiff())
    }

    fn classes(&self) -> usize {
        4
    }
}

#[test]
fn a_clip_whose_minor_frames_have_no_positive_evidence_stays_and_is_counted_under_the_relu_rule() {
    let half = |level: f32| Tensor::<5>::full([LABELS.len(), FRAMES / 2, 3, 4, 4], level, &Device::flex());
    let clips = Tensor::cat(vec![half(0.9), half(0.1)], 1);
    let perturbed = |rule| {
        let attention = TemporalAttention { rule, temperature: 1.0 };
        let adversary = TemporalAdversary { attention, ..TemporalAdversary::default() };
        adversary.perturb(&Brightness { threshold: 0.5 }, clips.clone(), &LABELS, 4)
    };
    let relu = perturbed(AttentionRule::Relu);
    assert_eq!(values(relu.clips), values(clips.clone()));
    assert_eq!(relu.flat, LABELS.len());
    assert_eq!(perturbed(AttentionRule::Softmax).flat, 0, "evidence against a class counts there");
}

#[test]
fn senseless_settings_are_refused_by_name() {
    let refused = |change: fn(&mut TemporalAdversary)| {
        let mut adversary = TemporalAdversary::default();
        change(&mut adversary);
        adversary.check("taf.adversary").expect_err("the setting makes no sense").to_string()
    };
    assert!(refused(|a| a.epsilon = 8.0).contains("8/255"));
    assert!(refused(|a| a.epsilon = f64::NAN).contains("adversary.epsilon"));
    assert!(refused(|a| a.scale = 0.0).contains("adversary.scale"));
    assert!(refused(|a| a.scale = 1.5).contains("adversary.scale"));
    assert!(refused(|a| a.steps = 0).contains("adversary.steps"));
    assert!(refused(|a| a.step_size = Some(-1.0)).contains("adversary.step_size"));
    assert!(refused(|a| a.attention.temperature = 0.0).contains("adversary.attention.temperature"));
    assert!(refused(|a| a.objective = Objective::Divergence).contains("adversary.random_start"));
}

#[test]
fn a_seed_for_every_clip_gives_a_clip_the_same_in_whatever_batch() {
    let (model, seeds) = (model(), [7, 8, 9]);
    for objective in [Objective::CrossEntropy, Objective::Noise] {
        for (norm, epsilon) in [(Norm::Linf, 0.03), (Norm::L2, 0.7)] {
            let random_start = objective.uses_gradient();
            let epsilon_from = Some(epsilon / 2.0);
            let adversary = TemporalAdversary {
                objective,
                norm,
                epsilon,
                epsilon_from,
                random_start,
                ..TemporalAdversary::default()
            };
            let together = adversary.perturb_each(&model, clips(), &LABELS, &seeds).clips;
            for place in 0..3 {
                let alone = clips().narrow(0, place, 1);
                let alone = adversary.perturb_each(&model, alone, &LABELS[place..=place], &seeds[place..=place]).clips;
                assert_eq!(values(together.clone().narrow(0, place, 1)), values(alone), "{adversary:?}");
            }
            let other = adversary.perturb_each(&model, clips(), &LABELS, &[1, 8, 9]).clips;
            let changed =
                |clip| values(other.clone().narrow(0, clip, 1)) != values(together.clone().narrow(0, clip, 1));
            assert_eq!([0, 1, 2].map(changed), [true, false, false]);
        }
    }
}
