/// Where in training a step is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Moment {
    /// Epochs before it, a fraction within [0, `epochs`).
    pub epoch: f64,
    /// Epochs in all.
    pub epochs: f64,
    /// Steps of each.
    pub steps_per_epoch: usize,
}

impl Moment {
    /// Steps before it.
    pub(super) fn step(self) -> f64 {
        (self.epoch * self.steps_per_epoch as f64).round()
    }

    /// Steps in all.
    pub(super) fn steps(self) -> f64 {
        self.epochs * self.steps_per_epoch as f64
    }
}
