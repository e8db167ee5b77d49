//! Which axes a tensor has for the operations, and which it has in the graph.
//!
//! Operations see channels last, and batch and time in one axis or in two, as they like. ONNX wants channels first. So a
//! tensor's axes are made of pieces (batch, time, height, width, channels), the graph stores the pieces in an order and
//! grouping of its own, and reshaping or permuting only changes how they are seen. Nodes are written where an operation
//! needs another order or grouping than the stored one.

/// A part of an axis that no operation takes apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Piece {
    pub(super) id: usize,
    /// Its length in the traced pass.
    pub(super) length: usize,
    /// Whether the caller of the graph chooses the length.
    pub(super) free: bool,
}

/// Pieces in row-major order; none for an axis of 1.
pub(super) type Axis = Vec<Piece>;

/// A tensor of the graph.
#[derive(Clone, Debug)]
pub(super) struct View {
    /// The graph's name for it.
    pub(super) name: String,
    /// As operations see it.
    pub(super) axes: Vec<Axis>,
    /// As the graph stores it.
    pub(super) stored: Vec<Axis>,
}

/// Gives new pieces their ids.
#[derive(Default)]
pub(super) struct Pieces(usize);

impl Pieces {
    /// An axis of one new piece, of none where it has length 1.
    pub(super) fn axis(&mut self, length: usize, free: bool) -> Axis {
        if length == 1 && !free { Vec::new() } else { vec![self.piece(length, free)] }
    }

    fn piece(&mut self, length: usize, free: bool) -> Piece {
        self.0 += 1;
        Piece { id: self.0, length, free }
    }
}

pub(super) fn length(axis: &[Piece]) -> usize {
    axis.iter().map(|piece| piece.length).product()
}

/// Whether the length is the same whatever the caller chooses.
pub(super) fn is_fixed(axis: &[Piece]) -> bool {
    axis.iter().all(|piece| !piece.free)
}

/// Every piece an axis.
pub(super) fn single(axes: &[Axis]) -> Vec<Axis> {
    axes.iter().flatten().map(|&piece| vec![piece]).collect()
}

impl View {
    /// The same values in row-major order seen in another shape; none where that would take apart a length that the caller
    /// chooses.
    pub(super) fn reshaped(&self, shape: &[usize], pieces: &mut Pieces) -> Option<Self> {
        let mut view = self.clone();
        let mut left: Vec<Piece> = self.axes.concat();
        left.reverse();
        let mut axes = Vec::with_capacity(shape.len());
        for &wanted in shape {
            let mut axis = Vec::new();
            while length(&axis) < wanted {
                let next = left.pop()?;
                let missing = wanted / length(&axis);
                if !wanted.is_multiple_of(length(&axis)) {
                    return None;
                } else if missing.is_multiple_of(next.length) {
                    axis.push(next);
                } else if !next.free && next.length.is_multiple_of(missing) {
                    let halves = [pieces.piece(missing, false), pieces.piece(next.length / missing, false)];
                    view.split(next, halves);
                    left.push(halves[1]);
                    axis.push(halves[0]);
                } else {
                    return None;
                }
            }
            axes.push(axis);
        }
        // What is left has length 1.
        axes.last_mut()?.extend(left.iter().rev());
        (axes.iter().map(|axis| length(axis)).eq(shape.iter().copied())).then_some(Self { axes, ..view })
    }

    fn split(&mut self, old: Piece, halves: [Piece; 2]) {
        for axis in &mut self.stored {
            if let Some(place) = axis.iter().position(|&piece| piece == old) {
                axis.splice(place..=place, halves);
            }
        }
    }

    /// The axes in another order.
    pub(super) fn permuted(&self, order: &[usize]) -> Self {
        Self { axes: order.iter().map(|&axis| self.axes[axis].clone()).collect(), ..self.clone() }
    }

    /// How `other` must be stored to lie as this tensor does, axis by axis as operations see them; an axis of 1 is repeated.
    /// None where the two do not fit, or where a stored axis would be repeated in part.
    pub(super) fn pattern_for(&self, other: &Self) -> Option<Vec<Axis>> {
        let mut partners = Vec::new();
        for (own, their) in self.axes.iter().zip(&other.axes) {
            let alike = own.len() == their.len() && own.iter().zip(their).all(|(a, b)| a.length == b.length);
            if !alike && !their.is_empty() {
                return None;
            }
            partners.extend(own.iter().enumerate().map(|(at, piece)| (piece.id, their.get(at).copied())));
        }
        let partner = |piece: &Piece| partners.iter().find(|(id, _)| *id == piece.id).and_then(|&(_, partner)| partner);
        let whole = |axis: &Axis| {
            let found: Axis = axis.iter().filter_map(partner).collect();
            (found.is_empty() || found.len() == axis.len()).then_some(found)
        };
        self.stored.iter().map(whole).collect()
    }
}

/// The `Reshape` from one grouping of pieces to another of the same order: 0 copies a length, -1 is what is left. None where
/// ONNX cannot say it.
pub(super) fn lengths(from: &[Axis], to: &[Axis]) -> Option<Vec<i64>> {
    let one = |(at, axis): (usize, &Axis)| match from.get(at) {
        _ if is_fixed(axis) => length(axis) as i64,
        Some(same) if same == axis => 0,
        _ => -1,
    };
    let lengths: Vec<i64> = to.iter().enumerate().map(one).collect();
    (lengths.iter().filter(|&&length| length == -1).count() <= 1).then_some(lengths)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Batch, time, height, width, channels.
    fn clips(pieces: &mut Pieces) -> View {
        let axes: Vec<Axis> = [(3, true), (8, false), (5, true), (7, true), (4, false)]
            .map(|(length, free)| pieces.axis(length, free))
            .into();
        View { name: "x".into(), stored: axes.clone(), axes }
    }

    #[test]
    fn reshaping_regroups_pieces_and_takes_only_fixed_ones_apart() {
        let pieces = &mut Pieces::default();
        let clips = clips(pieces);
        let images = clips.reshaped(&[24, 5, 7, 4], pieces).unwrap();
        assert_eq!(images.axes.iter().map(Vec::len).collect::<Vec<_>>(), [2, 1, 1, 1]);
        assert_eq!(images.stored, clips.stored, "nothing is moved");
        let groups = images.reshaped(&[24, 35, 2, 2], pieces).unwrap();
        assert_eq!(groups.axes.iter().map(|axis| length(axis)).collect::<Vec<_>>(), [24, 35, 2, 2]);
        assert_eq!(groups.stored[4].len(), 2, "the channels are stored in two parts");
        for scrambled in [[8, 3, 35, 4], [24, 7, 5, 4]] {
            assert!(images.reshaped(&scrambled, pieces).is_none(), "{scrambled:?}");
        }
    }

    #[test]
    fn lengths_that_the_caller_chooses_are_copied_or_inferred() {
        let pieces = &mut Pieces::default();
        let clips = clips(pieces).axes;
        let images = vec![[&clips[0][..], &clips[1]].concat(), clips[2].clone(), clips[3].clone(), clips[4].clone()];
        assert_eq!(lengths(&clips, &images), None, "height and width are elsewhere");
        let aligned = [vec![Vec::new()], images].concat();
        assert_eq!(lengths(&clips, &aligned), Some(vec![1, -1, 0, 0, 4]));
    }
}
