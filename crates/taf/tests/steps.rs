//! What published training does besides descending: groups of parameters, batch norms that stand still, batches in pieces.

mod common;

use std::collections::BTreeMap;

use burn::tensor::{Device, TensorData};
use taf::data::{ClipBatch, Sample};
use taf::model::{
    BatchNormTraining, BlockKind, Branch, Recognizer, RecognizerConfig, ResNetConfig, StateDict, VideoModel, published,
    state_dict,
};
use taf::train::{
    AdamwConfig, Optimizer, OptimizerConfig, SgdConfig, Step, StepOutcome, TafConfig, TrainConfig, freeze,
};
use taf_video::Seed;
use taf_video::synthetic::{Difficulty, MovingShapes};

const FRAMES: usize = 8;
const CLASSES: usize = 3;

fn trunk() -> ResNetConfig {
    ResNetConfig { block: BlockKind::Bottleneck, layers: vec![1, 1, 1, 1], width: 8 }
}

fn network(config: RecognizerConfig) -> Recognizer {
    RecognizerConfig { dropout: 0.0, ..config }.init(&Device::flex().autodiff(), 0)
}

fn batch(count: usize) -> ClipBatch {
    let shapes = MovingShapes::new(Seed::new(4), 32, FRAMES..=FRAMES, Difficulty::EASY).unwrap();
    let sample = |index: usize| {
        let label = index % CLASSES;
        Sample { clip: shapes.clip(label, index), label, id: index.to_string() }
    };
    ClipBatch { samples: (0..count).map(sample).collect() }
}

/// How many parameters a repository's program puts into each group, as (factor of the rate, factor of the decay).
type Groups = Vec<((f64, f64), usize)>;

fn groups(config: &SgdConfig, model: &Recognizer) -> Groups {
    let mut counts = BTreeMap::<(u64, u64), usize>::new();
    for factors in OptimizerConfig::from(config.clone()).factors(model).values() {
        *counts.entry((factors.learning_rate.to_bits(), factors.weight_decay.to_bits())).or_default() += 1;
    }
    counts.into_iter().map(|((rate, decay), count)| ((f64::from_bits(rate), f64::from_bits(decay)), count)).collect()
}

fn factors_of(config: &SgdConfig, model: &Recognizer, published_name: &str) -> (f64, f64) {
    let own = published(model).into_iter().find(|parameter| parameter.weight.name == published_name);
    let own = own.unwrap_or_else(|| panic!("the network has {published_name}")).own;
    let factors = OptimizerConfig::from(config.clone()).factors(model)[&own];
    (factors.learning_rate, factors.weight_decay)
}

fn assert_table(config: &SgdConfig, model: &Recognizer, rows: &[(&str, (f64, f64))], counts: Groups) {
    for (name, expected) in rows {
        assert_eq!(factors_of(config, model, name), *expected, "{name}");
    }
    assert_eq!(groups(config, model), counts);
}

// The trunk has 17 convolutions (stem, three in each of four blocks, four shortcuts) with as many norms.

#[test]
fn groups_of_the_tsm_repository() {
    let config = SgdConfig { bias_factor: 2.0, head_factor: 5.0, linear_factor: 5.0, ..SgdConfig::default() };
    let rows = [
        ("base_model.conv1.weight", (1.0, 1.0)),
        ("base_model.bn1.weight", (1.0, 0.0)),
        ("base_model.bn1.bias", (1.0, 0.0)),
        ("base_model.layer1.0.conv1.weight", (1.0, 1.0)),
        ("base_model.layer4.0.downsample.0.weight", (1.0, 1.0)),
        ("new_fc.weight", (5.0, 1.0)),
        ("new_fc.bias", (10.0, 0.0)),
    ];
    let counts = vec![((1.0, 0.0), 34), ((1.0, 1.0), 17), ((5.0, 1.0), 1), ((10.0, 0.0), 1)];
    assert_table(&config, &network(RecognizerConfig::tsm(trunk(), CLASSES)), &rows, counts);
}

#[test]
fn groups_of_the_tam_repository_train_every_linear_layer_faster_and_mmaction2_only_the_classifier() {
    let tam = network(RecognizerConfig::tam(trunk(), CLASSES, FRAMES));
    let own = SgdConfig { bias_factor: 2.0, head_factor: 5.0, linear_factor: 5.0, ..SgdConfig::default() };
    let rows = [
        ("base_model.layer1.0.tam.G.0.weight", (5.0, 1.0)),
        ("base_model.layer1.0.tam.G.1.weight", (1.0, 0.0)),
        ("base_model.layer1.0.tam.G.3.weight", (5.0, 1.0)),
        ("base_model.layer1.0.tam.L.0.weight", (1.0, 1.0)),
        ("base_model.layer1.0.tam.L.3.weight", (1.0, 1.0)),
        ("new_fc.weight", (5.0, 1.0)),
        ("new_fc.bias", (10.0, 0.0)),
    ];
    // Four modules bring two linear layers, two convolutions over time and two norms each.
    let counts = vec![((1.0, 0.0), 50), ((1.0, 1.0), 25), ((5.0, 1.0), 9), ((10.0, 0.0), 1)];
    assert_table(&own, &tam, &rows, counts);
    let mmaction2 = SgdConfig { linear_factor: 1.0, ..own };
    let counts = vec![((1.0, 0.0), 50), ((1.0, 1.0), 33), ((5.0, 1.0), 1), ((10.0, 0.0), 1)];
    assert_table(&mmaction2, &tam, &[], counts);
}

#[test]
fn groups_of_the_gst_repository() {
    let config = SgdConfig { bias_factor: 2.0, ..SgdConfig::default() };
    let counts = vec![((1.0, 0.0), 34), ((1.0, 1.0), 22), ((2.0, 0.0), 1)];
    // Four blocks have a second convolution in the middle, over space and time.
    assert_table(&config, &network(RecognizerConfig::gst(trunk(), CLASSES)), &[], counts);
}

#[test]
fn the_tpn_repository_has_a_single_group() {
    let config = SgdConfig { nesterov: true, decay_norms_and_biases: true, ..SgdConfig::default() };
    let model = network(RecognizerConfig::tpn(trunk(), CLASSES));
    let found = groups(&config, &model);
    assert_eq!(found.iter().map(|(factors, _)| *factors).collect::<Vec<_>>(), [(1.0, 1.0)]);
}

fn take(train: &TrainConfig, taf: Option<&TafConfig>, model: Recognizer, clips: usize) -> (Recognizer, StepOutcome) {
    let mut optimizer = Optimizer::new(train.optimizer.clone());
    Step { train, taf, schedule: 1.0, epoch: 0.0, seed: Seed::new(1) }.take(model, &mut optimizer, &batch(clips))
}

/// Names of what differs between two states.
fn changed(before: &StateDict, after: &StateDict) -> Vec<String> {
    before.iter().filter(|(name, data)| after[*name] != **data).map(|(name, _)| name.clone()).collect()
}

#[test]
fn of_partial_batch_norm_the_first_norm_alone_learns_and_of_frozen_ones_none() {
    let models = [
        RecognizerConfig::tsm(trunk(), CLASSES),
        RecognizerConfig::tam(trunk(), CLASSES, FRAMES),
        RecognizerConfig::gst(trunk(), CLASSES),
        RecognizerConfig::tpn(trunk(), CLASSES),
    ];
    for (config, taf) in models.into_iter().flat_map(|config| [(config.clone(), false), (config, true)]) {
        let (temporal, taf) = (config.temporal, taf.then(TafConfig::default));
        let model = network(config);
        let before = state_dict(&model);
        let learnt = |batch_norm| {
            let train = TrainConfig { batch_norm, ..TrainConfig::default() };
            let names = changed(&before, &state_dict(&take(&train, taf.as_ref(), model.clone(), 4).0));
            let (norms, others): (Vec<_>, Vec<_>) = names.into_iter().partition(|name| name.contains("norm.main."));
            assert!(others.iter().any(|name| name.ends_with("stem.conv.weight")));
            norms
        };
        let stem: Vec<String> = learnt(BatchNormTraining::Train).into_iter().filter(|n| n.contains("stem")).collect();
        assert_eq!(stem.len(), 4, "{temporal:?}: {stem:?}");
        assert_eq!(learnt(BatchNormTraining::First), stem, "{temporal:?}");
        assert_eq!(learnt(BatchNormTraining::Frozen), Vec::<String>::new(), "{temporal:?}");
    }
}

/// The gradient of a step at rate 1 without momentum, decay and clipping: what the weights lost.
fn gradients(train: &TrainConfig, taf: Option<&TafConfig>, clips: usize) -> (StateDict, StepOutcome, Vec<f32>) {
    let model = network(RecognizerConfig::tsm(trunk(), CLASSES));
    let before = state_dict(&model);
    let (model, outcome) = take(train, taf, model, clips);
    let after = state_dict(&model);
    let values = |state: &StateDict| state.values().flat_map(|data| data.iter::<f32>()).collect::<Vec<_>>();
    let lost = values(&before).iter().zip(values(&after)).map(|(before, after)| before - after).collect();
    (after, outcome, lost)
}

fn pieces(accumulate: usize, batch_norm: BatchNormTraining) -> TrainConfig {
    let optimizer =
        SgdConfig { learning_rate: 1.0, momentum: 0.0, weight_decay: 0.0, clip_norm: 0.0, ..SgdConfig::default() };
    TrainConfig { accumulate, batch_norm, optimizer: optimizer.into(), ..TrainConfig::default() }
}

#[test]
fn without_batch_statistics_pieces_make_the_gradient_of_the_whole_batch() {
    // Sums of other orders; the clips are not perturbed with random starts, which pieces draw elsewhere.
    const TOLERANCE: f32 = 1e-4;
    let taf = TafConfig::default();
    for taf in [None, Some(&taf)] {
        let (_, whole, expected) = gradients(&pieces(1, BatchNormTraining::Frozen), taf, 7);
        let largest = expected.iter().fold(0.0f32, |most, value| most.max(value.abs()));
        // Of seven clips, three pieces are of three, three and one.
        for accumulate in [2, 3, 7, 100] {
            let (_, outcome, found) = gradients(&pieces(accumulate, BatchNormTraining::Frozen), taf, 7);
            let worst = expected.iter().zip(&found).map(|(e, f)| (e - f).abs()).fold(0.0, f32::max);
            println!("{accumulate} pieces, TAF {}: {:.1e} of the largest", taf.is_some(), worst / largest);
            assert!(worst <= TOLERANCE * largest, "{accumulate} pieces: {worst} of {largest}");
            assert!((outcome.loss - whole.loss).abs() < 1e-5 && (outcome.accuracy - whole.accuracy).abs() < 1e-9);
            assert!((outcome.gradient_norm / whole.gradient_norm - 1.0).abs() < 1e-4);
        }
    }
}

#[test]
fn as_many_clips_are_perturbed_in_pieces_as_in_the_whole_batch() {
    // Two clips of eight: in eight pieces those are the first two pieces, in three the first two clips of the first.
    let taf = TafConfig { fraction: 0.25, ..TafConfig::default() };
    let (_, whole, expected) = gradients(&pieces(1, BatchNormTraining::Frozen), Some(&taf), 8);
    let largest = expected.iter().fold(0.0f32, |most, value| most.max(value.abs()));
    for accumulate in [3, 8] {
        let (_, outcome, found) = gradients(&pieces(accumulate, BatchNormTraining::Frozen), Some(&taf), 8);
        let worst = expected.iter().zip(&found).map(|(e, f)| (e - f).abs()).fold(0.0, f32::max);
        assert!(worst <= 1e-4 * largest, "{accumulate} pieces: {worst} of {largest}");
        let measured = |outcome: &StepOutcome| [outcome.perturbed_loss, outcome.attention_entropy].map(Option::unwrap);
        for (found, expected) in measured(&outcome).into_iter().zip(measured(&whole)) {
            assert!((found - expected).abs() < 1e-5, "{accumulate} pieces: {found} instead of {expected}");
        }
    }
}

#[test]
fn statistics_are_those_of_the_pieces_one_after_the_other() {
    let running = |train: &TrainConfig, clips| {
        let state = gradients(train, None, clips).0;
        let mean = state.iter().find(|(name, _)| name.ends_with("stem.norm.main.running_mean"));
        mean.expect("the stem has a norm").1.iter::<f32>().collect::<Vec<_>>()
    };
    let all = BatchNormTraining::Train;
    let [whole, halves] = [1, 2].map(|accumulate| running(&pieces(accumulate, all), 6));
    let first = running(&pieces(1, all), 3);
    // Two updates by a tenth: the first half's mean m1 counts 0.09, the second's m2 counts 0.1; of the whole, (m1 + m2) / 2
    // counts 0.1.
    for ((whole, halves), first) in whole.into_iter().zip(halves).zip(first) {
        let (m1, both) = (first / 0.1, whole / 0.1);
        let m2 = 2.0 * both - m1;
        assert!((halves - (0.09 * m1 + 0.1 * m2)).abs() < 1e-5, "{halves}, {m1} and {m2}");
    }
}

#[test]
fn frozen_layers_keep_weights_and_statistics_and_the_others_learn_on() {
    let models = [
        RecognizerConfig::tsm(trunk(), CLASSES),
        RecognizerConfig::tam(trunk(), CLASSES, FRAMES),
        RecognizerConfig::gst(trunk(), CLASSES),
        RecognizerConfig::tpn(trunk(), CLASSES),
        RecognizerConfig::tea(trunk(), CLASSES),
    ];
    let auxiliary = TafConfig { branch: Branch::Auxiliary, ..TafConfig::default() };
    for (config, taf) in models.into_iter().flat_map(|config| [(config.clone(), None), (config, Some(&auxiliary))]) {
        let temporal = config.temporal;
        let layers = ["stem", "layer1", "stages.2"].map(str::to_owned).to_vec();
        for optimizer in [SgdConfig::default().into(), OptimizerConfig::from(AdamwConfig::default())] {
            let train = TrainConfig { freeze: layers.clone(), optimizer, ..TrainConfig::default() };
            let model = freeze(network(config.clone()).with_auxiliary_norms(), &train).unwrap();
            let before = state_dict(&model);
            let changed = changed(&before, &state_dict(&take(&train, taf, model, 4).0));
            let is_frozen =
                |name: &str| ["trunk.stem.", "trunk.stages.0.", "trunk.stages.2."].iter().any(|l| name.starts_with(l));
            assert_eq!(changed.iter().filter(|name| is_frozen(name)).count(), 0, "{temporal:?}: {changed:?}");
            let learns = |name: &&String| !is_frozen(name) && (taf.is_some() || !name.contains("norm.auxiliary."));
            let others: Vec<&String> = before.keys().filter(learns).collect();
            // Some first weights are zero or meet no gradient yet.
            assert!(changed.len() * 10 > others.len() * 9, "{temporal:?}: {} of {}", changed.len(), others.len());
        }
    }
}

#[test]
fn layers_that_learn_above_and_below_frozen_ones_have_the_gradient_they_would_have() {
    let of = |layers: &[&str]| {
        let freeze = layers.iter().map(ToString::to_string).collect();
        TrainConfig { freeze, ..pieces(2, BatchNormTraining::Frozen) }
    };
    let learnt = |train: &TrainConfig| {
        let model = freeze(network(RecognizerConfig::tsm(trunk(), CLASSES)), train).unwrap();
        let before = state_dict(&model);
        let after = state_dict(&take(train, None, model, 4).0);
        (before, after)
    };
    let (before, all) = learnt(&of(&[]));
    let values = |data: &TensorData| data.iter::<f32>().collect::<Vec<_>>();
    for frozen in [&["stem", "layer1"][..], &["layer3"]] {
        let (_, found) = learnt(&of(frozen));
        let learns = |name: &str| found[name] != before[name];
        assert!(found.keys().any(|name| !learns(name) && all[name] != before[name]), "{frozen:?} freezes nothing");
        for name in found.keys().filter(|name| learns(name)) {
            let (found, expected, start) = (values(&found[name]), values(&all[name]), values(&before[name]));
            let largest = expected.iter().zip(&start).map(|(e, s)| (e - s).abs()).fold(0.0, f32::max);
            let worst = expected.iter().zip(&found).map(|(e, f)| (e - f).abs()).fold(0.0, f32::max);
            assert!(worst <= 1e-3 * largest, "{name}: {worst} of {largest}");
        }
    }
}

#[test]
fn with_a_frozen_first_norm_partial_batch_norm_has_none_that_learns() {
    let train =
        TrainConfig { freeze: vec!["stem".into()], batch_norm: BatchNormTraining::First, ..TrainConfig::default() };
    let model = freeze(network(RecognizerConfig::tsm(trunk(), CLASSES)), &train).unwrap();
    let before = state_dict(&model);
    let changed = changed(&before, &state_dict(&take(&train, None, model, 4).0));
    assert!(!changed.is_empty() && !changed.iter().any(|name| name.contains("norm.main.")), "{changed:?}");
}

#[test]
fn the_learning_rate_is_scaled_by_the_size_of_the_batch() {
    let train = |base_batch| TrainConfig { base_batch, ..TrainConfig::default() };
    assert_eq!(
        [train(None).rate_scale(20), train(Some(64)).rate_scale(16), train(Some(8)).rate_scale(12)],
        [1.0, 0.25, 1.5]
    );
}
