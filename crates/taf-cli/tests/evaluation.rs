//! What an evaluation is asked about, which weights answer, and what it keeps.

mod support;

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;
use support::{Ended, copy_run, manifest, path, taf, videos};

fn eval(run: &Path, more: &[&str]) -> Ended {
    taf(&[&["eval", "--run", path(run), "--json"], more].concat())
}

/// A trained run that keeps no answers yet.
fn trained(folder: &Path) -> PathBuf {
    let run = support::trained(folder);
    fs::remove_dir_all(run.join("predictions")).unwrap();
    run
}

/// The run under another name, as a network to compare with.
fn copy(run: &Path) -> PathBuf {
    copy_run(run, run.with_file_name("copy"))
}

fn files(run: &Path) -> Vec<PathBuf> {
    let mut files: Vec<_> = fs::read_dir(run.join("predictions")).unwrap().map(|file| file.unwrap().path()).collect();
    files.sort();
    files
}

fn json(file: &Path) -> Value {
    serde_json::from_slice(&fs::read(file).unwrap()).unwrap()
}

/// Marks kept answers so that it shows when they are read: every logit of the safetensors file changes its sign.
fn mark(file: &Path) {
    let mut bytes = fs::read(file).unwrap();
    let header = u64::from_le_bytes(bytes[..8].try_into().unwrap()) as usize;
    bytes[8 + header..].chunks_mut(4).for_each(|number| number[3] ^= 0x80);
    fs::write(file, bytes).unwrap();
}

/// The videos of the tests as another list: every line that `change` keeps, as it changes it.
fn list(folder: &Path, change: impl Fn(&str) -> Option<String>) -> PathBuf {
    let text = fs::read_to_string(manifest()).unwrap();
    let absolute = text.replace("{\"path\":\"", &format!("{{\"path\":\"{}/", path(videos())));
    let lines: Vec<String> = absolute.lines().filter_map(change).collect();
    let file = folder.join("list.jsonl");
    fs::write(&file, lines.join("\n") + "\n").unwrap();
    file
}

#[test]
fn the_last_weights_answer_and_the_best_only_about_videos_that_did_not_choose_them() {
    let folder = tempfile::tempdir().unwrap();
    let run = trained(folder.path());
    let weights = |report: Value| report["weights"][0]["weights"].clone();
    assert_eq!(weights(eval(&run, &["--suite", "clean"]).json()), serde_json::json!({ "choice": "last" }));
    let refused = eval(&run, &["--suite", "clean", "--best"]).refused();
    assert!(refused.contains("chosen on videos that are to be reported (split val)"), "{refused}");
    assert!(refused.contains("--split"), "{refused}");
    let other = eval(&run, &["--suite", "clean", "--best", "--split", "train"]).json();
    assert_eq!(weights(other), serde_json::json!({ "choice": "best", "chosen_on": "val" }));
    // The same videos under another name are the same videos.
    let renamed = list(folder.path(), |line| Some(line.replace("\"split\":\"val\"", "\"split\":\"test\"")));
    let renamed = eval(&run, &["--suite", "clean", "--best", "--data", path(&renamed), "--split", "test"]).refused();
    assert!(renamed.contains("chosen on videos that are to be reported"), "{renamed}");
    let link = folder.path().join("link");
    std::os::unix::fs::symlink(videos(), &link).unwrap();
    let linked = list(folder.path(), |line| Some(line.replace(path(videos()), path(&link))));
    let linked = eval(&run, &["--suite", "clean", "--best", "--data", path(&linked)]).refused();
    assert!(linked.contains("chosen on videos that are to be reported"), "{linked}");
    let copy = copy(&run);
    assert!(taf(&["compare", path(&run), path(&copy), "--suite", "clean", "--best"]).refused().contains("--best"));
    // Of what weights of an ensemble are learnt on, no figure is reported.
    let two = ["ensemble", path(&run), path(&copy), "--best"];
    taf(&[&two[..], &["--split", "train", "--learn-on", "val"]].concat()).done();
    assert!(taf(&[&two[..], &["--learn-on", "train"]].concat()).refused().contains("--split"));
    let tuned = folder.path().join("tuned");
    assert!(taf(&["finetune", "--from", path(&run), "--best", "--out", path(&tuned)]).refused().contains("--best"));
    assert!(!tuned.exists());
    taf(&["attend", path(&support::video()), "--run", path(&run), "--best"]).done();
}

#[test]
fn a_run_with_an_average_of_its_weights_is_asked_by_the_average() {
    let folder = tempfile::tempdir().unwrap();
    let of = |name: &str, more: &str| {
        let run = folder.path().join(name);
        taf(&["train", path(&support::recipe(folder.path(), more)), "--out", path(&run)]).done();
        let log = fs::read_to_string(run.join("metrics.jsonl")).unwrap();
        let last: Value = serde_json::from_str(log.lines().last().unwrap()).unwrap();
        let asked = eval(&run, &["--suite", "clean"]).json()["results"][0]["scores"]["log_loss"].as_f64().unwrap();
        assert!((asked - last["log_loss"].as_f64().unwrap()).abs() < 1e-6, "what training evaluated is what is asked");
        let weights = fs::read(run.join("checkpoints/step-000000010.safetensors")).unwrap();
        let has_newest = weights.windows(16).any(|bytes| bytes == b"\"newest.head.bia");
        (asked, has_newest)
    };
    let (plain, averaged) = (of("plain", ""), of("averaged", "average = { decay = 0.9 }\n"));
    // The steps are the same, and what they end at is kept beside the average.
    assert_eq!([plain.1, averaged.1], [false, true]);
    assert!((plain.0 - averaged.0).abs() > 1e-3, "{plain:?} {averaged:?}");
}

#[test]
fn a_result_that_cannot_be_kept_is_told_all_the_same() {
    let folder = tempfile::tempdir().unwrap();
    let run = trained(folder.path());
    // A file in the place of the folder: like a read-only or full disk, nothing can be written there.
    fs::write(run.join("predictions"), "").unwrap();
    let told = eval(&run, &["--suite", "clean,frozen_frames"]);
    assert_eq!(told.err.matches("could not be kept").count(), 1, "{}", told.err);
    assert_eq!(told.json()["results"].as_array().unwrap().len(), 2);
    let compared = taf(&["compare", path(&run), path(&copy(&run)), "--suite", "clean", "--json"]);
    assert!(compared.code == 0 && compared.err.contains("could not be kept"), "{}", compared.err);
}

#[test]
fn a_list_that_lacks_classes_is_evaluated_and_unknown_ones_are_named_and_left_out() {
    let folder = tempfile::tempdir().unwrap();
    let run = trained(folder.path());
    let fewer = list(folder.path(), |line| {
        if line.contains("taf_manifest") {
            return Some(line.replace("\"moving left\",", "").replace("\"moving right\",", ""));
        }
        (!line.contains("\"label\":\"moving left") && !line.contains("\"label\":\"moving right"))
            .then(|| line.to_owned())
    });
    assert!(!fs::read_to_string(&fewer).unwrap().lines().next().unwrap().contains("moving left"));
    let scores = eval(&run, &["--suite", "clean", "--data", path(&fewer)]).json()["results"][0]["scores"].clone();
    assert!(scores["samples"] == 16 && scores["mean_class_accuracy"]["value"].is_number(), "{scores}");

    let other = list(folder.path(), |line| Some(line.replace("moving left\"", "hopping\"")));
    let told = eval(&run, &["--suite", "clean", "--data", path(&other)]);
    assert!(told.err.contains("does not know hopping") && told.err.contains("list.jsonl"), "{}", told.err);
    assert_eq!(told.json()["results"][0]["scores"]["samples"], 18);

    // A run that names its classes leaves out others of its own list on purpose, and of no other.
    let (two, recipe) = (folder.path().join("two"), support::recipe(folder.path(), ""));
    let classes = ["--set", "data.classes=[\"moving left\", \"moving right\"]"];
    taf(&[&["train", path(&recipe), "--out", path(&two)], &classes[..]].concat()).done();
    for (asked, names) in [(&manifest(), false), (&other, true)] {
        let told = eval(&two, &["--suite", "clean", "--data", path(asked)]);
        assert_eq!(told.err.contains("does not know"), names, "{}", told.err);
        told.done();
    }

    let none = list(folder.path(), |line| {
        let header = line.contains("taf_manifest").then_some(r#"{"taf_manifest":1,"classes":["hopping","running"]}"#);
        header
            .map(str::to_owned)
            .or_else(|| line.contains("\"moving left\"").then(|| line.replace("moving left\"", "hopping\"")))
    });
    let refused = eval(&run, &["--suite", "clean", "--data", path(&none)]).refused();
    assert!(refused.contains("found only hopping") && refused.contains("list.jsonl"), "{refused}");
}

#[test]
fn more_and_larger_views_than_in_training_can_be_asked_for_and_nothing_else() {
    let folder = tempfile::tempdir().unwrap();
    let run = trained(folder.path());
    let set = |settings: &[&str]| -> Ended {
        let settings = settings.iter().flat_map(|setting| ["--set", setting]);
        eval(&run, &["--suite", "clean"].into_iter().chain(settings).collect::<Vec<_>>())
    };
    let usual = set(&[]).json();
    let wide = set(&["data.eval.size=48", "data.eval.crops=three", "data.views=twice"]).json();
    let facts = wide["facts"].as_array().unwrap();
    let fact = |name: &str| facts.iter().find(|fact| fact["name"] == name).unwrap()["value"].clone();
    assert_eq!((fact("clip"), fact("views per video")), ("8 frames of 48x48".into(), "6".into()));
    assert_ne!(wide["results"], usual["results"]);
    assert_eq!(set(&[]).json()["results"], usual["results"]);
    assert!(set(&["train.epochs=3"]).refused().contains("belong to training"));
    assert!(set(&["data.eval.size=4"]).refused().contains("data.eval.size must lie between 8 and"));
    let compared =
        taf(&["compare", path(&run), path(&copy(&run)), "--suite", "clean", "--set", "data.eval.crops=three"]);
    assert_eq!(compared.code, 0, "{}", compared.err);
}

#[test]
fn a_run_is_tested_by_the_protocol_of_a_paper_and_the_report_says_which() {
    let folder = tempfile::tempdir().unwrap();
    let run = trained(folder.path());
    let asked = |more: &[&str]| eval(&run, &[&["--suite", "clean"], more].concat());
    let report = asked(&["--protocol", "tpn"]).json();
    let facts = report["facts"].as_array().unwrap();
    let fact = |name: &str| facts.iter().find(|fact| fact["name"] == name).unwrap()["value"].as_str().unwrap();
    let findings = report["findings"].to_string();
    assert!(findings.contains("Protocol tpn: 2 clips (even, odd frames)"), "{findings}");
    assert_eq!((fact("clip"), fact("views per video")), ("8 frames of 256x256", "6"));
    assert_eq!(fact("views are averaged as"), "probabilities");
    // How views are averaged asks nothing new.
    let set = ["--set", "data.views=interleaved", "--set", "data.eval={size=256,short_side=256,crops=\"three\"}"];
    assert_ne!(asked(&set).json()["results"], report["results"]);
    assert_eq!(files(&run).len(), 1);
    let refused = asked(&["--protocol", "tpn", "--set", "data.views=twice"]).refused();
    assert!(refused.contains("protocol tpn decides that"), "{refused}");
    asked(&["--protocol", "tsm-efficient", "--set", "data.sampling.frames=4"]).done();
    assert!(asked(&["--protocol", "tsm"]).refused().contains("tsm-accurate"));
}

#[test]
fn suites_share_their_versions_and_an_evaluation_goes_on_at_the_version_it_was_at() {
    let folder = tempfile::tempdir().unwrap();
    let run = trained(folder.path());
    let noise = eval(&run, &["--suite", "noise"]).json();
    let kept = files(&run);
    assert_eq!(kept.len(), 4, "{kept:?}");
    let gaussian = kept.iter().find(|file| path(file).contains("gaussian_noise-3.")).unwrap();
    let alone = eval(&run, &["--suite", "gaussian_noise", "--severity", "3,3"]).json();
    assert_eq!((&alone["results"][0]["scores"]["samples"], files(&run)), (&Value::from(20), kept.clone()));
    // One of four versions is lost, as if the program had been stopped before it: the three others are not asked again.
    fs::remove_file(gaussian).unwrap();
    kept.iter().filter(|file| *file != gaussian).for_each(|file| mark(file));
    let again = eval(&run, &["--suite", "noise"]).json();
    assert_ne!(again["results"], noise["results"]);
    assert_eq!(eval(&run, &["--suite", "gaussian_noise"]).json()["results"], alone["results"]);
    // Another severity and another split are other questions.
    eval(&run, &["--suite", "gaussian_noise", "--severity", "1"]).json();
    eval(&run, &["--suite", "gaussian_noise", "--split", "train"]).json();
    assert_eq!(files(&run).len(), 6);
    assert_eq!(eval(&run, &["--suite", "gaussian_noise"]).json()["results"], alone["results"]);
}

#[test]
fn videos_that_changed_under_their_manifest_are_asked_about_again() {
    let folder = tempfile::tempdir().unwrap();
    let run = trained(folder.path());
    let own = folder.path().join("videos");
    taf(&["data", "synth", "--size", "32", "--frames", "8", "--train", "0", "--val", "1", "--out", path(&own)]).done();
    let asked =
        || eval(&run, &["--suite", "clean", "--data", path(&own.join("manifest.jsonl"))]).json()["results"].clone();
    let first = asked();
    mark(&files(&run)[0]);
    assert_ne!(asked(), first, "kept answers are used");
    let video = own.join("receding/val-00000.mp4");
    let longer = [fs::read(&video).unwrap(), vec![0; 8]].concat();
    fs::write(&video, longer).unwrap();
    assert_eq!(asked(), first, "the file is another now");
}

#[test]
fn a_report_measures_the_attention_on_all_clips_and_says_in_how_many_groups_they_come() {
    let folder = tempfile::tempdir().unwrap();
    let run = support::trained(folder.path());
    let summary = json(&run.join("report.json"))["attention"][0]["summary"].clone();
    assert_eq!((&summary["clips"], &summary["available"], &summary["groups"]), (&20.into(), &20.into(), &10.into()));
}

#[test]
fn networks_that_learned_labels_of_other_versions_are_neither_compared_nor_asked() {
    let folder = tempfile::tempdir().unwrap();
    let [first, second] = ["diving48-v1", "diving48-v2"].map(|version| {
        let of_version = folder.path().join(version);
        fs::create_dir(&of_version).unwrap();
        let stated = format!("\"label_set\":\"{version}\",\"classes\":");
        let list = list(&of_version, |line| Some(line.replace("\"classes\":", &stated)));
        let run = of_version.join("run");
        let recipe = support::recipe(&of_version, "");
        taf(&["train", path(&recipe), "--data", path(&list), "--out", path(&run), "--set", "train.epochs=1"]).done();
        (run, list)
    });
    let message = taf(&["compare", path(&first.0), path(&second.0)]).refused();
    assert!(
        message.contains("expected the labels diving48-v1, which") && message.contains("found diving48-v2"),
        "{message}"
    );
    let message = eval(&first.0, &["--data", path(&second.1)]).refused();
    assert!(message.contains("expected the labels diving48-v1, which the network was trained on, found diving48-v2"));
    let report = fs::read_to_string(second.0.join("report.json")).unwrap();
    let facts = serde_json::from_str::<Value>(&report).unwrap()["facts"].to_string();
    assert!(facts.contains("\"labels\"") && facts.contains("diving48-v2"), "{facts}");
}
