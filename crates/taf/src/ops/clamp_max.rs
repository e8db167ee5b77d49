//! The lesser of a value and a ceiling.

use burn::backend::Dispatch;
use burn::tensor::Tensor;

use super::VideoOps;
use crate::trace::{self, Operation, input};

/// `min(x, ceiling)`: behind a ReLU the ReLU6 of mobile networks.
pub fn clamp_max(x: Tensor<4>, ceiling: f32) -> Tensor<4> {
    if trace::is_on() {
        return trace::record(Operation::ClampMax { ceiling }, &[input(&x)], x.dims());
    }
    Tensor::from_dispatch(<Dispatch as VideoOps>::clamp_max(x.into_dispatch(), ceiling))
}

pub(super) mod composed {
    use burn::backend::{Backend, tensor::FloatTensor};

    pub fn clamp_max<B: Backend>(x: FloatTensor<B>, ceiling: f32) -> FloatTensor<B> {
        B::float_clamp_max(x, ceiling.into())
    }

    pub fn clamp_max_gradient<B: Backend>(y: FloatTensor<B>, dy: FloatTensor<B>, ceiling: f32) -> FloatTensor<B> {
        let room = B::float_add_scalar(B::float_neg(y), ceiling.into());
        B::relu_backward(room, dy)
    }
}

pub(super) mod flex {
    use burn::backend::{TensorMetadata, flex::FlexTensor};

    use crate::ops::flex::{Dense, memory_bound, overwritten};

    pub fn clamp_max(x: FlexTensor, ceiling: f32) -> FlexTensor {
        memory_bound("clamp", "forward", x.shape(), || overwritten(x, |x| taf_kernels::clamp_max_in_place(ceiling, x)))
    }

    pub fn clamp_max_gradient(y: FlexTensor, dy: FlexTensor, ceiling: f32) -> FlexTensor {
        let y = Dense::new(y);
        memory_bound("clamp", "input gradient", y.shape(), || {
            overwritten(dy, |dy| taf_kernels::clamp_max_backward_in_place(ceiling, y.values(), dy))
        })
    }
}

pub(super) mod gradient {
    use burn::backend::{
        Backend,
        autodiff::{
            checkpoint::{base::Checkpointer, strategy::CheckpointStrategy},
            grads::Gradients,
            ops::{Backward, Ops, OpsKind},
        },
    };

    use crate::ops::VideoOps;
    use crate::ops::autodiff::{Plain, Tracked, ids, register};

    pub fn clamp_max<B: Backend + VideoOps, C: CheckpointStrategy>(x: Tracked<B, C>, ceiling: f32) -> Tracked<B, C> {
        #[derive(Debug)]
        struct Clamp;
        impl<B: Backend + VideoOps> Backward<B, 1> for Clamp {
            type State = (Plain<B>, f32);

            fn backward(self, ops: Ops<Self::State, 1>, grads: &mut Gradients, _: &mut Checkpointer) {
                let parents = ids(&ops);
                let (y, ceiling) = ops.state;
                let dy = grads.consume::<B>(&ops.node);
                register::<B, 1>(grads, parents, [Some(B::clamp_max_gradient(y, dy, ceiling))]);
            }
        }
        let (x, node) = x.into_parts();
        let y = B::clamp_max(x, ceiling);
        match Clamp.prepare::<C>([node]).compute_bound().stateful() {
            OpsKind::Tracked(prep) => prep.finish((y.clone(), ceiling), y),
            OpsKind::UnTracked(prep) => prep.finish(y),
        }
    }
}
