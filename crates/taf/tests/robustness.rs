//! Several networks that are asked together, and the benchmarks they are asked.

use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use burn::tensor::Device;
use taf::evaluate::{
    Answers, Average, Benchmark, Condition, Evaluation, EvaluationError, Examinee, Interview, Kept, Store, Subject,
    Told, Version, Views, robustness,
};
use taf::model::{Recognizer, RecognizerConfig, ResNetConfig};
use taf_report::page::RobustnessReport;
use taf_video::corrupt::Severity;
use taf_video::dataset::Manifest;
use taf_video::synthetic::{Difficulty, MovingShapes};
use taf_video::transform::EvalTransformConfig;
use taf_video::{Sampling, Seed, TemporalViews};
use tempfile::TempDir;

/// Two videos of each class, 48 pixels, 8 to 12 frames.
fn videos() -> Manifest {
    static FOLDER: OnceLock<TempDir> = OnceLock::new();
    let folder = FOLDER.get_or_init(|| {
        let folder = tempfile::tempdir().unwrap();
        let shapes = MovingShapes::new(Seed::new(1), 48, 8..=12, Difficulty::MEDIUM).unwrap();
        shapes.write(folder.path(), &[("val", 2)], &|_, _| {}).unwrap();
        folder
    });
    Manifest::read(&folder.path().join("manifest.jsonl")).unwrap()
}

fn evaluation(frames: usize, batch_size: usize) -> Evaluation {
    let transform = EvalTransformConfig { size: 32, ..Default::default() }.init().unwrap();
    let views = Views { sampling: Sampling::segments(frames), temporal: TemporalViews::Twice, transform };
    Evaluation { videos: Arc::new(videos()), views, average: Average::Logits, batch_size, threads: 2 }
}

fn model(seed: u64) -> Recognizer {
    RecognizerConfig::tsm(ResNetConfig::tiny(), 10).init(&Device::flex(), seed)
}

fn noisy() -> Version {
    "gaussian_noise:3".parse().unwrap()
}

fn go_on(_: &[Answers]) -> ControlFlow<()> {
    ControlFlow::Continue(())
}

#[test]
fn networks_that_are_asked_together_answer_to_the_bit_as_alone_wherever_each_goes_on() {
    let (models, sizes, device) = ([model(1), model(2), model(3)], [3, 8, 5], Device::flex());
    let alone: Vec<Answers> = models
        .iter()
        .zip(sizes)
        .map(|(model, size)| evaluation(8, size).ask(model, noisy(), &device, &mut |_, _| {}).unwrap())
        .collect();
    // Batches of 3, 8 and 5 views, two of each video: of 7 known videos 6, 4 and 5 fill batches.
    for known in [[0, 0, 0], [7, 0, 20], [20, 7, 7]] {
        let first = |answers: &Answers, videos: usize| {
            let [_, views, classes] = answers.shape();
            Answers::new([videos, views, classes], answers.logits()[..videos * views * classes].to_vec())
        };
        let examinees = (0..3).map(|at| Examinee {
            model: &models[at],
            batch_size: sizes[at],
            known: first(&alone[at], known[at]),
        });
        let together = evaluation(8, 1).ask_all(examinees.collect(), noisy(), &device, &mut go_on).unwrap();
        assert_eq!(together, alone, "{known:?}");
    }
}

fn report(subjects: Vec<Subject<Recognizer>>, benchmarks: &[Benchmark]) -> RobustnessReport {
    let device = Device::flex();
    let mut interview = Interview::new(subjects, &device);
    let told = &mut |_: Told| ControlFlow::Continue(());
    robustness("test", &mut interview, benchmarks, told).unwrap().build().unwrap()
}

fn subject<'a>(
    name: &str,
    model: &'a Recognizer,
    evaluation: &'a Evaluation,
    kept: Option<&Path>,
) -> Subject<'a, Recognizer> {
    let kept = kept.map(|folder| Kept::new(Store::new(folder), evaluation, name, "1"));
    Subject { name: name.into(), model, evaluation, kept }
}

fn benchmarks() -> Vec<Benchmark> {
    let severity = |number| Severity::new(number).unwrap();
    let named = |name, severities: &[Severity]| Benchmark::named(name, severities).unwrap();
    vec![named("order", &[]), named("frames", &[]), named("temporal", &[severity(5)])]
}

#[test]
fn an_interrupted_measurement_goes_on_and_ends_with_the_report_of_one_that_was_not() {
    let (models, of_eight, of_four) = ([model(1), model(2), model(3)], evaluation(8, 4), evaluation(4, 4));
    let evaluations = [&of_eight, &of_four, &of_eight];
    let subjects = |folder: Option<&Path>| -> Vec<Subject<Recognizer>> {
        let named = ["a", "b", "c"].iter().enumerate();
        let kept = |name: &str| folder.map(|folder| folder.join(name));
        named.map(|(at, name)| subject(name, &models[at], evaluations[at], kept(name).as_deref())).collect()
    };
    let whole = report(subjects(None), &benchmarks());
    let (folder, device) = (tempfile::tempdir().unwrap(), Device::flex());
    let mut stops = 0;
    let resumed = loop {
        let mut heard = 0;
        let mut interview = Interview::new(subjects(Some(folder.path())), &device);
        let told = &mut |told: Told| {
            heard += usize::from(matches!(told, Told::Answered(_)));
            if heard > 60 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        };
        match robustness("test", &mut interview, &benchmarks(), told) {
            Ok(report) => break report.build().unwrap(),
            Err(EvaluationError::Stopped { answered, asked, .. }) => assert!(answered > 0 && answered <= asked),
            Err(error) => panic!("{error}"),
        }
        stops += 1;
        assert!(stops < 60, "nothing is kept");
    };
    assert!(stops > 3, "{stops}");
    assert_eq!(resumed, whole);
}

#[test]
fn networks_are_reported_as_each_would_be_alone() {
    let (models, shown) = ([model(1), model(2)], evaluation(8, 4));
    let both =
        report(vec![subject("a", &models[0], &shown, None), subject("b", &models[1], &shown, None)], &benchmarks());
    for (at, name) in ["a", "b"].into_iter().enumerate() {
        let one = report(vec![subject(name, &models[at], &shown, None)], &benchmarks());
        assert_eq!(one.clean[0], both.clean[at]);
        for (one, both) in one.benchmarks.iter().zip(&both.benchmarks) {
            assert!(one.parts.iter().zip(&both.parts).all(|(one, both)| one.models[0] == both.models[at]));
            assert!(one.rows.iter().zip(&both.rows).all(|(one, both)| one.top1[0] == both.top1[at]));
        }
    }
    // Of the network's own length, clips of 8 frames are the clean ones.
    let frames = &both.benchmarks[1];
    assert_eq!((frames.about.levels[1].as_str(), frames.rows[0].top1[0][1]), ("8", both.clean[0]));
}

/// Ten videos, of which the seventh cannot be read, and its file.
fn videos_with_a_broken_one(folder: &Path) -> (Manifest, PathBuf) {
    let shapes = MovingShapes::new(Seed::new(1), 48, 8..=12, Difficulty::MEDIUM).unwrap();
    let list = shapes.write(folder, &[("val", 1)], &|_, _| {}).unwrap();
    let broken = list.path_of(&list.records()[6]);
    std::fs::write(&broken, "a poem").unwrap();
    (list, broken)
}

#[test]
fn what_is_answered_before_a_video_that_cannot_be_read_is_kept() {
    let folder = tempfile::tempdir().unwrap();
    let (list, broken) = videos_with_a_broken_one(folder.path());
    let (model, device, kept) = (model(1), Device::flex(), folder.path().join("kept"));
    let evaluation = Evaluation { videos: Arc::new(list), ..evaluation(8, 2) };
    let ask = || {
        let mut interview = Interview::new(vec![subject("a", &model, &evaluation, Some(&kept))], &device);
        let mut heard = Vec::new();
        let said = interview.answers(Condition::CLEAN, &mut |told| {
            heard.push(format!("{told:?}"));
            ControlFlow::Continue(())
        });
        assert!(said.unwrap_err().to_string().contains(&broken.display().to_string()));
        heard
    };
    assert_eq!(ask().len(), 6);
    let again = ask();
    assert!(again.len() == 1 && again[0].contains("GoesOn") && again[0].contains("answered: 6"), "{again:?}");
}

#[test]
fn where_the_answers_of_one_network_cannot_be_kept_those_of_others_are() {
    let (models, shown, device) = ([model(1), model(2)], evaluation(4, 8), Device::flex());
    let folder = tempfile::tempdir().unwrap();
    let [file, kept] = ["file", "kept"].map(|name| folder.path().join(name));
    std::fs::write(&file, "no folder").unwrap();
    let subjects = vec![subject("a", &models[0], &shown, Some(&file)), subject("b", &models[1], &shown, Some(&kept))];
    let mut interview = Interview::new(subjects, &device);
    interview.answers(Condition::CLEAN, &mut |_| ControlFlow::Continue(())).unwrap();
    assert!(interview.take_unkept().unwrap().to_string().contains(&file.display().to_string()));
    assert_eq!(std::fs::read_dir(kept).unwrap().count(), 1);
}

#[test]
fn a_video_that_cannot_be_read_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let (list, broken) = videos_with_a_broken_one(folder.path());
    let (models, device) = ([model(1), model(2)], Device::flex());
    let evaluation = Evaluation { videos: Arc::new(list), ..evaluation(8, 1) };
    for sizes in [[2, 16], [16, 2]] {
        let examinees = (0..2).map(|at| Examinee { model: &models[at], batch_size: sizes[at], known: None }).collect();
        let mut answered = 0;
        let error = evaluation.ask_all(examinees, Condition::CLEAN.version(), &device, &mut |answers| {
            answered = answers[1].videos();
            ControlFlow::Continue(())
        });
        assert!(error.unwrap_err().to_string().contains(&broken.display().to_string()));
        assert_eq!(answered, 6, "what lies before it is answered");
    }
}
