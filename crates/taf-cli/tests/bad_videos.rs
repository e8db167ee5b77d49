//! A video that cannot be used: training stops at a place it can go on from, or goes on without it.

mod support;

use std::fs;
use std::path::{Path, PathBuf};

use support::{path, taf};

/// Videos of a test's own, since it spoils them; a recipe that reads them; and the place for a run.
fn prepared(folder: &Path) -> (PathBuf, PathBuf, PathBuf) {
    let videos = folder.join("videos");
    let args = ["data", "synth", "--size", "32", "--frames", "8-12", "--train", "4", "--val", "2", "--out"];
    taf(&[&args[..], &[path(&videos)]].concat()).done();
    let recipe = folder.join("recipe.toml");
    fs::write(&recipe, support::RECIPE.replace("MANIFEST", path(&videos.join("manifest.jsonl")))).unwrap();
    (videos.join("moving left/train-00001.mp4"), recipe, folder.join("run"))
}

fn steps(run: &Path) -> usize {
    let log = fs::read_to_string(run.join("metrics.jsonl")).unwrap();
    log.lines().filter(|line| line.contains("\"kind\":\"step\"")).count()
}

#[test]
fn it_stops_training_with_a_checkpoint_that_training_goes_on_from_once_it_is_mended() {
    let folder = tempfile::tempdir().unwrap();
    let (video, recipe, run) = prepared(folder.path());
    let whole = folder.path().join("whole");
    taf(&["train", path(&recipe), "--out", path(&whole)]).done();
    let bytes = fs::read(&video).unwrap();
    fs::write(&video, &bytes[..40]).unwrap();
    let message = taf(&["train", path(&recipe), "--out", path(&run)]).refused();
    let step = steps(&run);
    assert!(message.contains(&format!("after step {step}")), "{message}");
    assert!(message.contains("train-00001.mp4") && message.contains("data.on_bad_video"), "{message}");
    assert!(run.join(format!("checkpoints/step-{step:09}.safetensors")).is_file(), "no checkpoint of step {step}");
    fs::write(&video, &bytes).unwrap();
    taf(&["train", "--out", path(&run), "--resume"]).done();
    let last = "checkpoints/step-000000010.safetensors";
    assert!(fs::read(run.join(last)).unwrap() == fs::read(whole.join(last)).unwrap(), "{last} differs");
}

#[test]
fn it_is_replaced_named_and_counted_where_the_recipe_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let (video, recipe, run) = prepared(folder.path());
    fs::write(&video, b"no video").unwrap();
    taf(&["train", path(&recipe), "--out", path(&run)]).refused();
    // The run that stopped may go on without the video.
    let set = ["--set", "data.on_bad_video=replace"];
    let ended = taf(&[&["train", path(&recipe), "--out", path(&run), "--resume"][..], &set].concat());
    assert_eq!(ended.code, 0, "{}", ended.err);
    assert!(ended.err.contains("moving left/train-00001.mp4 is replaced by moving left/train-0000"), "{}", ended.err);
    assert!(ended.err.contains("1 videos could not be used and were replaced 2 times"), "{}", ended.err);
    let log = fs::read_to_string(run.join("metrics.jsonl")).unwrap();
    let lines: Vec<&str> = log.lines().filter(|line| line.contains("\"kind\":\"video\"")).collect();
    assert_eq!(lines.len(), 2, "once in each of two epochs");
    assert!(lines.iter().all(|line| line.contains("moving left/train-00001.mp4") && line.contains("replaced_by")));
}

#[test]
fn one_of_validation_costs_nothing_of_the_epoch_before_it() {
    let folder = tempfile::tempdir().unwrap();
    let (video, recipe, run) = prepared(folder.path());
    let video = video.with_file_name("val-00000.mp4");
    let whole = folder.path().join("whole");
    taf(&["train", path(&recipe), "--out", path(&whole)]).done();
    let bytes = fs::read(&video).unwrap();
    fs::write(&video, &bytes[..40]).unwrap();
    let message = taf(&["train", path(&recipe), "--out", path(&run)]).refused();
    assert!(message.contains("after step 5") && message.contains("val-00000.mp4"), "{message}");
    let checkpoint = run.join("checkpoints/step-000000005.safetensors");
    assert!(checkpoint.is_file(), "no checkpoint of the epoch's last step");
    // It is met again before any other step is taken.
    taf(&["train", "--out", path(&run), "--resume"]).refused();
    assert_eq!(steps(&run), 5);
    fs::write(&video, &bytes).unwrap();
    taf(&["train", "--out", path(&run), "--resume"]).done();
    let last = "checkpoints/step-000000010.safetensors";
    assert!(fs::read(run.join(last)).unwrap() == fs::read(whole.join(last)).unwrap(), "{last} differs");
}

#[test]
fn one_that_is_known_to_be_damaged_is_named_once_also_where_training_stopped_before_its_first_step() {
    let folder = tempfile::tempdir().unwrap();
    let (video, recipe, run) = prepared(folder.path());
    let manifest = folder.path().join("videos/manifest.jsonl");
    let damaged = |line: &str| match line.contains("left/train-00002") {
        true => line.replacen('{', "{\"damaged\":true,", 1) + "\n",
        false => line.to_owned() + "\n",
    };
    let lines: String = fs::read_to_string(&manifest).unwrap().lines().map(damaged).collect();
    fs::write(&manifest, lines).unwrap();
    let bytes = fs::read(&video).unwrap();
    fs::write(&video, b"no video").unwrap();
    let all = ["--set", "train.batch_size=40"];
    taf(&[&["train", path(&recipe), "--out", path(&run)][..], &all].concat()).refused();
    assert_eq!(steps(&run), 0);
    fs::write(&video, bytes).unwrap();
    taf(&["train", "--out", path(&run), "--resume"]).done();
    let log = fs::read_to_string(run.join("metrics.jsonl")).unwrap();
    assert_eq!(log.matches("\"kind\":\"video\"").count(), 1, "{log}");
}
