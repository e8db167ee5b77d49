//! Which frames a perturbation may touch, how far, and what leads it there.

use burn::module::Module;
use burn::tensor::{Device, Tensor, TensorData};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use taf::adversary::{Budget, DroppedBy, Frames, Norm, Objective, Perturbed, TemporalAdversary, minor_frames};
use taf::model::{
    BlockKind, Branch, Pass, Recognizer, RecognizerConfig, ResNetConfig, Statistics, VideoModel, predictions,
};

const FRAMES: usize = 6;
const SIDE: usize = 24;
const LABELS: [usize; 3] = [0, 3, 1];
/// Adding a step to a pixel and clamping rounds by this much.
const ROUNDING: f32 = 1e-6;

fn model() -> Recognizer {
    let trunk = ResNetConfig { block: BlockKind::Basic, layers: vec![1, 1, 1], width: 8 };
    RecognizerConfig::tsm(trunk, 4).init(&Device::flex().autodiff(), 3)
}

/// Pixels far enough from 0 and 1 for every budget here.
fn clips() -> Tensor<5> {
    let mut rng = ChaCha8Rng::seed_from_u64(1);
    let shape = [LABELS.len(), FRAMES, 3, SIDE, SIDE];
    let values = (0..shape.iter().product()).map(|_| 0.25 + 0.5 * rng.random::<f32>()).collect();
    Tensor::from_data(TensorData::new::<f32, _>(values, shape), &Device::flex())
}

fn values<const D: usize>(x: Tensor<D>) -> Vec<f32> {
    x.into_data().try_into_vec().unwrap()
}

fn perturb(adversary: &TemporalAdversary) -> Perturbed {
    adversary.check("taf.adversary").expect("the settings are sound");
    adversary.perturb(&model(), clips(), &LABELS, 4)
}

/// Attention on the natural clips, a row each.
fn natural_attention(adversary: &TemporalAdversary) -> Tensor<2> {
    let model = model().valid();
    let output = model.forward(clips(), &mut Pass::new(Statistics::Running, Branch::Main));
    let classes = Tensor::from_data(LABELS.map(|label| label as i64), &Device::flex());
    adversary.attention.of(&output, model.cam_weights(&output, classes))
}

/// What changed, frame by frame: the largest change and the Euclidean length.
fn changes(perturbed: Tensor<5>) -> Vec<[f32; 2]> {
    let delta = values(perturbed - clips());
    let size = |frame: &[f32]| {
        let most = frame.iter().fold(0.0_f32, |most, d| most.max(d.abs()));
        [most, frame.iter().map(|d| d * d).sum::<f32>().sqrt()]
    };
    delta.chunks(3 * SIDE * SIDE).map(size).collect()
}

/// Every objective under both norms, with one and with several steps.
fn every_adversary() -> Vec<TemporalAdversary> {
    let objectives =
        [Objective::Shift, Objective::Entropy, Objective::Divergence, Objective::CrossEntropy, Objective::Noise];
    let mut all = Vec::new();
    for objective in objectives {
        for (norm, epsilon) in [(Norm::Linf, 0.03), (Norm::L2, 0.7)] {
            for (steps, step_size, momentum) in [(1, None, 0.0), (3, Some(epsilon / 2.0), 0.0), (3, None, 1.0)] {
                let random_start = objective == Objective::Divergence;
                let base = TemporalAdversary { objective, norm, epsilon, random_start, ..TemporalAdversary::default() };
                all.push(TemporalAdversary { steps, step_size, momentum, ..base });
            }
        }
    }
    all
}

#[test]
fn frames_that_may_not_be_perturbed_stay_to_the_bit_and_the_others_change() {
    let minor = values(minor_frames(natural_attention(&TemporalAdversary::default())));
    for adversary in every_adversary() {
        for (frames, touched) in [(Frames::Minor, 1.0), (Frames::Major, 0.0)] {
            let adversary = TemporalAdversary { frames, ..adversary.clone() };
            let changes = changes(perturb(&adversary).clips);
            for ([most, _], minor) in changes.iter().zip(&minor) {
                assert_eq!(*most > 0.0, *minor == touched, "{most} in {adversary:?}");
            }
            for clip in changes.chunks(FRAMES) {
                let (most, length) = (most(clip), clip.iter().map(|[_, d]| d * d).sum::<f32>().sqrt());
                let size = if adversary.norm == Norm::Linf { most } else { length };
                let epsilon = adversary.epsilon as f32;
                assert!((0.5 * epsilon..=epsilon + ROUNDING).contains(&size), "{size} in {adversary:?}");
            }
        }
    }
}

fn most(frames: &[[f32; 2]]) -> f32 {
    frames.iter().map(|[most, _]| *most).fold(0.0, f32::max)
}

#[test]
fn the_budget_of_a_frame_is_its_part_of_the_largest() {
    let attention = values(natural_attention(&TemporalAdversary::default()));
    for (budget, part) in [(Budget::Attention, (|a| a) as fn(f32) -> f32), (Budget::Neglect, |a| 1.0 - a)] {
        for adversary in every_adversary().into_iter().filter(|adversary| adversary.norm == Norm::Linf) {
            let adversary = TemporalAdversary { budget, ..adversary };
            for (clip, attention) in changes(perturb(&adversary).clips).chunks(FRAMES).zip(attention.chunks(FRAMES)) {
                let largest = attention.iter().map(|&a| part(a)).fold(0.0, f32::max);
                for ([most, _], &attention) in clip.iter().zip(attention) {
                    let budget = adversary.epsilon as f32 * part(attention) / largest;
                    assert!(*most <= budget + ROUNDING, "{most} of {budget} in {adversary:?}");
                    assert!(*most > 0.9 * budget, "{most} of {budget} in {adversary:?}");
                }
            }
        }
    }
}

#[test]
fn under_l2_a_clip_whose_frames_have_parts_of_the_budget_is_as_long_in_units_of_its_parts() {
    let attention = values(natural_attention(&TemporalAdversary::default()));
    for adversary in every_adversary().into_iter().filter(|adversary| adversary.norm == Norm::L2) {
        let adversary = TemporalAdversary { budget: Budget::Attention, ..adversary };
        for (clip, attention) in changes(perturb(&adversary).clips).chunks(FRAMES).zip(attention.chunks(FRAMES)) {
            let largest = attention.iter().copied().fold(0.0, f32::max);
            let squares = clip.iter().zip(attention).map(|([_, length], a)| (length / (a / largest)).powi(2));
            let length = squares.sum::<f32>().sqrt() / adversary.epsilon as f32;
            // Parts of the budget are divided by: pixels are rounded to 3e-8, and parts are as small as 1e-2 here.
            assert!((0.5..=1.001).contains(&length), "{length} in {adversary:?}");
        }
    }
}

#[test]
fn a_budget_drawn_for_each_clip_lies_in_its_range_and_is_another_for_another_clip_and_seed() {
    let adversary = TemporalAdversary { epsilon_from: Some(0.01), epsilon: 0.05, ..TemporalAdversary::default() };
    let drawn = |adversary: &TemporalAdversary, seed| {
        let perturbed = adversary.perturb(&model(), clips(), &LABELS, seed);
        changes(perturbed.clips).chunks(FRAMES).map(most).collect::<Vec<f32>>()
    };
    let mut all: Vec<f32> = (0..8).flat_map(|seed| drawn(&adversary, seed)).collect();
    assert_eq!(drawn(&adversary, 3), drawn(&adversary, 3));
    all.sort_by(f32::total_cmp);
    assert!(all.windows(2).all(|pair| pair[0] < pair[1]), "{all:?}");
    assert!(all[0] > 0.01 && all[0] < 0.02 && all[23] > 0.04 && all[23] < 0.05, "{all:?}");
    // A given step is as much shorter as the clip's budget.
    let halves = TemporalAdversary { step_size: Some(0.025), ..adversary.clone() };
    for (half, whole) in drawn(&halves, 5).into_iter().zip(drawn(&adversary, 5)) {
        assert!((half - 0.5 * whole).abs() < ROUNDING, "{half} of {whole}");
    }
}

#[test]
fn cross_entropy_beside_a_temporal_objective_is_the_weighted_sum_and_its_gradient() {
    let (model, weight) = (model().valid(), 0.7);
    for objective in [Objective::Shift, Objective::Entropy] {
        let adversary =
            TemporalAdversary { objective, cross_entropy: weight, norm: Norm::L2, epsilon: 0.7, ..Default::default() };
        let leaf = clips().autodiff().require_grad();
        let output = model.forward(leaf.clone(), &mut Pass::inference());
        let classes = Tensor::from_data(LABELS.map(|label| label as i64), &Device::flex());
        let attention = adversary.attention.log_of(&output, model.cam_weights(&output, classes));
        let temporal = objective.of_log_attention(attention.clone(), attention.without_autodiff());
        let by_hand = temporal + Objective::of_logits(output.logits, &LABELS) * weight;
        let perturbed = perturb(&adversary);
        for (value, by_hand) in perturbed.objective.iter().zip(values(by_hand.clone().without_autodiff())) {
            assert!((value - by_hand).abs() < 1e-5, "{value} and {by_hand}");
        }
        let gradient = leaf.grad(&by_hand.sum().backward()).expect("the clip is tracked");
        let rows = gradient.reshape([LABELS.len(), FRAMES * 3 * SIDE * SIDE]);
        let steps = rows.clone() / rows.square().sum_dim(1).sqrt() * adversary.epsilon;
        let worst = values((perturbed.clips - clips() - steps.reshape(clips().dims())).abs().max())[0];
        assert!(worst < ROUNDING, "off by {worst}");
    }
}

#[test]
fn the_sum_rises_along_with_several_steps_and_a_large_weight_goes_where_cross_entropy_goes() {
    let after = |cross_entropy, steps| {
        let adversary = TemporalAdversary { cross_entropy, steps, step_size: Some(0.004), ..Default::default() };
        perturb(&TemporalAdversary { epsilon: 0.03, ..adversary })
    };
    assert!(after(1.0, 6).objective.iter().sum::<f32>() > after(1.0, 1).objective.iter().sum::<f32>());
    let alone = TemporalAdversary { objective: Objective::CrossEntropy, epsilon: 0.004, ..Default::default() };
    let [mixed, alone] = [after(1e4, 1), perturb(&alone)].map(|perturbed| values(perturbed.clips));
    let differing = mixed.iter().zip(&alone).filter(|(a, b)| (**a - **b).abs() > ROUNDING).count();
    assert!(differing * 100 < mixed.len(), "{differing} of {} pixel values differ", mixed.len());
}

#[test]
fn the_ascent_of_a_clip_ends_as_soon_as_it_is_answered_with_another_class() {
    let model = model();
    let answers = |clips| predictions(&model.valid().forward(clips, &mut Pass::inference()).logits);
    let right = answers(clips());
    let base = TemporalAdversary {
        objective: Objective::CrossEntropy,
        epsilon: 0.2,
        step_size: Some(0.002),
        steps: 40,
        until_wrong: true,
        ..TemporalAdversary::default()
    };
    let run = |labels: &[usize], steps| {
        let adversary = TemporalAdversary { steps, ..base.clone() };
        adversary.perturb(&model, clips(), labels, 4).clips
    };
    let flipped = run(&right, 40);
    assert!(answers(flipped.clone()).iter().zip(&right).all(|(now, before)| now != before));
    // One step less than it took, and the answer is still right: no clip went further than it had to.
    for (clip, size) in changes(flipped).chunks(FRAMES).map(most).enumerate() {
        let steps = (size / 0.002).round() as usize;
        assert!((1..40).contains(&steps), "{steps} steps");
        assert_eq!(answers(run(&right, steps - 1).narrow(0, clip, 1)), right[clip..=clip], "{steps} steps");
    }
    let wrong: Vec<usize> = right.iter().map(|class| (class + 1) % 4).collect();
    assert_eq!(values(run(&wrong, 40)), values(clips()), "what is answered wrongly from the start stays");
}

#[test]
fn a_share_of_an_adversary_has_that_share_of_every_length() {
    let adversary = TemporalAdversary { epsilon: 0.04, step_size: Some(0.02), steps: 3, ..Default::default() };
    let whole = perturb(&adversary.with_share(1.0));
    assert_eq!(values(whole.clips), values(perturb(&adversary).clips));
    let half = TemporalAdversary { epsilon: 0.02, step_size: Some(0.01), ..adversary.clone() };
    assert_eq!(adversary.with_share(0.5), half);
    for objective in [Objective::Shift, Objective::Noise] {
        for (norm, epsilon_from) in [(Norm::Linf, None), (Norm::L2, Some(0.01))] {
            let none = TemporalAdversary { objective, norm, epsilon_from, ..adversary.clone() }.with_share(0.0);
            assert_eq!(values(none.perturb(&model(), clips(), &LABELS, 4).clips), values(clips()));
        }
    }
}

#[test]
fn dropped_frames_are_those_of_the_most_attention_and_the_nearest_stand_in_their_place() {
    let whole = perturb(&TemporalAdversary::default());
    let attention = values(whole.natural_attention.unwrap());
    let most_attended = |row: &[f32]| (0..FRAMES).max_by(|&a, &b| row[a].total_cmp(&row[b])).unwrap();
    let pixels = values(whole.clips.clone());
    let (of_clip, of_frame) = (pixels.len() / LABELS.len(), pixels.len() / LABELS.len() / FRAMES);
    for objective in [Objective::Shift, Objective::Noise] {
        let whole = perturb(&TemporalAdversary { objective, ..TemporalAdversary::default() });
        let lacking = perturb(&TemporalAdversary { objective, dropped: 1, ..TemporalAdversary::default() });
        let (whole, lacking) = (values(whole.clips), values(lacking.clips));
        for (clip, row) in attention.chunks(FRAMES).enumerate() {
            let (dropped, frame) = (most_attended(row), |frame| clip * of_clip + frame * of_frame);
            for place in 0..FRAMES {
                let shown = if place == dropped { dropped.checked_sub(1).unwrap_or(1) } else { place };
                let (here, there) = (&lacking[frame(place)..][..of_frame], &whole[frame(shown)..][..of_frame]);
                assert!(here == there, "{objective:?}: clip {clip} at {place}");
            }
        }
    }
    let by_chance = |seed| {
        let adversary = TemporalAdversary { dropped: 2, dropped_by: DroppedBy::Chance, ..TemporalAdversary::default() };
        values(adversary.perturb(&model(), clips(), &LABELS, seed).clips)
    };
    assert!(by_chance(4) == by_chance(4) && by_chance(4) != by_chance(5));
}

#[test]
fn senseless_settings_are_refused_by_name() {
    let refused = |change: fn(&mut TemporalAdversary)| {
        let mut adversary = TemporalAdversary::default();
        change(&mut adversary);
        adversary.check("taf.adversary").expect_err("the setting makes no sense").to_string()
    };
    assert!(refused(|a| a.cross_entropy = -1.0).contains("adversary.cross_entropy"));
    assert!(refused(|a| (a.cross_entropy, a.objective) = (1.0, Objective::CrossEntropy)).contains("cross_entropy"));
    assert!(refused(|a| (a.cross_entropy, a.objective) = (1.0, Objective::Noise)).contains("cross_entropy"));
    assert!(refused(|a| a.epsilon_from = Some(0.5)).contains("adversary.epsilon_from must be at least 0 and below"));
    assert!(refused(|a| a.epsilon_from = Some(-0.1)).contains("adversary.epsilon_from"));
    assert!(refused(|a| a.momentum = f64::INFINITY).contains("adversary.momentum"));
    assert!(refused(|a| a.momentum = 1.0).contains("adversary.steps must be more than 1"));
    assert!(refused(|a| a.until_wrong = true).contains("adversary.steps must be more than 1"));
    let noise = |a: &mut TemporalAdversary| (a.until_wrong, a.steps, a.objective) = (true, 2, Objective::Noise);
    assert!(refused(noise).contains("adversary.until_wrong"));
    assert!(refused(|a| (a.dropped, a.objective) = (1, Objective::None)).contains("adversary.dropped"));
}
