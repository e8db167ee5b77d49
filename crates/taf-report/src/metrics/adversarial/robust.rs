use serde::{Deserialize, Serialize};

use crate::metrics::groups::Weighted;
use crate::metrics::{Error, Groups, Result, Share, Summary};

/// What became of one clip under attacks of growing size.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AttackedClip {
    /// The id of its video.
    pub id: String,
    /// The group its video belongs to; a video without one is its own.
    pub group: String,
    /// The size, by its place in the list, at which an answer was first wrong: 0 where the clip as it is has a wrong one,
    /// none where no attack found any.
    pub fooled_at: Option<usize>,
    /// The highest cross-entropy at the label that was found within each size, nats; the first is that of the clip as it is.
    /// A clip is not attacked again once it is fooled, so that later ones are lower bounds.
    pub losses: Vec<f64>,
}

/// Accuracy where every clip is perturbed to be answered wrongly: what attacks of growing size leave of it.
///
/// An upper bound of what a perfect attack would leave. It cannot rise with the size: what fools a clip lies within every larger
/// size too, so a clip counts as fooled there without being attacked again.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RobustAccuracy {
    /// How sizes are measured: `linf` or `l2`, in pixel units of [0, 1].
    pub norm: String,
    /// Ascent steps of each attack.
    pub steps: usize,
    /// Random starts of each attack; a clip counts as right only if all of them fail.
    pub restarts: usize,
    /// What the starts are drawn from.
    pub seed: u64,
    /// How many clips were attacked.
    pub clips: usize,
    /// Of how many there are.
    pub available: usize,
    /// How many groups the attacked clips fall into.
    pub groups: usize,
    /// One for each size, rising; the first is 0, the clips as they are.
    pub points: Vec<RobustPoint>,
}

/// What attacks of one size leave.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RobustPoint {
    /// The size.
    pub epsilon: f64,
    /// Share of the clips that no attack up to this size fooled.
    pub accuracy: Share,
    /// Of the clips that are answered rightly as they are, the share that is fooled; none where there is no such clip.
    pub success: Option<Share>,
    /// The highest cross-entropy found for each clip, nats.
    pub loss: Summary,
}

impl RobustAccuracy {
    /// Summarises the attacked clips of one network, of `available` that there are; `epsilons` are the sizes attacked with.
    ///
    /// # Errors
    /// If there is no clip, the sizes do not rise from above 0, or a clip does not have one finite loss for each and for 0.
    pub fn new(
        norm: impl Into<String>,
        [steps, restarts]: [usize; 2],
        seed: u64,
        epsilons: &[f64],
        clips: &[AttackedClip],
        available: usize,
    ) -> Result<Self> {
        let sizes: Vec<f64> = std::iter::once(0.0).chain(epsilons.iter().copied()).collect();
        check(&sizes, clips)?;
        let groups = Groups::new(clips.iter().map(|clip| clip.group.as_str()));
        let point = |(place, &epsilon)| RobustPoint::of(place, epsilon, clips, &groups);
        Ok(Self {
            norm: norm.into(),
            steps,
            restarts,
            seed,
            clips: clips.len(),
            available,
            groups: groups.count(),
            points: sizes.iter().enumerate().map(point).collect(),
        })
    }
}

impl RobustPoint {
    fn of(place: usize, epsilon: f64, clips: &[AttackedClip], groups: &Groups) -> Self {
        let is_fooled = |clip: &AttackedClip| clip.fooled_at.is_some_and(|at| at <= place);
        let once = |counts: bool| Some(Weighted::once(f64::from(u8::from(counts))));
        let right = groups.sums(clips.iter().map(|clip| once(!is_fooled(clip))));
        let of_right = |clip| if clip_is_right(clip) { once(is_fooled(clip)) } else { None };
        let fooled = groups.sums(clips.iter().map(of_right));
        let losses: Vec<f64> = clips.iter().map(|clip| clip.losses[place]).collect();
        Self {
            epsilon,
            accuracy: Share::of(&right),
            success: (!fooled.is_empty()).then(|| Share::of(&fooled)),
            loss: Summary::of(&losses, groups).expect("check() saw at least one clip"),
        }
    }
}

/// Whether the clip as it is has the right answer.
fn clip_is_right(clip: &AttackedClip) -> bool {
    clip.fooled_at != Some(0)
}

fn check(sizes: &[f64], clips: &[AttackedClip]) -> Result<()> {
    if !sizes.is_sorted_by(|a, b| a < b) || sizes.iter().any(|size| !size.is_finite()) {
        return Err(Error::predictions("sizes of attacks that rise from above 0", format!("{:?}", &sizes[1..])));
    }
    if clips.is_empty() {
        return Err(Error::predictions("at least one attacked clip", "none"));
    }
    let fits =
        |clip: &AttackedClip| clip.losses.len() == sizes.len() && clip.losses.iter().all(|loss| loss.is_finite());
    match clips.iter().find(|clip| !fits(clip)) {
        None => Ok(()),
        Some(clip) => {
            let found = format!("{:?} for {}", clip.losses, clip.id);
            Err(Error::predictions(format!("{} finite losses of an attacked clip", sizes.len()), found))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn clip(id: &str, fooled_at: Option<usize>, losses: &[f64]) -> AttackedClip {
        AttackedClip { id: id.into(), group: id.into(), fooled_at, losses: losses.into() }
    }

    fn accuracy(epsilons: &[f64], clips: &[AttackedClip]) -> Result<RobustAccuracy> {
        RobustAccuracy::new("linf", [10, 2], 0, epsilons, clips, 9)
    }

    #[test]
    fn a_clip_that_is_fooled_once_is_fooled_at_every_larger_size() {
        let clips = [
            clip("wrong", Some(0), &[3.0, 3.0, 3.0]),
            clip("early", Some(1), &[0.5, 2.0, 2.0]),
            clip("late", Some(2), &[0.25, 0.5, 1.0]),
            clip("never", None, &[0.25, 0.5, 0.5]),
        ];
        let curve = accuracy(&[0.1, 0.2], &clips).unwrap();
        let of = |value: fn(&RobustPoint) -> f64| curve.points.iter().map(value).collect::<Vec<_>>();
        assert_eq!(of(|point| point.epsilon), [0.0, 0.1, 0.2]);
        assert_eq!(of(|point| point.accuracy.value), [0.75, 0.5, 0.25]);
        let success = of(|point| point.success.unwrap().value);
        assert!(success[0] == 0.0 && (success[1] - 1.0 / 3.0).abs() < 1e-12 && (success[2] - 2.0 / 3.0).abs() < 1e-12);
        assert_eq!(of(|point| point.loss.mean), [1.0, 1.5, 1.625]);
        assert_eq!((curve.clips, curve.available, curve.groups), (4, 9, 4));
    }

    #[test]
    fn a_network_that_is_never_right_has_no_share_of_fooled_clips() {
        let curve = accuracy(&[0.1], &[clip("a", Some(0), &[1.0, 1.0])]).unwrap();
        assert_eq!((curve.points[1].accuracy.value, curve.points[1].success), (0.0, None));
    }

    #[test]
    fn sizes_that_do_not_rise_and_losses_that_do_not_fit_are_refused() {
        let fine = [clip("a", None, &[1.0, 1.0])];
        assert!(accuracy(&[0.1], &fine).is_ok());
        for sizes in [&[0.0][..], &[-0.1], &[f64::NAN], &[0.2, 0.1]] {
            assert!(accuracy(sizes, &fine).unwrap_err().to_string().contains("rise from above 0"), "{sizes:?}");
        }
        assert!(accuracy(&[0.1], &[]).unwrap_err().to_string().contains("at least one"));
        assert!(accuracy(&[0.1], &[clip("b", None, &[1.0])]).unwrap_err().to_string().contains("for b"));
        assert!(accuracy(&[0.1], &[clip("b", None, &[1.0, f64::INFINITY])]).is_err());
    }
}
