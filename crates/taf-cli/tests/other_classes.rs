//! A trained run serves as the start for videos of other classes.

mod support;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use support::{command, path, recipe, taf, trained};
use taf_checkpoint::read;

const KNOWN: &str = "moving left,moving right,moving up,moving down";
const OTHER: &str = "approaching,receding,moving left";
/// Every network, the smallest of its kind.
const KINDS: [(&str, &str); 6] = [
    ("tsn", "tiny"),
    ("tsm", "tiny"),
    ("tam", "resnet50"),
    ("gst", "resnet50"),
    ("tea", "resnet50"),
    ("tpn", "resnet50"),
];
/// A rate at which no weight moves by more than a rounding.
const STILL: &str = "train.optimizer.learning_rate=1e-12";
/// What such a rate may move a weight by.
const ROUNDING: f32 = 1e-6;

type State = BTreeMap<String, Vec<f32>>;

fn newest(run: &Path) -> PathBuf {
    let files = fs::read_dir(run.join("checkpoints")).unwrap().map(|entry| entry.unwrap().path());
    files.filter(|file| file.file_name().unwrap().to_str().unwrap().starts_with("step-")).max().unwrap()
}

/// The weights of the network that training changes by gradients alone.
fn weights(run: &Path) -> State {
    let tensors = read(&newest(run)).unwrap().tensors.into_iter().map(|tensor| (tensor.name, tensor.values));
    let of_network = |name: &str| name.starts_with("model.") && !name.contains("running_");
    tensors.filter(|(name, _)| of_network(name)).collect()
}

fn is_head(name: &str) -> bool {
    name.starts_with("model.head.") || name.starts_with("model.neck.auxiliary.head.")
}

fn same(a: &[f32], b: &[f32]) -> bool {
    a.len() == b.len() && a.iter().zip(b).all(|(a, b)| (a - b).abs() <= ROUNDING)
}

/// The trunk is the source's, and every classifier has the first weights of a network of its kind.
fn assert_only_the_classifier_is_new(source: &Path, tuned: &Path, classes: usize, deviation: f32) {
    let (before, after) = (weights(source), weights(tuned));
    for (name, values) in &after {
        let kept = before.get(name).is_some_and(|old| same(old, values));
        assert_eq!(kept, !is_head(name), "{name}");
    }
    let bias = &after["model.head.bias"];
    assert!(bias.len() == classes && bias.iter().all(|value| value.abs() < ROUNDING), "{bias:?}");
    let (weight, mean_square) = (&after["model.head.weight"], |values: &[f32]| {
        values.iter().map(|value| value * value).sum::<f32>() / values.len() as f32
    });
    let found = mean_square(weight).sqrt();
    assert!((0.7..1.4).contains(&(found / deviation)), "{found} for {deviation}");
}

#[test]
fn every_network_keeps_its_trunk_and_starts_a_new_classifier() {
    let folder = tempfile::tempdir().unwrap();
    // TPN stands on the last of four stages.
    let small = ["--set", "train.epochs=1", "--set", "train.batch_size=8", "--set", "model.layers=[1,1,1,1]"];
    for (kind, trunk) in KINDS {
        let (base, tuned) = (folder.path().join(kind), folder.path().join(format!("{kind}-tuned")));
        let (set_kind, set_trunk) = (format!("model.kind={kind}"), format!("model.trunk={trunk}"));
        let recipe = recipe(folder.path(), "");
        let args = ["train", path(&recipe), "--out", path(&base), "--classes", KNOWN];
        taf(&[&args[..], &small, &["--set", &set_kind, "--set", &set_trunk]].concat()).done();
        let args = ["finetune", "--from", path(&base), "--out", path(&tuned), "--classes", OTHER, "--set", STILL];
        let refused = taf(&args).refused();
        assert!(refused.contains("--new-classifier"), "{refused}");
        let ended = taf(&[&args[..], &["--new-classifier"]].concat());
        assert!(ended.err.contains("a new classifier of 3 classes takes the place of one of 4"), "{}", ended.err);
        ended.done();
        assert_only_the_classifier_is_new(&base, &tuned, 3, if kind == "tpn" { 0.01 } else { 0.001 });
    }
}

#[test]
fn a_report_of_new_classes_does_not_compare_with_a_network_that_does_not_know_them() {
    let folder = tempfile::tempdir().unwrap();
    let (base, tuned) = (trained(folder.path()), folder.path().join("tuned"));
    let args = ["finetune", "--from", path(&base), "--out", path(&tuned), "--classes", OTHER, "--new-classifier"];
    let more = ["--set", "taf.branch=auxiliary", "--set", "train.epochs=1"];
    taf(&[&args[..], &more].concat()).done();
    let report: serde_json::Value =
        serde_json::from_str(&fs::read_to_string(tuned.join("report.json")).unwrap()).unwrap();
    assert!(report["results"].as_array().unwrap().iter().all(|result| result["model"] == "tuned"), "{report}");
    let page = fs::read_to_string(tuned.join("report.md")).unwrap();
    assert!(page.contains("base answers with other classes"), "{page}");
    // Its auxiliary norms are left behind when it is a start itself.
    let again = folder.path().join("again");
    let args = ["finetune", "--from", path(&tuned), "--out", path(&again), "--classes", KNOWN, "--plain"];
    taf(&[&args[..], &["--new-classifier", "--set", STILL, "--set", "train.epochs=1"]].concat()).done();
    assert_only_the_classifier_is_new(&tuned, &again, 4, 0.001);
}

#[test]
fn the_same_classes_may_be_learned_anew_and_a_killed_run_goes_on_so() {
    let folder = tempfile::tempdir().unwrap();
    let base = trained(folder.path());
    let args = |run: &Path| {
        let more = ["--set", "train.checkpoint_steps=2", "--set", "train.epochs=3"].map(str::to_owned);
        let args = ["finetune", "--from", path(&base), "--out", path(run)].map(str::to_owned);
        [&args[..], &more].concat()
    };
    let (whole, killed) = (folder.path().join("whole"), folder.path().join("killed"));
    let run = |run: &Path, more: &[&str]| {
        let args = args(run);
        taf(&[args.iter().map(String::as_str).collect(), more.to_vec()].concat())
    };
    run(&whole, &["--new-classifier"]).done();
    let first = args(&killed);
    let begun = [first.iter().map(String::as_str).collect(), vec!["--new-classifier"]].concat();
    let mut child = command(&begun).spawn().unwrap();
    // Before there is any checkpoint, so that the first weights have to be made again.
    while !killed.join("recipe.toml").exists() {
        std::thread::sleep(Duration::from_millis(1));
    }
    child.kill().unwrap();
    child.wait().unwrap();
    run(&killed, &["--resume"]).done();
    assert!(fs::read(newest(&whole)).unwrap() == fs::read(newest(&killed)).unwrap());
    let kept = folder.path().join("kept");
    run(&kept, &[]).done();
    fs::remove_file(kept.join("finished.json")).unwrap();
    let refused = run(&kept, &["--resume", "--new-classifier"]).refused();
    assert!(refused.contains("the classifier that the run began with"), "{refused}");
}
