use std::path::Path;

use super::*;
use crate::transform::EvalTransformConfig;

/// Frames of 8 x 8 pixels that are as bright as their number, shown at these times.
struct Numbered {
    times: Vec<f64>,
    fps: Option<f64>,
    gone: usize,
    breaks_at: Option<usize>,
}

impl TimedFrames for Numbered {
    fn advance(&mut self) -> Result<Option<Range<f64>>> {
        let at = self.gone;
        if self.breaks_at == Some(at) {
            return Err(Error::content(Path::new("n.mp4"), "a disk", "none"));
        }
        let shown = self.times.get(at + 1).map(|end| self.times[at]..*end);
        self.gone += usize::from(shown.is_some());
        Ok(shown)
    }

    fn frame(&mut self) -> Result<Frame> {
        Ok(Frame::new(8, 8, vec![(self.gone - 1) as u8; 3 * 64]))
    }

    fn duration_secs(&self) -> Option<f64> {
        self.times.last().copied()
    }

    fn fps(&self) -> Option<f64> {
        self.fps
    }

    fn path(&self) -> &Path {
        Path::new("n.mp4")
    }
}

/// So many frames, ten in a second.
fn even(frames: usize) -> Numbered {
    let times = (0..=frames).map(|frame| frame as f64 / 10.0).collect();
    Numbered { times, fps: Some(10.0), gone: 0, breaks_at: None }
}

fn views(frames: usize, temporal: TemporalViews) -> WindowViews {
    let transform = EvalTransformConfig { size: 8, short_side: Some(8), ..Default::default() }.init().unwrap();
    WindowViews { sampling: Sampling::segments(frames), temporal, transform }
}

fn windows(video: Numbered, every_secs: f64, window_secs: f64, views: WindowViews) -> Vec<Window> {
    let windows = Windows::new(Box::new(video), Sliding { every_secs, window_secs }, views).unwrap();
    let expected = windows.expected();
    let found: Vec<Window> = windows.map(Result::unwrap).collect();
    assert_eq!(expected, Some(found.len()));
    found
}

/// Start and end in tenths of a second, and the numbers of the frames of each clip.
fn seen(windows: &[Window]) -> Vec<(i64, i64, Vec<Vec<u8>>)> {
    let numbers = |clip: &Clip| clip.frames().iter().map(|frame| frame.pixel(3, 3)[0]).collect();
    let tenths = |secs: f64| (secs * 10.0).round() as i64;
    let seen = |window: &Window| {
        (tenths(window.start_secs), tenths(window.end_secs), window.views.iter().map(numbers).collect())
    };
    windows.iter().map(seen).collect()
}

#[test]
fn a_window_shows_what_a_video_of_its_frames_alone_would() {
    for (window, every) in [(10usize, 10usize), (8, 3), (7, 9)] {
        for temporal in [TemporalViews::Centre, TemporalViews::Twice] {
            let views = views(4, temporal);
            let found = seen(&windows(even(60), every as f64 / 10.0, window as f64 / 10.0, views.clone()));
            for (number, (start, _, clips)) in found.iter().enumerate().filter(|(n, _)| n * every + window <= 60) {
                let alone = views.sampling.views(window, temporal);
                let expected: Vec<Vec<u8>> = alone
                    .iter()
                    .map(|clip| clip.iter().map(|frame| (number * every + frame) as u8).collect())
                    .collect();
                assert_eq!((*start, clips), ((number * every) as i64, &expected), "{window} every {every}");
            }
        }
    }
}

#[test]
fn every_square_of_every_clip_is_a_view_in_the_order_of_an_evaluation() {
    let mut three = views(2, TemporalViews::Twice);
    let crops = crate::transform::Crops::Three;
    three.transform = EvalTransformConfig { size: 8, short_side: Some(8), crops }.init().unwrap();
    let found = seen(&windows(even(10), 1.0, 1.0, three));
    assert_eq!(found[0].2, [[2, 7], [2, 7], [2, 7], [0, 5], [0, 5], [0, 5]]);
}

#[test]
fn the_last_window_shows_the_last_frame_again_and_lies_in_the_video_by_half() {
    let at = |frames| seen(&windows(even(frames), 1.0, 1.0, views(2, TemporalViews::Centre)));
    assert_eq!(at(24), [(0, 10, vec![vec![2, 7]]), (10, 20, vec![vec![12, 17]])]);
    assert_eq!(at(26)[2], (20, 26, vec![vec![22, 25]]));
    assert_eq!(at(1), [(0, 1, vec![vec![0, 0]])], "a video shorter than a window is one window");
}

#[test]
fn frames_of_varying_rates_are_those_that_are_shown_at_the_time() {
    // A picture that stands for a second, then ten frames in one.
    let times = [0.0, 1.0].into_iter().chain((1..=10).map(|tenth| 1.0 + f64::from(tenth) / 10.0)).collect();
    let video = Numbered { times, fps: Some(10.0), gone: 0, breaks_at: None };
    let found = seen(&windows(video, 1.0, 1.0, views(2, TemporalViews::Centre)));
    assert_eq!(found, [(0, 10, vec![vec![0, 0]]), (10, 20, vec![vec![3, 8]])]);
}

#[test]
fn a_picture_that_stands_for_minutes_does_not_fill_memory_with_windows() {
    let video = Numbered { times: vec![0.0, 500.0, 500.1], fps: None, gone: 0, breaks_at: None };
    let mut windows =
        Windows::new(Box::new(video), Sliding { every_secs: 0.1, window_secs: 0.1 }, views(2, TemporalViews::Centre))
            .unwrap();
    for _ in 0..100 {
        windows.next().unwrap().unwrap();
        assert!(windows.open.len() <= 1);
    }
}

#[test]
fn a_video_that_cannot_be_read_on_ends_with_its_error() {
    let video = Numbered { breaks_at: Some(15), ..even(30) };
    let sliding = Sliding { every_secs: 1.0, window_secs: 1.0 };
    let mut windows = Windows::new(Box::new(video), sliding, views(2, TemporalViews::Centre)).unwrap();
    assert!(windows.next().unwrap().is_ok());
    assert!(windows.next().unwrap().is_err());
    assert!(windows.next().is_none());
}

#[test]
fn seconds_out_of_range_are_refused() {
    let refused = |every_secs, window_secs| Sliding { every_secs, window_secs }.check().unwrap_err().to_string();
    assert!(refused(0.0, 1.0).contains("every must be between 0.04 and"));
    assert!(refused(f64::NAN, 1.0).contains("every must be"));
    assert!(refused(1.0, -1.0).contains("window must be"));
    assert!(refused(0.1, 60.0).contains("window must be at most 100 times"));
}
