//! Long videos are gone through once, from the first frame to the last.

mod numbered;

use std::fs;

use numbered::{number_of, numbered_frame, write_numbered};
use taf_video::transform::EvalTransformConfig;
use taf_video::{
    EncodeOptions, ForwardVideo, Frame, FrameFolder, PacedVideo, Sampling, Sliding, TemporalViews, TimedFrames,
    VideoSource as _, WindowViews, Windows, open_video,
};

/// The frames and from when until when they are shown, in hundredths of a second.
fn all(mut video: impl TimedFrames) -> Vec<(i64, i64, Frame)> {
    let mut found = Vec::new();
    let hundredths = |secs: f64| (100.0 * secs).round() as i64;
    while let Some(shown) = video.advance().unwrap() {
        found.push((hundredths(shown.start), hundredths(shown.end), video.frame().unwrap()));
    }
    assert!(video.advance().unwrap().is_none(), "the end stays the end");
    assert_eq!(video.frame().ok(), found.last().map(|(.., frame)| frame.clone()), "the last frame stays");
    found
}

#[test]
fn every_frame_comes_once_with_its_time_and_as_it_is_read_otherwise() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("numbered.mp4");
    write_numbered(&path, 40, &EncodeOptions::default());
    let (forward, mut other) = (ForwardVideo::open(&path, 2).unwrap(), open_video(&path).unwrap());
    assert!((forward.duration_secs().unwrap() - 1.6).abs() < 0.05);
    let found = all(forward);
    let expected = other.read(&(0..40).collect::<Vec<_>>()).unwrap().into_frames();
    assert_eq!(found.len(), 40);
    for (number, ((start, end, frame), expected)) in found.iter().zip(&expected).enumerate() {
        let number = number as i64;
        assert!((*start, *end) == (4 * number, 4 * number + 4) && frame == expected, "{number}: {start} to {end}");
    }
}

#[test]
fn pictures_are_gone_through_at_the_pace_that_is_said() {
    let folder = tempfile::tempdir().unwrap();
    for number in 1..=5 {
        let frame = numbered_frame(number);
        let (width, height) = (frame.width() as u32, frame.height() as u32);
        let picture = image::RgbImage::from_raw(width, height, frame.data().to_vec()).unwrap();
        picture.save(folder.path().join(format!("{number}.png"))).unwrap();
    }
    let pictures = || Box::new(FrameFolder::open(folder.path(), "{}.png", 1).unwrap());
    let found = all(PacedVideo::new(pictures(), 10.0).unwrap());
    let seen: Vec<_> = found.iter().map(|(start, end, frame)| (*start, *end, number_of(frame))).collect();
    assert_eq!(seen, [(0, 10, 1), (10, 20, 2), (20, 30, 3), (30, 40, 4), (40, 50, 5)]);
    for fps in [0.0, -1.0, f64::NAN, 1e9] {
        assert!(PacedVideo::new(pictures(), fps).is_err(), "{fps}");
    }
}

#[test]
fn windows_of_a_file_show_the_frames_of_their_time() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("numbered.mp4");
    write_numbered(&path, 50, &EncodeOptions::default());
    let transform = EvalTransformConfig { size: 48, short_side: Some(48), ..Default::default() }.init().unwrap();
    let views = WindowViews { sampling: Sampling::segments(2), temporal: TemporalViews::Centre, transform };
    let sliding = Sliding { every_secs: 0.4, window_secs: 0.8 };
    let windows = Windows::new(Box::new(ForwardVideo::open(&path, 1).unwrap()), sliding, views).unwrap();
    // The picture of 64 pixels is cut to 48, and so begins in the middle of the second bit of the number.
    let bits = |frame: &Frame| (0..6).map(|bit| usize::from(frame.pixel(8 * bit + 4, 36)[1] > 128) << bit).sum();
    let seen: Vec<(f64, Vec<usize>)> = windows
        .map(Result::unwrap)
        .map(|window| (window.start_secs, window.views[0].frames().iter().map(bits).collect()))
        .collect();
    let expected: Vec<Vec<usize>> =
        [[5, 15], [15, 25], [25, 35], [35, 45], [45, 49]].iter().map(|pair| pair.map(|n| n >> 1).to_vec()).collect();
    assert_eq!(seen.iter().map(|(_, frames)| frames.clone()).collect::<Vec<_>>(), expected);
}

#[test]
fn what_is_no_video_is_refused_and_one_cut_short_ends_early() {
    let folder = tempfile::tempdir().unwrap();
    let (poem, whole, cut) =
        (folder.path().join("poem.mp4"), folder.path().join("whole.mkv"), folder.path().join("cut.mkv"));
    fs::write(&poem, "no video").unwrap();
    assert!(ForwardVideo::open(&poem, 1).is_err() && ForwardVideo::open(folder.path().join("gone.mp4"), 1).is_err());
    write_numbered(&whole, 40, &EncodeOptions::default());
    let bytes = fs::read(&whole).unwrap();
    fs::write(&cut, &bytes[..bytes.len() * 2 / 3]).unwrap();
    let found = all(ForwardVideo::open(&cut, 1).unwrap());
    assert!((1..40).contains(&found.len()), "{}", found.len());
}
