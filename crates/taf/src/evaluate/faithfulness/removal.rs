use burn::tensor::{Int, Tensor, TensorData};
use rand::seq::SliceRandom;
use taf_video::Seed;

use crate::adversary::nearest;
use crate::attention::TemporalAttention;
use crate::setting::{SettingError, at_least_one, within};

/// What stands in the place of a frame that is taken away.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Replacement {
    /// The nearest frame that is kept, of two the earlier: the clip stays one of natural frames, as a slower camera would have
    /// made it. One frame is always kept.
    Nearest,
    /// The mean colour of the clip: a grey frame, which tells nothing, but which no training clip holds. All frames may go.
    Mean,
}

/// How frames are taken away to see whether attention tells what an answer rests on.
#[derive(Clone, Debug, PartialEq)]
pub struct FrameRemoval {
    /// What orders the frames: the attention for the label on the whole clip. Of equals the earlier frame has more.
    pub attention: TemporalAttention,
    /// What stands in their place.
    pub replacement: Replacement,
    /// Random orders each clip is compared with, at least 1.
    pub orders: usize,
    /// What they are drawn from, each clip for itself.
    pub seed: u64,
}

impl Default for FrameRemoval {
    /// Nearest frames, four random orders.
    fn default() -> Self {
        Self { attention: TemporalAttention::default(), replacement: Replacement::Nearest, orders: 4, seed: 0 }
    }
}

impl Replacement {
    /// Its name in results.
    pub fn name(self) -> &'static str {
        match self {
            Self::Nearest => "nearest frame kept",
            Self::Mean => "mean colour of the clip",
        }
    }

    /// How many of `frames` are kept at each point of a curve.
    pub(super) fn kept(self, frames: usize) -> Vec<usize> {
        (self.fewest()..=frames).collect()
    }

    /// The same of a curve of so many points.
    pub(super) fn kept_at(self, points: usize) -> Vec<usize> {
        (self.fewest()..self.fewest() + points).collect()
    }

    fn fewest(self) -> usize {
        match self {
            Self::Nearest => 1,
            Self::Mean => 0,
        }
    }

    /// Which frame stands at each place where the frames of `kept` are kept; `frames` stands for the mean frame.
    pub(super) fn places(self, kept: &[usize], frames: usize) -> Vec<usize> {
        let mean_or_own = |frame| if kept.contains(&frame) { frame } else { frames };
        match self {
            Self::Nearest => nearest(kept, frames),
            Self::Mean => (0..frames).map(mean_or_own).collect(),
        }
    }
}

impl FrameRemoval {
    /// Refuses settings that make no sense.
    ///
    /// # Errors
    /// Names the first option out of range.
    pub fn check(&self) -> Result<(), SettingError> {
        at_least_one("removal.orders", self.orders)?;
        let temperature = self.attention.temperature;
        within("removal.attention.temperature", "be positive", temperature, temperature > 0.0)
    }

    /// The random orders of the frames of the clip of this id.
    pub(super) fn random_orders(&self, id: &str, frames: usize) -> Vec<Vec<usize>> {
        let seed = Seed::new(self.seed).with("order of frames").with(id);
        let order = |number: usize| {
            let mut order: Vec<usize> = (0..frames).collect();
            order.shuffle(&mut seed.at(number).rng());
            order
        };
        (0..self.orders).map(order).collect()
    }
}

/// The frames from the most to the least attended, of equals the earlier first. Where there are more frames than steps in time,
/// as many frames have the attention of one step.
pub(super) fn by_attention(attention: &[f32], frames: usize) -> Vec<usize> {
    let of = |frame: usize| attention[frame * attention.len() / frames];
    let mut order: Vec<usize> = (0..frames).collect();
    order.sort_by(|&a, &b| of(b).total_cmp(&of(a)));
    order
}

/// The clip with a mean frame at its end: `[1, time, 3, height, width]` to `[1, time + 1, 3, height, width]`.
pub(super) fn with_mean_frame(clip: Tensor<5>) -> Tensor<5> {
    let [_, _, channels, height, width] = clip.dims();
    let mean = clip.clone().mean_dim(1).mean_dim(3).mean_dim(4).expand([1, 1, channels, height, width]);
    Tensor::cat(vec![clip, mean], 1)
}

/// The versions of a clip with frames from these places, one a row of `places`: `[versions, time, 3, height, width]`.
pub(super) fn versions(clip: &Tensor<5>, places: &[Vec<usize>]) -> Tensor<5> {
    let version = |places: &Vec<usize>| {
        let places = places.iter().map(|&place| place as i64).collect::<Vec<_>>();
        let indices = TensorData::new::<i64, _>(places.clone(), [places.len()]);
        clip.clone().select(1, Tensor::<1, Int>::from_data(indices, &clip.device()))
    };
    Tensor::cat(places.iter().map(version).collect(), 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frame_that_is_not_kept_is_replaced_by_the_nearest_that_is_of_two_the_earlier() {
        assert_eq!(Replacement::Nearest.places(&[4, 2], 6), [2, 2, 2, 2, 4, 4]);
        assert_eq!(Replacement::Nearest.places(&[0], 3), [0, 0, 0]);
        assert_eq!(Replacement::Mean.places(&[4, 2], 6), [6, 6, 2, 6, 4, 6]);
        assert_eq!(Replacement::Mean.places(&[], 2), [2, 2]);
        assert_eq!((Replacement::Nearest.kept(3), Replacement::Mean.kept(2)), (vec![1, 2, 3], vec![0, 1, 2]));
    }

    #[test]
    fn of_frames_with_the_same_attention_the_earlier_comes_first() {
        assert_eq!(by_attention(&[0.2, 0.3, 0.3, 0.2], 4), [1, 2, 0, 3]);
        assert_eq!(by_attention(&[0.4, 0.6], 6), [3, 4, 5, 0, 1, 2]);
    }

    #[test]
    fn random_orders_are_those_of_the_clip() {
        let removal = FrameRemoval { orders: 3, ..FrameRemoval::default() };
        let orders = removal.random_orders("a", 8);
        assert_eq!(orders, removal.random_orders("a", 8));
        assert_ne!(orders, removal.random_orders("b", 8));
        assert_ne!(orders[0], orders[1]);
        assert_ne!(orders, FrameRemoval { seed: 1, ..removal.clone() }.random_orders("a", 8));
        assert!(FrameRemoval { orders: 0, ..removal }.check().unwrap_err().to_string().starts_with("removal.orders"));
    }
}
