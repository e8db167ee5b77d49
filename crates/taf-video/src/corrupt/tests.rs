use std::collections::HashSet;

use super::*;
use crate::Sampling;

const NUM_FRAMES: usize = 60;

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

/// Two frames over which the texture moves by a pixel each.
fn textured_clip() -> Clip {
    let moved = |pixels: usize| {
        let mut frame = textured_frame(80, 76);
        frame.data_mut().rotate_left(3 * pixels);
        frame
    };
    Clip::new((0..2).map(moved).collect())
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

fn works_on_pixels(corruption: Corruption) -> bool {
    !matches!(corruption.work(), Work::Indices(_))
}

#[test]
fn every_corruption_changes_either_pixels_or_indices_and_keeps_their_number() {
    let indices = Sampling::segments(8).centre(NUM_FRAMES);
    for corruption in Corruption::ALL {
        for severity in Severity::ALL {
            let clip = corruption.pixels(textured_clip(), severity, Seed::new(0));
            let other = corruption.indices(&indices, NUM_FRAMES, severity, Seed::new(0));
            assert_eq!((clip.len(), clip.width(), clip.height(), other.len()), (2, 80, 76, 8), "{corruption}");
            assert!(other.iter().all(|&i| i < NUM_FRAMES), "{corruption}");
            assert_eq!(clip != textured_clip(), works_on_pixels(corruption), "{corruption} {severity}");
            assert!(!works_on_pixels(corruption) || other == indices, "{corruption} {severity}");
        }
        assert!(works_on_pixels(corruption) || indices_distance(corruption, Severity::ALL[0]) > 0, "{corruption}");
    }
}

#[test]
fn a_higher_severity_lies_farther_from_the_clean_clip() {
    // Saturation falls and then rises, a shuffle may put frames back, and two frames cannot show how many are black.
    let unordered = [Corruption::Saturate, Corruption::Jumble, Corruption::BlackFrames];
    for corruption in Corruption::ALL.into_iter().filter(|corruption| !unordered.contains(corruption)) {
        let far = |severity: Severity| match works_on_pixels(corruption) {
            true => distance(&textured_clip(), &corruption.pixels(textured_clip(), severity, Seed::new(3))),
            false => indices_distance(corruption, severity) as f64,
        };
        let distances = Severity::ALL.map(far);
        assert!(distances.is_sorted_by(|a, b| a < b), "{corruption}: {distances:?}");
    }
    assert!(
        indices_distance(Corruption::Jumble, Severity::ALL[0]) < indices_distance(Corruption::Jumble, Severity::ALL[4])
    );
}

#[test]
fn the_same_seed_gives_the_same_clip_with_any_number_of_threads() {
    let run = |corruption: Corruption, seed| corruption.pixels(textured_clip(), Severity::ALL[2], Seed::new(seed));
    let alone = rayon::ThreadPoolBuilder::new().num_threads(1).build().unwrap();
    let crowd = rayon::ThreadPoolBuilder::new().num_threads(4).build().unwrap();
    for corruption in Corruption::ALL {
        assert_eq!(alone.install(|| run(corruption, 7)), crowd.install(|| run(corruption, 7)), "{corruption}");
        let random = corruption.family() == Family::Noise || corruption == Corruption::MotionBlur;
        assert_eq!(run(corruption, 7) != run(corruption, 8), random, "{corruption}");
    }
}

#[test]
fn noise_differs_from_frame_to_frame() {
    let still = Clip::new(vec![textured_frame(20, 20); 2]);
    for corruption in Corruption::ALL.into_iter().filter(|corruption| corruption.family() == Family::Noise) {
        let noisy = corruption.pixels(still.clone(), Severity::ALL[0], Seed::new(0));
        assert_ne!(noisy.frames()[0], noisy.frames()[1], "{corruption}");
    }
}

#[test]
fn corruption_works_on_pictures_of_any_size() {
    for corruption in Corruption::ALL {
        for (width, height) in [(1, 1), (2, 7), (9, 1), (15, 17)] {
            let clip =
                corruption.pixels(Clip::new(vec![textured_frame(width, height); 2]), Severity::ALL[4], Seed::new(0));
            assert_eq!((clip.width(), clip.height()), (width, height), "{corruption}");
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
