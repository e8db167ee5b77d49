//! Stochastic depth (Huang et al., ECCV 2016): while training, some clips take only the shortcuts of some blocks.

use burn::tensor::Tensor;

use super::{ConvNorm, Pass};
use crate::ops;

/// What a block's residual branch is left out with: the paper's linear rule, by which the last of `blocks` has the rate
/// `last`, and the first, of `index` 0, that of a network without blocks and a share of the way.
pub(super) fn rate_of(index: usize, blocks: usize, last: f64) -> f64 {
    last * (index + 1) as f64 / blocks as f64
}

/// `normalise(conv(branch)) + shortcut`, where the branch of some clips is left out. Images are whole clips of `time` frames.
pub(super) fn forward_sum(
    unit: &ConvNorm,
    branch: Tensor<4>,
    shortcut: Tensor<4>,
    time: usize,
    rate: f64,
    pass: &mut Pass,
) -> Tensor<4> {
    let branch = unit.forward(branch, pass);
    ops::add(pass.drop_path(branch, time, rate), shortcut)
}

#[cfg(test)]
mod tests {
    use burn::tensor::{Device, Tensor};

    use super::rate_of;
    use crate::model::{
        BatchNormTraining, Branch, MobileNetV2Config, Pass, RecognizerConfig, ResNetConfig, TrunkConfig, VideoModel,
    };
    use crate::ops::values;

    const FRAMES: usize = 2;

    #[test]
    fn the_rate_rises_linearly_to_that_of_the_last_block() {
        let rates: Vec<f64> = (0..4).map(|index| rate_of(index, 4, 0.2)).collect();
        for (found, expected) in rates.into_iter().zip([0.05, 0.1, 0.15, 0.2]) {
            assert!((found - expected).abs() < 1e-12, "{found} instead of {expected}");
        }
    }

    #[test]
    fn clips_are_dropped_whole_and_the_others_grow() {
        let ones = || Tensor::<4>::ones([400 * FRAMES, 1, 2, 3], &Device::flex());
        let dropped = |seed| values(Pass::training(Branch::Main, seed).drop_path(ones(), FRAMES, 0.2));
        let found = dropped(1);
        let clips: Vec<&[f32]> = found.chunks(FRAMES * 6).collect();
        assert!(clips.iter().all(|clip| clip.iter().all(|value| *value == clip[0])), "frames of a clip differ");
        assert!(clips.iter().all(|clip| clip[0] == 0.0 || clip[0] == 1.25), "1 / (1 - 0.2)");
        let share = clips.iter().filter(|clip| clip[0] == 0.0).count() as f64 / 400.0;
        // Four standard deviations of a share of 0.2 of 400.
        assert!((share - 0.2).abs() < 0.08, "{share}");
        assert_eq!(dropped(1), found, "the same seed drops the same clips");
        assert_ne!(dropped(2), found);
        assert_eq!(values(Pass::inference().drop_path(ones(), FRAMES, 0.2)), values(ones()));
    }

    fn trunks() -> [TrunkConfig; 2] {
        [ResNetConfig::tiny().into(), MobileNetV2Config { width: 8 }.into()]
    }

    fn logits(trunk: TrunkConfig, drop_path: f64, mut pass: Pass) -> Vec<f32> {
        let config = RecognizerConfig { dropout: 0.0, drop_path, ..RecognizerConfig::tsm(trunk, 3) };
        let places = (0..2 * FRAMES * 3 * 32 * 32).map(|place| (place % 251) as f32 / 251.0).collect::<Vec<_>>();
        let clips = Tensor::<1>::from_data(places.as_slice(), &Device::flex()).reshape([2, FRAMES, 3, 32, 32]);
        values(config.init(&Device::flex(), 0).forward(clips, &mut pass).logits)
    }

    #[test]
    fn a_network_drops_paths_only_while_it_trains() {
        for trunk in trunks() {
            let inference = |rate| logits(trunk.clone(), rate, Pass::inference());
            assert_eq!(inference(0.9), inference(0.0), "{trunk:?}");
            let training = |rate, seed| {
                let pass = Pass::training(Branch::Main, seed).with_norms(BatchNormTraining::Frozen);
                logits(trunk.clone(), rate, pass)
            };
            assert_eq!(training(0.0, 1), training(0.0, 2), "{trunk:?}: nothing is drawn without a rate");
            assert_ne!(training(0.9, 1), training(0.0, 1), "{trunk:?}");
            assert_eq!(training(0.9, 1), training(0.9, 1), "{trunk:?}");
        }
    }

    #[test]
    fn a_rate_that_never_drops_is_the_network_itself() {
        // So small that none of the draws is below it: the two ways to compute a block's end agree.
        for trunk in trunks() {
            let training = |rate| logits(trunk.clone(), rate, Pass::training(Branch::Main, 1));
            let worst = training(1e-9).iter().zip(training(0.0)).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
            assert!(worst < 1e-5, "{trunk:?}: {worst}");
        }
    }
}
