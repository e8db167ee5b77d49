//! Whether attention tells what an answer rests on.

use std::sync::{Arc, OnceLock};

use burn::module::Module;
use burn::tensor::{Device, Int, Tensor};
use taf::attention::{AttentionRule, TemporalAttention};
use taf::evaluate::{AttentionChange, Average, Evaluation, FrameRemoval, Replacement, Views};
use taf::model::{Pass, Recognizer, RecognizerConfig, ResNetConfig, VideoModel, VideoOutput};
use taf_report::metrics::{AttentionAgreement, AttentionMove, Faithfulness};
use taf_video::dataset::Manifest;
use taf_video::synthetic::{Difficulty, MovingShapes};
use taf_video::transform::EvalTransformConfig;
use taf_video::{Sampling, Seed, TemporalViews};
use tempfile::TempDir;

const FRAMES: usize = 5;
/// The frame that [`Reader`] reads.
const READ: usize = 3;
/// Sums of the same numbers in another order.
const ROUNDING: f64 = 1e-5;

fn evaluation() -> Evaluation {
    static FOLDER: OnceLock<TempDir> = OnceLock::new();
    let folder = FOLDER.get_or_init(|| {
        let folder = tempfile::tempdir().unwrap();
        let shapes = MovingShapes::new(Seed::new(2), 32, 8..=12, Difficulty::MEDIUM).unwrap();
        shapes.write(folder.path(), &[("val", 1)], &|_, _| {}).unwrap();
        folder
    });
    let transform = EvalTransformConfig { size: 16, ..Default::default() }.init().unwrap();
    let views = Views { sampling: Sampling::segments(FRAMES), temporal: TemporalViews::Centre, transform };
    let videos = Arc::new(Manifest::read(&folder.path().join("manifest.jsonl")).unwrap());
    Evaluation { videos, views, average: Average::Logits, batch_size: 4, threads: 1 }
}

/// Answers by the mean of one frame: the logit of every class is its number times that, and attends to `attended` for it.
#[derive(Module, Debug)]
struct Reader {
    attended: usize,
}

const GAIN: f64 = 3.0;

impl VideoModel for Reader {
    fn forward(&self, clips: Tensor<5>, _: &mut Pass) -> VideoOutput {
        let [batch, time, ..] = clips.dims();
        let mean = clips.clone().narrow(1, READ, 1).reshape([batch as i32, -1]).mean_dim(1) * GAIN;
        let logits = (0..self.classes()).map(|class| mean.clone() * class as f64).collect();
        let evidence = (0..time).map(|frame| {
            Tensor::<5>::full([batch, 1, 1, 1, 1], if frame == self.attended { 9.0 } else { 0.0 }, &clips.device())
        });
        VideoOutput::new(Tensor::cat(logits, 1), Tensor::cat(evidence.collect(), 1))
    }

    fn cam_weights(&self, output: &VideoOutput, _: Tensor<1, Int>) -> Tensor<2> {
        let [batch, ..] = output.features.dims();
        Tensor::ones([batch, 1], &output.logits.device())
    }

    fn classes(&self) -> usize {
        10
    }
}

/// What [`Reader`] says the probability of a class is where the frame it reads has this mean.
fn probability(mean: f64, class: usize) -> f64 {
    let logits = (0..10).map(|class| (class as f64 * mean * GAIN).exp());
    (class as f64 * mean * GAIN).exp() / logits.sum::<f64>()
}

/// The mean of every frame of the middle clip of a video, and its label.
fn frame_means(evaluation: &Evaluation, video: usize) -> (Vec<f64>, usize) {
    let clip = evaluation.first_view(video).unwrap();
    let mean = |data: &[u8]| data.iter().map(|&value| f64::from(value)).sum::<f64>() / data.len() as f64 / 255.0;
    let means = clip.frames().iter().map(|frame| mean(frame.data())).collect();
    (means, evaluation.records()[video].label.unwrap())
}

fn measured(
    evaluation: &Evaluation,
    model: &impl VideoModel,
    videos: &[usize],
    removal: &FrameRemoval,
) -> Faithfulness {
    evaluation.faithfulness(model, videos, removal, &Device::flex(), &mut |_, _| {}).unwrap()
}

fn close(found: &[f64], expected: &[f64]) {
    let near = found.iter().zip(expected).all(|(found, expected)| (found - expected).abs() < ROUNDING);
    assert!(near && found.len() == expected.len(), "{found:?} for {expected:?}");
}

#[test]
fn of_a_network_that_reads_one_frame_the_answer_goes_with_that_frame() {
    let (evaluation, model) = (evaluation(), Reader { attended: READ });
    let removal = FrameRemoval { replacement: Replacement::Mean, ..FrameRemoval::default() };
    for video in 0..evaluation.records().len() {
        let (means, label) = frame_means(&evaluation, video);
        let whole = probability(means[READ], label);
        let grey = probability(means.iter().sum::<f64>() / FRAMES as f64, label);
        let found = measured(&evaluation, &model, &[video], &removal);
        assert_eq!(found.kept, [0, 1, 2, 3, 4, 5]);
        // It is the first that is inserted, and the last that is kept.
        close(&found.most.probability, &[grey, whole, whole, whole, whole, whole]);
        close(&found.least.probability, &[grey, grey, grey, grey, grey, whole]);
        close(
            &[found.insertion.probability.mean, found.deletion.probability.mean],
            &[0.9 * whole + 0.1 * grey, 0.1 * whole + 0.9 * grey],
        );
        // At random it comes sooner or later in each order: shares of the orders, in quarters, rising.
        let share = |value: &f64| (value - grey) / (whole - grey) * removal.orders as f64;
        let shares: Vec<f64> = found.random.probability.iter().map(share).collect();
        assert!(shares.iter().all(|share| (share - share.round()).abs() < 0.01), "{shares:?}");
        assert!(shares.is_sorted_by(|a, b| a.round() <= b.round()) && shares[0].abs() < 0.01, "{shares:?}");
    }
}

#[test]
fn a_frame_that_is_taken_away_is_seen_as_the_nearest_that_is_left() {
    let (evaluation, model) = (evaluation(), Reader { attended: READ });
    let (means, label) = frame_means(&evaluation, 4);
    let found = measured(&evaluation, &model, &[4], &FrameRemoval::default());
    assert_eq!(found.kept, [1, 2, 3, 4, 5]);
    close(&found.most.probability, &[probability(means[READ], label); 5]);
    // Of frames attended alike the earlier are deleted first: kept are 4; 4, 2; 4, 2, 1; 4, 2, 1, 0, and all. Of two that are
    // as near the earlier stands in.
    let expected = [means[4], means[2], means[2], means[2], means[READ]].map(|mean| probability(mean, label));
    close(&found.least.probability, &expected);
}

#[test]
fn attention_to_a_frame_that_is_not_read_finds_the_one_that_is_no_sooner_than_its_place() {
    let (evaluation, model) = (evaluation(), Reader { attended: 0 });
    let removal = FrameRemoval { replacement: Replacement::Mean, ..FrameRemoval::default() };
    let (means, label) = frame_means(&evaluation, 7);
    let whole = probability(means[READ], label);
    let grey = probability(means.iter().sum::<f64>() / FRAMES as f64, label);
    let found = measured(&evaluation, &model, &[7], &removal);
    // In order of attention the frames are 0 to 4, and the fourth is read.
    close(&found.most.probability, &[grey, grey, grey, grey, whole, whole]);
    close(&found.least.probability, &[grey, grey, whole, whole, whole, whole]);
}

fn recognizer(seed: u64) -> Recognizer {
    RecognizerConfig::tsm(ResNetConfig::tiny(), 10).init(&Device::flex(), seed)
}

#[test]
fn results_do_not_depend_on_the_batch_and_repeat_by_seed() {
    let (whole, model) = (evaluation(), recognizer(3));
    let (videos, removal) = (whole.sample(100), FrameRemoval::default());
    let found = measured(&whole, &model, &videos, &removal);
    for batch_size in [1, 3, 16] {
        let other = measured(&Evaluation { batch_size, ..whole.clone() }, &model, &videos, &removal);
        close(&other.random.probability, &found.random.probability);
        close(&other.least.probability, &found.least.probability);
        assert_eq!(other.most.accuracy, found.most.accuracy);
    }
    assert_eq!(measured(&whole, &model, &videos, &removal), found);
    let other = measured(&whole, &model, &videos, &FrameRemoval { seed: 1, ..removal });
    assert!(other.random != found.random && other.most == found.most);
}

#[test]
fn definitions_are_compared_on_one_pass_and_networks_on_the_same_clips() {
    let (evaluation, models) = (evaluation(), [3, 4].map(recognizer));
    let videos = evaluation.sample(100);
    let softmax = TemporalAttention::default();
    let sharp = TemporalAttention { temperature: 0.1, ..softmax };
    let relu = TemporalAttention { rule: AttentionRule::Relu, ..softmax };
    let [before, after] = models.each_ref().map(|model| {
        evaluation.attentions(model, &videos, &[softmax, sharp, relu], &Device::flex(), &mut |_, _| {}).unwrap()
    });
    let names = ["softmax", "sharp", "relu"].map(str::to_owned);
    let named: Vec<_> = names.into_iter().zip(before.clone()).collect();
    let agreement = AttentionAgreement::new(&named).unwrap();
    // A temperature orders the frames alike.
    assert!((agreement.pairs[0].rank_correlation.unwrap().min - 1.0).abs() < 1e-9);
    let frames = |place: usize| agreement.definitions[place].effective_frames.mean;
    assert!(frames(1) < frames(0), "{} {}", frames(1), frames(0));
    let same = AttentionMove::new(&before[0], &before[0]).unwrap();
    assert_eq!((same.moved.max, same.effective_frames_gained.max), (0.0, 0.0));
    let moved = AttentionMove::new(&before[0], &after[0]).unwrap();
    assert!(moved.moved.mean > 0.0 && moved.most_moved[0].moved == moved.moved.max);
    let clip = evaluation.first_view(videos[moved.most_moved[0].place]).unwrap();
    let change = AttentionChange::new((&models[0], &models[1]), &clip, 0, &softmax, &Device::flex()).unwrap();
    let classes: Vec<String> = (0..10).map(|class| class.to_string()).collect();
    let png = change.strip("moved most", ["before", "after"], &classes, None).unwrap();
    assert!(png.starts_with(b"\x89PNG"));
}
