//! Handwritten gradients: only what a tracked input asks for is saved and computed.
//!
//! Crafting a perturbation tracks the clip alone, so no weight gradient is ever made there.

use burn::backend::{
    Autodiff, AutodiffBackend, Backend,
    autodiff::{
        NodeId,
        checkpoint::{base::Checkpointer, strategy::CheckpointStrategy},
        grads::Gradients,
        ops::{Backward, Ops, OpsKind},
    },
    tensor::FloatTensor,
};

use super::{ConvShape, NormGradients, Normalized, PoolShape, ResidualGradients, SgdStep, VideoOps, composed};

/// What batch norm keeps for its gradient.
#[derive(Clone, Debug)]
struct NormState<T> {
    x: T,
    y: T,
    gamma: T,
    mean: T,
    inverse_deviation: T,
    relu: bool,
}

/// What the per-channel affine map keeps for its gradient.
#[derive(Clone, Debug)]
struct AffineState<T> {
    /// Kept only when the scale is tracked.
    x: Option<T>,
    y: T,
    scale: T,
    relu: bool,
}

macro_rules! first_order_only {
    () => {
        panic!("taf differentiates its operations once; a gradient of a gradient is not supported")
    };
}

impl<B: Backend + VideoOps, C: CheckpointStrategy> VideoOps for Autodiff<B, C> {
    fn conv2d_nhwc(x: FloatTensor<Self>, weight: FloatTensor<Self>, shape: ConvShape) -> FloatTensor<Self> {
        #[derive(Debug)]
        struct Convolution;
        impl<B: Backend + VideoOps> Backward<B, 2> for Convolution {
            type State = (Option<B::FloatTensorPrimitive>, Option<B::FloatTensorPrimitive>, ConvShape);

            fn backward(self, ops: Ops<Self::State, 2>, grads: &mut Gradients, _: &mut Checkpointer) {
                let [to_x, to_weight] = ids(&ops);
                let dy = grads.consume::<B>(&ops.node);
                let (x, weight, shape) = ops.state;
                if let (Some(id), Some(x)) = (to_weight, x) {
                    grads.register::<B>(id, B::conv2d_nhwc_weight_gradient(x, dy.clone(), shape));
                }
                if let (Some(id), Some(weight)) = (to_x, weight) {
                    grads.register::<B>(id, B::conv2d_nhwc_input_gradient(dy, weight, shape));
                }
            }
        }
        let (x_tracked, weight_tracked) = (x.is_tracked(), weight.is_tracked());
        match Convolution.prepare::<C>([x.node(), weight.node()]).compute_bound().stateful() {
            OpsKind::Tracked(prep) => {
                let (x, weight) = (x.into_primitive(), weight.into_primitive());
                let state = (weight_tracked.then(|| x.clone()), x_tracked.then(|| weight.clone()), shape);
                prep.finish(state, B::conv2d_nhwc(x, weight, shape))
            }
            OpsKind::UnTracked(prep) => prep.finish(B::conv2d_nhwc(x.into_primitive(), weight.into_primitive(), shape)),
        }
    }

    fn norm_train(
        x: FloatTensor<Self>,
        gamma: FloatTensor<Self>,
        beta: FloatTensor<Self>,
        epsilon: f32,
        relu: bool,
    ) -> Normalized<Self> {
        #[derive(Debug)]
        struct Norm;
        impl<B: Backend + VideoOps> Backward<B, 3> for Norm {
            type State = NormState<B::FloatTensorPrimitive>;

            fn backward(self, ops: Ops<Self::State, 3>, grads: &mut Gradients, _: &mut Checkpointer) {
                let parents = ids(&ops);
                let dy = grads.consume::<B>(&ops.node);
                let NormState { x, y, gamma, mean, inverse_deviation, relu } = ops.state;
                let (dx, dgamma, dbeta) = B::norm_gradient(x, y, dy, gamma, mean, inverse_deviation, relu);
                register::<B, 3>(grads, parents, [dx, dgamma, dbeta]);
            }
        }
        let nodes = [x.node(), gamma.node(), beta.node()];
        let (x, gamma, beta) = (x.into_primitive(), gamma.into_primitive(), beta.into_primitive());
        let (y, mean, variance, inverse) = B::norm_train(x.clone(), gamma.clone(), beta, epsilon, relu);
        let y = match Norm.prepare::<C>(nodes).compute_bound().stateful() {
            OpsKind::Tracked(prep) => {
                let (mean, inverse_deviation) = (mean.clone(), inverse.clone());
                prep.finish(NormState { x, y: y.clone(), gamma, mean, inverse_deviation, relu }, y)
            }
            OpsKind::UnTracked(prep) => prep.finish(y),
        };
        (y, constant::<B, C>(mean), constant::<B, C>(variance), constant::<B, C>(inverse))
    }

    fn norm_residual_train(
        x: FloatTensor<Self>,
        residual: FloatTensor<Self>,
        gamma: FloatTensor<Self>,
        beta: FloatTensor<Self>,
        epsilon: f32,
    ) -> Normalized<Self> {
        #[derive(Debug)]
        struct NormResidual;
        impl<B: Backend + VideoOps> Backward<B, 4> for NormResidual {
            type State = NormState<B::FloatTensorPrimitive>;

            fn backward(self, ops: Ops<Self::State, 4>, grads: &mut Gradients, _: &mut Checkpointer) {
                let parents = ids(&ops);
                let dy = grads.consume::<B>(&ops.node);
                let NormState { x, y, gamma, mean, inverse_deviation, .. } = ops.state;
                let (dx, dresidual, dgamma, dbeta) =
                    B::norm_residual_gradient(x, y, dy, gamma, mean, inverse_deviation);
                register::<B, 4>(grads, parents, [dx, dresidual, dgamma, dbeta]);
            }
        }
        let nodes = [x.node(), residual.node(), gamma.node(), beta.node()];
        let (x, gamma, beta) = (x.into_primitive(), gamma.into_primitive(), beta.into_primitive());
        let (y, mean, variance, inverse) =
            B::norm_residual_train(x.clone(), residual.into_primitive(), gamma.clone(), beta, epsilon);
        let y = match NormResidual.prepare::<C>(nodes).compute_bound().stateful() {
            OpsKind::Tracked(prep) => {
                let (mean, inverse_deviation) = (mean.clone(), inverse.clone());
                prep.finish(NormState { x, y: y.clone(), gamma, mean, inverse_deviation, relu: true }, y)
            }
            OpsKind::UnTracked(prep) => prep.finish(y),
        };
        (y, constant::<B, C>(mean), constant::<B, C>(variance), constant::<B, C>(inverse))
    }

    fn scale_shift(
        x: FloatTensor<Self>,
        scale: FloatTensor<Self>,
        shift: FloatTensor<Self>,
        relu: bool,
    ) -> FloatTensor<Self> {
        #[derive(Debug)]
        struct Affine;
        impl<B: Backend + VideoOps> Backward<B, 3> for Affine {
            type State = AffineState<B::FloatTensorPrimitive>;

            fn backward(self, ops: Ops<Self::State, 3>, grads: &mut Gradients, _: &mut Checkpointer) {
                let [to_x, to_scale, to_shift] = ids(&ops);
                let dy = grads.consume::<B>(&ops.node);
                affine_backward::<B>(ops.state, dy, [to_x, None, to_scale, to_shift], grads);
            }
        }
        let scale_tracked = scale.is_tracked();
        let nodes = [x.node(), scale.node(), shift.node()];
        let (x, scale, shift) = (x.into_primitive(), scale.into_primitive(), shift.into_primitive());
        match Affine.prepare::<C>(nodes).compute_bound().stateful() {
            OpsKind::Tracked(prep) => {
                let saved = scale_tracked.then(|| x.clone());
                let y = B::scale_shift(x, scale.clone(), shift, relu);
                prep.finish(AffineState { x: saved, y: y.clone(), scale, relu }, y)
            }
            OpsKind::UnTracked(prep) => prep.finish(B::scale_shift(x, scale, shift, relu)),
        }
    }

    fn scale_shift_residual(
        x: FloatTensor<Self>,
        residual: FloatTensor<Self>,
        scale: FloatTensor<Self>,
        shift: FloatTensor<Self>,
    ) -> FloatTensor<Self> {
        #[derive(Debug)]
        struct AffineResidual;
        impl<B: Backend + VideoOps> Backward<B, 4> for AffineResidual {
            type State = AffineState<B::FloatTensorPrimitive>;

            fn backward(self, ops: Ops<Self::State, 4>, grads: &mut Gradients, _: &mut Checkpointer) {
                let parents = ids(&ops);
                let dy = grads.consume::<B>(&ops.node);
                affine_backward::<B>(ops.state, dy, parents, grads);
            }
        }
        let scale_tracked = scale.is_tracked();
        let nodes = [x.node(), residual.node(), scale.node(), shift.node()];
        let (x, residual, scale) = (x.into_primitive(), residual.into_primitive(), scale.into_primitive());
        let shift = shift.into_primitive();
        match AffineResidual.prepare::<C>(nodes).compute_bound().stateful() {
            OpsKind::Tracked(prep) => {
                let saved = scale_tracked.then(|| x.clone());
                let y = B::scale_shift_residual(x, residual, scale.clone(), shift);
                prep.finish(AffineState { x: saved, y: y.clone(), scale, relu: true }, y)
            }
            OpsKind::UnTracked(prep) => prep.finish(B::scale_shift_residual(x, residual, scale, shift)),
        }
    }

    fn temporal_shift(x: FloatTensor<Self>, frames: usize, fold: usize, backwards: bool) -> FloatTensor<Self> {
        #[derive(Debug)]
        struct Shift;
        impl<B: Backend + VideoOps> Backward<B, 1> for Shift {
            type State = (usize, usize, bool);

            fn backward(self, ops: Ops<Self::State, 1>, grads: &mut Gradients, _: &mut Checkpointer) {
                let (frames, fold, backwards) = ops.state;
                let dy = grads.consume::<B>(&ops.node);
                register::<B, 1>(grads, ids(&ops), [B::temporal_shift(dy, frames, fold, !backwards)]);
            }
        }
        let node = x.node();
        let y = B::temporal_shift(x.into_primitive(), frames, fold, backwards);
        match Shift.prepare::<C>([node]).compute_bound().stateful() {
            OpsKind::Tracked(prep) => prep.finish((frames, fold, backwards), y),
            OpsKind::UnTracked(prep) => prep.finish(y),
        }
    }

    fn max_pool2d_nhwc(x: FloatTensor<Self>, shape: PoolShape) -> FloatTensor<Self> {
        #[derive(Debug)]
        struct MaxPool;
        impl<B: Backend + VideoOps> Backward<B, 1> for MaxPool {
            type State = (B::FloatTensorPrimitive, PoolShape);

            fn backward(self, ops: Ops<Self::State, 1>, grads: &mut Gradients, _: &mut Checkpointer) {
                let parents = ids(&ops);
                let (x, shape) = ops.state;
                let dy = grads.consume::<B>(&ops.node);
                register::<B, 1>(grads, parents, [B::max_pool2d_nhwc_gradient(x, dy, shape)]);
            }
        }
        let node = x.node();
        let x = x.into_primitive();
        match MaxPool.prepare::<C>([node]).compute_bound().stateful() {
            OpsKind::Tracked(prep) => prep.finish((x.clone(), shape), B::max_pool2d_nhwc(x, shape)),
            OpsKind::UnTracked(prep) => prep.finish(B::max_pool2d_nhwc(x, shape)),
        }
    }

    fn conv2d_nhwc_input_gradient(_: FloatTensor<Self>, _: FloatTensor<Self>, _: ConvShape) -> FloatTensor<Self> {
        first_order_only!()
    }

    fn conv2d_nhwc_weight_gradient(_: FloatTensor<Self>, _: FloatTensor<Self>, _: ConvShape) -> FloatTensor<Self> {
        first_order_only!()
    }

    fn norm_gradient(
        _: FloatTensor<Self>,
        _: FloatTensor<Self>,
        _: FloatTensor<Self>,
        _: FloatTensor<Self>,
        _: FloatTensor<Self>,
        _: FloatTensor<Self>,
        _: bool,
    ) -> NormGradients<Self> {
        first_order_only!()
    }

    fn norm_residual_gradient(
        _: FloatTensor<Self>,
        _: FloatTensor<Self>,
        _: FloatTensor<Self>,
        _: FloatTensor<Self>,
        _: FloatTensor<Self>,
        _: FloatTensor<Self>,
    ) -> ResidualGradients<Self> {
        first_order_only!()
    }

    fn scale_shift_gradient(
        _: FloatTensor<Self>,
        _: FloatTensor<Self>,
        _: FloatTensor<Self>,
        _: bool,
    ) -> FloatTensor<Self> {
        first_order_only!()
    }

    fn scale_shift_residual_gradient(
        _: FloatTensor<Self>,
        _: FloatTensor<Self>,
        _: FloatTensor<Self>,
    ) -> (FloatTensor<Self>, FloatTensor<Self>) {
        first_order_only!()
    }

    fn sum_of_squares(_: FloatTensor<Self>) -> FloatTensor<Self> {
        first_order_only!()
    }

    fn sgd_step(
        _: FloatTensor<Self>,
        _: FloatTensor<Self>,
        _: FloatTensor<Self>,
        _: SgdStep,
    ) -> (FloatTensor<Self>, FloatTensor<Self>) {
        first_order_only!()
    }

    fn max_pool2d_nhwc_gradient(_: FloatTensor<Self>, _: FloatTensor<Self>, _: PoolShape) -> FloatTensor<Self> {
        first_order_only!()
    }
}

/// The ids of the tracked inputs of an operation.
fn ids<S, const N: usize>(ops: &Ops<S, N>) -> [Option<NodeId>; N] {
    std::array::from_fn(|input| ops.parents[input].as_ref().map(|node| node.id))
}

/// Hands each gradient to its input, where that input is tracked.
fn register<B: Backend, const N: usize>(
    grads: &mut Gradients,
    parents: [Option<NodeId>; N],
    gradients: [B::FloatTensorPrimitive; N],
) {
    for (parent, gradient) in parents.into_iter().zip(gradients) {
        if let Some(id) = parent {
            grads.register::<B>(id, gradient);
        }
    }
}

/// Gradients of `relu?(x * scale + shift + residual)` to the tracked ones of `[x, residual, scale, shift]`.
fn affine_backward<B: Backend + VideoOps>(
    state: AffineState<B::FloatTensorPrimitive>,
    dy: B::FloatTensorPrimitive,
    [to_x, to_residual, to_scale, to_shift]: [Option<NodeId>; 4],
    grads: &mut Gradients,
) {
    let AffineState { x, y, scale, relu } = state;
    if to_scale.is_some() || to_shift.is_some() {
        let dy = composed::behind_relu::<B>(y.clone(), dy.clone(), relu);
        if let (Some(id), Some(x)) = (to_scale, x) {
            grads.register::<B>(id, composed::sum_rows::<B>(B::float_mul(dy.clone(), x)));
        }
        if let Some(id) = to_shift {
            grads.register::<B>(id, composed::sum_rows::<B>(dy));
        }
    }
    match (to_x, to_residual) {
        (Some(to_x), None) => grads.register::<B>(to_x, B::scale_shift_gradient(y, dy, scale, relu)),
        (None, None) => {}
        (to_x, to_residual) => {
            let (dx, dresidual) = B::scale_shift_residual_gradient(y, dy, scale);
            register::<B, 2>(grads, [to_x, to_residual], [dx, dresidual]);
        }
    }
}

/// A value the graph treats as a constant.
fn constant<B: Backend, C: CheckpointStrategy>(value: B::FloatTensorPrimitive) -> FloatTensor<Autodiff<B, C>> {
    <Autodiff<B, C> as AutodiffBackend>::from_inner(value)
}
