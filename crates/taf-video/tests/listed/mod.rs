//! Small labelled videos, and lists of them.

#![allow(dead_code)] // no test that shares this file needs all of it

use std::fs;
use std::path::Path;

use taf_video::dataset::{
    CheckOptions, CheckReport, CsvColumns, Manifest, PrepareOptions, Prepared, ProblemKind, Record, check,
    class_folders, csv, prepare,
};
use taf_video::{EncodeOptions, Frame, Result, VideoWriter};
use tempfile::TempDir;

pub fn quiet(_done: usize, _of: usize) {}

/// A video whose grey level is its own, so that no two files are the same.
pub fn write_video(path: &Path, frames: usize, grey: u8) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    let mut writer = VideoWriter::create(path, 32, 32, 12.0, &EncodeOptions::default()).unwrap();
    for frame in 0..frames {
        writer.push(&Frame::filled(32, 32, [grey, frame as u8 * 10, 0])).unwrap();
    }
    writer.finish().unwrap();
}

/// Two classes of five videos, of 3 to 7 frames.
pub fn two_classes() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (class, grey) in [("up", 60), ("down", 120)] {
        for i in 0..5 {
            write_video(&folder.path().join(class).join(format!("{i}.mp4")), 3 + i, grey + i as u8 * 5);
        }
    }
    folder
}

pub fn prepare_folders(root: &Path, options: &PrepareOptions) -> Result<Prepared> {
    prepare(&class_folders(root, None)?, options, &quiet)
}

pub fn record(path: &str, label: usize, split: &str, frames: usize) -> Record {
    Record { path: path.into(), label: Some(label), split: split.into(), frames, ..Default::default() }
}

/// The records as if nobody had looked at what their files hold.
pub fn without_contents(manifest: &Manifest) -> Vec<Record> {
    manifest.records().iter().map(|record| Record { content: None, ..record.clone() }).collect()
}

/// A video in the middle of which some bytes are others.
pub fn write_damaged_video(path: &Path, frames: usize) {
    write_video(path, frames, 90);
    let mut bytes = fs::read(path).unwrap();
    let (from, to) = (bytes.len() / 2, bytes.len() * 2 / 3);
    bytes[from..to].fill(0x5a);
    fs::write(path, bytes).unwrap();
}

pub fn written(text: &str) -> (TempDir, std::path::PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("manifest.jsonl");
    fs::write(&path, text).unwrap();
    (folder, path)
}

pub const HEADER: &str = r#"{"taf_manifest":1,"classes":["up","down"]}"#;

pub fn csv_in(root: &Path, text: &str, columns: &CsvColumns) -> Result<Manifest> {
    let file = root.join("list.csv");
    fs::write(&file, text).unwrap();
    Ok(prepare(&csv(&file, root, columns, None)?, &PrepareOptions::default(), &quiet)?.manifest)
}

pub fn checked_with(path: &Path, options: &CheckOptions) -> CheckReport {
    check(path, options, &quiet).unwrap()
}

pub fn checked(path: &Path) -> CheckReport {
    checked_with(path, &CheckOptions::default())
}

pub fn kinds(report: &CheckReport) -> Vec<ProblemKind> {
    report.problems.iter().map(|problem| problem.kind).collect()
}
