use std::collections::HashMap;

use super::axes::{Axis, Pieces, View, lengths, single};
use super::error::{OnnxError, Result};
use super::filter::{ChannelMap, Constant, Filter};
use super::graph::{Graph, Setting};
use crate::trace::ValueId;

/// A value of the pass, as far as it is written.
#[derive(Clone)]
pub(super) enum Held {
    /// It is a tensor of the graph.
    View(View),
    /// Convolutions side by side that are not written yet, because what follows may become part of them.
    Convolutions(Vec<Pending>),
    /// It is known already.
    Constant(Constant),
    /// One half of a batch norm's map: both halves are kept with either.
    Map(ChannelMap),
}

/// A convolution to be written.
#[derive(Clone)]
pub(super) struct Pending {
    /// What it reads.
    pub(super) input: String,
    pub(super) filter: Filter,
    pub(super) settings: Vec<(&'static str, Setting)>,
    /// What it makes, still without a name.
    pub(super) result: View,
}

/// A graph being written.
pub(super) struct Draft {
    pub(super) graph: Graph,
    pub(super) pieces: Pieces,
    held: Vec<Option<Held>>,
    /// Tensors that were stored otherwise, so that none is moved twice.
    moved: HashMap<(String, Vec<Axis>), String>,
    /// How often each value is read.
    pub(super) uses: Vec<usize>,
}

impl Draft {
    pub(super) fn new(name: &str, uses: Vec<usize>) -> Self {
        let held = vec![None; uses.len()];
        Self { graph: Graph::new(name), pieces: Pieces::default(), held, moved: HashMap::new(), uses }
    }

    pub(super) fn hold(&mut self, value: ValueId, held: Held) {
        self.held[value] = Some(held);
    }

    pub(super) fn held(&self, value: ValueId) -> &Held {
        self.held[value].as_ref().expect("a step's inputs were made before it")
    }

    /// The value as a tensor of the graph, written if it was not yet.
    pub(super) fn view(&mut self, value: ValueId) -> Result<View> {
        let view = match self.held(value).clone() {
            Held::View(view) => view,
            Held::Convolutions(convolutions) => {
                let view = self.write(convolutions)?;
                self.hold(value, Held::View(view.clone()));
                view
            }
            Held::Constant(constant) => self.constant(&constant),
            Held::Map(_) => return Err(unwritable("a batch norm", "its map read by something else than a norm")),
        };
        Ok(view)
    }

    fn constant(&mut self, Constant { name, shape, values }: &Constant) -> View {
        let name = self.graph.floats(name, shape, values);
        let axes: Vec<Axis> = shape.iter().map(|&length| self.pieces.axis(length, false)).collect();
        View { name, stored: axes.clone(), axes }
    }

    fn write(&mut self, convolutions: Vec<Pending>) -> Result<View> {
        let mut parts = Vec::new();
        for Pending { input, filter, settings, result } in convolutions {
            let (weight, bias) = self.constants(&filter);
            let inputs: Vec<&str> = [input.as_str(), &weight].into_iter().chain(bias.as_deref()).collect();
            let name = self.graph.named_node("Conv", filter.weight.layer(), &inputs, &settings);
            parts.push(View { name, ..result });
        }
        if parts.len() == 1 { Ok(parts.remove(0)) } else { self.joined(parts, None) }
    }

    pub(super) fn constants(&mut self, filter: &Filter) -> (String, Option<String>) {
        let Constant { shape, values, .. } = &filter.weight;
        let layer = filter.weight.layer();
        let weight = self.graph.floats(&format!("{layer}.weight"), shape, values);
        let bias = filter.bias.as_ref().map(|bias| self.graph.floats(&format!("{layer}.bias"), &[bias.len()], bias));
        (weight, bias)
    }

    /// Tensors one behind the other along an axis, the last where none is named.
    pub(super) fn joined(&mut self, mut parts: Vec<View>, axis: Option<usize>) -> Result<View> {
        const WHAT: &str = "a concatenation";
        let axis = axis.unwrap_or(parts[0].axes.len() - 1);
        let (mut first, place) = self.isolated(&parts[0], axis)?;
        let total = parts.iter().map(|part| super::axes::length(&part.axes[axis])).sum();
        let mut names = vec![first.name.clone()];
        for part in parts.drain(1..) {
            let mut like = first.clone();
            like.axes[axis] = Vec::new();
            like.stored[place] = Vec::new();
            let mut other = part.clone();
            other.axes[axis] = Vec::new();
            let pattern = like.pattern_for(&other).ok_or_else(|| unwritable(WHAT, "parts of other shapes"));
            let mut stored = pattern?;
            stored[place] = part.axes[axis].clone();
            names.push(self.stored_as(&part, &stored)?);
        }
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        first.name = self.graph.node("Concat", &names, &[("axis", Setting::Int(place as i64))]);
        first.axes[axis] = self.pieces.axis(total, false);
        first.stored[place] = first.axes[axis].clone();
        Ok(first)
    }

    /// The tensor with the pieces of one of its axes as one axis of the graph, and which that is.
    pub(super) fn isolated(&mut self, view: &View, axis: usize) -> Result<(View, usize)> {
        let wanted = &view.axes[axis];
        let place = |stored: &[Axis]| stored.iter().position(|stored| stored == wanted);
        let mut stored = view.stored.clone();
        match place(&stored).filter(|_| !wanted.is_empty()) {
            Some(place) => return Ok((view.clone(), place)),
            None if wanted.is_empty() => stored.push(Vec::new()),
            None => {
                stored = single(&stored).into_iter().filter(|piece| !wanted.contains(&piece[0])).collect();
                stored.push(wanted.clone());
            }
        }
        let name = self.stored_as(view, &stored)?;
        let place = stored.len() - 1;
        Ok((View { name, stored, ..view.clone() }, place))
    }

    /// The name of the tensor stored in this order and grouping.
    pub(super) fn stored_as(&mut self, view: &View, wanted: &[Axis]) -> Result<String> {
        let key = (view.name.clone(), wanted.to_vec());
        if let Some(name) = self.moved.get(&key) {
            return Ok(name.clone());
        }
        let name = self.moved_to(view, wanted)?;
        self.moved.insert(key, name.clone());
        Ok(name)
    }

    fn moved_to(&mut self, view: &View, wanted: &[Axis]) -> Result<String> {
        if view.stored.concat() == wanted.concat() {
            return self.regrouped(&view.name, &view.stored, wanted);
        }
        let (split, order) = (single(&view.stored), single(wanted));
        let name = self.regrouped(&view.name, &view.stored, &split)?;
        let place = |axis: &Axis| split.iter().position(|other| other == axis);
        let places: Option<Vec<i64>> = order.iter().map(|axis| place(axis).map(|place| place as i64)).collect();
        let places = places.filter(|places| places.len() == split.len());
        let places = places.ok_or_else(|| unwritable("an operation", "axes that are not those of its input"))?;
        let name = self.graph.node("Transpose", &[&name], &[("perm", Setting::Ints(places))]);
        self.regrouped(&name, &order, wanted)
    }

    fn regrouped(&mut self, name: &str, from: &[Axis], to: &[Axis]) -> Result<String> {
        if from == to {
            return Ok(name.to_owned());
        }
        if let Some(lengths) = lengths(from, to) {
            return Ok(self.reshape(name, &lengths));
        }
        // Lengths are copied from the same place, so what stands behind must stand at the same place in both.
        let spare = from.len().abs_diff(to.len());
        let longer = |axes: &[Axis]| [vec![Vec::new(); spare], axes.to_vec()].concat();
        let front: Vec<i64> = (0..spare as i64).collect();
        if from.len() < to.len()
            && let Some(lengths) = lengths(&longer(from), to)
        {
            let axes = self.graph.integers(&front);
            let row = self.graph.node("Unsqueeze", &[name, &axes], &[]);
            return Ok(self.reshape(&row, &lengths));
        }
        if from.len() > to.len()
            && let Some(lengths) = lengths(from, &longer(to))
        {
            let row = self.reshape(name, &lengths);
            let axes = self.graph.integers(&front);
            return Ok(self.graph.node("Squeeze", &[&row, &axes], &[]));
        }
        Err(unwritable("a reshape", "two lengths of the caller's that move to other places at once"))
    }

    fn reshape(&mut self, name: &str, lengths: &[i64]) -> String {
        let shape = self.graph.integers(lengths);
        self.graph.node("Reshape", &[name, &shape], &[])
    }

    /// `x[from..to]` along an axis of the graph.
    pub(super) fn sliced(&mut self, name: &str, place: usize, [from, to]: [usize; 2]) -> String {
        let [from, to, axis] = [from, to, place].map(|value| self.graph.integers(&[value as i64]));
        self.graph.node("Slice", &[name, &from, &to, &axis], &[])
    }
}

pub(super) fn unwritable(operation: &str, found: &str) -> OnnxError {
    OnnxError::Unwritable { operation: operation.to_owned(), found: found.to_owned() }
}
