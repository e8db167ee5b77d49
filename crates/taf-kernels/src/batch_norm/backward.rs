use pulp::Simd;

use super::folded;
use crate::channels::Division;
use crate::gate::Gate;
use crate::lanes::Lanes;
use crate::sweep::{Body, sweep};

/// What the gradients need from the forward pass.
#[derive(Clone, Copy, Debug)]
pub struct BatchNormSaved<'a> {
    /// The input, `[.., channels]`.
    pub x: &'a [f32],
    /// Mean per channel.
    pub mean: &'a [f32],
    /// `1 / sqrt(variance + epsilon)` per channel.
    pub inv_std: &'a [f32],
    /// Scale per channel.
    pub gamma: &'a [f32],
    /// Whether the forward pass ended with a ReLU, and how to know what it zeroed.
    pub relu: SavedRelu<'a>,
}

/// How the gradient knows where the ReLU of the forward pass stopped it.
#[derive(Clone, Copy, Debug)]
pub enum SavedRelu<'a> {
    /// There was no ReLU.
    None,
    /// By the zeros of the output, `[.., channels]`; needed where a residual was added.
    Output(&'a [f32]),
    /// By the beta of a forward pass without a residual: whether the output was zero is computed again from `x`, bit by bit
    /// alike, which saves reading the output twice.
    Beta(&'a [f32]),
}

/// Gradients of a batch norm without a residual, through the statistics too. Overwrites `dy` with that of the input.
///
/// # Shapes
/// `dy` as `x`; `dgamma` and `dbeta` `[channels]`.
///
/// # Panics
/// If the lengths do not fit together.
pub fn batch_norm_backward_in_place(saved: &BatchNormSaved, dy: &mut [f32], dgamma: &mut [f32], dbeta: &mut [f32]) {
    assert_eq!(dy.len(), saved.x.len(), "floats of the output gradient");
    let (division, gate) = saved.check(dgamma, dbeta);
    let sums = sweep(&division, [saved.x, gate.probe, dy], [], [saved.mean, &gate.scale, &gate.shift], &Sums);
    let spread = saved.finish(&division, sums, dgamma, dbeta);
    sweep(&division, [saved.x, gate.probe], [dy], spread.constants(saved, &gate), &SpreadInPlace);
}

/// Gradients of a batch norm with a residual, through the statistics too. Overwrites `dy` with the residual's, which is
/// `dy` with the ReLU's zeros, and `dx` with that of the input.
///
/// # Shapes
/// `dy` and `dx` as `x`; `dgamma` and `dbeta` `[channels]`.
///
/// # Panics
/// If the lengths do not fit together.
pub fn batch_norm_residual_backward_in_place(
    saved: &BatchNormSaved,
    dy: &mut [f32],
    dx: &mut [f32],
    dgamma: &mut [f32],
    dbeta: &mut [f32],
) {
    assert_eq!((dy.len(), dx.len()), (saved.x.len(), saved.x.len()), "floats of the output and input gradient");
    let (division, gate) = saved.check(dgamma, dbeta);
    let constants = [saved.mean, &gate.scale, &gate.shift];
    let sums = sweep(&division, [saved.x, gate.probe], [&mut *dy], constants, &SumsInPlace);
    let spread = saved.finish(&division, sums, dgamma, dbeta);
    sweep(&division, [saved.x, dy], [dx], spread.open_constants(saved), &Spread);
}

impl<'a> BatchNormSaved<'a> {
    fn check(&self, dgamma: &[f32], dbeta: &[f32]) -> (Division, Gate<'a>) {
        let (len, channels) = (self.x.len(), self.gamma.len());
        assert_eq!((self.mean.len(), self.inv_std.len()), (channels, channels), "channels of the statistics");
        let gradients = (dgamma.len(), dbeta.len());
        assert_eq!(gradients, (channels, channels), "channels of the gradients of gamma and beta");
        (Division::new(len, channels), self.gate())
    }

    fn gate(&self) -> Gate<'a> {
        let (len, channels) = (self.x.len(), self.gamma.len());
        match self.relu {
            SavedRelu::None => Gate::open(self.x, channels),
            SavedRelu::Output(y) => {
                assert_eq!(y.len(), len, "output floats");
                Gate::of_output(y, channels)
            }
            SavedRelu::Beta(beta) => {
                assert_eq!(beta.len(), channels, "channels of beta");
                let (scale, shift) = folded(self.gamma, beta, self.mean, self.inv_std);
                Gate { probe: self.x, scale, shift }
            }
        }
    }

    /// Writes the gradients of gamma and beta, and says how the one of the input follows.
    fn finish(
        &self,
        division: &Division,
        [plain, centred]: [Vec<f64>; 2],
        dgamma: &mut [f32],
        dbeta: &mut [f32],
    ) -> Coefficients {
        let count = division.rows() as f64;
        let mut coefficients = Coefficients::default();
        for channel in 0..division.channels {
            let inv_std = f64::from(self.inv_std[channel]);
            let factor = f64::from(self.gamma[channel]) * inv_std;
            dbeta[channel] = plain[channel] as f32;
            dgamma[channel] = (centred[channel] * inv_std) as f32;
            coefficients.scale.push(factor as f32);
            coefficients.slope.push((factor * inv_std * inv_std * centred[channel] / count) as f32);
            coefficients.offset.push((factor * plain[channel] / count) as f32);
        }
        coefficients
    }
}

/// `dx = scale * g - slope * (x - mean) - offset`, per channel.
#[derive(Default)]
struct Coefficients {
    scale: Vec<f32>,
    slope: Vec<f32>,
    offset: Vec<f32>,
}

impl Coefficients {
    fn constants<'a>(&'a self, saved: &BatchNormSaved<'a>, gate: &'a Gate) -> [&'a [f32]; 6] {
        let [scale, slope, offset, mean] = self.open_constants(saved);
        [scale, slope, offset, mean, &gate.scale, &gate.shift]
    }

    /// For a gradient that has the ReLU's zeros already.
    fn open_constants<'a>(&'a self, saved: &BatchNormSaved<'a>) -> [&'a [f32]; 4] {
        [&self.scale, &self.slope, &self.offset, saved.mean]
    }
}

/// Sums of the gradient, and of the gradient times the centred input.
struct Sums;

impl Sums {
    /// The gated gradient and the terms of the sums.
    #[inline(always)]
    fn of<V: Simd>(
        [x, probe, dy]: [Lanes<V>; 3],
        [mean, gate_scale, gate_shift]: [Lanes<V>; 3],
    ) -> (Lanes<V>, [Lanes<V>; 2]) {
        let g = dy.gated(probe * gate_scale + gate_shift);
        (g, [g, g * (x - mean)])
    }
}

impl Body<3, 0, 3, 2> for Sums {
    #[inline(always)]
    fn apply<V: Simd>(
        &self,
        _: [Lanes<V>; 0],
        inputs: [Lanes<V>; 3],
        constants: [Lanes<V>; 3],
    ) -> ([Lanes<V>; 0], [Lanes<V>; 2]) {
        ([], Self::of(inputs, constants).1)
    }
}

/// [`Sums`] with the gradient in the output, which becomes the gated one.
struct SumsInPlace;

impl Body<2, 1, 3, 2> for SumsInPlace {
    #[inline(always)]
    fn apply<V: Simd>(
        &self,
        [dy]: [Lanes<V>; 1],
        [x, probe]: [Lanes<V>; 2],
        constants: [Lanes<V>; 3],
    ) -> ([Lanes<V>; 1], [Lanes<V>; 2]) {
        let (g, terms) = Sums::of([x, probe, dy], constants);
        ([g], terms)
    }
}

/// The input gradient from one that has the ReLU's zeros already.
struct Spread;

impl Body<2, 1, 4, 0> for Spread {
    #[inline(always)]
    fn apply<V: Simd>(
        &self,
        _: [Lanes<V>; 1],
        [x, g]: [Lanes<V>; 2],
        [scale, slope, offset, mean]: [Lanes<V>; 4],
    ) -> ([Lanes<V>; 1], [Lanes<V>; 0]) {
        ([scale * g - slope * (x - mean) - offset], [])
    }
}

/// [`Spread`] with the gradient in the output, where the ReLU has not stopped it yet.
struct SpreadInPlace;

impl Body<2, 1, 6, 0> for SpreadInPlace {
    #[inline(always)]
    fn apply<V: Simd>(
        &self,
        [dy]: [Lanes<V>; 1],
        [x, probe]: [Lanes<V>; 2],
        [scale, slope, offset, mean, gate_scale, gate_shift]: [Lanes<V>; 6],
    ) -> ([Lanes<V>; 1], [Lanes<V>; 0]) {
        let g = dy.gated(probe * gate_scale + gate_shift);
        Spread.apply([dy], [x, g], [scale, slope, offset, mean])
    }
}
