//! A trained run says what it sees in videos of any kind.

mod support;

use std::fs;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use serde_json::Value;
use support::{command, ended, manifest, path, taf, trained, video, videos};
use tempfile::TempDir;

/// A run that is trained once for all tests.
fn run() -> PathBuf {
    static FOLDER: OnceLock<TempDir> = OnceLock::new();
    let folder = FOLDER.get_or_init(|| {
        let folder = tempfile::tempdir().unwrap();
        trained(folder.path());
        folder
    });
    folder.path().join("base")
}

/// The rows of `--json-lines`.
fn rows(args: &[&str]) -> Vec<Value> {
    let run = run();
    let out = taf(&[&["predict", path(&run), "--json-lines"], args].concat()).done();
    out.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn names(rows: &[Value]) -> Vec<&str> {
    rows.iter().map(|row| row["video"].as_str().unwrap()).collect()
}

#[test]
fn the_answers_are_those_of_an_evaluation() {
    let (run, list) = (run(), manifest());
    let results = taf(&["eval", "--run", path(&run), "--suite", "clean", "--json"]).json();
    let ended = taf(&["predict", path(&run), path(&list), "--split", "val", "--top", "1", "--csv"]);
    let rows: Vec<Vec<&str>> = ended.out.lines().skip(1).map(|line| line.split(',').collect()).collect();
    let right = rows.iter().filter(|row| row[1] == row[2]).count() as f64 / rows.len() as f64;
    assert_eq!((rows.len(), Some(right)), (20, results["results"][0]["scores"]["top1"]["value"].as_f64()));
    assert!(ended.err.contains(&format!("of 20 labelled videos: top-1 {:.1} %", 100.0 * right)), "{}", ended.err);
}

#[test]
fn a_video_is_the_same_in_a_folder_in_a_list_in_a_manifest_and_alone() {
    let folder = tempfile::tempdir().unwrap();
    let (text, table) = (folder.path().join("list.txt"), folder.path().join("list.csv"));
    let video = video();
    fs::write(&text, format!("{}\n", path(&video))).unwrap();
    fs::write(&table, format!("path,label\n{},moving up\n", path(&video))).unwrap();
    let alone = rows(&[path(&video)]);
    assert_eq!((alone.len(), &alone[0]["label"]), (1, &Value::from("moving left")), "its folder labels it");
    assert_eq!(rows(&[path(&text)]), alone);
    let listed = rows(&[path(&table)]);
    assert_eq!((&listed[0]["top"], &listed[0]["label"]), (&alone[0]["top"], &Value::from("moving up")));
    let whole = rows(&[path(videos())]);
    assert_eq!(whole.iter().find(|row| row["video"] == alone[0]["video"]), Some(&alone[0]));
    assert!(names(&whole).is_sorted() && whole.len() == 60);
    let of_manifest = rows(&[path(&manifest()), "--split", "val"]);
    let same = of_manifest.iter().find(|row| row["video"] == "moving left/val-00000.mp4").unwrap();
    assert_eq!((of_manifest.len(), &same["top"], &same["label"]), (20, &alone[0]["top"], &alone[0]["label"]));
}

#[test]
fn probabilities_sum_to_one_and_other_views_give_others() {
    let video = video();
    let all = rows(&[path(&video), "--top", "99"]);
    let probabilities = |rows: &[Value]| -> Vec<f64> {
        rows[0]["top"].as_array().unwrap().iter().map(|likely| likely["probability"].as_f64().unwrap()).collect()
    };
    let found = probabilities(&all);
    assert!(found.len() == 10 && found.is_sorted_by(|a, b| a >= b) && (found.iter().sum::<f64>() - 1.0).abs() < 1e-5);
    let twice = rows(&[path(&video), "--top", "99", "--set", "data.views=twice"]);
    assert_ne!(probabilities(&twice), found);
}

#[test]
fn folders_of_pictures_are_videos_at_any_depth() {
    let folder = tempfile::tempdir().unwrap();
    for clip in ["moving left/one", "deep/er/two"] {
        let clip = folder.path().join(clip);
        fs::create_dir_all(&clip).unwrap();
        for number in 1..=9u8 {
            image::RgbImage::from_pixel(40, 40, image::Rgb([20 * number; 3]))
                .save(clip.join(format!("{number:05}.png")))
                .unwrap();
        }
    }
    let found = rows(&[path(folder.path()), "--frames-template", "{:05}.png"]);
    let labels: Vec<&Value> = found.iter().map(|row| &row["label"]).collect();
    assert!(names(&found)[0].ends_with("er/two") && names(&found)[1].ends_with("one"), "{found:?}");
    assert_eq!(labels, [&Value::Null, &Value::from("moving left")]);
}

#[test]
fn a_bad_video_is_named_and_passed_over() {
    let folder = tempfile::tempdir().unwrap();
    let (run, list, out) = (run(), folder.path().join("list.txt"), folder.path().join("out.csv"));
    fs::write(folder.path().join("broken.mp4"), "no video").unwrap();
    fs::write(&list, format!("gone.mp4\n{}\nbroken.mp4\n", path(&video()))).unwrap();
    let ended = taf(&["predict", path(&run), path(&list), "--out", path(&out)]);
    assert_eq!(ended.code, 1, "{}", ended.err);
    assert!(ended.err.contains("gone.mp4") && ended.err.contains("broken.mp4"), "{}", ended.err);
    assert!(ended.err.contains("2 of 3 videos could not be classified"), "{}", ended.err);
    assert_eq!(fs::read_to_string(&out).unwrap().lines().count(), 2);
    let none = taf(&["predict", path(&run), path(&folder.path().join("broken.mp4"))]).refused();
    assert!(none.contains("none of 1 videos"), "{none}");
}

#[test]
fn what_cannot_be_asked_is_refused_before_anything_is_written() {
    let folder = tempfile::tempdir().unwrap();
    let (run, list) = (run(), folder.path().join("list.csv"));
    fs::write(&list, "name\nx\n").unwrap();
    fs::create_dir(folder.path().join("empty")).unwrap();
    fs::copy(video(), folder.path().join("clip.mp4")).unwrap();
    let at = |name: &str| path(&folder.path().join(name)).to_owned();
    for (args, part) in [
        (vec![at("gone.mp4")], "cannot look at"),
        (vec![at("empty")], "expected videos, found none"),
        (vec![at("list.csv")], "expected a column \"path\""),
        (vec![at("list.csv"), "--out".into(), at("list.csv")], "found list.csv itself"),
        (vec![at("clip.mp4"), "--out".into(), at("clip.mp4")], "ends in .csv"),
        (vec![at("clip.mp4"), "--csv".into(), "--out".into(), at("x.jsonl")], "ends in .csv"),
        (vec![at("clip.mp4"), "--set".into(), "seed=1".into()], "belong to training"),
        (vec![at("clip.mp4"), "--top".into(), "0".into()], "0"),
    ] {
        let args: Vec<&str> = ["predict", path(&run)].into_iter().chain(args.iter().map(String::as_str)).collect();
        let ended = taf(&args);
        let told = ended.err.replace(&format!("{}/", path(folder.path())), "");
        assert!(ended.code == 2 && told.contains(part), "{args:?}: {told}");
    }
    assert_eq!(fs::read_to_string(&list).unwrap(), "name\nx\n");
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 3);
}

#[test]
fn a_reader_that_has_seen_enough_is_no_error() {
    let run = run();
    let mut child = command(&["predict", path(&run), path(videos()), "--top", "1", "--csv"]).spawn().unwrap();
    let mut first = [0; 10];
    child.stdout.take().unwrap().read_exact(&mut first).unwrap();
    let end = ended(child.wait_with_output().unwrap());
    assert_eq!((end.code, &first), (0, b"video,labe"), "{}", end.err);
}

#[cfg(unix)]
#[test]
fn a_stop_keeps_the_answers_that_were_found() {
    let folder = tempfile::tempdir().unwrap();
    let (run, list) = (run(), folder.path().join("list.txt"));
    let out = folder.path().join("out.jsonl");
    // Enough that it is stopped on the way.
    fs::write(&list, format!("{}\n", path(&video())).repeat(20_000)).unwrap();
    let child = command(&["predict", path(&run), path(&list), "--out", path(&out)]).spawn().unwrap();
    let begun = || fs::read_dir(folder.path()).unwrap().count() > 1;
    while !begun() {
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
    std::thread::sleep(std::time::Duration::from_millis(300));
    Command::new("kill").args(["-TERM", &child.id().to_string()]).status().unwrap();
    let end = ended(child.wait_with_output().unwrap());
    assert!(end.code == 130 && end.err.contains("finishing what is being looked at"), "{}: {}", end.code, end.err);
    let rows = fs::read_to_string(&out).unwrap();
    assert!(rows.lines().all(|line| serde_json::from_str::<Value>(line).is_ok()), "{rows}");
    assert_eq!(files(folder.path()), 2, "nothing unfinished is left behind");
}

fn files(folder: &Path) -> usize {
    fs::read_dir(folder).unwrap().count()
}

/// Two seconds at ten frames a second: black, then white.
fn pictures(folder: &Path) -> PathBuf {
    let clip = folder.join("long");
    fs::create_dir_all(&clip).unwrap();
    for number in 0..20u8 {
        let grey = if number < 10 { 0 } else { 255 };
        image::RgbImage::from_pixel(40, 40, image::Rgb([grey; 3])).save(clip.join(format!("{number}.png"))).unwrap();
    }
    clip
}

#[test]
fn a_long_video_is_told_of_part_by_part_and_drawn() {
    let folder = tempfile::tempdir().unwrap();
    let (run, clip) = (run(), pictures(folder.path()));
    let frames = ["--frames-template", "{}.png", "--first-index", "0", "--fps", "10"];
    for (name, begins) in [("seen.svg", &b"<svg"[..]), ("seen.png", b"\x89PNG")] {
        let picture = folder.path().join(name);
        let args = [path(&clip), "--every", "0.5", "--window", "1", "--picture", path(&picture)];
        let parts = rows(&[&args[..], &frames].concat());
        let time = |part: &Value, name: &str| part[name].as_f64().unwrap();
        assert!(time(&parts[0], "start_secs") == 0.0 && time(parts.last().unwrap(), "end_secs") == 2.0, "{parts:?}");
        assert!(parts.windows(2).all(|pair| pair[0]["end_secs"] == pair[1]["start_secs"]), "{parts:?}");
        assert!(parts.windows(2).all(|pair| pair[0]["class"] != pair[1]["class"]), "{parts:?}");
        // The last reaches over the end by half of itself.
        assert_eq!(parts.iter().map(|part| part["windows"].as_u64().unwrap()).sum::<u64>(), 4);
        assert!(fs::read(&picture).unwrap().starts_with(begins), "{name}");
    }
    let csv = taf(&[&["predict", path(&run), path(&clip), "--every", "1"], &frames[..], &["--csv"]].concat()).done();
    assert!(csv.starts_with("video,start_secs,end_secs,class,probability,windows\n"), "{csv}");
    let table = taf(&["predict", path(&run), path(&video()), "--every", "1", "--format", "table"]).done();
    assert!(table.contains("   0:00.0 to "), "{table}");
}

#[test]
fn a_long_video_that_cannot_be_gone_through_so_is_refused_or_passed_over() {
    let folder = tempfile::tempdir().unwrap();
    let (run, broken, picture) = (run(), folder.path().join("broken.mp4"), folder.path().join("x.png"));
    fs::write(&broken, "no video").unwrap();
    let (run, video, broken, picture) = (path(&run), video(), path(&broken), path(&picture));
    let video = path(&video);
    for (args, part) in [
        (vec![video, "--every", "0"], "every must be between 0.04"),
        (vec![video, "--every", "1", "--window", "1000"], "at most 100 times"),
        (vec![video, "--window", "1"], "--every"),
        (vec![video, video, "--every", "1", "--picture", picture], "--picture draws one video, found 2"),
        (vec![video, "--every", "1", "--picture", "x.gif"], "ends in .svg"),
        (vec![broken, "--every", "1"], "none of 1 videos"),
    ] {
        let ended = taf(&[vec!["predict", run], args.clone()].concat());
        assert!(ended.code == 2 && ended.err.contains(part), "{args:?}: {}", ended.err);
    }
    let ended = taf(&["predict", run, broken, video, "--every", "1"]);
    assert!(ended.code == 1 && ended.err.contains("passed over: "), "{}", ended.err);
    assert!(ended.out.lines().count() >= 2, "{}", ended.out);
}
