use burn::tensor::{Tensor, TensorData};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rand_distr::StandardNormal;
use serde::{Deserialize, Serialize};

/// How the size of a perturbation is measured, in pixel units of [0, 1].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Norm {
    /// The largest change of any pixel value.
    Linf,
    /// The Euclidean length of the change over the whole clip, all frames, places and colours.
    L2,
}

impl Norm {
    /// Moves `delta` by `step_size` in the direction that raises the objective fastest under this norm.
    ///
    /// # Shapes
    /// - `delta`, `gradient`, result: `[batch, time, 3, height, width]`; each clip is one point
    pub fn ascend(self, delta: Tensor<5>, gradient: Tensor<5>, step_size: f64) -> Tensor<5> {
        let direction = match self {
            Self::Linf => gradient.sign(),
            Self::L2 => {
                let length = lengths(gradient.clone());
                gradient / length.clamp_min(f64::from(f32::MIN_POSITIVE))
            }
        };
        delta + direction * step_size
    }

    /// The nearest perturbation within `epsilon`.
    pub fn project(self, delta: Tensor<5>, epsilon: f64) -> Tensor<5> {
        match self {
            Self::Linf => delta.clamp(-epsilon, epsilon),
            Self::L2 => {
                let shrink =
                    (lengths(delta.clone()).clamp_min(f64::from(f32::MIN_POSITIVE)).recip() * epsilon).clamp_max(1.0);
                delta * shrink
            }
        }
    }

    /// A perturbation drawn uniformly from the ball: of each pixel value, or of direction and volume.
    pub fn random_start(self, like: &Tensor<5>, epsilon: f64, seed: u64) -> Tensor<5> {
        match self {
            Self::Linf => draw(like, seed, |rng| epsilon as f32 * (2.0 * rng.random::<f32>() - 1.0)),
            Self::L2 => {
                let direction = draw(like, seed, |rng| rng.sample(StandardNormal));
                let [_, time, channels, height, width] = like.dims();
                let dimensions = (time * channels * height * width) as f64;
                let radii = draw(
                    &direction.clone().narrow(1, 0, 1).narrow(2, 0, 1).narrow(3, 0, 1).narrow(4, 0, 1),
                    !seed,
                    |rng| (epsilon * rng.random::<f64>().powf(1.0 / dimensions)) as f32,
                );
                let length = lengths(direction.clone());
                direction / length * radii
            }
        }
    }

    /// A random perturbation of full size: every pixel value at `±epsilon`, or a random direction of length `epsilon`.
    pub fn noise(self, like: &Tensor<5>, epsilon: f64, seed: u64) -> Tensor<5> {
        match self {
            Self::Linf => draw(like, seed, |rng| if rng.random() { epsilon as f32 } else { -epsilon as f32 }),
            Self::L2 => {
                let direction = draw(like, seed, |rng| rng.sample(StandardNormal));
                let length = lengths(direction.clone());
                direction / length * epsilon
            }
        }
    }
}

/// Euclidean length of each clip, `[batch, 1, 1, 1, 1]`.
fn lengths(x: Tensor<5>) -> Tensor<5> {
    let [batch, time, channels, height, width] = x.dims();
    let squares = x.reshape([batch, time * channels * height * width]).square();
    squares.sum_dim(1).sqrt().reshape([batch, 1, 1, 1, 1])
}

/// Values from a seeded generator, the same on every device.
fn draw(like: &Tensor<5>, seed: u64, value: impl FnMut(&mut ChaCha8Rng) -> f32) -> Tensor<5> {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let mut value = value;
    let values = (0..like.shape().num_elements()).map(|_| value(&mut rng)).collect();
    Tensor::from_data(TensorData::new::<f32, _>(values, like.dims()), &like.device())
}
