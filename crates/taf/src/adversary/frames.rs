use burn::tensor::{Tensor, TensorData};
use serde::{Deserialize, Serialize};
use taf_report::metrics::neglected_frames;

use crate::ops::values;

/// Which frames of a clip may be perturbed, by the attention on the natural clip. The others stay as they are, to the bit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Frames {
    /// All of them.
    All,
    /// Those that are not minor.
    Major,
    /// The `floor(T / 2)` with the least attention; of equals the earlier counts as lesser.
    Minor,
}

/// What part of the budget a frame has, by the attention on the natural clip. The frame with the largest part has all of
/// `epsilon`, so that this is still the most that anything changes by; parts below [`SMALLEST_SHARE`] are none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Budget {
    /// All of it, whatever the frame.
    Uniform,
    /// In proportion to its attention `a_t`.
    Attention,
    /// In proportion to what it lacks, `1 - a_t`.
    Neglect,
}

/// Parts of a budget below this are none: invisible, and lost in the rounding of pixels.
pub const SMALLEST_SHARE: f32 = 1e-3;

/// The part of the budget that each of `time` frames has, in [0, 1]. Where a network's features have fewer steps in time than its
/// clips, as many frames have the part of one step.
///
/// # Shapes
/// - `attention`: `[batch, steps]`; result: `[batch, time]`, a constant
///
/// # Panics
/// If the steps do not divide the frames.
pub(super) fn shares(frames: Frames, budget: Budget, attention: &Tensor<2>, time: usize) -> Tensor<2> {
    let ([batch, steps], device) = (attention.dims(), attention.device());
    assert!(time.is_multiple_of(steps), "expected steps that divide {time} frames, got {steps}");
    let rows = values(attention.clone());
    let shares = rows.chunks(steps).flat_map(|row| row_of_shares(frames, budget, row));
    let shares = shares.flat_map(|share| std::iter::repeat_n(share, time / steps)).collect();
    Tensor::from_data(TensorData::new::<f32, _>(shares, [batch, time]), &device)
}

fn row_of_shares(frames: Frames, budget: Budget, attention: &[f32]) -> Vec<f32> {
    let allowed = allowed(frames, attention);
    let part = |(&attention, &allowed): (&f32, &f32)| match budget {
        Budget::Uniform => allowed,
        Budget::Attention => allowed * attention,
        Budget::Neglect => allowed * (1.0 - attention),
    };
    let parts: Vec<f32> = attention.iter().zip(&allowed).map(part).collect();
    let largest = parts.iter().fold(0.0_f32, |largest, &part| largest.max(part));
    if largest == 0.0 {
        return allowed;
    }
    parts.iter().map(|part| part / largest).map(|share| if share < SMALLEST_SHARE { 0.0 } else { share }).collect()
}

/// 1 for frames that may be perturbed, else 0.
fn allowed(frames: Frames, attention: &[f32]) -> Vec<f32> {
    let (minor, major) = match frames {
        Frames::All => (1.0, 1.0),
        Frames::Major => (0.0, 1.0),
        Frames::Minor => (1.0, 0.0),
    };
    let mut allowed = vec![major; attention.len()];
    neglected_frames(attention).into_iter().for_each(|frame| allowed[frame] = minor);
    allowed
}

#[cfg(test)]
mod tests {
    use super::{Budget, Frames, row_of_shares, shares};
    use crate::ops::values;
    use burn::tensor::{Device, Tensor};

    #[test]
    fn minor_frames_are_those_with_the_least_attention_and_major_ones_the_others() {
        let attention = [0.3, 0.1, 0.1, 0.1, 0.4];
        assert_eq!(row_of_shares(Frames::Minor, Budget::Uniform, &attention), [0.0, 1.0, 1.0, 0.0, 0.0]);
        assert_eq!(row_of_shares(Frames::Major, Budget::Uniform, &attention), [1.0, 0.0, 0.0, 1.0, 1.0]);
        assert_eq!(row_of_shares(Frames::All, Budget::Uniform, &attention), [1.0; 5]);
    }

    #[test]
    fn the_largest_part_of_the_frames_allowed_is_the_whole_budget() {
        let attention = [0.5, 0.125, 0.25, 0.125];
        assert_eq!(row_of_shares(Frames::All, Budget::Attention, &attention), [1.0, 0.25, 0.5, 0.25]);
        assert_eq!(row_of_shares(Frames::Minor, Budget::Attention, &attention), [0.0, 1.0, 0.0, 1.0]);
        let neglect = row_of_shares(Frames::All, Budget::Neglect, &attention);
        assert_eq!(neglect, [0.5 / 0.875, 1.0, 0.75 / 0.875, 1.0]);
    }

    #[test]
    fn several_frames_have_the_part_of_the_step_that_they_make() {
        let attention = Tensor::from_data([[0.5, 0.25, 0.25], [0.1, 0.8, 0.1]], &Device::flex());
        let of_six = values(shares(Frames::Major, Budget::Uniform, &attention, 6));
        assert_eq!(of_six, [1.0, 1.0, 0.0, 0.0, 1.0, 1.0, 0.0, 0.0, 1.0, 1.0, 1.0, 1.0]);
    }

    #[test]
    #[should_panic(expected = "expected steps that divide 8 frames, got 3")]
    fn steps_that_do_not_divide_the_frames_are_refused() {
        let attention = Tensor::from_data([[0.5, 0.25, 0.25]], &Device::flex());
        let _ = shares(Frames::All, Budget::Uniform, &attention, 8);
    }

    #[test]
    fn parts_that_are_next_to_nothing_are_none_and_where_all_are_nothing_frames_are_alike() {
        assert_eq!(row_of_shares(Frames::All, Budget::Attention, &[0.9995, 0.0005, 0.0]), [1.0, 0.0, 0.0]);
        assert_eq!(row_of_shares(Frames::Minor, Budget::Attention, &[1.0, 0.0, 0.0]), [0.0, 1.0, 0.0]);
        assert_eq!(row_of_shares(Frames::Major, Budget::Neglect, &[1.0, 0.0]), [1.0, 0.0]);
    }
}
