//! Manifests from folders and lists, on real video files.

use std::fs;
use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use taf_video::dataset::{
    CheckOptions, CheckReport, Content, CsvColumns, FrameNames, Manifest, PrepareOptions, Prepared, ProblemKind,
    RandomSplit, Record, check, class_folders, csv, prepare,
};
use taf_video::{EncodeOptions, Frame, Result, Seed, VideoWriter};
use tempfile::TempDir;

fn quiet(_done: usize, _of: usize) {}

/// A video whose grey level is its own, so that no two files are the same.
fn write_video(path: &Path, frames: usize, grey: u8) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    let mut writer = VideoWriter::create(path, 32, 32, 12.0, &EncodeOptions::default()).unwrap();
    for frame in 0..frames {
        writer.push(&Frame::filled(32, 32, [grey, frame as u8 * 10, 0])).unwrap();
    }
    writer.finish().unwrap();
}

/// Two classes of five videos, of 3 to 7 frames.
fn two_classes() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (class, grey) in [("up", 60), ("down", 120)] {
        for i in 0..5 {
            write_video(&folder.path().join(class).join(format!("{i}.mp4")), 3 + i, grey + i as u8 * 5);
        }
    }
    folder
}

fn prepare_folders(root: &Path, options: &PrepareOptions) -> Result<Prepared> {
    prepare(&class_folders(root, None)?, options, &quiet)
}

fn record(path: &str, label: usize, split: &str, frames: usize) -> Record {
    Record { path: path.into(), label, split: split.into(), frames, ..Default::default() }
}

/// The records as if nobody had looked at what their files hold.
fn without_contents(manifest: &Manifest) -> Vec<Record> {
    manifest.records().iter().map(|record| Record { content: None, ..record.clone() }).collect()
}

/// A video in the middle of which some bytes are others.
fn write_damaged_video(path: &Path, frames: usize) {
    write_video(path, frames, 90);
    let mut bytes = fs::read(path).unwrap();
    let (from, to) = (bytes.len() / 2, bytes.len() * 2 / 3);
    bytes[from..to].fill(0x5a);
    fs::write(path, bytes).unwrap();
}

fn written(text: &str) -> (TempDir, std::path::PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("manifest.jsonl");
    fs::write(&path, text).unwrap();
    (folder, path)
}

const HEADER: &str = r#"{"taf_manifest":1,"classes":["up","down"]}"#;

#[test]
fn a_manifest_comes_back_from_disk_as_it_went_there() {
    let folder = tempfile::tempdir().unwrap();
    let names = FrameNames { template: "img_{:05}.jpg".into(), first_index: 0 };
    let mut records = vec![record("b/ü \"1\".mp4", 1, "train", 9), record("a/2.mp4", 0, "day two", 1)];
    records[1].group = Some("scene 4".into());
    records[1].content = Some(Content { bytes: 12, sha256: "0a".repeat(32) });
    records[1].damaged = true;
    let classes = vec!["up".to_owned(), "down, slowly".to_owned()];
    let manifest = Manifest::new(folder.path(), classes, Some(names), records).unwrap();
    let path = folder.path().join("list.jsonl");
    manifest.write(&path).unwrap();
    let read = Manifest::read(&path).unwrap();
    assert_eq!(read, manifest);
    assert_eq!(read.hash(), manifest.hash());
    assert_eq!(read.hash().len(), 64);
    let bytes = fs::read(&path).unwrap();
    read.write(&path).unwrap();
    assert_eq!(fs::read(&path).unwrap(), bytes);
}

#[test]
fn a_manifest_written_to_another_folder_still_finds_its_videos() {
    let root = two_classes();
    let manifest = prepare_folders(root.path(), &PrepareOptions::default()).unwrap().manifest;
    let elsewhere = tempfile::tempdir().unwrap();
    for path in [elsewhere.path().join("m.jsonl"), root.path().join("up/m.jsonl"), root.path().join("m.jsonl")] {
        manifest.write(&path).unwrap();
        let read = Manifest::read(&path).unwrap();
        for record in read.records() {
            assert_eq!(read.open(record).unwrap().num_frames().unwrap(), record.frames, "{}", path.display());
        }
    }
}

#[test]
fn the_documented_example_is_read() {
    let (_folder, path) = written(concat!(
        "{\"taf_manifest\":1,\"classes\":[\"moving left\",\"moving right\"]}\n",
        "{\"path\":\"moving left/0001.mp4\",\"label\":\"moving left\",\"split\":\"train\",\"frames\":32}\r\n",
        "\n",
        "{\"path\":\"moving right/0001.mp4\",\"label\":\"moving right\",\"split\":\"val\",\"frames\":28,\"group\":\"scene 4\"}",
    ));
    let manifest = Manifest::read(&path).unwrap();
    assert_eq!(manifest.splits(), ["train", "val"]);
    assert_eq!(manifest.split("val").unwrap()[0].label, 1);
    assert_eq!(manifest.split("val").unwrap()[0].group.as_deref(), Some("scene 4"));
}

#[test]
fn hostile_manifests_are_refused_with_file_line_and_what_was_expected() {
    let good = r#"{"path":"a.mp4","label":"up","split":"train","frames":3}"#;
    let with = |from: &str, to: &str| format!("{HEADER}\n{good}\n{}", good.replace("a.mp4", "b.mp4").replace(from, to));
    let huge = format!("{HEADER}\n{good}\n{}", "x".repeat(3 << 20));
    let cases: Vec<(&str, String, &str, usize)> = vec![
        ("empty", String::new(), "a manifest header", 1),
        ("no JSON", "classes: up".into(), "a manifest header", 1),
        ("a record first", good.into(), "a manifest header", 1),
        ("later version", HEADER.replace(":1", ":2").replace("}", r#","new":0}"#), "manifest version 1", 1),
        ("unknown header field", HEADER.replace("}", r#","colour":0}"#), "a manifest header", 1),
        ("no classes", HEADER.replace(r#""up","down""#, ""), "at least one class", 1),
        ("class twice", HEADER.replace("down", "up"), "every class once", 1),
        ("index without template", HEADER.replace("}", r#","first_index":0}"#), "frames_template", 1),
        ("bad JSON", with("}", ""), "a record", 3),
        ("unknown field", with("}", r#","fps":12}"#), "a record", 3),
        ("missing field", with(r#","frames":3"#, ""), "a record", 3),
        ("wrong type", with(":3", ":\"3\""), "a record", 3),
        ("negative frames", with(":3", ":-3"), "a record", 3),
        ("no frames", with(":3", ":0"), "at least one frame", 3),
        ("unknown label", with("\"up\"", "\"sideways\""), "a label among the header's classes (up, down)", 3),
        ("no split", with("train", ""), "the name of a split", 3),
        ("no path", with("b.mp4", ""), "a path", 3),
        ("climbing path", with("b.mp4", "../../etc/passwd"), "a path without \"..\"", 3),
        ("absolute climbing path", with("b.mp4", "/data/../../etc/passwd"), "a path without \"..\"", 3),
        ("zero byte", with("b.mp4", "b\\u0000.mp4"), "a path without a zero byte", 3),
        ("path twice", with("b.mp4", "a.mp4"), "every path once", 3),
        ("path twice, spelled otherwise", with("b.mp4", ".//a.mp4"), "every path once", 3),
        ("size without hash", with("}", r#","bytes":3}"#), r#""bytes" and "sha256" together"#, 3),
        ("no hash", with("}", r#","bytes":3,"sha256":"zz"}"#), "64 hexadecimal digits", 3),
        ("huge line", huge, "lines of at most", 3),
    ];
    for (name, text, expected, line) in cases {
        let (_folder, path) = written(&text);
        let error = Manifest::read(&path).unwrap_err().to_string();
        let place = format!("on line {line}: {}", path.display());
        assert!(error.contains(expected) && error.ends_with(&place), "{name}: {error}");
        assert!(error.len() < 500, "{name}: the message quotes the file at length");
    }
}

#[test]
fn bytes_that_are_no_text_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("m.jsonl");
    fs::write(&path, [HEADER.as_bytes(), b"\n{\"path\":\"\xff\xfe\"}"].concat()).unwrap();
    assert!(Manifest::read(&path).unwrap_err().to_string().contains("UTF-8 text, found other bytes on line 2"));
}

#[test]
fn a_path_that_looks_like_an_address_is_a_local_file() {
    for path in
        ["http://127.0.0.1/a.mp4", "concat:/etc/passwd|/etc/group", "pipe:0", "subfile,,start,0,end,9,,:/etc/passwd"]
    {
        let (_folder, file) =
            written(&format!("{HEADER}\n{{\"path\":{path:?},\"label\":\"up\",\"split\":\"train\",\"frames\":3}}"));
        let manifest = Manifest::read(&file).unwrap();
        let record = &manifest.records()[0];
        assert!(manifest.path_of(record).is_absolute());
        assert!(manifest.open(record).err().unwrap().to_string().contains("No such file"), "{path}");
    }
}

#[test]
fn chosen_classes_get_new_labels_in_the_order_given() {
    let classes = ["a", "b", "c"].map(str::to_owned).to_vec();
    let records = vec![record("0", 0, "train", 1), record("1", 1, "train", 1), record("2", 2, "val", 1)];
    let manifest = Manifest::new(Path::new("/videos"), classes, None, records).unwrap();
    let chosen = manifest.select_classes(&["c", "a"]).unwrap();
    assert_eq!(chosen.classes(), ["c", "a"]);
    let labelled: Vec<_> = chosen.records().iter().map(|record| (record.path.as_str(), record.label)).collect();
    assert_eq!(labelled, [("0", 1), ("2", 0)]);
    assert_ne!(chosen.hash(), manifest.hash());
    let refused = |names: &[&str]| manifest.select_classes(names).unwrap_err().to_string();
    assert_eq!(refused(&["a", "d"]), "classes must be among a, b, c, got d");
    assert_eq!(refused(&["a", "a"]), "classes must be every class once, got \"a\" twice");
    assert_eq!(refused(&[]), "classes must be at least one class, got no classes");
}

#[test]
fn several_splits_are_chosen_at_once_and_unknown_ones_refused() {
    let records = ["B", "A", "G", "B"].iter().enumerate().map(|(i, split)| record(&i.to_string(), 0, split, 1));
    let manifest = Manifest::new(Path::new("/videos"), vec!["a".into()], None, records.collect()).unwrap();
    let paths = |manifest: &Manifest| manifest.records().iter().map(|r| r.path.clone()).collect::<Vec<_>>();
    assert_eq!(paths(&manifest.select_splits(&["G", "B"]).unwrap()), ["0", "2", "3"]);
    let error = manifest.select_splits(&["G", "train"]).unwrap_err().to_string();
    assert!(error.starts_with("split must be among B, A, G, the splits that have videos ("), "{error}");
    assert!(error.ends_with("), got train"), "{error}");
    assert!(manifest.split("val").is_err());
    assert!(manifest.select_splits::<&str>(&[]).is_err());
}

#[test]
fn class_folders_become_a_sorted_manifest_with_counted_frames() {
    let root = two_classes();
    fs::write(root.path().join("up/notes.txt"), "x").unwrap();
    fs::write(root.path().join("up/.hidden.mp4"), "x").unwrap();
    fs::create_dir(root.path().join(".cache")).unwrap();
    fs::write(root.path().join("README"), "x").unwrap();
    let seen = Mutex::new(Vec::new());
    let listing = class_folders(root.path(), None).unwrap();
    let prepared =
        prepare(&listing, &PrepareOptions::default(), &|done, of| seen.lock().unwrap().push((done, of))).unwrap();
    let manifest = &prepared.manifest;
    assert_eq!(manifest.classes(), ["down", "up"]);
    assert_eq!(prepared.passed_over, [".cache", "README", "up/.hidden.mp4", "up/notes.txt"]);
    let paths: Vec<_> = manifest.records().iter().map(|record| record.path.as_str()).collect();
    assert_eq!(paths[..2], ["down/0.mp4", "down/1.mp4"]);
    assert!(paths.is_sorted() && paths.len() == 10);
    let frames: Vec<_> = manifest.records().iter().map(|record| record.frames).collect();
    assert_eq!(frames, [3, 4, 5, 6, 7, 3, 4, 5, 6, 7]);
    assert_eq!(manifest.split("val").unwrap().len(), 2);
    let mut seen = seen.into_inner().unwrap();
    seen.sort();
    assert_eq!(seen, (1..=10).map(|done| (done, 10)).collect::<Vec<_>>());
}

#[test]
fn the_seed_decides_the_splits() {
    let root = two_classes();
    let with = |seed| {
        let split = RandomSplit { val: 0.4, seed: Seed::new(seed), ..Default::default() };
        prepare_folders(root.path(), &PrepareOptions { split, keep_going: false }).unwrap().manifest.hash()
    };
    assert_eq!(with(1), with(1));
    assert!((2..8).any(|seed| with(seed) != with(1)));
}

#[test]
fn unreadable_videos_are_reported_all_at_once_and_left_out_only_on_request() {
    let root = two_classes();
    fs::write(root.path().join("up/text.mp4"), "not a video").unwrap();
    fs::write(root.path().join("down/empty.webm"), "").unwrap();
    let error = prepare_folders(root.path(), &PrepareOptions::default()).unwrap_err().to_string();
    assert!(error.contains("2 of 12 unreadable"), "{error}");
    assert!(error.contains("up/text.mp4") && error.contains("down/empty.webm"), "{error}");
    let options = PrepareOptions { keep_going: true, ..Default::default() };
    let prepared = prepare_folders(root.path(), &options).unwrap();
    let left_out: Vec<_> = prepared.unreadable.iter().map(|video| video.path.as_str()).collect();
    assert_eq!(left_out, ["down/empty.webm", "up/text.mp4"]);
    assert_eq!(prepared.manifest.records().len(), 10);
}

#[test]
fn a_folder_without_videos_says_what_it_should_hold() {
    let root = tempfile::tempdir().unwrap();
    let error = class_folders(root.path(), None).unwrap_err().to_string();
    assert!(error.starts_with("expected at least one video, found none (0 other files): "), "{error}");
    fs::create_dir(root.path().join("up")).unwrap();
    let error = class_folders(root.path(), None).unwrap_err().to_string();
    assert!(error.starts_with("expected video files in the class folder (.264 .265 ") && error.ends_with("up"));
    fs::write(root.path().join("up/a.mp3"), "sound").unwrap();
    let error = class_folders(root.path(), None).unwrap_err().to_string();
    assert!(error.contains(", found none beside a.mp3: "), "{error}");
    assert!(class_folders(&root.path().join("nothing"), None).unwrap_err().to_string().contains("nothing"));
}

#[cfg(unix)]
#[test]
fn a_name_that_is_no_text_is_an_error_and_not_a_wrong_name() {
    use std::os::unix::ffi::OsStrExt;
    let root = two_classes();
    let name = std::ffi::OsStr::from_bytes(b"caf\xe9.mp4");
    fs::write(root.path().join("up").join(name), "x").unwrap();
    let error = class_folders(root.path(), None).unwrap_err().to_string();
    assert!(error.starts_with("expected a UTF-8 name, found other bytes: "), "{error}");
}

#[test]
fn folders_of_pictures_are_videos_where_the_names_are_given() {
    let root = tempfile::tempdir().unwrap();
    for (clip, frames) in [("up/a", 3), ("up/b", 4), ("down/c", 5)] {
        let folder = root.path().join(clip);
        fs::create_dir_all(&folder).unwrap();
        for i in 0..frames {
            let pixels = vec![(40 * i) as u8; 16 * 16 * 3];
            image::save_buffer(folder.join(format!("{i:03}.png")), &pixels, 16, 16, image::ColorType::Rgb8).unwrap();
        }
    }
    let names = FrameNames { template: "{:03}.png".into(), first_index: 0 };
    let listing = class_folders(root.path(), Some(names)).unwrap();
    let manifest = prepare(&listing, &PrepareOptions::default(), &quiet).unwrap().manifest;
    assert_eq!(manifest.records().iter().map(|record| record.frames).collect::<Vec<_>>(), [5, 3, 4]);
    let path = root.path().join("manifest.jsonl");
    manifest.write(&path).unwrap();
    let read = Manifest::read(&path).unwrap();
    let clip = read.open(&read.records()[0]).unwrap().read(&[4, 0]).unwrap();
    assert_eq!(clip.frames()[0].pixel(0, 0), [160; 3]);
    fs::write(root.path().join("up/b/002.png"), "no picture").unwrap();
    assert_eq!(kinds(&checked(&path)), [ProblemKind::Unreadable]);
}

#[test]
fn a_template_that_cannot_be_read_is_said_once_and_not_per_video() {
    let root = tempfile::tempdir().unwrap();
    fs::create_dir_all(root.path().join("up/a")).unwrap();
    fs::create_dir_all(root.path().join("up/b")).unwrap();
    let listing = class_folders(root.path(), Some(FrameNames { template: "x.jpg".into(), first_index: 1 })).unwrap();
    let error = prepare(&listing, &PrepareOptions::default(), &quiet).unwrap_err();
    assert!(matches!(error, taf_video::Error::Setting { .. }), "{error}");
}

fn csv_in(root: &Path, text: &str, columns: &CsvColumns) -> Result<Manifest> {
    let file = root.join("list.csv");
    fs::write(&file, text).unwrap();
    Ok(prepare(&csv(&file, root, columns, None)?, &PrepareOptions::default(), &quiet)?.manifest)
}

#[test]
fn a_csv_gives_paths_labels_splits_and_groups_in_any_order_of_columns() {
    let root = two_classes();
    write_video(&root.path().join("odd, \"name\".mp4"), 3, 200);
    let text = "\u{feff}split,path,label,group,remark\ntest,up/1.mp4,\"going, up\",g1,\n\
                train,\"odd, \"\"name\"\".mp4\",down ,,x\n";
    let manifest = csv_in(root.path(), text, &CsvColumns::default()).unwrap();
    assert_eq!(manifest.classes(), ["down", "going, up"]);
    let mut expected = vec![record("odd, \"name\".mp4", 0, "train", 3), record("up/1.mp4", 1, "test", 4)];
    expected[1].group = Some("g1".into());
    assert_eq!(without_contents(&manifest), expected);
}

#[test]
fn columns_may_have_other_names_and_paths_lack_their_suffix() {
    let root = two_classes();
    let columns = CsvColumns {
        path: "clip".into(),
        split: "batch".into(),
        suffix: ".mp4".into(),
        delimiter: b';',
        ..CsvColumns::default()
    };
    let manifest = csv_in(root.path(), "clip;label;batch;frames\nup/0;up;A;99\ndown/0;down;B;99\n", &columns).unwrap();
    assert_eq!(manifest.splits(), ["B", "A"]);
    assert_eq!(manifest.records()[0].frames, 3);
}

#[test]
fn a_csv_without_splits_gets_random_ones_that_keep_groups_together() {
    let root = two_classes();
    let line = |class: &str, i: usize| format!("{class}/{i}.mp4,{class},{}\n", i % 3);
    let lines: String = ["up", "down"].iter().flat_map(|class| (0..5).map(move |i| line(class, i))).collect();
    let manifest = csv_in(root.path(), &format!("path,label,group\n{lines}"), &CsvColumns::default()).unwrap();
    let groups = |split: &str| -> std::collections::BTreeSet<_> {
        manifest.split(split).unwrap().iter().map(|record| record.group.clone().unwrap()).collect()
    };
    assert!(groups("train").is_disjoint(&groups("val")));
}

#[test]
fn bad_csv_files_are_refused_with_the_line() {
    let root = two_classes();
    let cases = [
        ("clip,label\nup/0.mp4,up\n", "a column \"path\" in the first line, found the columns clip, label"),
        ("path,label\nup/0.mp4\n", "2 values as in the first line, found 1 on line 2"),
        ("path,label\nup/0.mp4,up\n,up\n", "a path, found an empty value on line 3"),
        ("path,label,split\nup/0.mp4,up,\n", "a split, found an empty value on line 2"),
        ("path,label\nup/0.mp4,up\nup/0.mp4,down\n", "every path once, found \"up/0.mp4\" on line 3"),
        (
            "path,label\nup/0.mp4,up\n./up//0.mp4,up\n",
            "found \"./up//0.mp4\" on line 3, which names the video of line 2",
        ),
        ("path,label\nup/0.mp4,up\ndown/../up/0.mp4,up\n", "which names the video of line 2"),
        ("path,label\n../x.mp4,up\n", "No such file"),
        ("path,label\n", "at least one video"),
        ("", "a column \"path\""),
    ];
    for (text, expected) in cases {
        let error = csv_in(root.path(), text, &CsvColumns::default()).unwrap_err().to_string();
        assert!(error.contains(expected), "{text:?}: {error}");
    }
}

fn checked_with(path: &Path, options: &CheckOptions) -> CheckReport {
    check(path, options, &quiet).unwrap()
}

fn checked(path: &Path) -> CheckReport {
    checked_with(path, &CheckOptions::default())
}

fn kinds(report: &CheckReport) -> Vec<ProblemKind> {
    report.problems.iter().map(|problem| problem.kind).collect()
}

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

#[test]
fn check_finds_every_planted_problem_and_lists_them_all() {
    let root = two_classes();
    let video = |name: &str| root.path().join(name);
    fs::write(video("up/text.mp4"), "not a video").unwrap();
    fs::copy(video("up/0.mp4"), video("up/copy.mp4")).unwrap();
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
    let path = root.path().join("manifest.jsonl");
    let text = format!("{HEADER}\n{}oops\n", lines.map(line).concat());
    fs::write(&path, text).unwrap();
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
    let at = |name: &str| video(name).display().to_string();
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
fn a_fingerprint_is_another_one_after_a_file_was_written_and_only_then() {
    let root = two_classes();
    let manifest = prepare_folders(root.path(), &PrepareOptions::default()).unwrap().manifest;
    let of = |place: usize| manifest.fingerprint(&manifest.records()[place]).unwrap();
    let before = [of(0), of(1)];
    let video = root.path().join("down/0.mp4");
    let bytes = fs::read(&video).unwrap();
    assert_eq!([of(0), of(1)], before);
    fs::write(&video, bytes).unwrap();
    let touched = fs::File::options().write(true).open(&video).unwrap();
    touched.set_modified(std::time::UNIX_EPOCH + std::time::Duration::from_nanos(5)).unwrap();
    assert_ne!(of(0), before[0]);
    assert_eq!(of(1), before[1]);
    fs::remove_file(&video).unwrap();
    assert!(manifest.fingerprint(&manifest.records()[0]).unwrap_err().to_string().ends_with("down/0.mp4"));
}

#[test]
fn pictures_of_a_folder_have_a_fingerprint_and_a_content_together() {
    let root = tempfile::tempdir().unwrap();
    fs::create_dir_all(root.path().join("up/a")).unwrap();
    let save =
        |name: &str, side: u32| image::RgbImage::new(side, side).save(root.path().join("up/a").join(name)).unwrap();
    (1..4).for_each(|number| save(&format!("{number:03}.png"), 16));
    let listing = || {
        let names = FrameNames { template: "{:03}.png".into(), first_index: 1 };
        class_folders(root.path(), Some(names)).unwrap()
    };
    let prepared = || prepare(&listing(), &PrepareOptions::default(), &quiet).unwrap().manifest;
    let (manifest, record) = (prepared(), prepared().records()[0].clone());
    let before = manifest.fingerprint(&record).unwrap();
    fs::write(root.path().join("up/a/notes.txt"), "no part of the video").unwrap();
    assert_eq!((manifest.fingerprint(&record).unwrap(), &prepared().records()[0]), (before.clone(), &record));
    save("004.png", 16);
    assert_ne!(manifest.fingerprint(&record).unwrap(), before);
    assert_ne!(prepared().records()[0].content, record.content);
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

#[test]
fn a_bad_video_is_told_from_a_disk_that_is_gone() {
    let root = two_classes();
    let manifest = prepare_folders(root.path(), &PrepareOptions::default()).unwrap().manifest;
    let record = &manifest.records()[0];
    let is_bad = || manifest.is_bad_video(record, &manifest.open(record).err().unwrap());
    let video = root.path().join("down/0.mp4");
    fs::write(&video, "no video").unwrap();
    assert!(is_bad(), "what is there is no video");
    fs::remove_file(&video).unwrap();
    assert!(is_bad(), "one file is missing among others");
    fs::remove_dir_all(root.path().join("down")).unwrap();
    assert!(!is_bad(), "the folder is gone");
    fs::create_dir(root.path().join("down")).unwrap();
    assert!(!is_bad(), "the folder is empty, as a disk leaves it that is not mounted");
    let failing =
        taf_video::Error::Io { action: "read", path: video, source: std::io::Error::other("the disk failed") };
    assert!(!manifest.is_bad_video(record, &failing));
}

#[test]
fn classes_that_are_numbers_keep_the_order_of_the_numbers() {
    let root = tempfile::tempdir().unwrap();
    for class in 0..12 {
        write_video(&root.path().join(format!("{class}/a.mp4")), 3, 20 * class as u8);
    }
    let numbers: Vec<String> = (0..12).map(|class| class.to_string()).collect();
    assert_eq!(class_folders(root.path(), None).unwrap().classes, numbers);
    let lines: String = (0..12).rev().map(|class| format!("{class}/a.mp4,{class}\n")).collect();
    let manifest = csv_in(root.path(), &format!("path,label\n{lines}"), &CsvColumns::default()).unwrap();
    assert_eq!(manifest.classes(), numbers);
    assert!(manifest.records().iter().all(|record| record.path == format!("{}/a.mp4", record.label)));
}

#[test]
fn paths_that_climb_lead_to_a_manifest_with_relative_paths() {
    let root = two_classes();
    let prepared = prepare_folders(&root.path().join("up/.."), &PrepareOptions::default()).unwrap();
    fs::create_dir(root.path().join("lists")).unwrap();
    let csv_file = root.path().join("lists/list.csv");
    fs::write(&csv_file, "path,label\n../up/0.mp4,up\n../down/0.mp4,down\n").unwrap();
    let listing = csv(&csv_file, &root.path().join("lists"), &CsvColumns::default(), None).unwrap();
    let listed = prepare(&listing, &PrepareOptions::default(), &quiet).unwrap();
    for (manifest, records) in [(prepared.manifest, 10), (listed.manifest, 2)] {
        let path = root.path().join("up/../lists/../manifest.jsonl");
        manifest.write(&path).unwrap();
        let read = Manifest::read(&path).unwrap();
        assert_eq!(read.records().len(), records);
        assert_eq!(read.records()[0].path, "down/0.mp4");
        assert!(checked(&path).is_clean() || records == 2);
    }
}

#[cfg(unix)]
#[test]
fn a_manifest_reached_through_a_link_has_relative_paths_all_the_same() {
    let root = two_classes();
    let link = tempfile::tempdir().unwrap();
    let link = link.path().join("link");
    std::os::unix::fs::symlink(root.path(), &link).unwrap();
    let manifest = prepare_folders(root.path(), &PrepareOptions::default()).unwrap().manifest;
    manifest.write(&link.join("m.jsonl")).unwrap();
    assert_eq!(Manifest::read(&root.path().join("m.jsonl")).unwrap().records()[0].path, "down/0.mp4");
}

#[test]
fn a_byte_order_mark_before_a_manifest_is_no_part_of_it() {
    let good = format!("{HEADER}\n{}", r#"{"path":"a.mp4","label":"up","split":"train","frames":3}"#);
    let (_folder, path) = written(&format!("\u{feff}{good}"));
    let manifest = Manifest::read(&path).unwrap();
    assert_eq!(manifest.classes(), ["up", "down"]);
    assert_eq!(manifest.records().len(), 1);
}

#[test]
fn names_of_classes_that_no_manifest_can_hold_are_refused_before_any_work() {
    let root = two_classes();
    let long = "x".repeat(600 << 10);
    let text = format!("path,label\nup/0.mp4,{long}\ndown/0.mp4,{long}y\n");
    fs::write(root.path().join("list.csv"), text).unwrap();
    let error = csv(&root.path().join("list.csv"), root.path(), &CsvColumns::default(), None).unwrap_err().to_string();
    assert!(error.starts_with("expected names of classes that take at most 1048576 bytes together, found 2 names, "));
    let records = vec![record("a.mp4", 0, "train", 3)];
    let manifest = Manifest::new(root.path(), vec![format!("{long}{long}")], None, records).unwrap();
    let path = root.path().join("m.jsonl");
    let error = manifest.write(&path).unwrap_err().to_string();
    assert!(error.contains("lines of at most 1048576 bytes") && error.contains("on line 1"), "{error}");
    assert!(!path.exists());
}

#[test]
fn what_the_decoder_takes_a_class_folder_takes_too() {
    let root = two_classes();
    fs::copy(root.path().join("up/0.mp4"), root.path().join("up/a.DIVX")).unwrap();
    fs::copy(root.path().join("up/0.mp4"), root.path().join("up/b.gif")).unwrap();
    let listing = class_folders(root.path(), None).unwrap();
    assert!(["up/a.DIVX", "up/b.gif"].iter().all(|path| listing.entries.iter().any(|entry| entry.path == *path)));
    assert!(listing.passed_over.is_empty());
}
