use super::*;
use crate::Seed;

const FRAMES: std::ops::RangeInclusive<usize> = 1..=120;
const SEGMENTS: [usize; 7] = [1, 2, 3, 7, 8, 16, 32];

fn uniform(count: usize) -> TemporalViews {
    TemporalViews::Uniform(NonZeroUsize::new(count).unwrap())
}

fn every_case(mut check: impl FnMut(usize, usize)) {
    for num_frames in FRAMES {
        for segments in SEGMENTS {
            check(num_frames, segments);
        }
    }
}

fn assert_is_clip_of(indices: &[usize], segments: usize, num_frames: usize) {
    assert_eq!(indices.len(), segments);
    assert!(indices.is_sorted(), "{indices:?}");
    assert!(indices.iter().all(|&i| i < num_frames), "{indices:?} of {num_frames}");
}

#[test]
fn every_clip_of_segments_is_sorted_inside_the_video_and_as_long_as_asked() {
    every_case(|num_frames, segments| {
        for bounds in [SegmentBounds::Floor, SegmentBounds::Even] {
            let sampling = Sampling::Segments(SegmentSampler { bounds, ..SegmentSampler::new(segments) });
            assert_eq!(sampling.frames(), segments);
            let mut rng = Seed::new(0).at(num_frames).at(segments).rng();
            assert_is_clip_of(&sampling.random(num_frames, &mut rng), segments, num_frames);
            assert_is_clip_of(&sampling.centre(num_frames), segments, num_frames);
            for views in
                [TemporalViews::Centre, TemporalViews::Twice, TemporalViews::Interleaved, uniform(2), uniform(5)]
            {
                let clips = sampling.views(num_frames, views);
                assert_eq!(clips.len(), views.count());
                clips.iter().for_each(|clip| assert_is_clip_of(clip, segments, num_frames));
            }
        }
    });
}

#[test]
fn the_middles_of_the_segments_are_those_of_the_published_formula() {
    // 0-based, from `[int(tick / 2.0 + tick * x) for x in range(S)]` run in Python.
    let published: [(usize, usize, &[usize]); 5] = [
        (36, 8, &[2, 6, 11, 15, 20, 24, 29, 33]),
        (31, 16, &[0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30]),
        (5, 8, &[0, 0, 1, 2, 2, 3, 4, 4]),
        (97, 16, &[3, 9, 15, 21, 27, 33, 39, 45, 51, 57, 63, 69, 75, 81, 87, 93]),
        (99, 7, &[7, 21, 35, 49, 63, 77, 91]),
    ];
    for (num_frames, segments, expected) in published {
        assert_eq!(Sampling::segments(segments).centre(num_frames), expected, "N={num_frames} S={segments}");
    }
    every_case(|num_frames, segments| {
        let exact = |i: usize| (2 * i + 1) * num_frames / (2 * segments);
        for (i, index) in Sampling::segments(segments).centre(num_frames).into_iter().enumerate() {
            // Where the quotient is whole, the published floating point may fall just below it.
            let below = usize::from((2 * i + 1) * num_frames % (2 * segments) == 0);
            assert!(index <= exact(i) && index + below >= exact(i), "N={num_frames} S={segments} i={i}");
        }
    });
    assert_eq!(Sampling::segments(8).centre(36), [2, 6, 11, 15, 20, 24, 29, 33]);
    assert_eq!(Sampling::segments(8).centre(8), [0, 1, 2, 3, 4, 5, 6, 7]);
}

#[test]
fn a_random_clip_has_one_frame_of_each_segment_and_reaches_all_of_it() {
    let sampling = Sampling::segments(4);
    let mut rng = Seed::new(3).rng();
    let mut seen = [false; 23];
    for _ in 0..500 {
        for (i, index) in sampling.random(23, &mut rng).into_iter().enumerate() {
            assert!((i * 5..(i + 1) * 5).contains(&index));
            seen[index] = true;
        }
    }
    assert!(seen[..20].iter().all(|&s| s));
    assert!(!seen[20..].iter().any(|&s| s), "the published rule never draws the remainder");
}

#[test]
fn even_bounds_reach_every_frame_of_the_video() {
    let sampling = Sampling::Segments(SegmentSampler { bounds: SegmentBounds::Even, ..SegmentSampler::new(16) });
    let mut rng = Seed::new(3).rng();
    let mut seen = [false; 31];
    (0..500).flat_map(|_| sampling.random(31, &mut rng)).for_each(|index| seen[index] = true);
    assert!(seen.iter().all(|&s| s));
}

#[test]
fn short_videos_repeat_frames_evenly_or_stand_still_as_published() {
    let mut rng = Seed::new(0).rng();
    let spread = SegmentSampler::new(8);
    assert_eq!(Sampling::Segments(spread.clone()).random(3, &mut rng), [0, 0, 0, 1, 1, 2, 2, 2]);
    let first = SegmentSampler { short_videos: ShortVideos::First, ..spread };
    assert_eq!(Sampling::Segments(first).random(3, &mut rng), [0; 8]);
    assert_eq!(Sampling::segments(4).centre(1), [0; 4]);
}

#[test]
fn twice_adds_the_beginnings_of_the_segments() {
    let views = Sampling::segments(8).views(36, TemporalViews::Twice);
    assert_eq!(views[0], Sampling::segments(8).centre(36));
    assert_eq!(views[1], [0, 4, 9, 13, 18, 22, 27, 31]);
}

#[test]
fn uniform_views_start_evenly_over_the_first_segment() {
    let views = Sampling::segments(4).views(40, uniform(4));
    let starts: Vec<usize> = views.iter().map(|clip| clip[0]).collect();
    assert_eq!(starts, [0, 3, 6, 9]);
    assert_eq!(views[3], [9, 19, 29, 39]);
    assert_eq!(Sampling::segments(4).views(40, uniform(1)), [Sampling::segments(4).centre(40)]);
}

#[test]
fn dense_clips_keep_their_stride_and_stay_in_the_video() {
    let sampling = Sampling::Dense(DenseSampler::new(8));
    let mut rng = Seed::new(5).rng();
    let mut starts: Vec<usize> = Vec::new();
    for _ in 0..300 {
        let clip = sampling.random(80, &mut rng);
        assert!(clip.windows(2).all(|pair| pair[1] - pair[0] == 8));
        assert!(clip[7] < 80);
        starts.push(clip[0]);
    }
    assert_eq!((starts.iter().min(), starts.iter().max()), (Some(&0), Some(&16)));
}

#[test]
fn dense_views_run_from_the_first_window_to_the_last() {
    let sampling = Sampling::Dense(DenseSampler::new(8));
    let starts = |n, views| sampling.views(n, views).iter().map(|clip| clip[0]).collect::<Vec<_>>();
    assert_eq!(starts(154, uniform(10)), [0, 10, 20, 30, 40, 50, 60, 70, 80, 90]);
    assert_eq!(starts(154, TemporalViews::Centre), [45]);
    assert_eq!(starts(154, TemporalViews::Twice), [0, 90]);
}

#[test]
fn interleaved_views_are_the_even_and_the_odd_of_twice_as_many_frames() {
    // 0-based, from `[int(tick / 2.0 + tick * x) for x in range(2 * S)]` with tick = N / (2 S), and `[::2]`, `[1::2]` of it.
    let published: [(usize, [[usize; 4]; 2]); 3] = [
        (36, [[2, 11, 20, 29], [6, 15, 24, 33]]),
        (31, [[1, 9, 17, 25], [5, 13, 21, 29]]),
        (5, [[0, 1, 2, 4], [0, 2, 3, 4]]),
    ];
    for (num_frames, expected) in published {
        assert_eq!(Sampling::segments(4).views(num_frames, TemporalViews::Interleaved), expected, "N={num_frames}");
    }
    // The window of 64 frames in the middle of 84, at twice the density.
    let dense = Sampling::Dense(DenseSampler::new(4)).views(84, TemporalViews::Interleaved);
    assert_eq!(dense, [[10, 26, 42, 58], [18, 34, 50, 66]]);
}

#[test]
fn dense_clips_of_short_videos_loop() {
    let sampling = Sampling::Dense(DenseSampler::new(8));
    assert_eq!(sampling.centre(20), [0, 8, 16, 4, 12, 0, 8, 16]);
    every_case(|num_frames, segments| {
        let sampling = Sampling::Dense(DenseSampler::new(segments));
        let clips = sampling.views(num_frames, uniform(3));
        assert!(clips.iter().all(|clip| clip.len() == segments && clip.iter().all(|&i| i < num_frames)));
    });
}

fn at_speed(sampling: Sampling, slowest: f64, fastest: f64) -> Sampling {
    let speed = Some(Speed::new(slowest, fastest).unwrap());
    match sampling {
        Sampling::Segments(sampler) => Sampling::Segments(SegmentSampler { speed, ..sampler }),
        Sampling::Dense(sampler) => Sampling::Dense(DenseSampler { speed, ..sampler }),
    }
}

#[test]
fn slow_clips_divide_a_part_of_the_video_at_any_place_into_segments() {
    let sampling = at_speed(Sampling::segments(4), 0.5, 0.5);
    let (mut rng, mut seen) = (Seed::new(3).rng(), [false; 40]);
    for _ in 0..1000 {
        let clip = sampling.random(40, &mut rng);
        // Twenty frames from some start: one of each five.
        let fits =
            |start: usize| clip.iter().enumerate().all(|(i, at)| (start + 5 * i..start + 5 * i + 5).contains(at));
        assert!((0..=20).any(fits), "{clip:?}");
        clip.into_iter().for_each(|at| seen[at] = true);
    }
    assert!(seen.iter().all(|&seen| seen), "every frame can be drawn");
    every_case(|num_frames, segments| {
        let mut rng = Seed::new(0).at(num_frames).at(segments).rng();
        let clip = at_speed(Sampling::segments(segments), 0.1, 10.0).random(num_frames, &mut rng);
        assert_is_clip_of(&clip, segments, num_frames);
    });
}

#[test]
fn of_fast_clips_of_segments_there_is_the_whole_video() {
    let (sampling, mut rng) = (at_speed(Sampling::segments(4), 1.5, 1.5), Seed::new(3).rng());
    for clip in (0..300).map(|_| sampling.random(40, &mut rng)) {
        assert!(clip.iter().enumerate().all(|(i, at)| (10 * i..10 * i + 10).contains(at)), "{clip:?}");
    }
}

#[test]
fn dense_clips_have_a_stride_and_a_window_of_their_speed() {
    let offsets = |speed: f64, num_frames: usize| {
        let (sampling, mut rng) = (at_speed(Sampling::Dense(DenseSampler::new(8)), speed, speed), Seed::new(5).rng());
        let clips: Vec<Vec<usize>> = (0..2000).map(|_| sampling.random(num_frames, &mut rng)).collect();
        let from_start = |clip: &Vec<usize>| clip.iter().map(|at| at - clip[0]).collect::<Vec<_>>();
        let first = from_start(&clips[0]);
        assert!(clips.iter().all(|clip| from_start(clip) == first));
        let starts = clips.iter().map(|clip| clip[0]);
        (first, starts.clone().min().unwrap(), starts.max().unwrap())
    };
    // Windows of 64 frames and strides of 8, times the speed.
    assert_eq!(offsets(1.0, 100), (vec![0, 8, 16, 24, 32, 40, 48, 56], 0, 36));
    assert_eq!(offsets(0.5, 100), (vec![0, 4, 8, 12, 16, 20, 24, 28], 0, 68));
    assert_eq!(offsets(1.25, 100), (vec![0, 10, 20, 30, 40, 50, 60, 70], 0, 20));
    assert_eq!(offsets(0.8, 100), (vec![0, 6, 12, 19, 25, 32, 38, 44], 0, 48));
    let sampling = at_speed(Sampling::Dense(DenseSampler::new(8)), 2.0, 2.0);
    assert_eq!(sampling.random(20, &mut Seed::new(0).rng()), [0, 16, 12, 8, 4, 0, 16, 12], "short videos loop");
}

#[test]
fn speeds_change_neither_evaluation_nor_the_draws_of_clips_without_them() {
    for sampling in [Sampling::segments(8), Sampling::Dense(DenseSampler::new(8))] {
        let jittered = at_speed(sampling.clone(), 0.5, 2.0);
        for views in [TemporalViews::Centre, TemporalViews::Twice, uniform(5)] {
            assert_eq!(jittered.views(90, views), sampling.views(90, views));
        }
    }
    // Of 97 frames, eight segments of 12, and a window of 64 that starts at one of 34; nothing is drawn before.
    let rng = || Seed::new(11).rng();
    let mut segments = rng();
    let expected: Vec<usize> = (0..8).map(|i| segments.random_range(12 * i..12 * i + 12)).collect();
    assert_eq!(Sampling::segments(8).random(97, &mut rng()), expected);
    let start = rng().random_range(0..34);
    let expected: Vec<usize> = (0..8).map(|i| start + 8 * i).collect();
    assert_eq!(Sampling::Dense(DenseSampler::new(8)).random(97, &mut rng()), expected);
}

#[test]
fn a_shift_moves_every_frame_and_stops_at_the_ends() {
    assert_eq!(shift_indices(&[2, 5, 8], 3, 10), [5, 8, 9]);
    assert_eq!(shift_indices(&[2, 5, 8], -3, 10), [0, 2, 5]);
    assert_eq!(shift_indices(&[2, 5, 8], 0, 10), [2, 5, 8]);
    assert_eq!(shift_indices(&[2, 5, 8], isize::MIN, 10), [0, 0, 0]);
    assert_eq!(shift_indices(&[2, 5, 8], isize::MAX, 10), [9, 9, 9]);
}

#[test]
fn the_same_seed_gives_the_same_clip() {
    let draw = || Sampling::segments(8).random(97, &mut Seed::new(11).with("sampling").at(4).rng());
    assert_eq!(draw(), draw());
}

#[test]
fn settings_read_as_documented_and_refuse_unknown_names_and_zero() {
    let read = |text: &str| serde_json::from_str::<Sampling>(text);
    assert_eq!(read(r#"{"kind": "segments", "frames": 8}"#).unwrap(), Sampling::segments(8));
    assert_eq!(read(r#"{"kind": "dense", "frames": 8}"#).unwrap(), Sampling::Dense(DenseSampler::new(8)));
    assert!(read(r#"{"kind": "segments", "frames": 8, "strid": 2}"#).is_err());
    assert!(read(r#"{"kind": "segments", "frames": 0}"#).is_err());
    let speed = Some(Speed::new(0.8, 1.25).unwrap());
    let jittered = Sampling::Segments(SegmentSampler { speed, ..SegmentSampler::new(8) });
    assert_eq!(read(r#"{"kind": "segments", "frames": 8, "speed": [0.8, 1.25]}"#).unwrap(), jittered);
    assert!(read(r#"{"kind": "dense", "frames": 8, "speed": [2, 1]}"#).is_err());
    let still = serde_json::to_string(&Sampling::segments(8)).unwrap();
    assert!(!still.contains("speed"), "as before there were speeds: {still}");
    let views = |text: &str| serde_json::from_str::<TemporalViews>(text).unwrap();
    assert_eq!(views(r#""twice""#), TemporalViews::Twice);
    assert_eq!(views(r#""interleaved""#), TemporalViews::Interleaved);
    assert_eq!(views(r#"{"uniform": 4}"#), uniform(4));
}
