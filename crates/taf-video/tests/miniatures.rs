//! Miniatures of published data sets: the files and lists are those of the real ones, and the videos are what the lists say.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use serde_json::Value;
use taf_video::synthetic::{ClipsPerClass, Difficulty, Form, Miniature};
use taf_video::{Seed, VideoSource, open_video};
use tempfile::TempDir;

fn quiet(_done: usize, _of: usize) {}

const CLIPS: ClipsPerClass = ClipsPerClass { train: 1, val: 1, test: 1 };

fn miniature(form: Form, seed: u64) -> Miniature {
    Miniature::new(form, Seed::new(seed), Some(32), Some(8..=10), Difficulty::EASY).unwrap()
}

fn written(form: Form) -> TempDir {
    let root = tempfile::tempdir().unwrap();
    let test = if form == Form::Diving48 { 0 } else { 1 };
    miniature(form, 0).write(root.path(), ClipsPerClass { test, ..CLIPS }, &quiet).unwrap();
    root
}

fn names(folder: &Path) -> BTreeSet<String> {
    fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
}

fn text(root: &Path, name: &str) -> String {
    fs::read_to_string(root.join(name)).unwrap()
}

fn json(root: &Path, name: &str) -> Value {
    serde_json::from_str(&text(root, name)).unwrap()
}

/// The rows of a list of `id;class` by class.
fn ids_by_class(list: &str) -> BTreeMap<&str, &str> {
    list.lines().map(|row| row.split_once(';').unwrap()).map(|(id, class)| (class, id)).collect()
}

#[test]
fn something_v1_is_folders_of_pictures_and_lists_of_ids_and_classes() {
    let root = written(Form::SomethingV1);
    let list = |part: &str| text(root.path(), &format!("something-something-v1-{part}.csv"));
    let labels = list("labels");
    let classes: Vec<_> = labels.lines().collect();
    assert_eq!(classes[0], "Turning the camera left while filming something");
    assert!(!classes.is_sorted(), "the published order is not that of the alphabet");
    let (train, val, test) = (list("train"), list("validation"), list("test"));
    let ids: BTreeSet<_> = [ids_by_class(&train), ids_by_class(&val)]
        .iter()
        .flat_map(|rows| {
            assert!(rows.keys().all(|class| classes.contains(class)));
            rows.values().map(|id| id.to_string()).collect::<Vec<_>>()
        })
        .chain(test.lines().map(str::to_owned))
        .collect();
    assert_eq!(ids.len(), 3 * classes.len());
    let folder = root.path().join("20bn-something-something-v1");
    assert_eq!(names(&folder), ids);
    for id in ids {
        let pictures = names(&folder.join(&id));
        assert!((8..=10).contains(&pictures.len()));
        assert_eq!(pictures.first().unwrap(), "00001.jpg");
        assert_eq!(*pictures.last().unwrap(), format!("{:05}.jpg", pictures.len()));
    }
}

#[test]
fn pushing_one_way_is_pulling_the_other_way_backwards() {
    let root = written(Form::SomethingV1);
    let train = text(root.path(), "something-something-v1-train.csv");
    let ids = ids_by_class(&train);
    let pictures = |class: &str| {
        let folder = root.path().join("20bn-something-something-v1").join(ids[class]);
        names(&folder).iter().map(|name| fs::read(folder.join(name)).unwrap()).collect::<Vec<_>>()
    };
    for (forward, backward) in [
        ("Pushing something from left to right", "Pulling something from right to left"),
        ("Pushing something from right to left", "Pulling something from left to right"),
        ("Turning the camera left while filming something", "Turning the camera right while filming something"),
        ("Covering something with something", "Uncovering something"),
    ] {
        let backwards: Vec<_> = pictures(backward).into_iter().rev().collect();
        assert_eq!(pictures(forward), backwards, "{forward}");
    }
    assert_ne!(
        pictures("Pushing something from left to right"),
        pictures("Pulling something from left to right"),
        "the hand is on the other side"
    );
}

#[test]
fn something_v2_is_vp9_files_and_lists_of_rows_with_templates() {
    let root = written(Form::SomethingV2);
    let labels = json(root.path(), "labels/labels.json");
    let classes: Vec<_> = labels.as_object().unwrap().keys().cloned().collect();
    for (place, class) in classes.iter().enumerate() {
        assert_eq!(labels[class], place.to_string(), "ids are strings in the order of the alphabet");
    }
    let row = |list: &str| json(root.path(), &format!("labels/{list}.json"))[0].clone();
    let train = row("train");
    let class = train["template"].as_str().unwrap().replace(['[', ']'], "");
    assert!(classes.contains(&class), "{class}");
    assert!(train["label"].as_str().unwrap().contains(train["placeholders"][0].as_str().unwrap()));
    let test = row("test");
    assert_eq!(test.as_object().unwrap().keys().collect::<Vec<_>>(), ["id"]);
    let answers = text(root.path(), "labels/test-answers.csv");
    assert_eq!(ids_by_class(&answers).into_keys().collect::<Vec<_>>(), classes);
    let id = train["id"].as_str().unwrap();
    let video = open_video(root.path().join(format!("20bn-something-something-v2/{id}.webm"))).unwrap();
    assert_eq!((video.info().codec.as_str(), video.info().height, video.info().fps), ("vp9", 32, Some(12.0)));
}

#[test]
fn the_lists_of_the_first_publisher_have_other_names_and_no_answers() {
    let root = written(Form::SomethingV2By20bn);
    let lists = names(root.path()).into_iter().filter(|name| name.starts_with("something-something-v2-"));
    let parts = ["labels", "test", "train", "validation"];
    assert!(lists.eq(parts.map(|part| format!("something-something-v2-{part}.json"))));
}

#[test]
fn diving48_is_h264_files_a_vocabulary_and_rows_that_count_frames() {
    let root = written(Form::Diving48);
    let vocabulary = json(root.path(), "Diving48_vocab.json");
    assert_eq!(vocabulary[0], serde_json::json!(["Back", "15som", "NoTwis", "PIKE"]));
    let mut dashes = 0;
    for list in ["train", "test"] {
        for row in json(root.path(), &format!("Diving48_V2_{list}.json")).as_array().unwrap() {
            let name = row["vid_name"].as_str().unwrap();
            let mut video = open_video(root.path().join(format!("rgb/{name}.mp4"))).unwrap();
            assert_eq!(video.info().codec, "h264");
            assert_eq!(
                (row["start_frame"].as_u64(), row["end_frame"].as_u64().unwrap()),
                (Some(0), video.num_frames().unwrap() as u64)
            );
            assert!(row["label"].as_u64().unwrap() < 6);
            dashes += usize::from(name.starts_with('-'));
        }
    }
    assert!(dashes > 0, "names of recordings begin with a dash at times");
    let refused = miniature(Form::Diving48, 0).write(root.path(), CLIPS, &quiet).unwrap_err().to_string();
    assert!(refused.contains("left out for diving48"), "{refused}");
}

#[test]
fn jester_keeps_the_order_of_its_own_list() {
    let root = written(Form::Jester);
    assert!(text(root.path(), "jester-v1-labels.csv").starts_with("Swiping Left\nSwiping Right\nSwiping Down\n"));
    let train = text(root.path(), "jester-v1-train.csv");
    let id = ids_by_class(&train)["Swiping Up"];
    assert!(root.path().join(format!("20bn-jester-v1/{id}/00008.jpg")).exists());
}

#[test]
fn what_was_interrupted_is_completed_and_what_was_whole_is_kept() {
    let root = written(Form::SomethingV1);
    let clips = root.path().join("20bn-something-something-v1");
    let list = text(root.path(), "something-something-v1-train.csv");
    let mut folders = list.lines().map(|row| clips.join(row.split(';').next().unwrap()));
    let (cut, gone, kept) = (folders.next().unwrap(), folders.next().unwrap(), folders.next().unwrap());
    let all = names(&cut);
    fs::remove_file(cut.join(all.last().unwrap())).unwrap();
    fs::write(cut.join("00001.jpg"), "half a picture").unwrap();
    fs::remove_dir_all(&gone).unwrap();
    fs::write(kept.join("mark"), "").unwrap();
    miniature(Form::SomethingV1, 0).write(root.path(), CLIPS, &quiet).unwrap();
    assert_eq!(names(&cut), all);
    assert!(fs::read(cut.join("00001.jpg")).unwrap().len() > 100 && gone.join("00008.jpg").exists());
    assert!(kept.join("mark").exists(), "a folder that is whole is not written again");
    assert_eq!(text(root.path(), "something-something-v1-train.csv"), list);
}

#[test]
fn other_settings_make_all_clips_anew_and_leave_none_of_the_old() {
    let root = written(Form::Jester);
    let only_training = ClipsPerClass { train: 1, val: 0, test: 0 };
    miniature(Form::Jester, 7).write(root.path(), only_training, &quiet).unwrap();
    assert_eq!(names(&root.path().join("20bn-jester-v1")).len(), 8);
    assert_eq!(text(root.path(), "jester-v1-validation.csv"), "");
}

#[test]
fn a_folder_with_anything_else_is_left_alone() {
    let root = tempfile::tempdir().unwrap();
    fs::create_dir(root.path().join("rgb")).unwrap();
    let refused = |form: Form, root: &Path| {
        let clips = ClipsPerClass { test: 0, ..CLIPS };
        miniature(form, 0).write(root, clips, &quiet).unwrap_err().to_string()
    };
    let message = refused(Form::Diving48, root.path());
    assert!(message.contains("new, empty, or filled by an earlier run in the form of diving48"), "{message}");
    assert_eq!(names(root.path()).len(), 1);
    let jester = written(Form::Jester);
    let message = refused(Form::SomethingV1, jester.path());
    assert!(message.contains("in the form of ssv1, found other files"), "{message}");
}

#[test]
fn clips_that_the_ids_do_not_reach_are_refused() {
    let root = tempfile::tempdir().unwrap();
    let with = |train| {
        let clips = ClipsPerClass { train, val: 0, test: 0 };
        miniature(Form::SomethingV2, 0).write(root.path(), clips, &quiet).unwrap_err().to_string()
    };
    assert_eq!(with(0), "train must be at least 1, got 0");
    assert_eq!(with(7000), "clips per class must be at most 6135, got 7000");
}
