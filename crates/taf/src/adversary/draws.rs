use burn::tensor::{Tensor, TensorData};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use taf_video::Seed;

/// Where the random numbers of a batch come from.
#[derive(Clone, Copy, Debug)]
pub(super) enum Draws<'a> {
    /// One generator, clip after clip: what a clip gets depends on its place in the batch.
    OfBatch(u64),
    /// A generator for every clip, which so gets the same in whatever batch.
    OfClips(&'a [u64]),
}

impl Draws<'_> {
    /// As many numbers as `like` has, of the same shape, the same on every device.
    pub fn values(self, like: &Tensor<5>, value: impl FnMut(&mut ChaCha8Rng) -> f32) -> Tensor<5> {
        self.values_of(like, |seed| seed, value)
    }

    /// [`Self::values`] that have nothing to do with those.
    pub fn other_values(self, like: &Tensor<5>, value: impl FnMut(&mut ChaCha8Rng) -> f32) -> Tensor<5> {
        self.values_of(like, |seed| !seed, value)
    }

    /// What else is drawn for one clip of the batch.
    pub fn of_clip(self, name: &str, clip: usize) -> Seed {
        match self {
            Self::OfBatch(seed) => Seed::new(seed).with(name).at(clip),
            Self::OfClips(seeds) => Seed::new(seeds[clip]).with(name),
        }
    }

    fn values_of(
        self,
        like: &Tensor<5>,
        turned: impl Fn(u64) -> u64,
        mut value: impl FnMut(&mut ChaCha8Rng) -> f32,
    ) -> Tensor<5> {
        let count = like.shape().num_elements();
        let mut draw = |seed: u64, count: usize| {
            let mut rng = ChaCha8Rng::seed_from_u64(turned(seed));
            (0..count).map(|_| value(&mut rng)).collect::<Vec<f32>>()
        };
        let values = match self {
            Self::OfBatch(seed) => draw(seed, count),
            Self::OfClips(seeds) => seeds.iter().flat_map(|&seed| draw(seed, count / seeds.len())).collect(),
        };
        Tensor::from_data(TensorData::new::<f32, _>(values, like.dims()), &like.device())
    }
}
