//! Videos without labels, and labels that mean something else than those a network was trained on.

use std::path::{Path, PathBuf};

use burn::tensor::Device;
use taf::model::{RecognizerConfig, ResNetConfig, state_dict};
use taf::recipe::Recipe;
use taf::train::{Checkpoint, CheckpointFolder, CheckpointInfo, Progress};
use taf::trained::{Asked, Trained, Weights};
use taf_report::run::{Existing, Provenance, RunDir};
use taf_video::dataset::{Manifest, Record};

/// A list of four dives in two classes, two to train on and two to validate.
fn list(folder: &Path, label_set: Option<&str>, labels: [Option<usize>; 4]) -> PathBuf {
    let splits = ["train", "train", "val", "val"];
    let records = splits.iter().zip(labels).enumerate().map(|(place, (split, label))| Record {
        path: format!("{place}.mp4"),
        label,
        split: (*split).to_owned(),
        frames: 9,
        ..Record::default()
    });
    let classes = vec!["PIKE".to_owned(), "TUCK".to_owned()];
    let list = Manifest::new(folder, classes, None, records.collect()).unwrap();
    let path = folder.join("manifest.jsonl");
    list.with_label_set(label_set.map(str::to_owned)).unwrap().write(&path).unwrap();
    path
}

const RECIPE: &str = "[data]\nmanifest = \"manifest.jsonl\"\n[model]\nkind = \"tsm\"\ntrunk = \"tiny\"\n";

fn recipe(folder: &Path) -> Recipe {
    let path = folder.join("recipe.toml");
    std::fs::write(&path, RECIPE).unwrap();
    Recipe::read(&path, &[]).unwrap()
}

/// A run of an untrained network whose labels are of this set.
fn run(folder: &Path, label_set: Option<&str>) -> Trained {
    let run = RunDir::create(folder.join("run"), Existing::Refuse, &[]).unwrap();
    run.write_origin(Provenance::new("cpu", 1), &recipe(folder).to_toml()).unwrap();
    let info = CheckpointInfo {
        progress: Progress::default(),
        model: recipe(folder).model,
        classes: vec!["PIKE".into(), "TUCK".into()],
        label_set: label_set.map(str::to_owned),
        frames: 8,
        auxiliary: false,
    };
    let model = RecognizerConfig::tsm(ResNetConfig::tiny(), 2).init(&Device::flex(), 5);
    let checkpoint =
        Checkpoint { info, model: state_dict(&model), newest: Default::default(), optimizer: Default::default() };
    CheckpointFolder::new(run.checkpoints()).save(&checkpoint, 1).unwrap();
    Trained::open(&folder.join("run"), Weights::Last, &Device::flex()).unwrap()
}

#[test]
fn training_refuses_videos_without_labels_by_the_name_of_their_split() {
    let folder = tempfile::tempdir().unwrap();
    for (labels, split) in [([Some(0), None, Some(0), Some(1)], "train"), ([Some(0), Some(1), Some(0), None], "val")] {
        list(folder.path(), None, labels);
        let message = recipe(folder.path()).plan().unwrap_err().to_string();
        assert!(
            message.contains("whose videos all have labels") && message.contains(&format!("{split:?}")),
            "{message}"
        );
        assert!(message.contains("manifest.jsonl"), "{message}");
    }
    list(folder.path(), None, [Some(0), Some(1), Some(0), Some(1)]);
    assert!(recipe(folder.path()).plan().is_ok());
}

#[test]
fn an_evaluation_leaves_out_and_counts_videos_without_labels() {
    let folder = tempfile::tempdir().unwrap();
    list(folder.path(), None, [Some(0), Some(1), Some(0), None]);
    let trained = run(folder.path(), None);
    let examination = trained.examination(&Asked::default()).unwrap();
    assert_eq!((examination.evaluation.records().len(), examination.unlabelled), (1, 1));
    list(folder.path(), None, [Some(0), Some(1), None, None]);
    let message = trained.examination(&Asked::default()).unwrap_err().to_string();
    assert!(message.contains("found only ones without label"), "{message}");
}

#[test]
fn a_network_is_not_asked_about_labels_of_another_meaning() {
    let folder = tempfile::tempdir().unwrap();
    let labels = [Some(0), Some(1), Some(0), Some(1)];
    list(folder.path(), Some("diving48-v2"), labels);
    let trained = run(folder.path(), Some("diving48-v1"));
    let message = trained.examination(&Asked::default()).unwrap_err().to_string();
    let expected = "expected the labels diving48-v1, which the network was trained on, found diving48-v2: ";
    assert!(message.starts_with(expected) && message.ends_with("manifest.jsonl"), "{message}");
    for label_set in [Some("diving48-v1"), None] {
        list(folder.path(), label_set, labels);
        assert!(trained.examination(&Asked::default()).is_ok(), "{label_set:?}");
    }
}
