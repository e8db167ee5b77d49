use burn::tensor::{Tensor, TensorData};
use rand::RngExt;
use rand_distr::StandardNormal;
use serde::{Deserialize, Serialize};

use super::draws::Draws;
use crate::ops::values;

/// How the size of a perturbation is measured, in pixel units of [0, 1].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Norm {
    /// The largest change of any pixel value.
    Linf,
    /// The Euclidean length of the change over the whole clip, all frames, places and colours.
    L2,
}

/// What the perturbations of a batch of clips may be: a ball around each clip, drawn in over the frames that have a part of
/// the budget alone. Of a change `delta` that has the size of `delta / share`, frame by frame, no more than the radius is allowed.
#[derive(Clone, Debug)]
pub(super) struct Ball {
    norm: Norm,
    /// Of each clip.
    radii: Vec<f64>,
    /// The part of the radius that each frame has, in [0, 1], `[batch, time, 1, 1, 1]`; none where every frame has all of it.
    shares: Option<Tensor<5>>,
}

impl Ball {
    /// Of one radius per clip, and the part of it that each frame has where they differ, `[batch, time]`.
    pub(super) fn new(norm: Norm, radii: Vec<f64>, shares: Option<Tensor<2>>) -> Self {
        let shares = shares.map(|shares| {
            let [batch, time] = shares.dims();
            shares.reshape([batch, time, 1, 1, 1])
        });
        Self { norm, radii, shares }
    }

    /// Of each clip.
    pub(super) fn radii(&self) -> &[f64] {
        &self.radii
    }

    /// Moves `delta` in the direction that raises the objective fastest under this norm, by `step` of each clip where the
    /// whole radius is allowed and by less where less is.
    ///
    /// # Shapes
    /// - `delta`, `gradient`, result: `[batch, time, 3, height, width]`; each clip is one point
    pub(super) fn ascend(&self, delta: Tensor<5>, gradient: Tensor<5>, step: &[f64]) -> Tensor<5> {
        let direction = match self.norm {
            Norm::Linf => gradient.sign(),
            Norm::L2 => {
                let gradient = self.shared(gradient);
                let length = lengths(gradient.clone());
                gradient / length.clamp_min(f64::from(f32::MIN_POSITIVE))
            }
        };
        let step = by_clip(step, &delta);
        delta + self.shared(direction * step)
    }

    /// The nearest perturbation that is allowed; under L2, where frames have different parts, one that is allowed, in the same
    /// direction.
    pub(super) fn project(&self, delta: Tensor<5>) -> Tensor<5> {
        match self.norm {
            Norm::Linf => self.project_values(delta),
            Norm::L2 => {
                let whole = match &self.shares {
                    None => delta.clone(),
                    Some(shares) => delta.clone() / shares.clone().clamp_min(f64::from(f32::MIN_POSITIVE)),
                };
                let shorter = lengths(whole).clamp_min(f64::from(f32::MIN_POSITIVE)).recip();
                delta.clone() * (shorter * by_clip(&self.radii, &delta)).clamp_max(1.0)
            }
        }
    }

    fn project_values(&self, delta: Tensor<5>) -> Tensor<5> {
        match (&self.shares, self.radii.first()) {
            (None, Some(&radius)) if self.radii.iter().all(|other| *other == radius) => delta.clamp(-radius, radius),
            _ => {
                let limit = self.shared(by_clip(&self.radii, &delta)).expand(delta.shape());
                delta.min_pair(limit.clone()).max_pair(-limit)
            }
        }
    }

    /// A perturbation drawn uniformly from what is allowed: of each pixel value, or of direction and volume.
    pub(super) fn random_start(&self, like: &Tensor<5>, draws: Draws<'_>) -> Tensor<5> {
        match self.norm {
            Norm::Linf => {
                let values = draws.values(like, |rng| 2.0 * rng.random::<f32>() - 1.0);
                self.shared(values * by_clip(&self.radii, like))
            }
            Norm::L2 => {
                let dimensions = self.dimensions(like);
                let mut clips = self.radii.iter().zip(&dimensions);
                let one_value = like.clone().narrow(1, 0, 1).narrow(2, 0, 1).narrow(3, 0, 1).narrow(4, 0, 1);
                let radii = draws.other_values(&one_value, |rng| {
                    let (radius, dimensions) = clips.next().expect("one radius a clip");
                    (radius * rng.random::<f64>().powf(1.0 / dimensions)) as f32
                });
                self.shared(self.random_direction(like, draws) * radii)
            }
        }
    }

    /// A random perturbation of full size: every pixel value at the end of what is allowed, or a random direction of the length
    /// of the radius.
    pub(super) fn noise(&self, like: &Tensor<5>, draws: Draws<'_>) -> Tensor<5> {
        let direction = match self.norm {
            Norm::Linf => draws.values(like, |rng| if rng.random() { 1.0 } else { -1.0 }),
            Norm::L2 => self.random_direction(like, draws),
        };
        self.shared(direction * by_clip(&self.radii, like))
    }

    /// A gradient without what it says of frames that may not be touched.
    pub(super) fn restrict(&self, gradient: Tensor<5>) -> Tensor<5> {
        match self.touched() {
            None => gradient,
            Some(touched) => gradient * touched,
        }
    }

    /// Of length 1, over the frames that may be touched; 0 where there are none.
    fn random_direction(&self, like: &Tensor<5>, draws: Draws<'_>) -> Tensor<5> {
        let direction = self.restrict(draws.values(like, |rng| rng.sample(StandardNormal)));
        // Where no frame may be touched there is none.
        let length = lengths(direction.clone()).clamp_min(f64::from(f32::MIN_POSITIVE));
        direction / length
    }

    /// How many values of each clip may be touched.
    fn dimensions(&self, like: &Tensor<5>) -> Vec<f64> {
        let [_, time, channels, height, width] = like.dims();
        let of_frame = channels * height * width;
        let Some(touched) = self.touched() else { return vec![(time * of_frame) as f64; self.radii.len()] };
        let frames = values(touched);
        frames.chunks(time).map(|frames| f64::from(frames.iter().sum::<f32>()) * of_frame as f64).collect()
    }

    /// 1 for frames that have a part of the budget, else 0, `[batch, time, 1, 1, 1]`.
    fn touched(&self) -> Option<Tensor<5>> {
        self.shares.clone().map(|shares| shares.greater_elem(0.0).float())
    }

    fn shared(&self, x: Tensor<5>) -> Tensor<5> {
        match &self.shares {
            None => x,
            Some(shares) => x * shares.clone(),
        }
    }
}

/// One number per clip, `[batch, 1, 1, 1, 1]`.
fn by_clip(numbers: &[f64], like: &Tensor<5>) -> Tensor<5> {
    let values = numbers.iter().map(|&number| number as f32).collect();
    Tensor::from_data(TensorData::new::<f32, _>(values, [numbers.len(), 1, 1, 1, 1]), &like.device())
}

/// Euclidean length of each clip, `[batch, 1, 1, 1, 1]`.
fn lengths(x: Tensor<5>) -> Tensor<5> {
    let [batch, time, channels, height, width] = x.dims();
    let squares = x.reshape([batch, time * channels * height * width]).square();
    squares.sum_dim(1).sqrt().reshape([batch, 1, 1, 1, 1])
}

#[cfg(test)]
mod tests {
    use burn::tensor::{Device, Tensor};

    use super::{Ball, Draws, Norm};
    use crate::ops::values;

    #[test]
    fn where_no_frame_may_be_touched_nothing_is_drawn() {
        let device = Device::flex();
        let like = Tensor::<5>::zeros([1, 2, 3, 2, 2], &device);
        for norm in [Norm::Linf, Norm::L2] {
            let ball = Ball::new(norm, vec![0.5], Some(Tensor::zeros([1, 2], &device)));
            for drawn in [ball.noise(&like, Draws::OfBatch(1)), ball.random_start(&like, Draws::OfBatch(1))] {
                assert_eq!(values(drawn), vec![0.0; 24], "{norm:?}");
            }
        }
    }
}
