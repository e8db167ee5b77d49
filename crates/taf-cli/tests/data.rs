//! What `taf data prepare` takes, refuses and tells.

mod support;

use std::fs;

use support::{path, taf, videos};

#[test]
fn where_the_manifest_cannot_be_written_is_said_before_any_video_is_decoded() {
    let folder = tempfile::tempdir().unwrap();
    let csv = folder.path().join("list.csv");
    // Decoding would fail first: there is no such video.
    fs::write(&csv, "path,label\nnowhere.mp4,up\n").unwrap();
    let out = folder.path().join("none/m.jsonl");
    let message = taf(&["data", "prepare", path(&csv), "--out", path(&out)]).refused();
    assert!(message.contains("a folder that exists") && message.contains("none/m.jsonl"), "{message}");
}

#[test]
fn a_manifest_never_takes_the_place_of_what_it_is_made_from() {
    let folder = tempfile::tempdir().unwrap();
    let csv = folder.path().join("list.csv");
    let video = folder.path().join("a.jsonl");
    fs::copy(support::video(), &video).unwrap();
    let text = "path,label\na.jsonl,up\n";
    fs::write(&csv, text).unwrap();
    for (out, part) in [(&csv, "a name that ends in .jsonl, found .csv"), (&video, "than that of what is read")] {
        let message = taf(&["data", "prepare", path(&csv), "--out", path(out)]).refused();
        assert!(message.contains(part), "{message}");
    }
    assert_eq!(fs::read_to_string(&csv).unwrap(), text);
    assert_eq!(fs::read(&video).unwrap(), fs::read(support::video()).unwrap());
}

#[test]
fn lists_with_tabs_are_taken_and_other_files_are_told_what_is_expected() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("m.jsonl");
    let text = "path\tlabel\tsplit\nmoving left/val-00000.mp4\tleft\ttrain\n";
    for (name, more) in [("list.tsv", &[][..]), ("list.csv", &["--csv-delimiter", "\\t"][..])] {
        let list = folder.path().join(name);
        fs::write(&list, text).unwrap();
        let args =
            [&["data", "prepare", path(&list), "--csv-root", path(videos()), "--out", path(&out)], more].concat();
        assert!(taf(&args).done().contains("1 classes: left"), "{name}");
    }
    let list = folder.path().join("list.txt");
    fs::write(&list, text).unwrap();
    let message = taf(&["data", "prepare", path(&list), "--out", path(&out)]).refused();
    assert!(message.contains("--format names it") && message.contains("list.txt"), "{message}");
    let message = taf(&["data", "prepare", path(&list), "--out", path(&out), "--csv-delimiter", "ab"]).refused();
    assert!(message.contains("\\t for a tab"), "{message}");
}

#[test]
fn what_a_manifest_leaves_out_or_changes_is_told() {
    let folder = tempfile::tempdir().unwrap();
    for class in ["1", "2"] {
        fs::create_dir(folder.path().join(class)).unwrap();
        fs::copy(videos().join(format!("moving left/train-0000{class}.mp4")), folder.path().join(class).join("a.mp4"))
            .unwrap();
    }
    fs::write(folder.path().join("1/sound.mp3"), "x").unwrap();
    let out = folder.path().join("m.jsonl");
    let ended = taf(&["data", "prepare", path(folder.path()), "--out", path(&out)]);
    for part in [
        "passed over 1 file that is hidden or no video: 1/sound.mp3 (videos end in .264 ",
        "class 1 has the label id 0",
        "no video is in the split val",
    ] {
        assert!(ended.err.contains(part), "expected {part:?} in {}", ended.err);
    }
    ended.done();
}
