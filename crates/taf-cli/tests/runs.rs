//! Runs are listed, compared and drawn.

mod support;

use std::fs;
use std::path::Path;

use support::{copy_folder, path, recipe, taf};

/// Two runs that differ in a seed and a number of epochs, and a folder that is no run.
fn folder_of_runs() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let runs = folder.path().join("runs");
    fs::create_dir_all(runs.join("notes")).unwrap();
    let recipe = recipe(folder.path(), "");
    taf(&["train", path(&recipe), "--out", path(&runs.join("base"))]).done();
    let other = runs.join("other");
    taf(&["train", path(&recipe), "--out", path(&other), "--set", "seed=4", "--set", "train.epochs=1"]).done();
    folder
}

#[test]
fn runs_are_listed_compared_and_drawn_and_what_is_none_hides_no_other() {
    let folder = folder_of_runs();
    let runs = folder.path().join("runs");
    let broken = runs.join("broken");
    copy_folder(&runs.join("base"), &broken);
    fs::write(broken.join("recipe.toml"), "seed = \"x\"").unwrap();

    let listed = taf(&["runs", path(&runs)]);
    assert!(
        listed.err.contains("notes") && listed.err.contains("passed over") && listed.err.contains("broken/recipe.toml"),
        "{}",
        listed.err
    );
    let table = listed.done();
    let lines: Vec<&str> = table.lines().collect();
    assert_eq!(lines.len(), 3, "{table}");
    assert!(lines[1].contains("base") && lines[1].contains("finished") && lines[1].contains("2/2"), "{table}");
    assert!(!lines[0].contains("TAF"), "nobody was fine-tuned with it: {table}");

    let json = taf(&["runs", path(&runs), "--json", "--sort", "epochs"]).json();
    assert_eq!(
        (&json[0]["epochs_done"], &json[1]["epochs_done"], &json[0]["steps"]),
        (&2.into(), &1.into(), &10.into())
    );
    let waited = json[0]["waited_share"].as_f64().unwrap();
    assert!((0.0..=1.0).contains(&waited) && json[0]["best_top1"].is_number(), "{json}");
    let only = taf(&["runs", path(&runs), "--json", "--only", "OTHER", "--state", "finished"]).json();
    assert_eq!(only.as_array().unwrap().len(), 1);

    let differing = taf(&["runs", path(&runs), "--diff", "--json"]).json();
    let keys: Vec<&String> = differing.as_object().unwrap().keys().collect();
    assert_eq!(keys, ["seed", "train.epochs"]);
    assert!(taf(&["runs", path(&runs.join("base")), "--diff"]).done().contains("the same"));

    drawn(folder.path(), &[&runs.join("base"), &runs.join("other")]);
}

fn drawn(folder: &Path, runs: &[&Path]) {
    let names: Vec<&str> = runs.iter().map(|run| path(run)).collect();
    let (svg, png) = (folder.join("curves.svg"), folder.join("curves.png"));
    for (file, over) in [(&svg, "epochs"), (&png, "hours")] {
        taf(&[&["plot"], &names[..], &["--out", path(file), "--over", over]].concat()).done();
    }
    let drawing = fs::read_to_string(&svg).unwrap();
    assert!(drawing.contains("Validation top-1") && drawing.contains(">other<"), "{drawing}");
    assert!(fs::read(&png).unwrap().starts_with(b"\x89PNG"));
    let letters = taf(&[&["plot"], &names[..]].concat()).done();
    assert!(letters.contains("base\n  training loss ") && letters.contains("validation top-1"), "{letters}");
}

#[test]
fn folders_without_runs_and_drawings_over_a_run_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    assert!(taf(&["runs", path(folder.path())]).refused().contains("expected a run"));
    assert!(taf(&["runs", path(&folder.path().join("nowhere"))]).refused().contains("nowhere"));
    assert!(taf(&["plot", path(folder.path()), "--out", "curves.pdf"]).refused().contains("expected a run"));
    assert_eq!(taf(&["plot", path(folder.path()), "--smooth", "1"]).code, 2);
}
