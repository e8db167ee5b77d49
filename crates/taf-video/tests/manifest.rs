//! Manifests: on disk, through links and with hostile contents, and what they know of their files.

mod listed;

use std::fs;
use std::path::Path;

use listed::{HEADER, prepare_folders, quiet, record, two_classes, write_video, written};
use taf_video::dataset::{
    CheckOptions, Content, FrameNames, Manifest, Part, PrepareOptions, ProblemKind, Record, check, class_folders,
    path_below, prepare,
};

#[test]
fn a_manifest_comes_back_from_disk_as_it_went_there() {
    let folder = tempfile::tempdir().unwrap();
    let names = FrameNames { template: "img_{:05}.jpg".into(), first_index: 0 };
    let mut records = vec![record("b/ü \"1\".mp4", 1, "train", 9), record("a/2.mp4", 0, "day two", 1)];
    records[1].group = Some("scene 4".into());
    records[1].content = Some(Content { bytes: 12, sha256: "0a".repeat(32) });
    records[1].damaged = true;
    records.push(Record { label: None, part: Some(Part { start: 3, end: 7 }), ..record("a/2.mp4", 0, "test", 4) });
    let classes = vec!["up".to_owned(), "down, slowly".to_owned()];
    let manifest = Manifest::new(folder.path(), classes, Some(names), records).unwrap();
    let manifest = manifest.with_label_set(Some("stairs-v2".into())).unwrap();
    let manifest = manifest.with_mirror_pairs(vec![["up", "down, slowly"].map(str::to_owned)]).unwrap();
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
fn the_portable_hash_is_that_of_the_list_wherever_the_videos_lie() {
    let of = |paths: [&str; 3]| {
        let records = paths.map(|path| Record { group: Some(path.into()), ..record(path, 0, "train", 9) });
        Manifest::new(Path::new("/lists"), vec!["up".into(), "down".into()], None, records.into()).unwrap()
    };
    let own = of(["a/1.mp4", "a/2.mp4", "b/1.mp4"]);
    assert_eq!((own.common_folder(), own.portable_hash()), (None, own.hash()));
    let [one, other] = [
        of(["/mnt/v/a/1.mp4", "/mnt/v/a/2.mp4", "/mnt/v/b/1.mp4"]),
        of(["/home/x/va/a/1.mp4", "/home/x/va/a/2.mp4", "/home/x/va/b/1.mp4"]),
    ];
    assert_eq!(other.common_folder().unwrap(), Path::new("/home/x/va"));
    assert_ne!(one.hash(), other.hash());
    assert_eq!([one.portable_hash(), other.portable_hash()], [own.hash(), own.hash()]);
    assert_eq!(of(["/v/a/1.mp4", "/va/2.mp4", "/v/a/3.mp4"]).common_folder().unwrap(), Path::new("/"));
    assert_eq!(path_below("/v/a/1.mp4#3-7", Path::new("/v")), "a/1.mp4#3-7");
    assert_eq!(path_below("/va/1.mp4", Path::new("/v")), "/va/1.mp4");
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
    assert_eq!(manifest.split("val").unwrap()[0].label, Some(1));
    assert_eq!(manifest.split("val").unwrap()[0].group.as_deref(), Some("scene 4"));
}

/// A good record, for headers and records that are bad.
const GOOD: &str = r#"{"path":"a.mp4","label":"up","split":"train","frames":3}"#;

/// Each case has a name, a manifest, what was expected, and the line at fault.
fn refused(cases: Vec<(&str, String, &str, usize)>) {
    for (name, text, expected, line) in cases {
        let (_folder, path) = written(&text);
        let error = Manifest::read(&path).unwrap_err().to_string();
        let place = format!("on line {line}: {}", path.display());
        assert!(error.contains(expected) && error.ends_with(&place), "{name}: {error}");
        assert!(error.len() < 500, "{name}: the message quotes the file at length");
    }
}

#[test]
fn hostile_headers_are_refused_with_file_line_and_what_was_expected() {
    refused(vec![
        ("empty", String::new(), "a manifest header", 1),
        ("no JSON", "classes: up".into(), "a manifest header", 1),
        ("a record first", GOOD.into(), "a manifest header", 1),
        ("later version", HEADER.replace(":1", ":2").replace("}", r#","new":0}"#), "manifest version 1", 1),
        ("unknown header field", HEADER.replace("}", r#","colour":0}"#), "a manifest header", 1),
        ("no classes", HEADER.replace(r#""up","down""#, ""), "at least one class", 1),
        ("class twice", HEADER.replace("down", "up"), "every class once", 1),
        ("nameless labels", HEADER.replace("}", r#","label_set":" "}"#), "the name of a label set", 1),
        ("unknown pair", HEADER.replace("}", r#","mirror_pairs":[["up","left"]]}"#), "mirror pairs of the classes", 1),
        ("index without template", HEADER.replace("}", r#","first_index":0}"#), "frames_template", 1),
    ]);
}

#[test]
fn hostile_records_are_refused_with_file_line_and_what_was_expected() {
    let with = |from: &str, to: &str| format!("{HEADER}\n{GOOD}\n{}", GOOD.replace("a.mp4", "b.mp4").replace(from, to));
    let huge = format!("{HEADER}\n{GOOD}\n{}", "x".repeat(3 << 20));
    refused(vec![
        ("bad JSON", with("}", ""), "a record", 3),
        ("unknown field", with("}", r#","fps":12}"#), "a record", 3),
        ("missing field", with(r#","frames":3"#, ""), "a record", 3),
        ("wrong type", with(":3", ":\"3\""), "a record", 3),
        ("negative frames", with(":3", ":-3"), "a record", 3),
        ("no frames", with(":3", ":0"), "at least one frame", 3),
        ("start without end", with("}", r#","start":3}"#), r#""start" and "end" together"#, 3),
        ("part that ends before it starts", with("}", r#","start":5,"end":2}"#), "as many frames as lie between", 3),
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
    ]);
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
    assert_eq!(labelled, [("0", Some(1)), ("2", Some(0))]);
    assert_ne!(chosen.hash(), manifest.hash());
    let refused = |names: &[&str]| manifest.select_classes(names).unwrap_err().to_string();
    assert_eq!(refused(&["a", "d"]), "classes must be among a, b, c, got d");
    assert_eq!(refused(&["a", "a"]), "classes must be every class once, got \"a\" twice");
    assert_eq!(refused(&[]), "classes must be at least one class, got no classes");
}

#[test]
fn pairs_of_the_mirror_stay_as_long_as_both_classes_do() {
    let classes = ["1", "2", "3"].map(str::to_owned).to_vec();
    let manifest = Manifest::new(Path::new("/videos"), classes, None, vec![record("a", 0, "train", 1)]).unwrap();
    let manifest = manifest.with_mirror_pairs(vec![["1", "3"].map(str::to_owned)]).unwrap();
    assert_eq!(manifest.select_classes(&["3", "1"]).unwrap().mirror_pairs(), manifest.mirror_pairs());
    assert!(manifest.select_classes(&["1", "2"]).unwrap().mirror_pairs().is_empty());
}

#[test]
fn a_part_is_a_video_of_its_own_whose_frames_are_those_of_the_whole() {
    let root = tempfile::tempdir().unwrap();
    write_video(&root.path().join("a.mp4"), 9, 60);
    let part = |start, end| Record { part: Some(Part { start, end }), ..record("a.mp4", 0, "train", end - start) };
    let whole = record("a.mp4", 0, "train", 9);
    let records = vec![whole, part(2, 6), part(6, 9), part(7, 11)];
    let manifest = Manifest::new(root.path(), vec!["up".into()], None, records).unwrap();
    let frames = |place: usize, indices: &[usize]| {
        let mut video = manifest.open(&manifest.records()[place]).unwrap();
        assert_eq!(video.num_frames().unwrap(), manifest.records()[place].frames);
        video.read(indices).unwrap()
    };
    assert_eq!(frames(1, &[0, 3]), frames(0, &[2, 5]));
    assert_eq!(frames(2, &[2]), frames(0, &[8]));
    let refused = |place: usize, indices: &[usize]| {
        let mut video = manifest.open(&manifest.records()[place]).unwrap();
        video.read(indices).unwrap_err().to_string()
    };
    assert!(refused(1, &[4]).starts_with("expected frame indices below 4"), "{}", refused(1, &[4]));
    assert!(refused(3, &[0]).starts_with("expected at least 11 frames, where the part ends, found 9"));
    let ids: Vec<_> = manifest.records().iter().map(|record| record.id().into_owned()).collect();
    assert_eq!(ids, ["a.mp4", "a.mp4#2-6", "a.mp4#6-9", "a.mp4#7-11"]);
    manifest.write(&root.path().join("m.jsonl")).unwrap();
    let report = check(&root.path().join("m.jsonl"), &CheckOptions::default(), &quiet).unwrap();
    let problems: Vec<_> = report.problems.iter().map(|problem| (problem.kind, problem.line)).collect();
    assert_eq!(problems, [(ProblemKind::FrameCount, Some(5))]);
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
fn a_byte_order_mark_before_a_manifest_is_no_part_of_it() {
    let good = format!("{HEADER}\n{}", r#"{"path":"a.mp4","label":"up","split":"train","frames":3}"#);
    let (_folder, path) = written(&format!("\u{feff}{good}"));
    let manifest = Manifest::read(&path).unwrap();
    assert_eq!(manifest.classes(), ["up", "down"]);
    assert_eq!(manifest.records().len(), 1);
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
    assert_eq!(&prepared().records()[0], &record);
    save("004.png", 16);
    assert_ne!(manifest.fingerprint(&record).unwrap(), before);
    assert_ne!(prepared().records()[0].content, record.content);
}

#[test]
fn of_a_folder_of_pictures_the_folder_and_its_first_and_last_picture_are_looked_at() {
    let root = tempfile::tempdir().unwrap();
    let folder = root.path().join("up/a");
    fs::create_dir_all(&folder).unwrap();
    let picture = |number: usize| folder.join(format!("{number:03}.png"));
    (1..=3).for_each(|number| image::RgbImage::new(16, 16).save(picture(number)).unwrap());
    let names = FrameNames { template: "{:03}.png".into(), first_index: 1 };
    let listing = class_folders(root.path(), Some(names)).unwrap();
    let manifest = prepare(&listing, &PrepareOptions::default(), &quiet).unwrap().manifest;
    let fingerprint = || manifest.fingerprint(&manifest.records()[0]).unwrap();
    let date = |path: &Path| {
        let time = std::time::UNIX_EPOCH + std::time::Duration::from_secs(5);
        fs::File::open(path).unwrap().set_modified(time).unwrap();
    };
    let at_first = fingerprint();
    // Thousands of folders are looked at before training starts, so not every picture is.
    date(&picture(2));
    assert_eq!(fingerprint(), at_first);
    for seen in [picture(1), picture(3), folder.clone()] {
        let before = fingerprint();
        date(&seen);
        assert_ne!(fingerprint(), before, "{}", seen.display());
    }
    let before = fingerprint();
    fs::copy(picture(2), folder.join("other")).unwrap();
    fs::rename(folder.join("other"), picture(2)).unwrap();
    assert_ne!(fingerprint(), before, "a picture that was replaced by another file");
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
