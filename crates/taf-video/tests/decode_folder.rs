//! Folders with one picture per frame.

mod numbered;

use std::path::Path;

use numbered::{number_of, numbered_frame};
use taf_video::{Frame, FrameFolder, VideoSource as _};

fn save(path: &Path, frame: &Frame) {
    let size = (frame.width() as u32, frame.height() as u32);
    image::RgbImage::from_raw(size.0, size.1, frame.data().to_vec()).unwrap().save(path).unwrap();
}

/// A folder with frames `first..first + 6`, named by `name`.
fn folder(first: usize, name: impl Fn(usize) -> String) -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    (0..6).for_each(|number| save(&dir.path().join(name(first + number)), &numbered_frame(number)));
    dir
}

fn jpegs() -> tempfile::TempDir {
    folder(1, |number| format!("{number:05}.jpg"))
}

fn problem(dir: &tempfile::TempDir, template: &str, first: usize) -> String {
    FrameFolder::open(dir.path(), template, first).unwrap_err().to_string()
}

#[test]
fn frames_are_read_in_any_order_from_their_first_index() {
    for (first, template) in [(1, "{:05}.jpg"), (1, "{:05d}.jpg")] {
        let dir = jpegs();
        let mut source = FrameFolder::open(dir.path(), template, first).unwrap();
        assert_eq!(source.num_frames().unwrap(), 6);
        let clip = source.read(&[5, 0, 5, 3]).unwrap();
        assert_eq!(clip.frames().iter().map(number_of).collect::<Vec<_>>(), [5, 0, 5, 3]);
    }
}

#[test]
fn png_frames_are_exact_and_may_start_at_zero() {
    let dir = folder(0, |number| format!("img_{number}.png"));
    let mut source = FrameFolder::open(dir.path(), "img_{}.png", 0).unwrap();
    assert_eq!(source.read(&[4]).unwrap().frames()[0], numbered_frame(4));
    let info = source.info();
    assert_eq!((info.width, info.height, info.fps, info.codec.as_str()), (64, 48, None, "png"));
}

#[test]
fn files_of_other_names_do_not_count() {
    let dir = jpegs();
    std::fs::write(dir.path().join("labels.txt"), "x").unwrap();
    std::fs::write(dir.path().join("99.jpg"), "not five digits").unwrap();
    assert_eq!(FrameFolder::open(dir.path(), "{:05}.jpg", 1).unwrap().num_frames().unwrap(), 6);
}

#[test]
fn a_gap_names_the_missing_file() {
    let dir = jpegs();
    std::fs::remove_file(dir.path().join("00003.jpg")).unwrap();
    let error = problem(&dir, "{:05}.jpg", 1);
    assert!(error.contains("the next is 00004.jpg") && error.ends_with("00003.jpg"), "{error}");
}

#[test]
fn a_wrong_first_index_is_noticed_both_ways() {
    let error = problem(&jpegs(), "{:05}.jpg", 0);
    assert!(error.ends_with("00000.jpg"), "{error}");
    let error = problem(&jpegs(), "{:05}.jpg", 2);
    assert!(error.contains("00002.jpg as the first frame") && error.ends_with("00001.jpg"), "{error}");
}

#[test]
fn a_template_that_fits_nothing_names_the_file_it_looked_for() {
    let error = problem(&jpegs(), "img_{:05}.jpg", 1);
    assert!(error.contains("no file of the form img_00001.jpg"), "{error}");
    assert!(problem(&jpegs(), "image.jpg", 1).starts_with("template must be"));
}

#[test]
fn a_frame_of_another_size_is_named() {
    let dir = jpegs();
    save(&dir.path().join("00004.jpg"), &Frame::filled(10, 10, [0; 3]));
    let mut source = FrameFolder::open(dir.path(), "{:05}.jpg", 1).unwrap();
    let error = source.read(&[0, 3]).unwrap_err().to_string();
    assert!(error.contains("64x48 like the first, found 10x10") && error.ends_with("00004.jpg"), "{error}");
}

#[test]
fn a_picture_that_does_not_decode_is_named() {
    let dir = jpegs();
    let path = dir.path().join("00002.jpg");
    let bytes = std::fs::read(&path).unwrap();
    let mut source = FrameFolder::open(dir.path(), "{:05}.jpg", 1).unwrap();
    let short = bytes.len() - 2;
    for (broken, found) in [
        (&b""[..], "an empty file"),
        (b"text", "neither"),
        (&bytes[..bytes.len() / 8], "one cut short"),
        (&bytes[..bytes.len() * 3 / 4], "one cut short"),
        (&bytes[..short], "one cut short"),
    ] {
        std::fs::write(&path, broken).unwrap();
        let error = source.read(&[1]).unwrap_err().to_string();
        assert!(error.contains(&format!("found {found}: ")) && error.ends_with("00002.jpg"), "{error}");
        assert!(!error.contains('\n'), "{error}");
    }
    assert_eq!(number_of(&source.read(&[2]).unwrap().frames()[0]), 2, "the others still read");
}

#[test]
fn past_the_end_and_missing_folders_are_errors() {
    let dir = jpegs();
    let mut source = FrameFolder::open(dir.path(), "{:05}.jpg", 1).unwrap();
    assert!(source.read(&[6]).unwrap_err().to_string().contains("below 6, the number of frames, found index 6"));
    let missing = FrameFolder::open(dir.path().join("no"), "{:05}.jpg", 1).unwrap_err().to_string();
    assert!(missing.starts_with("cannot read: No such file"), "{missing}");
    let file = FrameFolder::open(dir.path().join("00001.jpg"), "{:05}.jpg", 1).unwrap_err().to_string();
    assert!(file.contains("a folder of frames, found a file"), "{file}");
}

#[test]
fn a_png_that_is_cut_short_is_named() {
    let dir = folder(0, |number| format!("{number}.png"));
    let path = dir.path().join("3.png");
    let bytes = std::fs::read(&path).unwrap();
    let mut source = FrameFolder::open(dir.path(), "{}.png", 0).unwrap();
    for length in [10, bytes.len() / 2, bytes.len() * 3 / 4] {
        std::fs::write(&path, &bytes[..length]).unwrap();
        let error = source.read(&[3]).unwrap_err().to_string();
        assert!(error.starts_with("expected a picture that can be decoded") && error.ends_with("3.png"), "{error}");
    }
}

#[test]
fn a_picture_that_goes_on_with_the_run_under_another_name_is_not_left_out_in_silence() {
    for name in ["00007.JPG", "00007.jpeg", "00007.png", "7.jpg"] {
        let dir = jpegs();
        save(&dir.path().join("x.png"), &numbered_frame(6));
        std::fs::rename(dir.path().join("x.png"), dir.path().join(name)).unwrap();
        let error = problem(&dir, "{:05}.jpg", 1);
        assert!(error.starts_with("expected 00007.jpg as the frame after the last, or none"), "{error}");
        assert!(error.ends_with(name), "{error}");
    }
    let dir = jpegs();
    for other in ["flow_x_00007.jpg", "00003.png", "00007.txt"] {
        std::fs::write(dir.path().join(other), "other things that belong to the frames").unwrap();
    }
    assert_eq!(FrameFolder::open(dir.path(), "{:05}.jpg", 1).unwrap().num_frames().unwrap(), 6);
}
