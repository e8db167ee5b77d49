use rand::RngExt;
use rand::seq::SliceRandom;
use rand_distr::Beta;
use taf_video::Seed;

/// The largest `alpha`: with it, the shares of two clips are hardly ever more than a tenth apart.
pub(super) const LARGEST_ALPHA: f64 = 1000.0;

/// Whether a batch belongs to the share of those that are mixed.
pub(super) fn happens(share: f64, seed: Seed) -> bool {
    seed.with("share").rng().random::<f64>() < share
}

/// Of `Beta(alpha, alpha)`.
///
/// # Panics
/// If `alpha` is not positive.
pub(super) fn weight(alpha: f64, seed: Seed) -> f64 {
    let beta = Beta::new(alpha, alpha).expect("alpha is positive and finite");
    seed.with("weight").rng().sample(beta)
}

/// A partner for each clip: all of them in a random order, so a clip may meet itself.
pub(super) fn partners(clips: usize, seed: Seed) -> Vec<usize> {
    let mut order: Vec<usize> = (0..clips).collect();
    order.shuffle(&mut seed.with("partners").rng());
    order
}
