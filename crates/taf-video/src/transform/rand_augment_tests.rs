use super::*;
use crate::Seed;

/// Sums over the bytes that Pillow 13.0 makes of [`picture`], at the magnitudes 9, -9, 21.5 and -30: `parity/rand_augment.py`.
const PILLOW: [(Operation, [u64; 4]); 14] = [
    (Operation::Identity, [412_716_115, 412_716_115, 412_716_115, 412_716_115]),
    (Operation::ShearX, [397_320_844, 400_394_928, 376_633_901, 367_192_853]),
    (Operation::ShearY, [362_103_529, 411_286_765, 297_029_572, 376_161_049]),
    (Operation::TranslateX, [363_994_566, 358_663_270, 293_970_504, 238_292_098]),
    (Operation::TranslateY, [406_422_717, 320_177_609, 374_787_777, 152_196_073]),
    (Operation::Rotate, [386_844_211, 384_053_999, 358_786_540, 340_865_709]),
    (Operation::Brightness, [514_288_096, 299_654_831, 606_931_346, 39_780_275]),
    (Operation::Colour, [411_424_824, 411_105_250, 413_156_689, 411_224_040]),
    (Operation::Contrast, [412_939_926, 409_698_808, 417_005_100, 406_510_384]),
    (Operation::Sharpness, [411_474_185, 411_183_527, 413_414_120, 410_281_489]),
    (Operation::Posterize, [411_068_004, 411_068_004, 401_273_264, 388_767_984]),
    (Operation::Solarize, [293_195_325, 293_195_325, 293_997_587, 418_630_040]),
    (Operation::AutoContrast, [420_456_137, 420_456_137, 420_456_137, 420_456_137]),
    (Operation::Equalize, [461_956_523, 461_956_523, 461_956_523, 461_956_523]),
];
const MAGNITUDES: [f64; 4] = [9.0, -9.0, 21.5, -30.0];

fn picture() -> Frame {
    let byte = |i: usize| 20 + ((i * i * 7 + i * 13 + i / 111 * 5) % 211) as u8;
    Frame::new(37, 23, (0..37 * 23 * 3).map(byte).collect())
}

fn sum(frame: &Frame) -> u64 {
    frame.data().iter().enumerate().map(|(i, byte)| (i as u64 + 1) * u64::from(*byte)).sum()
}

fn clip() -> Clip {
    Clip::new(vec![picture(); 3])
}

#[test]
fn every_operation_gives_the_bytes_that_pillow_gives_at_torchvisions_strengths() {
    assert_eq!(PILLOW.map(|(operation, _)| operation), Operation::ALL);
    for (operation, expected) in PILLOW {
        let made = MAGNITUDES.map(|magnitude| {
            let change = Change { operation, strength: magnitude / LARGEST };
            sum(&change.apply(picture(), 9))
        });
        assert_eq!(made, expected, "{operation:?}");
    }
}

#[test]
fn no_strength_leaves_most_operations_without_effect_and_tiny_frames_are_taken() {
    let lossy = [Operation::AutoContrast, Operation::Equalize];
    for operation in Operation::ALL.into_iter().filter(|operation| !lossy.contains(operation)) {
        let still = Change { operation, strength: 0.0 }.apply(picture(), 0);
        // At the threshold of 255 the highest level is turned, and the picture has none.
        assert_eq!(still, picture(), "{operation:?}");
    }
    for operation in Operation::ALL {
        for (width, height) in [(1, 1), (2, 1), (1, 5)] {
            let made = Change { operation, strength: -1.0 }.apply(Frame::filled(width, height, [9, 200, 30]), 0);
            assert_eq!((made.width(), made.height()), (width, height), "{operation:?}");
        }
    }
}

#[test]
fn all_frames_of_a_clip_change_alike_and_the_seed_decides() {
    let augment = RandAugment { std: 3.0, ..RandAugment::default() };
    let made: Vec<Clip> = (0..60).map(|i| augment.apply(clip(), Seed::new(1).at(i))).collect();
    for (i, made) in made.iter().enumerate() {
        assert!(made.frames().iter().all(|frame| *frame == made.frames()[0]));
        assert_eq!(*made, augment.apply(clip(), Seed::new(1).at(i)));
    }
    let changed = made.iter().filter(|made| **made != clip()).count();
    assert!(changed > 50, "{changed} of 60");
}

#[test]
fn operations_signs_and_strengths_are_drawn_as_often_as_they_should() {
    let augment = RandAugment { std: 1.5, ..RandAugment::default() };
    let drawn: Vec<Change> = (0..14_000).filter_map(|i| augment.draw(&mut Seed::new(2).at(i).rng())).collect();
    assert_eq!(drawn.len(), 14_000);
    for operation in Operation::ALL {
        let count = drawn.iter().filter(|change| change.operation == operation).count();
        assert!((880..1120).contains(&count), "{operation:?}: {count} of 14,000");
    }
    let rights = drawn.iter().filter(|change| change.strength > 0.0).count();
    assert!((6800..7200).contains(&rights), "{rights}");
    let magnitudes = || drawn.iter().map(|change| change.strength.abs() * LARGEST);
    let mean = magnitudes().sum::<f64>() / 14_000.0;
    let deviation = (magnitudes().map(|m| (m - mean).powi(2)).sum::<f64>() / 14_000.0).sqrt();
    assert!((mean - 9.0).abs() < 0.06 && (deviation - 1.5).abs() < 0.05, "{mean} {deviation}");
    let half = RandAugment { probability: 0.5, ..RandAugment::default() };
    let happened = (0..4000).filter(|&i| half.draw(&mut Seed::new(3).at(i).rng()).is_some()).count();
    assert!((1880..2120).contains(&happened), "{happened} of 4000");
}

#[test]
fn settings_read_as_documented_and_senseless_ones_are_refused() {
    let read = |text: &str| serde_json::from_str::<RandAugment>(text);
    assert_eq!(read("{}").unwrap(), RandAugment::default());
    assert!(read(r#"{"magnitudes": 9}"#).is_err());
    let bad = [
        RandAugment { operations: 15, ..Default::default() },
        RandAugment { magnitude: 31.0, ..Default::default() },
        RandAugment { magnitude: f64::NAN, ..Default::default() },
        RandAugment { std: -1.0, ..Default::default() },
        RandAugment { probability: 2.0, ..Default::default() },
    ];
    assert!(bad.iter().all(|augment| augment.check().is_err()));
    assert!(RandAugment::default().check().is_ok());
}
