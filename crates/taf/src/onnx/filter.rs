//! Weights on their way into the graph.

use std::ops::Range;

/// A tensor that is known when the graph is written, in row-major order.
#[derive(Clone, Debug)]
pub(super) struct Constant {
    /// The published name of the weight it is made of, or its name here.
    pub(super) name: String,
    pub(super) shape: Vec<usize>,
    pub(super) values: Vec<f32>,
}

impl Constant {
    /// Axis `i` of the result is axis `axes[i]`.
    pub(super) fn permuted(&self, axes: &[usize]) -> Self {
        let strides: Vec<usize> = (0..self.shape.len()).map(|axis| self.shape[axis + 1..].iter().product()).collect();
        let mut places = vec![0];
        for &axis in axes {
            let (count, stride) = (self.shape[axis], strides[axis]);
            places = places.iter().flat_map(|start| (0..count).map(move |index| start + index * stride)).collect();
        }
        Self {
            name: self.name.clone(),
            shape: axes.iter().map(|&axis| self.shape[axis]).collect(),
            values: places.into_iter().map(|place| self.values[place]).collect(),
        }
    }

    /// The same values in another shape.
    pub(super) fn reshaped(&self, shape: &[usize]) -> Self {
        Self { shape: shape.to_vec(), ..self.clone() }
    }

    /// The name without what says that it is a weight.
    pub(super) fn layer(&self) -> &str {
        self.name.strip_suffix(".weight").unwrap_or(&self.name)
    }
}

/// Weights of a convolution, `[out, in / groups, kernel...]`, and what is added behind it.
#[derive(Clone, Debug)]
pub(super) struct Filter {
    pub(super) weight: Constant,
    pub(super) bias: Option<Vec<f32>>,
}

impl Filter {
    /// Weights `[kernel..., in / groups, out]`, with this kernel in the graph: axes of 1 may come and go.
    pub(super) fn new(weight: &Constant, kernel: &[usize]) -> Self {
        let rank = weight.shape.len();
        let outputs_first: Vec<usize> = [rank - 1, rank - 2].into_iter().chain(0..rank - 2).collect();
        let shape = [&[weight.shape[rank - 1], weight.shape[rank - 2]], kernel].concat();
        Self { weight: weight.permuted(&outputs_first).reshaped(&shape), bias: None }
    }

    /// Output channels.
    pub(super) fn channels_out(&self) -> usize {
        self.weight.shape[0]
    }

    /// The same convolution followed by a map of its output channels. Computed in 64 bits, rounded once.
    pub(super) fn then(mut self, map: &ChannelMap) -> Self {
        let per_channel = self.weight.values.len() / self.channels_out();
        for (row, scale) in self.weight.values.chunks_exact_mut(per_channel).zip(&map.scale) {
            row.iter_mut().for_each(|w| *w = (f64::from(*w) * scale) as f32);
        }
        let bias = |channel: usize| self.bias.as_ref().map_or(0.0, |bias| f64::from(bias[channel]));
        let folded = map.scale.iter().zip(&map.offset).enumerate().map(|(c, (s, o))| (bias(c) * s + o) as f32);
        self.bias = Some(folded.collect());
        self
    }
}

/// `scale * x + offset` per channel.
#[derive(Clone, Debug)]
pub(super) struct ChannelMap {
    pub(super) scale: Vec<f64>,
    pub(super) offset: Vec<f64>,
}

impl ChannelMap {
    /// What a batch norm does at inference: gamma, beta, mean and variance, and what is added to the last.
    pub(super) fn of_norm([gamma, beta, mean, variance]: [&[f32]; 4], epsilon: f32) -> Self {
        // The decimal number that was meant, not the nearest of 32 bits.
        let epsilon: f64 = epsilon.to_string().parse().expect("a number");
        let scale: Vec<f64> =
            gamma.iter().zip(variance).map(|(&g, &v)| f64::from(g) / (f64::from(v) + epsilon).sqrt()).collect();
        let offset = beta.iter().zip(mean).zip(&scale).map(|((&b, &m), s)| f64::from(b) - f64::from(m) * s).collect();
        Self { scale, offset }
    }

    /// The map of some of the channels.
    pub(super) fn of(&self, channels: Range<usize>) -> Self {
        Self { scale: self.scale[channels.clone()].to_vec(), offset: self.offset[channels].to_vec() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_norm_becomes_part_of_the_convolution_before_it() {
        let weight = Constant { name: "c.weight".into(), shape: vec![1, 1, 2, 2], values: vec![1.0, 3.0, 2.0, 4.0] };
        let norm = ChannelMap::of_norm([&[2.0, 0.5], &[1.0, -1.0], &[3.0, 5.0], &[4.0, 0.25]], 1e-5);
        let filter = Filter::new(&weight, &[1, 1]).then(&norm);
        let scales = [2.0 / (4.0_f64 + 1e-5).sqrt(), 0.5 / (0.25_f64 + 1e-5).sqrt()];
        let expected = [scales[0], 2.0 * scales[0], 3.0 * scales[1], 4.0 * scales[1]].map(|w| w as f32);
        assert_eq!(filter.weight.values, expected);
        assert_eq!(filter.weight.shape, [2, 2, 1, 1]);
        assert_eq!(filter.bias.unwrap(), [1.0 - 3.0 * scales[0], -1.0 - 5.0 * scales[1]].map(|b| b as f32));
    }
}
