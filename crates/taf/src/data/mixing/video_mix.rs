use std::ops::Range;

use burn::tensor::Tensor;
use rand::{Rng, RngExt};
use serde::{Deserialize, Serialize};
use taf_video::Seed;

use super::{Blend, Mixed, chosen, draw};

/// CutMix (Yun et al., ICCV 2019) of clips: a box of another clip, the same in all frames; labels by area. It is
/// [`VideoMix`] with [`Volume::Spatial`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct CutMix {
    /// Of the distribution `Beta(alpha, alpha)` of the share that is kept before the box is cut off at the edges, in (0, 1000];
    /// default 1: any share is as likely.
    pub alpha: f64,
    /// Share of the batches that are mixed, in [0, 1]; default 1.
    pub share: f64,
}

/// VideoMix (Yun et al., 2020): a cuboid of another clip; labels by the number of voxels.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct VideoMix {
    /// As [`CutMix::alpha`]; default 1.
    pub alpha: f64,
    /// Share of the batches that are mixed, in [0, 1]; default 1.
    pub share: f64,
    /// What is pasted; default `"spatial"`, which the paper recommends.
    pub volume: Volume,
}

/// The axes along which a pasted volume is smaller than the clip.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Volume {
    /// A box in all frames.
    #[default]
    Spatial,
    /// Whole frames that follow each other.
    Temporal,
    /// A box in frames that follow each other: a cuboid whose three sides are the same share of the clip's.
    SpatioTemporal,
}

impl Default for CutMix {
    fn default() -> Self {
        Self { alpha: 1.0, share: 1.0 }
    }
}

impl Default for VideoMix {
    fn default() -> Self {
        Self { alpha: 1.0, share: 1.0, volume: Volume::default() }
    }
}

/// Pastes one volume, at the same place of all clips, from the partner of each.
pub(super) fn paste(clips: &Tensor<5>, alpha: f64, volume: Volume, seed: Seed) -> Mixed {
    let [batch, time, channels, height, width] = clips.dims();
    let [frames, rows, columns] =
        volume.draw([time, height, width], 1.0 - draw::weight(alpha, seed), &mut seed.with("volume").rng());
    let pasted = (frames.len() * rows.len() * columns.len()) as f64 / (time * height * width) as f64;
    let labels = Blend { partners: draw::partners(batch, seed), own: 1.0 - pasted };
    let place = [0..batch, frames, 0..channels, rows, columns];
    let clips = if place.iter().any(Range::is_empty) {
        clips.clone()
    } else {
        let patch = chosen(&clips.clone().slice(place.clone()), 0, &labels.partners);
        clips.clone().slice_assign(place, patch)
    };
    Mixed::Instead { clips, labels }
}

impl Volume {
    /// Frames, rows and columns of a volume of about `share` of a clip of such sides, around a random point of it and cut off
    /// at its edges.
    fn draw(self, sides: [usize; 3], share: f64, rng: &mut impl Rng) -> [Range<usize>; 3] {
        let factors = match self {
            Self::Spatial => [1.0, share.sqrt(), share.sqrt()],
            Self::Temporal => [share, 1.0, 1.0],
            Self::SpatioTemporal => [share.cbrt(); 3],
        };
        let whole = self.whole_axes();
        std::array::from_fn(|axis| if whole[axis] { 0..sides[axis] } else { span(sides[axis], factors[axis], rng) })
    }

    /// Of time, height and width, those that the volume takes all of.
    fn whole_axes(self) -> [bool; 3] {
        [self == Self::Spatial, self == Self::Temporal, self == Self::Temporal]
    }
}

/// `factor` of a side around a random point of it, both ends rounded to whole pixels or frames and cut off at its own ends.
fn span(side: usize, factor: f64, rng: &mut impl Rng) -> Range<usize> {
    let (side, centre) = (side as f64, rng.random::<f64>() * side as f64);
    let end = |at: f64| at.clamp(0.0, side).round() as usize;
    end(centre - side * factor / 2.0)..end(centre + side * factor / 2.0)
}

#[cfg(test)]
mod tests {
    use super::Volume;
    use taf_video::Seed;

    #[test]
    fn a_volume_is_as_large_on_average_as_its_definition_says() {
        // Of a side, a span of factor s around a point drawn evenly keeps s - s²/4 on average. With the share u drawn evenly:
        // E[(√u - u/4)²] = 1/2 - 1/5 + 1/48; E[u - u²/4] = 1/2 - 1/12;
        // E[(∛u - ∛u²/4)³] = 1/2 - 3/4 · 3/7 + 3/16 · 3/8 - 1/64 · 1/3.
        let cases = [(Volume::Spatial, 0.320_83), (Volume::Temporal, 0.416_67), (Volume::SpatioTemporal, 0.243_68)];
        for (volume, expected) in cases {
            let sides = [512, 640, 480];
            let of = |draw: usize| {
                let share = (draw as f64 + 0.5) / 20_000.0;
                let ranges = volume.draw(sides, share, &mut Seed::new(3).at(draw).rng());
                assert!(ranges.iter().zip(sides).all(|(range, side)| range.end <= side));
                ranges.iter().zip(sides).map(|(range, side)| range.len() as f64 / side as f64).product::<f64>()
            };
            let mean = (0..20_000).map(of).sum::<f64>() / 20_000.0;
            // Each is off by 0.15 at most, so the mean of so many by 0.001.
            assert!((mean - expected).abs() < 0.004, "{volume:?}: {mean} for {expected}");
        }
    }

    #[test]
    fn a_volume_spans_all_of_the_axes_it_does_not_cut() {
        let draw = |volume: Volume| volume.draw([8, 20, 30], 0.25, &mut Seed::new(1).rng());
        assert_eq!(draw(Volume::Spatial)[0], 0..8);
        assert_eq!(draw(Volume::Temporal)[1..], [0..20, 0..30]);
        let [frames, rows, columns] = draw(Volume::SpatioTemporal);
        assert!(frames.len() < 8 && rows.len() < 20 && columns.len() < 30);
    }
}
