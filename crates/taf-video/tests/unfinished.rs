//! What an interrupted look at many videos leaves is taken up again, and nothing that is stale.

mod listed;

use std::fs;
use std::path::{Path, PathBuf};

use listed::{checked, quiet, two_classes, write_video};
use taf_video::dataset::{
    CheckOptions, Manifest, PrepareOptions, ProblemKind, check, class_folders, prepare, unfinished_videos,
};
use taf_video::{Error, Result};

fn prepared(root: &Path, unfinished: &Path, fast: bool) -> Result<Manifest> {
    let options = PrepareOptions { unfinished: Some(unfinished.to_owned()), fast, ..Default::default() };
    Ok(prepare(&class_folders(root, None)?, &options, &quiet)?.manifest)
}

/// A data set and the work of a run that was killed after its last video but before it wrote the manifest.
fn interrupted() -> (tempfile::TempDir, tempfile::TempDir, PathBuf) {
    let (root, folder) = (two_classes(), tempfile::tempdir().unwrap());
    let unfinished = folder.path().join("m.jsonl.preparing");
    prepared(root.path(), &unfinished, false).unwrap();
    (root, folder, unfinished)
}

fn frames(manifest: &Manifest, path: &str) -> usize {
    manifest.records().iter().find(|record| record.path == path).unwrap().frames
}

/// Lets the file say that a video has 77 frames, to see whether it is believed.
fn mark(unfinished: &Path, video: &str) {
    let text = fs::read_to_string(unfinished).unwrap();
    let marked = |line: &str| match line.contains(video) {
        true => line.replace("\"frames\":", "\"frames\":77,\"was\":"),
        false => line.to_owned(),
    };
    fs::write(unfinished, text.lines().map(marked).map(|line| line + "\n").collect::<String>()).unwrap();
}

#[test]
fn what_was_found_out_is_not_looked_at_again() {
    let (root, _folder, unfinished) = interrupted();
    assert_eq!(unfinished_videos(&unfinished), 10);
    mark(&unfinished, "up/3.mp4");
    let manifest = prepared(root.path(), &unfinished, false).unwrap();
    assert_eq!((frames(&manifest, "up/3.mp4"), frames(&manifest, "up/2.mp4")), (77, 5));
    assert_eq!(unfinished_videos(&unfinished), 10, "nothing is kept twice");
}

#[test]
fn a_video_that_changed_meanwhile_is_looked_at_again() {
    let (root, _folder, unfinished) = interrupted();
    mark(&unfinished, "up/3.mp4");
    write_video(&root.path().join("up/3.mp4"), 4, 99);
    let manifest = prepared(root.path(), &unfinished, false).unwrap();
    assert_eq!(frames(&manifest, "up/3.mp4"), 4);
    let again = prepared(root.path(), &unfinished, false).unwrap();
    assert_eq!(again.hash(), manifest.hash(), "the last that was found out counts");
}

#[test]
fn a_line_that_was_cut_off_and_videos_that_are_gone_do_no_harm() {
    let (root, _folder, unfinished) = interrupted();
    let before = prepared(root.path(), &unfinished, false).unwrap();
    let text = fs::read_to_string(&unfinished).unwrap();
    fs::write(&unfinished, &text[..text.len() - 40]).unwrap();
    assert_eq!(prepared(root.path(), &unfinished, false).unwrap().hash(), before.hash());
    fs::remove_file(root.path().join("up/3.mp4")).unwrap();
    assert_eq!(prepared(root.path(), &unfinished, false).unwrap().records().len(), 9);
}

#[test]
fn work_of_another_kind_and_other_files_are_refused_and_left() {
    let (root, folder, unfinished) = interrupted();
    let before = fs::read(&unfinished).unwrap();
    let refused = |path: &Path, fast| match prepared(root.path(), path, fast).unwrap_err() {
        Error::Content { found, .. } => found,
        other => panic!("{other}"),
    };
    assert_eq!(refused(&unfinished, true), "work with other ones");
    assert_eq!(fs::read(&unfinished).unwrap(), before);
    let other = folder.path().join("notes.txt");
    fs::write(&other, "mine").unwrap();
    assert_eq!(refused(&other, false), "another file");
    assert_eq!(fs::read(&other).unwrap(), b"mine");
}

#[test]
fn an_interrupted_check_goes_on_and_finds_what_a_whole_one_finds() {
    let (root, folder, unfinished) = interrupted();
    let path = root.path().join("manifest.jsonl");
    prepared(root.path(), &unfinished, false).unwrap().write(&path).unwrap();
    write_video(&root.path().join("down/1.mp4"), 9, 33);
    let options = CheckOptions { unfinished: Some(folder.path().join("checking")), ..Default::default() };
    let report = check(&path, &options, &quiet).unwrap();
    assert_eq!(report.problems.iter().map(|problem| problem.kind).collect::<Vec<_>>(), [ProblemKind::FrameCount]);
    assert_eq!(check(&path, &options, &quiet).unwrap(), report);
    assert_eq!(checked(&path), report);
}

#[test]
fn packets_and_decoding_count_the_same() {
    let (root, folder, unfinished) = interrupted();
    let decoded = prepared(root.path(), &unfinished, false).unwrap();
    let counted = prepared(root.path(), &folder.path().join("fast"), true).unwrap();
    assert_eq!(counted.hash(), decoded.hash());
}
