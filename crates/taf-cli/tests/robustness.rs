//! Robustness benchmarks: several runs at once, stopped and gone on with, and what is refused.

mod support;

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use serde_json::Value;
use support::{Ended, command, copy_run, path, taf};
use tempfile::TempDir;

/// Two runs that know the same classes. Made once for all tests.
fn runs() -> [&'static Path; 2] {
    static RUNS: OnceLock<(TempDir, [PathBuf; 2])> = OnceLock::new();
    let (_, runs) = RUNS.get_or_init(|| {
        let folder = tempfile::tempdir().unwrap();
        let recipe = support::recipe(folder.path(), "");
        let runs = ["first", "second"].map(|name| folder.path().join(name));
        for (run, seed) in runs.iter().zip(["seed=3", "seed=4"]) {
            taf(&["train", path(&recipe), "--out", path(run), "--set", seed]).done();
        }
        (folder, runs)
    });
    [&runs[0], &runs[1]]
}

/// The run in another folder, without answers.
fn copy(run: &Path, folder: &Path) -> PathBuf {
    copy_run(run, folder.join(run.file_name().unwrap()))
}

const BENCHMARKS: &str = "temporal,order,frames";

fn robustness(runs: &[&Path], more: &[&str]) -> Ended {
    let runs: Vec<&str> = runs.iter().map(|run| path(run)).collect();
    taf(&[&["robustness"], &runs[..], more].concat())
}

fn json(file: &Path) -> Value {
    serde_json::from_slice(&fs::read(file).unwrap()).unwrap()
}

#[test]
fn two_runs_are_measured_in_one_go_as_each_alone_and_written_for_people_and_programs() {
    let folder = tempfile::tempdir().unwrap();
    let own = runs().map(|run| copy(run, folder.path()));
    let (out, page) = (folder.path().join("out"), folder.path().join("r.html"));
    let both =
        robustness(&[&own[0], &own[1]], &["--benchmark", BENCHMARKS, "--out", path(&out), "--report", path(&page)]);
    let table = both.done();
    assert!(table.contains("first against second: robustness") && table.contains("mPC"), "{table}");
    let report = json(&out.join("robustness.json"));
    for (at, run) in runs().into_iter().enumerate() {
        let alone = copy(run, &folder.path().join("alone"));
        let one = robustness(&[&alone], &["--benchmark", BENCHMARKS, "--json"]).json();
        assert_eq!(one["clean"][0], report["clean"][at]);
        for benchmark in 0..3 {
            let rows = |of: &Value, model: usize| -> Vec<Value> {
                let rows = of["benchmarks"][benchmark]["rows"].as_array().unwrap();
                rows.iter().map(|row| row["top1"][model].clone()).collect()
            };
            assert_eq!(rows(&one, 0), rows(&report, at), "{run:?}");
        }
    }
    let html = fs::read_to_string(&page).unwrap();
    assert_eq!(html, fs::read_to_string(out.join("robustness.html")).unwrap());
    assert!(html.contains("start_later") && html.contains("data:image/png;base64,") && !html.contains("<script"));
    assert!(fs::read_to_string(out.join("robustness.md")).unwrap().contains("| first |"));
    // What is kept is what other commands take up.
    let eval = taf(&["eval", "--run", path(&own[0]), "--suite", "start_later", "--severity", "5", "--json"]).json();
    let row = |row: &&Value| row["name"] == "start_later";
    let temporal = report["benchmarks"][0]["rows"].as_array().unwrap().iter().find(row).unwrap();
    assert_eq!(eval["results"][0]["scores"]["top1"]["value"], temporal["top1"][0][4]["value"]);
}

#[test]
fn a_measurement_that_is_killed_again_and_again_ends_with_the_numbers_of_one_that_is_not() {
    let folder = tempfile::tempdir().unwrap();
    let [whole, killed] = ["whole", "killed"].map(|name| runs().map(|run| copy(run, &folder.path().join(name))));
    let asked = ["--benchmark", "imagenet-c,order", "--json"];
    let expected = robustness(&[&whole[0], &whole[1]], &asked).json();
    let kept = || fs::read_dir(killed[0].join("predictions")).map_or(0, Iterator::count);
    let mut deaths = 0;
    for _ in 0..5 {
        let before = kept();
        let args = [&["robustness", path(&killed[0]), path(&killed[1])], &asked[..]].concat();
        let mut child = command(&args).spawn().unwrap();
        let start = Instant::now();
        while kept() < before + 4 && child.try_wait().unwrap().is_none() && start.elapsed() < Duration::from_secs(60) {
            std::thread::sleep(Duration::from_millis(2));
        }
        child.kill().unwrap();
        deaths += usize::from(!child.wait().unwrap().success());
    }
    assert!(deaths >= 3, "{deaths}");
    let resumed = robustness(&[&killed[0], &killed[1]], &asked).json();
    for part in ["clean", "benchmarks", "answer", "findings"] {
        assert_eq!(resumed[part], expected[part], "{part}");
    }
}

#[test]
fn trials_that_are_stopped_again_and_again_end_with_the_findings_of_those_that_are_not() {
    let folder = tempfile::tempdir().unwrap();
    let [whole, stopped] = ["whole", "stopped"].map(|name| runs().map(|run| copy(run, &folder.path().join(name))));
    let asked = ["--benchmark", "adversarial,attention"];
    let start = Instant::now();
    let expected = robustness(&[&whole[0], &whole[1]], &[&asked[..], &["--json"]].concat()).json();
    // The report is longer than what fits into a pipe that nobody reads.
    // A sixth, since the machine may have been slower at first: two stops are to be had at three times the pace.
    let (sixth, mut stops, out) = (start.elapsed() / 6, 0, folder.path().join("out"));
    let args = [&["robustness", path(&stopped[0]), path(&stopped[1])], &asked[..], &["--out", path(&out)]].concat();
    let is_whole = (0..60).any(|_| {
        let child = command(&args).spawn().unwrap();
        std::thread::sleep(sixth);
        let signal = std::process::Command::new("kill").args(["-TERM", &child.id().to_string()]).status().unwrap();
        assert!(signal.success());
        let ended = support::ended(child.wait_with_output().unwrap());
        // One that was slow to start is ended at once.
        if ended.code == 130 && ended.err.contains("counted in every trial") {
            assert!(ended.err.contains("go on with the same command"), "{}", ended.err);
            assert!(stops == 0 || ended.err.contains("9 trials of first, second, "), "{}", ended.err);
            stops += 1;
        }
        ended.code == 0
    });
    assert!(is_whole && stops >= 2, "{stops} stops");
    assert_eq!(json(&out.join("robustness.json"))["trials"], expected["trials"]);
}

#[test]
fn names_and_severities_that_are_none_are_refused_with_those_that_are() {
    let refused = |more: &[&str]| robustness(&[runs()[0]], more).refused();
    let told = refused(&["--benchmark", "imagenet"]);
    assert!(
        told.contains("benchmark must be") && told.contains("imagenet-c") && told.contains("got \"imagenet\""),
        "{told}"
    );
    let told = refused(&["--benchmark", "order", "--severities", "2"]);
    assert!(told.contains("severities of benchmark order must be among 5, got 2"), "{told}");
    assert!(refused(&["--benchmark", "temporal", "--severities", "6"]).contains("between 1 and 5"));
    let twice = robustness(&[runs()[0], runs()[0]], &["--benchmark", "order"]).refused();
    assert!(twice.contains("expected every run once"), "{twice}");
    let told = refused(&["--benchmark", "attention,adversarial", "--severities", "3"]);
    assert!(told.contains("--severities is for benchmarks"), "{told}");
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("a.txt"), "somebody's").unwrap();
    assert!(refused(&["--benchmark", "order", "--out", path(folder.path())]).contains("found other files"));
    let help = taf(&["robustness", "--help"]).done();
    assert!(help.contains("temporal") && help.contains("--severities"), "{help}");
}

#[test]
fn runs_that_cannot_be_asked_the_same_are_refused_and_those_shown_otherwise_have_clips_of_their_own() {
    let folder = tempfile::tempdir().unwrap();
    let recipe = support::recipe(folder.path(), "");
    let train = |name: &str, settings: &[&str]| {
        let run = folder.path().join(name);
        let settings: Vec<&str> = settings.iter().flat_map(|setting| ["--set", setting]).collect();
        taf(&[&["train", path(&recipe), "--out", path(&run), "--set", "train.epochs=1"], &settings[..]].concat())
            .done();
        run
    };
    let two_classes = train("two", &["data.classes=[\"moving left\", \"moving right\"]"]);
    let told = robustness(&[runs()[0], &two_classes], &["--benchmark", "order"]).refused();
    assert!(told.contains("expected the classes of"), "{told}");
    let fixed = train("fixed", &["model.kind=\"tam\"", "model.trunk=\"resnet50\""]);
    let told = robustness(&[runs()[0], &fixed], &["--benchmark", "frames"]).refused();
    assert!(
        told.contains("needs networks for clips of any length, found fixed, a tam on resnet50 for 8 frames"),
        "{told}"
    );
    let short = train("short", &["data.sampling={kind=\"segments\",frames=4}"]);
    let told = robustness(&[runs()[0], &short], &["--benchmark", "order,frames", "--json"]);
    assert!(told.err.contains("in clips of their own: short"), "{}", told.err);
    let report = told.json();
    assert_eq!(report["other_clips"], serde_json::json!(["short"]));
    let fact = |name: &str| report["facts"].as_array().unwrap().iter().find(|fact| fact["name"] == name).unwrap();
    assert_eq!(
        [&fact("clip, first")["value"], &fact("clip, short")["value"]],
        ["8 frames of 32x32", "4 frames of 32x32"]
    );
    assert_eq!(fact("views per video")["value"], "1");
}

#[test]
fn attacks_and_attention_are_tried_beside_benchmarks_and_without_any() {
    let folder = tempfile::tempdir().unwrap();
    let own = runs().map(|run| copy(run, folder.path()));
    let (out, few) = (folder.path().join("out"), ["--clips", "4", "--steps", "3", "--epsilons", "1/255,0.02"]);
    let asked = [&["--benchmark", "adversarial,attention", "--out", path(&out)], &few[..]].concat();
    let table = robustness(&[&own[0], &own[1]], &asked).done();
    assert!(table.contains("1/255") && table.contains("passed") && table.contains("deletion"), "{table}");
    let report = json(&out.join("robustness.json"));
    let trials = &report["trials"];
    assert_eq!((&report["videos"], &report["clean"]), (&Value::from(0), &Value::Array(vec![])));
    let kept = fs::read_dir(own[0].join("predictions")).unwrap().map(|file| file.unwrap().path());
    assert!(
        kept.into_iter().all(|file| file.extension().unwrap() == "json"),
        "no video is asked about for trials alone"
    );
    for model in 0..2 {
        let points = trials["adversarial"][model]["robust"]["points"].as_array().unwrap();
        let accuracy: Vec<f64> = points.iter().map(|point| point["accuracy"]["value"].as_f64().unwrap()).collect();
        assert!(accuracy.len() == 3 && accuracy.is_sorted_by(|a, b| a >= b), "{accuracy:?}");
        assert_eq!(trials["adversarial"][model]["masking"]["checks"].as_array().unwrap().len(), 7);
        assert_eq!(trials["attention"][model]["faithfulness"]["clips"], 4);
        let rows = &trials["transfer"][0]["rows"];
        assert_eq!(rows[model]["accuracy"].as_array().unwrap().len(), 2);
    }
    assert_eq!(trials["moved"].as_array().unwrap().len(), 1);
    let html = fs::read_to_string(out.join("robustness.html")).unwrap();
    assert!(html.contains("Can the attacks be believed?") && html.contains("data:image/png;base64,"));
    assert!(fs::read_to_string(out.join("robustness.md")).unwrap().contains("random order"));
    let again =
        robustness(&[&own[0], &own[1]], &[&["--benchmark", "attention,adversarial", "--json"], &few[..]].concat());
    assert_eq!(again.json()["trials"], *trials);
    let both = robustness(&[&own[0]], &[&["--benchmark", "order,attention", "--json"], &few[..]].concat()).json();
    assert!(both["benchmarks"][0]["name"] == "order" && both["trials"]["attention"][0]["model"] == "first");
    for (wrong, told) in
        [("--epsilons=8", "attack.epsilon must"), ("--epsilons=x", "4/255"), ("--steps=1", "attack.steps")]
    {
        let refused = robustness(&[&own[0]], &["--benchmark", "adversarial", wrong]).refused();
        assert!(refused.contains(told), "{refused}");
    }
    let unknown = robustness(&[&own[0]], &["--benchmark", "adverse"]).refused();
    assert!(unknown.contains("adversarial, attention"), "{unknown}");
}

#[test]
fn pictures_name_videos_below_their_folder_also_where_the_list_does_not() {
    let folder = tempfile::tempdir().unwrap();
    let own = runs().map(|run| copy(run, folder.path()));
    let list = folder.path().join("list.jsonl");
    let absolute = format!("{{\"path\":\"{}/", path(support::videos()));
    fs::write(&list, fs::read_to_string(support::manifest()).unwrap().replace("{\"path\":\"", &absolute)).unwrap();
    let asked = ["--benchmark", "attention", "--clips", "2", "--json", "--data", path(&list)];
    let pictures = robustness(&[&own[0], &own[1]], &asked).json()["trials"]["pictures"].clone();
    let captions: Vec<&str> = pictures.as_array().unwrap().iter().map(|of| of["caption"].as_str().unwrap()).collect();
    assert!(
        captions.len() == 2 && captions.iter().all(|of| of.contains("/val-") && !of.starts_with('/')),
        "{captions:?}"
    );
}
