use serde::{Deserialize, Serialize};

use super::FrameCurve;
use super::curve::area;
use crate::metrics::{Error, Groups, Result, Summary};

/// What a network says about one clip of which only some frames are kept, in three orders.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FrameRemovals {
    /// The id of its video.
    pub id: String,
    /// The group its video belongs to; a video without one is its own.
    pub group: String,
    /// The most attended frames kept: insertion in the order of attention.
    pub most: FrameCurve,
    /// The least attended frames kept: read from its end, deletion in the order of attention.
    pub least: FrameCurve,
    /// Frames kept at random, mean over orders.
    pub random: FrameCurve,
}

/// Whether attention tells which frames an answer rests on: deletion and insertion (Petsiuk et al., "RISE", BMVC 2018), of
/// frames instead of pixels.
///
/// Where it does, deleting the most attended frames first lowers the probability of the true class faster than deleting at
/// random, and inserting them first raises it faster.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Faithfulness {
    /// What stands in the place of a frame that is not kept.
    pub replacement: String,
    /// How many random orders each clip has.
    pub orders: usize,
    /// How many clips were measured.
    pub clips: usize,
    /// Of how many there are.
    pub available: usize,
    /// How many groups the measured clips fall into.
    pub groups: usize,
    /// How many frames are kept at each point of the curves, rising by 1; the last is all of them.
    pub kept: Vec<usize>,
    /// The most attended frames kept: insertion. Mean over clips, as are the others.
    pub most: FrameCurve,
    /// The least attended frames kept: deletion, read from its end.
    pub least: FrameCurve,
    /// Frames kept at random.
    pub random: FrameCurve,
    /// Under the deletion curve: the less the better.
    pub deletion: Area,
    /// Under the insertion curve: the more the better.
    pub insertion: Area,
    /// Under the curve of random orders, which deletion and insertion share.
    pub at_random: Area,
    /// By how much deletion lies under random orders, clip by clip: above 0 where attention tells something.
    pub deletion_gain: Area,
    /// By how much insertion lies above random orders, clip by clip: above 0 where attention tells something.
    pub insertion_gain: Area,
}

/// Areas under curves over the range of kept frames, which counts as 1; intervals take groups as independent.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Area {
    /// Of the probability of the true class.
    pub probability: Summary,
    /// Of the accuracy.
    pub accuracy: Summary,
}

impl Area {
    fn of(
        clips: &[FrameRemovals],
        groups: &Groups,
        value: impl Fn(&FrameRemovals, fn(&FrameCurve) -> f64) -> f64,
    ) -> Self {
        let summary = |area: fn(&FrameCurve) -> f64| {
            let values: Vec<f64> = clips.iter().map(|clip| value(clip, area)).collect();
            Summary::of(&values, groups).expect("check() saw at least one clip")
        };
        Self {
            probability: summary(|curve| area(&curve.probability)),
            accuracy: summary(|curve| area(&curve.accuracy)),
        }
    }
}

impl Faithfulness {
    /// Summarises the measured clips of one network, of `available` that there are; `kept` is how many frames are kept at
    /// each point.
    ///
    /// # Errors
    /// If there is no clip, or a curve does not have one finite value for each number of frames.
    pub fn new(
        replacement: impl Into<String>,
        orders: usize,
        kept: Vec<usize>,
        clips: &[FrameRemovals],
        available: usize,
    ) -> Result<Self> {
        check(&kept, clips)?;
        let groups = Groups::new(clips.iter().map(|clip| clip.group.as_str()));
        let mean = |curve: fn(&FrameRemovals) -> &FrameCurve| FrameCurve::mean(clips.iter().map(curve));
        Ok(Self {
            replacement: replacement.into(),
            orders,
            clips: clips.len(),
            available,
            groups: groups.count(),
            kept,
            most: mean(|clip| &clip.most),
            least: mean(|clip| &clip.least),
            random: mean(|clip| &clip.random),
            deletion: Area::of(clips, &groups, |clip, area| area(&clip.least)),
            insertion: Area::of(clips, &groups, |clip, area| area(&clip.most)),
            at_random: Area::of(clips, &groups, |clip, area| area(&clip.random)),
            deletion_gain: Area::of(clips, &groups, |clip, area| area(&clip.random) - area(&clip.least)),
            insertion_gain: Area::of(clips, &groups, |clip, area| area(&clip.most) - area(&clip.random)),
        })
    }
}

fn check(kept: &[usize], clips: &[FrameRemovals]) -> Result<()> {
    if clips.is_empty() || kept.is_empty() {
        return Err(Error::predictions("at least one clip with frames removed", "none"));
    }
    let fits = |values: &[f64]| values.len() == kept.len() && values.iter().all(|value| value.is_finite());
    let whole = |curve: &FrameCurve| fits(&curve.probability) && fits(&curve.accuracy);
    let is_whole = |clip: &&FrameRemovals| [&clip.most, &clip.least, &clip.random].into_iter().all(whole);
    match clips.iter().find(|clip| !is_whole(clip)) {
        None => Ok(()),
        Some(clip) => {
            let expected = format!("{} finite values on each curve of kept frames", kept.len());
            Err(Error::predictions(expected, format!("others for {}", clip.id)))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn curve(values: [f64; 3]) -> FrameCurve {
        FrameCurve { probability: values.into(), accuracy: values.map(|value| f64::from(u8::from(value > 0.5))).into() }
    }

    fn clip(id: &str, most: [f64; 3], least: [f64; 3], random: [f64; 3]) -> FrameRemovals {
        let [most, least, random] = [most, least, random].map(curve);
        FrameRemovals { id: id.into(), group: id.into(), most, least, random }
    }

    #[test]
    fn attention_that_tells_gains_over_random_orders_on_both_sides() {
        let clips = [
            clip("a", [1.0, 1.0, 1.0], [0.0, 0.0, 1.0], [0.5, 0.5, 1.0]),
            clip("b", [0.0, 1.0, 1.0], [0.0, 0.0, 1.0], [0.0, 0.5, 1.0]),
        ];
        let faithfulness = Faithfulness::new("nearest", 4, vec![1, 2, 3], &clips, 7).unwrap();
        assert_eq!(faithfulness.most.probability, [0.5, 1.0, 1.0]);
        let mean = |area: Area| area.probability.mean;
        assert_eq!((mean(faithfulness.insertion), mean(faithfulness.deletion)), (0.875, 0.25));
        assert_eq!(mean(faithfulness.at_random), (0.625 + 0.5) / 2.0);
        assert_eq!(mean(faithfulness.deletion_gain), (0.375 + 0.25) / 2.0);
        assert_eq!(mean(faithfulness.insertion_gain), (0.375 + 0.25) / 2.0);
        assert_eq!((faithfulness.clips, faithfulness.available, faithfulness.groups), (2, 7, 2));
    }

    #[test]
    fn curves_of_other_lengths_are_refused() {
        let one = clip("a", [1.0; 3], [1.0; 3], [1.0; 3]);
        assert!(Faithfulness::new("nearest", 1, vec![1, 2], std::slice::from_ref(&one), 1).is_err());
        assert!(Faithfulness::new("nearest", 1, vec![1, 2, 3], &[], 1).is_err());
        let broken = clip("a", [f64::NAN; 3], [1.0; 3], [1.0; 3]);
        assert!(Faithfulness::new("nearest", 1, vec![1, 2, 3], &[broken], 1).is_err());
    }
}
