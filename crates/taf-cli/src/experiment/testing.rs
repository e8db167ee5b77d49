//! Experiments of runs and results that nobody trained.

use std::fs;

use taf_report::experiment::{CellName, CellResult, Split};
use taf_report::run::{Existing, Provenance, RunDir};
use tempfile::TempDir;

use super::Place;

const BASE: &str = "[data]\nmanifest = \"m.jsonl\"\n[model]\nkind = \"tsm\"\ntrunk = \"tiny\"\n[train]\nepochs = 9\n";
const FILE: &str = r#"
name = "e"
recipe = "base.toml"
seeds = 1
baseline = "plain"
[[data]]
name = "d"
test = ["test"]
[[model]]
name = "m"
[start]
[[method]]
name = "plain"
plain = true
[[method]]
name = "taf"
candidate = [{ name = "a" }, { name = "b", set = ["taf.weight=0.5"] }]
"#;

/// An experiment with a start and three runs that begin there.
pub fn lab() -> (TempDir, Place) {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| fs::write(folder.path().join(name), text).unwrap();
    write("base.toml", BASE);
    write("m.jsonl", "one");
    write("e.toml", FILE);
    let place = changed(&folder, "", "");
    (folder, place)
}

/// The experiment of [`lab`] with another text in its file.
pub fn changed(folder: &TempDir, from: &str, to: &str) -> Place {
    let file = folder.path().join("e.toml");
    assert!(FILE.contains(from));
    fs::write(&file, FILE.replacen(from, to, 1)).unwrap();
    Place::new(file, Some(folder.path().join("out")), None).unwrap()
}

pub fn name(run: &str) -> CellName {
    CellName { data: "d".into(), model: "m".into(), seed: 0, run: run.into() }
}

/// A finished run of a cell, whose weights are not what they are called.
pub fn run(place: &Place, of: &str) -> RunDir {
    let cell = place.grid.cell(&name(of)).unwrap();
    let run = RunDir::create(place.run(&cell.name), Existing::Refuse, &[]).unwrap();
    let origin = Provenance::new("cpu", 1).with_data(&cell.recipe.data.manifest).unwrap();
    run.write_origin(origin, &cell.recipe.to_toml()).unwrap();
    fs::write(run.checkpoints().join("step-000000001.safetensors"), of).unwrap();
    run.finish().unwrap();
    run
}

/// Writes the result of a cell with these weights and first weights.
pub fn result(place: &Place, of: &str, weights: &str, start: Option<&str>) -> CellResult {
    let cell = place.grid.cell(&name(of)).unwrap();
    let answered = serde_json::json!({ "right": "8", "log_loss": 0.5 });
    let versions: serde_json::Map<_, _> =
        place.grid.versions().into_iter().map(|version| (version.to_string(), answered.clone())).collect();
    let mut json = serde_json::json!({
        "schema": 1, "cell": cell.name, "clips": cell.clips(&cell.recipe.data.validation), "clips_sha256": "",
        "versions": versions, "processor_seconds": { "training": 1.0, "evaluating": 1.0 }, "seconds": 1.0,
        "weights_sha256": weights, "manifest_sha256": "", "recipe_sha256": "", "program": "", "recipe": cell.recipe.to_toml(),
    });
    if let Some(start) = start {
        json["start_sha256"] = start.into();
    }
    let path = place.results.result_path(&cell.name, Split::Validation);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, json.to_string()).unwrap();
    serde_json::from_value(json).unwrap()
}
