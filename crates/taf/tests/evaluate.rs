//! What an evaluation asks, answers and keeps.

use std::fs;
use std::ops::ControlFlow;
use std::path::Path;
use std::sync::{Arc, OnceLock};

use burn::module::Module;
use burn::tensor::{Device, Int, Tensor};
use taf::adversary::{AttendedClass, TemporalAdversary};
use taf::data::{clips_to_tensor, tensor_to_clips};
use taf::evaluate::{AnswerKey, Answers, Average, Evaluation, Explanation, Store, Version, Views};
use taf::model::{Pass, Recognizer, RecognizerConfig, ResNetConfig, VideoModel, VideoOutput, state_dict};
use taf::recipe::Recipe;
use taf::train::{Checkpoint, CheckpointFolder, CheckpointInfo, Progress};
use taf::trained::{Trained, Weights};
use taf_report::run::{Existing, Provenance, RunDir, sha256};
use taf_video::dataset::Manifest;
use taf_video::synthetic::{Difficulty, MovingShapes};
use taf_video::transform::{Crops, EvalTransformConfig};
use taf_video::{Clip, Sampling, Seed, TemporalViews};
use tempfile::TempDir;

const CLASSES: usize = 10;

/// Two videos of each class, 48 pixels, 8 to 12 frames.
fn folder() -> &'static Path {
    static FOLDER: OnceLock<TempDir> = OnceLock::new();
    let folder = FOLDER.get_or_init(|| {
        let folder = tempfile::tempdir().unwrap();
        write_videos(folder.path(), 1);
        folder
    });
    folder.path()
}

fn write_videos(folder: &Path, seed: u64) -> Manifest {
    let shapes = MovingShapes::new(Seed::new(seed), 48, 8..=12, Difficulty::MEDIUM).unwrap();
    shapes.write(folder, &[("val", 2)], &|_, _| {}).unwrap()
}

fn evaluation(list: Manifest, transform: EvalTransformConfig, temporal: TemporalViews) -> Evaluation {
    let views = Views { sampling: Sampling::segments(8), temporal, transform: transform.init().unwrap() };
    Evaluation { videos: Arc::new(list), views, average: Average::Logits, batch_size: 3, threads: 2 }
}

fn plain(list: Manifest) -> Evaluation {
    evaluation(list, EvalTransformConfig { size: 32, ..Default::default() }, TemporalViews::Centre)
}

fn videos() -> Manifest {
    Manifest::read(&folder().join("manifest.jsonl")).unwrap()
}

fn model() -> Recognizer {
    RecognizerConfig::tsm(ResNetConfig::tiny(), CLASSES).init(&Device::flex(), 5)
}

fn answers(evaluation: &Evaluation, version: Version) -> taf_report::metrics::Predictions {
    evaluation.predict(&model(), version, &Device::flex(), &mut |_, _| {}).unwrap()
}

fn asked(evaluation: &Evaluation) -> Answers {
    evaluation.ask(&model(), Version::Clean, &Device::flex(), &mut |_, _| {}).unwrap()
}

/// Sums of the same numbers in another order.
const ROUNDING: f32 = 1e-4;

#[test]
fn the_answer_to_a_video_is_the_mean_over_its_crops_and_clips_whatever_the_batch() {
    let three = EvalTransformConfig { size: 40, short_side: Some(44), crops: Crops::Three };
    let asked = evaluation(videos(), three, TemporalViews::Twice);
    let one_by_one = Evaluation { batch_size: 1, threads: 1, ..asked.clone() };
    let (together, alone) = (answers(&asked, Version::Clean), answers(&one_by_one, Version::Clean));
    assert_eq!(asked.views.count(), 6);
    for (a, b) in together.scores().iter().flatten().zip(alone.scores().iter().flatten()) {
        assert!((a - b).abs() <= ROUNDING, "{a} {b}");
    }
    assert_ne!(together.scores(), answers(&plain(videos()), Version::Clean).scores());
}

#[test]
fn progress_counts_videos_and_ends_with_all_of_them() {
    let mut told = Vec::new();
    plain(videos()).predict(&model(), Version::Clean, &Device::flex(), &mut |done, of| told.push((done, of))).unwrap();
    assert!(told.is_sorted() && told.last() == Some(&(20, 20)), "{told:?}");
}

fn clips() -> Vec<Clip> {
    let evaluation = plain(videos());
    (0..evaluation.records().len()).map(|video| evaluation.first_view(video).unwrap()).collect()
}

#[test]
fn an_explanation_attends_to_the_answer_it_shows_also_where_crafting_looks_at_smaller_clips() {
    let (model, device) = (model(), Device::flex());
    let asking = TemporalAdversary { class: AttendedClass::Prediction, scale: 0.3, ..Default::default() };
    let told = TemporalAdversary { class: AttendedClass::Label, ..asking.clone() };
    for clip in clips() {
        let shown = Explanation::new(&model, &clip, None, &asking, &device, 1).unwrap();
        let crafted = |adversary: &TemporalAdversary| {
            adversary.perturb(&model, clips_to_tensor([&clip], &device), &[shown.class], 1)
        };
        assert_eq!(crafted(&asking).classes, [shown.class]);
        assert_eq!(shown.perturbed.clip, tensor_to_clips(crafted(&told).clips)[0]);
    }
}

/// A network that is asked on the kernels' threads alone.
#[derive(Module, Debug)]
struct AskedOnWorkers {
    inner: Recognizer,
}

impl VideoModel for AskedOnWorkers {
    fn forward(&self, clips: Tensor<5>, pass: &mut Pass) -> VideoOutput {
        let thread = std::thread::current();
        assert!(thread.name().is_some_and(|name| name.starts_with("taf-worker-")), "asked on {:?}", thread.name());
        self.inner.forward(clips, pass)
    }

    fn cam_weights(&self, output: &VideoOutput, classes: Tensor<1, Int>) -> Tensor<2> {
        self.inner.cam_weights(output, classes)
    }

    fn classes(&self) -> usize {
        self.inner.classes()
    }
}

#[test]
fn a_probe_and_an_explanation_ask_the_network_on_the_threads_of_the_kernels() {
    let (model, device) = (AskedOnWorkers { inner: model() }, Device::flex());
    let adversary = TemporalAdversary { class: AttendedClass::Prediction, ..Default::default() };
    plain(videos()).probe(&model, &[0, 7, 13, 19], &adversary, &device, &mut |_, _| {}).unwrap();
    Explanation::new(&model, &clips()[0], None, &adversary, &device, 1).unwrap();
}

#[test]
fn answers_are_found_again_for_the_same_question_alone() {
    let folder = tempfile::tempdir().unwrap();
    let list = write_videos(&folder.path().join("videos"), 1);
    let evaluation = plain(list.clone());
    let store = Store::new(folder.path().join("predictions"));
    let of =
        |evaluation: &Evaluation, version: &str| AnswerKey::new(evaluation, version.parse().unwrap(), "weights", "1");
    let made = asked(&evaluation);
    assert!(store.find(&of(&evaluation, "clean")).is_none());
    store.keep(&of(&evaluation, "clean"), &made).unwrap();
    store.keep(&of(&evaluation, "shot_noise:2"), &made).unwrap();
    store.keep(&of(&evaluation, "shot_noise:4"), &made).unwrap();
    for version in ["clean", "shot_noise:2", "shot_noise:4"] {
        assert_eq!(store.find(&of(&evaluation, version)), Some(made.clone()), "{version}");
    }
    let averaged_otherwise = Evaluation { average: Average::Probabilities, ..evaluation.clone() };
    let known = store.find(&of(&averaged_otherwise, "clean")).expect("how views are averaged asks nothing new");
    assert_ne!(averaged_otherwise.predictions(&known).unwrap(), evaluation.predictions(&made).unwrap());
    let other_batch = Evaluation { batch_size: 1, ..evaluation.clone() };
    assert!(store.find(&of(&other_batch, "clean")).is_some());
    let classes: Vec<String> = list.classes().iter().rev().cloned().collect();
    let other_classes = plain(list.select_classes(&classes).unwrap());
    let views = Views { temporal: TemporalViews::Twice, ..evaluation.views.clone() };
    let other_views = Evaluation { views, ..evaluation.clone() };
    assert!(store.find(&of(&other_classes, "clean")).is_none() && store.find(&of(&other_views, "clean")).is_none());
    assert!(store.find(&AnswerKey::new(&evaluation, Version::Clean, "other weights", "1")).is_none());
    assert!(store.find(&AnswerKey::new(&evaluation, Version::Clean, "weights", "2")).is_none());
    let video = list.path_of(&list.records()[7]);
    let bytes = fs::read(&video).unwrap();
    fs::write(&video, [&bytes[..], b"\0"].concat()).unwrap();
    assert!(store.find(&of(&evaluation, "clean")).is_none(), "the videos are others now");
}

#[test]
fn a_file_of_answers_that_is_damaged_is_as_good_as_none() {
    let folder = tempfile::tempdir().unwrap();
    let (evaluation, store) = (plain(videos()), Store::new(folder.path()));
    let of = AnswerKey::new(&evaluation, Version::Clean, "weights", "1");
    store.keep(&of, &asked(&evaluation)).unwrap();
    let file = fs::read_dir(folder.path()).unwrap().next().unwrap().unwrap().path();
    fs::write(file, "half a fi").unwrap();
    assert!(store.find(&of).is_none());
}

/// What is answered when a stop is asked for after `videos` videos.
fn stopped(evaluation: &Evaluation, known: Option<Answers>, videos: usize) -> Answers {
    let stop = &mut |answers: &Answers| match answers.videos() < videos {
        true => ControlFlow::Continue(()),
        false => ControlFlow::Break(()),
    };
    evaluation.ask_on(&model(), Version::Clean, &Device::flex(), known, stop).unwrap()
}

#[test]
fn an_evaluation_that_was_stopped_twice_ends_with_the_answers_of_one_that_was_not() {
    let folder = tempfile::tempdir().unwrap();
    let two = evaluation(videos(), EvalTransformConfig { size: 32, ..Default::default() }, TemporalViews::Twice);
    let (whole, store) = (asked(&two), Store::new(folder.path()));
    let of = AnswerKey::new(&two, Version::Clean, "weights", "1");
    // Three views go together, two of each video: batches begin after 0, 3, 6, ... videos.
    for (stop, ends_with) in [(7, 7), (2, 7), (8, 8), (20, 20)] {
        let part = stopped(&two, store.find_part(&of), stop);
        assert_eq!(part.videos(), ends_with);
        assert_eq!(part.logits(), &whole.logits()[..part.logits().len()]);
        store.keep_part(&of, &part).unwrap();
        assert!(store.find(&of).is_none(), "answers so far are no answers");
    }
    store.keep(&of, &store.find_part(&of).unwrap()).unwrap();
    assert_eq!((store.find(&of), store.find_part(&of)), (Some(whole), None));
}

#[test]
fn answers_so_far_to_another_question_or_damaged_ones_are_as_good_as_none() {
    let folder = tempfile::tempdir().unwrap();
    let (evaluation, store) = (plain(videos()), Store::new(folder.path()));
    let of = |weights| AnswerKey::new(&evaluation, Version::Clean, weights, "1");
    store.keep_part(&of("weights"), &stopped(&evaluation, None, 6)).unwrap();
    assert!(store.find_part(&of("weights")).is_some() && store.find_part(&of("other weights")).is_none());
    // Another process may be slower.
    store.keep_part(&of("weights"), &stopped(&evaluation, None, 3)).unwrap();
    assert_eq!(store.find_part(&of("weights")).unwrap().videos(), 6);
    let file = fs::read_dir(folder.path()).unwrap().next().unwrap().unwrap().path();
    let bytes = fs::read(&file).unwrap();
    fs::write(file, &bytes[..bytes.len() - 5]).unwrap();
    assert!(store.find_part(&of("weights")).is_none());
    let of_other_classes = Answers::new([6, 1, 3], vec![0.5; 18]);
    assert_eq!(stopped(&evaluation, of_other_classes, 20), asked(&evaluation));
}

/// Evaluation may go on while training replaces the file: answers are of the weights that were read.
#[test]
fn the_hash_of_weights_is_that_of_the_bytes_that_were_read() {
    let folder = tempfile::tempdir().unwrap();
    let run = RunDir::create(folder.path(), Existing::Refuse, &[]).unwrap();
    let recipe = "[data]\nmanifest = \"none.jsonl\"\n[model]\nkind = \"tsm\"\ntrunk = \"tiny\"\n";
    run.write_origin(Provenance::new("cpu", 1), recipe).unwrap();
    let info = CheckpointInfo {
        progress: Progress::default(),
        model: Recipe::parse(recipe, Path::new("recipe.toml"), &[]).unwrap().model,
        classes: (0..CLASSES).map(|class| class.to_string()).collect(),
        label_set: None,
        frames: 8,
        auxiliary: false,
    };
    let checkpoint =
        Checkpoint { info, model: state_dict(&model()), newest: Default::default(), optimizer: Default::default() };
    CheckpointFolder::new(run.checkpoints()).save(&checkpoint, 1).unwrap();
    let trained = Trained::open(folder.path(), Weights::Last, &Device::flex()).unwrap();
    let read = fs::read(&trained.weights).unwrap();
    fs::write(&trained.weights, "those of the next epoch").unwrap();
    assert_eq!(trained.weights_hash, sha256(&read));
}
