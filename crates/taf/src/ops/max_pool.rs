//! Maximum over windows of channels-last images, and over the frames of a clip.

use burn::backend::Dispatch;
use burn::tensor::Tensor;
use taf_kernels::PoolShape;

use super::VideoOps;
use crate::trace::{self, Operation, input};

/// Maximum over square windows of channels-last images; padding never wins.
///
/// # Shapes
/// - `x`: `[n, height, width, channels]`
/// - result: `[n, height', width', channels]`, sides rounded down
pub fn max_pool2d(x: Tensor<4>, kernel: usize, stride: usize, padding: usize) -> Tensor<4> {
    let [batch, height, width, channels] = x.dims();
    let shape =
        PoolShape { batch, height, width, channels, kernel: [kernel; 2], stride: [stride; 2], padding: [padding; 2] };
    pool(x, shape)
}

/// Maximum over all frames of a clip.
///
/// # Shapes
/// - `x`: `[clips, frames, pixels, channels]`
/// - result: `[clips, 1, pixels, channels]`
pub fn max_over_time(x: Tensor<4>) -> Tensor<4> {
    let [batch, height, width, channels] = x.dims();
    let kernel = [height, 1];
    let shape = PoolShape { batch, height, width, channels, kernel, stride: kernel, padding: [0; 2] };
    pool(x, shape)
}

fn pool(x: Tensor<4>, shape: PoolShape) -> Tensor<4> {
    if trace::is_on() {
        let PoolShape { batch, channels, kernel, stride, padding, .. } = shape;
        let result = [batch, shape.output_height(), shape.output_width(), channels];
        return trace::record(Operation::MaxPool { kernel, stride, padding }, &[input(&x)], result);
    }
    Tensor::from_dispatch(<Dispatch as VideoOps>::max_pool2d_nhwc(x.into_dispatch(), shape))
}

pub(super) mod composed {
    use burn::backend::{Backend, tensor::FloatTensor};
    use burn::tensor::IntDType;
    use taf_kernels::PoolShape;

    use crate::ops::composed::{to_nchw, to_nhwc};

    pub fn max_pool2d_nhwc<B: Backend>(x: FloatTensor<B>, shape: PoolShape) -> FloatTensor<B> {
        to_nhwc::<B>(B::max_pool2d(to_nchw::<B>(x), shape.kernel, shape.stride, shape.padding, [1, 1], false))
    }

    pub fn max_pool2d_nhwc_gradient<B: Backend>(
        x: FloatTensor<B>,
        dy: FloatTensor<B>,
        shape: PoolShape,
    ) -> FloatTensor<B> {
        let PoolShape { kernel, stride, padding, .. } = shape;
        let x = to_nchw::<B>(x);
        let found = B::max_pool2d_with_indices(x.clone(), kernel, stride, padding, [1, 1], false, IntDType::I64);
        let (places, dy) = (found.indices, to_nchw::<B>(dy));
        to_nhwc::<B>(B::max_pool2d_with_indices_backward(x, kernel, stride, padding, [1, 1], false, dy, places).x_grad)
    }
}

pub(super) mod flex {
    use burn::backend::flex::FlexTensor;
    use burn::tensor::Shape;
    use taf_kernels::PoolShape;

    use crate::ops::flex::{Dense, memory_bound, output};
    use crate::ops::memory::Buffer;

    pub fn max_pool2d_nhwc(x: FlexTensor, shape: PoolShape) -> FlexTensor {
        let x = Dense::new(x);
        let pooled = Shape::new([shape.batch, shape.output_height(), shape.output_width(), shape.channels]);
        memory_bound("max pool", "forward", x.shape(), || output(pooled, |y| drop(pool(&shape, &x, y))))
    }

    pub fn max_pool2d_nhwc_gradient(x: FlexTensor, dy: FlexTensor, shape: PoolShape) -> FlexTensor {
        let (x, dy) = (Dense::new(x), Dense::new(dy));
        memory_bound("max pool", "input gradient", x.shape(), || {
            // Finding the places again is cheaper than keeping them: a network pools once, on its widest activations.
            let places = pool(&shape, &x, Buffer::take(shape.output_len()).values_mut());
            x.like(|dx| taf_kernels::max_pool2d_backward(&shape, dy.values(), &places, dx))
        })
    }

    /// Fills `y` with the maxima and returns their places.
    fn pool(shape: &PoolShape, x: &Dense, y: &mut [f32]) -> Vec<u16> {
        let mut places = vec![0; shape.output_len()];
        taf_kernels::max_pool2d_forward(shape, x.values(), y, &mut places);
        places
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
    use taf_kernels::PoolShape;

    use crate::ops::VideoOps;
    use crate::ops::autodiff::{Plain, Tracked, ids, register};

    pub fn max_pool2d_nhwc<B: Backend + VideoOps, C: CheckpointStrategy>(
        x: Tracked<B, C>,
        shape: PoolShape,
    ) -> Tracked<B, C> {
        #[derive(Debug)]
        struct MaxPool;
        impl<B: Backend + VideoOps> Backward<B, 1> for MaxPool {
            type State = (Plain<B>, PoolShape);

            fn backward(self, ops: Ops<Self::State, 1>, grads: &mut Gradients, _: &mut Checkpointer) {
                let parents = ids(&ops);
                let (x, shape) = ops.state;
                let dy = grads.consume::<B>(&ops.node);
                register::<B, 1>(grads, parents, [Some(B::max_pool2d_nhwc_gradient(x, dy, shape))]);
            }
        }
        let (x, node) = x.into_parts();
        match MaxPool.prepare::<C>([node]).compute_bound().stateful() {
            OpsKind::Tracked(prep) => prep.finish((x.clone(), shape), B::max_pool2d_nhwc(x, shape)),
            OpsKind::UnTracked(prep) => prep.finish(B::max_pool2d_nhwc(x, shape)),
        }
    }
}
