//! Clips of a batch mixed with each other or with their own colours, and their labels with them: the rivals of perturbed clips,
//! one file each.

mod draw;
mod mixup;
mod swap_mix;
mod video_mix;

use burn::tensor::{Int, Tensor, TensorData};
use serde::{Deserialize, Serialize};
use taf_video::Seed;

pub use mixup::Mixup;
pub use swap_mix::{MotionCoherent, SwapMix};
pub use video_mix::{CutMix, VideoMix, Volume};

use crate::setting::{SettingError, within};

/// How the clips of a batch, or of each piece of one, are mixed before the network sees them.
///
/// In TOML: `mix = { kind = "mixup", alpha = 0.2 }`. Every kind takes `share`, the part of the batches that are mixed, in [0, 1];
/// default 1.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
pub enum Mixing {
    /// Pairs of clips, averaged pixel by pixel.
    Mixup(Mixup),
    /// A box of one clip over another, in all frames.
    CutMix(CutMix),
    /// A box, some frames or a cuboid of one clip over another.
    VideoMix(VideoMix),
    /// Clips with some of their colours exchanged.
    SwapMix(SwapMix),
    /// Clips, and beside them the same with colours exchanged, to which the network shall say the same.
    Mca(MotionCoherent),
}

/// What became of a batch.
#[derive(Clone, Debug)]
pub enum Mixed {
    /// It was left as it is.
    Not,
    /// Other clips take the place of its own.
    Instead {
        /// `[batch, time, 3, height, width]` in [0, 1].
        clips: Tensor<5>,
        /// Which labels they have.
        labels: Blend,
    },
    /// Its own clips stay, with variants of them beside.
    Beside {
        /// `[batch, time, 3, height, width]` in [0, 1].
        variants: Tensor<5>,
        /// What the divergence of the answers to the variants from those to the clips weighs in the loss.
        alignment: f64,
    },
}

/// The labels of mixed clips: so much of each clip's own one, the rest of its partner's.
#[derive(Clone, Debug, PartialEq)]
pub struct Blend {
    /// Whom each clip was mixed with; itself is possible.
    pub partners: Vec<usize>,
    /// The share of the own label, in [0, 1].
    pub own: f64,
}

impl Mixing {
    /// Mixes the clips of one piece of a batch, if this is one of those that are mixed. Every choice is drawn from a place of its
    /// own under `seed`.
    ///
    /// # Shapes
    /// - `clips`: `[batch, time, 3, height, width]` in [0, 1], not tracked
    pub fn mix(&self, clips: &Tensor<5>, seed: Seed) -> Mixed {
        if !draw::happens(self.share(), seed) {
            return Mixed::Not;
        }
        match self {
            Self::Mixup(mixup) => mixup.mix(clips, seed),
            Self::CutMix(CutMix { alpha, .. }) => video_mix::paste(clips, *alpha, Volume::Spatial, seed),
            Self::VideoMix(VideoMix { alpha, volume, .. }) => video_mix::paste(clips, *alpha, *volume, seed),
            Self::SwapMix(SwapMix { alpha, .. }) => {
                let labels = Blend::own(clips.dims()[0]);
                Mixed::Instead { clips: swap_mix::exchange(clips, *alpha, seed), labels }
            }
            Self::Mca(MotionCoherent { alpha, alignment, .. }) => {
                Mixed::Beside { variants: swap_mix::exchange(clips, *alpha, seed), alignment: *alignment }
            }
        }
    }

    /// How many times its clips a mixed batch is for the network.
    pub fn passes(&self) -> usize {
        if matches!(self, Self::Mca(_)) { 2 } else { 1 }
    }

    fn share(&self) -> f64 {
        match self {
            Self::Mixup(Mixup { share, .. })
            | Self::CutMix(CutMix { share, .. })
            | Self::VideoMix(VideoMix { share, .. })
            | Self::SwapMix(SwapMix { share, .. })
            | Self::Mca(MotionCoherent { share, .. }) => *share,
        }
    }

    fn alpha(&self) -> f64 {
        match self {
            Self::Mixup(Mixup { alpha, .. })
            | Self::CutMix(CutMix { alpha, .. })
            | Self::VideoMix(VideoMix { alpha, .. })
            | Self::SwapMix(SwapMix { alpha, .. })
            | Self::Mca(MotionCoherent { alpha, .. }) => *alpha,
        }
    }

    /// Whether a clip is mixed with another one of the batch.
    fn pairs(&self) -> bool {
        matches!(self, Self::Mixup(_) | Self::CutMix(_) | Self::VideoMix(_))
    }

    /// Refuses settings out of their range, of pieces of at most so many clips.
    pub(crate) fn check(&self, field: &str, piece: usize) -> Result<(), SettingError> {
        let (alpha, share) = (self.alpha(), self.share());
        within(&format!("{field}.alpha"), "lie in (0, 1000]", alpha, alpha > 0.0 && alpha <= draw::LARGEST_ALPHA)?;
        within(&format!("{field}.share"), "lie in [0, 1]", share, (0.0..=1.0).contains(&share))?;
        if let Self::Mca(MotionCoherent { alignment, .. }) = self {
            within(&format!("{field}.alignment"), "be at least 0", *alignment, *alignment >= 0.0)?;
        }
        if self.pairs() && piece < 2 {
            let expected = "have at least 2 clips in a piece of a batch (batch_size / accumulate) to mix";
            return Err(SettingError::new(field, expected, piece));
        }
        Ok(())
    }
}

impl Blend {
    /// The labels as they are.
    pub fn own(clips: usize) -> Self {
        Self { partners: (0..clips).collect(), own: 1.0 }
    }

    /// The targets of the mixed clips.
    ///
    /// # Shapes
    /// - `targets` and result: `[batch, classes]`
    pub fn targets(&self, targets: Tensor<2>) -> Tensor<2> {
        targets.clone() * self.own + chosen(&targets, 0, &self.partners) * (1.0 - self.own)
    }

    /// The label that weighs more in each mixed clip; of two that weigh the same, its own.
    pub fn labels(&self, labels: &[usize]) -> Vec<usize> {
        if self.own >= 0.5 { labels.to_vec() } else { self.partners.iter().map(|&partner| labels[partner]).collect() }
    }
}

/// What lies at some places of an axis.
fn chosen<const D: usize>(tensor: &Tensor<D>, axis: usize, places: &[usize]) -> Tensor<D> {
    let (places, count) = (places.iter().map(|&place| place as i64).collect(), places.len());
    let places = Tensor::<1, Int>::from_data(TensorData::new::<i64, _>(places, [count]), &tensor.device());
    tensor.clone().select(axis, places)
}

#[cfg(test)]
mod tests;
