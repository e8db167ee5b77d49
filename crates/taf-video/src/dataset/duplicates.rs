//! Videos that are there twice.

use std::collections::HashMap;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use rayon::prelude::*;
use sha2::{Digest, Sha256};

use super::lines::ProblemKind;
use super::problem::Problem;
use super::{Content, Record};

/// A video and what its files hold.
pub(super) struct Seen<'a> {
    pub line: usize,
    pub record: &'a Record,
    pub content: Content,
}

/// Videos with the same bytes as one on an earlier line, of paths that start from `folder`. What is known of folders of pictures is
/// names and sizes, so those that agree in them are read.
pub(super) fn same_contents(videos: Vec<Seen>, folder: &Path, pictures: bool) -> Vec<Problem> {
    let mut alike = HashMap::<&Content, Vec<&Seen>>::new();
    videos.iter().for_each(|video| alike.entry(&video.content).or_default().push(video));
    let rivals: Vec<_> = alike.into_values().filter(|videos| videos.len() > 1).collect();
    let same = |rivals: &Vec<&Seen>| match pictures {
        true => of_same_pictures(rivals, folder),
        false => of_same_content(rivals, folder),
    };
    rivals.par_iter().flat_map_iter(same).collect()
}

fn of_same_pictures(rivals: &[&Seen], folder: &Path) -> Vec<Problem> {
    let mut same = HashMap::<Vec<u8>, Vec<&Seen>>::new();
    for video in rivals {
        // A folder that cannot be read any more was read before.
        if let Ok(hash) = hash_of(&folder.join(&video.record.path)) {
            same.entry(hash).or_default().push(video);
        }
    }
    same.values().flat_map(|videos| of_same_content(videos, folder)).collect()
}

fn of_same_content(videos: &[&Seen], folder: &Path) -> Vec<Problem> {
    let (first, others) = videos.split_first().expect("there are rivals");
    // Two parts of a file are two videos.
    others
        .iter()
        .filter(|video| video.record.path != first.record.path)
        .map(|video| video.repeats(first, folder))
        .collect()
}

impl Seen<'_> {
    fn repeats(&self, first: &Self, folder: &Path) -> Problem {
        let splits = match (&first.record.split, &self.record.split) {
            (a, b) if a == b => format!("both in {a}"),
            (a, b) => format!("a leak from {a} to {b}"),
        };
        let labels = if first.record.label == self.record.label { "" } else { ", and of another class" };
        let found = format!("the bytes of {:?} on line {}, {splits}{labels}", first.record.path, first.line);
        Problem {
            kind: ProblemKind::DuplicateContent,
            file: folder.join(&self.record.path),
            line: Some(self.line),
            expected: "every video once".into(),
            found,
        }
    }
}

/// Of all files in a folder, in the order of their names.
fn hash_of(folder: &Path) -> io::Result<Vec<u8>> {
    let mut files = fs::read_dir(folder)?.map(|entry| Ok(entry?.path())).collect::<io::Result<Vec<PathBuf>>>()?;
    files.retain(|file| file.is_file());
    files.sort();
    let mut whole = Sha256::new();
    for file in files {
        let mut hasher = Sha256::new();
        io::copy(&mut File::open(file)?, &mut hasher)?;
        whole.update(hasher.finalize());
    }
    Ok(whole.finalize().to_vec())
}
