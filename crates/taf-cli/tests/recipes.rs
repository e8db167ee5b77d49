//! Every recipe in configs/ loads, fits a miniature of its data and takes steps, far smaller than it says.

mod support;

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;
use support::{manifest, path, taf, videos};

/// The folder of the recipes.
fn configs() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../configs")
}

/// The recipes that have a `[taf]` table and need a run to start from, or the others.
fn recipes(with_taf: bool) -> Vec<PathBuf> {
    let files = fs::read_dir(configs()).unwrap().map(|entry| entry.unwrap().path());
    let mut files: Vec<_> = files.filter(|file| stem(file).ends_with("_taf") == with_taf).collect();
    files.sort();
    files
}

fn stem(file: &Path) -> &str {
    file.file_stem().unwrap().to_str().unwrap()
}

/// MovingShapes under the names of gestures.
fn miniature(folder: &Path) -> PathBuf {
    let text = fs::read_to_string(manifest()).unwrap();
    let text = ["left", "right", "up", "down"]
        .iter()
        .fold(text, |text, side| text.replace(&format!("\"moving {side}\""), &format!("\"{side}\"")));
    let text = text.replace("{\"path\":\"", &format!("{{\"path\":\"{}/", path(videos())));
    let file = folder.join("miniature.jsonl");
    fs::write(&file, text).unwrap();
    file
}

/// What makes a recipe small. Mirrors that keep the label are only for classes without sides.
fn small(recipe: &Path) -> Vec<&'static str> {
    let text = fs::read_to_string(recipe).unwrap();
    let mut sets = vec!["data.train=[\"train\"]", "data.validation=[\"val\"]", "data.transform.size=32"];
    sets.extend(["data.transform.short_side=36", "data.eval.size=32", "data.eval.short_side=36"]);
    sets.extend(["train.batch_size=4", "train.accumulate=2"]);
    sets.extend(["model.width=8", "model.layers=[1,1,1,1]"]);
    if text.contains("horizontal_flip = \"plain\"") {
        sets.push("data.classes=[\"approaching\",\"receding\"]");
    }
    sets
}

fn dry_run(arguments: &[&str], sets: &[&str]) -> Value {
    let sets: Vec<&str> = sets.iter().flat_map(|set| ["--set", set]).collect();
    taf(&[arguments, &sets, &["--dry-run", "--json"]].concat()).json()
}

#[test]
fn every_recipe_that_trains_a_network_takes_steps_on_a_miniature() {
    let folder = tempfile::tempdir().unwrap();
    let data = miniature(folder.path());
    let recipes = recipes(false);
    assert!(recipes.len() >= 20, "{recipes:?}");
    for recipe in recipes {
        let told = dry_run(&["train", path(&recipe), "--data", path(&data)], &small(&recipe));
        let seconds = told["step"]["seconds"].as_f64().unwrap();
        assert!(seconds > 0.0 && told["steps"].as_u64().unwrap() > 0, "{}: {told}", recipe.display());
    }
}

#[test]
fn every_recipe_that_fine_tunes_with_taf_takes_steps_from_a_run_of_its_network() {
    let folder = tempfile::tempdir().unwrap();
    let data = miniature(folder.path());
    let base = |kind: &str| {
        let (recipe, run) = (configs().join(format!("{kind}_ssv1.toml")), folder.path().join(kind));
        let mut sets = vec!["train.epochs=1", "data.classes=[\"approaching\",\"receding\"]"];
        sets.extend(small(&recipe));
        let sets: Vec<&str> = sets.iter().flat_map(|set| ["--set", set]).collect();
        taf(&[&["train", path(&recipe), "--data", path(&data), "--out", path(&run)], &sets[..]].concat()).done();
        run
    };
    let bases = ["tsm", "gst", "tam", "tpn"].map(|kind| (kind, base(kind)));
    for recipe in recipes(true) {
        let of_kind = bases.iter().find(|(kind, _)| stem(&recipe).starts_with(kind));
        // Those of the demo and of one's own videos have a TSM.
        let (_, from) = of_kind.unwrap_or(&bases[0]);
        let sets = ["train.batch_size=4", "train.accumulate=2"];
        let told = dry_run(&["finetune", path(&recipe), "--from", path(from)], &sets);
        assert!(told["recipe"]["taf"].is_object() && told["step"]["seconds"].as_f64().unwrap() > 0.0, "{told}");
    }
}

#[test]
fn every_published_recipe_says_where_it_is_from_and_stands_in_the_table() {
    let table = fs::read_to_string(configs().join("../docs/recipes.md")).unwrap();
    for recipe in recipes(false).into_iter().chain(recipes(true)) {
        let (name, text) = (stem(&recipe), fs::read_to_string(&recipe).unwrap());
        assert!(text.starts_with("# ") && text.contains(&format!("configs/{name}.toml")), "{name}: how it is used");
        if ["tsm_", "gst_", "tam_", "tpn_"].iter().any(|kind| name.starts_with(kind)) {
            assert!(text.contains("\n# Source: ") && text.contains("\n# Differs: "), "{name}");
            assert!(table.contains(&format!("`{}`", name.trim_end_matches("_taf"))), "{name} in docs/recipes.md");
        }
    }
}

#[test]
fn a_dry_run_prints_a_recipe_with_what_it_takes_and_writes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let recipe = support::recipe(folder.path(), "base_batch = 16\n");
    let before = fs::read_dir(folder.path()).unwrap().count();
    let page = taf(&["train", path(&recipe), "--dry-run"]).done();
    for part in [
        "# train         40 videos of train, 4 a class, 8 to 12 frames",
        "# steps         5 an epoch, 10 in all",
        "# learning rate 5.000e-3: 0.01 is for batches of 16 clips",
        "# network       tsm on tiny, ",
        "measured with 8 clips at a time",
        "evaluations not counted",
    ] {
        assert!(page.contains(part), "{part} in {page}");
    }
    let again = folder.path().join("again.toml");
    fs::write(&again, &page).unwrap();
    let json = taf(&["train", path(&again), "--dry-run", "--json"]).json();
    assert_eq!(json["steps"], 10, "what is printed is a recipe");
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), before + 1);
    assert!(taf(&["train", path(&recipe)]).refused().contains("--out"));
    let unknown = taf(&["train", path(&recipe), "--dry-run", "--set", "train.freeze=[\"layer7\"]"]).refused();
    assert!(unknown.contains("train.freeze must name layers of the network: base_model, bn1, conv1, "), "{unknown}");
    let gone = taf(&["train", path(&recipe), "--dry-run", "--data", "nowhere.jsonl"]).refused();
    assert!(gone.contains("nowhere.jsonl"), "{gone}");
}

#[test]
fn a_dry_run_does_with_a_list_whose_videos_are_yet_to_come() {
    let folder = tempfile::tempdir().unwrap();
    let recipe = support::recipe(folder.path(), "");
    let list = folder.path().join("early.jsonl");
    fs::copy(manifest(), &list).unwrap();
    let ended = taf(&["train", path(&recipe), "--dry-run", "--data", path(&list)]);
    assert!(ended.err.contains("the videos cannot be read yet") && ended.err.contains(".mp4"), "{}", ended.err);
    let page = ended.done();
    assert!(page.contains("40 videos of train") && page.contains("(measured; on made-up clips)"), "{page}");
}
