//! A grid of runs from one file: cells that share their start, results without weights, choices before the test clips.

mod support;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Child;
use std::time::Duration;

use serde_json::Value;
use support::{Ended, command, copy_folder, ended, manifest, path, recipe, taf, videos};
use tempfile::TempDir;

const FILE: &str = r#"
name = "forms"
recipe = "recipe.toml"
method_recipe = "tune.toml"
seeds = 2
baseline = "plain"
results = "results"
[evaluation]
suites = ["time-shifted"]
severities = [3]
[[data]]
name = "shapes"
test = ["test"]
[[model]]
name = "tsm"
[start]
set = ["train.epochs=1"]
[[method]]
name = "plain"
plain = true
[[method]]
name = "taf"
candidate = [{ name = "weak", set = ["taf.weight=0.5"] }, { name = "strong" }]
"#;

/// An experiment in a folder of its own, whose manifest has a test split: every second video of the validation.
struct Lab {
    folder: TempDir,
}

impl Lab {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let list = manifest().with_file_name("with-test.jsonl");
        let mut validation = 0;
        let line = |line: &str| {
            validation += usize::from(line.contains("\"val\""));
            let is_test = line.contains("\"val\"") && validation.is_multiple_of(2);
            if is_test { line.replace("\"val\"", "\"test\"") } else { line.to_owned() }
        };
        let text: Vec<String> = fs::read_to_string(manifest()).unwrap().lines().map(line).collect();
        taf_files::write_atomic(&list, (text.join("\n") + "\n").as_bytes()).unwrap();
        let recipe = recipe(folder.path(), "");
        let text = fs::read_to_string(&recipe).unwrap().replace("manifest.jsonl", "with-test.jsonl");
        fs::write(&recipe, text).unwrap();
        fs::write(folder.path().join("tune.toml"), "[train]\nepochs = 1\nbatch_size = 8\n[taf]\n").unwrap();
        let lab = Self { folder };
        lab.write(FILE);
        lab
    }

    /// Lists the videos that lie in `folder`, in a manifest beside the recipe.
    fn list_videos_in(&self, folder: &Path) {
        let recipe = self.folder.path().join("recipe.toml");
        let (shared, own) = (manifest().with_file_name("with-test.jsonl"), self.folder.path().join("list.jsonl"));
        let text = fs::read_to_string(&shared).unwrap();
        let text = text.replace("{\"path\":\"", &format!("{{\"path\":\"{}/", path(folder)));
        fs::write(&own, text).unwrap();
        let text = fs::read_to_string(&recipe).unwrap().replace(path(&shared), path(&own));
        fs::write(&recipe, text).unwrap();
    }

    fn write(&self, text: &str) {
        fs::write(self.file(), text).unwrap();
    }

    fn file(&self) -> PathBuf {
        self.folder.path().join("forms.toml")
    }

    fn arguments<'a>(file: &'a Path, out: &'a Path, more: &[&'a str]) -> Vec<&'a str> {
        [&["experiment", path(file), "--out", path(out)][..], more].concat()
    }

    fn run(&self, more: &[&str]) -> Ended {
        let (file, out) = (self.file(), self.out());
        let mut command = command(&Self::arguments(&file, &out, more));
        ended(command.env("RAYON_NUM_THREADS", "1").output().unwrap())
    }

    fn out(&self) -> PathBuf {
        self.folder.path().join("out")
    }

    fn start(&self, more: &[&str]) -> Child {
        let (file, out) = (self.file(), self.out());
        command(&Self::arguments(&file, &out, more)).env("RAYON_NUM_THREADS", "1").spawn().unwrap()
    }

    fn result(&self, run: &str, file: &str) -> Value {
        let path = self.folder.path().join("results/shapes/tsm").join(run).join(file);
        serde_json::from_str(&fs::read_to_string(&path).unwrap_or_else(|e| panic!("{e}: {}", path.display()))).unwrap()
    }
}

/// A result without what a clock measured.
fn without_times(mut result: Value) -> Value {
    let fields = result.as_object_mut().unwrap();
    fields.retain(|name, _| name != "seconds" && name != "processor_seconds");
    result
}

#[test]
fn a_grid_is_trained_evaluated_and_drawn_and_the_test_clips_are_read_once_chosen() {
    let lab = Lab::new();
    let dry = lab.run(&["--dry-run"]).done();
    assert!(dry.contains("open   shapes/tsm/seed1/taf.strong") && dry.ends_with("0 of 8 cells done\n"), "{dry}");
    assert!(!lab.out().exists());
    let early = lab.run(&["--test"]).refused();
    assert!(early.contains("8 of 8 have none"), "{early}");

    let table = lab.run(&["--jobs", "2", "--json"]).json();
    let blocks = table["blocks"].as_array().unwrap();
    assert_eq!(blocks.len(), 2, "{table}");
    assert_eq!(
        (&blocks[0]["suite"], &blocks[0]["clips"], &blocks[1]["versions"]),
        (&"clean".into(), &10.into(), &5.into())
    );
    let rows = blocks[0]["rows"].as_array().unwrap();
    assert_eq!(
        rows.iter().map(|row| row["run"].as_str().unwrap()).collect::<Vec<_>>(),
        ["start", "plain", "taf.weak", "taf.strong"]
    );
    assert_eq!(rows.iter().filter(|row| row["chosen"] == true).count(), 1);
    assert_eq!(rows[2]["difference"]["over"], "seeds-and-groups");

    // One start for all, and runs like any others.
    let (start, plain) = (lab.result("start", "seed0.json"), lab.result("plain", "seed0.json"));
    assert_eq!(plain["start_sha256"], start["weights_sha256"]);
    assert_eq!(plain["versions"].as_object().unwrap().len(), 6);
    assert!(!plain["recipe"].as_str().unwrap().contains(path(videos())), "a path of this machine");
    assert!(lab.out().join("runs/shapes/tsm/seed1/taf.weak/finished.json").is_file());

    what_is_done_is_not_done_again(&lab, &table);
    let chosen = the_test_clips_are_read_by_the_chosen(&lab);
    changed_candidates_are_refused(&lab, &chosen);
}

/// Even where its runs are gone.
fn what_is_done_is_not_done_again(lab: &Lab, table: &Value) {
    fs::remove_dir_all(lab.out()).unwrap();
    assert!(lab.run(&["--dry-run"]).done().ends_with("8 of 8 cells done\n"));
    let again = lab.run(&["--json"]);
    assert!(!again.err.contains("done in"), "{}", again.err);
    assert_eq!(again.json(), *table);
}

/// The weights are gone and are trained again, the same ones. Returns what was chosen.
fn the_test_clips_are_read_by_the_chosen(lab: &Lab) -> String {
    let test = lab.run(&["--test", "--json", "--jobs", "2"]).json();
    assert_eq!(test["blocks"][0]["rows"].as_array().unwrap().len(), 3, "the start and one of each method: {test}");
    let chosen = test["blocks"][0]["rows"][2]["run"].as_str().unwrap();
    let (validation, test) = (lab.result(chosen, "seed1.json"), lab.result(chosen, "seed1.test.json"));
    assert_eq!((&test["weights_sha256"], &test["clips"]), (&validation["weights_sha256"], &"shapes.test".into()));
    let other = if chosen == "taf.weak" { "taf.strong" } else { "taf.weak" };
    assert!(!lab.folder.path().join(format!("results/shapes/tsm/{other}/seed1.test.json")).exists());
    chosen.to_owned()
}

/// Once the test clips were read.
fn changed_candidates_are_refused(lab: &Lab, chosen: &str) {
    lab.write(&FILE.replace("{ name = \"strong\" }", "{ name = \"strong\" }, { name = \"late\" }"));
    for options in [&["--test"][..], &[], &["--redo"], &["--test", "--redo"]] {
        let error = lab.run(options).refused();
        assert!(error.contains("chosen from") && error.contains("taf.late"), "{error}");
    }
    lab.write(&FILE.replace("taf.weight=0.5", "taf.weight=0.25"));
    let error = lab.run(&["--redo"]).refused();
    assert!(error.contains("whose recipe must stay") && error.contains("taf.weight"), "{error}");
    lab.write(FILE);
    let table = lab.run(&["--table"]).done();
    assert!(table.contains("forms: test clips") && table.contains(chosen), "{table}");
}

/// All that files below a folder say.
fn text_below(folder: &Path) -> String {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let text = |path: PathBuf| if path.is_dir() { text_below(&path) } else { fs::read_to_string(path).unwrap() };
    entries.map(text).collect()
}

#[test]
fn results_do_not_tell_where_videos_lie_and_hold_wherever_they_do() {
    let (lab, elsewhere) = (Lab::new(), tempfile::tempdir().unwrap());
    lab.write(&FILE.replace("seeds = 2", "seeds = 1"));
    let link = elsewhere.path().join("other/videos");
    fs::create_dir(link.parent().unwrap()).unwrap();
    std::os::unix::fs::symlink(videos(), &link).unwrap();
    lab.list_videos_in(videos());
    lab.run(&["--only", "start", "--jobs", "1"]).done();
    let text = text_below(&lab.folder.path().join("results"));
    assert!(text.contains("moving left/val-0"), "{text}");
    for folder in [videos(), lab.folder.path()] {
        assert!(!text.contains(path(folder)), "a path of this machine: {text}");
    }
    fs::write(
        lab.folder.path().join("recipe.toml"),
        fs::read_to_string(recipe(elsewhere.path(), "")).unwrap().replace("manifest.jsonl", "with-test.jsonl"),
    )
    .unwrap();
    lab.list_videos_in(&link);
    assert!(lab.run(&["--dry-run", "--only", "start"]).done().ends_with("1 of 1 cells done\n"));
}

/// The experiment of the documentation, on the small videos of these tests and with two epochs each.
#[test]
fn the_example_runs() {
    let lab = Lab::new();
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let text = fs::read_to_string(root.join("experiments/shapes.toml")).unwrap();
    let list = manifest().with_file_name("with-test.jsonl");
    let here = |text: &str| {
        text.replace("../configs", path(&root.join("configs"))).replace("../demo/videos/manifest.jsonl", path(&list))
    };
    let quick =
        ["=12", "=4"].iter().fold(here(&text), |text, epochs| text.replace(&format!("epochs{epochs}\""), "epochs=2\""));
    let small = quick.replace("model.width=16", "model.width=8");
    assert!(small.matches("epochs=2\"").count() == 4 && small.contains("width=8"), "{small}");
    lab.write(&small);
    let results = lab.folder.path().join("results");
    let run = |more: &[&str]| lab.run(&[more, &["--results", path(&results), "--json"]].concat());
    assert_eq!(run(&["--jobs", "2"]).json()["blocks"][1]["rows"].as_array().unwrap().len(), 5);
    assert_eq!(run(&["--test"]).json()["blocks"][1]["rows"].as_array().unwrap().len(), 4);
}

/// The results in the repository: their tables are drawn again, to the letter, without a video or a weight.
#[test]
fn the_tables_beside_the_results_are_those_that_the_results_make() {
    let experiments = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../experiments");
    let mut drawn = 0;
    for folder in fs::read_dir(experiments.join("results")).unwrap().map(|entry| entry.unwrap().path()) {
        let file = experiments.join(folder.file_name().unwrap()).with_extension("toml");
        let copy = tempfile::tempdir().unwrap();
        copy_folder(&folder, copy.path());
        let told = taf(&["experiment", path(&file), "--table", "--results", path(copy.path())]);
        let kept = fs::read_to_string(folder.join("validation.md")).unwrap();
        assert_eq!(told.done(), kept, "{}", folder.display());
        drawn += 1;
    }
    assert!(drawn >= 2, "results of {drawn} experiments");
}

/// What the README shows is a table of the results, row by row.
#[test]
fn the_table_of_the_readme_is_that_of_the_results() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let read = |path: &str| fs::read_to_string(root.join(path)).unwrap();
    let (readme, table) = (read("README.md"), read("experiments/results/shapes30/validation.md"));
    let shown: Vec<&str> = readme.lines().skip_while(|line| !line.starts_with("| method |")).collect();
    let shown: Vec<&str> = shown.into_iter().take_while(|line| line.starts_with('|')).collect();
    assert!(shown.len() > 4, "{shown:?}");
    let lost: Vec<_> = shown.iter().filter(|line| !table.lines().any(|row| row == **line)).collect();
    assert!(lost.is_empty(), "not in the table: {lost:#?}");
}

#[test]
fn a_result_of_another_recipe_is_refused_until_it_is_to_be_redone() {
    let lab = Lab::new();
    let one = FILE.replace("seeds = 2", "seeds = 1");
    lab.write(&one);
    lab.run(&["--only", "start", "--only", "plain", "--drop-weights"]).done();
    assert_eq!(fs::read_dir(lab.out().join("runs/shapes/tsm/seed0/plain/checkpoints")).unwrap().count(), 0);
    let before = lab.result("plain", "seed0.json");
    lab.write(&one.replace("name = \"plain\"\n", "name = \"plain\"\nset = [\"train.label_smoothing=0.1\"]\n"));
    let only = ["--only", "plain"];
    let error = lab.run(&only).refused();
    assert!(error.contains("seed0/plain: train.label_smoothing") && error.contains("--redo"), "{error}");
    lab.run(&["--only", "plain", "--redo"]).done();
    let after = lab.result("plain", "seed0.json");
    assert_ne!(before["weights_sha256"], after["weights_sha256"]);
    assert_eq!(before["start_sha256"], after["start_sha256"], "the start was trained again, bit for bit");
    another_manifest_is_trained_on(&lab, &after);
    // A start of another recipe takes all that began with it along.
    lab.write(
        &one.replace("train.epochs=1", "train.epochs=2")
            .replace("name = \"plain\"\n", "name = \"plain\"\nset = [\"train.label_smoothing=0.1\"]\n"),
    );
    let error = lab.run(&only).refused();
    assert!(error.contains("seed0/plain: its start is"), "{error}");
}

/// Though only a training clip is gone from it, and the weights of the old one are there.
fn another_manifest_is_trained_on(lab: &Lab, before: &Value) {
    let list = fs::read_to_string(manifest().with_file_name("with-test.jsonl")).unwrap();
    let dropped = list.lines().position(|line| line.contains("\"train\"")).unwrap();
    let kept: Vec<&str> = list.lines().enumerate().filter(|(at, _)| *at != dropped).map(|(_, line)| line).collect();
    let fewer = manifest().with_file_name("fewer.jsonl");
    taf_files::write_atomic(&fewer, (kept.join("\n") + "\n").as_bytes()).unwrap();
    let text = fs::read_to_string(lab.file()).unwrap();
    lab.write(&text.replace("name = \"shapes\"", &format!("name = \"shapes\"\nmanifest = {fewer:?}")));
    lab.run(&["--only", "start", "--only", "plain", "--redo"]).done();
    let after = lab.result("plain", "seed0.json");
    assert_ne!(before["weights_sha256"], after["weights_sha256"]);
    lab.write(&text);
    lab.run(&["--only", "start", "--only", "plain", "--redo"]).done();
    assert_eq!(without_times(lab.result("plain", "seed0.json")), without_times(before.clone()));
}

#[test]
fn a_grid_that_is_killed_again_and_again_ends_with_the_same_results() {
    let lab = Lab::new();
    let text = FILE.replace("seeds = 2", "seeds = 1").replace("suites = [\"time-shifted\"]", "suites = []");
    lab.write(&text);
    let runs = ["start", "plain", "taf.weak", "taf.strong"];
    for pause in [700, 1000, 1300, 1600] {
        let mut child = lab.start(&["--jobs", "2"]);
        std::thread::sleep(Duration::from_millis(pause));
        child.kill().unwrap();
        child.wait().unwrap();
    }
    // Runs whose parent was killed end by themselves, and are waited for.
    lab.run(&["--jobs", "2"]).done();
    let undisturbed = Lab::new();
    undisturbed.write(&text);
    undisturbed.run(&["--jobs", "1"]).done();
    for run in runs {
        let results = [&lab, &undisturbed].map(|lab| without_times(lab.result(run, "seed0.json")));
        assert_eq!(results[0], results[1], "{run}");
    }
}

#[test]
fn a_cell_that_fails_is_named_with_its_log_and_the_others_go_on() {
    let lab = Lab::new();
    lab.write(
        &FILE
            .replace("seeds = 2", "seeds = 1")
            .replace("name = \"plain\"\n", "name = \"plain\"\nset = [\"train.optimizer.learning_rate=1e30\"]\n"),
    );
    let ended = lab.run(&["--jobs", "1", "--only", "plain", "--only", "taf.weak"]);
    assert_eq!(ended.code, 2, "{}", ended.err);
    assert!(ended.err.contains("seed0/plain: failed: training diverged"), "{}", ended.err);
    assert!(
        ended.err.contains("logs/shapes/tsm/seed0/plain.log") && ended.err.contains("1 cells failed"),
        "{}",
        ended.err
    );
    assert!(lab.result("taf.weak", "seed0.json")["versions"]["clean"]["right"].is_string());
}

#[test]
fn bad_input_is_refused_before_anything_is_written() {
    let lab = Lab::new();
    for (from, to, expected) in [
        ("test = [\"test\"]", "test = [\"nowhere\"]", "nowhere"),
        ("test = [\"test\"]", "test = [\"val\"]", "other splits than those for training and validation"),
        ("train.epochs=1", "train.epoch=1", "train.epoch=1"),
        ("\"recipe.toml\"", "\"gone.toml\"", "gone.toml"),
        ("seeds = 2", "seeds = -2", "number of seeds"),
        ("name = \"tsm\"", "name = \"tsm\"\nset = [\"model.kind=tpn\"]", "shapes/tsm/seed0/start"),
    ] {
        lab.write(&FILE.replace(from, to));
        let error = lab.run(&[]).refused();
        assert!(error.contains(expected), "{to}: {error}");
    }
    lab.write(FILE);
    assert!(lab.run(&["--only", "nothing"]).refused().contains("no cell"));
    assert_eq!(lab.run(&["--shard", "3/2"]).code, 2);
    assert_eq!(lab.run(&["--cell", "shapes/tsm/seed9/plain"]).code, 2);
    assert!(!lab.folder.path().join("results").exists());
    fs::create_dir_all(lab.out()).unwrap();
    fs::write(lab.out().join("thesis.tex"), "x").unwrap();
    fs::remove_dir_all(lab.out().join("runs")).ok();
    assert!(lab.run(&[]).refused().contains("other files"));
}
