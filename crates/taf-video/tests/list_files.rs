//! List files of other programs: what they say, which options change it, and which rows are refused.

use std::fs;
use std::path::{Path, PathBuf};

use taf_video::dataset::{
    Format, FrameNames, Listing, ListingEntry, Part, PrepareOptions, ReadOptions, Separator, SomethingOrder, prepare,
    read,
};
use tempfile::TempDir;

/// A folder of files by name.
fn files(of: &[(&str, &str)]) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    of.iter().for_each(|(name, text)| fs::write(folder.path().join(name), text).unwrap());
    folder
}

fn options(format: Format) -> ReadOptions {
    let frame_names = Some(FrameNames { template: "{:05}.jpg".into(), first_index: 1 });
    ReadOptions { format: Some(format), frame_names, ..Default::default() }
}

fn listed(folder: &TempDir, names: &[&str], options: &ReadOptions) -> Listing {
    let sources: Vec<PathBuf> = names.iter().map(|name| folder.path().join(name)).collect();
    read(&sources, options).unwrap()
}

fn refusal(folder: &TempDir, names: &[&str], options: &ReadOptions) -> String {
    let sources: Vec<PathBuf> = names.iter().map(|name| folder.path().join(name)).collect();
    read(&sources, options).unwrap_err().to_string()
}

fn entry(path: &str, label: &str, split: &str, frames: Option<usize>) -> ListingEntry {
    let (label, split) = (Some(label.into()), Some(split.into()));
    ListingEntry { path: path.into(), label, split, frames, ..Default::default() }
}

fn names(count: usize) -> Vec<String> {
    (0..count).map(|class| format!("class {class:03}")).collect()
}

#[test]
fn rows_of_every_program_say_the_same() {
    let rows = [
        (Format::Tsm, "a/1 12 0\nb/2 9 2\n", true),
        (Format::Tsm, "\u{feff}a/1 12 0\r\n\r\nb/2 9 2", true),
        (Format::Gst, "a/1\t12\t0\nb/2\t9\t2\n", true),
        (Format::Mmaction2Frames, "a/1 12 0\nb/2 9 2\n", true),
        (Format::Mmaction2Videos, "a/1 0\nb/2 2\n", false),
        (Format::SlowFast, "a/1 0\nb/2 2\n", false),
        (Format::UniFormer, "a/1,0\nb/2,2\n", false),
        (Format::UniFormer, "a/1 0\nb/2 2\n", false),
    ];
    for (format, text, has_frames) in rows {
        let folder = files(&[("train.csv", text)]);
        let listing = listed(&folder, &["train.csv"], &options(format));
        let frames = |frames| has_frames.then_some(frames);
        let expected = [entry("a/1", "0", "train", frames(12)), entry("b/2", "2", "train", frames(9))];
        assert_eq!(listing.entries, expected, "{format}: {text:?}");
        // A label id is its number, whether or not every class has a video here.
        assert_eq!(listing.classes(), ["0", "1", "2"]);
        assert_eq!(listing.frame_names().is_some(), has_frames);
    }
}

#[test]
fn an_offset_makes_a_row_a_part_of_its_folder() {
    let folder = files(&[("train.txt", "a 0 12 0\na 12 5 1\n")]);
    let listing = listed(&folder, &["train.txt"], &options(Format::Mmaction2Offset));
    let parts: Vec<_> = listing.entries.iter().map(|entry| entry.part).collect();
    assert_eq!(parts, [Some(Part { start: 0, end: 12 }), Some(Part { start: 12, end: 17 })]);
}

#[test]
fn bad_rows_are_refused_with_file_line_and_what_was_expected() {
    let cases = [
        (Format::Tsm, "a 12\n", "3 values (folder frames label, with spaces between), found 2 on line 1"),
        (Format::Tsm, "a 12 0\nb 12 0 3\n", "several labels of one video are not read, and lists with an offset are"),
        (Format::Mmaction2Videos, "a 0 3\n", "several labels of one video are not read), found 3 on line 1"),
        (Format::Mmaction2Offset, "a 0 12 0 3\n", "several labels of one video are not read), found 5 on line 1"),
        (Format::Gst, "a 12 0\n", "with tabs between), found 1 on line 1"),
        (
            Format::Tsm,
            "a twelve 0\n",
            "a number of frames as value 2 of folder frames label, found \"twelve\" on line 1",
        ),
        (Format::Tsm, "a -3 0\n", "found \"-3\" on line 1"),
        (Format::Tsm, "a 0 0\n", "at least one frame, found 0 on line 1"),
        (Format::Tsm, "a 3 -1\n", "a label from 0 to 99999 (names need --classes FILE), found \"-1\" on line 1"),
        (Format::Tsm, "a 3 99999999999999999999\n", "a label from 0 to 99999"),
        (Format::Tsm, "a 3 0\n\na 3 1\n", "every path once"),
        (Format::Tsm, "a 3 0\n./a 3 1\n", "every path once"),
        (Format::Tsm, "\n\n", "rows of folder frames label, found none"),
        (Format::Tsm, "", "rows of folder frames label, found none"),
        (Format::SlowFast, "original_vido_id video_id frame_id path labels\n", "found none"),
    ];
    for (format, text, part) in cases {
        let folder = files(&[("train.txt", text)]);
        let message = refusal(&folder, &["train.txt"], &options(format));
        assert!(message.contains(part), "{format} {text:?}: {message}");
        assert!(message.contains(folder.path().to_str().unwrap()), "{message}");
    }
    let folder = files(&[("list.bin", "")]);
    fs::write(folder.path().join("list.bin"), b"a 3 0\n\xff\xfe 3 0\n").unwrap();
    let message = refusal(&folder, &["list.bin"], &options(Format::Tsm));
    assert!(message.contains("UTF-8 text, found other bytes on line 2"), "{message}");
    assert!(refusal(&folder, &["gone.txt"], &options(Format::Tsm)).contains("gone.txt"));
}

#[test]
fn labels_must_be_among_the_named_classes() {
    let folder = files(&[("category.txt", "up\ndown"), ("train.txt", "a 3 1\nb 3 up\n"), ("val.txt", "c 3 2\n")]);
    let named = ReadOptions { classes: Some(folder.path().join("category.txt")), ..options(Format::Tsm) };
    let listing = listed(&folder, &["train.txt"], &named);
    assert_eq!(listing.classes(), ["up", "down"]);
    assert_eq!(listing.entries, [entry("a", "down", "train", Some(3)), entry("b", "up", "train", Some(3))]);
    let message = refusal(&folder, &["train.txt", "val.txt"], &named);
    assert!(message.contains("a label below 2, the classes of") && message.contains("\"2\" on line 1"), "{message}");
}

#[test]
fn splits_are_the_names_of_the_lists_or_given_and_never_the_same() {
    let row = |name: &str| format!("{name} 3 0\n");
    let folder = files(&[
        ("train_videofolder.txt", &row("a")),
        ("validation.txt", &row("b")),
        ("sthv2_train_list.txt", &row("c")),
        ("sthv2_val_list.txt", &row("d")),
    ]);
    let splits = |names: &[&str], options| -> Vec<String> {
        listed(&folder, names, &options).entries.into_iter().filter_map(|entry| entry.split).collect()
    };
    assert_eq!(splits(&["train_videofolder.txt", "validation.txt"], options(Format::Tsm)), ["train", "validation"]);
    let both = ["sthv2_train_list.txt", "sthv2_val_list.txt"];
    let message = refusal(&folder, &both, &options(Format::Tsm));
    assert!(message.contains("another split than \"sthv2\"") && message.contains("--splits"), "{message}");
    let given = |names: &[&str]| ReadOptions {
        splits: names.iter().map(|name| (*name).to_owned()).collect(),
        ..options(Format::Tsm)
    };
    assert_eq!(splits(&both, given(&["train", "val"])), ["train", "val"]);
    assert!(refusal(&folder, &both, &given(&["train"])).contains("splits must be 2, one for each list, got 1"));
}

#[test]
fn a_list_of_secret_labels_is_suspected_and_can_be_said_to_be_one() {
    let folder = files(&[("train.txt", "a 3 0\nb 3 1\n"), ("test.txt", "c 3 0\nd 3 0\n")]);
    let lists = ["train.txt", "test.txt"];
    let listing = listed(&folder, &lists, &options(Format::Tsm));
    assert!(listing.notes.iter().any(|note| note.contains("--unlabelled test")), "{:?}", listing.notes);
    let unlabelled = ReadOptions { unlabelled: vec!["test".into()], ..options(Format::Tsm) };
    let labels: Vec<_> = listed(&folder, &lists, &unlabelled).entries.into_iter().map(|entry| entry.label).collect();
    assert_eq!(labels, [Some("0".to_owned()), Some("1".to_owned()), None, None]);
    let wrong = ReadOptions { unlabelled: vec!["tset".into()], ..options(Format::Tsm) };
    assert!(refusal(&folder, &lists, &wrong).contains("unlabelled must be among the splits train, test, got tset"));
}

#[test]
fn the_order_of_somethings_labels_is_told_by_the_classes_or_stated() {
    let (sorted, file) = (names(174), SomethingOrder::File.arrange(&names(174)).unwrap());
    let folder =
        files(&[("sorted.txt", &sorted.join("\n")), ("file.txt", &file.join("\n")), ("train.txt", "a 3 86\nb 3 30\n")]);
    let labels = |classes: Option<&str>, label_order| {
        let classes = classes.map(|name| folder.path().join(name));
        let listing = listed(&folder, &["train.txt"], &ReadOptions { classes, label_order, ..options(Format::Tsm) });
        let labels: Vec<String> = listing.entries.iter().filter_map(|entry| entry.label.clone()).collect();
        (labels, listing.notes.concat())
    };
    let (of_sorted, said) = labels(Some("sorted.txt"), None);
    assert_eq!(
        (of_sorted, said.contains("that of the alphabet")),
        (vec![sorted[86].clone(), sorted[30].clone()], true)
    );
    let (of_file, said) = labels(Some("file.txt"), None);
    assert_eq!(
        (&of_file, said.contains("something-something-v1-labels.csv")),
        (&vec![file[86].clone(), file[30].clone()], true)
    );
    // Pushing from left to right is 30 in the file and 93 in the alphabet.
    assert_eq!(of_file[1], sorted[93]);
    assert_eq!(labels(Some("file.txt"), Some(SomethingOrder::Sorted)).0, [sorted[86].clone(), sorted[30].clone()]);
    assert_eq!(labels(Some("sorted.txt"), Some(SomethingOrder::File)).0, of_file);
}

#[test]
fn numbers_of_a_stated_order_know_what_a_mirror_exchanges() {
    let folder = files(&[("train.txt", "a 3 0\n")]);
    let pairs = |label_order| {
        let listing = listed(&folder, &["train.txt"], &ReadOptions { label_order, ..options(Format::Tsm) });
        let options = PrepareOptions { trust_counts: true, ..Default::default() };
        prepare(&listing, &options, &|_, _| {}).unwrap().manifest.mirror_pairs().to_vec()
    };
    let of = |pairs: [[&str; 2]; 3]| pairs.map(|pair| pair.map(str::to_owned)).to_vec();
    assert_eq!(pairs(Some(SomethingOrder::Sorted)), of([["86", "87"], ["93", "94"], ["166", "167"]]));
    assert_eq!(pairs(Some(SomethingOrder::File)), of([["66", "52"], ["30", "41"], ["2", "4"]]));
    assert!(pairs(None).is_empty());
}

#[test]
fn numbers_that_two_orders_share_ask_for_the_order_aloud() {
    let asks = |largest: usize, label_order| {
        let folder = files(&[("train.txt", &format!("a 3 {largest}\nb 3 0\n"))]);
        let listing = listed(&folder, &["train.txt"], &ReadOptions { label_order, ..options(Format::Tsm) });
        listing.notes.iter().any(|note| note.contains("--label-order says which"))
    };
    assert!(asks(173, None));
    assert!(!asks(172, None) && !asks(173, Some(SomethingOrder::Sorted)));
}

#[test]
fn the_same_numbers_in_another_order_are_other_labels_than_those_of_a_list_of_names() {
    let file = SomethingOrder::File.arrange(&names(174)).unwrap();
    let folder = files(&[("file.txt", &file.join("\n")), ("train.txt", "a 3 0\n")]);
    let label_set = |with: ReadOptions| {
        let listing = listed(&folder, &["train.txt"], &with);
        let options = PrepareOptions { trust_counts: true, ..Default::default() };
        prepare(&listing, &options, &|_, _| {}).unwrap().manifest.label_set().map(str::to_owned)
    };
    let of_order = |order| ReadOptions { label_order: Some(order), ..options(Format::Tsm) };
    let numbers = [SomethingOrder::Sorted, SomethingOrder::File].map(|order| label_set(of_order(order)).unwrap());
    let named = label_set(ReadOptions { classes: Some(folder.path().join("file.txt")), ..options(Format::Tsm) });
    assert_eq!(named.as_deref(), Some("something-something-v1"));
    assert!(numbers[0] != numbers[1] && !numbers.contains(&named.unwrap()), "{numbers:?}");
    let stated = ReadOptions { label_set: Some("my-own".into()), ..of_order(SomethingOrder::Sorted) };
    assert_eq!(label_set(stated).as_deref(), Some("my-own"));
    assert_eq!(label_set(options(Format::Tsm)), None);
}

#[test]
fn believed_counts_touch_no_video_and_without_counts_nothing_is_believed() {
    let folder = files(&[("train.txt", "gone/1 12 0\n"), ("val.csv", "gone/2.mp4,0\n")]);
    let trusting = PrepareOptions { trust_counts: true, ..Default::default() };
    let listing = listed(&folder, &["train.txt"], &options(Format::Tsm));
    let prepared = prepare(&listing, &trusting, &|_, _| {}).unwrap().manifest;
    assert_eq!((prepared.records()[0].frames, &prepared.records()[0].content), (12, &None));
    assert!(prepare(&listing, &PrepareOptions::default(), &|_, _| {}).is_err(), "there is no such folder");
    let listing = listed(&folder, &["val.csv"], &options(Format::UniFormer));
    let message = prepare(&listing, &trusting, &|_, _| {}).unwrap_err().to_string();
    assert!(message.contains("where the source does not say how many frames each video has"), "{message}");
}

#[test]
fn pictures_tell_how_they_are_called_and_counts_that_differ_are_reported() {
    let folder = files(&[("train.txt", "b 3 0\na 4 1\n")]);
    let picture = |name: &str| {
        fs::create_dir_all(folder.path().join("a")).unwrap();
        fs::create_dir_all(folder.path().join("b")).unwrap();
        image::RgbImage::new(16, 16).save(folder.path().join(name)).unwrap();
    };
    (0..3).for_each(|number| picture(&format!("a/img_{number:04}.png")));
    (0..3).for_each(|number| picture(&format!("b/img_{number:04}.png")));
    let untold = ReadOptions { frame_names: None, ..options(Format::Tsm) };
    let listing = listed(&folder, &["train.txt"], &untold);
    let names = FrameNames { template: "img_{:04}.png".into(), first_index: 0 };
    assert_eq!(listing.frame_names(), Some(&names));
    assert!(listing.notes.iter().any(|note| note == "pictures are called img_{:04}.png, from 0 on"));
    let prepared = prepare(&listing, &PrepareOptions::default(), &|_, _| {}).unwrap();
    let told: Vec<_> = prepared.miscounted.iter().map(ToString::to_string).collect();
    assert_eq!(told, ["a: 3 frames, listed with 4"]);
    let elsewhere = ReadOptions { root: Some(PathBuf::from("/nowhere")), ..untold };
    assert!(refusal(&folder, &["train.txt"], &elsewhere).contains("or --frames-template"));
}

#[test]
fn a_list_of_frames_is_read_video_by_video() {
    let header = "original_vido_id video_id frame_id path labels\n";
    let row = |video: &str, number: usize| format!("{video} 0 {number} {video}/{video}_{:06}.jpg \"\"\n", number + 1);
    let rows: String = [row("9", 0), row("9", 1), row("74", 0), row("9", 2), row("74", 1)].concat();
    let json = r#"[{"id":"9","template":"Moving [something] up"},{"id":"74","template":"Moving [something] down"}]"#;
    let folder = files(&[
        ("train.csv", &format!("{header}{rows}")),
        ("gap.csv", &format!("{header}{}{}", row("9", 0), row("9", 2))),
        ("several.csv", &format!("{header}9 0 0 9/9_000001.jpg \"1,2\"\n")),
        ("labels.json", r#"{"Moving something down":"0","Moving something up":"1"}"#),
        ("train.json", json),
    ]);
    let here = |name: &str| folder.path().join(name);
    let known =
        ReadOptions { classes: Some(here("labels.json")), labels: vec![here("train.json")], ..Default::default() };
    let listing = listed(&folder, &["train.csv"], &known);
    let expected =
        [entry("74", "Moving something down", "train", Some(2)), entry("9", "Moving something up", "train", Some(3))];
    assert_eq!(listing.entries, expected);
    assert_eq!(listing.frame_names().unwrap().template, "{folder}_{:06}.jpg");
    assert!(refusal(&folder, &["gap.csv"], &known).contains("pictures from 1 on without gaps"));
    assert!(refusal(&folder, &["several.csv"], &known).contains("found \"1,2\" on line 2"));
}

#[test]
fn labels_of_a_list_of_frames_are_found_by_the_last_folder_and_missed_aloud() {
    let rows =
        |folder: &str| format!("original_vido_id video_id frame_id path labels\n9 0 0 {folder}/9_000001.jpg \"\"\n");
    let folder = files(&[
        ("train.csv", &rows("./frames/9")),
        ("test.csv", &rows("frames/10").replace("9_", "10_")),
        ("labels.json", r#"{"Moving something down":"0","Moving something up":"1"}"#),
        ("train.json", r#"[{"id":"9","template":"Moving [something] up"}]"#),
    ]);
    let here = |name: &str| folder.path().join(name);
    let known =
        ReadOptions { classes: Some(here("labels.json")), labels: vec![here("train.json")], ..Default::default() };
    let listing = listed(&folder, &["train.csv"], &known);
    assert_eq!(listing.entries, [entry("frames/9", "Moving something up", "train", Some(1))]);
    let refused = refusal(&folder, &["train.csv", "test.csv"], &known);
    assert!(refused.contains("(or --unlabelled test), found none, but frames/10"), "{refused}");
    let secret = |split: &str| ReadOptions { unlabelled: vec![split.into()], ..known.clone() };
    let listing = listed(&folder, &["train.csv", "test.csv"], &secret("test"));
    assert_eq!(listing.entries.iter().filter(|entry| entry.label.is_none()).count(), 1);
    assert_eq!(listed(&folder, &["train.csv"], &secret("train")).entries[0].label, None);
    let suffixed = ReadOptions { suffix: ".mp4".into(), ..known };
    assert!(refusal(&folder, &["train.csv"], &suffixed).starts_with("suffix must be none, since the list has a row"));
}

#[test]
fn formats_are_told_by_the_rows_where_that_is_safe() {
    let cases = [
        ("train.txt", "a 12 0\n", Ok("tsm")),
        ("train.txt", "a\t12\t0\n", Ok("gst")),
        ("train.txt", "a.mp4 0\n", Ok("mmaction2-videos")),
        ("train.csv", "a.mp4,0\n", Ok("uniformer")),
        ("train.txt", "a 0 12 0\n", Err("--format names it")),
        ("train.txt", "some prose\n", Err("--format names it")),
        ("train.csv", "some,prose\n", Err("a column \"path\" in the first line")),
        ("train.txt", "", Err("a list of videos, found an empty file")),
    ];
    for (name, text, expected) in cases {
        let folder = files(&[(name, text)]);
        let untold = ReadOptions { format: None, ..options(Format::Tsm) };
        match expected {
            Ok(format) => {
                let notes = listed(&folder, &[name], &untold).notes;
                assert!(
                    notes.iter().any(|note| note.starts_with(&format!("read as {format}: "))),
                    "{text:?}: {notes:?}"
                );
            }
            Err(part) => assert!(refusal(&folder, &[name], &untold).contains(part), "{text:?}"),
        }
    }
}

#[test]
fn a_separator_may_be_another_and_paths_may_lack_their_ending() {
    let folder = files(&[("train.txt", "air drumming/a b;1\n")]);
    let own = ReadOptions {
        separator: Some(Separator::Character(';')),
        suffix: ".mp4".into(),
        root: Some(PathBuf::from("/videos")),
        ..options(Format::SlowFast)
    };
    let listing = listed(&folder, &["train.txt"], &own);
    assert_eq!(
        (listing.root.as_path(), listing.entries[0].path.as_str()),
        (Path::new("/videos"), "air drumming/a b.mp4")
    );
}
