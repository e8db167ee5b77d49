use std::cell::RefCell;
use std::collections::BTreeSet;
use std::ops::Range;

use super::error::{OnnxError, Result};
use crate::model::StateDict;

/// What every batch norm of these networks adds to its variance.
const EPSILON: f64 = 1e-5;
/// How the count of batches ends, which PyTorch keeps beside the running statistics and inference does not read.
const BATCH_COUNT: &str = ".num_batches_tracked";

/// Weights by their published names, which remembers what was asked for.
pub(super) struct Weights<'a> {
    state: &'a StateDict,
    network: String,
    used: RefCell<BTreeSet<String>>,
}

impl<'a> Weights<'a> {
    /// `network` is what errors call it.
    pub(super) fn new(state: &'a StateDict, network: String) -> Self {
        Self { state, network, used: RefCell::default() }
    }

    /// `name.weight` without a bias: any rank, output channels first.
    pub(super) fn filter(&self, name: &str) -> Result<Filter> {
        let full = format!("{name}.weight");
        let (shape, values) = self.tensor(&full)?;
        if shape.len() < 2 || shape.contains(&0) {
            return Err(shape_error(full, "have two axes or more, none of them empty", shape));
        }
        Ok(Filter { name: name.to_owned(), shape: shape.to_vec(), weight: values.to_vec(), bias: None })
    }

    /// `name.weight` and `name.bias` of a linear layer.
    pub(super) fn linear(&self, name: &str) -> Result<Filter> {
        let filter = self.filter(name)?;
        let bias = self.channels(&format!("{name}.bias"), filter.shape[0])?;
        Ok(Filter { bias: Some(bias.to_vec()), ..filter })
    }

    /// A convolution or linear layer with the batch norm behind it folded in.
    pub(super) fn folded(&self, filter: &str, norm: &str) -> Result<Filter> {
        let filter = self.filter(filter)?;
        let map = self.norm(norm, filter.shape[0])?;
        Ok(filter.then(&map))
    }

    /// What a batch norm of so many channels does at inference.
    pub(super) fn norm(&self, name: &str, channels: usize) -> Result<ChannelMap> {
        let leaf = |leaf: &str| self.channels(&format!("{name}.{leaf}"), channels);
        let (gamma, beta) = (leaf("weight")?, leaf("bias")?);
        let (mean, variance) = (leaf("running_mean")?, leaf("running_var")?);
        let scale: Vec<f64> =
            gamma.iter().zip(variance).map(|(&g, &v)| f64::from(g) / (f64::from(v) + EPSILON).sqrt()).collect();
        let offset = beta.iter().zip(mean).zip(&scale).map(|((&b, &m), s)| f64::from(b) - f64::from(m) * s).collect();
        Ok(ChannelMap { scale, offset })
    }

    /// Marks everything below `prefix` as known, though inference has no use for it.
    pub(super) fn skip(&self, prefix: &str) {
        let below = self.state.keys().filter(|name| name.starts_with(prefix)).cloned();
        self.used.borrow_mut().extend(below);
    }

    /// Fails if a tensor was never asked for: the weights then belong to another network.
    pub(super) fn check_all_used(&self) -> Result<()> {
        let used = self.used.borrow();
        let unused = || self.state.keys().filter(|name| !used.contains(*name) && !name.ends_with(BATCH_COUNT));
        match unused().next() {
            None => Ok(()),
            Some(name) => {
                let (network, count) = (self.network.clone(), unused().count());
                Err(OnnxError::Unused { network, count, name: name.clone() })
            }
        }
    }

    fn channels(&self, name: &str, count: usize) -> Result<&'a [f32]> {
        let (shape, values) = self.tensor(name)?;
        if shape != [count] {
            return Err(shape_error(name.to_owned(), &format!("have shape [{count}]"), shape));
        }
        Ok(values)
    }

    fn tensor(&self, name: &str) -> Result<(&'a [usize], &'a [f32])> {
        let missing = || OnnxError::Missing { network: self.network.clone(), name: name.to_owned() };
        let data = self.state.get(name).ok_or_else(missing)?;
        let elements = |_| OnnxError::Elements { name: name.to_owned(), found: format!("{:?}", data.dtype()) };
        let values = data.as_slice::<f32>().map_err(elements)?;
        self.used.borrow_mut().insert(name.to_owned());
        Ok((data.shape(), values))
    }
}

fn shape_error(name: String, expected: &str, found: &[usize]) -> OnnxError {
    OnnxError::Shape { name, expected: expected.to_owned(), found: found.to_vec() }
}

/// Weights of a convolution (`[out, in / groups, kernel...]`) or linear layer (`[out, in]`) in PyTorch's layout.
#[derive(Clone, Debug)]
pub(super) struct Filter {
    /// The published name, without `.weight`.
    pub(super) name: String,
    pub(super) shape: Vec<usize>,
    pub(super) weight: Vec<f32>,
    pub(super) bias: Option<Vec<f32>>,
}

impl Filter {
    /// Output channels.
    pub(super) fn channels_out(&self) -> usize {
        self.shape[0]
    }

    /// The same convolution followed by a map of its output channels. Computed in 64 bits, rounded once.
    pub(super) fn then(mut self, map: &ChannelMap) -> Self {
        let per_channel = self.weight.len() / self.shape[0];
        for (row, scale) in self.weight.chunks_exact_mut(per_channel).zip(&map.scale) {
            row.iter_mut().for_each(|w| *w = (f64::from(*w) * scale) as f32);
        }
        let bias = |channel: usize| self.bias.as_ref().map_or(0.0, |bias| f64::from(bias[channel]));
        let folded = map.scale.iter().zip(&map.offset).enumerate().map(|(c, (s, o))| (bias(c) * s + o) as f32);
        self.bias = Some(folded.collect());
        self
    }

    /// As a kernel for images: `[out, in, 1, height, width]`, which GST and TPN call a volume, loses its axis of time.
    pub(super) fn for_images(mut self) -> Result<Self> {
        match self.shape.as_slice() {
            &[out, input, 1, height, width] => self.shape = vec![out, input, height, width],
            found if found.len() == 5 => return Err(shape_error(self.name, "look at one frame", found)),
            _ => {}
        }
        Ok(self)
    }
}

/// `scale * x + offset` per channel.
#[derive(Clone, Debug)]
pub(super) struct ChannelMap {
    scale: Vec<f64>,
    offset: Vec<f64>,
}

impl ChannelMap {
    /// The map of some of the channels.
    pub(super) fn of(&self, channels: Range<usize>) -> Self {
        Self { scale: self.scale[channels.clone()].to_vec(), offset: self.offset[channels].to_vec() }
    }
}

#[cfg(test)]
mod tests {
    use burn::tensor::TensorData;

    use super::*;

    fn state() -> StateDict {
        let row = |values: [f32; 2]| TensorData::new(values.to_vec(), [2]);
        StateDict::from([
            ("c.weight".into(), TensorData::new(vec![1.0_f32, 2.0, 3.0, 4.0], [2, 2, 1, 1])),
            ("n.weight".into(), row([2.0, 0.5])),
            ("n.bias".into(), row([1.0, -1.0])),
            ("n.running_mean".into(), row([3.0, 5.0])),
            ("n.running_var".into(), row([4.0, 0.25])),
        ])
    }

    #[test]
    fn a_norm_becomes_part_of_the_convolution_before_it() {
        let state = state();
        let filter = Weights::new(&state, "x".into()).folded("c", "n").unwrap();
        let scales = [2.0 / (4.0 + EPSILON).sqrt(), 0.5 / (0.25 + EPSILON).sqrt()];
        let expected = [scales[0], 2.0 * scales[0], 3.0 * scales[1], 4.0 * scales[1]].map(|w| w as f32);
        assert_eq!(filter.weight, expected);
        assert_eq!(filter.bias.unwrap(), [1.0 - 3.0 * scales[0], -1.0 - 5.0 * scales[1]].map(|b| b as f32));
    }

    #[test]
    fn weights_of_another_network_are_refused_by_name() {
        let state = state();
        let weights = Weights::new(&state, "tsm".into());
        let missing = weights.filter("d").unwrap_err().to_string();
        assert_eq!(missing, "expected weights of tsm, found no tensor \"d.weight\"");
        weights.filter("c").unwrap();
        let unused = weights.check_all_used().unwrap_err().to_string();
        assert_eq!(unused, "expected weights of tsm, found 4 tensors it does not have, such as \"n.bias\"");
    }

    #[test]
    fn a_norm_of_other_channels_is_refused() {
        let state = state();
        let error = Weights::new(&state, "x".into()).norm("n", 3).unwrap_err().to_string();
        assert_eq!(error, "expected n.weight to have shape [3], found [2]");
    }
}
