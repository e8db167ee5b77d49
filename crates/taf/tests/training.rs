//! A training step, alone and many of them.

mod common;

use burn::module::Module;
use burn::tensor::{Device, Tensor};
use common::network;
use taf::adversary::minor_frames;
use taf::attention::class_activation_map;
use taf::data::{ClipBatch, Sample, clips_to_tensor};
use taf::model::{
    BlockKind, Branch, MobileNetV2Config, Pass, Recognizer, RecognizerConfig, ResNetConfig, VideoModel, state_dict,
};
use taf::train::{Optimizer, SgdConfig, Step, StepOutcome, TafConfig, TrainConfig};
use taf_video::Seed;
use taf_video::synthetic::{Difficulty, MovingShapes};

const FRAMES: usize = 8;
const SIDE: usize = 32;

fn network(temporal: bool, classes: usize) -> Recognizer {
    let trunk = ResNetConfig { block: BlockKind::Basic, layers: vec![1, 1, 1], width: 16 };
    let config = if temporal { RecognizerConfig::tsm(trunk, classes) } else { RecognizerConfig::tsn(trunk, classes) };
    RecognizerConfig { dropout: 0.0, ..config }.init(&Device::flex().autodiff(), 0)
}

/// A pyramid needs four stages, each of which halves the sides.
fn pyramid() -> Recognizer {
    let trunk = ResNetConfig { block: BlockKind::Bottleneck, layers: vec![1, 1, 1, 1], width: 8 };
    let config = RecognizerConfig { dropout: 0.0, ..RecognizerConfig::tpn(trunk, 2) };
    config.init(&Device::flex().autodiff(), 0)
}

fn mobile() -> Recognizer {
    let config = RecognizerConfig::tsm(MobileNetV2Config { width: 8 }, 2);
    RecognizerConfig { dropout: 0.0, ..config }.init(&Device::flex().autodiff(), 0)
}

/// Clips of the first two classes, each other played backwards.
fn moving_shapes(range: std::ops::Range<usize>) -> Vec<Sample> {
    moving_shapes_of(SIDE, range)
}

fn moving_shapes_of(side: usize, range: std::ops::Range<usize>) -> Vec<Sample> {
    let shapes = MovingShapes::new(Seed::new(4), side, FRAMES..=FRAMES, Difficulty::EASY).unwrap();
    let sample = |label: usize, index: usize| {
        let id = format!("{label}/{index}");
        Sample { clip: shapes.clip(label, index), label, id }
    };
    range.flat_map(|index| [sample(0, index), sample(1, index)]).collect()
}

/// One step at the full learning rate.
fn step(
    taf: Option<&TafConfig>,
    seed: Seed,
    model: Recognizer,
    optimizer: &mut Optimizer,
    batch: &ClipBatch,
) -> (Recognizer, StepOutcome) {
    Step { train: &TrainConfig::default(), taf, schedule: 1.0, epoch: 0.0, seed }.take(model, optimizer, batch)
}

fn train(model: Recognizer, taf: Option<&TafConfig>, steps: usize, rate: f64) -> (Recognizer, Vec<StepOutcome>) {
    train_on(&moving_shapes(0..24), model, taf, steps, rate)
}

fn train_on(
    samples: &[Sample],
    mut model: Recognizer,
    taf: Option<&TafConfig>,
    steps: usize,
    rate: f64,
) -> (Recognizer, Vec<StepOutcome>) {
    let config = SgdConfig { learning_rate: rate, weight_decay: 1e-4, ..SgdConfig::default() };
    let mut optimizer = Optimizer::new(config);
    let mut outcomes = Vec::new();
    for number in 0..steps {
        let chosen = (0..8).map(|i| samples[(number * 8 + i * 7) % samples.len()].clone()).collect();
        let batch = ClipBatch { samples: chosen };
        let outcome;
        (model, outcome) = step(taf, Seed::new(1).at(number), model, &mut optimizer, &batch);
        outcomes.push(outcome);
    }
    (model, outcomes)
}

fn accuracy(model: &Recognizer) -> f64 {
    accuracy_on(&moving_shapes(100..130), model)
}

fn accuracy_on(samples: &[Sample], model: &Recognizer) -> f64 {
    let clips = clips_to_tensor(samples.iter().map(|sample| &sample.clip), &Device::flex());
    let logits: Tensor<2> = model.valid().forward(clips, &mut Pass::inference()).logits;
    let logits: Vec<f32> = logits.into_data().try_into_vec().unwrap();
    let right = logits.chunks(2).zip(samples).filter(|(row, sample)| usize::from(row[1] > row[0]) == sample.label);
    right.count() as f64 / samples.len() as f64
}

#[test]
fn shifted_features_learn_the_direction_of_time_and_single_frames_cannot() {
    let (tsm, _) = train(network(true, 2), None, 90, 0.05);
    let (tsn, _) = train(network(false, 2), None, 90, 0.05);
    let (tsm, tsn) = (accuracy(&tsm), accuracy(&tsn));
    assert!(tsm >= 0.8, "TSM reaches {tsm}");
    // A clip and its reversal have the same frames: TSN answers both alike.
    assert!((tsn - 0.5).abs() < 1e-9, "TSN reaches {tsn}");
}

/// Deep networks need larger pictures than the others here, or nothing is left of them at the end.
const LARGE_SIDE: usize = 64;

#[test]
fn shifted_features_of_a_mobile_network_learn_the_direction_of_time() {
    let samples = moving_shapes_of(LARGE_SIDE, 0..24);
    let (model, outcomes) = train_on(&samples, mobile(), None, 120, 0.05);
    let reached = accuracy_on(&moving_shapes_of(LARGE_SIDE, 100..130), &model);
    println!("MobileNetV2 with shift reaches {reached}, last loss {}", outcomes[119].loss);
    assert!(reached >= 0.7, "MobileNetV2 with shift reaches {reached}, TSN cannot exceed 0.5");
}

#[test]
fn a_pyramid_learns_the_direction_of_time_and_its_attention_resembles_grad_cam_of_each_frame() {
    let (samples, unseen) = (moving_shapes_of(LARGE_SIDE, 0..24), moving_shapes_of(LARGE_SIDE, 100..130));
    let untrained = pyramid();
    let (model, outcomes) = train_on(&samples, untrained.clone(), None, 90, 0.02);
    let reached = accuracy_on(&unseen, &model);
    println!("TPN reaches {reached}, last loss {}", outcomes[89].loss);
    assert!(reached >= 0.8, "TPN reaches {reached}, TSN cannot exceed 0.5");
    let agreements = [&untrained, &model].map(|model| agreement(&model.valid(), &unseen));
    println!("agreement of constant weights with Grad-CAM of each frame, and with slope times feature:");
    println!("untrained {:?}\ntrained {:?}", agreements[0], agreements[1]);
    // Chance is 0 and 0.5.
    for Agreement { correlation, overlap } in agreements.map(|both| both[0]) {
        assert!(correlation > 0.1 && overlap > 0.5, "correlation {correlation}, overlap {overlap}");
    }
}

/// How far one set of channel weights for all frames stands in for weights of each frame.
#[derive(Clone, Copy, Debug)]
struct Agreement {
    /// Of the evidence over frames, mean over clips.
    correlation: f64,
    /// Share of the minor frames that both name.
    overlap: f64,
}

fn agreement(model: &Recognizer, samples: &[Sample]) -> [Agreement; 2] {
    let clips = clips_to_tensor(samples.iter().map(|sample| &sample.clip), &Device::flex());
    let output = model.forward(clips, &mut Pass::inference());
    let labels: Vec<i64> = samples.iter().map(|sample| sample.label as i64).collect();
    let classes = Tensor::from_data(labels.as_slice(), &Device::flex());
    let by_frame = |cam: Tensor<4>| {
        let [batch, time, height, width] = cam.dims();
        cam.reshape([batch, time, height * width]).mean_dim(2).reshape([batch, time])
    };
    let constant = by_frame(class_activation_map(output.features.clone(), model.cam_weights(&output, classes.clone())));
    let slopes = model.feature_slopes(&output, classes).expect("a pyramid's slopes are not constant");
    // Grad-CAM of every frame for itself: weights are means over its places only.
    let means = slopes.clone().mean_dim(2).mean_dim(3);
    [means, slopes].map(|weights| {
        let exact = by_frame((output.features.clone() * weights).sum_dim(4).squeeze_dim(4));
        let [one, other] = [&constant, &exact].map(|x| minor_frames(x.clone()));
        let overlap = (one.clone() * other).sum().into_scalar::<f32>() / one.sum().into_scalar::<f32>();
        Agreement { correlation: correlation(constant.clone(), exact), overlap: f64::from(overlap) }
    })
}

/// Pearson's, of each row, mean over rows.
fn correlation(a: Tensor<2>, b: Tensor<2>) -> f64 {
    let centred = |x: Tensor<2>| x.clone() - x.mean_dim(1);
    let (a, b) = (centred(a), centred(b));
    let lengths = (a.clone().square().sum_dim(1) * b.clone().square().sum_dim(1)).sqrt();
    f64::from(((a * b).sum_dim(1) / lengths.clamp_min(1e-30)).mean().into_scalar::<f32>())
}

/// Networks with a temporal module in every bottleneck, on small trunks.
fn networks_of_bottlenecks() -> Vec<(&'static str, Recognizer)> {
    let trunk = ResNetConfig { block: BlockKind::Bottleneck, layers: vec![2, 2, 1], width: 16 };
    let fresh = |config| RecognizerConfig { dropout: 0.0, ..config }.init(&Device::flex().autodiff(), 0);
    network::of_bottlenecks(&trunk, 2, FRAMES).into_iter().map(|(name, config)| (name, fresh(config))).collect()
}

#[test]
fn adaptive_filters_and_convolutions_over_time_learn_its_direction_too() {
    // Single frames reach 0.5; 42 of 60 by chance have a probability of 0.001. TAM, whose kernels are the mean of three
    // frames at first, learns slowest.
    for (name, network) in networks_of_bottlenecks() {
        let (network, _) = train(network, None, 90, 0.05);
        let accuracy = accuracy(&network);
        println!("{name}: {accuracy}");
        assert!(accuracy >= 0.7, "{name} reaches {accuracy}");
    }
}

#[test]
fn adaptive_filters_and_convolutions_over_time_learn_a_batch_by_heart() {
    for (name, mut model) in networks_of_bottlenecks() {
        let batch = ClipBatch { samples: moving_shapes(0..4) };
        let config = SgdConfig { learning_rate: 0.02, weight_decay: 0.0, ..SgdConfig::default() };
        let mut optimizer = Optimizer::new(config);
        let mut losses = Vec::new();
        for number in 0..60 {
            let outcome;
            (model, outcome) = step(None, Seed::new(2).at(number), model, &mut optimizer, &batch);
            losses.push(outcome.loss);
        }
        let (first, last) = (losses[0], losses[losses.len() - 1]);
        println!("{name}: {first} to {last}");
        assert!(last < 0.05 * first, "{name}: {first} to {last}");
    }
}

#[test]
fn taf_trains_on_both_kinds_of_clips_in_either_branch() {
    for branch in [Branch::Main, Branch::Auxiliary] {
        let taf = TafConfig { branch, ..TafConfig::default() };
        let model = network(true, 2).with_auxiliary_norms();
        let (_, outcomes) = train(model, Some(&taf), 60, 0.05);
        let mean =
            |part: &[StepOutcome], of: fn(&StepOutcome) -> f64| part.iter().map(of).sum::<f64>() / part.len() as f64;
        for of in [|o: &StepOutcome| o.loss, |o: &StepOutcome| o.perturbed_loss.expect("clips were perturbed")] {
            let (first, last) = (mean(&outcomes[..10], of), mean(&outcomes[50..], of));
            assert!(last < 0.8 * first, "{branch:?}: {first} to {last}");
        }
    }
}

#[test]
fn only_the_auxiliary_branch_learns_from_perturbed_statistics() {
    let taf = TafConfig { branch: Branch::Auxiliary, weight: 0.0, ..TafConfig::default() };
    let model = network(true, 2).with_auxiliary_norms();
    let names = |model: &Recognizer, part: &str| {
        let state = state_dict(model);
        state.into_iter().filter(|(name, _)| name.contains(part) && name.contains("running")).collect::<Vec<_>>()
    };
    let (with_taf, _) = train(model.clone(), Some(&taf), 3, 0.05);
    let (plain, _) = train(model.clone(), None, 3, 0.05);
    // With weight 0 the perturbed clips leave the weights alone, so the main statistics must agree to the bit.
    assert_eq!(names(&with_taf, ".main."), names(&plain, ".main."));
    assert_ne!(names(&with_taf, ".auxiliary."), names(&model, ".auxiliary."));
    assert_eq!(names(&plain, ".auxiliary."), names(&model, ".auxiliary."));
}

#[test]
fn a_batch_that_diverges_leaves_the_model_as_it_was() {
    let model = network(true, 2);
    let before = state_dict(&model);
    let mut optimizer = Optimizer::new(SgdConfig { learning_rate: f64::MAX, clip_norm: 0.0, ..SgdConfig::default() });
    let batch = ClipBatch { samples: moving_shapes(0..2) };
    let (broken, first) = step(None, Seed::new(1), model, &mut optimizer, &batch);
    assert!(first.is_finite());
    assert_ne!(state_dict(&broken), before, "the first step was taken");
    let before = state_dict(&broken);
    let (after, second) = step(None, Seed::new(1), broken, &mut optimizer, &batch);
    assert!(!second.is_finite());
    let bits = |state: taf::model::StateDict| {
        let values = state.into_values().flat_map(|data| data.try_into_vec::<f32>().unwrap());
        values.map(f32::to_bits).collect::<Vec<_>>()
    };
    assert_eq!(bits(state_dict(&after)), bits(before));
}

#[test]
fn gradients_of_a_fraction_of_perturbed_clips_are_counted_by_their_share() {
    let outcome = |fraction| {
        let taf = TafConfig { fraction, ..TafConfig::default() };
        let batch = ClipBatch { samples: moving_shapes(0..4) };
        let mut optimizer = Optimizer::new(SgdConfig::default());
        step(Some(&taf), Seed::new(1), network(true, 2), &mut optimizer, &batch).1
    };
    let (whole, half) = (outcome(1.0), outcome(0.5));
    assert_eq!(whole.loss, half.loss, "the natural half of the step is the same");
    assert_ne!(whole.perturbed_loss, half.perturbed_loss);
    assert!(half.gradient_norm > 0.0 && half.gradient_norm != whole.gradient_norm);
}
