use std::collections::HashSet;

use super::*;
use crate::Sampling;

const NUM_FRAMES: usize = 60;

/// Corruptions of pixels and choices that another seed spoils otherwise.
const RANDOM: [Corruption; 29] = [
    Corruption::GaussianNoise,
    Corruption::ShotNoise,
    Corruption::ImpulseNoise,
    Corruption::SpeckleNoise,
    Corruption::ShotNoiseSsv2P,
    Corruption::SpeckleNoiseSsv2P,
    Corruption::PepperNoise,
    Corruption::SaltNoise,
    Corruption::MotionBlur,
    Corruption::MotionBlurSsv2P,
    Corruption::DroppedFrames,
    Corruption::Jumble,
    Corruption::Translate,
    Corruption::Rotate,
    Corruption::GlassBlur,
    Corruption::ElasticTransform,
    Corruption::Fog,
    Corruption::Frost,
    Corruption::Rain,
    Corruption::Snow,
    Corruption::Spatter,
    Corruption::BlurredSpan,
    Corruption::BlurredFrames,
    Corruption::LostPacketsSpan,
    Corruption::LostPacketsFrames,
    Corruption::RepeatedFrame,
    Corruption::JumbleSsv2P,
    Corruption::BoxJumble,
    Corruption::Freeze,
];

/// Smooth shading, edges and a little colour: something every corruption can spoil.
pub fn textured_frame(width: usize, height: usize) -> Frame {
    let pixel = |i: usize| {
        let (x, y) = ((i % width) as f32, (i / width) as f32);
        let wave = |a: f32, b: f32| {
            50.0 * ((x * a + y * b).sin()) + if (x / 6.0 + y / 9.0) as u32 & 1 == 0 { 30.0 } else { 0.0 }
        };
        [110.0 + wave(0.3, 0.1), 90.0 + wave(0.05, 0.4), 120.0 + wave(0.2, -0.25)].map(|value| value as u8)
    };
    Frame::new(width, height, (0..width * height).flat_map(pixel).collect())
}

/// A video over which the texture moves by a pixel a frame.
fn video(width: usize, height: usize) -> Vec<Frame> {
    let moved = |frame: usize| {
        let mut picture = textured_frame(width, height);
        picture.data_mut().rotate_left(3 * frame % (3 * width * height));
        picture
    };
    (0..NUM_FRAMES).map(moved).collect()
}

/// The frames of a video at some places.
fn clip_of(video: &[Frame], indices: &[usize]) -> Clip {
    Clip::new(indices.iter().map(|&i| video[i].clone()).collect())
}

/// What is shown of a video where eight frames are wanted.
fn shown(video: &[Frame], corruption: Corruption, severity: Severity, seed: Seed) -> Clip {
    let indices = corruption.indices(&wanted(), video.len(), severity, seed);
    corruption.pixels(clip_of(video, &indices), severity, seed)
}

fn wanted() -> Vec<usize> {
    Sampling::segments(8).centre(NUM_FRAMES)
}

fn distance(a: &Clip, b: &Clip) -> f64 {
    let values = |clip: &Clip| clip.frames().iter().flat_map(|frame| frame.data().to_vec()).collect::<Vec<u8>>();
    values(a).iter().zip(values(b)).map(|(&a, b)| f64::from(a.abs_diff(b)).powi(2)).sum::<f64>().sqrt()
}

fn indices_distance(corruption: Corruption, severity: Severity) -> usize {
    let indices = Sampling::segments(16).centre(NUM_FRAMES);
    let change = |seed| corruption.indices(&indices, NUM_FRAMES, severity, Seed::new(seed));
    (0..20).map(|seed| change(seed).iter().zip(&indices).map(|(a, b)| a.abs_diff(*b)).sum::<usize>()).sum()
}

/// What does not ask for the whole video.
fn of_clips() -> impl Iterator<Item = Corruption> {
    Corruption::ALL.into_iter().filter(|corruption| !corruption.works_on_streams())
}

fn works_on_pixels(corruption: Corruption) -> bool {
    !matches!(corruption.work(), Work::Indices(_))
}

#[test]
fn every_corruption_changes_the_clip_and_keeps_its_size_and_length() {
    let video = video(80, 76);
    let clean = clip_of(&video, &wanted());
    for corruption in of_clips() {
        for severity in Severity::ALL {
            let clip = shown(&video, corruption, severity, Seed::new(0));
            assert_eq!((clip.len(), clip.width(), clip.height()), (8, 80, 76), "{corruption} {severity}");
            assert!(clip != clean || corruption == Corruption::Jumble, "{corruption} {severity}");
            let indices = corruption.indices(&wanted(), NUM_FRAMES, severity, Seed::new(0));
            assert!(indices.iter().all(|&i| i < NUM_FRAMES), "{corruption} {severity}");
        }
        assert!(works_on_pixels(corruption) || indices_distance(corruption, Severity::ALL[0]) > 0, "{corruption}");
    }
}

#[test]
fn a_corruption_of_the_choice_of_frames_leaves_pixels_and_most_others_the_choice() {
    let clip = clip_of(&video(20, 10), &wanted());
    for corruption in of_clips() {
        let severity = Severity::ALL[4];
        let indices = corruption.indices(&wanted(), NUM_FRAMES, severity, Seed::new(0));
        match corruption.work() {
            Work::Indices(_) => assert_eq!(corruption.pixels(clip.clone(), severity, Seed::new(0)), clip),
            Work::Exposure(reach) => assert_eq!(indices.len(), 8 * 2 * reach[4]),
            Work::Frame(_) | Work::Clip(_) | Work::Span(..) | Work::Stream(_) => assert_eq!(indices, wanted()),
        }
    }
}

/// Corruptions whose severities are no scale, and why.
const UNORDERED: [Corruption; 12] = [
    // Of 60 frames the first two strides are one.
    Corruption::Sampling,
    // Backwards at all severities.
    Corruption::ReverseSampling,
    // The published lengths fall, or put as many frames elsewhere.
    Corruption::JumbleSsv2P,
    Corruption::BoxJumble,
    // Falls and then rises.
    Corruption::Saturate,
    // May put frames back.
    Corruption::Jumble,
    // Pixels that move twice, and then once as far again.
    Corruption::GlassBlur,
    // Three kinds of stretching.
    Corruption::ElasticTransform,
    // More frost, but less of the picture.
    Corruption::Frost,
    // Large flakes and small ones.
    Corruption::Snow,
    // Water and mud.
    Corruption::Spatter,
    // A quarter turn of this texture resembles it more than an eighth.
    Corruption::StaticRotate,
];
/// Of eight frames, 1, 5 and 10 % are one frame.
const EQUAL_SPANS: usize = 3;

#[test]
fn a_higher_severity_lies_farther_from_the_clean_clip() {
    let video = video(80, 76);
    let clean = clip_of(&video, &wanted());
    let mut faults = Vec::new();
    for corruption in of_clips().filter(|corruption| !UNORDERED.contains(corruption)) {
        let far = |severity: Severity| match works_on_pixels(corruption) {
            true => distance(&clean, &shown(&video, corruption, severity, Seed::new(3))),
            false => indices_distance(corruption, severity) as f64,
        };
        let distances = Severity::ALL.map(far);
        let from = if corruption.name().ends_with("_span") { EQUAL_SPANS - 1 } else { 0 };
        if !distances[from..].is_sorted_by(|a, b| a < b) {
            faults.push(format!("{corruption}: {distances:?}"));
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
    assert!(
        indices_distance(Corruption::Jumble, Severity::ALL[0]) < indices_distance(Corruption::Jumble, Severity::ALL[4])
    );
}

#[test]
fn the_same_seed_gives_the_same_clip_with_any_number_of_threads() {
    let video = video(80, 76);
    let run = |corruption, seed| shown(&video, corruption, Severity::ALL[2], Seed::new(seed));
    let alone = rayon::ThreadPoolBuilder::new().num_threads(1).build().unwrap();
    let crowd = rayon::ThreadPoolBuilder::new().num_threads(4).build().unwrap();
    for corruption in of_clips() {
        assert_eq!(alone.install(|| run(corruption, 7)), crowd.install(|| run(corruption, 7)), "{corruption}");
        assert_eq!(run(corruption, 7) != run(corruption, 8), RANDOM.contains(&corruption), "{corruption}");
    }
}

#[test]
fn what_a_benchmark_draws_anew_differs_from_frame_to_frame() {
    let still = Clip::new(vec![textured_frame(60, 50); 2]);
    for corruption in of_clips().filter(|corruption| matches!(corruption.work(), Work::Frame(_))) {
        let corrupted = corruption.pixels(still.clone(), Severity::ALL[2], Seed::new(0));
        let same = corrupted.frames()[0] == corrupted.frames()[1];
        assert_ne!(same, RANDOM.contains(&corruption), "{corruption}");
    }
}

#[test]
fn corruption_works_on_pictures_of_any_size() {
    for (width, height) in [(1, 1), (2, 7), (9, 1), (3, 5), (15, 17), (64, 48), (224, 224)] {
        let small = video(width, height);
        let video = if width < 224 { &small[..] } else { &small[..3] };
        for corruption in of_clips() {
            for severity in Severity::ALL {
                let indices = corruption.indices(&[0, 1], video.len(), severity, Seed::new(0));
                let clip = corruption.pixels(clip_of(video, &indices), severity, Seed::new(0));
                assert_eq!((clip.len(), clip.width(), clip.height()), (2, width, height), "{corruption}");
            }
        }
    }
}

#[test]
fn names_are_unique_and_read_back() {
    let names: HashSet<&str> = Corruption::ALL.into_iter().map(Corruption::name).collect();
    assert_eq!(names.len(), Corruption::ALL.len());
    for corruption in Corruption::ALL {
        assert_eq!(corruption.to_string().parse::<Corruption>().unwrap(), corruption);
        let json = serde_json::to_string(&corruption).unwrap();
        assert_eq!(json, format!("\"{}\"", corruption.name()));
        assert_eq!(serde_json::from_str::<Corruption>(&json).unwrap(), corruption);
    }
}

#[test]
fn every_corruption_stands_in_the_list_for_readers() {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/corruptions.md");
    let list = std::fs::read_to_string(path).unwrap();
    for corruption in Corruption::ALL {
        let row = format!("| `{corruption}` | {} |", corruption.family().name());
        assert!(list.contains(&row), "docs/corruptions.md has no row that begins with {row}");
    }
}

#[test]
fn an_unknown_name_is_answered_with_the_known_ones() {
    let error = "gausian_noise".parse::<Corruption>().unwrap_err().to_string();
    assert!(error.starts_with("corruption must be one of gaussian_noise, shot_noise"), "{error}");
    assert!(error.ends_with("got gausian_noise"), "{error}");
}

#[test]
fn severities_outside_one_to_five_are_refused() {
    assert_eq!(Severity::new(0).unwrap_err().to_string(), "severity must be between 1 and 5, got 0");
    assert!(Severity::new(6).is_err() && serde_json::from_str::<Severity>("9").is_err());
    assert_eq!(serde_json::to_string(&Severity::new(4).unwrap()).unwrap(), "4");
}
