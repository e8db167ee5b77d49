use std::collections::HashMap;

use burn::module::{ModuleVisitor, Param, ParamId};
use burn::tensor::{Tensor, TensorData};
use taf_checkpoint::layout::{Home, Part, Weight};

use super::VideoModel;
use super::state::Path;

/// Where the modules of a network say what published code calls their parameters, and how it lays them out.
///
/// A module speaks of its own parameters alone; whoever holds it opens the names it lies [under](Self::under).
#[derive(Debug)]
pub struct PublishedNames {
    home: Home,
    part: fn(String) -> Part,
    prefix: String,
    time_axis: bool,
    said: HashMap<ParamId, Said>,
}

/// What was said of a parameter.
#[derive(Clone, Debug)]
struct Said {
    name: String,
    part: Part,
    /// Axis `i` of the published array is axis `axes[i]` of the own one, but for axes of 1.
    axes: Vec<usize>,
    /// Which axis of the published array is that of 1.
    unit: Option<usize>,
    /// Of the published array.
    shape: Vec<usize>,
    shifted: bool,
}

impl PublishedNames {
    fn new() -> Self {
        Self { home: Home::TSN, part: Part::Trunk, prefix: String::new(), time_axis: false, said: HashMap::new() }
    }

    /// What `say` says is this part of a network published at `home`: `Part::Trunk`, `Part::Neck` or `Part::Classifier`.
    ///
    /// # Panics
    /// When a parameter is named, if networks of that home have no such part.
    pub fn of(&mut self, home: Home, part: fn(String) -> Part, say: impl FnOnce(&mut Self)) {
        let before = (self.home, self.part);
        (self.home, self.part) = (home, part);
        say(self);
        (self.home, self.part) = before;
    }

    /// The names that `say` says begin with `prefix` and a dot.
    pub fn under(&mut self, prefix: &str, say: impl FnOnce(&mut Self)) {
        let length = self.prefix.len();
        self.prefix.push_str(prefix);
        self.prefix.push('.');
        say(self);
        self.prefix.truncate(length);
    }

    /// The published convolutions over images that `say` says have an axis of 1 for time.
    pub fn with_time_axis(&mut self, say: impl FnOnce(&mut Self)) {
        let before = std::mem::replace(&mut self.time_axis, true);
        say(self);
        self.time_axis = before;
    }

    /// A parameter that is laid out as here: all but the weights of convolutions.
    pub fn same<const D: usize>(&mut self, parameter: &Param<Tensor<D>>, leaf: &str) {
        self.say(parameter, leaf, (0..D).collect(), None);
    }

    /// Weights of a convolution, `[kernel..., in, out]` here and `[out, in, kernel...]` in PyTorch.
    pub fn convolution<const D: usize>(&mut self, parameter: &Param<Tensor<D>>, leaf: &str) {
        let over_images = D == 4;
        self.say(parameter, leaf, outputs_first(D), (self.time_axis && over_images).then_some(2));
    }

    /// Weights of a convolution over time, `[kernel, 1, in, out]` here and `[out, in, kernel, 1, 1]` in PyTorch.
    pub fn convolution_over_time(&mut self, parameter: &Param<Tensor<4>>, leaf: &str) {
        self.say(parameter, leaf, outputs_first(4), Some(4));
    }

    /// A temporal shift goes in front of the convolution of these weights, which were named before.
    pub fn shifted<const D: usize>(&mut self, parameter: &Param<Tensor<D>>) {
        if let Some(said) = self.said.get_mut(&parameter.id) {
            said.shifted = true;
        }
    }

    /// `unit` is where the published array has an axis of 1 that this one does not have.
    fn say<const D: usize>(&mut self, parameter: &Param<Tensor<D>>, leaf: &str, axes: Vec<usize>, unit: Option<usize>) {
        let dims = parameter.dims();
        let mut shape: Vec<usize> = axes.iter().map(|&axis| dims[axis]).collect();
        if let Some(place) = unit {
            shape.insert(place, 1);
        }
        let part = (self.part)(format!("{}{leaf}", self.prefix));
        let name = self.home.name(&part).expect("the home has such a part");
        self.said.insert(parameter.id, Said { name, part, axes, unit, shape, shifted: false });
    }
}

/// `[.., in, out]` as `[out, in, ..]`.
fn outputs_first(rank: usize) -> Vec<usize> {
    [rank - 1, rank - 2].into_iter().chain(0..rank - 2).collect()
}

/// A parameter or running statistic, and what published code calls it.
#[derive(Clone, Debug)]
pub struct PublishedParameter {
    /// Its name here, as in a [`StateDict`](super::StateDict).
    pub own: String,
    /// The published name, by which layouts know it, its published shape, and whether its rows are classes.
    pub weight: Weight,
    axes: Vec<usize>,
    unit: Option<usize>,
}

impl PublishedParameter {
    /// The published array of this one.
    pub fn publish(&self, data: TensorData) -> TensorData {
        reshaped(permuted(data, &self.axes), self.weight.shape.clone())
    }

    /// A published array as it lies here.
    ///
    /// # Panics
    /// If it has another shape than the parameter.
    pub fn take(&self, data: TensorData) -> TensorData {
        assert_eq!(*data.shape().as_slice(), self.weight.shape, "{}", self.weight.name);
        let mut shape = self.weight.shape.clone();
        if let Some(unit) = self.unit {
            shape.remove(unit);
        }
        let mut inverse = vec![0; self.axes.len()];
        self.axes.iter().enumerate().for_each(|(published, &own)| inverse[own] = published);
        permuted(reshaped(data, shape), &inverse)
    }
}

/// The parameters and running statistics that exist in published code too, in the order of their names here: without an
/// auxiliary batch-norm branch. None for a model that does not say its published names.
pub fn published<M: VideoModel>(model: &M) -> Vec<PublishedParameter> {
    let mut names = PublishedNames::new();
    model.publish(&mut names);
    let mut finder = Finder { path: Path::default(), said: names.said, found: Vec::new() };
    model.visit(&mut finder);
    let mut found = finder.found;
    found.iter_mut().for_each(|parameter| parameter.weight.classifier = model.is_head(&parameter.own));
    found.sort_by(|a, b| a.own.cmp(&b.own));
    found
}

struct Finder {
    path: Path,
    said: HashMap<ParamId, Said>,
    found: Vec<PublishedParameter>,
}

impl ModuleVisitor for Finder {
    fn enter_module(&mut self, name: &str, container: &str) {
        self.path.enter(name, container);
    }

    fn exit_module(&mut self, _: &str, container: &str) {
        self.path.exit(container);
    }

    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        if let Some(Said { name, part, axes, unit, shape, shifted }) = self.said.remove(&param.id) {
            let weight = Weight { name, part, shape, classifier: false, shifted };
            self.found.push(PublishedParameter { own: self.path.name(), weight, axes, unit });
        }
    }
}

fn reshaped(data: TensorData, shape: Vec<usize>) -> TensorData {
    TensorData::new(data.try_into_vec::<f32>().expect("weights are f32"), shape)
}

/// The axes in another order: axis `i` of the result is axis `axes[i]` of `data`.
fn permuted(data: TensorData, axes: &[usize]) -> TensorData {
    let dims = data.shape().to_vec();
    let strides: Vec<usize> = (0..dims.len()).map(|axis| dims[axis + 1..].iter().product()).collect();
    let values = data.as_slice::<f32>().expect("weights are f32");
    let mut places = vec![0];
    for &axis in axes {
        let (count, stride) = (dims[axis], strides[axis]);
        places = places.iter().flat_map(|start| (0..count).map(move |index| start + index * stride)).collect();
    }
    let shape: Vec<usize> = axes.iter().map(|&axis| dims[axis]).collect();
    TensorData::new(places.into_iter().map(|place| values[place]).collect::<Vec<f32>>(), shape)
}
