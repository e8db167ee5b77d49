use std::collections::BTreeSet;

use burn::tensor::{Device, Tensor, TensorData};
use rand::RngExt;
use taf_video::Seed;

use super::{Blend, CutMix, Mixed, Mixing, Mixup, MotionCoherent, SwapMix, VideoMix, Volume};
use crate::ops::values;

const SHAPE: [usize; 5] = [4, 6, 3, 7, 9];

fn clips() -> Tensor<5> {
    let mut rng = Seed::new(5).rng();
    let values: Vec<f32> = (0..SHAPE.iter().product()).map(|_| rng.random()).collect();
    Tensor::from_data(TensorData::new(values, SHAPE), &Device::flex())
}

/// Pixels by `[clip, frame, channel, row, column]`.
fn at(values: &[f32], index: [usize; 5]) -> f32 {
    values[index.iter().zip(SHAPE).fold(0, |flat, (at, side)| flat * side + at)]
}

fn indices() -> impl Iterator<Item = [usize; 5]> {
    (0..SHAPE.iter().product::<usize>()).map(|flat| {
        let (mut rest, mut index) = (flat, [0; 5]);
        for axis in (0..5).rev() {
            index[axis] = rest % SHAPE[axis];
            rest /= SHAPE[axis];
        }
        index
    })
}

fn instead(mixing: &Mixing, seed: Seed) -> (Vec<f32>, Blend) {
    match mixing.mix(&clips(), seed) {
        Mixed::Instead { clips, labels } => (values(clips), labels),
        other => panic!("{mixing:?} made {other:?}"),
    }
}

#[test]
fn mixup_averages_each_clip_with_its_partner_and_their_targets() {
    let (before, mixing) = (values(clips()), Mixing::Mixup(Mixup { alpha: 0.8, share: 1.0 }));
    for seed in (0..20).map(|i| Seed::new(1).at(i)) {
        let (after, Blend { partners, own }) = instead(&mixing, seed);
        let mut everyone = partners.clone();
        everyone.sort_unstable();
        assert_eq!(everyone, [0, 1, 2, 3], "each is somebody's partner once");
        for index @ [clip, t, c, y, x] in indices() {
            let other = at(&before, [partners[clip], t, c, y, x]);
            let expected = own as f32 * at(&before, index) + (1.0 - own as f32) * other;
            assert!((at(&after, index) - expected).abs() < 1e-6, "{index:?}");
        }
    }
    let blend = Blend { partners: vec![1, 2, 0], own: 0.25 };
    let targets = Tensor::<2>::from_data([[1.0, 0.0], [0.0, 1.0], [0.5, 0.5]], &Device::flex());
    assert_eq!(values(blend.targets(targets)), [0.25, 0.75, 0.375, 0.625, 0.875, 0.125]);
    assert_eq!(blend.labels(&[7, 8, 9]), [8, 9, 7], "the partner's label weighs more");
    assert_eq!(Blend { own: 0.5, ..blend }.labels(&[7, 8, 9]), [7, 8, 9]);
}

#[test]
fn the_weights_of_mixup_have_mean_and_variance_of_their_beta_distribution() {
    for alpha in [0.2, 1.0, 8.0] {
        let weights: Vec<f64> = (0..20_000).map(|i| super::draw::weight(alpha, Seed::new(2).at(i))).collect();
        let mean = weights.iter().sum::<f64>() / 20_000.0;
        let variance = weights.iter().map(|weight| (weight - 0.5).powi(2)).sum::<f64>() / 20_000.0;
        // Of Beta(a, a): 1/2 and 1 / (4 (2a + 1)).
        assert!((mean - 0.5).abs() < 0.01, "alpha {alpha}: {mean}");
        assert!((variance * 4.0 * (2.0 * alpha + 1.0) - 1.0).abs() < 0.03, "alpha {alpha}: {variance}");
    }
}

#[test]
fn a_pasted_volume_is_the_partners_and_labels_count_its_voxels() {
    let before = values(clips());
    let kinds = [
        (Mixing::CutMix(CutMix::default()), Volume::Spatial),
        (Mixing::VideoMix(VideoMix::default()), Volume::Spatial),
        (Mixing::VideoMix(VideoMix { volume: Volume::Temporal, ..VideoMix::default() }), Volume::Temporal),
        (Mixing::VideoMix(VideoMix { volume: Volume::SpatioTemporal, ..VideoMix::default() }), Volume::SpatioTemporal),
    ];
    for (mixing, volume) in kinds {
        for seed in (0..20).map(|i| Seed::new(1).at(i)) {
            let (after, Blend { partners, own }) = instead(&mixing, seed);
            // What is pasted into one clip is pasted into all: whether voxels of clip 0 are, all say alike.
            let Some(other) = (0..4).find(|&clip| partners[clip] != clip) else { continue };
            let pasted =
                |[_, t, c, y, x]: [usize; 5]| at(&after, [other, t, c, y, x]) != at(&before, [other, t, c, y, x]);
            for index @ [clip, t, c, y, x] in indices() {
                let from = if pasted(index) { partners[clip] } else { clip };
                assert_eq!(at(&after, index), at(&before, [from, t, c, y, x]), "{mixing:?} {index:?}");
                match volume {
                    Volume::Spatial => assert_eq!(pasted(index), pasted([clip, 0, c, y, x]), "the same in all frames"),
                    Volume::Temporal => assert_eq!(pasted(index), pasted([clip, t, c, 0, 0]), "whole frames"),
                    Volume::SpatioTemporal => {}
                }
            }
            let kept = indices().filter(|&index| !pasted(index)).count() as f64 / indices().count() as f64;
            assert!((kept - own).abs() < 1e-9, "{mixing:?}: {kept} kept, labels say {own}");
        }
    }
    let (cutmix, videomix) = (Mixing::CutMix(CutMix::default()), Mixing::VideoMix(VideoMix::default()));
    assert_eq!(instead(&cutmix, Seed::new(4)), instead(&videomix, Seed::new(4)), "CutMix is the spatial VideoMix");
}

/// How much of its own colours a clip kept, if the rest are its colours in `order`.
fn kept(before: &[f32], after: &[f32], order: [usize; 3], clip: usize) -> Option<f32> {
    let change = |index @ [n, t, c, y, x]: [usize; 5]| {
        let other = at(before, [n, t, order[c], y, x]);
        (at(before, index) - other, at(after, index) - other)
    };
    let changes: Vec<(f32, f32)> = indices().filter(|index| index[0] == clip).map(change).collect();
    let (apart, left) = changes.iter().max_by(|a, b| a.0.abs().total_cmp(&b.0.abs()))?;
    let own = left / apart;
    ((0.0..=1.0).contains(&own) && changes.iter().all(|(apart, left)| (apart * own - left).abs() < 1e-5)).then_some(own)
}

#[test]
fn swapped_colours_are_the_clips_own_in_one_other_order_and_each_clip_has_its_share() {
    let (before, mut orders) = (values(clips()), BTreeSet::new());
    for seed in (0..40).map(|i| Seed::new(1).at(i)) {
        let (after, labels) = instead(&Mixing::SwapMix(SwapMix::default()), seed);
        assert_eq!(labels, Blend::own(4));
        let explained = |order: &[usize; 3]| {
            let own = (0..4).map(|clip| kept(&before, &after, *order, clip)).collect::<Option<Vec<_>>>()?;
            Some((*order, own))
        };
        let found: Vec<_> =
            [[0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]].iter().filter_map(explained).collect();
        let [(order, own)] = &found[..] else { panic!("{found:?} explain the colours") };
        assert!(own.windows(2).all(|pair| (pair[0] - pair[1]).abs() > 1e-4), "{own:?}");
        orders.insert(*order);
    }
    assert_eq!(orders.len(), 5, "every order but red, green, blue");
}

#[test]
fn motion_coherent_augmentation_keeps_its_clips_beside_variants_that_swapmix_would_make() {
    let (swapped, _) = instead(&Mixing::SwapMix(SwapMix::default()), Seed::new(3));
    let mca = Mixing::Mca(MotionCoherent { alignment: 0.4, ..MotionCoherent::default() });
    let Mixed::Beside { variants, alignment } = mca.mix(&clips(), Seed::new(3)) else { panic!("variants") };
    assert_eq!((values(variants), alignment), (swapped, 0.4));
}

#[test]
fn the_share_of_batches_that_are_mixed_is_the_one_asked_for() {
    let mixed = |share| {
        let mixing = Mixing::Mixup(Mixup { share, ..Mixup::default() });
        (0..400).filter(|&i| !matches!(mixing.mix(&clips(), Seed::new(1).at(i)), Mixed::Not)).count()
    };
    assert_eq!([mixed(0.0), mixed(1.0)], [0, 400]);
    // A quarter of 400, three deviations of 8.7 either way.
    assert!((74..=126).contains(&mixed(0.25)), "{}", mixed(0.25));
}

#[test]
fn tables_read_with_their_defaults_and_nothing_unknown_is_taken() {
    let read = |text: &str| toml::from_str::<Mixing>(text).map_err(|error| error.message().to_owned());
    assert_eq!(read("kind = 'mixup'"), Ok(Mixing::Mixup(Mixup { alpha: 0.2, share: 1.0 })));
    assert_eq!(read("kind = 'cutmix'\nshare = 0.5"), Ok(Mixing::CutMix(CutMix { alpha: 1.0, share: 0.5 })));
    let volume = Volume::SpatioTemporal;
    let expected = Mixing::VideoMix(VideoMix { volume, ..VideoMix::default() });
    assert_eq!(read("kind = 'videomix'\nvolume = 'spatio-temporal'"), Ok(expected));
    assert_eq!(read("kind = 'swapmix'"), Ok(Mixing::SwapMix(SwapMix::default())));
    assert_eq!(read("kind = 'mca'"), Ok(Mixing::Mca(MotionCoherent { alpha: 1.0, share: 1.0, alignment: 1.0 })));
    for wrong in ["kind = 'mixup'\nvolume = 'spatial'", "kind = 'cutout'", "kind = 'mca'\nbeta = 1", "alpha = 1"] {
        assert!(read(wrong).is_err(), "{wrong}");
    }
}

#[test]
fn senseless_settings_are_refused_by_name() {
    let refused = |mixing: Mixing, piece| mixing.check("train.mix", piece).unwrap_err().to_string();
    let mixup = |alpha, share| Mixing::Mixup(Mixup { alpha, share });
    assert_eq!(refused(mixup(0.0, 1.0), 8), "train.mix.alpha must lie in (0, 1000], got 0");
    assert_eq!(refused(mixup(0.2, 1.5), 8), "train.mix.share must lie in [0, 1], got 1.5");
    let mca = Mixing::Mca(MotionCoherent { alignment: f64::NAN, ..MotionCoherent::default() });
    assert_eq!(refused(mca, 8), "train.mix.alignment must be at least 0, got NaN");
    assert!(refused(mixup(0.2, 1.0), 1).contains("at least 2 clips"));
    assert!(Mixing::SwapMix(SwapMix::default()).check("train.mix", 1).is_ok(), "it needs no partner");
}
