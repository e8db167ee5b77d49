use super::axes::length;
use super::draft::{Draft, Held, unwritable};
use super::error::Result;
use crate::trace::ValueId;

impl Draft {
    /// Nothing is written: the tensor is seen otherwise.
    pub(super) fn reshape_value(&mut self, x: ValueId, shape: &[usize]) -> Result<Held> {
        let refused =
            || unwritable("a reshape", &format!("one to {shape:?} that mixes what the caller chooses with the rest"));
        match self.held(x).clone() {
            Held::Constant(constant) => return Ok(Held::Constant(constant.reshaped(shape))),
            Held::Convolutions(mut one) if one.len() == 1 && self.uses[x] == 1 => {
                one[0].result = one[0].result.reshaped(shape, &mut self.pieces).ok_or_else(refused)?;
                return Ok(Held::Convolutions(one));
            }
            _ => {}
        }
        let view = self.view(x)?;
        view.reshaped(shape, &mut self.pieces).map(Held::View).ok_or_else(refused)
    }

    pub(super) fn permute_value(&mut self, x: ValueId, order: &[usize]) -> Result<Held> {
        match self.held(x) {
            Held::Constant(constant) => Ok(Held::Constant(constant.permuted(order))),
            _ => Ok(Held::View(self.view(x)?.permuted(order))),
        }
    }

    pub(super) fn concatenate(&mut self, parts: &[ValueId], axis: usize, rank: usize) -> Result<Held> {
        let pending = |&part: &ValueId| match self.held(part) {
            Held::Convolutions(convolutions) if self.uses[part] == 1 => Some(convolutions.clone()),
            _ => None,
        };
        let all: Option<Vec<_>> = parts.iter().map(pending).collect();
        match all {
            Some(convolutions) if axis == rank - 1 => Ok(Held::Convolutions(convolutions.concat())),
            _ => {
                let parts = parts.iter().map(|&part| self.view(part)).collect::<Result<Vec<_>>>()?;
                Ok(Held::View(self.joined(parts, Some(axis))?))
            }
        }
    }

    pub(super) fn slice_value(&mut self, x: ValueId, axis: usize, start: usize, kept: usize) -> Result<Held> {
        let view = self.view(x)?;
        if length(&view.axes[axis]) == kept {
            return Ok(Held::View(view));
        }
        let (mut view, place) = self.isolated(&view, axis)?;
        view.name = self.sliced(&view.name, place, [start, start + kept]);
        view.axes[axis] = self.pieces.axis(kept, false);
        view.stored[place] = view.axes[axis].clone();
        Ok(Held::View(view))
    }
}
