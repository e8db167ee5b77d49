//! Nothing is lost: a run that is killed again and again ends with the bytes of one that was left in peace.

mod support;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::time::Duration;

use serde_json::Value;
use support::{command, ended, path, recipe, taf};

/// Four epochs of five steps. Checkpoints come within epochs and at their ends: step 10 is both.
const MORE: &str = "checkpoint_steps = 2\n";

fn arguments<'a>(recipe: &'a Path, run: &'a Path) -> Vec<&'a str> {
    vec!["train", path(recipe), "--out", path(run), "--set", "train.epochs=4", "--set", "model.dropout=0.5"]
}

fn undisturbed(folder: &Path, recipe: &Path) -> PathBuf {
    let run = folder.join("undisturbed");
    taf(&arguments(recipe, &run)).done();
    run
}

#[test]
fn a_run_killed_many_times_ends_with_the_same_bytes() {
    let folder = tempfile::tempdir().unwrap();
    let recipe = recipe(folder.path(), MORE);
    let undisturbed = undisturbed(folder.path(), &recipe);
    let killed = folder.path().join("killed");
    let mut kills = 0;
    // The lines of the log after which the process is killed. Each epoch has five steps and an evaluation: line 12 is one
    // that a checkpoint of the same step comes before.
    for after in [1, 3, 5, 8, 11, 12, 15, 17, 20] {
        let args = [arguments(&recipe, &killed), vec!["--resume"]].concat();
        let child = command(&args).spawn().unwrap();
        kills += usize::from(killed_after(child, &killed, after));
    }
    assert!(kills >= 5, "the process was killed only {kills} times before it was done");
    let args = [arguments(&recipe, &killed), vec!["--resume"]].concat();
    taf(&args).done();
    assert_same_run(&undisturbed, &killed);
}

/// Kills the process once the log has so many lines; whether it was still alive.
fn killed_after(mut child: Child, run: &Path, lines: usize) -> bool {
    loop {
        if child.try_wait().unwrap().is_some() {
            return false;
        }
        if logged(run) >= lines {
            child.kill().unwrap();
            child.wait().unwrap();
            return true;
        }
        std::thread::sleep(Duration::from_millis(1));
    }
}

fn logged(run: &Path) -> usize {
    fs::read(run.join("metrics.jsonl")).unwrap_or_default().iter().filter(|&&byte| byte == b'\n').count()
}

fn assert_same_run(expected: &Path, found: &Path) {
    assert_eq!(log_without_times(found), log_without_times(expected));
    let checkpoints = |run: &Path| -> Vec<(String, Vec<u8>)> {
        let entries = fs::read_dir(run.join("checkpoints")).unwrap().map(|entry| entry.unwrap());
        let mut files: Vec<_> =
            entries.map(|e| (e.file_name().into_string().unwrap(), fs::read(e.path()).unwrap())).collect();
        files.sort();
        files
    };
    let (expected, found) = (checkpoints(expected), checkpoints(found));
    let names = |files: &[(String, Vec<u8>)]| files.iter().map(|(name, _)| name.clone()).collect::<Vec<_>>();
    assert_eq!(names(&found), names(&expected));
    for ((name, expected), (_, found)) in expected.iter().zip(&found) {
        assert!(expected == found, "{name} differs");
    }
}

fn log_without_times(run: &Path) -> Vec<Value> {
    let log = fs::read_to_string(run.join("metrics.jsonl")).unwrap();
    let without = |line: &str| {
        let mut line: Value = serde_json::from_str(line).unwrap();
        let fields = line.as_object_mut().unwrap();
        fields.retain(|name, _| name != "seconds" && name != "waited_seconds");
        line
    };
    log.lines().map(without).collect()
}

#[test]
fn the_number_of_workers_does_not_change_a_byte() {
    let folder = tempfile::tempdir().unwrap();
    let recipe = recipe(folder.path(), MORE);
    let one = undisturbed(folder.path(), &recipe);
    for workers in ["data.workers=1", "data.workers=7"] {
        let run = folder.path().join(workers);
        taf(&[arguments(&recipe, &run), vec!["--set", workers]].concat()).done();
        assert_same_run(&one, &run);
    }
}

#[test]
fn a_killed_taf_run_goes_on_with_the_same_bytes() {
    let folder = tempfile::tempdir().unwrap();
    let recipe = recipe(
        folder.path(),
        "checkpoint_steps = 2\naccumulate = 3\n[taf]\nadversary = { random_start = true, scale = 0.5 }\n",
    );
    let undisturbed = undisturbed(folder.path(), &recipe);
    let killed = folder.path().join("killed");
    let args = [arguments(&recipe, &killed), vec!["--resume"]].concat();
    let kills = [3, 9].map(|after| killed_after(command(&args).spawn().unwrap(), &killed, after));
    assert_eq!(kills, [true, true]);
    taf(&args).done();
    assert_same_run(&undisturbed, &killed);
}

/// Every tool of training at once; the average, the steps of Adam and the place in the cycle all have to be taken up.
const EVERYTHING: &str = "checkpoint_steps = 2\naccumulate = 3\nlabel_smoothing = 0.1\nfreeze = [\"stem\"]\n\
    average = { decay = 0.9, warmup = true }\nschedule = { decay = { kind = \"one-cycle\" } }\n\
    optimizer = { kind = \"adamw\", learning_rate = 0.002, clip_norm = 1.0 }\n[taf]\nbranch = \"auxiliary\"\n";

#[test]
fn a_killed_run_with_all_tools_of_training_goes_on_with_the_same_bytes() {
    let folder = tempfile::tempdir().unwrap();
    let recipe = recipe(folder.path(), EVERYTHING);
    let arguments = |run| [arguments(&recipe, run), vec!["--set", "model.drop_path=0.3"]].concat();
    let [undisturbed, killed] = ["undisturbed", "killed"].map(|name| folder.path().join(name));
    taf(&arguments(&undisturbed)).done();
    let args = [arguments(&killed), vec!["--resume"]].concat();
    let kills = [3, 9, 14].map(|after| killed_after(command(&args).spawn().unwrap(), &killed, after));
    assert_eq!(kills, [true; 3]);
    taf(&args).done();
    assert_same_run(&undisturbed, &killed);
}

#[test]
fn a_killed_run_of_mixed_and_augmented_clips_goes_on_with_the_same_bytes() {
    let folder = tempfile::tempdir().unwrap();
    let recipe = recipe(folder.path(), "checkpoint_steps = 2\nmix = { kind = \"mca\", share = 0.6 }\n");
    let options = [
        "data.transform.rand_augment={ std = 3.0 }",
        "data.transform.erasing={}",
        "data.sampling={ kind = 'segments', frames = 8, speed = [0.5, 2.0] }",
        "train.epochs=3",
    ];
    let arguments = |run| {
        let set = options.iter().flat_map(|option| ["--set", *option]);
        arguments(&recipe, run).into_iter().chain(set).collect::<Vec<_>>()
    };
    let [undisturbed, killed] = ["undisturbed", "killed"].map(|name| folder.path().join(name));
    taf(&arguments(&undisturbed)).done();
    let args = [arguments(&killed), vec!["--resume"]].concat();
    let kills = [3, 9].map(|after| killed_after(command(&args).spawn().unwrap(), &killed, after));
    assert_eq!(kills, [true, true]);
    taf(&args).done();
    assert_same_run(&undisturbed, &killed);
}

#[cfg(unix)]
#[test]
fn a_run_asked_to_stop_writes_a_checkpoint_and_says_how_to_go_on() {
    let folder = tempfile::tempdir().unwrap();
    let recipe = recipe(folder.path(), "");
    let undisturbed = undisturbed(folder.path(), &recipe);
    let stopped = folder.path().join("stopped");
    let child = command(&arguments(&recipe, &stopped)).spawn().unwrap();
    while logged(&stopped) < 3 {
        std::thread::sleep(Duration::from_millis(1));
    }
    let signal = Command::new("kill").args(["-TERM", &child.id().to_string()]).status().unwrap();
    assert!(signal.success());
    let end = ended(child.wait_with_output().unwrap());
    assert_eq!(end.code, 130, "{}", end.err);
    assert!(end.err.contains(&format!("taf train --out {} --resume", path(&stopped))), "{}", end.err);
    assert!(!stopped.join("finished.json").exists());
    taf(&["train", "--out", path(&stopped), "--resume"]).done();
    assert_eq!(log_without_times(&stopped), log_without_times(&undisturbed));
    for file in ["checkpoints/best.safetensors", "checkpoints/step-000000020.safetensors"] {
        assert!(fs::read(stopped.join(file)).unwrap() == fs::read(undisturbed.join(file)).unwrap(), "{file} differs");
    }
}

#[test]
fn a_run_that_is_taken_up_says_that_files_of_its_videos_were_written_meanwhile() {
    let folder = tempfile::tempdir().unwrap();
    let own = folder.path().join("videos");
    taf(&["data", "synth", "--size", "32", "--frames", "8", "--train", "1", "--val", "1", "--out", path(&own)]).done();
    let list = own.join("manifest.jsonl");
    let (recipe, run) = (recipe(folder.path(), ""), folder.path().join("run"));
    let args = ["train", path(&recipe), "--out", path(&run), "--resume", "--data", path(&list)];
    let first = taf(&args);
    assert!(first.code == 0 && first.err.contains("no run to resume yet"), "{}", first.err);
    let taken_up = || {
        fs::remove_file(run.join("finished.json")).unwrap();
        let ended = taf(&args);
        assert_eq!(ended.code, 0, "{}", ended.err);
        ended.err
    };
    assert!(!taken_up().contains("were written since"));
    let video = own.join("receding/train-00000.mp4");
    let longer = [fs::read(&video).unwrap(), vec![0; 8]].concat();
    fs::write(&video, longer).unwrap();
    let told = taken_up();
    assert!(told.contains("were written since the run began") && told.contains("manifest.jsonl"), "{told}");
}
