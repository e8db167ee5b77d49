//! A map of each channel, `x * scale + shift`: batch norm with running statistics.

use burn::backend::Dispatch;
use burn::tensor::Tensor;

use super::{Optional, VideoOps, add, relu as rectified};
use crate::trace::{self, Operation, input};

/// A map of each channel, `x * scale + shift`.
#[derive(Clone, Debug)]
pub struct Affine {
    /// `[channels]`
    pub scale: Tensor<1>,
    /// `[channels]`
    pub shift: Tensor<1>,
}

/// `relu?(x * scale + shift + residual?)` per channel.
///
/// # Shapes
/// - `x`, `residual`, result: `[..., channels]`, any rank
pub fn scale_shift<const D: usize>(x: Tensor<D>, map: Affine, residual: Option<Tensor<D>>, relu: bool) -> Tensor<D> {
    if trace::is_on() {
        let mapped = trace::record(Operation::Affine, &[input(&x), input(&map.scale), input(&map.shift)], x.dims());
        let sum = residual.map_or(mapped.clone(), |residual| add(mapped, residual));
        return if relu { rectified(sum) } else { sum };
    }
    let [scale, shift] = [map.scale, map.shift].map(Tensor::into_dispatch);
    let y = <Dispatch as VideoOps>::scale_shift(x.into_dispatch(), scale, shift, Optional::of(residual), relu);
    Tensor::from_dispatch(y)
}

pub(super) mod composed {
    use burn::backend::{Backend, TensorMetadata, tensor::FloatTensor};

    use crate::ops::Optional;
    use crate::ops::composed::{as_row, as_rows};

    pub fn scale_shift<B: Backend>(
        x: FloatTensor<B>,
        scale: FloatTensor<B>,
        shift: FloatTensor<B>,
        residual: Optional<B>,
        relu: bool,
    ) -> FloatTensor<B> {
        let dims = x.shape();
        let y = B::float_mul(as_rows::<B>(x), as_row::<B>(scale));
        let mut y = B::float_reshape(B::float_add(y, as_row::<B>(shift)), dims);
        if let Optional::Some(residual) = residual {
            y = B::float_add(y, residual);
        }
        if relu { B::relu(y) } else { y }
    }

    pub fn scale_shift_gradient<B: Backend>(
        y: Optional<B>,
        dy: FloatTensor<B>,
        scale: FloatTensor<B>,
        residual: bool,
    ) -> (FloatTensor<B>, Option<FloatTensor<B>>) {
        let dy = behind_relu::<B>(y, dy);
        (scale_channels::<B>(dy.clone(), scale), residual.then_some(dy))
    }

    /// The gradient in front of an operation's ReLU, if it has one: `dy` where its output `y` is positive, else 0.
    pub(in crate::ops) fn behind_relu<B: Backend>(y: Optional<B>, dy: FloatTensor<B>) -> FloatTensor<B> {
        match y {
            Optional::Some(y) => B::relu_backward(y, dy),
            Optional::None => dy,
        }
    }

    /// `x * scale` per channel.
    fn scale_channels<B: Backend>(x: FloatTensor<B>, scale: FloatTensor<B>) -> FloatTensor<B> {
        let dims = x.shape();
        B::float_reshape(B::float_mul(as_rows::<B>(x), as_row::<B>(scale)), dims)
    }
}

pub(super) mod flex {
    use burn::backend::{Flex, flex::FlexTensor};

    use crate::ops::Optional;
    use crate::ops::flex::{Dense, memory_bound};

    pub fn scale_shift(
        x: FlexTensor,
        scale: FlexTensor,
        shift: FlexTensor,
        residual: Optional<Flex>,
        relu: bool,
    ) -> FlexTensor {
        let [x, scale, shift] = [x, scale, shift].map(Dense::new);
        let residual = Dense::optional(residual);
        let residual = residual.as_ref().map(Dense::values);
        memory_bound("scale and shift", "forward", x.shape(), || {
            x.like(|y| taf_kernels::scale_shift(x.values(), scale.values(), shift.values(), residual, relu, y))
        })
    }

    pub fn scale_shift_gradient(
        y: Optional<Flex>,
        dy: FlexTensor,
        scale: FlexTensor,
        residual: bool,
    ) -> (FlexTensor, Option<FlexTensor>) {
        let (y, [dy, scale]) = (Dense::optional(y), [dy, scale].map(Dense::new));
        let y = y.as_ref().map(Dense::values);
        memory_bound("scale and shift", "input gradient", dy.shape(), || {
            dy.like_with(residual, |dx, dresidual| {
                taf_kernels::scale_shift_input_gradient(dy.values(), scale.values(), y, dx, dresidual);
            })
        })
    }
}

pub(super) mod gradient {
    use burn::backend::{
        Autodiff, Backend,
        autodiff::{
            NodeId,
            checkpoint::{base::Checkpointer, strategy::CheckpointStrategy},
            grads::Gradients,
            ops::{Backward, Ops, OpsKind},
        },
    };

    use super::composed::behind_relu;
    use crate::ops::autodiff::{Plain, Tracked, ids, parts, register};
    use crate::ops::composed::sum_rows;
    use crate::ops::{Optional, VideoOps};

    /// What the map keeps for its gradients.
    #[derive(Debug, Clone)]
    pub(in crate::ops) struct AffineState<B: Backend> {
        /// Kept only when the scale is tracked.
        pub(in crate::ops) x: Option<Plain<B>>,
        /// Kept only behind a ReLU.
        pub(in crate::ops) y: Optional<B>,
        pub(in crate::ops) scale: Plain<B>,
    }

    impl<B: Backend + VideoOps> AffineState<B> {
        /// Gradients of `relu?(x * scale + shift + residual)` to the tracked ones of `[x, residual, scale, shift]`.
        fn backward(
            self,
            dy: Plain<B>,
            [to_x, to_residual, to_scale, to_shift]: [Option<NodeId>; 4],
            grads: &mut Gradients,
        ) {
            if to_scale.is_some() || to_shift.is_some() {
                let dy = behind_relu::<B>(self.y.clone(), dy.clone());
                let dscale = self.x.map(|x| sum_rows::<B>(B::float_mul(dy.clone(), x)));
                register::<B, 2>(grads, [to_scale, to_shift], [dscale, Some(sum_rows::<B>(dy))]);
            }
            if to_x.is_some() || to_residual.is_some() {
                let (dx, dresidual) = B::scale_shift_gradient(self.y, dy, self.scale, to_residual.is_some());
                register::<B, 2>(grads, [to_x, to_residual], [Some(dx), dresidual]);
            }
        }
    }

    pub fn scale_shift<B: Backend + VideoOps, C: CheckpointStrategy>(
        x: Tracked<B, C>,
        scale: Tracked<B, C>,
        shift: Tracked<B, C>,
        residual: Optional<Autodiff<B, C>>,
        relu: bool,
    ) -> Tracked<B, C> {
        #[derive(Debug)]
        struct Affine;
        impl<B: Backend + VideoOps> Backward<B, 4> for Affine {
            type State = (AffineState<B>, bool);

            fn backward(self, ops: Ops<Self::State, 4>, grads: &mut Gradients, _: &mut Checkpointer) {
                let [to_x, to_residual, to_scale, to_shift] = ids(&ops);
                let dy = grads.consume::<B>(&ops.node);
                let (affine, has_residual) = ops.state;
                affine.backward(dy, [to_x, to_residual.filter(|_| has_residual), to_scale, to_shift], grads);
            }
        }
        let scale_tracked = scale.is_tracked();
        let (residual, residual_node) = parts(residual, x.node());
        let has_residual = residual.is_some();
        let ((x, x_node), (scale, scale_node), (shift, shift_node)) =
            (x.into_parts(), scale.into_parts(), shift.into_parts());
        let saved = scale_tracked.then(|| x.clone());
        let y = B::scale_shift(x, scale.clone(), shift, residual, relu);
        match Affine.prepare::<C>([x_node, residual_node, scale_node, shift_node]).compute_bound().stateful() {
            OpsKind::Tracked(prep) => {
                let affine = AffineState { x: saved, y: relu.then(|| y.clone()).into(), scale };
                prep.finish((affine, has_residual), y)
            }
            OpsKind::UnTracked(prep) => prep.finish(y),
        }
    }
}
