//! Mean over the pixels of an image.

use burn::backend::Dispatch;
use burn::tensor::Tensor;

use super::VideoOps;
use crate::trace::{self, Operation, input};

/// Mean over the pixels.
///
/// # Shapes
/// - `x`: `[n, pixels, channels]`
/// - result: `[n, channels]`
pub fn average_pool(x: Tensor<3>) -> Tensor<2> {
    if trace::is_on() {
        let [n, _, channels] = x.dims();
        return trace::record(Operation::Mean, &[input(&x)], [n, channels]);
    }
    Tensor::from_dispatch(<Dispatch as VideoOps>::average_pool(x.into_dispatch()))
}

pub(super) mod composed {
    use burn::backend::{Backend, TensorMetadata, tensor::FloatTensor};
    use burn::tensor::Shape;

    pub fn average_pool<B: Backend>(x: FloatTensor<B>) -> FloatTensor<B> {
        let dims = x.shape();
        B::float_reshape(B::float_mean_dim(x, 1), Shape::new([dims[0], dims[2]]))
    }

    pub fn average_pool_gradient<B: Backend>(dy: FloatTensor<B>, pixels: usize) -> FloatTensor<B> {
        let [images, channels] = dy.shape().dims();
        let row = B::float_reshape(B::float_div_scalar(dy, (pixels as f32).into()), Shape::new([images, 1, channels]));
        B::float_expand(row, Shape::new([images, pixels, channels]))
    }
}

pub(super) mod flex {
    use burn::backend::flex::FlexTensor;
    use burn::tensor::Shape;

    use crate::ops::flex::{Dense, output};

    pub fn average_pool(x: FlexTensor) -> FlexTensor {
        let x = Dense::new(x);
        let [images, pixels, channels] = x.shape().dims();
        output(Shape::new([images, channels]), |y| {
            taf_kernels::global_average_pool_forward(pixels, channels, x.values(), y);
        })
    }

    pub fn average_pool_gradient(dy: FlexTensor, pixels: usize) -> FlexTensor {
        let dy = Dense::new(dy);
        let [images, channels] = dy.shape().dims();
        output(Shape::new([images, pixels, channels]), |dx| {
            taf_kernels::global_average_pool_backward(pixels, channels, dy.values(), dx);
        })
    }
}

pub(super) mod gradient {
    use burn::backend::{
        Backend, TensorMetadata,
        autodiff::{
            checkpoint::{base::Checkpointer, strategy::CheckpointStrategy},
            grads::Gradients,
            ops::{Backward, Ops, OpsKind},
        },
    };

    use crate::ops::VideoOps;
    use crate::ops::autodiff::{Tracked, ids, register};

    pub fn average_pool<B: Backend + VideoOps, C: CheckpointStrategy>(x: Tracked<B, C>) -> Tracked<B, C> {
        #[derive(Debug)]
        struct AveragePool;
        impl<B: Backend + VideoOps> Backward<B, 1> for AveragePool {
            type State = usize;

            fn backward(self, ops: Ops<Self::State, 1>, grads: &mut Gradients, _: &mut Checkpointer) {
                let parents = ids(&ops);
                let dy = grads.consume::<B>(&ops.node);
                register::<B, 1>(grads, parents, [Some(B::average_pool_gradient(dy, ops.state))]);
            }
        }
        let (x, node) = x.into_parts();
        let pixels = x.shape()[1];
        match AveragePool.prepare::<C>([node]).compute_bound().stateful() {
            OpsKind::Tracked(prep) => prep.finish(pixels, B::average_pool(x)),
            OpsKind::UnTracked(prep) => prep.finish(B::average_pool(x)),
        }
    }
}
