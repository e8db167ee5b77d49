use taf_kernels::Colors;

use super::axes::{View, length, single};
use super::draft::{Draft, Held, unwritable};
use super::error::Result;
use super::graph::Setting;
use crate::trace::ValueId;

impl Draft {
    /// An operator that treats every value alike.
    pub(super) fn each(&mut self, op: &str, x: ValueId) -> Result<Held> {
        let view = self.view(x)?;
        Ok(Held::View(View { name: self.graph.node(op, &[&view.name], &[]), ..view }))
    }

    /// `min(x, ceiling)`
    pub(super) fn clamp_max(&mut self, x: ValueId, ceiling: f32) -> Result<Held> {
        let view = self.view(x)?;
        let ceiling = self.graph.scalar(&format!("ceiling of {ceiling}"), ceiling);
        Ok(Held::View(View { name: self.graph.node("Min", &[&view.name, &ceiling], &[]), ..view }))
    }

    /// Over the last axis.
    pub(super) fn softmax(&mut self, x: ValueId) -> Result<Held> {
        let view = self.view(x)?;
        let (view, place) = self.isolated(&view, view.axes.len() - 1)?;
        let settings = [("axis", Setting::Int(place as i64))];
        Ok(Held::View(View { name: self.graph.node("Softmax", &[&view.name], &settings), ..view }))
    }

    /// An operator on two tensors, of which the smaller is repeated.
    pub(super) fn both(&mut self, op: &str, a: ValueId, b: ValueId) -> Result<Held> {
        let (a, b) = (self.view(a)?, self.view(b)?);
        let count = |view: &View| view.axes.iter().map(|axis| length(axis)).product::<usize>();
        let swapped = count(&a) < count(&b);
        let (mut like, other) = if swapped { (b, a) } else { (a, b) };
        if like.pattern_for(&other).is_none() {
            let stored = single(&like.stored);
            like = View { name: self.stored_as(&like, &stored)?, stored, ..like };
        }
        let pattern = like.pattern_for(&other);
        let pattern = pattern.ok_or_else(|| unwritable(op, "two tensors each of which is to be repeated"))?;
        let other = self.stored_as(&other, &pattern)?;
        let names = if swapped { [&other, &like.name] } else { [&like.name, &other] };
        let name = self.graph.node(op, &names.map(String::as_str), &[]);
        Ok(Held::View(View { name, ..like }))
    }

    /// Planes to images, less the mean, divided by the deviation.
    pub(super) fn pixels(&mut self, planes: ValueId, colors: Colors) -> Result<Held> {
        let view = self.view(planes)?;
        let planes = self.stored_as(&view, &view.axes)?;
        let mean = self.graph.floats("pixels.mean", &[3, 1, 1], &colors.mean);
        let centred = self.graph.node("Sub", &[&planes, &mean], &[]);
        let std = self.graph.floats("pixels.std", &[3, 1, 1], &colors.std);
        let name = self.graph.node("Div", &[&centred, &std], &[]);
        Ok(Held::View(View { name, stored: view.axes.clone(), ..view.permuted(&[0, 2, 3, 1]) }))
    }
}
