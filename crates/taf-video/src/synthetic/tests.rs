//! What makes the clips a test of time: pairs that are exact reverses, labels that are true, nuisances without a side.

use super::action::Action;
use super::point::Point;
use super::scene::{Change, Scene, Visible};
use super::*;
use crate::Frame;

fn shapes(size: usize, difficulty: Difficulty) -> MovingShapes {
    MovingShapes::new(Seed::new(5), size, 8..=16, difficulty).unwrap()
}

fn scenes(class: usize, count: usize, difficulty: Difficulty) -> Vec<Scene> {
    let shapes = shapes(64, difficulty);
    (0..count).map(|index| shapes.scene(class, index)).collect()
}

#[test]
fn reversing_the_parameters_of_a_class_gives_its_partner_exactly() {
    for (forward, backward) in time_reversal_pairs() {
        let pairs = scenes(forward, 50, Difficulty::HARD).into_iter().zip(scenes(backward, 50, Difficulty::HARD));
        for (scene, partner) in pairs {
            assert!(!scene.reversed);
            assert_eq!(Scene { reversed: true, ..scene }, partner);
        }
    }
}

#[test]
fn the_frames_of_a_clip_are_those_of_its_partner_backwards_to_the_last_bit() {
    let shapes = shapes(48, Difficulty::HARD);
    for (forward, backward) in time_reversal_pairs() {
        let mut frames = shapes.clip(backward, 3).into_frames();
        frames.reverse();
        assert_eq!(shapes.clip(forward, 3).into_frames(), frames, "{}", CLASSES[forward]);
    }
}

#[test]
fn a_clip_depends_on_seed_class_and_index_and_on_nothing_else() {
    let shapes = shapes(32, Difficulty::MEDIUM);
    let late = shapes.clip(4, 7);
    shapes.clip(0, 0);
    assert_eq!(shapes.clip(4, 7), late);
    assert_ne!(shapes.clip(4, 8), late);
    assert_ne!(shapes.of_split("val").clip(4, 7), late);
    assert_ne!(shapes.of_split("val").clip(4, 7), shapes.of_split("train").clip(4, 7));
}

#[test]
fn the_place_of_the_object_is_symmetric_over_the_pair_at_every_time() {
    // Where it is at time t in one class, it is on the other side, as often, in the other class.
    const CLIPS: usize = 3000;
    // Places lie within half a unit; the mean of so many has a standard error below 0.25 / sqrt(3000) = 0.005.
    const TOLERANCE: f32 = 0.02;
    for (class, coordinate) in [(0, (|at: Point| at.x) as fn(Point) -> f32), (2, |at| at.y)] {
        let forward = scenes(class, CLIPS, Difficulty::HARD);
        for time in [0.0, 0.2, 0.5, 0.8, 1.0] {
            let mean =
                |shown: f32| forward.iter().map(|s| coordinate(s.actor_at(shown).centre)).sum::<f32>() / CLIPS as f32;
            assert!((mean(time) + mean(1.0 - time)).abs() < TOLERANCE, "{} at {time}", CLASSES[class]);
        }
    }
}

#[test]
fn nuisances_have_no_preferred_direction_in_time_or_space() {
    const CLIPS: usize = 3000;
    const TOLERANCE: f32 = 0.02;
    let scenes = scenes(0, CLIPS, Difficulty::HARD);
    type Nuisance = fn(&Scene) -> f32;
    let mean = |of: Nuisance| scenes.iter().map(of).sum::<f32>() / CLIPS as f32;
    let cases: [(&str, Nuisance); 4] = [
        ("drift across", |s| s.camera.offset(1.0).x - s.camera.offset(0.0).x),
        ("drift down", |s| s.camera.offset(1.0).y - s.camera.offset(0.0).y),
        ("light", |s| s.light[1][0] - s.light[0][0]),
        ("middle of the action", |s| (s.span.0 + s.span.1) / 2.0 - 0.5),
    ];
    for (name, nuisance) in cases {
        assert!(mean(nuisance).abs() < TOLERANCE, "{name}: {}", mean(nuisance));
    }
}

#[test]
fn camera_drift_never_outweighs_the_motion_that_the_label_names() {
    let shift = |scene: &Scene, coordinate: fn(Point) -> f32| {
        let place = |time| coordinate(scene.actor_at(time).centre.plus(scene.camera.offset(time)));
        place(scene.span.1) - place(scene.span.0)
    };
    assert!(scenes(0, 500, Difficulty::HARD).iter().all(|scene| shift(scene, |at| at.x) < -0.1));
    assert!(scenes(2, 500, Difficulty::HARD).iter().all(|scene| shift(scene, |at| at.y) < -0.1));
}

#[test]
fn the_object_stands_still_before_and_after_its_action() {
    let hard = scenes(8, 200, Difficulty::HARD);
    assert!(hard.iter().any(|scene| scene.span.0 > 0.2) && hard.iter().any(|scene| scene.span.1 < 0.8));
    for scene in hard {
        let (start, end) = scene.span;
        assert!(0.0 <= start && end <= 1.0 + 1e-6 && end - start >= 0.5 - 1e-6, "{start} to {end}");
        assert_eq!((scene.progress(start * 0.9), scene.progress(1.0)), (0.0, 1.0));
    }
}

#[test]
fn difficulty_zero_leaves_only_the_action() {
    for scene in scenes(2, 50, Difficulty::new(0.0).unwrap()) {
        assert_eq!(scene.camera.offset(0.0), scene.camera.offset(1.0));
        assert_eq!((scene.distractors.len(), scene.light), (0, [[1.0; 3]; 2]));
        assert_eq!(scene.span, (0.0, 1.0));
    }
}

/// How much each pixel differs from the picture without the object: width, and weights row by row.
fn trace(scene: &Scene, place: usize, size: usize) -> Vec<f32> {
    let mut empty = scene.clone();
    empty.change = Change::Move { by: Point::default() };
    empty.actor.visible = Visible::Opacity(0.0);
    let (with, without) = (render::frame(scene, place, [size; 2]), render::frame(&empty, place, [size; 2]));
    let differs = |(a, b): (&[u8], &[u8])| if a.iter().zip(b).any(|(a, b)| a.abs_diff(*b) > 12) { 1.0 } else { 0.0 };
    with.data().chunks(3).zip(without.data().chunks(3)).map(differs).collect()
}

fn area(trace: &[f32]) -> f32 {
    trace.iter().sum()
}

fn middle(trace: &[f32], size: usize) -> Point {
    let place = |i: usize| Point { x: (i % size) as f32, y: (i / size) as f32 };
    let sum = trace.iter().enumerate().fold(Point::default(), |sum, (i, weight)| sum.plus(place(i).scaled(*weight)));
    sum.scaled(1.0 / area(trace))
}

#[test]
fn what_is_seen_in_the_pixels_is_what_the_label_says() {
    const SIZE: usize = 64;
    for class in [0, 1, 2, 3, 4, 5, 8, 9] {
        for scene in scenes(class, 8, Difficulty::EASY) {
            let (first, last) = (trace(&scene, 0, SIZE), trace(&scene, scene.frames - 1, SIZE));
            let moved = || middle(&last, SIZE).plus(middle(&first, SIZE).scaled(-1.0));
            let seen = match CLASSES[class] {
                "moving left" => moved().x < -10.0,
                "moving right" => moved().x > 10.0,
                "moving up" => moved().y < -10.0,
                "moving down" => moved().y > 10.0,
                "approaching" => area(&last) > 2.0 * area(&first),
                "receding" => area(&first) > 2.0 * area(&last),
                "appearing" => area(&first) == 0.0 && area(&last) > 50.0,
                "disappearing" => area(&last) == 0.0 && area(&first) > 50.0,
                other => unreachable!("{other}"),
            };
            assert!(seen, "{}: {scene:?}", CLASSES[class]);
        }
    }
}

#[test]
fn clockwise_is_clockwise_as_a_viewer_sees_it() {
    // The spot is the only thing of its colour: follow it around the middle of the object.
    const SIZE: usize = 96;
    for (class, sense) in [(6, 1.0), (7, -1.0)] {
        for mut scene in scenes(class, 8, Difficulty::new(0.0).unwrap()) {
            scene.actor.spot = [40.0, -40.0, 40.0];
            let angle = |place| {
                let frame = render::frame(&scene, place, [SIZE; 2]);
                let spot = frame.data().chunks(3).map(|p| if p == [255, 0, 255] { 1.0 } else { 0.0 });
                let at = middle(&spot.collect::<Vec<f32>>(), SIZE).plus(Point { x: 0.5, y: 0.5 });
                let from =
                    at.scaled(1.0 / SIZE as f32).plus(Point { x: -0.5, y: -0.5 }).plus(scene.actor.centre.scaled(-1.0));
                from.y.atan2(from.x)
            };
            let turned: f32 = (1..scene.frames).map(|place| shortest(angle(place) - angle(place - 1))).sum();
            // y points down, so growing angles run clockwise.
            assert!((1.5..2.9).contains(&(turned * sense)), "{}: {turned} radians", CLASSES[class]);
        }
    }
}

/// The same angle within half a turn either way.
fn shortest(angle: f32) -> f32 {
    angle - (angle / std::f32::consts::TAU).round() * std::f32::consts::TAU
}

#[test]
fn motion_of_a_tenth_of_a_pixel_changes_the_picture() {
    let mut scene = scenes(0, 1, Difficulty::EASY).remove(0);
    scene.change = Change::Move { by: Point::default() };
    let before = render::frame(&scene, 0, [64; 2]);
    scene.actor.centre.x += 0.1 / 64.0;
    let after = render::frame(&scene, 0, [64; 2]);
    let change = |a: &Frame, b: &Frame| a.data().iter().zip(b.data()).map(|(a, b)| a.abs_diff(*b) as u32).sum::<u32>();
    assert!(change(&before, &after) > 100, "{}", change(&before, &after));
}

#[test]
fn pictures_stay_as_they_are_while_the_revision_does() {
    // Means of whole pictures, loose enough for another mathematics library. If this fails on purpose, raise the revision.
    const TOLERANCE: f64 = 0.5;
    let shapes = MovingShapes::new(Seed::new(1), 48, 12..=12, Difficulty::MEDIUM).unwrap();
    let mean = |class| {
        let frame = &shapes.clip(class, 0).into_frames()[5];
        frame.data().iter().map(|&byte| f64::from(byte)).sum::<f64>() / frame.data().len() as f64
    };
    let expected = [90.2, 104.4, 120.3, 110.5, 118.6];
    let found = [0, 2, 4, 6, 8].map(mean);
    assert!(expected.iter().zip(found).all(|(e, f): (&f64, f64)| (e - f).abs() < TOLERANCE), "{found:?}");
}

#[test]
fn options_out_of_range_are_refused_with_their_value() {
    let with = |size, frames| MovingShapes::new(Seed::new(0), size, frames, Difficulty::EASY).unwrap_err().to_string();
    assert_eq!(with(97, 8..=9), "size must be an even number from 32 to 1024, got 97");
    assert!(with(0, 8..=9).ends_with("got 0"));
    #[allow(clippy::reversed_empty_ranges)]
    let empty = 20..=10;
    assert_eq!(with(64, empty), "frames must be a range within 8 to 1000, got 20 to 10");
    assert!(with(64, 1..=10).ends_with("got 1 to 10"));
}

#[test]
fn names_pairs_and_actions_agree() {
    for (pair, (forward, backward)) in time_reversal_pairs().into_iter().enumerate() {
        assert_eq!(Action::of_class(forward), (Action::ALL[pair], false));
        assert_eq!(Action::of_class(backward), (Action::ALL[pair], true));
        assert_eq!(Action::ALL[pair].name(), CLASSES[forward]);
    }
}

#[test]
fn a_turn_leads_the_spot_over_the_top_to_the_right() {
    let turns = scenes(6, 300, Difficulty::HARD);
    let mut leans = Vec::new();
    for scene in &turns {
        let Change::Turn { by } = scene.change else { panic!("{:?}", scene.change) };
        let half_way = scene.actor.angle + by / 2.0;
        assert!(half_way.abs() <= std::f32::consts::TAU / 12.0 + 1e-5, "{half_way}");
        assert!((scene.actor.angle + by).sin() > scene.actor.angle.sin() + 0.5, "{} by {by}", scene.actor.angle);
        leans.push(half_way);
    }
    // Evenly within a twelfth of a turn: a mean of 300 has a standard error of 0.017.
    let mean = leans.iter().sum::<f32>() / leans.len() as f32;
    assert!(mean.abs() < 0.07, "to either side as often: {mean}");
}
