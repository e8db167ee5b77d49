//! A training step, alone and many of them.

use burn::module::Module;
use burn::tensor::{Device, Tensor};
use taf::data::{ClipBatch, Sample, clips_to_tensor};
use taf::model::{BlockKind, Branch, Pass, Recognizer, RecognizerConfig, ResNetConfig, VideoModel, state_dict};
use taf::train::{Sgd, SgdConfig, StepOutcome, StepRecipe, TafConfig, train_step};
use taf_video::Seed;
use taf_video::synthetic::{Difficulty, MovingShapes};

const FRAMES: usize = 8;
const SIDE: usize = 32;

fn network(temporal: bool, classes: usize) -> Recognizer {
    let trunk = ResNetConfig { block: BlockKind::Basic, layers: vec![1, 1, 1], width: 16 };
    let config = if temporal { RecognizerConfig::tsm(trunk, classes) } else { RecognizerConfig::tsn(trunk, classes) };
    RecognizerConfig { dropout: 0.0, ..config }.init(&Device::flex().autodiff(), 0)
}

/// Clips of the first two classes, each other played backwards.
fn moving_shapes(range: std::ops::Range<usize>) -> Vec<Sample> {
    let shapes = MovingShapes::new(Seed::new(4), SIDE, FRAMES..=FRAMES, Difficulty::EASY).unwrap();
    let sample = |label: usize, index: usize| {
        let id = format!("{label}/{index}");
        Sample { clip: shapes.clip(label, index), label, id }
    };
    range.flat_map(|index| [sample(0, index), sample(1, index)]).collect()
}

fn train(mut model: Recognizer, recipe: &StepRecipe, steps: usize, rate: f64) -> (Recognizer, Vec<StepOutcome>) {
    let samples = moving_shapes(0..24);
    let config = SgdConfig { learning_rate: rate, weight_decay: 1e-4, ..SgdConfig::default() };
    let mut optimizer = Sgd::new(config);
    let mut outcomes = Vec::new();
    for step in 0..steps {
        let chosen = (0..8).map(|i| samples[(step * 8 + i * 7) % samples.len()].clone()).collect();
        let batch = ClipBatch { samples: chosen };
        let outcome;
        (model, outcome) = train_step(model, &mut optimizer, recipe, &batch, 1.0, Seed::new(1).at(step));
        outcomes.push(outcome);
    }
    (model, outcomes)
}

fn accuracy(model: &Recognizer) -> f64 {
    let samples = moving_shapes(100..130);
    let clips = clips_to_tensor(samples.iter().map(|sample| &sample.clip), &Device::flex());
    let logits: Tensor<2> = model.valid().forward(clips, &mut Pass::inference()).logits;
    let logits: Vec<f32> = logits.into_data().try_into_vec().unwrap();
    let right = logits.chunks(2).zip(&samples).filter(|(row, sample)| usize::from(row[1] > row[0]) == sample.label);
    right.count() as f64 / samples.len() as f64
}

const PLAIN: StepRecipe = StepRecipe { label_smoothing: 0.0, taf: None };

#[test]
fn shifted_features_learn_the_direction_of_time_and_single_frames_cannot() {
    let (tsm, _) = train(network(true, 2), &PLAIN, 90, 0.05);
    let (tsn, _) = train(network(false, 2), &PLAIN, 90, 0.05);
    let (tsm, tsn) = (accuracy(&tsm), accuracy(&tsn));
    assert!(tsm >= 0.8, "TSM reaches {tsm}");
    // A clip and its reversal have the same frames: TSN answers both alike.
    assert!((tsn - 0.5).abs() < 1e-9, "TSN reaches {tsn}");
}

#[test]
fn taf_trains_on_both_kinds_of_clips_in_either_branch() {
    for branch in [Branch::Main, Branch::Auxiliary] {
        let recipe = StepRecipe { label_smoothing: 0.0, taf: Some(TafConfig { branch, ..TafConfig::default() }) };
        let model = network(true, 2).with_auxiliary_norms();
        let (_, outcomes) = train(model, &recipe, 60, 0.05);
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
    let (with_taf, _) = train(model.clone(), &StepRecipe { label_smoothing: 0.0, taf: Some(taf) }, 3, 0.05);
    let (plain, _) = train(model.clone(), &PLAIN, 3, 0.05);
    // With weight 0 the perturbed clips leave the weights alone, so the main statistics must agree to the bit.
    assert_eq!(names(&with_taf, ".main."), names(&plain, ".main."));
    assert_ne!(names(&with_taf, ".auxiliary."), names(&model, ".auxiliary."));
    assert_eq!(names(&plain, ".auxiliary."), names(&model, ".auxiliary."));
}

#[test]
fn a_batch_that_diverges_leaves_the_model_as_it_was() {
    let model = network(true, 2);
    let before = state_dict(&model);
    let mut optimizer = Sgd::new(SgdConfig { learning_rate: f64::MAX, clip_norm: 0.0, ..SgdConfig::default() });
    let batch = ClipBatch { samples: moving_shapes(0..2) };
    let (broken, first) = train_step(model, &mut optimizer, &PLAIN, &batch, 1.0, Seed::new(1));
    assert!(first.is_finite());
    assert_ne!(state_dict(&broken), before, "the first step was taken");
    let before = state_dict(&broken);
    let (after, second) = train_step(broken, &mut optimizer, &PLAIN, &batch, 1.0, Seed::new(1));
    assert!(!second.is_finite());
    let bits = |state: taf::model::StateDict| {
        let values = state.into_values().flat_map(|data| data.try_into_vec::<f32>().unwrap());
        values.map(f32::to_bits).collect::<Vec<_>>()
    };
    assert_eq!(bits(state_dict(&after)), bits(before));
}

#[test]
fn gradients_of_a_fraction_of_perturbed_clips_are_counted_by_their_share() {
    let step = |fraction| {
        let recipe = StepRecipe { label_smoothing: 0.0, taf: Some(TafConfig { fraction, ..TafConfig::default() }) };
        let batch = ClipBatch { samples: moving_shapes(0..4) };
        let mut optimizer = Sgd::new(SgdConfig::default());
        train_step(network(true, 2), &mut optimizer, &recipe, &batch, 1.0, Seed::new(1)).1
    };
    let (whole, half) = (step(1.0), step(0.5));
    assert_eq!(whole.loss, half.loss, "the natural half of the step is the same");
    assert_ne!(whole.perturbed_loss, half.perturbed_loss);
    assert!(half.gradient_norm > 0.0 && half.gradient_norm != whole.gradient_norm);
}
