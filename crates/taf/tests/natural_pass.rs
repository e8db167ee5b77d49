//! Clips crafted from the training pass of the natural clips.

use std::path::Path;

use burn::tensor::Device;
use taf::adversary::{Budget, Frames, Objective, TemporalAdversary};
use taf::data::{ClipBatch, Sample};
use taf::model::{
    BatchNormTraining, BlockKind, Recognizer, RecognizerConfig, ResNetConfig, StateDict, Statistics, state_dict,
};
use taf::profile::{Phase, Profile, record};
use taf::recipe::Recipe;
use taf::train::{Crafting, Optimizer, Step, StepOutcome, TafConfig, TrainConfig, freeze};
use taf_video::Seed;
use taf_video::synthetic::{Difficulty, MovingShapes};

const FRAMES: usize = 8;
const CLASSES: usize = 3;

fn network(config: RecognizerConfig, dropout: f64) -> Recognizer {
    RecognizerConfig { dropout, ..config }.init(&Device::flex().autodiff(), 0)
}

fn every_network() -> Vec<RecognizerConfig> {
    let trunk = ResNetConfig { block: BlockKind::Bottleneck, layers: vec![1, 1, 1, 1], width: 8 };
    vec![
        RecognizerConfig::tsm(trunk.clone(), CLASSES),
        RecognizerConfig::tam(trunk.clone(), CLASSES, FRAMES),
        RecognizerConfig::gst(trunk.clone(), CLASSES),
        RecognizerConfig::tpn(trunk, CLASSES),
    ]
}

fn batch() -> ClipBatch {
    let shapes = MovingShapes::new(Seed::new(4), 32, FRAMES..=FRAMES, Difficulty::EASY).unwrap();
    let sample = |index: usize| {
        let label = index % CLASSES;
        Sample { clip: shapes.clip(label, index), label, id: index.to_string() }
    };
    ClipBatch { samples: (0..4).map(sample).collect() }
}

fn take(train: &TrainConfig, taf: &TafConfig, model: &Recognizer) -> (StateDict, StepOutcome) {
    let mut optimizer = Optimizer::new(train.optimizer.clone());
    let step = Step { train, taf: Some(taf), schedule: 1.0, epoch: 0.0, seed: Seed::new(1) };
    let (model, outcome) = step.take(model.clone(), &mut optimizer, &batch());
    (state_dict(&model), outcome)
}

fn crafted(craft: Crafting, adversary: &TemporalAdversary) -> TafConfig {
    TafConfig { craft, adversary: adversary.clone(), ..TafConfig::default() }
}

/// A step with crafting from the natural pass, and one with a pass of its own under the same statistics.
fn assert_alike(train: &TrainConfig, adversary: &TemporalAdversary, model: &Recognizer) {
    let [own, natural] = [Crafting::OwnPass, Crafting::NaturalPass].map(|craft| {
        let taf = crafted(craft, adversary);
        let recipe = "[data]\nmanifest = \"m.jsonl\"\n[model]\nkind = \"tsm\"\ntrunk = \"tiny\"\n";
        let mut recipe = Recipe::parse(recipe, Path::new("r.toml"), &[]).unwrap();
        recipe.taf = Some(taf.clone());
        recipe.check().expect("the settings are sound");
        take(train, &taf, model)
    });
    assert!(own.1.perturbed_loss.is_some_and(|loss| loss != own.1.loss));
    assert_eq!(own.1, natural.1, "{adversary:?}");
    assert!(own.0 == natural.0, "the weights differ after {adversary:?}");
}

#[test]
fn it_is_the_adversary_with_the_statistics_of_training_to_the_bit() {
    let statistics = Statistics::Batch;
    let base = TemporalAdversary { statistics, ..TemporalAdversary::default() };
    let adversaries = [
        base.clone(),
        TemporalAdversary { objective: Objective::CrossEntropy, ..base.clone() },
        TemporalAdversary { objective: Objective::Entropy, cross_entropy: 1.0, ..base.clone() },
        TemporalAdversary { frames: Frames::Major, budget: Budget::Neglect, epsilon_from: Some(0.001), ..base },
    ];
    for config in every_network() {
        let model = network(config, 0.0);
        for adversary in &adversaries {
            assert_alike(&TrainConfig::default(), adversary, &model);
        }
        assert_alike(&TrainConfig { accumulate: 3, ..TrainConfig::default() }, &adversaries[0], &model);
    }
}

#[test]
fn where_norms_stand_still_it_is_the_adversary_with_running_statistics() {
    let train = TrainConfig { batch_norm: BatchNormTraining::Frozen, ..TrainConfig::default() };
    for config in every_network() {
        assert_alike(&train, &TemporalAdversary::default(), &network(config, 0.0));
    }
}

fn freezing(layer: &str) -> TrainConfig {
    TrainConfig { freeze: vec![layer.to_owned()], ..TrainConfig::default() }
}

#[test]
fn where_all_layers_with_norms_are_frozen_it_is_the_adversary_with_running_statistics() {
    let train = freezing("trunk");
    for config in every_network().into_iter().filter(|config| config.pyramid_groups.is_none()) {
        let model = freeze(network(config, 0.0), &train).unwrap();
        assert_alike(&train, &TemporalAdversary::default(), &model);
    }
}

#[test]
fn the_dropout_is_that_of_the_natural_pass() {
    let model = network(every_network().remove(0), 0.5);
    let statistics = Statistics::Batch;
    let adversary = TemporalAdversary { statistics, objective: Objective::CrossEntropy, ..Default::default() };
    let loss = |craft| take(&TrainConfig::default(), &crafted(craft, &adversary), &model).1.perturbed_loss;
    assert_ne!(loss(Crafting::NaturalPass), loss(Crafting::OwnPass));
    let repeated = [Crafting::NaturalPass; 2].map(loss);
    assert_eq!(repeated[0], repeated[1]);
}

/// Work of convolutions by phase and direction.
fn flops(profile: &Profile, phase: Phase, pass: &str) -> u64 {
    let of = profile.operations.iter().filter(|time| time.phase == Some(phase) && time.operation.pass == pass);
    of.map(|time| time.calls * time.operation.flops).sum()
}

#[test]
fn crafting_then_costs_the_gradient_to_the_pixels_alone() {
    let adversary = TemporalAdversary { statistics: Statistics::Batch, ..TemporalAdversary::default() };
    let trains = [TrainConfig::default(), freezing("stem")];
    for (config, train) in
        every_network().into_iter().flat_map(|config| trains.iter().map(move |t| (config.clone(), t)))
    {
        let (has_pyramid, model) = (config.pyramid_groups.is_some(), freeze(network(config, 0.0), train).unwrap());
        let profile = |craft| record(|| take(train, &crafted(craft, &adversary), &model)).1;
        let (own, natural) = (profile(Crafting::OwnPass), profile(Crafting::NaturalPass));
        assert!(flops(&own, Phase::Adversary, "forward") > 0);
        // A pyramid's Grad-CAM weights take a pass through it besides.
        assert!(flops(&natural, Phase::Adversary, "forward") == 0 || has_pyramid);
        assert!(flops(&natural, Phase::Adversary, "forward") < flops(&own, Phase::Adversary, "forward"));
        for (phase, pass) in [(Phase::Adversary, "input gradient"), (Phase::Forward, "forward")] {
            assert_eq!(flops(&natural, phase, pass), flops(&own, phase, pass), "{phase:?} {pass}");
        }
        assert_eq!(flops(&natural, Phase::Adversary, "weight gradient"), 0);
    }
}

#[test]
fn what_a_single_natural_pass_cannot_lead_is_refused() {
    let recipe =
        "[data]\nmanifest = \"m.jsonl\"\n[model]\nkind = \"tsm\"\ntrunk = \"tiny\"\n[taf]\ncraft = \"natural-pass\"\n";
    let check = |settings: &[&str]| {
        let settings: Vec<String> = settings.iter().map(|&setting| setting.to_owned()).collect();
        let recipe = Recipe::parse(recipe, Path::new("r.toml"), &settings).unwrap();
        recipe.check().map_err(|error| error.to_string())
    };
    assert_eq!(check(&[]), Ok(()));
    assert_eq!(check(&["taf.adversary.objective=none", "taf.fraction=0.5"]), Ok(()), "nothing is crafted");
    for settings in [
        &["taf.adversary.steps=2"][..],
        &["taf.adversary.random_start=true"],
        &["taf.adversary.scale=0.5"],
        &["taf.adversary.objective=noise"],
        &["taf.branch=auxiliary", "taf.adversary.branch=auxiliary"],
        &["taf.fraction=0.5"],
        &["train.mix.kind=mixup"],
        &["train.mix.kind=mca"],
    ] {
        assert!(check(settings).is_err_and(|error| error.starts_with("taf.craft must be")), "{settings:?}");
    }
}
