//! What attacks leave of a network, and whether they can be believed.

use std::ops::ControlFlow;
use std::sync::{Arc, OnceLock};

use burn::module::Module;
use burn::tensor::{Device, Int, Tensor};
use taf::adversary::Norm;
use taf::evaluate::{
    Attack, Average, Evaluation, FrameRemoval, RobustTrial, Target, TrialFile, TrialKey, Underway, Views,
};
use taf::model::{Pass, Recognizer, RecognizerConfig, ResNetConfig, VideoModel, VideoOutput};
use taf_report::metrics::{MaskingReport, MaskingTest, RobustAccuracy};
use taf_video::dataset::{Manifest, Record};
use taf_video::synthetic::{Difficulty, MovingShapes};
use taf_video::transform::EvalTransformConfig;
use taf_video::{Clip, Sampling, Seed, TemporalViews};
use tempfile::TempDir;

const FRAMES: usize = 4;
const SIDE: usize = 16;

/// Twenty videos, ten classes.
fn videos() -> Manifest {
    static FOLDER: OnceLock<TempDir> = OnceLock::new();
    let folder = FOLDER.get_or_init(|| {
        let folder = tempfile::tempdir().unwrap();
        let shapes = MovingShapes::new(Seed::new(1), 32, 8..=12, Difficulty::MEDIUM).unwrap();
        shapes.write(folder.path(), &[("val", 2)], &|_, _| {}).unwrap();
        folder
    });
    Manifest::read(&folder.path().join("manifest.jsonl")).unwrap()
}

fn evaluation(videos: Manifest) -> Evaluation {
    let transform = EvalTransformConfig { size: SIDE, ..Default::default() }.init().unwrap();
    let views = Views { sampling: Sampling::segments(FRAMES), temporal: TemporalViews::Centre, transform };
    Evaluation { videos: Arc::new(videos), views, average: Average::Logits, batch_size: 6, threads: 2 }
}

/// How the gradients of [`Linear`] lead, or fail to.
const PLAIN: usize = 0;
const ROUNDED: usize = 1;
const SATURATED: usize = 2;

/// Two classes, told apart by how much redder than blue a clip is: linear in its pixels, but for what hides the gradient.
#[derive(Module, Debug)]
struct Linear {
    offset: f64,
    kind: usize,
}

const GAIN: f64 = 50.0;
/// Sixteen levels that a pixel is rounded to.
const LEVELS: f64 = 16.0;

impl VideoModel for Linear {
    fn forward(&self, clips: Tensor<5>, _: &mut Pass) -> VideoOutput {
        let [batch, time, _, height, width] = clips.dims();
        let seen = if self.kind == ROUNDED { (clips.clone() * LEVELS).round() / LEVELS } else { clips.clone() };
        let mean = |channel| seen.clone().narrow(2, channel, 1).reshape([batch as i32, -1]).mean_dim(1);
        let score = (mean(0) - mean(2) - self.offset) * GAIN;
        let score = if self.kind == SATURATED { (score * 1e4).tanh() * 30.0 } else { score };
        VideoOutput::new(Tensor::cat(vec![score.clone(), -score], 1), clips.reshape([batch, time, height, width, 3]))
    }

    fn cam_weights(&self, output: &VideoOutput, _: Tensor<1, Int>) -> Tensor<2> {
        let [batch, ..] = output.features.dims();
        Tensor::ones([batch, 3], &output.logits.device())
    }

    fn classes(&self) -> usize {
        2
    }
}

/// How much redder than blue a clip is after every value was moved by `by` against that, as far as pixels go.
fn redness(clip: &Clip, by: f64) -> f64 {
    let mean = |channel: usize, by: f64| {
        let values = clip.frames().iter().flat_map(|frame| frame.data().iter().skip(channel).step_by(3));
        let values: Vec<f64> = values.map(|&value| (f64::from(value) / 255.0 + by).clamp(0.0, 1.0)).collect();
        values.iter().sum::<f64>() / values.len() as f64
    };
    mean(0, -by) - mean(2, by)
}

/// Videos that the linear network answers rightly, the clips of them, and its offset.
fn right() -> (Evaluation, Vec<Clip>, f64) {
    let all = evaluation(videos());
    let clips: Vec<Clip> = (0..all.records().len()).map(|video| all.first_view(video).unwrap()).collect();
    let mut reds: Vec<f64> = clips.iter().map(|clip| redness(clip, 0.0)).collect();
    let label = |red: f64, offset: f64| usize::from(red < offset);
    reds.sort_by(f64::total_cmp);
    let offset = (reds[reds.len() / 2 - 1] + reds[reds.len() / 2]) / 2.0;
    let relabelled = all.records().iter().zip(&clips);
    let records =
        relabelled.map(|(record, clip)| Record { label: Some(label(redness(clip, 0.0), offset)), ..record.clone() });
    let list = Manifest::new(all.videos.folder(), vec!["red".into(), "blue".into()], None, records.collect()).unwrap();
    (evaluation(list), clips, offset)
}

fn every(evaluation: &Evaluation) -> Vec<usize> {
    (0..evaluation.records().len()).collect()
}

fn robust(evaluation: &Evaluation, model: &dyn Target, attack: &Attack) -> RobustAccuracy {
    evaluation.robust_accuracy(model, &every(evaluation), attack, &Device::flex(), &mut |_, _| {}).unwrap()
}

fn attack(norm: Norm, epsilons: &[f64]) -> Attack {
    Attack { epsilons: epsilons.into(), steps: 5, restarts: 2, ..Attack::new(norm) }
}

fn accuracies(curve: &RobustAccuracy) -> Vec<f64> {
    curve.points.iter().map(|point| point.accuracy.value).collect()
}

const EPSILONS: [f64; 4] = [0.005, 0.02, 0.05, 0.3];

#[test]
fn a_linear_network_is_fooled_where_the_closed_form_says_so() {
    let (evaluation, clips, offset) = right();
    let model = Linear { offset, kind: PLAIN };
    let curve = robust(&evaluation, &model, &attack(Norm::Linf, &EPSILONS));
    // The worst clip of an L∞ ball has every value at the end that its weight's sign asks for.
    let is_right = |clip: &Clip, epsilon: f64| match redness(clip, 0.0) > offset {
        true => redness(clip, epsilon) > offset,
        false => redness(clip, -epsilon) < offset,
    };
    let expected = |epsilon| clips.iter().filter(|clip| is_right(clip, epsilon)).count() as f64 / clips.len() as f64;
    let expected: Vec<f64> = [0.0].iter().chain(&EPSILONS).map(|&epsilon| expected(epsilon)).collect();
    assert_eq!(accuracies(&curve), expected);
    assert!(expected[0] == 1.0 && expected[2] > 0.0 && expected[2] < 1.0 && expected[4] == 0.0, "{expected:?}");
}

#[test]
fn under_l2_no_clip_is_fooled_that_lies_farther_from_the_boundary_and_those_well_within_are() {
    let (evaluation, clips, offset) = right();
    let epsilons = [0.1, 0.4, 1.6, 6.4];
    let curve = robust(&evaluation, &Linear { offset, kind: PLAIN }, &attack(Norm::L2, &epsilons));
    // Two channels of weights 1 / n: the length of the gradient is sqrt(2 / n).
    let slope = (2.0 / (FRAMES * SIDE * SIDE) as f64).sqrt();
    let share = |holds: &dyn Fn(f64) -> bool| {
        clips.iter().filter(|clip| holds((redness(clip, 0.0) - offset).abs())).count() as f64 / clips.len() as f64
    };
    for (point, epsilon) in curve.points[1..].iter().zip(epsilons) {
        let (least, most) = (share(&|far| far > epsilon * slope), share(&|far| far > 0.8 * epsilon * slope));
        let found = point.accuracy.value;
        assert!((least..=most).contains(&found), "{found} of {least} to {most} at {epsilon}");
    }
    let found = accuracies(&curve);
    assert!(found[2] < 1.0 && found[2] > found[4], "{found:?}");
}

fn masking(model: &dyn Target, others: &[(&str, &dyn Target)], evaluation: &Evaluation) -> MaskingReport {
    let attack = attack(Norm::Linf, &[0.01, 0.03, 0.1]);
    evaluation.masking(model, others, &every(evaluation), &attack, &Device::flex(), &mut |_, _| {}).unwrap()
}

fn failed(report: &MaskingReport) -> Vec<MaskingTest> {
    report.failed().map(|check| check.test).collect()
}

#[test]
fn a_network_whose_gradient_is_its_slope_passes_every_check() {
    let (evaluation, _, offset) = right();
    let other = Linear { offset: offset + 0.01, kind: PLAIN };
    let report = masking(&Linear { offset, kind: PLAIN }, &[("other", &other)], &evaluation);
    assert_eq!(failed(&report), [], "{report:#?}");
    assert_eq!((report.clips, report.checks.len(), report.epsilon), (20, 7, 0.03));
    let alone = masking(&Linear { offset, kind: PLAIN }, &[], &evaluation);
    assert!(alone.checks.iter().all(|check| check.test != MaskingTest::Transfer));
    assert_eq!(alone.checks.len(), 6);
}

#[test]
fn networks_that_round_their_input_or_saturate_trip_the_checks() {
    let (evaluation, _, offset) = right();
    for kind in [ROUNDED, SATURATED] {
        let plain = Linear { offset, kind: PLAIN };
        let report = masking(&Linear { offset, kind }, &[("plain", &plain)], &evaluation);
        let failed = failed(&report);
        for test in [MaskingTest::Gradient, MaskingTest::Unbounded, MaskingTest::Transfer, MaskingTest::Growth] {
            assert!(failed.contains(&test), "{test:?} of {kind} passed: {report:#?}");
        }
        assert_eq!(report.checks[0].outcomes[0].flat, 1.0);
    }
}

fn recognizer(seed: u64) -> Recognizer {
    RecognizerConfig::tsm(ResNetConfig::tiny(), 10).init(&Device::flex(), seed)
}

#[test]
fn results_do_not_depend_on_the_batch_and_repeat_by_seed() {
    /// Losses of perturbed clips, of which the sums of a convolution are taken in another order.
    const ROUNDING: f64 = 1e-4;
    let (whole, model) = (evaluation(videos()), recognizer(5));
    let attack = attack(Norm::Linf, &[0.002, 0.01]);
    let curve = robust(&whole, &model, &attack);
    let losses = |curve: &RobustAccuracy| curve.points.iter().map(|point| point.loss.mean).collect::<Vec<_>>();
    for batch_size in [1, 7, 20] {
        let other = robust(&Evaluation { batch_size, ..whole.clone() }, &model, &attack);
        assert_eq!(accuracies(&other), accuracies(&curve), "{batch_size}");
        for (a, b) in losses(&other).iter().zip(losses(&curve)) {
            assert!((a - b).abs() < ROUNDING, "{a} {b} at {batch_size}");
        }
    }
    assert_eq!(robust(&whole, &model, &attack), curve);
    assert_ne!(losses(&robust(&whole, &model, &Attack { seed: 1, ..attack })), losses(&curve));
}

#[test]
fn clips_fool_the_network_they_were_crafted_on_first_and_a_copy_of_it_as_well() {
    let (evaluation, _, offset) = right();
    let [network, copy, far] = [offset, offset, offset + 5.0].map(|offset| Linear { offset, kind: PLAIN });
    let networks: [(&str, &dyn Target); 3] = [("network", &network), ("copy", &copy), ("far", &far)];
    let attack = attack(Norm::Linf, &[0.03]);
    let matrix = evaluation.transfer(&networks, &every(&evaluation), &attack, &Device::flex(), &mut |_, _| {}).unwrap();
    let values = |row: usize| matrix.rows[row].accuracy.iter().map(|share| share.value).collect::<Vec<_>>();
    assert_eq!((values(0)[0], values(0)), (values(0)[1], values(1)));
    let white_box = accuracies(&robust(&evaluation, &network, &attack))[1];
    assert_eq!(values(0)[0], white_box);
    // All is blue to the third network, whatever the clip.
    assert_eq!([values(0)[2], values(2)[2]], [0.5, 0.5]);
    assert!(white_box < 1.0, "{white_box}");
}

#[test]
fn an_attack_that_is_stopped_goes_on_from_what_is_kept_of_the_same_network() {
    let (whole, model, device) = (evaluation(videos()), recognizer(5), Device::flex());
    let (attack, videos) = (attack(Norm::Linf, &[0.002, 0.01]), every(&whole));
    let expected = robust(&whole, &model, &attack);
    let folder = tempfile::tempdir().unwrap();
    // Makes one batch more, of the network with these weights; says on how many clips it went on.
    let one_more = |weights: &str| {
        let mut trial = RobustTrial::new(&model, &attack).unwrap();
        let key = TrialKey::new(&whole, &videos, "1").of("attacks", &attack, &[weights]);
        let mut heard = Vec::new();
        let tried = whole.try_all(
            &videos,
            &mut [Underway::new(&mut trial, Some(TrialFile::new(folder.path(), key)))],
            &device,
            &mut |clips| {
                heard.push(clips);
                if heard.len() > 1 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
            },
        );
        assert!(tried.unwrap().unkept.is_none());
        (heard[0], trial.result(videos.len()).unwrap())
    };
    let (begins, results): (Vec<usize>, Vec<RobustAccuracy>) = (0..4).map(|_| one_more("x")).unzip();
    assert_eq!(begins, [0, 6, 12, 18]);
    assert_eq!((results[3].clone(), one_more("x").0), (expected, 20));
    assert_eq!(one_more("y").0, 0, "other weights");
    // Files of the same key that hold nothing the trial could have found.
    let file = std::fs::read_dir(folder.path()).unwrap().next().unwrap().unwrap().path();
    let damages: [fn(&mut serde_json::Value); 3] = [
        |kept| kept["clips"] = 12.into(),
        |kept| kept["clips"] = 600.into(),
        |kept| kept["found"][0]["losses"] = serde_json::json!([]),
    ];
    for damage in damages {
        let mut kept: serde_json::Value = serde_json::from_slice(&std::fs::read(&file).unwrap()).unwrap();
        damage(&mut kept);
        std::fs::write(&file, kept.to_string()).unwrap();
        assert_eq!(one_more("y").0, 0, "{kept}");
    }
}

#[test]
fn settings_and_answers_that_make_no_sense_are_told() {
    let (evaluation, _, offset) = right();
    let model = Linear { offset, kind: PLAIN };
    let ask = |model: &dyn Target, attack: &Attack, videos: &[usize]| {
        let asked = evaluation.robust_accuracy(model, videos, attack, &Device::flex(), &mut |_, _| {});
        asked.unwrap_err().to_string()
    };
    let fine = attack(Norm::Linf, &[0.01]);
    assert!(ask(&model, &Attack { restarts: 0, ..fine.clone() }, &[0]).contains("attack.restarts"));
    assert!(ask(&model, &fine, &[]).contains("at least one attacked clip"));
    let broken = ask(&Linear { offset: f64::NAN, kind: PLAIN }, &fine, &[0]);
    assert!(broken.contains("finite logits") && broken.contains(&evaluation.records()[0].path), "{broken}");
    let (network, removal) = (Linear { offset: f64::NAN, kind: PLAIN }, FrameRemoval::default());
    let broken = evaluation.faithfulness(&network, &[0], &removal, &Device::flex(), &mut |_, _| {}).unwrap_err();
    assert!(broken.to_string().contains("finite logits"), "{broken}");
}
