//! Manifests from folders and lists, on real video files.

mod listed;

use std::fs;
use std::path::PathBuf;
use std::sync::Mutex;

use listed::{checked, csv_in, kinds, prepare_folders, quiet, record, two_classes, without_contents, write_video};
use taf_video::Seed;
use taf_video::dataset::{
    CsvColumns, FrameNames, Manifest, PrepareOptions, ProblemKind, RandomSplit, ReadOptions, class_folders, csv,
    prepare, read,
};

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
        prepare_folders(root.path(), &PrepareOptions { split, keep_going: false, ..Default::default() })
            .unwrap()
            .manifest
            .hash()
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
fn a_template_that_cannot_be_read_is_refused_before_any_video_is_looked_at() {
    let root = tempfile::tempdir().unwrap();
    fs::create_dir_all(root.path().join("up/a")).unwrap();
    let names = |template: &str| Some(FrameNames { template: template.into(), first_index: 1 });
    for template in ["img.jpg", "{:05", "{:99999999}.jpg", "{folder}.jpg", ""] {
        let error = class_folders(root.path(), names(template)).unwrap_err();
        assert!(matches!(error, taf_video::Error::Setting { .. }), "{template}: {error}");
    }
    for template in ["{:05}.jpg", "{folder}_{:06d}.jpg"] {
        assert!(class_folders(root.path(), names(template)).is_ok(), "{template}");
    }
}

#[test]
fn sources_that_cannot_be_one_list_of_videos_say_what_would_be() {
    let root = tempfile::tempdir().unwrap();
    let file = |name: &str, text: &str| {
        fs::write(root.path().join(name), text).unwrap();
        root.path().join(name)
    };
    let rows = file("rows.csv", "path,label\na.mp4,up\nb.mp4,down\n");
    let bare = file("bare.csv", "path,label\n");
    let refusal = |sources: &[PathBuf]| read(sources, &ReadOptions::default()).unwrap_err().to_string();
    let flat = refusal(&[root.path().to_owned()]);
    assert!(flat.contains("in class folders (CLASS/clip.mp4)") && flat.contains("bare.csv"), "{flat}");
    let empty = refusal(std::slice::from_ref(&bare));
    assert!(empty.contains("bare.csv") && empty.contains("no rows"), "{empty}");
    let two = refusal(&[rows.clone(), bare]);
    assert!(two.contains("bare.csv") && two.contains("guessed") && two.contains("--format NAME"), "{two}");
    let listing = csv(&rows, &root.path().join("gone"), &CsvColumns::default(), None).unwrap();
    let gone = prepare(&listing, &PrepareOptions::default(), &quiet).unwrap_err().to_string();
    assert!(gone.contains("no such folder") && !gone.contains("a.mp4"), "{gone}");
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
        ("path,label\n", "no rows"),
        ("", "a column \"path\""),
    ];
    for (text, expected) in cases {
        let error = csv_in(root.path(), text, &CsvColumns::default()).unwrap_err().to_string();
        assert!(error.contains(expected), "{text:?}: {error}");
    }
}

#[test]
fn classes_that_are_numbers_keep_the_order_of_the_numbers() {
    let root = tempfile::tempdir().unwrap();
    for class in 0..12 {
        write_video(&root.path().join(format!("{class}/a.mp4")), 3, 20 * class as u8);
    }
    let numbers: Vec<String> = (0..12).map(|class| class.to_string()).collect();
    assert_eq!(class_folders(root.path(), None).unwrap().classes(), numbers);
    let lines: String = (0..12).rev().map(|class| format!("{class}/a.mp4,{class}\n")).collect();
    let manifest = csv_in(root.path(), &format!("path,label\n{lines}"), &CsvColumns::default()).unwrap();
    assert_eq!(manifest.classes(), numbers);
    assert!(manifest.records().iter().all(|record| record.path == format!("{}/a.mp4", record.label.unwrap())));
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
