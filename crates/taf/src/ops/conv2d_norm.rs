//! Convolution with a norm behind it, done while its output is in the cache: with the batch's statistics, or as the map
//! that running statistics make.

use burn::backend::Dispatch;
use burn::tensor::Tensor;

use super::conv2d::{ConvOptions, conv_shape, conv2d};
use super::norm::{NormEnd, NormParameters, Normed, batch_norm};
use super::scale_shift::{Affine, scale_shift};
use super::{Optional, VideoOps};
use crate::trace;

/// [`conv2d`](super::conv2d()) and [`batch_norm`](super::batch_norm()) in one: the way that reads and writes the least.
pub fn conv2d_batch_norm(
    x: Tensor<4>,
    weight: Tensor<4>,
    options: ConvOptions,
    norm: NormParameters,
    residual: Option<Tensor<4>>,
    relu: bool,
) -> Normed<4> {
    if trace::is_on() {
        return batch_norm(conv2d(x, weight, options), norm, residual, relu);
    }
    let shape = conv_shape(&x, &weight, options);
    let end = NormEnd { epsilon: norm.epsilon, relu };
    let [gamma, beta] = [norm.gamma, norm.beta].map(Tensor::into_dispatch);
    let (x, weight, residual) = (x.into_dispatch(), weight.into_dispatch(), Optional::of(residual));
    <Dispatch as VideoOps>::conv2d_norm_train(x, weight, gamma, beta, residual, shape, end).into()
}

/// [`conv2d`](super::conv2d()) and [`scale_shift`](super::scale_shift()) in one: as fast as the convolution alone.
pub fn conv2d_affine(
    x: Tensor<4>,
    weight: Tensor<4>,
    options: ConvOptions,
    map: Affine,
    residual: Option<Tensor<4>>,
    relu: bool,
) -> Tensor<4> {
    if trace::is_on() {
        return scale_shift(conv2d(x, weight, options), map, residual, relu);
    }
    let shape = conv_shape(&x, &weight, options);
    let [scale, shift] = [map.scale, map.shift].map(Tensor::into_dispatch);
    let (x, weight, residual) = (x.into_dispatch(), weight.into_dispatch(), Optional::of(residual));
    Tensor::from_dispatch(<Dispatch as VideoOps>::conv2d_affine(x, weight, scale, shift, residual, shape, relu))
}

pub(super) mod composed {
    use burn::backend::tensor::FloatTensor;
    use taf_kernels::ConvShape;

    use crate::ops::{NormEnd, Normalized, Optional, VideoOps};

    pub fn conv2d_norm_train<B: VideoOps>(
        x: FloatTensor<B>,
        weight: FloatTensor<B>,
        gamma: FloatTensor<B>,
        beta: FloatTensor<B>,
        residual: Optional<B>,
        shape: ConvShape,
        end: NormEnd,
    ) -> Normalized<B> {
        let x = B::conv2d_nhwc(x, weight, shape);
        let norm = B::norm_train(x.clone(), gamma, beta, residual, end);
        Normalized { x: Optional::Some(x), ..norm }
    }

    pub fn conv2d_affine<B: VideoOps>(
        x: FloatTensor<B>,
        weight: FloatTensor<B>,
        scale: FloatTensor<B>,
        shift: FloatTensor<B>,
        residual: Optional<B>,
        shape: ConvShape,
        relu: bool,
    ) -> FloatTensor<B> {
        B::scale_shift(B::conv2d_nhwc(x, weight, shape), scale, shift, residual, relu)
    }
}

pub(super) mod flex {
    use burn::backend::{Flex, flex::FlexTensor};
    use taf_kernels::{ConvShape, Epilogue};

    use crate::ops::conv2d::flex::{convolution, output_dims};
    use crate::ops::flex::{Dense, output};
    use crate::ops::norm::flex::norm;
    use crate::ops::{NormEnd, Normalized, Optional};

    pub fn conv2d_norm_train(
        x: FlexTensor,
        weight: FlexTensor,
        gamma: FlexTensor,
        beta: FlexTensor,
        residual: Optional<Flex>,
        shape: ConvShape,
        end: NormEnd,
    ) -> Normalized<Flex> {
        let (x, weight) = (Dense::new(x), Dense::new(weight));
        let mut statistics = None;
        let convolved = convolution("forward", &shape, || {
            output(output_dims(&shape), |y| {
                let (x, weight) = (x.values(), weight.values());
                statistics = Some(taf_kernels::conv2d_forward_statistics(&shape, x, weight, end.epsilon, y));
            })
        });
        norm(Dense::new(convolved), [gamma, beta], residual, end, statistics)
    }

    pub fn conv2d_affine(
        x: FlexTensor,
        weight: FlexTensor,
        scale: FlexTensor,
        shift: FlexTensor,
        residual: Optional<Flex>,
        shape: ConvShape,
        relu: bool,
    ) -> FlexTensor {
        let [x, weight, scale, shift] = [x, weight, scale, shift].map(Dense::new);
        let residual = Dense::optional(residual);
        let epilogue = Epilogue {
            scale: Some(scale.values()),
            bias: Some(shift.values()),
            residual: residual.as_ref().map(Dense::values),
            relu,
        };
        convolution("forward", &shape, || {
            output(output_dims(&shape), |y| {
                taf_kernels::conv2d_forward_with(&shape, x.values(), weight.values(), &epilogue, y);
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
    use taf_kernels::ConvShape;

    use crate::ops::autodiff::{ConvState, Tracked, ids, parts, register};
    use crate::ops::conv2d::gradient::{Conv2dState, conv2d_backward};
    use crate::ops::norm::gradient::{norm_backward, recorded};
    use crate::ops::scale_shift::gradient::AffineState;
    use crate::ops::{NormEnd, NormState, Normalized, Optional, VideoOps};

    #[derive(Debug)]
    struct ConvolutionNorm;

    impl<B: Backend + VideoOps> Backward<B, 5> for ConvolutionNorm {
        type State = (Conv2dState<B>, NormState<B>, bool);

        fn backward(self, ops: Ops<Self::State, 5>, grads: &mut Gradients, _: &mut Checkpointer) {
            let [to_x, to_weight, to_gamma, to_beta, to_residual] = ids(&ops);
            let dy = grads.consume::<B>(&ops.node);
            let (convolution, norm, has_residual) = ops.state;
            let to_residual = to_residual.filter(|_| has_residual);
            let dx = norm_backward(norm, dy, [to_gamma, to_beta, to_residual], grads);
            conv2d_backward(convolution, dx, [to_x, to_weight], grads);
        }
    }

    pub fn conv2d_norm_train<B: Backend + VideoOps, C: CheckpointStrategy>(
        x: Tracked<B, C>,
        weight: Tracked<B, C>,
        gamma: Tracked<B, C>,
        beta: Tracked<B, C>,
        residual: Optional<Autodiff<B, C>>,
        shape: ConvShape,
        end: NormEnd,
    ) -> Normalized<Autodiff<B, C>> {
        let tracked = [x.is_tracked(), weight.is_tracked()];
        let (residual, residual_node) = parts(residual, x.node());
        let has_residual = residual.is_some();
        let ((x, x_node), (weight, weight_node)) = (x.into_parts(), weight.into_parts());
        let ((gamma, gamma_node), (beta, beta_node)) = (gamma.into_parts(), beta.into_parts());
        let convolution = ConvState::new(&x, &weight, tracked, shape);
        let normalized = B::conv2d_norm_train(x, weight, gamma.clone(), beta.clone(), residual, shape, end);
        let convolved = normalized.x.clone().into_option().expect("the operation returns what it normalised");
        let nodes = [x_node, weight_node, gamma_node, beta_node, residual_node];
        let prepared = ConvolutionNorm.prepare::<C>(nodes).compute_bound().stateful();
        recorded(normalized, |y, [mean, inverse]| match prepared {
            OpsKind::Tracked(prep) => {
                let norm = NormState::new(convolved, &y, [gamma, beta, mean, inverse], has_residual, end.relu);
                prep.finish((convolution, norm, has_residual), y)
            }
            OpsKind::UnTracked(prep) => prep.finish(y),
        })
    }

    #[derive(Debug)]
    struct ConvolutionAffine;

    impl<B: Backend + VideoOps> Backward<B, 2> for ConvolutionAffine {
        type State = (Conv2dState<B>, AffineState<B>, bool);

        fn backward(self, ops: Ops<Self::State, 2>, grads: &mut Gradients, _: &mut Checkpointer) {
            let [to_x, to_residual] = ids(&ops);
            let dy = grads.consume::<B>(&ops.node);
            let (convolution, AffineState { y, scale, .. }, has_residual) = ops.state;
            let to_residual = to_residual.filter(|_| has_residual);
            let (dx, dresidual) = B::scale_shift_gradient(y, dy, scale, to_residual.is_some());
            register::<B, 1>(grads, [to_residual], [dresidual]);
            conv2d_backward(convolution, dx, [to_x, None], grads);
        }
    }

    pub fn conv2d_affine<B: Backend + VideoOps, C: CheckpointStrategy>(
        x: Tracked<B, C>,
        weight: Tracked<B, C>,
        scale: Tracked<B, C>,
        shift: Tracked<B, C>,
        residual: Optional<Autodiff<B, C>>,
        shape: ConvShape,
        relu: bool,
    ) -> Tracked<B, C> {
        if weight.is_tracked() || scale.is_tracked() || shift.is_tracked() {
            // Training on running statistics: the general way, which keeps what the scale's gradient reads.
            return super::composed::conv2d_affine::<Autodiff<B, C>>(x, weight, scale, shift, residual, shape, relu);
        }
        let x_tracked = x.is_tracked();
        let (residual, residual_node) = parts(residual, x.node());
        let has_residual = residual.is_some();
        let (x, x_node) = x.into_parts();
        let [weight, scale, shift] = [weight, scale, shift].map(|tensor| tensor.into_primitive());
        let convolution = ConvState::new(&x, &weight, [x_tracked, false], shape);
        let y = B::conv2d_affine(x, weight, scale.clone(), shift, residual, shape, relu);
        match ConvolutionAffine.prepare::<C>([x_node, residual_node]).compute_bound().stateful() {
            OpsKind::Tracked(prep) => {
                let affine = AffineState { x: None, y: relu.then(|| y.clone()).into(), scale };
                prep.finish((convolution, affine, has_residual), y)
            }
            OpsKind::UnTracked(prep) => prep.finish(y),
        }
    }
}
