use rayon::prelude::*;

use super::statistics::fold;
use crate::channels::Cut;
use crate::scale_shift::masked;
use crate::scratch::Scratch;
use crate::simd::vectorized;

/// Floats summed in f32 before they are added to the f64 totals: 32 KiB.
const BLOCK: usize = 8 * 1024;

/// What [`batch_norm_backward`] needs from the forward pass.
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
    /// The output, if the forward pass ended with a ReLU: its zeros tell where the gradient stops.
    pub relu_output: Option<&'a [f32]>,
}

/// Gradients of [`batch_norm_forward`](crate::batch_norm_forward), through the statistics too. Overwrites all of them.
///
/// `dresidual` is wanted where the forward pass had a residual; it is `dy` with the ReLU's zeros.
///
/// # Shapes
/// `dy`, `dx`, `dresidual` as `x`; `dgamma` and `dbeta` `[channels]`.
///
/// # Panics
/// If the lengths do not fit together.
pub fn batch_norm_backward(
    saved: &BatchNormSaved,
    dy: &[f32],
    dx: &mut [f32],
    dgamma: &mut [f32],
    dbeta: &mut [f32],
    mut dresidual: Option<&mut [f32]>,
) {
    let cut = saved.check(dy, dx, dresidual.as_deref());
    assert_eq!(
        (dgamma.len(), dbeta.len()),
        (cut.channels, cut.channels),
        "channels of the gradients of gamma and beta"
    );
    let sums = sum_gradients(saved, &cut, dy, dresidual.as_deref_mut());
    for (channel, inv_std) in saved.inv_std.iter().enumerate() {
        dbeta[channel] = sums.plain[channel] as f32;
        dgamma[channel] = (sums.centred[channel] * f64::from(*inv_std)) as f32;
    }
    let coefficients = Coefficients::new(saved, &cut, &sums);
    // The masked gradient is already there if it was asked for.
    let (g, relu_output) = match dresidual {
        Some(dresidual) => (&*dresidual, None),
        None => (dy, saved.relu_output),
    };
    dx.par_chunks_mut(cut.task).enumerate().for_each(|(task, dx)| {
        let range = cut.range(task);
        coefficients.apply(&saved.x[range.clone()], &g[range.clone()], relu_output.map(|y| &y[range]), dx);
    });
}

impl BatchNormSaved<'_> {
    fn check(&self, dy: &[f32], dx: &[f32], dresidual: Option<&[f32]>) -> Cut {
        let (len, channels) = (self.x.len(), self.gamma.len());
        assert_eq!((self.mean.len(), self.inv_std.len()), (channels, channels), "channels of the statistics");
        assert_eq!((dy.len(), dx.len()), (len, len), "floats of the output and input gradient");
        assert_eq!(self.relu_output.map_or(len, <[f32]>::len), len, "output floats");
        assert_eq!(dresidual.map_or(len, <[f32]>::len), len, "residual gradient floats");
        Cut::new(len, channels)
    }
}

/// Per channel: the sum of the gradient, and of the gradient times the centred input.
struct Sums {
    plain: Vec<f64>,
    centred: Vec<f64>,
}

fn sum_gradients(saved: &BatchNormSaved, cut: &Cut, dy: &[f32], dresidual: Option<&mut [f32]>) -> Sums {
    let mean = cut.spread(saved.mean);
    let parts = cut.parts(dresidual);
    let tasks: Vec<Sums> = parts
        .into_par_iter()
        .enumerate()
        .map(|(task, dresidual)| {
            let range = cut.range(task);
            let y = saved.relu_output.map(|y| &y[range.clone()]);
            sum_task(cut, &mean, &saved.x[range.clone()], &dy[range], y, dresidual)
        })
        .collect();
    let mut total = Sums { plain: vec![0.0; cut.channels], centred: vec![0.0; cut.channels] };
    tasks.iter().for_each(|task| total.add(&task.plain, &task.centred));
    total
}

fn sum_task(
    cut: &Cut,
    mean: &[f32],
    x: &[f32],
    dy: &[f32],
    relu_output: Option<&[f32]>,
    mut dresidual: Option<&mut [f32]>,
) -> Sums {
    let block = mean.len() * (BLOCK / mean.len()).max(4);
    let mut total = Sums { plain: vec![0.0; cut.channels], centred: vec![0.0; cut.channels] };
    let mut own = Scratch::take(block);
    let [mut plain, mut centred] = [vec![0.0; mean.len()], vec![0.0; mean.len()]];
    for start in (0..x.len()).step_by(block) {
        let range = start..x.len().min(start + block);
        let g = match &mut dresidual {
            Some(dresidual) => &mut dresidual[range.clone()],
            None => &mut own[..range.len()],
        };
        plain.fill(0.0);
        centred.fill(0.0);
        vectorized(|| {
            masked(&dy[range.clone()], relu_output.map(|y| &y[range.clone()]), g);
            for (x, g) in x[range].chunks(mean.len()).zip(g.chunks(mean.len())) {
                let lanes = plain.iter_mut().zip(&mut centred).zip(x).zip(g).zip(mean);
                for ((((plain, centred), x), g), mean) in lanes {
                    *plain += g;
                    *centred += g * (x - mean);
                }
            }
        });
        total.add(&fold(&plain, cut.channels), &fold(&centred, cut.channels));
    }
    total
}

impl Sums {
    fn add(&mut self, plain: &[f64], centred: &[f64]) {
        self.plain.iter_mut().zip(plain).for_each(|(sum, value)| *sum += value);
        self.centred.iter_mut().zip(centred).for_each(|(sum, value)| *sum += value);
    }
}

/// `dx = scale * g - slope * (x - mean) - offset`, per channel and repeated over the lanes.
struct Coefficients {
    scale: Vec<f32>,
    slope: Vec<f32>,
    offset: Vec<f32>,
    mean: Vec<f32>,
}

impl Coefficients {
    fn new(saved: &BatchNormSaved, cut: &Cut, sums: &Sums) -> Self {
        let count = cut.rows() as f64;
        let [mut scale, mut slope, mut offset] = [const { Vec::new() }; 3];
        for (channel, (gamma, inv_std)) in saved.gamma.iter().zip(saved.inv_std).enumerate() {
            let inv_std = f64::from(*inv_std);
            let factor = f64::from(*gamma) * inv_std;
            scale.push(factor as f32);
            slope.push((factor * inv_std * inv_std * sums.centred[channel] / count) as f32);
            offset.push((factor * sums.plain[channel] / count) as f32);
        }
        let [scale, slope, offset, mean] = [&scale, &slope, &offset, saved.mean].map(|values| cut.spread(values));
        Self { scale, slope, offset, mean }
    }

    fn apply(&self, x: &[f32], g: &[f32], relu_output: Option<&[f32]>, dx: &mut [f32]) {
        let lanes = self.mean.len();
        vectorized(|| {
            for start in (0..x.len()).step_by(lanes) {
                let range = start..x.len().min(start + lanes);
                let dx = &mut dx[range.clone()];
                masked(&g[range.clone()], relu_output.map(|y| &y[range.clone()]), dx);
                let channels = self.scale.iter().zip(&self.slope).zip(&self.offset).zip(&self.mean);
                for ((dx, x), (((scale, slope), offset), mean)) in dx.iter_mut().zip(&x[range]).zip(channels) {
                    *dx = scale * *dx - slope * (x - mean) - offset;
                }
            }
        });
    }
}
