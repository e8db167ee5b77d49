//! TAM's filter over time.

use burn::backend::{Backend, Dispatch, ExtensionType, tensor::FloatTensor};
use burn::tensor::Tensor;

use super::VideoOps;
use crate::trace::{self, Operation, input};

/// TAM's filter over time (Liu et al., ICCV 2021): each clip and channel has a kernel of its own, which weighs the
/// previous frame, the frame itself and the next, each multiplied by its gate before. Zeros lie outside the clip.
///
/// # Shapes
/// - `x`, result: `[clips * frames, height, width, channels]`
/// - `kernels`: `[clips, channels, 3]`
/// - `gates`: `[clips, frames, channels]`
///
/// # Panics
/// If the sizes do not fit together.
pub fn temporal_adaptive(x: Tensor<4>, kernels: Tensor<3>, gates: Tensor<3>) -> Tensor<4> {
    let [images, _, _, channels] = x.dims();
    let [clips, frames, gated] = gates.dims();
    assert_eq!([clips * frames, gated], [images, channels], "images and channels of the gates and of the input");
    assert_eq!(kernels.dims(), [clips, channels, 3], "dimensions of the kernels");
    if trace::is_on() {
        return trace::record(Operation::Adaptive, &[input(&x), input(&kernels), input(&gates)], x.dims());
    }
    let (kernels, gates) = (kernels.into_dispatch(), gates.into_dispatch());
    Tensor::from_dispatch(<Dispatch as VideoOps>::temporal_adaptive(x.into_dispatch(), kernels, gates))
}

/// Gradients of the adaptive filter over time.
#[derive(Debug, Clone, ExtensionType)]
pub struct AdaptiveGradients<B: Backend> {
    /// To the input.
    pub dx: FloatTensor<B>,
    /// To the kernels, `[clips, channels, 3]`.
    pub dkernels: FloatTensor<B>,
    /// To the gates, `[clips, frames, channels]`.
    pub dgates: FloatTensor<B>,
}

pub(super) mod composed {
    use burn::backend::{Backend, TensorMetadata, tensor::FloatTensor};
    use burn::tensor::Shape;

    use crate::ops::AdaptiveGradients;
    use crate::ops::composed::{shift_by_one, take};

    pub fn temporal_adaptive<B: Backend>(
        x: FloatTensor<B>,
        kernels: FloatTensor<B>,
        gates: FloatTensor<B>,
    ) -> FloatTensor<B> {
        let dims = x.shape();
        let (x, gates) = (clips_of::<B>(x, &gates), frames_of::<B>(gates));
        let y = filter::<B>(B::float_mul(x, gates), kernels, false);
        B::float_reshape(y, dims)
    }

    pub fn temporal_adaptive_gradient<B: Backend>(
        x: FloatTensor<B>,
        kernels: FloatTensor<B>,
        gates: FloatTensor<B>,
        dy: FloatTensor<B>,
    ) -> AdaptiveGradients<B> {
        let (dims, gate_dims) = (x.shape(), gates.shape());
        let (x, dy) = (clips_of::<B>(x, &gates), clips_of::<B>(dy, &gates));
        let gates = frames_of::<B>(gates);
        let dgated = filter::<B>(dy.clone(), kernels, true);
        let dgates = B::float_reshape(B::float_sum_dim(B::float_mul(dgated.clone(), x.clone()), 2), gate_dims);
        let gated = B::float_mul(x, gates.clone());
        let [clips, channels] = [dy.shape()[0], dy.shape()[3]];
        let products = neighbours::<B>(gated, false).map(|gated| {
            let sums = B::float_sum_dim(B::float_sum_dim(B::float_mul(gated, dy.clone()), 1), 2);
            B::float_reshape(sums, Shape::new([clips, channels, 1]))
        });
        let dx = B::float_reshape(B::float_mul(dgated, gates), dims);
        AdaptiveGradients { dx, dkernels: B::float_cat(products.into(), 2), dgates }
    }

    /// `[clips * frames, .., channels]` as `[clips, frames, pixels, channels]`.
    fn clips_of<B: Backend>(x: FloatTensor<B>, gates: &FloatTensor<B>) -> FloatTensor<B> {
        let [clips, frames, channels] = gates.shape().dims();
        let pixels = x.shape().num_elements() / (clips * frames * channels);
        B::float_reshape(x, Shape::new([clips, frames, pixels, channels]))
    }

    /// `[clips, frames, channels]` as `[clips, frames, 1, channels]`.
    fn frames_of<B: Backend>(gates: FloatTensor<B>) -> FloatTensor<B> {
        let [clips, frames, channels] = gates.shape().dims();
        B::float_reshape(gates, Shape::new([clips, frames, 1, channels]))
    }

    /// The previous frame, the frame itself and the next; `backwards` exchanges previous and next.
    fn neighbours<B: Backend>(x: FloatTensor<B>, backwards: bool) -> [FloatTensor<B>; 3] {
        [shift_by_one::<B>(x.clone(), backwards), x.clone(), shift_by_one::<B>(x, !backwards)]
    }

    /// Weighs the neighbours of each frame by the kernels, `[clips, channels, 3]`.
    fn filter<B: Backend>(x: FloatTensor<B>, kernels: FloatTensor<B>, backwards: bool) -> FloatTensor<B> {
        let [clips, channels, _] = kernels.shape().dims();
        let mut tap = 0;
        let weighed = neighbours::<B>(x, backwards).map(|x| {
            let weights = take::<B>(kernels.clone(), 2, tap, tap + 1);
            tap += 1;
            B::float_mul(x, B::float_reshape(weights, Shape::new([clips, 1, 1, channels])))
        });
        let [previous, here, next] = weighed;
        B::float_add(B::float_add(previous, here), next)
    }
}

pub(super) mod flex {
    use burn::backend::{Flex, flex::FlexTensor};
    use taf_kernels::{AdaptiveShape, AdaptiveWeightGradients, AdaptiveWeights};

    use crate::ops::AdaptiveGradients;
    use crate::ops::flex::{Dense, memory_bound};

    /// The sizes of `x` as its gates, `[clips, frames, channels]`, tell them.
    fn adaptive_shape(x: &Dense, gates: &Dense) -> AdaptiveShape {
        let [clips, frames, channels] = gates.shape().dims();
        AdaptiveShape { clips, frames, pixels: x.values().len() / (clips * frames * channels), channels }
    }

    pub fn temporal_adaptive(x: FlexTensor, kernels: FlexTensor, gates: FlexTensor) -> FlexTensor {
        let [x, kernels, gates] = [x, kernels, gates].map(Dense::new);
        let shape = adaptive_shape(&x, &gates);
        let weights = AdaptiveWeights { kernels: kernels.values(), gates: gates.values() };
        memory_bound("temporal adaptive", "forward", x.shape(), || {
            x.like(|y| taf_kernels::temporal_adaptive_forward(&shape, x.values(), &weights, y))
        })
    }

    pub fn temporal_adaptive_gradient(
        x: FlexTensor,
        kernels: FlexTensor,
        gates: FlexTensor,
        dy: FlexTensor,
    ) -> AdaptiveGradients<Flex> {
        let [x, kernels, gates, dy] = [x, kernels, gates, dy].map(Dense::new);
        let shape = adaptive_shape(&x, &gates);
        let weights = AdaptiveWeights { kernels: kernels.values(), gates: gates.values() };
        memory_bound("temporal adaptive", "gradient", x.shape(), || {
            let (mut dkernels, mut dgates) = (None, None);
            let dx = x.like(|dx| {
                dkernels = Some(kernels.like(|dkernels| {
                    dgates = Some(gates.like(|dgates| {
                        let dweights = AdaptiveWeightGradients { kernels: dkernels, gates: dgates };
                        taf_kernels::temporal_adaptive_backward(
                            &shape,
                            x.values(),
                            &weights,
                            dy.values(),
                            dx,
                            dweights,
                        );
                    }));
                }));
            });
            let [dkernels, dgates] = [dkernels, dgates].map(|gradient| gradient.expect("they are computed together"));
            AdaptiveGradients { dx, dkernels, dgates }
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

    use crate::ops::autodiff::{Plain, Tracked, ids, register};
    use crate::ops::{AdaptiveGradients, VideoOps};

    pub fn temporal_adaptive<B: Backend + VideoOps, C: CheckpointStrategy>(
        x: Tracked<B, C>,
        kernels: Tracked<B, C>,
        gates: Tracked<B, C>,
    ) -> Tracked<B, C> {
        #[derive(Debug)]
        struct Adaptive;
        impl<B: Backend + VideoOps> Backward<B, 3> for Adaptive {
            type State = [Plain<B>; 3];

            fn backward(self, ops: Ops<Self::State, 3>, grads: &mut Gradients, _: &mut Checkpointer) {
                let parents = ids(&ops);
                let dy = grads.consume::<B>(&ops.node);
                let [x, kernels, gates] = ops.state;
                // In the module both small inputs are made from `x`, so whoever tracks one tracks all.
                let AdaptiveGradients { dx, dkernels, dgates } = B::temporal_adaptive_gradient(x, kernels, gates, dy);
                register::<B, 3>(grads, parents, [Some(dx), Some(dkernels), Some(dgates)]);
            }
        }
        let ((x, x_node), (kernels, kernels_node), (gates, gates_node)) =
            (x.into_parts(), kernels.into_parts(), gates.into_parts());
        match Adaptive.prepare::<C>([x_node, kernels_node, gates_node]).compute_bound().stateful() {
            OpsKind::Tracked(prep) => {
                prep.finish([x.clone(), kernels.clone(), gates.clone()], B::temporal_adaptive(x, kernels, gates))
            }
            OpsKind::UnTracked(prep) => prep.finish(B::temporal_adaptive(x, kernels, gates)),
        }
    }
}
