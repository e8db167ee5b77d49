//! Every fault that is planted in a miniature of a published data set is found and named, and nothing else.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use taf_video::Seed;
use taf_video::dataset::{
    CheckOptions, Format, Manifest, PrepareOptions, ProblemKind, ReadOptions, check, prepare, read,
};
use taf_video::synthetic::{ClipsPerClass, Difficulty, Form, Miniature};
use tempfile::TempDir;

fn quiet(_done: usize, _of: usize) {}

/// A data set as it was downloaded, and the manifest that is checked.
struct DataSet {
    folder: TempDir,
    format: Format,
}

impl DataSet {
    fn new(form: Form, format: Format) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let miniature = Miniature::new(form, Seed::new(2), Some(32), Some(8..=9), Difficulty::EASY).unwrap();
        miniature.write(folder.path(), ClipsPerClass { train: 2, val: 1, test: 0 }, &quiet).unwrap();
        Self { folder, format }
    }

    fn root(&self) -> &Path {
        self.folder.path()
    }

    fn path(&self) -> PathBuf {
        self.root().join("manifest.jsonl")
    }

    /// Reads the lists and counts the frames, or believes the lists.
    fn prepared(&self, trust_counts: bool) -> Manifest {
        let options = ReadOptions { format: Some(self.format), ..Default::default() };
        let listing = read(&[self.root().to_owned()], &options).unwrap();
        let options = PrepareOptions { trust_counts, ..Default::default() };
        let manifest = prepare(&listing, &options, &quiet).unwrap().manifest;
        manifest.write(&self.path()).unwrap();
        Manifest::read(&self.path()).unwrap()
    }

    /// Kinds of problems with the names of their files.
    fn problems(&self, fast: bool) -> BTreeSet<(String, ProblemKind)> {
        let options = CheckOptions { fast, ..Default::default() };
        let problems = check(&self.path(), &options, &quiet).unwrap().problems;
        let count = problems.len();
        let inside = |path: &Path| path.strip_prefix(self.root().canonicalize().unwrap()).unwrap_or(path).to_owned();
        let named = |path: &Path| inside(path).to_string_lossy().into_owned();
        let found: BTreeSet<_> = problems.iter().map(|problem| (named(&problem.file), problem.kind)).collect();
        assert_eq!(found.len(), count, "no problem is told twice: {problems:#?}");
        found
    }

    /// The problems must be the planted ones, decoded or not.
    #[track_caller]
    fn assert_found(&self, planted: &[(String, ProblemKind)]) {
        let planted: BTreeSet<_> = planted.iter().cloned().collect();
        assert_eq!(self.problems(false), planted);
        assert_eq!(self.problems(true), planted, "without decoding");
    }
}

/// The paths of the videos of a split.
fn paths<'a>(manifest: &'a Manifest, split: &str) -> Vec<&'a str> {
    manifest.records().iter().filter(|record| record.split == split).map(|record| record.path.as_str()).collect()
}

fn cut(file: &Path, share: f64) {
    let bytes = fs::read(file).unwrap();
    fs::write(file, &bytes[..(bytes.len() as f64 * share) as usize]).unwrap();
}

#[test]
fn faults_of_something_v2_are_found_and_nothing_else() {
    let set = DataSet::new(Form::SomethingV2, Format::SomethingV2);
    let manifest = set.prepared(false);
    set.assert_found(&[]);
    let [train, val] = ["train", "val"].map(|split| paths(&manifest, split));
    let at = |path: &str| set.root().join(path);
    fs::copy(at(train[6]), at(val[0])).unwrap();
    let manifest = set.prepared(false);
    assert_eq!(paths(&manifest, "val"), val);
    fs::remove_file(at(train[0])).unwrap();
    cut(&at(train[1]), 0.7);
    fs::write(at(train[2]), "").unwrap();
    cut(&at(train[3]), 0.1);
    fs::write(at(train[4]), "<html>404</html>").unwrap();
    fs::copy(at(train[8]), at(train[5])).unwrap();
    fs::remove_file(at(train[8])).unwrap();
    use ProblemKind::*;
    let twice = val[0].max(train[6]);
    let planted = [
        (train[0], MissingFile),
        (train[1], Damaged),
        (train[2], Unreadable),
        (train[3], Unreadable),
        (train[4], Unreadable),
        (
            train[5],
            if frames(&manifest, train[5]) == frames(&manifest, train[8]) { ChangedContent } else { FrameCount },
        ),
        (train[8], MissingFile),
        (twice, DuplicateContent),
    ];
    set.assert_found(&planted.map(|(path, kind)| (path.to_owned(), kind)));
}

fn frames(manifest: &Manifest, path: &str) -> usize {
    manifest.records().iter().find(|record| record.path == path).unwrap().frames
}

#[test]
fn faults_of_diving48_are_found_and_nothing_else_where_the_counts_of_its_lists_are_believed() {
    let set = DataSet::new(Form::Diving48, Format::Diving48);
    set.prepared(true);
    set.assert_found(&[]);
    let list = set.root().join("Diving48_V2_train.json");
    let mut rows: serde_json::Value = serde_json::from_slice(&fs::read(&list).unwrap()).unwrap();
    let path = |row: usize| format!("rgb/{}.mp4", rows[row]["vid_name"].as_str().unwrap());
    let files: Vec<String> = (0..6).map(path).collect();
    rows[0]["end_frame"] = 40.into();
    fs::write(&list, rows.to_string()).unwrap();
    let manifest = set.prepared(true);
    let at = |path: &str| set.root().join(path);
    fs::remove_file(at(&files[1])).unwrap();
    cut(&at(&files[2]), 0.9);
    fs::write(at(&files[3]), "").unwrap();
    let test = paths(&manifest, "test")[0];
    fs::copy(at(test), at(&files[4])).unwrap();
    let twice = files[4].as_str().max(test);
    use ProblemKind::*;
    let same_length = frames(&manifest, test) == frames(&manifest, &files[4]);
    let mut planted = vec![
        (files[0].as_str(), FrameCount),
        (&files[1], MissingFile),
        (&files[2], Unreadable),
        (&files[3], Unreadable),
        (twice, DuplicateContent),
    ];
    planted.extend((!same_length).then_some((files[4].as_str(), FrameCount)));
    let planted: Vec<_> = planted.into_iter().map(|(path, kind)| (path.to_owned(), kind)).collect();
    set.assert_found(&planted);
}

#[test]
fn faults_of_something_v1_are_found_and_nothing_else() {
    let set = DataSet::new(Form::SomethingV1, Format::SomethingV1);
    let manifest = set.prepared(false);
    let [train, val] = ["train", "val"].map(|split| paths(&manifest, split));
    let at = |path: &str| set.root().join(path);
    let copied: Vec<_> = fs::read_dir(at(train[7])).unwrap().map(|entry| entry.unwrap().path()).collect();
    fs::remove_dir_all(at(val[0])).unwrap();
    fs::create_dir(at(val[0])).unwrap();
    for file in copied {
        fs::copy(&file, at(val[0]).join(file.file_name().unwrap())).unwrap();
    }
    let twice = val[0].max(train[7]).to_owned();
    let manifest = set.prepared(false);
    set.assert_found(&[(twice.clone(), ProblemKind::DuplicateContent)]);
    let last = |path: &str| at(path).join(format!("{:05}.jpg", frames(&manifest, path)));
    fs::remove_dir_all(at(train[0])).unwrap();
    fs::remove_file(at(train[1]).join("00004.jpg")).unwrap();
    fs::rename(last(train[2]), at(train[2]).join("00000.jpg")).unwrap();
    fs::remove_file(last(train[3])).unwrap();
    fs::remove_file(at(train[4]).join("00001.jpg")).unwrap();
    fs::write(at(train[5]).join("00002.jpg"), "").unwrap();
    fs::remove_dir_all(at(train[6])).unwrap();
    fs::create_dir(at(train[6])).unwrap();
    use ProblemKind::*;
    let planted = [
        (train[0].to_owned(), MissingFile),
        (format!("{}/00004.jpg", train[1]), FrameNumbers),
        (format!("{}/00000.jpg", train[2]), FrameNumbers),
        (train[3].to_owned(), FrameCount),
        (format!("{}/00001.jpg", train[4]), FrameNumbers),
        (format!("{}/00002.jpg", train[5]), Unreadable),
        (format!("{}/00001.jpg", train[6]), FrameNumbers),
        (twice, DuplicateContent),
    ];
    set.assert_found(&planted);
}

#[test]
fn a_picture_cut_short_is_found_by_decoding_and_as_a_change_without() {
    let set = DataSet::new(Form::SomethingV1, Format::SomethingV1);
    let manifest = set.prepared(false);
    let path = paths(&manifest, "train")[0];
    cut(&set.root().join(path).join("00003.jpg"), 0.8);
    let found = |name: String, kind| BTreeSet::from([(name, kind)]);
    assert_eq!(set.problems(false), found(format!("{path}/00003.jpg"), ProblemKind::Unreadable));
    assert_eq!(set.problems(true), found(path.to_owned(), ProblemKind::ChangedContent));
}

#[test]
fn faults_of_labels_are_found_in_a_manifest_and_nothing_else() {
    let set = DataSet::new(Form::Diving48, Format::Diving48);
    let manifest = set.prepared(false);
    let text = fs::read_to_string(set.path()).unwrap();
    let class = &manifest.classes()[0];
    let of_train = |line: &&str| line.contains("\"train\"") && line.contains(class.as_str());
    let (gone, kept): (Vec<_>, Vec<_>) = text.lines().partition(|line| of_train(line));
    assert_eq!(gone.len(), 2);
    let renamed = kept.join("\n").replace(
        "\"label\":\"Forward+Dive+NoTwis+PIKE\",\"split\":\"test\"",
        "\"label\":\"Forward\",\"split\":\"test\"",
    );
    fs::write(set.path(), format!("{renamed}\n{}\n", kept[3])).unwrap();
    let kinds: BTreeSet<_> = set.problems(true).into_iter().map(|(_, kind)| kind).collect();
    use ProblemKind::*;
    assert_eq!(kinds, BTreeSet::from([UnknownLabel, DuplicatePath, NoTraining, AbsentFromSplit]));
}
