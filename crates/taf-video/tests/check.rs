//! What the check of a manifest finds, on real video files.

mod listed;

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};

use listed::{HEADER, checked, checked_with, kinds, prepare_folders, two_classes, write_damaged_video, write_video};
use taf_video::dataset::{CheckOptions, Manifest, PrepareOptions, ProblemKind, check};

#[test]
fn a_fresh_manifest_has_no_problems_and_its_counts_are_right() {
    let root = two_classes();
    let path = root.path().join("manifest.jsonl");
    prepare_folders(root.path(), &PrepareOptions::default()).unwrap().manifest.write(&path).unwrap();
    let calls = AtomicUsize::new(0);
    let count = |_, _| {
        calls.fetch_add(1, Ordering::Relaxed);
    };
    let report = check(&path, &CheckOptions::default(), &count).unwrap();
    assert!(report.is_clean(), "{:?}", report.problems);
    assert_eq!(calls.into_inner(), 10);
    let mut counts: Vec<_> = report.counts.iter().map(|c| (c.split.as_str(), c.per_class.clone())).collect();
    counts.sort();
    assert_eq!(counts, [("train", vec![4, 4]), ("val", vec![1, 1])]);
}

/// Adds to two classes of videos a manifest in which nearly everything is wrong, and returns where it lies.
fn plant(root: &Path) -> PathBuf {
    fs::write(root.join("up/text.mp4"), "not a video").unwrap();
    fs::copy(root.join("up/0.mp4"), root.join("up/copy.mp4")).unwrap();
    let lines = [
        ("up/0.mp4", "up", "train", 3),
        ("up/gone.mp4", "up", "train", 3),
        ("up/text.mp4", "up", "train", 3),
        ("up/1.mp4", "up", "train", 9),
        ("up/2.mp4", "sideways", "train", 5),
        ("up/0.mp4", "up", "val", 3),
        ("up/copy.mp4", "up", "val", 3),
        ("up/4.mp4", "up", "test", 7),
        ("down/4.mp4", "down", "val", 7),
    ];
    let line = |(path, label, split, frames): (&str, &str, &str, usize)| {
        format!("{{\"path\":\"{path}\",\"label\":\"{label}\",\"split\":\"{split}\",\"frames\":{frames}}}\n")
    };
    let path = root.join("manifest.jsonl");
    fs::write(&path, format!("{HEADER}\n{}oops\n", lines.map(line).concat())).unwrap();
    path
}

#[test]
fn check_finds_every_planted_problem_and_lists_them_all() {
    let root = two_classes();
    let path = plant(root.path());
    let report = checked_with(&path, &CheckOptions { min_frames: 4, ..Default::default() });
    let found: Vec<_> = report.problems.iter().map(|problem| (problem.line.unwrap_or(0), problem.kind)).collect();
    use ProblemKind::*;
    let expected = [
        (2, TooShort),
        (3, MissingFile),
        (4, Unreadable),
        (5, FrameCount),
        (6, UnknownLabel),
        (7, DuplicatePath),
        (8, TooShort),
        (8, DuplicateContent),
        (11, MalformedLine),
        (0, NoTraining),
        (0, AbsentFromSplit),
    ];
    assert_eq!(found, expected);
    let told: Vec<_> = report.problems.iter().map(ToString::to_string).collect();
    let at = |name: &str| root.path().join(name).display().to_string();
    assert_eq!(told[0], format!("expected at least 4 frames, found 3: {} (line 2)", at("up/0.mp4")));
    assert_eq!(told[1], format!("expected a video, found nothing: {} (line 3)", at("up/gone.mp4")));
    assert_eq!(told[3], format!("expected 9 frames as recorded, found 4: {} (line 5)", at("up/1.mp4")));
    let leak = "expected every video once, found the bytes of \"up/0.mp4\" on line 2, a leak from train to val";
    assert_eq!(told[7], format!("{leak}: {} (line 8)", at("up/copy.mp4")));
    let absent = "expected videos of class \"down\" in train, found none";
    assert_eq!(told[9], format!("{absent}: {}", path.display()));
    let json = serde_json::to_value(&report).unwrap();
    assert_eq!(json["problems"][0]["kind"], "too-short");
}

#[test]
fn a_manifest_without_the_training_split_says_so_for_every_class() {
    let root = two_classes();
    let path = root.path().join("manifest.jsonl");
    prepare_folders(root.path(), &PrepareOptions::default()).unwrap().manifest.write(&path).unwrap();
    let trained_on = |splits: &[&str]| {
        let train_splits = splits.iter().map(|split| split.to_string()).collect();
        kinds(&checked_with(&path, &CheckOptions { train_splits, ..Default::default() }))
    };
    assert_eq!(trained_on(&["batch B", "batch C"]), [ProblemKind::NoTraining; 2]);
    assert_eq!(trained_on(&["batch B", "val"]), []);
}

#[test]
fn check_goes_on_after_lines_that_are_too_long_or_no_text() {
    let root = two_classes();
    let path = root.path().join("manifest.jsonl");
    let good = |name: &str| {
        format!("{{\"path\":\"{name}/0.mp4\",\"label\":\"{name}\",\"split\":\"train\",\"frames\":3}}\n").into_bytes()
    };
    let huge = vec![b'x'; 3 << 20];
    let text = [format!("{HEADER}\n").into_bytes(), huge, b"\n".to_vec(), good("up"), b"\xff\n".to_vec(), good("down")];
    fs::write(&path, text.concat()).unwrap();
    let report = checked(&path);
    assert_eq!(kinds(&report), [ProblemKind::MalformedLine; 2]);
    assert_eq!(report.counts[0].per_class, [1, 1]);
}

#[test]
fn what_lies_at_a_path_is_recorded_and_a_later_change_is_found() {
    let root = two_classes();
    let path = root.path().join("manifest.jsonl");
    prepare_folders(root.path(), &PrepareOptions::default()).unwrap().manifest.write(&path).unwrap();
    let manifest = Manifest::read(&path).unwrap();
    let content = manifest.records()[0].content.clone().unwrap();
    assert_eq!(content.bytes, fs::metadata(root.path().join("down/0.mp4")).unwrap().len());
    assert_ne!(content, manifest.records()[1].content.clone().unwrap());
    write_video(&root.path().join("down/0.mp4"), 3, 77);
    let report = checked(&path);
    assert_eq!(kinds(&report), [ProblemKind::ChangedContent]);
    assert!(report.problems[0].to_string().starts_with("expected the contents as recorded, found other ones, of "));
}

#[test]
fn damaged_videos_are_named_counted_and_recorded_and_check_names_them_again() {
    let root = two_classes();
    write_damaged_video(&root.path().join("up/damaged.mkv"), 40);
    let prepared = prepare_folders(root.path(), &PrepareOptions::default()).unwrap();
    let [damaged] = &prepared.damaged[..] else { panic!("{:?}", prepared.damaged) };
    assert_eq!(damaged.path, "up/damaged.mkv");
    assert!((5..40).contains(&damaged.frames), "{damaged}");
    assert_eq!(damaged.to_string(), format!("up/damaged.mkv: {} frames are left", damaged.frames));
    let path = root.path().join("manifest.jsonl");
    prepared.manifest.write(&path).unwrap();
    let read = Manifest::read(&path).unwrap();
    let marked: Vec<_> = read.records().iter().filter(|record| record.damaged).map(|record| &record.path).collect();
    assert_eq!(marked, ["up/damaged.mkv"]);
    let report = checked(&path);
    assert_eq!(kinds(&report), [ProblemKind::Damaged]);
    let told = report.problems[0].to_string();
    assert!(told.starts_with("expected a video that decodes as a whole, found damage; "), "{told}");
}
