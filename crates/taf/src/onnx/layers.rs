use super::axes::{Axis, View, is_fixed};
use super::draft::{Draft, Held, Pending, unwritable};
use super::error::Result;
use super::filter::{ChannelMap, Constant, Filter};
use super::graph::Setting;
use crate::trace::ValueId;

/// How a window walks along an axis.
#[derive(Clone, Copy)]
pub(super) struct Walk {
    pub(super) kernel: usize,
    pub(super) stride: usize,
    pub(super) padding: usize,
    /// What it leaves of the axis.
    pub(super) left: usize,
}

/// Axes of the graph that windows walk along.
struct Places {
    walks: Vec<Walk>,
    before: Vec<Axis>,
    after: Vec<Axis>,
    /// What operations see afterwards.
    seen: Vec<Axis>,
}

impl Draft {
    /// Held back until it is known whether a norm follows.
    pub(super) fn convolution(&mut self, x: ValueId, weight: ValueId, walks: &[Walk], groups: usize) -> Result<Held> {
        const WHAT: &str = "a convolution";
        let view = self.view(x)?;
        let Held::Constant(weight) = self.held(weight).clone() else {
            return Err(unwritable(WHAT, "weights that the clips decide"));
        };
        let places = self.places(WHAT, &view, walks)?;
        let (batch, channels) = (&view.axes[0], &view.axes[view.axes.len() - 1]);
        if !is_fixed(channels) {
            return Err(unwritable(WHAT, "channels whose number the caller chooses"));
        }
        let stored = [vec![batch.clone(), channels.clone()], places.before].concat();
        let input = self.stored_as(&view, &stored)?;
        let kernel: Vec<usize> = places.walks.iter().map(|walk| walk.kernel).collect();
        let filter = Filter::new(&weight, &kernel);
        let made = self.pieces.axis(filter.channels_out(), false);
        let result = View {
            name: String::new(),
            axes: [vec![batch.clone()], places.seen, vec![made.clone()]].concat(),
            stored: [vec![batch.clone(), made], places.after].concat(),
        };
        let settings = [walk_settings(&places.walks), vec![("group", Setting::Int(groups as i64))]].concat();
        Ok(Held::Convolutions(vec![Pending { input, filter, settings, result }]))
    }

    pub(super) fn max_pool(&mut self, x: ValueId, walks: &[Walk]) -> Result<Held> {
        let view = self.view(x)?;
        let places = self.places("a pooling", &view, walks)?;
        let (batch, channels) = (&view.axes[0], &view.axes[view.axes.len() - 1]);
        let both = |places: Vec<Axis>| [vec![batch.clone(), channels.clone()], places].concat();
        let input = self.stored_as(&view, &both(places.before))?;
        let name = self.graph.node("MaxPool", &[&input], &walk_settings(&places.walks));
        let axes = [vec![batch.clone()], places.seen, vec![channels.clone()]].concat();
        Ok(Held::View(View { name, axes, stored: both(places.after) }))
    }

    /// An axis that windows of one place walk along stays apart in its pieces; the others are one axis of the graph each.
    fn places(&mut self, what: &str, view: &View, walks: &[Walk]) -> Result<Places> {
        let mut places = Places { walks: Vec::new(), before: Vec::new(), after: Vec::new(), seen: Vec::new() };
        for (&walk, axis) in walks.iter().zip(&view.axes[1..]) {
            let stays = (walk.kernel, walk.stride, walk.padding) == (1, 1, 0);
            let (before, after) = if stays {
                let pieces: Vec<Axis> = axis.iter().map(|&piece| vec![piece]).collect();
                (pieces.clone(), pieces)
            } else if axis.len() <= 1 || is_fixed(axis) {
                (vec![axis.clone()], vec![self.pieces.axis(walk.left, !is_fixed(axis))])
            } else {
                return Err(unwritable(what, "windows over more than one axis that the caller chooses"));
            };
            places.walks.extend(std::iter::repeat_n(walk, before.len()));
            places.before.extend(before);
            places.seen.push(after.concat());
            places.after.extend(after);
        }
        if places.walks.is_empty() {
            // A convolution walks along something.
            places.walks.push(Walk { kernel: 1, stride: 1, padding: 0, left: 1 });
            places.before.push(Vec::new());
            places.after.push(Vec::new());
        }
        Ok(places)
    }

    /// The halves of a norm's map.
    pub(super) fn norm_map(&mut self, inputs: &[ValueId], epsilon: f32) -> Result<Held> {
        let constant = |&input: &ValueId| match self.held(input) {
            Held::Constant(Constant { values, .. }) => Some(values.as_slice()),
            _ => None,
        };
        let values: Option<Vec<&[f32]>> = inputs.iter().map(constant).collect();
        let values = values.and_then(|values| <[&[f32]; 4]>::try_from(values).ok());
        let values = values.ok_or_else(|| unwritable("a batch norm", "parameters that the clips decide"))?;
        Ok(Held::Map(ChannelMap::of_norm(values, epsilon)))
    }

    /// A batch norm: part of the convolutions before it where nothing else reads them.
    pub(super) fn affine(&mut self, x: ValueId, map: ValueId) -> Result<Held> {
        let Held::Map(map) = self.held(map).clone() else {
            return Err(unwritable("a map of channels", "one that is none of a batch norm"));
        };
        if let Held::Convolutions(convolutions) = self.held(x).clone()
            && self.uses[x] == 1
            && convolutions.iter().all(Pending::ends_in_its_channels)
        {
            return Ok(Held::Convolutions(folded(convolutions, &map)));
        }
        let view = self.view(x)?;
        let (view, place) = self.isolated(&view, view.axes.len() - 1)?;
        let mut shape = vec![1; view.stored.len() - place];
        shape[0] = map.scale.len();
        let narrow = |values: &[f64]| values.iter().map(|&value| value as f32).collect::<Vec<f32>>();
        let scale = self.graph.floats("norm.scale", &shape, &narrow(&map.scale));
        let scaled = self.graph.node("Mul", &[&view.name, &scale], &[]);
        let offset = self.graph.floats("norm.offset", &shape, &narrow(&map.offset));
        Ok(Held::View(View { name: self.graph.node("Add", &[&scaled, &offset], &[]), ..view }))
    }

    /// Over the middle axis of `[n, places, channels]`.
    pub(super) fn mean(&mut self, x: ValueId) -> Result<Held> {
        let mut view = self.view(x)?;
        let gone = view.axes.remove(1);
        if gone.is_empty() {
            return Ok(Held::View(view));
        }
        let goes = |axis: &Axis| !axis.is_empty() && axis.iter().all(|piece| gone.contains(piece));
        if view.stored.iter().any(|axis| !goes(axis) && axis.iter().any(|piece| gone.contains(piece))) {
            let stored: Vec<Axis> = super::axes::single(&view.stored);
            view = View { name: self.stored_as(&view, &stored)?, stored, ..view };
        }
        let places = view.stored.iter().enumerate().filter(|(_, axis)| goes(axis)).map(|(place, _)| place as i64);
        let settings = [("axes", Setting::Ints(places.collect())), ("keepdims", Setting::Int(0))];
        view.name = self.graph.node("ReduceMean", &[&view.name], &settings);
        view.stored.retain(|axis| !goes(axis));
        Ok(Held::View(view))
    }

    pub(super) fn linear(&mut self, x: ValueId, weight: ValueId, bias: ValueId) -> Result<Held> {
        const WHAT: &str = "a linear layer";
        let view = self.view(x)?;
        let (Held::Constant(weight), Held::Constant(bias)) = (self.held(weight).clone(), self.held(bias).clone())
        else {
            return Err(unwritable(WHAT, "weights that the clips decide"));
        };
        if !is_fixed(&view.axes[1]) {
            return Err(unwritable(WHAT, "features whose number the caller chooses"));
        }
        let input = self.stored_as(&view, &view.axes)?;
        let filter = Filter { weight, bias: Some(bias.values) };
        let (weight, bias) = self.constants(&filter);
        let inputs: Vec<&str> = [input.as_str(), &weight].into_iter().chain(bias.as_deref()).collect();
        let name = self.graph.named_node("Gemm", filter.weight.layer(), &inputs, &[("transB", Setting::Int(1))]);
        let axes = vec![view.axes[0].clone(), self.pieces.axis(filter.channels_out(), false)];
        Ok(Held::View(View { name, stored: axes.clone(), axes }))
    }
}

impl Pending {
    /// Whether the last axis that operations see are the channels it makes.
    fn ends_in_its_channels(&self) -> bool {
        self.result.axes.last() == Some(&self.result.stored[1])
    }
}

/// Each convolution takes its part of the map.
fn folded(convolutions: Vec<Pending>, map: &ChannelMap) -> Vec<Pending> {
    let mut start = 0;
    let fold = |convolution: Pending| {
        let end = start + convolution.filter.channels_out();
        let filter = convolution.filter.then(&map.of(start..end));
        start = end;
        Pending { filter, ..convolution }
    };
    convolutions.into_iter().map(fold).collect()
}

fn walk_settings(walks: &[Walk]) -> Vec<(&'static str, Setting)> {
    let each = |value: fn(&Walk) -> usize| walks.iter().map(|walk| value(walk) as i64).collect::<Vec<_>>();
    let padding = each(|walk| walk.padding);
    vec![
        ("kernel_shape", Setting::Ints(each(|walk| walk.kernel))),
        ("strides", Setting::Ints(each(|walk| walk.stride))),
        ("pads", Setting::Ints([padding.clone(), padding].concat())),
    ]
}
