use super::*;
use crate::{Frame, Seed};

const SIZE: usize = 8;

fn classes(names: &[&str]) -> Vec<String> {
    names.iter().map(|&name| name.to_owned()).collect()
}

fn pair(a: &str, b: &str) -> [String; 2] {
    [a.to_owned(), b.to_owned()]
}

/// Four frames of the output size, no two pixels alike, so that nothing but flips changes them under [`TrainCrop::Stretch`].
fn clip() -> Clip {
    let frame = |t: usize| {
        let pixel = |i: usize| [(i % SIZE) as u8, (i / SIZE) as u8, t as u8];
        Frame::new(SIZE, SIZE, (0..SIZE * SIZE).flat_map(pixel).collect())
    };
    Clip::new((0..4).map(frame).collect())
}

fn still() -> TrainTransformConfig {
    TrainTransformConfig { size: SIZE, crop: TrainCrop::Stretch {}, ..Default::default() }
}

fn always(config: TrainTransformConfig) -> TrainTransformConfig {
    TrainTransformConfig { flip_probability: 1.0, ..config }
}

fn apply(config: &TrainTransformConfig, names: &[&str], label: usize) -> (Clip, usize) {
    config.init(&classes(names)).unwrap().apply(clip(), label, Seed::new(0))
}

fn refusal(config: &TrainTransformConfig, names: &[&str]) -> String {
    config.init(&classes(names)).unwrap_err().to_string()
}

#[test]
fn nothing_switched_on_changes_nothing() {
    assert_eq!(apply(&still(), &["left", "right"], 1), (clip(), 1));
}

#[test]
fn a_swapping_flip_mirrors_the_picture_and_exchanges_the_label() {
    let config = always(TrainTransformConfig { horizontal_flip: FlipPolicy::Swap, ..still() });
    let names = ["left", "right", "up"];
    assert_eq!(apply(&config, &names, 0), (flip_horizontal(clip()), 1));
    assert_eq!(apply(&config, &names, 1), (flip_horizontal(clip()), 0));
    assert_eq!(apply(&config, &names, 2), (flip_horizontal(clip()), 2));
    let config = always(TrainTransformConfig { vertical_flip: FlipPolicy::Swap, ..still() });
    assert_eq!(apply(&config, &["up", "left", "down"], 2), (flip_vertical(clip()), 0));
}

#[test]
fn both_mirrors_turn_a_rotation_back_to_itself() {
    let policy = FlipPolicy::Swap;
    let config = always(TrainTransformConfig { horizontal_flip: policy, vertical_flip: policy, ..still() });
    let names = ["spin clockwise", "spin counterclockwise"];
    assert_eq!(apply(&config, &names, 0), (flip_vertical(flip_horizontal(clip())), 0));
}

#[test]
fn a_flip_applied_twice_gives_clip_and_label_back() {
    let config = always(TrainTransformConfig { horizontal_flip: FlipPolicy::Swap, ..still() });
    let transform = config.init(&classes(&["left", "right", "up"])).unwrap();
    let seed = Seed::new(0);
    for label in 0..3 {
        let (once, swapped) = transform.apply(clip(), label, seed);
        assert_eq!(transform.apply(once, swapped, seed), (clip(), label));
    }
}

#[test]
fn flips_happen_as_often_as_asked_and_to_all_frames_alike() {
    let config = TrainTransformConfig { horizontal_flip: FlipPolicy::Plain, flip_probability: 0.25, ..still() };
    let transform = config.init(&classes(&["open", "close"])).unwrap();
    let mut flipped = 0;
    for i in 0..2000 {
        let (result, _) = transform.apply(clip(), 0, Seed::new(5).at(i));
        assert!(result == clip() || result == flip_horizontal(clip()));
        flipped += usize::from(result != clip());
    }
    assert!((400..600).contains(&flipped), "{flipped} of 2000");
}

#[test]
fn a_plain_flip_of_directional_classes_is_refused_by_name() {
    let config = TrainTransformConfig { horizontal_flip: FlipPolicy::Plain, ..still() };
    assert_eq!(
        refusal(&config, &["wave", "swipe left", "swipe right"]),
        "horizontal_flip must be \"off\" or \"swap\", because it turns class \"swipe left\" into class \"swipe right\", got \"plain\""
    );
    assert!(config.init(&classes(&["pulling it right out", "up", "down"])).is_ok());
    let config = TrainTransformConfig { vertical_flip: FlipPolicy::Plain, ..still() };
    assert!(refusal(&config, &["left", "up", "down"]).starts_with("vertical_flip"));
    assert!(config.init(&classes(&["left", "right"])).is_ok());
}

#[test]
fn classes_that_are_numbers_are_mirrored_only_where_pairs_are_named() {
    let numbers: Vec<String> = (0..174).map(|class| class.to_string()).collect();
    let with = |policy| TrainTransformConfig { horizontal_flip: policy, ..still() };
    let refused = |policy, classes: &[String]| with(policy).init(classes).unwrap_err().to_string();
    let why = "unless horizontal_pairs says what it exchanges, or the classes have names";
    for policy in [FlipPolicy::Swap, FlipPolicy::Plain] {
        assert!(refused(policy, &numbers).contains(why), "{}", refused(policy, &numbers));
        let named = TrainTransformConfig { horizontal_pairs: vec![pair("86", "87")], ..with(policy) };
        assert_eq!(named.init(&numbers).is_ok(), policy == FlipPolicy::Swap);
    }
    assert!(refused(FlipPolicy::Swap, &numbers[..10]).contains("10 classes called by numbers do not tell"));
    assert!(with(FlipPolicy::Plain).init(&numbers[..10]).is_ok(), "ten classes are not those of Something-Something");
}

#[test]
fn pairs_in_other_words_can_be_named() {
    let names = ["links", "rechts", "left", "right"];
    let horizontal_pairs = vec![pair("rechts", "links")];
    let config = TrainTransformConfig { horizontal_flip: FlipPolicy::Swap, horizontal_pairs, ..still() };
    let labels: Vec<usize> = (0..4).map(|label| apply(&always(config.clone()), &names, label).1).collect();
    assert_eq!(labels, [1, 0, 3, 2]);
    let plain = TrainTransformConfig { horizontal_flip: FlipPolicy::Plain, ..config.clone() };
    assert!(refusal(&plain, &["links", "rechts"]).contains("links"));
    let contradicting = TrainTransformConfig { horizontal_pairs: vec![pair("left", "links")], ..config };
    assert!(refusal(&contradicting, &names).contains("the only one of its classes"));
}

#[test]
fn time_reversal_exchanges_named_classes_and_leaves_the_others_alone() {
    let reversal_pairs = vec![pair("open", "close"), pair("wave", "wave")];
    let config = always(TrainTransformConfig { time_reversal: FlipPolicy::Swap, reversal_pairs, ..still() });
    let names = ["open", "close", "wave", "pour"];
    assert_eq!(apply(&config, &names, 0), (reverse_time(clip()), 1));
    assert_eq!(apply(&config, &names, 2), (reverse_time(clip()), 2));
    assert_eq!(apply(&config, &names, 3), (clip(), 3));
}

#[test]
fn time_reversal_is_refused_where_it_would_teach_something_false() {
    let plain = TrainTransformConfig { time_reversal: FlipPolicy::Plain, ..still() };
    assert!(refusal(&plain, &["move left", "move right"]).contains("move left"));
    let named = TrainTransformConfig { reversal_pairs: vec![pair("open", "close")], ..plain.clone() };
    assert!(refusal(&named, &["open", "close"]).contains("open"));
    assert!(plain.init(&classes(&["apple", "pear"])).is_ok());
    let swap = TrainTransformConfig { time_reversal: FlipPolicy::Swap, ..still() };
    assert!(refusal(&swap, &["open", "close"]).contains("reversal_pairs"));
}

#[test]
fn all_frames_get_the_same_crop_and_colour() {
    let config = TrainTransformConfig { size: 5, colour: Some(ColourJitter::default()), ..Default::default() };
    let transform = config.init(&classes(&["a"])).unwrap();
    let frame = clip().frames()[2].clone();
    for i in 0..50 {
        let twins = Clip::new(vec![frame.clone(); 3]);
        let (result, _) = transform.apply(twins, 0, Seed::new(3).at(i));
        assert_eq!((result.width(), result.height()), (5, 5));
        assert!(result.frames().iter().all(|f| f == &result.frames()[0]));
    }
}

#[test]
fn the_same_seed_gives_the_same_clip() {
    let config = TrainTransformConfig {
        size: 6,
        short_side: Some(7),
        horizontal_flip: FlipPolicy::Plain,
        colour: Some(ColourJitter::default()),
        ..Default::default()
    };
    let transform = config.init(&classes(&["a"])).unwrap();
    let draw = |i| transform.apply(clip(), 0, Seed::new(3).at(i));
    assert!((0..20).all(|i| draw(i) == draw(i)));
    assert!((1..20).any(|i| draw(i) != draw(0)));
}

#[test]
fn switching_one_choice_on_does_not_change_what_the_others_draw() {
    let cropped = TrainTransformConfig { size: 3, ..Default::default() };
    let vertical = TrainTransformConfig { vertical_flip: FlipPolicy::Plain, ..cropped.clone() };
    let both = TrainTransformConfig { horizontal_flip: FlipPolicy::Plain, ..vertical.clone() };
    // Drawn like any other, but without an effect that could be seen.
    let neutral =
        ColourJitter { brightness: 0.0, contrast: [1.0; 2], saturation: [1.0; 2], hue_degrees: 0.0, lighting: 0.0 };
    let coloured = TrainTransformConfig { colour: Some(neutral), ..both.clone() };
    let names = classes(&["a"]);
    let draw = |config: &TrainTransformConfig, i| config.init(&names).unwrap().apply(clip(), 0, Seed::new(3).at(i)).0;
    for i in 0..50 {
        let [cropped, vertical, both, coloured] = [&cropped, &vertical, &both, &coloured].map(|config| draw(config, i));
        assert!(vertical == cropped || vertical == flip_vertical(cropped), "a flip moves the crop of clip {i}");
        assert!(both == vertical || both == flip_horizontal(vertical), "one flip changes the other of clip {i}");
        assert_eq!(coloured, both, "colour moves the crop or a flip of clip {i}");
    }
}

#[test]
fn operations_and_erasing_come_last_each_from_a_place_of_its_own() {
    let names = classes(&["a"]);
    let erasing = RandomErasing { probability: 1.0, fill: Fill::Colour([255; 3]), ..Default::default() };
    let plain = TrainTransformConfig { size: 7, ..Default::default() };
    let augmented = TrainTransformConfig { rand_augment: Some(RandAugment::default()), ..plain.clone() };
    let both = TrainTransformConfig { erasing: Some(erasing.clone()), ..augmented.clone() };
    for i in 0..30 {
        let seed = Seed::new(3).at(i);
        let draw = |config: &TrainTransformConfig| config.init(&names).unwrap().apply(clip(), 0, seed).0;
        let operated = RandAugment::default().apply(draw(&plain), seed.with("rand augment"));
        assert_eq!(draw(&augmented), operated);
        assert_eq!(draw(&both), erasing.apply(operated, seed.with("erasing")));
    }
    let read = |text: &str| serde_json::from_str::<TrainTransformConfig>(text).unwrap();
    let config = read(r#"{"rand_augment": {"magnitude": 7}, "erasing": {"probability": 0.25}}"#);
    assert_eq!(config.rand_augment, Some(RandAugment { magnitude: 7.0, ..Default::default() }));
    assert_eq!(config.erasing, Some(RandomErasing { probability: 0.25, ..Default::default() }));
    assert!(refusal(&read(r#"{"rand_augment": {"magnitude": 31}}"#), &["a"]).contains("rand_augment.magnitude"));
    assert!(refusal(&read(r#"{"erasing": {"area": [0, 1]}}"#), &["a"]).contains("erasing.area"));
}

#[test]
fn settings_read_as_documented_and_bad_ones_are_refused() {
    let read = |text: &str| serde_json::from_str::<TrainTransformConfig>(text);
    assert_eq!(read("{}").unwrap(), TrainTransformConfig::default());
    let config =
        read(r#"{"size": 112, "horizontal_flip": "swap", "crop": {"kind": "random-resized"}, "colour": {}}"#).unwrap();
    assert_eq!((config.crop, config.colour), (TrainCrop::random_resized(), Some(ColourJitter::default())));
    assert!(read(r#"{"flip": "swap"}"#).is_err());
    assert!(read(r#"{"crop": {"kind": "multi-scale", "scale": [1]}}"#).is_err());
    assert!(refusal(&TrainTransformConfig { size: 0, ..still() }, &["a"]).contains("size must be 1 to 4096 pixels"));
    assert!(refusal(&TrainTransformConfig { flip_probability: 1.5, ..still() }, &["a"]).contains("1.5"));
}
