//! From videos to a comparison of networks, as a user goes through it.

mod support;

use std::fs;
use std::path::Path;

use serde_json::Value;
use support::{manifest, path, recipe, taf, trained, video, videos};

#[test]
fn folders_of_videos_become_a_manifest_that_passes_its_check() {
    let folder = tempfile::tempdir().unwrap();
    let listed = folder.path().join("list.jsonl");
    let contents =
        taf(&["data", "prepare", path(videos()), "--out", path(&listed), "--val-fraction", "0.5", "--json"]).json();
    assert_eq!(contents["classes"].as_array().unwrap().len(), 10);
    assert_eq!(contents["counts"].as_array().unwrap().len(), 2);
    assert!(taf(&["data", "check", path(&listed), "--min-frames", "8"]).done().contains("no problems"));
}

#[test]
fn a_csv_becomes_a_manifest_with_its_own_splits() {
    let folder = tempfile::tempdir().unwrap();
    let csv = folder.path().join("list.csv");
    fs::write(&csv, "path,label,split\nmoving left/val-00000,left,train\nmoving right/val-00000,right,test\n").unwrap();
    let out = folder.path().join("list.jsonl");
    let root = path(videos());
    let args =
        ["data", "prepare", path(&csv), "--csv-root", root, "--csv-suffix", ".mp4", "--out", path(&out), "--json"];
    let contents = taf(&args).json();
    assert_eq!(contents["classes"], serde_json::json!(["left", "right"]));
    assert_eq!(contents["counts"][1]["split"], "test");
}

#[test]
fn a_check_lists_every_problem_and_ends_with_code_1() {
    let folder = tempfile::tempdir().unwrap();
    let text =
        fs::read_to_string(manifest()).unwrap().replace("{\"path\":\"", &format!("{{\"path\":\"{}/", path(videos())));
    let broken = text.replace("moving left/val-00000.mp4", "gone.mp4").replace("receding/train-00001.mp4", "lost.mp4");
    let file = folder.path().join("broken.jsonl");
    fs::write(&file, broken).unwrap();
    let ended = taf(&["data", "check", path(&file)]);
    assert_eq!(ended.code, 1, "{}", ended.err);
    assert!(ended.out.contains("gone.mp4") && ended.out.contains("lost.mp4"), "{}", ended.out);
    assert!(taf(&["data", "check", path(&file), "--json"]).out.contains("missing-file"));
}

#[test]
fn a_run_holds_all_that_is_known_about_it() {
    let folder = tempfile::tempdir().unwrap();
    let run = trained(folder.path());
    for file in
        ["recipe.toml", "provenance.json", "metrics.jsonl", "report.html", "report.json", "report.md", "finished.json"]
    {
        assert!(run.join(file).is_file(), "{file}");
    }
    let report = json(&run.join("report.json"));
    assert_eq!(report["curves"].as_array().unwrap().len(), 2);
    assert_eq!(report["pictures"].as_array().unwrap().len(), 3);
    assert!(report["attention"][0]["summary"]["moved"]["mean"].as_f64().unwrap() > 0.0);
    let info = taf(&["info", "--run", path(&run), "--json"]).json();
    assert_eq!(info["network"]["trained"]["steps"], 10);
}

#[test]
fn info_knows_the_size_and_the_work_of_the_published_networks() {
    let folder = tempfile::tempdir().unwrap();
    let text = fs::read_to_string(recipe(folder.path(), "")).unwrap().replace("size = 32", "size = 224");
    // Known for 174 classes; here there are 10, each with 2048 weights and a bias.
    let fewer = (174 - 10) * 2049;
    for (kind, parameters, work) in
        [("tsm", 23_864_558, "32.70 G"), ("tam", 25_127_246, "32.75 G"), ("gst", 21_035_246, "29.00 G")]
    {
        let file = folder.path().join("info.toml");
        let model = format!("kind = {kind:?}\ntrunk = \"resnet50\"\n");
        let text = text.replace("kind = \"tsm\"\ntrunk = \"tiny\"\nwidth = 8\nlayers = [1, 1]\n", &model);
        fs::write(&file, text).unwrap();
        let page = taf(&["info", path(&file)]).done();
        for part in [&format!("{} parameters", parameters - fewer), &format!("{work} multiply-adds")] {
            assert!(page.contains(part), "{part} in {page}");
        }
    }
}

#[test]
fn a_finished_run_is_neither_replaced_nor_trained_on_unasked() {
    let folder = tempfile::tempdir().unwrap();
    let run = trained(folder.path());
    let weights = fs::read(run.join("checkpoints/best.safetensors")).unwrap();
    let recipe = recipe(folder.path(), "");
    assert!(taf(&["train", path(&recipe), "--out", path(&run)]).refused().contains("a finished run"));
    let again = taf(&["train", path(&recipe), "--out", path(&run), "--resume"]);
    assert!(again.code == 0 && again.err.contains("this run is finished"), "{}", again.err);
    assert_eq!(fs::read(run.join("checkpoints/best.safetensors")).unwrap(), weights);
    taf(&["train", path(&recipe), "--out", path(&run), "--force", "--set", "seed=4"]).done();
    assert_ne!(fs::read(run.join("checkpoints/best.safetensors")).unwrap(), weights);
}

#[test]
fn a_resumed_run_keeps_its_settings_except_those_that_change_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let run = trained(folder.path());
    fs::remove_file(run.join("finished.json")).unwrap();
    let refused = taf(&["train", "--out", path(&run), "--resume", "--set", "train.epochs=5"]).refused();
    assert!(refused.contains("train.epochs: the run has 2, asked for 5"), "{refused}");
    taf(&["train", "--out", path(&run), "--resume", "--set", "data.workers=5"]).done();
    assert!(run.join("finished.json").is_file());
}

#[test]
fn an_evaluation_tells_tables_json_and_whether_requirements_are_met() {
    let folder = tempfile::tempdir().unwrap();
    let run = trained(folder.path());
    let eval = |more: &[&str]| taf(&[&["eval", "--run", path(&run), "--suite", "clean,frozen_frames"], more].concat());
    assert!(eval(&[]).done().contains("│ base"));
    let page = folder.path().join("eval.html");
    let report = eval(&["--json", "--report", path(&page), "--severity", "1,5"]).json();
    assert_eq!(report["results"][0]["scores"]["samples"], 20);
    assert_eq!(report["results"][1]["scores"]["samples"], 40);
    assert!(page.is_file());
    assert_eq!(eval(&["--require", "clean.top1>=0"]).code, 0);
    let unmet = eval(&["--require", "clean.top1>=1.1"]);
    assert!(unmet.code == 1 && unmet.err.contains("required clean.top1 >= 1.1, found"), "{}", unmet.err);
    assert!(eval(&["--require", "noise.top1>=0"]).refused().contains("--suite"));
}

#[test]
fn predictions_are_used_again_only_for_the_same_question() {
    let folder = tempfile::tempdir().unwrap();
    let run = trained(folder.path());
    let stored = || fs::read_dir(run.join("predictions")).unwrap().map(|file| file.unwrap().path()).min().unwrap();
    let clean =
        |more: &[&str]| taf(&[&["eval", "--run", path(&run), "--suite", "clean", "--json"], more].concat()).json();
    let first = clean(&[]);
    assert!(first["weights"][0]["weights"]["choice"] == "last", "{first}");
    // A mark that shows whether the file is read: all numbers of the stored answers, behind the header, become 0.
    let stored = stored();
    let mut known = fs::read(&stored).unwrap();
    let header = u64::from_le_bytes(known[..8].try_into().unwrap()) as usize;
    known[8 + header..].fill(0);
    fs::write(&stored, known).unwrap();
    assert_ne!(clean(&[])["results"], first["results"]);
    assert_eq!(clean(&["--split", "train"])["results"][0]["scores"]["samples"], 40);
    assert_ne!(clean(&[])["results"], first["results"], "another split replaces nothing");
    fs::write(&stored, "half a fi").unwrap();
    assert_eq!(clean(&[])["results"], first["results"]);
}

#[test]
fn fine_tuning_starts_from_the_weights_and_reports_before_and_after() {
    let folder = tempfile::tempdir().unwrap();
    let run = trained(folder.path());
    let short = folder.path().join("taf.toml");
    fs::write(
        &short,
        "[train]\nepochs = 1\nbatch_size = 8\noptimizer = { learning_rate = 1e-9 }\n[taf]\nweight = 1.0\n",
    )
    .unwrap();
    let [plain, tuned] = ["plain", "taf"].map(|name| folder.path().join(name));
    taf(&["finetune", path(&short), "--from", path(&run), "--out", path(&tuned)]).done();
    taf(&["finetune", path(&short), "--from", path(&run), "--out", path(&plain), "--plain"]).done();
    assert!(fs::read_to_string(tuned.join("metrics.jsonl")).unwrap().contains("perturbed_loss"));
    assert!(!fs::read_to_string(plain.join("metrics.jsonl")).unwrap().contains("perturbed_loss"));
    let report = json(&tuned.join("report.json"));
    let names = |list: &Value, key: &str| -> Vec<String> {
        list.as_array().unwrap().iter().map(|entry| entry[key].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(names(&report["models"], "name"), ["base", "taf"]);
    assert_eq!(names(&report["attention"], "model"), ["base", "taf"]);
    assert_eq!(report["differences"].as_array().unwrap().len(), 2);

    let page = folder.path().join("comparison.html");
    let runs = [path(&run), path(&plain), path(&tuned)];
    let args = [&["compare"], &runs[..], &["--suite", "clean", "--report", path(&page), "--json"]].concat();
    let comparison = taf(&args).json();
    assert_eq!(comparison["differences"].as_array().unwrap().len(), 3);
    assert!(page.is_file() && !page.with_extension("json").exists());
}

#[test]
fn an_auxiliary_branch_is_trained_evaluated_and_left_behind() {
    let folder = tempfile::tempdir().unwrap();
    let run = trained(folder.path());
    let auxiliary = folder.path().join("auxiliary");
    let further = folder.path().join("further");
    let from = |source: &Path, out: &Path, set: &[&str]| {
        let args = ["finetune", "--from", path(source), "--out", path(out), "--set", "train.epochs=1"];
        taf(&[&args, set].concat()).done();
    };
    from(&run, &auxiliary, &["--set", "taf.branch=auxiliary"]);
    taf(&["eval", "--run", path(&auxiliary), "--suite", "clean"]).done();
    from(&auxiliary, &further, &[]);
}

#[test]
fn a_video_is_explained_and_perturbed_within_its_budget() {
    let folder = tempfile::tempdir().unwrap();
    let run = trained(folder.path());
    let [strip, clip, difference] = ["seen.png", "ta.mp4", "difference.png"].map(|name| folder.path().join(name));
    let seen = taf(&["attend", path(&video()), "--run", path(&run), "--out", path(&strip), "--json"]).json();
    assert_eq!(seen["natural"]["top5"].as_array().unwrap().len(), 5);
    let attention: f64 =
        seen["natural"]["attention"].as_array().unwrap().iter().map(|share| share.as_f64().unwrap()).sum();
    assert!((attention - 1.0).abs() < 1e-4);
    assert!(fs::read(&strip).unwrap().starts_with(b"\x89PNG"));
    let page = taf(&["attend", path(&video()), "--run", path(&run), "--label", "moving left"]).done();
    assert!(page.contains("attention for \"moving left\"") && page.contains("frame 8 █"), "{page}");

    let video = video();
    let args = ["perturb", path(&video), "--run", path(&run), "--out", path(&clip), "--difference", path(&difference)];
    let written = taf(&[&args[..], &["--set", "epsilon=0.0314", "--json"]].concat()).json();
    assert!((1..=8).contains(&written["max_change"].as_u64().unwrap()), "{written}");
    assert!(fs::read(&difference).unwrap().starts_with(b"\x89PNG"));
    // What was written is what was measured: the video looks the same to the network when it is read back.
    let again = taf(&["attend", path(&clip), "--run", path(&run), "--json"]).json();
    assert_eq!(again["frames"], serde_json::json!([0, 1, 2, 3, 4, 5, 6, 7]));
}

fn json(file: &Path) -> Value {
    serde_json::from_slice(&fs::read(file).unwrap()).unwrap()
}
