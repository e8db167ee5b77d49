//! GST's pair of convolutions with a norm behind it, done while their outputs are in the cache.

use burn::backend::Dispatch;
use burn::tensor::Tensor;

use super::norm::{NormEnd, NormParameters, Normed, batch_norm};
use super::space_time::{SpaceTimeConv, space_time_conv};
use super::{Affine, VideoOps, scale_shift};
use crate::trace;

/// [`space_time_conv`] and [`batch_norm`](super::batch_norm()) in one.
pub fn space_time_conv_batch_norm(x: Tensor<4>, conv: SpaceTimeConv, norm: NormParameters, relu: bool) -> Normed<4> {
    if trace::is_on() {
        return batch_norm(space_time_conv(x, conv), norm, None, relu);
    }
    let shape = conv.shape(&x);
    let end = NormEnd { epsilon: norm.epsilon, relu };
    let (x, space, time) = (x.into_dispatch(), conv.space.into_dispatch(), conv.time.into_dispatch());
    let [gamma, beta] = [norm.gamma, norm.beta].map(Tensor::into_dispatch);
    <Dispatch as VideoOps>::space_time_conv_norm_train(x, space, time, gamma, beta, shape, end).into()
}

/// [`space_time_conv`] and [`scale_shift`](super::scale_shift()) in one.
pub fn space_time_conv_affine(x: Tensor<4>, conv: SpaceTimeConv, map: Affine, relu: bool) -> Tensor<4> {
    if trace::is_on() {
        return scale_shift(space_time_conv(x, conv), map, None, relu);
    }
    let shape = conv.shape(&x);
    let (x, space, time) = (x.into_dispatch(), conv.space.into_dispatch(), conv.time.into_dispatch());
    let [scale, shift] = [map.scale, map.shift].map(Tensor::into_dispatch);
    let y = <Dispatch as VideoOps>::space_time_conv_affine(x, space, time, scale, shift, shape, relu);
    Tensor::from_dispatch(y)
}

pub(super) mod composed {
    use burn::backend::tensor::FloatTensor;
    use taf_kernels::SpaceTimeShape;

    use crate::ops::{NormEnd, Normalized, Optional, VideoOps};

    pub fn space_time_conv_norm_train<B: VideoOps>(
        x: FloatTensor<B>,
        space: FloatTensor<B>,
        time: FloatTensor<B>,
        gamma: FloatTensor<B>,
        beta: FloatTensor<B>,
        shape: SpaceTimeShape,
        end: NormEnd,
    ) -> Normalized<B> {
        let x = B::space_time_conv(x, space, time, shape);
        let norm = B::norm_train(x.clone(), gamma, beta, Optional::None, end);
        Normalized { x: Optional::Some(x), ..norm }
    }

    pub fn space_time_conv_affine<B: VideoOps>(
        x: FloatTensor<B>,
        space: FloatTensor<B>,
        time: FloatTensor<B>,
        scale: FloatTensor<B>,
        shift: FloatTensor<B>,
        shape: SpaceTimeShape,
        relu: bool,
    ) -> FloatTensor<B> {
        B::scale_shift(B::space_time_conv(x, space, time, shape), scale, shift, Optional::None, relu)
    }
}

pub(super) mod flex {
    use burn::backend::{Flex, flex::FlexTensor};
    use taf_kernels::{Epilogue, SpaceTimeShape};

    use crate::ops::flex::{Dense, output};
    use crate::ops::norm::flex::norm;
    use crate::ops::space_time::flex::{output_dims, pair};
    use crate::ops::{NormEnd, Normalized, Optional};

    pub fn space_time_conv_norm_train(
        x: FlexTensor,
        space: FlexTensor,
        time: FlexTensor,
        gamma: FlexTensor,
        beta: FlexTensor,
        shape: SpaceTimeShape,
        end: NormEnd,
    ) -> Normalized<Flex> {
        let (x, weights) = (Dense::new(x), [space, time].map(Dense::new));
        let mut statistics = None;
        let convolved = pair("forward", &shape, || {
            let weights = weights.each_ref().map(Dense::values);
            output(output_dims(&shape), |y| {
                let epsilon = end.epsilon;
                statistics = Some(taf_kernels::space_time_forward_statistics(&shape, x.values(), weights, epsilon, y));
            })
        });
        norm(Dense::new(convolved), [gamma, beta], Optional::None, end, statistics)
    }

    pub fn space_time_conv_affine(
        x: FlexTensor,
        space: FlexTensor,
        time: FlexTensor,
        scale: FlexTensor,
        shift: FlexTensor,
        shape: SpaceTimeShape,
        relu: bool,
    ) -> FlexTensor {
        let (x, weights) = (Dense::new(x), [space, time].map(Dense::new));
        let [scale, shift] = [scale, shift].map(Dense::new);
        let epilogue = Epilogue { scale: Some(scale.values()), bias: Some(shift.values()), residual: None, relu };
        pair("forward", &shape, || {
            let weights = weights.each_ref().map(Dense::values);
            output(output_dims(&shape), |y| {
                taf_kernels::space_time_forward_with(&shape, x.values(), weights, &epilogue, y);
            })
        })
    }
}

pub(super) mod gradient {
    use burn::backend::{
        Autodiff, Backend,
        autodiff::{
            checkpoint::{base::Checkpointer, strategy::CheckpointStrategy},
            grads::Gradients,
            ops::{Backward, Ops, OpsKind},
        },
    };
    use taf_kernels::SpaceTimeShape;

    use super::composed;
    use crate::ops::autodiff::{ConvState, Tracked, ids};
    use crate::ops::norm::gradient::{norm_backward, recorded};
    use crate::ops::scale_shift::gradient::AffineState;
    use crate::ops::space_time::gradient::{PairState, pair_backward};
    use crate::ops::{NormEnd, NormState, Normalized, VideoOps};

    pub fn space_time_conv_norm_train<B: Backend + VideoOps, C: CheckpointStrategy>(
        x: Tracked<B, C>,
        space: Tracked<B, C>,
        time: Tracked<B, C>,
        gamma: Tracked<B, C>,
        beta: Tracked<B, C>,
        shape: SpaceTimeShape,
        end: NormEnd,
    ) -> Normalized<Autodiff<B, C>> {
        #[derive(Debug)]
        struct PairNorm;
        impl<B: Backend + VideoOps> Backward<B, 5> for PairNorm {
            type State = (PairState<B>, NormState<B>);

            fn backward(self, ops: Ops<Self::State, 5>, grads: &mut Gradients, _: &mut Checkpointer) {
                let [to_x, to_space, to_time, to_gamma, to_beta] = ids(&ops);
                let dy = grads.consume::<B>(&ops.node);
                let (convolutions, norm) = ops.state;
                let dx = norm_backward(norm, dy, [to_gamma, to_beta, None], grads);
                pair_backward(convolutions, dx, [to_x, to_space, to_time], grads);
            }
        }
        let tracked = [x.is_tracked(), space.is_tracked() || time.is_tracked()];
        let ((x, x_node), (space, space_node), (time, time_node)) =
            (x.into_parts(), space.into_parts(), time.into_parts());
        let ((gamma, gamma_node), (beta, beta_node)) = (gamma.into_parts(), beta.into_parts());
        let weights = [space, time];
        let convolutions = ConvState::new(&x, &weights, tracked, shape);
        let [space, time] = weights;
        let normalized = B::space_time_conv_norm_train(x, space, time, gamma.clone(), beta.clone(), shape, end);
        let convolved = normalized.x.clone().into_option().expect("the operation returns what it normalised");
        let nodes = [x_node, space_node, time_node, gamma_node, beta_node];
        let prepared = PairNorm.prepare::<C>(nodes).compute_bound().stateful();
        recorded(normalized, |y, [mean, inverse]| match prepared {
            OpsKind::Tracked(prep) => {
                let norm = NormState::new(convolved, &y, [gamma, beta, mean, inverse], false, end.relu);
                prep.finish((convolutions, norm), y)
            }
            OpsKind::UnTracked(prep) => prep.finish(y),
        })
    }

    pub fn space_time_conv_affine<B: Backend + VideoOps, C: CheckpointStrategy>(
        x: Tracked<B, C>,
        space: Tracked<B, C>,
        time: Tracked<B, C>,
        scale: Tracked<B, C>,
        shift: Tracked<B, C>,
        shape: SpaceTimeShape,
        relu: bool,
    ) -> Tracked<B, C> {
        #[derive(Debug)]
        struct PairAffine;
        impl<B: Backend + VideoOps> Backward<B, 1> for PairAffine {
            type State = (PairState<B>, AffineState<B>);

            fn backward(self, ops: Ops<Self::State, 1>, grads: &mut Gradients, _: &mut Checkpointer) {
                let [to_x] = ids(&ops);
                let dy = grads.consume::<B>(&ops.node);
                let (convolutions, AffineState { y, scale, .. }) = ops.state;
                let (dx, _) = B::scale_shift_gradient(y, dy, scale, false);
                pair_backward(convolutions, dx, [to_x, None, None], grads);
            }
        }
        if [&space, &time, &scale, &shift].iter().any(|tensor| tensor.is_tracked()) {
            // Training on running statistics: the general way, which keeps what the scale's gradient reads.
            return composed::space_time_conv_affine::<Autodiff<B, C>>(x, space, time, scale, shift, shape, relu);
        }
        let x_tracked = x.is_tracked();
        let (x, x_node) = x.into_parts();
        let weights = [space, time].map(|tensor| tensor.into_primitive());
        let [scale, shift] = [scale, shift].map(|tensor| tensor.into_primitive());
        let convolutions = ConvState::new(&x, &weights, [x_tracked, false], shape);
        let [space, time] = weights;
        let y = B::space_time_conv_affine(x, space, time, scale.clone(), shift, shape, relu);
        match PairAffine.prepare::<C>([x_node]).compute_bound().stateful() {
            OpsKind::Tracked(prep) => {
                let affine = AffineState { x: None, y: relu.then(|| y.clone()).into(), scale };
                prep.finish((convolutions, affine), y)
            }
            OpsKind::UnTracked(prep) => prep.finish(y),
        }
    }
}
