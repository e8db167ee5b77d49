use super::*;
use crate::run::MetricsLog;
use crate::run::record::tests::{evaluation, step};

fn line(step_number: u64, record: Record) -> Line {
    Line { step: step_number, record }
}

/// A file with four steps and an evaluation after the second, and the folder it lies in.
fn written() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let mut events = EventFile::open(folder.path(), Kept::default()).unwrap();
    for number in 1..=4 {
        events.append(&line(number, step(0, 2.5))).unwrap();
        if number == 2 {
            events.append(&line(2, evaluation(1, 0.5))).unwrap();
            events.append_picture(2, "confusion".into(), png()).unwrap();
        }
    }
    folder
}

fn png() -> Vec<u8> {
    let mut bytes = io::Cursor::new(Vec::new());
    image::RgbImage::new(3, 2).write_to(&mut bytes, image::ImageFormat::Png).unwrap();
    bytes.into_inner()
}

fn only_file(folder: &tempfile::TempDir) -> PathBuf {
    let [file] = &event_files(folder.path())[..] else { panic!("expected one event file") };
    file.clone()
}

/// The steps of a file, each with the first tag of its event.
fn read(path: &Path) -> Vec<(i64, String)> {
    let everything = Kept { steps: u64::MAX, evaluations: u64::MAX };
    let events = kept_records(path, everything).unwrap().map(|record| Event::decode(&record.unwrap()[..]).unwrap());
    let told = |event: Event| match event.summary {
        Some(summary) => (event.step, summary.value[0].tag.clone()),
        None => (event.step, event.file_version.unwrap()),
    };
    events.map(told).collect()
}

fn steps(path: &Path) -> Vec<i64> {
    read(path).into_iter().filter(|(_, tag)| tag == "train/loss").map(|(step, _)| step).collect()
}

#[test]
fn a_file_begins_with_its_version_and_holds_what_was_told() {
    let told = read(&only_file(&written()));
    assert_eq!(told[0], (0, VERSION.to_owned()));
    let of_second: Vec<_> = told.iter().filter(|(step, _)| *step == 2).map(|(_, tag)| tag.as_str()).collect();
    assert_eq!(of_second, ["train/loss", "validation/top-1", "confusion"]);
}

#[test]
fn a_file_that_is_kept_whole_goes_on_as_it_is() {
    let folder = written();
    let before = only_file(&folder);
    let mut events = EventFile::open(folder.path(), Kept { steps: 4, evaluations: 2 }).unwrap();
    events.append(&line(5, step(1, 2.0))).unwrap();
    assert_eq!(only_file(&folder), before);
    assert_eq!(steps(&before), [1, 2, 3, 4, 5]);
}

#[test]
fn what_is_not_kept_is_left_out_of_a_new_file_with_a_later_name() {
    let folder = written();
    let before = only_file(&folder);
    let mut events = EventFile::open(folder.path(), Kept { steps: 2, evaluations: 0 }).unwrap();
    events.append(&line(3, step(1, 2.0))).unwrap();
    let after = only_file(&folder);
    assert!(after > before, "{after:?} after {before:?}");
    assert_eq!(steps(&after), [1, 2, 3]);
    assert_eq!(read(&after).len(), 4, "the evaluation and its picture are gone");
}

#[test]
fn an_event_broken_by_a_kill_is_left_out() {
    let folder = written();
    let file = only_file(&folder);
    let bytes = fs::read(&file).unwrap();
    fs::write(&file, &bytes[..bytes.len() - 3]).unwrap();
    let mut events = EventFile::open(folder.path(), Kept { steps: 4, evaluations: 2 }).unwrap();
    events.append(&line(4, step(0, 2.5))).unwrap();
    assert_eq!(steps(&only_file(&folder)), [1, 2, 3, 4]);
}

#[test]
fn of_two_files_that_a_kill_left_the_newest_is_kept_and_files_of_others_stay() {
    let folder = written();
    let (file, other) = (only_file(&folder), folder.path().join("events.out.tfevents.1.host"));
    let half = path_after(folder.path(), Some(&file));
    fs::copy(&file, &half).unwrap();
    fs::write(&other, "theirs").unwrap();
    drop(EventFile::open(folder.path(), Kept { steps: 4, evaluations: 2 }).unwrap());
    assert_eq!(only_file(&folder), half);
    assert!(other.is_file());
}

#[test]
fn bytes_that_are_no_events_are_replaced_by_an_empty_file() {
    for bytes in [&b""[..], b"nonsense, and more than sixteen bytes of it"] {
        let folder = tempfile::tempdir().unwrap();
        fs::write(path_after(folder.path(), None), bytes).unwrap();
        drop(EventFile::open(folder.path(), Kept::default()).unwrap());
        assert_eq!(read(&only_file(&folder)), [(0, VERSION.to_owned())]);
    }
}

#[test]
fn what_is_no_picture_is_refused() {
    let folder = written();
    let mut events = EventFile::open(folder.path(), Kept { steps: 4, evaluations: 2 }).unwrap();
    let error = events.append_picture(4, "x".into(), b"text".to_vec()).unwrap_err();
    assert!(error.to_string().starts_with("expected the bytes of a PNG file"), "{error}");
}

#[test]
fn a_log_that_is_rewound_and_goes_on_has_the_events_of_its_lines() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("metrics.jsonl");
    let mut log = MetricsLog::open(&path).unwrap();
    (1..=5).for_each(|number| log.append(number, step(0, 2.5)).unwrap());
    log.append(5, evaluation(1, 0.5)).unwrap();
    drop(log);
    let mut log = MetricsLog::open(&path).unwrap();
    log.rewind_while(|line| matches!(line.record, Record::Step(_))).unwrap();
    assert_eq!(read(&only_file(&folder)).len(), 6, "the version and five steps");
    log.rewind_while(|line| line.step <= 3).unwrap();
    log.append(4, step(0, 1.0)).unwrap();
    log.append(4, evaluation(1, 0.75)).unwrap();
    let told = read(&only_file(&folder));
    assert_eq!(steps(&only_file(&folder)), [1, 2, 3, 4]);
    assert_eq!(told.last().unwrap(), &(4, "validation/top-1".to_owned()));
}
