//! Published data sets as they are downloaded: their labels, splits and videos, and folders that are none.

use std::fs;
use std::path::{Path, PathBuf};

use taf_video::Seed;
use taf_video::dataset::{
    Format, Listing, PrepareOptions, ReadOptions, SomethingOrder, SplitCounts, class_names, prepare, read,
};
use taf_video::synthetic::{ClipsPerClass, Difficulty, Form, Miniature};
use tempfile::TempDir;

fn quiet(_done: usize, _of: usize) {}

fn downloaded(form: Form) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let miniature = Miniature::new(form, Seed::new(0), Some(32), Some(8..=9), Difficulty::EASY).unwrap();
    let test = usize::from(form != Form::Diving48);
    miniature.write(folder.path(), ClipsPerClass { train: 1, val: 1, test }, &quiet).unwrap();
    folder
}

fn listed(folder: &Path, options: &ReadOptions) -> Listing {
    read(&[folder.to_owned()], options).unwrap()
}

fn refusal(folder: &Path, options: &ReadOptions) -> String {
    read(&[folder.to_owned()], options).unwrap_err().to_string()
}

fn of(format: Format) -> ReadOptions {
    ReadOptions { format: Some(format), ..Default::default() }
}

/// Videos with and without labels of each split.
fn counts(listing: &Listing) -> Vec<(String, usize, usize)> {
    let manifest = prepare(listing, &PrepareOptions::default(), &quiet).unwrap().manifest;
    let counts = SplitCounts::of(manifest.records(), manifest.classes().len());
    let mut counts: Vec<_> =
        counts.into_iter().map(|of| (of.split.clone(), of.per_class.iter().sum(), of.unlabelled)).collect();
    counts.sort();
    counts
}

#[test]
fn every_data_set_is_read_as_it_is_downloaded() {
    let sets = [
        (Form::SomethingV1, Format::SomethingV1, "something-something-v1"),
        (Form::SomethingV2, Format::SomethingV2, "something-something-v2"),
        (Form::Diving48, Format::Diving48, "diving48-v2"),
        (Form::Jester, Format::Jester, "jester"),
    ];
    for (form, format, label_set) in sets {
        let folder = downloaded(form);
        let listing = listed(folder.path(), &of(format));
        let told = listed(folder.path(), &ReadOptions::default());
        assert_eq!(told.entries, listing.entries, "{format} is told by its files");
        assert!(told.notes.iter().any(|note| note.starts_with(&format!("read as {format}: "))));
        let manifest = prepare(&listing, &PrepareOptions::default(), &quiet).unwrap().manifest;
        assert_eq!(manifest.label_set(), Some(label_set));
        assert!(prepare(&listing, &PrepareOptions::default(), &quiet).unwrap().miscounted.is_empty());
    }
}

#[test]
fn test_videos_have_labels_only_where_the_answers_are_there() {
    let folder = downloaded(Form::SomethingV2);
    let with_answers = counts(&listed(folder.path(), &of(Format::SomethingV2)));
    assert_eq!(with_answers, [("test".into(), 12, 0), ("train".into(), 12, 0), ("val".into(), 12, 0)]);
    let answers = find(folder.path(), "test-answers.csv");
    fs::remove_file(answers).unwrap();
    let without = counts(&listed(folder.path(), &of(Format::SomethingV2)));
    assert_eq!(without, [("test".into(), 0, 12), ("train".into(), 12, 0), ("val".into(), 12, 0)]);
    let only = ReadOptions { splits: vec!["val".into()], ..of(Format::SomethingV2) };
    assert_eq!(counts(&listed(folder.path(), &only)), [("val".into(), 12, 0)]);
}

#[test]
fn both_orders_of_the_labels_of_v1_are_to_be_had() {
    let folder = downloaded(Form::SomethingV1);
    let file = class_names(&find(folder.path(), "something-something-v1-labels.csv")).unwrap();
    let mut sorted = file.clone();
    sorted.sort();
    let with = |label_order| listed(folder.path(), &ReadOptions { label_order, ..of(Format::SomethingV1) });
    assert_eq!(with(None).classes(), sorted);
    assert_eq!(with(Some(SomethingOrder::File)).classes(), file);
    assert_ne!(sorted, file);
}

#[test]
fn lists_of_a_data_set_may_be_named_one_by_one() {
    let folder = downloaded(Form::Jester);
    let [train, validation, labels] = ["jester-v1-train.csv", "jester-v1-validation.csv", "jester-v1-labels.csv"]
        .map(|name| find(folder.path(), name));
    // As they come from other systems.
    for file in [&train, &labels] {
        let text = fs::read_to_string(file).unwrap();
        fs::write(file, format!("\u{feff}{}", text.trim_end().replace('\n', "\r\n"))).unwrap();
    }
    let root = Some(folder.path().join("20bn-jester-v1"));
    let named = ReadOptions { classes: Some(labels), root, ..of(Format::Jester) };
    let listing = read(&[train.clone(), validation], &named).unwrap();
    assert_eq!(counts(&listing), [("train".into(), 8, 0), ("val".into(), 8, 0)]);
    let message = read(&[train], &of(Format::Jester)).unwrap_err().to_string();
    assert!(message.contains("classes must be the file with the names of the classes"), "{message}");
}

#[test]
fn two_versions_of_the_labels_of_diving48_are_told_apart() {
    let folder = downloaded(Form::Diving48);
    for split in ["train", "test"] {
        let list = find(folder.path(), &format!("Diving48_V2_{split}.json"));
        fs::copy(&list, list.with_file_name(format!("Diving48_{split}.json"))).unwrap();
    }
    let message = refusal(folder.path(), &of(Format::Diving48));
    assert!(message.contains("diving48-v1 or diving48-v2") && message.contains("both are there"), "{message}");
    for label_set in ["diving48-v1", "diving48-v2"] {
        let asked = ReadOptions { label_set: Some(label_set.into()), ..of(Format::Diving48) };
        let manifest = prepare(&listed(folder.path(), &asked), &PrepareOptions::default(), &quiet).unwrap().manifest;
        assert_eq!(manifest.label_set(), Some(label_set));
    }
}

#[test]
fn annotations_that_do_not_fit_are_refused_with_what_is_wrong() {
    let cases: [(Form, Format, &str, &str, &str, &str); 8] = [
        (
            Form::SomethingV1,
            Format::SomethingV1,
            "something-something-v1-train.csv",
            ";Pulling",
            ";Pooling",
            "a class of",
        ),
        (Form::SomethingV1, Format::SomethingV1, "something-something-v1-train.csv", ";", ",", "a row id;label"),
        (Form::SomethingV2, Format::SomethingV2, "train.json", "Pulling", "Pooling", "a label among the classes"),
        (Form::SomethingV2, Format::SomethingV2, "train.json", "\"id\"", "\"identity\"", "an array of videos"),
        (Form::SomethingV2, Format::SomethingV2, "labels.json", "\"0\"", "\"77\"", "classes numbered 0, 1, 2"),
        (Form::Diving48, Format::Diving48, "Diving48_V2_train.json", "\"label\":0", "\"label\":48", "a label below 6"),
        (
            Form::Diving48,
            Format::Diving48,
            "Diving48_V2_train.json",
            "\"start_frame\":0",
            "\"start_frame\":99",
            "an end_frame after",
        ),
        (Form::Diving48, Format::Diving48, "Diving48_V2_train.json", "\"end_frame\"", "\"end\"", "\"end_frame\""),
    ];
    let mut folders = Vec::<(Form, TempDir)>::new();
    for (form, format, name, from, to, part) in cases {
        if folders.last().is_none_or(|(last, _)| *last != form) {
            folders.push((form, downloaded(form)));
        }
        let folder = folders[folders.len() - 1].1.path();
        let file = find(folder, name);
        let good = fs::read_to_string(&file).unwrap();
        let text = good.replace(": ", ":");
        assert!(text.contains(from), "{name} has no {from}: {text}");
        fs::write(&file, text.replace(from, to)).unwrap();
        let message = refusal(folder, &of(format));
        assert!(message.contains(part) && message.contains(file.to_str().unwrap()), "{name}: {message}");
        fs::write(&file, good).unwrap();
    }
}

#[test]
fn a_folder_that_is_no_such_data_set_is_refused_by_the_files_it_lacks() {
    let folder = tempfile::tempdir().unwrap();
    let cases = [
        (Format::SomethingV1, "something-something-v1-labels.csv"),
        (Format::SomethingV2, "something-something-v2-labels.json or labels.json"),
        (Format::Diving48, "Diving48_vocab.json"),
        (Format::Jester, "jester-v1-labels.csv"),
    ];
    for (format, name) in cases {
        let message = refusal(folder.path(), &of(format));
        assert!(message.contains(name) && message.contains(folder.path().to_str().unwrap()), "{format}: {message}");
    }
    let folder = downloaded(Form::SomethingV2);
    fs::remove_dir_all(folder.path().join("20bn-something-something-v2")).unwrap();
    let message = refusal(folder.path(), &of(Format::SomethingV2));
    assert!(message.contains("videos such as") && message.contains(".webm"), "{message}");
}

#[test]
fn names_of_classes_are_read_from_the_files_data_sets_come_with() {
    let folder = tempfile::tempdir().unwrap();
    let named = |name: &str, text: &str| {
        let path = folder.path().join(name);
        fs::write(&path, text).unwrap();
        class_names(&path).map_err(|error| error.to_string())
    };
    let (both, swapped) = (Ok(vec!["a".to_owned(), "b".into()]), Ok(vec!["b".to_owned(), "a".into()]));
    assert_eq!(named("c.txt", "\u{feff}a\r\nb"), both);
    assert_eq!(named("c.json", "\u{feff}{\"b\":\"1\",\"a\":\"0\"}"), both);
    assert_eq!(named("c.json", r#"{"b":0,"a":1}"#), swapped);
    assert_eq!(named("c.json", r#"[["Back","15som"],["Inward"]]"#), Ok(vec!["Back+15som".to_owned(), "Inward".into()]));
    assert_eq!(named("c.csv", "id,name\n1,\"b\"\n0,\"a\"\n"), both);
    for (name, text, part) in [
        ("c.txt", "a\na\n", "\"a\" twice"),
        ("c.txt", "", "at least one class"),
        ("c.json", r#"{"a":"1","b":"2"}"#, "found 1 (\"a\") where 0 belongs"),
        ("c.json", r#"{"a":"x"}"#, "a number for the class \"a\""),
        ("c.json", "[3]", "the name of a class"),
        ("c.json", "3", "a list of classes"),
        ("c.csv", "id,name\none,a\n", "a row id,name"),
    ] {
        let message = named(name, text).unwrap_err();
        assert!(message.contains(part) && message.contains(name), "{message}");
    }
}

/// A file somewhere in a folder.
fn find(folder: &Path, name: &str) -> PathBuf {
    let below = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).filter(|path| path.is_dir());
    let places = std::iter::once(folder.to_owned()).chain(below);
    places.map(|place| place.join(name)).find(|path| path.is_file()).unwrap_or_else(|| panic!("no {name}"))
}
