//! Runs that answer together, and answers for a leaderboard.

mod support;

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use serde_json::Value;
use support::{Ended, manifest, path, taf, videos};
use tempfile::TempDir;

/// Two runs that know the same classes, of clips of 8 and of 4 frames. Made once for all tests.
fn runs() -> [&'static Path; 2] {
    static RUNS: OnceLock<(TempDir, [PathBuf; 2])> = OnceLock::new();
    let (_, runs) = RUNS.get_or_init(|| {
        let folder = tempfile::tempdir().unwrap();
        let recipe = support::recipe(folder.path(), "");
        let runs = ["eight", "four"].map(|name| folder.path().join(name));
        let train = |run: &Path, more: &[&str]| {
            taf(&[&["train", path(&recipe), "--out", path(run)], more].concat()).done();
        };
        train(&runs[0], &[]);
        train(&runs[1], &["--set", "data.sampling={kind=\"segments\",frames=4}", "--set", "seed=4"]);
        (folder, runs)
    });
    [&runs[0], &runs[1]]
}

fn ensemble(more: &[&str]) -> Ended {
    taf(&[&["ensemble", path(runs()[0]), path(runs()[1])], more].concat())
}

/// The manifest of the videos as that of a published data set; the videos of `unlabelled` splits lose their labels.
fn list(folder: &Path, label_set: &str, unlabelled: &str) -> PathBuf {
    let line = |line: &str| {
        let mut line: Value = serde_json::from_str(line).unwrap();
        if line.get("taf_manifest").is_some() {
            line["label_set"] = label_set.into();
            return line.to_string();
        }
        let name = line["path"].as_str().unwrap().to_owned();
        // Names that tell the videos apart without their folders, as published ones do.
        let own = folder.join(name.replace(['/', ' '], "-"));
        let _ = std::os::unix::fs::symlink(videos().join(&name), &own);
        line["path"] = path(&own).into();
        if line["split"] == unlabelled {
            line.as_object_mut().unwrap().remove("label");
        }
        line.to_string()
    };
    let lines: Vec<String> = fs::read_to_string(manifest()).unwrap().lines().map(line).collect();
    let file = folder.join("list.jsonl");
    fs::write(&file, lines.join("\n") + "\n").unwrap();
    file
}

/// The sentence of a report that says how much each run counts.
fn weights(report: &Value) -> &str {
    let findings = report["findings"].as_array().unwrap().iter().map(|finding| finding.as_str().unwrap());
    findings.into_iter().find(|finding| finding.starts_with("Weights")).unwrap()
}

#[test]
fn an_ensemble_is_reported_beside_its_runs_and_against_the_best() {
    let folder = tempfile::tempdir().unwrap();
    let page = folder.path().join("report.html");
    let report = ensemble(&["--weights", "3,1", "--json", "--report", path(&page)]).json();
    let names: Vec<_> = report["models"].as_array().unwrap().iter().map(|m| m["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["eight", "four", "ensemble of 2"]);
    let top1 = |at: usize| report["results"][at]["scores"]["top1"]["value"].as_f64().unwrap();
    let best = if top1(1) > top1(0) { "four" } else { "eight" };
    let difference = &report["differences"][0];
    assert_eq!((&difference["first"], &difference["second"]), (&best.into(), &"ensemble of 2".into()));
    assert_eq!(weights(&report), "Weights of the ensemble: eight 0.750, four 0.250; as given.");
    assert!(fs::read_to_string(&page).unwrap().contains("ensemble of 2"));
    // All weight on one run is that run.
    let alone = ensemble(&["--weights", "0,1", "--json"]).json();
    assert_eq!(alone["results"][2]["scores"], alone["results"][1]["scores"]);
}

#[test]
fn weights_are_learnt_on_a_split_that_is_not_reported() {
    let learnt = ensemble(&["--split", "val", "--learn-on", "train", "--json"]);
    assert!(learnt.err.contains("eight was trained on train"), "{}", learnt.err);
    let report = learnt.json();
    let weights = weights(&report);
    assert!(weights.ends_with("; they have the least log loss on the 40 videos of train."), "{weights}");
    let refused = ensemble(&["--split", "val", "--learn-on", "val"]).refused();
    assert!(refused.contains("expected videos that are not reported") && refused.contains("val-0000"), "{refused}");
}

#[test]
fn weights_that_are_none_are_refused_before_anything_is_asked() {
    for (weights, told) in
        [("1", "must be 2 numbers"), ("0,0", "not all 0"), ("1,-1", "at least 0"), ("1,nan", "finite")]
    {
        let refused = ensemble(&[&format!("--weights={weights}")]).refused();
        assert!(refused.contains(told), "{refused}");
    }
    assert!(ensemble(&["--combine", "logits", "--learn-on", "train"]).refused().contains("--learn-on mixes"));
    taf(&["ensemble", path(runs()[0])]).refused();
}

#[test]
fn runs_that_are_asked_about_different_videos_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let other = folder.path().join("other");
    let list = list(folder.path(), "own", "none");
    let recipe = support::recipe(folder.path(), "");
    taf(&["train", path(&recipe), "--out", path(&other), "--data", path(&list)]).done();
    for command in ["ensemble", "compare"] {
        let refused = taf(&[command, path(runs()[0]), path(&other)]).refused();
        assert!(refused.contains("found others: other") && refused.contains("--data"), "{refused}");
        assert!(refused.lines().count() == 1, "nothing is asked first: {refused}");
    }
    taf(&["ensemble", path(runs()[0]), path(&other), "--data", path(&list)]).done();
}

#[test]
fn a_leaderboard_file_has_a_line_for_every_video_with_and_without_labels() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("answers.csv");
    let list_of = |label_set: &str, unlabelled: &str| list(folder.path(), label_set, unlabelled);
    let eval = |list: &Path, more: &[&str]| {
        let args = ["eval", "--run", path(runs()[0]), "--suite", "clean", "--data", path(list)];
        taf(&[&args[..], &["--leaderboard", path(&file)], more].concat())
    };
    let labelled = eval(&list_of("something-something-v2", "none"), &["--json"]).json();
    let numbers = fs::read_to_string(&file).unwrap();
    assert_eq!((numbers.lines().count(), &labelled["results"][0]["scores"]["samples"]), (20, &20.into()));
    let first: Vec<&str> = numbers.lines().next().unwrap().split(';').collect();
    assert!(first.len() == 6 && first[0].ends_with("-val-00000"), "{first:?}");
    assert!(first[1..].iter().all(|number| number.parse::<usize>().unwrap() < 10), "{first:?}");
    // The same answers where nothing is known of the labels; then there is nothing to score.
    let unlabelled = list_of("something-something-v2", "val");
    let told = eval(&unlabelled, &[]);
    assert!(told.err.contains("answers to 20 videos") && told.out.is_empty(), "{} {}", told.err, told.out);
    assert_eq!(fs::read_to_string(&file).unwrap(), numbers);
    assert!(eval(&unlabelled, &["--require", "clean.top1>=0"]).refused().contains("needs videos with labels"));
    eval(&list_of("something-something-v1", "val"), &[]).done();
    let named = fs::read_to_string(&file).unwrap();
    let class = named.lines().next().unwrap().split_once(';').unwrap().1;
    assert!(
        fs::read_to_string(&unlabelled).unwrap().lines().next().unwrap().contains(&format!("{class:?}")),
        "{class}"
    );
    fs::remove_file(&file).unwrap();
    let json = ensemble(&["--data", path(&unlabelled), "--leaderboard", path(&file), "--json"]).json();
    assert_eq!(json["results"], serde_json::json!([]));
    assert_eq!(fs::read_to_string(&file).unwrap().lines().count(), 20);
    let refused = eval(&list_of("diving48-v2", "none"), &[]).refused();
    assert!(refused.contains("something-something-v1") && refused.contains("found diving48-v2"), "{refused}");
}
