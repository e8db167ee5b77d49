//! MovingShapes as files: whole, complete, reproducible.

use std::collections::BTreeMap;
use std::fs;
use std::hash::{DefaultHasher, Hasher};
use std::path::Path;

use taf_video::dataset::{CheckOptions, Manifest, check};
use taf_video::synthetic::{CLASSES, Difficulty, MovingShapes, time_reversal_pairs};
use taf_video::{Clip, Seed};

fn quiet(_done: usize, _of: usize) {}

fn shapes(seed: u64) -> MovingShapes {
    MovingShapes::new(Seed::new(seed), 32, 8..=12, Difficulty::MEDIUM).unwrap()
}

/// Every clip by name, with a number that stands for its bytes.
fn files(root: &Path) -> BTreeMap<String, u64> {
    let mut files = BTreeMap::new();
    for class in fs::read_dir(root).unwrap().map(|entry| entry.unwrap().path()).filter(|path| path.is_dir()) {
        for file in fs::read_dir(class).unwrap().map(|entry| entry.unwrap().path()) {
            files
                .insert(file.strip_prefix(root).unwrap().to_str().unwrap().to_owned(), hash(&fs::read(&file).unwrap()));
        }
    }
    files
}

fn hash(bytes: &[u8]) -> u64 {
    let mut hasher = DefaultHasher::new();
    hasher.write(bytes);
    hasher.finish()
}

/// The mean difference of two clips in grey levels.
fn difference(a: &Clip, b: &Clip) -> f64 {
    let bytes = a.frames().iter().zip(b.frames()).flat_map(|(a, b)| a.data().iter().zip(b.data()));
    bytes.map(|(a, b)| f64::from(a.abs_diff(*b))).sum::<f64>() / (a.len() * a.width() * a.height() * 3) as f64
}

/// Compression at visually lossless quality, with colour at half resolution: so small a picture suffers some grey levels.
const COMPRESSION: f64 = 6.0;

/// Every file of the manifest holds the clip that it should.
fn assert_holds(manifest: &Manifest, shapes: &MovingShapes) {
    for record in manifest.records() {
        let number = record.path.rsplit(['-', '.']).nth(1).unwrap().parse().unwrap();
        let drawn = shapes.of_split(&record.split).clip(record.label.unwrap(), number);
        assert_eq!(drawn.len(), record.frames);
        let stored = manifest.open(record).unwrap().read(&(0..record.frames).collect::<Vec<_>>()).unwrap();
        let difference = difference(&stored, &drawn);
        assert!(difference < COMPRESSION, "{}: {difference}", record.path);
    }
}

#[test]
fn the_files_hold_the_clips_and_pass_the_check() {
    let root = tempfile::tempdir().unwrap();
    let written = shapes(3).write(root.path(), &[("train", 2), ("val", 1)], &quiet).unwrap();
    let path = root.path().join("manifest.jsonl");
    assert_eq!(Manifest::read(&path).unwrap(), written);
    let report = check(&path, &CheckOptions::default(), &quiet).unwrap();
    assert!(report.is_clean(), "{:?}", report.problems);
    assert_eq!(report.counts.iter().map(|c| c.per_class.clone()).collect::<Vec<_>>(), [[2; 10], [1; 10]]);
    assert_holds(&written, &shapes(3));
}

#[test]
fn clips_that_are_each_other_backwards_share_a_group_and_nothing_else_does() {
    let root = tempfile::tempdir().unwrap();
    let manifest = shapes(3).write(root.path(), &[("a", 2), ("b", 1)], &quiet).unwrap();
    let mut groups = BTreeMap::<_, Vec<_>>::new();
    for record in manifest.records() {
        groups.entry(record.group.clone().unwrap()).or_default().push((
            record.label.unwrap(),
            &record.split,
            record.frames,
        ));
    }
    assert_eq!(groups.len(), 15);
    for members in groups.values() {
        let [first, second] = members[..] else { panic!("{members:?}") };
        assert!(time_reversal_pairs().contains(&(first.0, second.0)));
        assert_eq!((first.1, first.2), (second.1, second.2));
    }
}

#[test]
fn an_interrupted_generation_is_completed_and_what_was_whole_is_kept() {
    let root = tempfile::tempdir().unwrap();
    let splits = [("train", 2)];
    let first = shapes(3).write(root.path(), &splits, &quiet).unwrap();
    let before = files(root.path());
    let removed = ["moving up/train-00001.mp4", "receding/train-00000.mp4"];
    for file in removed.iter().chain(&["manifest.jsonl"]) {
        fs::remove_file(root.path().join(file)).unwrap();
    }
    let half = fs::File::create(root.path().join("moving up/.77.taf-unfinished")).unwrap();
    half.set_modified(std::time::SystemTime::now() - std::time::Duration::from_secs(3600)).unwrap();
    let kept = root.path().join("moving up/train-00000.mp4");
    let written_at = fs::metadata(&kept).unwrap().modified().unwrap();
    let completed = shapes(3).write(root.path(), &splits, &quiet).unwrap();
    assert_eq!(completed.hash(), first.hash());
    assert_eq!(Manifest::read(&root.path().join("manifest.jsonl")).unwrap(), completed);
    assert_eq!(fs::metadata(&kept).unwrap().modified().unwrap(), written_at);
    assert!(files(root.path()).keys().eq(before.keys()), "nothing is missing or left over");
    assert_holds(&completed, &shapes(3));
}

#[test]
fn other_settings_make_every_file_anew() {
    let root = tempfile::tempdir().unwrap();
    shapes(3).write(root.path(), &[("train", 1)], &quiet).unwrap();
    let manifest = shapes(4).write(root.path(), &[("train", 1)], &quiet).unwrap();
    assert_holds(&manifest, &shapes(4));
}

#[test]
fn more_clips_leave_the_first_ones_as_they_are() {
    let root = tempfile::tempdir().unwrap();
    shapes(3).write(root.path(), &[("train", 1)], &quiet).unwrap();
    let before = files(root.path());
    let manifest = shapes(3).write(root.path(), &[("val", 1), ("train", 2)], &quiet).unwrap();
    assert_eq!(manifest.records().len(), 30);
    let after = files(root.path());
    assert!(before.iter().all(|(name, bytes)| &after[name] == bytes));
}

#[test]
fn splits_that_cannot_be_told_apart_and_more_clips_than_memory_are_refused() {
    let root = tempfile::tempdir().unwrap();
    let refused = |splits: &[(&str, usize)]| shapes(3).write(root.path(), splits, &quiet).unwrap_err().to_string();
    assert!(refused(&[("a", 1), ("a", 1)]).contains("got \"a\""));
    assert!(refused(&[("../a", 1)]).contains("got \"../a\""));
    assert!(refused(&[("a", 0)]).contains("at least 1"));
    assert!(refused(&[]).contains("at least 1"));
    assert!(refused(&[("a", usize::MAX)]).contains("at most 100000"));
    assert!(!root.path().join(CLASSES[0]).exists());
}
