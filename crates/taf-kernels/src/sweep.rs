//! One reading of `[rows, channels]` slices: the loop under every kernel here that is as fast as the memory.

use std::array::from_fn;
use std::ops::Range;

use pulp::{Arch, Simd, WithSimd};
use rayon::prelude::*;

use crate::channels::Division;
use crate::lanes::Lanes;

/// Rows added up in registers before the sums of their lanes are touched.
const ROWS: usize = 4;

/// What a [`sweep`] computes from `I` inputs and `C` constants per channel: `O` outputs and the terms of `S` sums.
pub(crate) trait Body<const I: usize, const O: usize, const C: usize, const S: usize>: Sync {
    /// From the old values of the outputs, the inputs and the constants to the new outputs and the terms. An output whose
    /// old value is ignored is only written. To be marked `#[inline(always)]`.
    fn apply<V: Simd>(
        &self,
        outputs: [Lanes<V>; O],
        inputs: [Lanes<V>; I],
        constants: [Lanes<V>; C],
    ) -> ([Lanes<V>; O], [Lanes<V>; S]);
}

/// Runs `body` over equally long slices and gives back its sums per channel.
///
/// Terms are summed in f32 within a task, some hundred per lane, then in f64 and in a fixed order.
pub(crate) fn sweep<const I: usize, const O: usize, const C: usize, const S: usize>(
    division: &Division,
    inputs: [&[f32]; I],
    outputs: [&mut [f32]; O],
    constants: [&[f32]; C],
    body: &impl Body<I, O, C, S>,
) -> [Vec<f64>; S] {
    let constants = constants.map(|values| division.spread(values));
    let constants = constants.each_ref().map(Vec::as_slice);
    let tasks: Vec<[Vec<f64>; S]> = parts(division, outputs)
        .into_par_iter()
        .enumerate()
        .map(|(task, outputs)| sweep_task(division, inputs.map(|x| &x[division.range(task)]), outputs, constants, body))
        .collect();
    let mut totals = from_fn(|_| vec![0.0; division.channels]);
    for sums in &tasks {
        totals.iter_mut().zip(sums).for_each(|(total, sum)| add(total, sum));
    }
    totals
}

fn add(total: &mut [f64], sum: &[f64]) {
    total.iter_mut().zip(sum).for_each(|(total, sum)| *total += sum);
}

/// The parts of the outputs that belong to each task.
fn parts<'a, const O: usize>(division: &Division, outputs: [&'a mut [f32]; O]) -> Vec<[&'a mut [f32]; O]> {
    let mut chunks = outputs.map(|output| output.chunks_mut(division.task));
    (0..division.tasks()).map(|_| chunks.each_mut().map(|chunk| chunk.next().unwrap_or_default())).collect()
}

/// [`sweep`] over the slices of one task, with the constants spread over the lanes.
pub(crate) fn sweep_task<const I: usize, const O: usize, const C: usize, const S: usize>(
    division: &Division,
    inputs: [&[f32]; I],
    mut outputs: [&mut [f32]; O],
    constants: [&[f32]; C],
    body: &impl Body<I, O, C, S>,
) -> [Vec<f64>; S] {
    let mut sums: [Vec<f32>; S] = from_fn(|_| vec![0.0; division.lanes()]);
    let slices = Slices {
        lanes: division.lanes(),
        inputs,
        outputs: outputs.each_mut().map(|output| &mut **output),
        constants,
        sums: sums.each_mut().map(Vec::as_mut_slice),
        body,
    };
    Arch::new().dispatch(slices);
    sums.map(|sum| division.fold(&sum))
}

struct Slices<'a, B, const I: usize, const O: usize, const C: usize, const S: usize> {
    lanes: usize,
    inputs: [&'a [f32]; I],
    outputs: [&'a mut [f32]; O],
    constants: [&'a [f32]; C],
    sums: [&'a mut [f32]; S],
    body: &'a B,
}

impl<B: Body<I, O, C, S>, const I: usize, const O: usize, const C: usize, const S: usize> WithSimd
    for Slices<'_, B, I, O, C, S>
{
    type Output = ();

    #[inline(always)]
    fn with_simd<V: Simd>(mut self, simd: V) {
        let lens = self.inputs.iter().map(|x| x.len()).chain(self.outputs.iter().map(|y| y.len()));
        let (len, lanes) = (lens.max().unwrap_or(0), self.lanes);
        // Without sums nothing is gained by several rows at once, and the prefetcher likes one after the other best.
        let group = if S == 0 { lanes } else { ROWS * lanes };
        let whole = len / group * group;
        for start in (0..whole).step_by(group) {
            match S {
                0 => self.rows::<V, 1>(simd, start, lanes),
                _ => self.rows::<V, ROWS>(simd, start, lanes),
            }
        }
        for start in (whole..len).step_by(lanes) {
            self.rows::<V, 1>(simd, start, lanes.min(len - start));
        }
    }
}

impl<B: Body<I, O, C, S>, const I: usize, const O: usize, const C: usize, const S: usize> Slices<'_, B, I, O, C, S> {
    /// The first `lanes` floats of `R` rows that follow each other.
    #[inline(always)]
    fn rows<V: Simd, const R: usize>(&mut self, simd: V, start: usize, lanes: usize) {
        let whole = lanes / V::F32_LANES * V::F32_LANES;
        for lane in (0..whole).step_by(V::F32_LANES) {
            self.column::<V, R>(simd, start, lane, V::F32_LANES);
        }
        if whole < lanes {
            self.column::<V, R>(simd, start, whole, lanes - whole);
        }
    }

    /// A register's width, or the `width` lanes that are left, of `R` rows.
    #[inline(always)]
    fn column<V: Simd, const R: usize>(&mut self, simd: V, start: usize, lane: usize, width: usize) {
        let zero = Lanes::splat(simd, 0.0);
        let range = lane..lane + width;
        let mut constants = [zero; C];
        for (lanes, values) in constants.iter_mut().zip(self.constants) {
            *lanes = Lanes::load(simd, &values[range.clone()]);
        }
        let mut totals = [zero; S];
        for row in 0..R {
            let place = start + row * self.lanes + lane;
            let terms = self.apply(simd, place..place + width, constants);
            totals.iter_mut().zip(terms).for_each(|(total, term)| *total = *total + term);
        }
        for (sum, total) in self.sums.iter_mut().zip(totals) {
            let sum = &mut sum[range.clone()];
            (Lanes::load(simd, sum) + total).store(sum);
        }
    }

    /// The body on a register's width or less, which gives back the terms of the sums.
    #[inline(always)]
    fn apply<V: Simd>(&mut self, simd: V, range: Range<usize>, constants: [Lanes<V>; C]) -> [Lanes<V>; S] {
        let zero = Lanes::splat(simd, 0.0);
        let (mut inputs, mut outputs) = ([zero; I], [zero; O]);
        for (lanes, values) in inputs.iter_mut().zip(self.inputs) {
            *lanes = Lanes::load(simd, &values[range.clone()]);
        }
        for (lanes, values) in outputs.iter_mut().zip(&self.outputs) {
            *lanes = Lanes::load(simd, &values[range.clone()]);
        }
        let (outputs, terms) = self.body.apply(outputs, inputs, constants);
        for (lanes, values) in outputs.into_iter().zip(&mut self.outputs) {
            lanes.store(&mut values[range.clone()]);
        }
        terms
    }
}

/// The sum of the values.
pub(crate) struct Total;

impl Body<1, 0, 0, 1> for Total {
    #[inline(always)]
    fn apply<V: Simd>(&self, _: [Lanes<V>; 0], [x]: [Lanes<V>; 1], _: [Lanes<V>; 0]) -> ([Lanes<V>; 0], [Lanes<V>; 1]) {
        ([], [x])
    }
}
