//! Terms of the loss beside the labels: consistency of answers, and even attention.

use std::path::Path;

use burn::module::Module;
use burn::tensor::{Device, Tensor, TensorData};
use taf::adversary::{AttendedClass, Frames, Objective, TemporalAdversary};
use taf::attention::TemporalAttention;
use taf::data::{ClipBatch, Mixing, MotionCoherent, Sample, clips_to_tensor};
use taf::model::{
    BatchNormTraining, BlockKind, Branch, Pass, Recognizer, RecognizerConfig, ResNetConfig, StateDict, VideoModel,
    load_state, predictions, state_dict,
};
use taf::recipe::Recipe;
use taf::train::{Crafting, Optimizer, SgdConfig, Step, StepOutcome, TafConfig, TrainConfig, divergence, unevenness};
use taf_video::Seed;
use taf_video::synthetic::{Difficulty, MovingShapes};

const FRAMES: usize = 8;
const CLASSES: usize = 3;
const CLIPS: usize = 6;
/// Half the way of a central difference along a direction of length 1.
const STEP: f64 = 2e-3;

fn trunk() -> ResNetConfig {
    ResNetConfig { block: BlockKind::Bottleneck, layers: vec![1, 1, 1, 1], width: 8 }
}

fn network(config: RecognizerConfig) -> Recognizer {
    RecognizerConfig { dropout: 0.0, ..config }.init(&Device::flex().autodiff(), 0)
}

/// A network that has learnt a little, so that its answers and its attention have slopes worth measuring.
fn tsm() -> Recognizer {
    let train = TrainConfig { batch_norm: BatchNormTraining::Frozen, ..TrainConfig::default() };
    learn(network(RecognizerConfig::tsm(trunk(), CLASSES)), &train, None, 8).0
}

fn learn(
    mut model: Recognizer,
    train: &TrainConfig,
    taf: Option<&TafConfig>,
    steps: usize,
) -> (Recognizer, Vec<StepOutcome>) {
    let mut optimizer = Optimizer::new(SgdConfig { learning_rate: 0.05, ..SgdConfig::default() });
    let mut outcomes = Vec::new();
    for number in 0..steps {
        let step = Step { train, taf, schedule: 1.0, epoch: 0.0, seed: Seed::new(2).at(number) };
        let (next, outcome) = step.take(model, &mut optimizer, &batch());
        model = next;
        outcomes.push(outcome);
    }
    (model, outcomes)
}

fn batch() -> ClipBatch {
    let shapes = MovingShapes::new(Seed::new(4), 32, FRAMES..=FRAMES, Difficulty::EASY).unwrap();
    let sample = |index: usize| {
        let label = index % CLASSES;
        Sample { clip: shapes.clip(label, index), label, id: index.to_string() }
    };
    ClipBatch { samples: (0..CLIPS).map(sample).collect() }
}

fn labels() -> Vec<usize> {
    batch().samples.iter().map(|sample| sample.label).collect()
}

fn clips() -> Tensor<5> {
    clips_to_tensor(batch().samples.iter().map(|sample| &sample.clip), &Device::flex())
}

/// Frozen norms, so that weights alone are learnt; no momentum, decay and clipping, so that they lose their gradient.
fn plain_descent(accumulate: usize) -> TrainConfig {
    let optimizer =
        SgdConfig { learning_rate: 1.0, momentum: 0.0, weight_decay: 0.0, clip_norm: 0.0, ..SgdConfig::default() };
    let batch_norm = BatchNormTraining::Frozen;
    TrainConfig { accumulate, batch_norm, optimizer: optimizer.into(), ..TrainConfig::default() }
}

/// What a step measured, and the gradient it went down.
fn gradient(model: &Recognizer, taf: Option<&TafConfig>, accumulate: usize) -> (StepOutcome, StateDict) {
    let train = plain_descent(accumulate);
    let mut optimizer = Optimizer::new(train.optimizer.clone());
    let step = Step { train: &train, taf, schedule: 1.0, epoch: 0.0, seed: Seed::new(1) };
    let (after, outcome) = step.take(model.clone(), &mut optimizer, &batch());
    (outcome, combine(&state_dict(model), &state_dict(&after), |before, after| before - after))
}

fn combine(a: &StateDict, b: &StateDict, of: impl Fn(f32, f32) -> f32) -> StateDict {
    let pair = |(name, a): (&String, &TensorData)| {
        let values = a.iter::<f32>().zip(b[name].iter::<f32>()).map(|(a, b)| of(a, b)).collect();
        (name.clone(), TensorData::new::<f32, _>(values, a.shape().clone()))
    };
    a.iter().map(pair).collect()
}

fn length(state: &StateDict) -> f64 {
    state.values().flat_map(|data| data.iter::<f64>()).map(|value| value * value).sum::<f64>().sqrt()
}

/// How fast `function` rises along a direction, by central differences.
fn slope(model: &Recognizer, direction: &StateDict, function: impl Fn(&Recognizer) -> f64) -> f64 {
    let size = length(direction);
    let at = |way: f64| {
        let moved = combine(&state_dict(model), direction, |w, d| (f64::from(w) + way * f64::from(d) / size) as f32);
        function(&load_state(model.clone(), moved).expect("names and shapes are the model's own"))
    };
    (at(STEP) - at(-STEP)) / (2.0 * STEP)
}

fn scalar(x: Tensor<1>) -> f64 {
    f64::from(x.into_scalar::<f32>())
}

fn learning_pass() -> Pass {
    Pass::training(Branch::Main, 0).with_norms(BatchNormTraining::Frozen)
}

/// What `term` adds to the gradient of a step must have the length of the slope of `function` along it, since no direction is
/// steeper than the gradient.
fn assert_adds(model: &Recognizer, taf: &TafConfig, weight: f64, function: impl Fn(&Recognizer) -> f64) {
    let without = TafConfig { consistency: 0.0, evenness: 0.0, ..taf.clone() };
    let added = combine(&gradient(model, Some(taf), 1).1, &gradient(model, Some(&without), 1).1, |a, b| a - b);
    let (expected, found) = (weight * slope(model, &added, function), length(&added));
    println!("slope {expected}, gradient {found}");
    assert!(found > 1e-4 && (found - expected).abs() < 0.02 * found, "slope {expected}, gradient {found}");
}

/// Unevenness of the attention for `classes`, by hand.
fn uneven(model: &Recognizer, adversary: &TemporalAdversary, classes: &[usize]) -> f64 {
    let model = model.valid();
    let output = model.forward(clips(), &mut learning_pass());
    let classes: Vec<i64> = classes.iter().map(|&class| class as i64).collect();
    let classes = Tensor::from_data(TensorData::new::<i64, _>(classes, [CLIPS]), &Device::flex());
    scalar(unevenness(adversary.attention.log_of(&output, model.cam_weights(&output, classes))))
}

#[test]
fn evenness_adds_the_gradient_of_the_natural_attention_through_features_and_classifier() {
    let attention = TemporalAttention { temperature: 0.5, ..Default::default() };
    let with = |objective, class, weight| {
        let adversary = TemporalAdversary { objective, class, attention, ..TemporalAdversary::default() };
        TafConfig { evenness: weight, adversary, ..TafConfig::default() }
    };
    let model = tsm();
    let answers = predictions(&model.valid().forward(clips(), &mut learning_pass()).logits);
    for (class, classes) in [(AttendedClass::Label, labels()), (AttendedClass::Prediction, answers)] {
        for taf in [with(Objective::None, class, 2.0), with(Objective::Shift, AttendedClass::Label, 0.5)] {
            let classes = if taf.adversary.class == AttendedClass::Label { labels() } else { classes.clone() };
            assert_adds(&model, &taf, taf.evenness, |model| uneven(model, &taf.adversary, &classes));
            let measured = gradient(&model, Some(&taf), 1).0.unevenness.expect("it is a part of the loss");
            let by_hand = uneven(&model, &taf.adversary, &classes);
            assert!((measured - by_hand).abs() < 1e-5, "{measured} and {by_hand}");
        }
    }
}

#[test]
fn consistency_adds_the_gradient_of_the_divergence_from_constant_natural_answers() {
    let model = tsm();
    let adversary = TemporalAdversary { objective: Objective::CrossEntropy, epsilon: 0.1, ..Default::default() };
    for (weight, fraction) in [(1.0, 1.0), (0.0, 0.5)] {
        let taf =
            TafConfig { weight, fraction, consistency: 0.7, adversary: adversary.clone(), ..TafConfig::default() };
        let count = (CLIPS as f64 * fraction) as usize;
        let seed = Seed::new(1).with("adversary").value();
        let perturbed = adversary.perturb(&model, clips().narrow(0, 0, count), &labels()[..count], seed).clips;
        let answers = |model: &Recognizer, clips| model.valid().forward(clips, &mut learning_pass()).logits;
        let natural = answers(&model, clips()).narrow(0, 0, count);
        let apart = |model: &Recognizer| scalar(divergence(natural.clone(), answers(model, perturbed.clone())));
        assert_adds(&model, &taf, 0.7 * fraction, apart);
        let measured = gradient(&model, Some(&taf), 1).0.consistency.expect("it is a part of the loss");
        assert!((measured - apart(&model)).abs() < 1e-5, "{measured} and {}", apart(&model));
    }
}

#[test]
fn both_are_means_over_the_batch_however_many_pieces_it_is_taken_in() {
    let adversary = TemporalAdversary { objective: Objective::CrossEntropy, ..TemporalAdversary::default() };
    let taf = TafConfig { fraction: 0.5, consistency: 0.7, evenness: 0.3, adversary, ..TafConfig::default() };
    let (whole, expected) = gradient(&tsm(), Some(&taf), 1);
    for accumulate in [2, 6] {
        let (outcome, found) = gradient(&tsm(), Some(&taf), accumulate);
        let off = length(&combine(&found, &expected, |a, b| a - b)) / length(&expected);
        assert!(off < 1e-4, "{accumulate} pieces: off by {off}");
        for of in [|o: &StepOutcome| o.consistency.unwrap(), |o: &StepOutcome| o.unevenness.unwrap()] {
            assert!((of(&outcome) - of(&whole)).abs() < 1e-5, "{accumulate} pieces");
        }
    }
}

#[test]
fn a_pyramid_learns_even_attention_through_its_features_alone() {
    let model = network(RecognizerConfig::tpn(trunk(), CLASSES));
    let attention = TemporalAttention { temperature: 1e-4, ..Default::default() };
    let adversary = TemporalAdversary { objective: Objective::None, attention, ..TemporalAdversary::default() };
    let taf = TafConfig { evenness: 10.0, adversary, ..TafConfig::default() };
    let (outcome, even) = gradient(&model, Some(&taf), 1);
    assert!(outcome.unevenness.is_some_and(|value| value > 0.0));
    let added = combine(&even, &gradient(&model, None, 1).1, |a, b| a - b);
    let moved: Vec<&String> = added
        .iter()
        .filter(|(_, data)| data.iter::<f32>().any(|value| value.abs() > 1e-6))
        .map(|(name, _)| name)
        .collect();
    assert!(moved.iter().any(|name| name.starts_with("trunk.")), "{moved:?}");
    assert!(!moved.iter().any(|name| name.starts_with("head.") || name.starts_with("neck.")), "{moved:?}");
}

#[test]
fn training_with_evenness_alone_evens_attention_out() {
    let adversary = TemporalAdversary { objective: Objective::None, ..TemporalAdversary::default() };
    let after = |evenness| {
        let taf = TafConfig { evenness, adversary: adversary.clone(), ..TafConfig::default() };
        let (_, outcomes) = learn(tsm(), &TrainConfig::default(), Some(&taf), 25);
        outcomes[24].unevenness.expect("it is a part of the loss")
    };
    let (next_to_nothing, much) = (after(1e-9), after(3.0));
    assert!(much < 0.5 * next_to_nothing, "{much} of {next_to_nothing}");
}

#[test]
fn consistency_beside_mixed_clips_is_refused_unless_the_clips_stay() {
    let recipe =
        "[data]\nmanifest = \"m.jsonl\"\n[model]\nkind = \"tsm\"\ntrunk = \"tiny\"\n[taf]\nconsistency = 1.0\n";
    let check = |mix: &str| {
        let recipe = Recipe::parse(recipe, Path::new("r.toml"), &[format!("train.mix.kind={mix}")]).unwrap();
        recipe.check().map_err(|error| error.to_string())
    };
    assert!(check("swapmix").is_err_and(|error| error.contains("taf.consistency must be 0 where train.mix")));
    assert_eq!(check("mca"), Ok(()));
}

#[test]
fn of_clips_with_variants_beside_them_the_clips_alone_are_evened_out() {
    let adversary = TemporalAdversary { objective: Objective::None, ..TemporalAdversary::default() };
    let taf = TafConfig { evenness: 1.0, adversary: adversary.clone(), ..TafConfig::default() };
    let mix = Some(Mixing::Mca(MotionCoherent::default()));
    let train = TrainConfig { mix, ..plain_descent(1) };
    let mut optimizer = Optimizer::new(train.optimizer.clone());
    let step = Step { train: &train, taf: Some(&taf), schedule: 1.0, epoch: 0.0, seed: Seed::new(1) };
    let model = tsm();
    let by_hand = uneven(&model, &adversary, &labels());
    let measured = step.take(model, &mut optimizer, &batch()).1.unevenness.expect("it is a part of the loss");
    assert!((measured - by_hand).abs() < 1e-5, "{measured} and {by_hand}");
}

#[test]
fn auxiliary_norms_alone_see_perturbed_clips_whatever_is_asked_of_them() {
    let model = tsm().with_auxiliary_norms();
    let adversary = TemporalAdversary { frames: Frames::Major, cross_entropy: 1.0, ..TemporalAdversary::default() };
    let state = |taf: Option<&TafConfig>| {
        let train = TrainConfig { batch_norm: BatchNormTraining::Train, ..plain_descent(1) };
        state_dict(&learn(model.clone(), &train, taf, 1).0)
    };
    let of = |state: &StateDict, part: &str| {
        let found = state.clone().into_iter().filter(|(name, _)| name.contains(part) && name.contains("running"));
        found.collect::<Vec<_>>()
    };
    let (plain, before) = (state(None), state_dict(&model));
    for craft in [Crafting::OwnPass, Crafting::NaturalPass] {
        let (branch, adversary) = (Branch::Auxiliary, adversary.clone());
        let taf =
            TafConfig { branch, craft, weight: 0.0, consistency: 1.0, evenness: 1.0, adversary, ..Default::default() };
        let after = state(Some(&taf));
        assert_eq!(of(&after, ".main."), of(&plain, ".main."));
        assert_ne!(of(&after, ".auxiliary."), of(&before, ".auxiliary."));
        let gamma = |state: &StateDict| state.keys().find(|name| name.contains(".auxiliary.gamma")).cloned();
        let name = gamma(&after).expect("a norm has a gamma");
        assert_ne!(after[&name], before[&name], "the divergence reaches the auxiliary norms");
    }
}
