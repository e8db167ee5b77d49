//! The temporal adaptive module's own step (Liu et al.: "TAM: Temporal Adaptive Module for Video Recognition", ICCV
//! 2021): a convolution over time whose kernel each clip and channel has for itself.

use pulp::Simd;
use rayon::prelude::*;

use crate::channels::Division;
use crate::lanes::Lanes;
use crate::size::product;
use crate::sweep::{Body, sweep};

/// Frames a kernel reaches over: the previous, its own and the next.
const TAPS: usize = 3;

/// Sizes of an adaptive convolution over `[clips * frames, height, width, channels]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct AdaptiveShape {
    /// Number of clips.
    pub clips: usize,
    /// Frames of a clip.
    pub frames: usize,
    /// Pixels of a frame, `height * width`.
    pub pixels: usize,
    /// Channels of a pixel.
    pub channels: usize,
}

/// The small operands, which the module's two branches compute from the clip.
#[derive(Clone, Copy, Debug)]
pub struct AdaptiveWeights<'a> {
    /// `[clips, channels, 3]`: the weights of the previous frame, the frame itself and the next.
    pub kernels: &'a [f32],
    /// `[clips, frames, channels]`: what each frame is multiplied by before the convolution.
    pub gates: &'a [f32],
}

/// Gradients of [`AdaptiveWeights`], of the same layout.
#[derive(Debug)]
pub struct AdaptiveWeightGradients<'a> {
    /// `[clips, channels, 3]`.
    pub kernels: &'a mut [f32],
    /// `[clips, frames, channels]`.
    pub gates: &'a mut [f32],
}

impl AdaptiveShape {
    /// Length of input and output.
    pub fn len(&self) -> usize {
        product([self.clips, self.frame_len(), self.frames])
    }

    /// Whether there is nothing to convolve.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Length of the kernels.
    pub fn kernels_len(&self) -> usize {
        product([self.clips, self.channels, TAPS])
    }

    /// Length of the gates.
    pub fn gates_len(&self) -> usize {
        product([self.clips, self.frames, self.channels])
    }

    fn frame_len(&self) -> usize {
        product([self.pixels, self.channels])
    }

    fn check(&self, maps: [usize; 2], kernels: usize, gates: usize) {
        assert_eq!(maps, [self.len(); 2], "input and output floats of {self:?}");
        assert_eq!((kernels, gates), (self.kernels_len(), self.gates_len()), "kernel and gate floats of {self:?}");
    }

    /// The frame `step - 1` frames later, if it belongs to the clip. Frames are counted over the batch.
    fn neighbour(&self, frame: usize, step: usize) -> Option<usize> {
        let place = (frame % self.frames + step).checked_sub(1)?;
        (place < self.frames).then(|| frame - frame % self.frames + place)
    }

    /// That frame of `maps`; where there is none, the frame itself, which a weight of zero then drops.
    fn frame<'a>(&self, maps: &'a [f32], frame: usize, step: usize) -> &'a [f32] {
        &maps[self.neighbour(frame, step).unwrap_or(frame) * self.frame_len()..][..self.frame_len()]
    }
}

impl AdaptiveWeights<'_> {
    /// A tap of the kernels of the clip a frame belongs to.
    fn tap(&self, shape: &AdaptiveShape, frame: usize, tap: usize) -> impl Iterator<Item = f32> {
        let clip = frame / shape.frames;
        self.kernels[clip * shape.channels * TAPS..][..shape.channels * TAPS].iter().skip(tap).step_by(TAPS).copied()
    }

    fn gate(&self, shape: &AdaptiveShape, frame: usize) -> &[f32] {
        &self.gates[frame * shape.channels..][..shape.channels]
    }

    /// A tap times the gate of `gated`, zeros if there is no such frame.
    fn product(&self, shape: &AdaptiveShape, frame: usize, tap: usize, gated: Option<usize>) -> Vec<f32> {
        let Some(gated) = gated else { return vec![0.0; shape.channels] };
        self.tap(shape, frame, tap).zip(self.gate(shape, gated)).map(|(weight, gate)| weight * gate).collect()
    }
}

/// `y[t] = kernel[0] * z[t - 1] + kernel[1] * z[t] + kernel[2] * z[t + 1]` with `z = gate * x`, per clip and channel; what
/// lies outside the clip is zero. The gated map is never written.
///
/// # Panics
/// If a length does not fit the shape.
pub fn temporal_adaptive_forward(shape: &AdaptiveShape, x: &[f32], weights: &AdaptiveWeights, y: &mut [f32]) {
    shape.check([x.len(), y.len()], weights.kernels.len(), weights.gates.len());
    if shape.is_empty() {
        return;
    }
    let division = Division::new(shape.frame_len(), shape.channels);
    y.par_chunks_mut(shape.frame_len()).enumerate().for_each(|(frame, y)| {
        let taps = [0, 1, 2].map(|tap| weights.product(shape, frame, tap, shape.neighbour(frame, tap)));
        let frames = [0, 1, 2].map(|tap| shape.frame(x, frame, tap));
        sweep(&division, frames, [y], taps.each_ref().map(Vec::as_slice), &Mix);
    });
}

/// Gradients of [`temporal_adaptive_forward`] in one reading of `x` and `dy`. Overwrites all of them.
///
/// # Panics
/// If a length does not fit the shape.
pub fn temporal_adaptive_backward(
    shape: &AdaptiveShape,
    x: &[f32],
    weights: &AdaptiveWeights,
    dy: &[f32],
    dx: &mut [f32],
    dweights: AdaptiveWeightGradients,
) {
    shape.check([x.len(), dy.len()], weights.kernels.len(), weights.gates.len());
    shape.check([dx.len(); 2], dweights.kernels.len(), dweights.gates.len());
    dweights.kernels.fill(0.0);
    dweights.gates.fill(0.0);
    if shape.is_empty() {
        return;
    }
    let division = Division::new(shape.frame_len(), shape.channels);
    let frames = dx.par_chunks_mut(shape.frame_len()).enumerate();
    let sums: Vec<[Vec<f64>; TAPS]> =
        frames.map(|(frame, dx)| frame_gradient(shape, &division, frame, x, weights, dy, dx)).collect();
    add_up(shape, weights, &sums, dweights);
}

/// Writes the gradient of a frame. Gives back, for every tap, the products of the frame with the output gradient that
/// the tap leads to, summed over the pixels.
fn frame_gradient(
    shape: &AdaptiveShape,
    division: &Division,
    frame: usize,
    x: &[f32],
    weights: &AdaptiveWeights,
    dy: &[f32],
    dx: &mut [f32],
) -> [Vec<f64>; TAPS] {
    // A frame is the previous one to the frame after it: tap 0 leads to the next output.
    let outputs = [2, 1, 0].map(|step| shape.neighbour(frame, step));
    let taps = [0, 1, 2].map(|tap| weights.product(shape, frame, tap, outputs[tap].map(|_| frame)));
    let [next, here, previous] = [2, 1, 0].map(|step| shape.frame(dy, frame, step));
    let inputs = [shape.frame(x, frame, 1), next, here, previous];
    let mut sums = sweep(division, inputs, [dx], taps.each_ref().map(Vec::as_slice), &Correlate);
    let outside = outputs.iter().zip(&mut sums).filter(|(output, _)| output.is_none());
    outside.for_each(|(_, sums)| sums.fill(0.0));
    sums
}

/// A sum per frame and tap, times the gate, is part of the kernel's gradient; times the kernel, of the gate's.
fn add_up(
    shape: &AdaptiveShape,
    weights: &AdaptiveWeights,
    sums: &[[Vec<f64>; TAPS]],
    dweights: AdaptiveWeightGradients,
) {
    let channels = shape.channels;
    let mut dkernels = vec![0.0; shape.kernels_len()];
    for (frame, (sums, dgate)) in sums.iter().zip(dweights.gates.chunks_exact_mut(channels)).enumerate() {
        let first = frame / shape.frames * channels * TAPS;
        let gate = weights.gate(shape, frame);
        for (channel, dgate) in dgate.iter_mut().enumerate() {
            let place = first + channel * TAPS;
            let kernel = &weights.kernels[place..place + TAPS];
            let products = kernel.iter().zip(sums).map(|(weight, sums)| f64::from(*weight) * sums[channel]);
            *dgate = products.sum::<f64>() as f32;
            for (dkernel, sums) in dkernels[place..place + TAPS].iter_mut().zip(sums) {
                *dkernel += f64::from(gate[channel]) * sums[channel];
            }
        }
    }
    dweights.kernels.iter_mut().zip(dkernels).for_each(|(dkernel, sum)| *dkernel = sum as f32);
}

/// The weighted sum of three maps.
struct Mix;

impl Mix {
    #[inline(always)]
    fn of<V: Simd>([a, b, c]: [Lanes<V>; TAPS], weights: [Lanes<V>; TAPS]) -> Lanes<V> {
        a * weights[0] + b * weights[1] + c * weights[2]
    }
}

impl Body<TAPS, 1, TAPS, 0> for Mix {
    #[inline(always)]
    fn apply<V: Simd>(
        &self,
        _: [Lanes<V>; 1],
        maps: [Lanes<V>; TAPS],
        weights: [Lanes<V>; TAPS],
    ) -> ([Lanes<V>; 1], [Lanes<V>; 0]) {
        ([Self::of(maps, weights)], [])
    }
}

/// The weighted sum of three gradients, and each one times the input.
struct Correlate;

impl Body<4, 1, TAPS, TAPS> for Correlate {
    #[inline(always)]
    fn apply<V: Simd>(
        &self,
        _: [Lanes<V>; 1],
        [x, next, here, previous]: [Lanes<V>; 4],
        weights: [Lanes<V>; TAPS],
    ) -> ([Lanes<V>; 1], [Lanes<V>; TAPS]) {
        ([Mix::of([next, here, previous], weights)], [x * next, x * here, x * previous])
    }
}
