//! Steps on mixed clips minimise what their definitions say.

mod common;

use burn::tensor::{Device, Tensor};
use taf::data::{Blend, ClipBatch, CutMix, Mixed, Mixing, Mixup, MotionCoherent, Sample, SwapMix, VideoMix, Volume};
use taf::model::{
    BatchNormTraining, BlockKind, Branch, Pass, Recognizer, RecognizerConfig, ResNetConfig, StateDict, VideoModel,
    VideoOutput, state_dict,
};
use taf::train::{
    Optimizer, SgdConfig, Step, StepOutcome, TafConfig, TrainConfig, cross_entropy, divergence, soft_targets,
};
use taf_video::Seed;
use taf_video::synthetic::{Difficulty, MovingShapes};

const FRAMES: usize = 8;
const CLASSES: usize = 3;
const CLIPS: usize = 6;
/// Where the step of these tests grows from.
const SEED: Seed = Seed::new(1);
/// Sums in other orders.
const TOLERANCE: f32 = 1e-4;

fn network(config: fn(ResNetConfig, usize) -> RecognizerConfig) -> Recognizer {
    let trunk = ResNetConfig { block: BlockKind::Bottleneck, layers: vec![1, 1, 1, 1], width: 8 };
    RecognizerConfig { dropout: 0.0, ..config(trunk, CLASSES) }.init(&Device::flex().autodiff(), 0)
}

fn batch() -> ClipBatch {
    let shapes = MovingShapes::new(Seed::new(4), 32, FRAMES..=FRAMES, Difficulty::EASY).unwrap();
    let sample = |index: usize| {
        let label = index % CLASSES;
        Sample { clip: shapes.clip(label, index), label, id: index.to_string() }
    };
    ClipBatch { samples: (0..CLIPS).map(sample).collect() }
}

fn recipe(mix: Option<Mixing>) -> TrainConfig {
    let optimizer =
        SgdConfig { learning_rate: 1.0, momentum: 0.0, weight_decay: 0.0, clip_norm: 0.0, ..SgdConfig::default() };
    TrainConfig { mix, optimizer: optimizer.into(), ..TrainConfig::default() }
}

/// A step at rate 1 without momentum, decay and clipping.
fn take(train: &TrainConfig, taf: Option<&TafConfig>, model: Recognizer) -> (StateDict, StepOutcome) {
    let mut optimizer = Optimizer::new(train.optimizer.clone());
    let (model, outcome) =
        Step { train, taf, schedule: 1.0, epoch: 0.0, seed: SEED }.take(model, &mut optimizer, &batch());
    (state_dict(&model), outcome)
}

/// A loss by the book, of what the network says to clips, and what one step down its slope leaves of the network.
fn by_hand(
    model: Recognizer,
    clips: Tensor<5>,
    train: &TrainConfig,
    loss: impl FnOnce(&VideoOutput) -> Tensor<1>,
) -> (StateDict, f64) {
    let seed = SEED.with("dropout").value();
    let mut pass = Pass::training(Branch::Main, seed).with_norms(train.batch_norm);
    let loss = loss(&model.forward(clips, &mut pass));
    let value = f64::from(loss.clone().without_autodiff().into_scalar::<f32>());
    let mut gradients = taf::train::GradientSum::default();
    gradients.add(&model, loss.backward());
    let model = pass.update_running_statistics(model);
    let norm = gradients.norm();
    (state_dict(&Optimizer::new(train.optimizer.clone()).step(model, gradients, norm, 1.0)), value)
}

/// By how much weights and statistics differ at most, of the most that any of them moved.
fn difference(found: &StateDict, expected: &StateDict, before: &StateDict) -> f32 {
    let values = |state: &StateDict| state.values().flat_map(|data| data.iter::<f32>()).collect::<Vec<_>>();
    let (found, expected, before) = (values(found), values(expected), values(before));
    let most = |a: &[f32], b: &[f32]| a.iter().zip(b).fold(0.0f32, |most, (a, b)| most.max((a - b).abs()));
    assert!(most(&expected, &before) > 1e-3, "the step moves something");
    most(&found, &expected) / most(&expected, &before)
}

fn targets(labels: &[usize]) -> Tensor<2> {
    soft_targets(labels, CLASSES, 0.0, &Device::flex())
}

#[test]
fn a_step_on_mixed_clips_weighs_the_cross_entropy_of_both_labels() {
    let kinds = [
        Mixing::Mixup(Mixup { alpha: 1.0, share: 1.0 }),
        Mixing::CutMix(CutMix::default()),
        Mixing::VideoMix(VideoMix { volume: Volume::SpatioTemporal, ..VideoMix::default() }),
    ];
    for mix in kinds {
        let (model, train, batch) = (network(RecognizerConfig::tsm), recipe(Some(mix.clone())), batch());
        let (before, labels) = (state_dict(&model), batch.labels());
        let (found, outcome) = take(&train, None, model.clone());
        let mixed = mix.mix(&batch.to_tensor(&Device::flex()), SEED.with("mix"));
        let Mixed::Instead { clips, labels: Blend { partners, own } } = mixed else { panic!("every batch is mixed") };
        let others: Vec<usize> = partners.iter().map(|&partner| labels[partner]).collect();
        assert_ne!(others, labels);
        let (expected, loss) = by_hand(model, clips, &train, |output| {
            let of = |labels: &[usize]| cross_entropy(output.logits.clone(), targets(labels));
            of(&labels) * own + of(&others) * (1.0 - own)
        });
        assert!((outcome.loss - loss).abs() < 1e-5, "{mix:?}: {} for {loss}", outcome.loss);
        let worst = difference(&found, &expected, &before);
        assert!(worst <= TOLERANCE, "{mix:?}: {worst}");
    }
}

/// A fresh network says nearly the same to variants, so that the weight must be large to be seen.
const WEIGHT: f64 = 3000.0;

#[test]
fn motion_coherent_augmentation_learns_from_its_clips_and_holds_the_variants_to_the_answers() {
    for config in [RecognizerConfig::tsm, RecognizerConfig::tpn] {
        let mix = Mixing::Mca(MotionCoherent { alignment: WEIGHT, ..MotionCoherent::default() });
        let (model, train, batch) = (network(config), recipe(Some(mix.clone())), batch());
        let fresh = model.clone();
        let (before, labels, clips) = (state_dict(&model), batch.labels(), batch.to_tensor(&Device::flex()));
        let (found, outcome) = take(&train, None, model.clone());
        let Mixed::Beside { variants, .. } = mix.mix(&clips, SEED.with("mix")) else { panic!("every batch is mixed") };
        let (mut classification, mut apart) = (0.0, 0.0);
        let (expected, _) = by_hand(model, Tensor::cat(vec![clips, variants], 0), &train, |output| {
            let parts = |logits: &Tensor<2>| [0, 1].map(|half| logits.clone().narrow(0, half * CLIPS, CLIPS));
            let [answers, others] = parts(&output.logits);
            let mut loss = cross_entropy(answers.clone(), targets(&labels));
            if let Some(auxiliary) = &output.auxiliary {
                loss = loss + cross_entropy(parts(&auxiliary.logits)[0].clone(), targets(&labels)) * auxiliary.weight;
            }
            classification = f64::from(loss.clone().without_autodiff().into_scalar::<f32>());
            apart = f64::from(divergence(answers.clone(), others.clone()).without_autodiff().into_scalar::<f32>());
            // The entropy of a constant has no slope, so the cross-entropy to it is as good as the divergence.
            let fixed = burn::tensor::activation::softmax(answers.without_autodiff(), 1);
            loss + cross_entropy(others, fixed) * WEIGHT
        });
        assert!((outcome.loss - classification).abs() < 1e-5, "{} for {classification}", outcome.loss);
        let alignment = outcome.alignment.expect("it is a part of the loss");
        assert!((alignment / apart - 1.0).abs() < 1e-3, "{alignment} for {apart}");
        let worst = difference(&found, &expected, &before);
        assert!(worst <= TOLERANCE, "{worst}");
        let unaligned = Mixing::Mca(MotionCoherent { alignment: 0.0, ..MotionCoherent::default() });
        let (unaligned, _) = take(&recipe(Some(unaligned)), None, fresh);
        assert!(difference(&unaligned, &expected, &before) > 100.0 * TOLERANCE, "the divergence has a slope to follow");
    }
}

#[test]
fn perturbed_clips_are_crafted_from_clips_as_they_were_before_they_were_mixed() {
    // Frozen norms and a mixed half that the perturbed one does not touch: its loss is that of plain fine-tuning.
    let taf = TafConfig::default();
    let frozen = |mix| TrainConfig { batch_norm: BatchNormTraining::Frozen, ..recipe(mix) };
    let model = network(RecognizerConfig::tsm);
    let plain = take(&frozen(None), Some(&taf), model.clone()).1;
    for mix in [Mixing::Mixup(Mixup { alpha: 1.0, share: 1.0 }), Mixing::Mca(MotionCoherent::default())] {
        let mixed = take(&frozen(Some(mix.clone())), Some(&taf), model.clone()).1;
        assert_eq!(mixed.perturbed_loss, plain.perturbed_loss, "{mix:?}");
        assert_eq!(mixed.attention_entropy, plain.attention_entropy, "{mix:?}");
    }
}

#[test]
fn a_batch_that_is_not_mixed_is_that_of_plain_training_to_the_last_bit() {
    let model = network(RecognizerConfig::tsm);
    let plain = take(&recipe(None), None, model.clone());
    for mix in [
        Mixing::Mixup(Mixup { alpha: 0.2, share: 0.0 }),
        Mixing::SwapMix(SwapMix { alpha: 1.0, share: 0.0 }),
        Mixing::Mca(MotionCoherent { share: 0.0, ..MotionCoherent::default() }),
    ] {
        let found = take(&recipe(Some(mix.clone())), None, model.clone());
        assert!(found == plain, "{mix:?}");
    }
}

#[test]
fn accuracy_of_mixed_clips_is_counted_against_the_label_that_weighs_more() {
    let (mix, model) = (Mixing::Mixup(Mixup { alpha: 1.0, share: 1.0 }), network(RecognizerConfig::tsm));
    let Mixed::Instead { clips, labels } = mix.mix(&batch().to_tensor(&Device::flex()), SEED.with("mix")) else {
        panic!("every batch is mixed")
    };
    let mut pass = Pass::training(Branch::Main, 0);
    let logits = model.forward(clips, &mut pass).logits.without_autodiff();
    let right = taf::model::predictions(&logits).into_iter().zip(labels.labels(&batch().labels()));
    let expected = right.filter(|(predicted, label)| predicted == label).count() as f64 / CLIPS as f64;
    assert_eq!(take(&recipe(Some(mix)), None, model).1.accuracy, expected);
}
