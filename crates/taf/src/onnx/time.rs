use super::axes::{Axis, View};
use super::draft::{Draft, Held, unwritable};
use super::error::Result;
use crate::trace::ValueId;

/// Where the frames of a clip move.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Move {
    /// Each frame sees the next one.
    FromNext,
    /// Each frame sees the one before.
    FromPrevious,
}

/// Which axis of the graph holds the frames, here.
const TIME: usize = 1;
/// And which the channels.
const CHANNELS: usize = 2;

impl Draft {
    /// Temporal shift (Lin et al., ICCV 2019) of images: a part of the channels from the next frame, as many from the
    /// one before, the rest from the frame itself.
    pub(super) fn shift(&mut self, x: ValueId, frames: usize, fold: usize) -> Result<Held> {
        let view = self.view(x)?;
        if fold == 0 {
            return Ok(Held::View(view));
        }
        let stored = by_clip(&view, frames)?;
        let clips = self.stored_as(&view, &stored)?;
        let (channels, rank) = (super::axes::length(&stored[CHANNELS]), stored.len());
        let next = self.sliced(&clips, CHANNELS, [0, fold]);
        let next = self.moved(&next, Move::FromNext, frames, rank);
        let previous = self.sliced(&clips, CHANNELS, [fold, 2 * fold]);
        let previous = self.moved(&previous, Move::FromPrevious, frames, rank);
        let mut parts = vec![next, previous];
        if 2 * fold < channels {
            parts.push(self.sliced(&clips, CHANNELS, [2 * fold, channels]));
        }
        let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
        let axis = [("axis", super::graph::Setting::Int(CHANNELS as i64))];
        let name = self.graph.node("Concat", &parts, &axis);
        Ok(Held::View(View { name, stored, ..view }))
    }

    /// TAM's filter over time. Gate and kernel meet before they touch the images, so that each of the three taps costs
    /// one product.
    pub(super) fn adaptive(&mut self, x: ValueId, kernels: ValueId, gates: ValueId) -> Result<Held> {
        let (view, kernels, gates) = (self.view(x)?, self.view(kernels)?, self.view(gates)?);
        let frames = super::axes::length(&gates.axes[1]);
        let stored = by_clip(&view, frames)?;
        let clips = self.stored_as(&view, &stored)?;
        let kernels = self.stored_as(&kernels, &[0, 2, 1].map(|axis| kernels.axes[axis].clone()))?;
        let gates = self.stored_as(&gates, &gates.axes)?;
        let mut sum: Option<String> = None;
        for (tap, from) in [Some(Move::FromPrevious), None, Some(Move::FromNext)].into_iter().enumerate() {
            let mut frame = |x: &str, rank| from.map_or_else(|| x.to_owned(), |from| self.moved(x, from, frames, rank));
            let (clips, gates) = (frame(&clips, stored.len()), frame(&gates, 3));
            let weight = self.sliced(&kernels, 1, [tap, tap + 1]);
            let weight = self.graph.node("Mul", &[&gates, &weight], &[]);
            let places: Vec<i64> = (3..stored.len() as i64).collect();
            let places = self.graph.integers(&places);
            let weight = self.graph.node("Unsqueeze", &[&weight, &places], &[]);
            let term = self.graph.node("Mul", &[&clips, &weight], &[]);
            sum = Some(sum.map_or(term.clone(), |sum| self.graph.node("Add", &[&sum, &term], &[])));
        }
        Ok(Held::View(View { name: sum.expect("there are three taps"), stored, ..view }))
    }

    /// Moves the frames by one; the free end becomes zero.
    fn moved(&mut self, x: &str, from: Move, frames: usize, rank: usize) -> String {
        let (kept, end) = match from {
            Move::FromNext => ([1, frames], rank + TIME),
            Move::FromPrevious => ([0, frames - 1], TIME),
        };
        let kept = self.sliced(x, TIME, kept);
        let mut padding = vec![0; 2 * rank];
        padding[end] = 1;
        let padding = self.graph.integers(&padding);
        self.graph.node("Pad", &[&kept, &padding], &[])
    }
}

/// Images of whole clips as `[batch, time, channels, places..]`.
fn by_clip(images: &View, frames: usize) -> Result<Vec<Axis>> {
    let mut batch = images.axes[0].clone();
    let time: Axis = if frames == 1 { Vec::new() } else { batch.pop().into_iter().collect() };
    if super::axes::length(&time) != frames {
        return Err(unwritable("an operation over time", "images that are not those of whole clips"));
    }
    let [_, places @ .., channels] = images.axes.as_slice() else {
        return Err(unwritable("an operation over time", "no images"));
    };
    let places = places.concat().into_iter().map(|piece| vec![piece]);
    Ok([batch, time, channels.clone()].into_iter().chain(places).collect())
}
