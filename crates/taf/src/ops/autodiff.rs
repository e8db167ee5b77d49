//! Handwritten gradients: only what a tracked input asks for is saved and computed.
//!
//! Crafting a perturbation tracks the clip alone, so no weight gradient is ever made there.

use burn::backend::{
    Autodiff, AutodiffBackend, Backend, BackendTypes, TensorMetadata,
    autodiff::{
        NodeId,
        checkpoint::{base::Checkpointer, strategy::CheckpointStrategy},
        grads::Gradients,
        ops::{Backward, NodeGuard, Ops, OpsKind},
    },
    tensor::FloatTensor,
};

use super::{
    AdaptiveGradients, Colors, Conv3dShape, ConvShape, NormEnd, NormGradients, NormState, Normalized, Optional,
    PoolShape, SgdStep, SpaceTimeShape, VideoOps, composed, volume,
};

/// A tensor of the backend whose operations are recorded.
pub(super) type Plain<B> = <B as BackendTypes>::FloatTensorPrimitive;

/// What a convolution keeps for its gradients: each input only if the other one is tracked.
#[derive(Debug, Clone)]
struct ConvState<B: Backend> {
    x: Option<Plain<B>>,
    weight: Option<Plain<B>>,
    shape: ConvShape,
}

/// What the per-channel affine map keeps for its gradients.
#[derive(Debug, Clone)]
pub(super) struct AffineState<B: Backend> {
    /// Kept only when the scale is tracked.
    pub(super) x: Option<Plain<B>>,
    /// Kept only behind a ReLU.
    pub(super) y: Optional<B>,
    pub(super) scale: Plain<B>,
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
            type State = ConvState<B>;

            fn backward(self, ops: Ops<Self::State, 2>, grads: &mut Gradients, _: &mut Checkpointer) {
                let parents = ids(&ops);
                let dy = grads.consume::<B>(&ops.node);
                ops.state.backward(dy, parents, grads);
            }
        }
        let tracked = [x.is_tracked(), weight.is_tracked()];
        let ((x, x_node), (weight, weight_node)) = (x.into_parts(), weight.into_parts());
        match Convolution.prepare::<C>([x_node, weight_node]).compute_bound().stateful() {
            OpsKind::Tracked(prep) => {
                prep.finish(ConvState::new(&x, &weight, tracked, shape), B::conv2d_nhwc(x, weight, shape))
            }
            OpsKind::UnTracked(prep) => prep.finish(B::conv2d_nhwc(x, weight, shape)),
        }
    }

    fn conv2d_norm_train(
        x: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        gamma: FloatTensor<Self>,
        beta: FloatTensor<Self>,
        residual: Optional<Self>,
        shape: ConvShape,
        end: NormEnd,
    ) -> Normalized<Self> {
        #[derive(Debug)]
        struct ConvolutionNorm;
        impl<B: Backend + VideoOps> Backward<B, 5> for ConvolutionNorm {
            type State = (ConvState<B>, NormState<B>, bool);

            fn backward(self, ops: Ops<Self::State, 5>, grads: &mut Gradients, _: &mut Checkpointer) {
                let [to_x, to_weight, to_gamma, to_beta, to_residual] = ids(&ops);
                let dy = grads.consume::<B>(&ops.node);
                let (convolution, norm, has_residual) = ops.state;
                let to_residual = to_residual.filter(|_| has_residual);
                let dx = norm_backward(norm, dy, [to_gamma, to_beta, to_residual], grads);
                convolution.backward(dx, [to_x, to_weight], grads);
            }
        }
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

    fn conv2d_affine(
        x: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        scale: FloatTensor<Self>,
        shift: FloatTensor<Self>,
        residual: Optional<Self>,
        shape: ConvShape,
        relu: bool,
    ) -> FloatTensor<Self> {
        #[derive(Debug)]
        struct ConvolutionAffine;
        impl<B: Backend + VideoOps> Backward<B, 2> for ConvolutionAffine {
            type State = (ConvState<B>, AffineState<B>, bool);

            fn backward(self, ops: Ops<Self::State, 2>, grads: &mut Gradients, _: &mut Checkpointer) {
                let [to_x, to_residual] = ids(&ops);
                let dy = grads.consume::<B>(&ops.node);
                let (convolution, AffineState { y, scale, .. }, has_residual) = ops.state;
                let to_residual = to_residual.filter(|_| has_residual);
                let (dx, dresidual) = B::scale_shift_gradient(y, dy, scale, to_residual.is_some());
                register::<B, 1>(grads, [to_residual], [dresidual]);
                convolution.backward(dx, [to_x, None], grads);
            }
        }
        if weight.is_tracked() || scale.is_tracked() || shift.is_tracked() {
            // Training on running statistics: the general way, which keeps what the scale's gradient reads.
            let x = Self::conv2d_nhwc(x, weight, shape);
            return Self::scale_shift(x, scale, shift, residual, relu);
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

    fn norm_train(
        x: FloatTensor<Self>,
        gamma: FloatTensor<Self>,
        beta: FloatTensor<Self>,
        residual: Optional<Self>,
        end: NormEnd,
    ) -> Normalized<Self> {
        #[derive(Debug)]
        struct Norm;
        impl<B: Backend + VideoOps> Backward<B, 4> for Norm {
            type State = (NormState<B>, bool);

            fn backward(self, ops: Ops<Self::State, 4>, grads: &mut Gradients, _: &mut Checkpointer) {
                let [to_x, to_gamma, to_beta, to_residual] = ids(&ops);
                let dy = grads.consume::<B>(&ops.node);
                let (norm, has_residual) = ops.state;
                let to_residual = to_residual.filter(|_| has_residual);
                let dx = norm_backward(norm, dy, [to_gamma, to_beta, to_residual], grads);
                register::<B, 1>(grads, [to_x], [Some(dx)]);
            }
        }
        let (residual, residual_node) = parts(residual, x.node());
        let has_residual = residual.is_some();
        let ((x, x_node), (gamma, gamma_node), (beta, beta_node)) =
            (x.into_parts(), gamma.into_parts(), beta.into_parts());
        let normalized = B::norm_train(x.clone(), gamma.clone(), beta.clone(), residual, end);
        let prepared = Norm.prepare::<C>([x_node, gamma_node, beta_node, residual_node]).compute_bound().stateful();
        recorded(normalized, |y, [mean, inverse]| match prepared {
            OpsKind::Tracked(prep) => {
                let norm = NormState::new(x, &y, [gamma, beta, mean, inverse], has_residual, end.relu);
                prep.finish((norm, has_residual), y)
            }
            OpsKind::UnTracked(prep) => prep.finish(y),
        })
    }

    fn scale_shift(
        x: FloatTensor<Self>,
        scale: FloatTensor<Self>,
        shift: FloatTensor<Self>,
        residual: Optional<Self>,
        relu: bool,
    ) -> FloatTensor<Self> {
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

    fn temporal_shift(x: FloatTensor<Self>, frames: usize, fold: usize, backwards: bool) -> FloatTensor<Self> {
        #[derive(Debug)]
        struct Shift;
        impl<B: Backend + VideoOps> Backward<B, 1> for Shift {
            type State = (usize, usize, bool);

            fn backward(self, ops: Ops<Self::State, 1>, grads: &mut Gradients, _: &mut Checkpointer) {
                let (frames, fold, backwards) = ops.state;
                let dy = grads.consume::<B>(&ops.node);
                register::<B, 1>(grads, ids(&ops), [Some(B::temporal_shift(dy, frames, fold, !backwards))]);
            }
        }
        let (x, node) = x.into_parts();
        let y = B::temporal_shift(x, frames, fold, backwards);
        match Shift.prepare::<C>([node]).compute_bound().stateful() {
            OpsKind::Tracked(prep) => prep.finish((frames, fold, backwards), y),
            OpsKind::UnTracked(prep) => prep.finish(y),
        }
    }

    fn cut(x: FloatTensor<Self>, ceiling: f32) -> FloatTensor<Self> {
        #[derive(Debug)]
        struct Cut;
        impl<B: Backend + VideoOps> Backward<B, 1> for Cut {
            type State = (Plain<B>, f32);

            fn backward(self, ops: Ops<Self::State, 1>, grads: &mut Gradients, _: &mut Checkpointer) {
                let parents = ids(&ops);
                let (y, ceiling) = ops.state;
                let dy = grads.consume::<B>(&ops.node);
                register::<B, 1>(grads, parents, [Some(B::cut_gradient(y, dy, ceiling))]);
            }
        }
        let (x, node) = x.into_parts();
        let y = B::cut(x, ceiling);
        match Cut.prepare::<C>([node]).compute_bound().stateful() {
            OpsKind::Tracked(prep) => prep.finish((y.clone(), ceiling), y),
            OpsKind::UnTracked(prep) => prep.finish(y),
        }
    }

    fn conv3d_ndhwc(x: FloatTensor<Self>, weight: FloatTensor<Self>, shape: Conv3dShape) -> FloatTensor<Self> {
        volume::autodiff::conv3d::<B, C>(x, weight, shape)
    }

    fn space_time_conv(
        x: FloatTensor<Self>,
        space: FloatTensor<Self>,
        time: FloatTensor<Self>,
        shape: SpaceTimeShape,
    ) -> FloatTensor<Self> {
        volume::autodiff::space_time_conv::<B, C>(x, [space, time], shape)
    }

    fn space_time_conv_norm_train(
        x: FloatTensor<Self>,
        space: FloatTensor<Self>,
        time: FloatTensor<Self>,
        gamma: FloatTensor<Self>,
        beta: FloatTensor<Self>,
        shape: SpaceTimeShape,
        end: NormEnd,
    ) -> Normalized<Self> {
        volume::autodiff::space_time_conv_norm_train::<B, C>(x, [space, time], [gamma, beta], shape, end)
    }

    fn space_time_conv_affine(
        x: FloatTensor<Self>,
        space: FloatTensor<Self>,
        time: FloatTensor<Self>,
        scale: FloatTensor<Self>,
        shift: FloatTensor<Self>,
        shape: SpaceTimeShape,
        relu: bool,
    ) -> FloatTensor<Self> {
        volume::autodiff::space_time_conv_affine::<B, C>(x, [space, time], [scale, shift], shape, relu)
    }

    fn temporal_adaptive(
        x: FloatTensor<Self>,
        kernels: FloatTensor<Self>,
        gates: FloatTensor<Self>,
    ) -> FloatTensor<Self> {
        volume::autodiff::temporal_adaptive::<B, C>(x, kernels, gates)
    }

    fn max_pool2d_nhwc(x: FloatTensor<Self>, shape: PoolShape) -> FloatTensor<Self> {
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

    fn average_pool(x: FloatTensor<Self>) -> FloatTensor<Self> {
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

    fn pixels_to_images(pixels: FloatTensor<Self>, colors: Colors) -> FloatTensor<Self> {
        #[derive(Debug)]
        struct Images;
        impl<B: Backend + VideoOps> Backward<B, 1> for Images {
            type State = Colors;

            fn backward(self, ops: Ops<Self::State, 1>, grads: &mut Gradients, _: &mut Checkpointer) {
                let parents = ids(&ops);
                let dy = grads.consume::<B>(&ops.node);
                register::<B, 1>(grads, parents, [Some(B::pixels_to_images_gradient(dy, ops.state))]);
            }
        }
        let (pixels, node) = pixels.into_parts();
        let images = B::pixels_to_images(pixels, colors);
        match Images.prepare::<C>([node]).compute_bound().stateful() {
            OpsKind::Tracked(prep) => prep.finish(colors, images),
            OpsKind::UnTracked(prep) => prep.finish(images),
        }
    }

    fn conv2d_nhwc_input_gradient(_: FloatTensor<Self>, _: FloatTensor<Self>, _: ConvShape) -> FloatTensor<Self> {
        first_order_only!()
    }

    fn conv2d_nhwc_weight_gradient(_: FloatTensor<Self>, _: FloatTensor<Self>, _: ConvShape) -> FloatTensor<Self> {
        first_order_only!()
    }

    fn conv3d_ndhwc_input_gradient(_: FloatTensor<Self>, _: FloatTensor<Self>, _: Conv3dShape) -> FloatTensor<Self> {
        first_order_only!()
    }

    fn conv3d_ndhwc_weight_gradient(_: FloatTensor<Self>, _: FloatTensor<Self>, _: Conv3dShape) -> FloatTensor<Self> {
        first_order_only!()
    }

    fn space_time_conv_input_gradient(
        _: FloatTensor<Self>,
        _: FloatTensor<Self>,
        _: FloatTensor<Self>,
        _: SpaceTimeShape,
    ) -> FloatTensor<Self> {
        first_order_only!()
    }

    fn space_time_conv_weight_gradients(
        _: FloatTensor<Self>,
        _: FloatTensor<Self>,
        _: SpaceTimeShape,
    ) -> (FloatTensor<Self>, FloatTensor<Self>) {
        first_order_only!()
    }

    fn temporal_adaptive_gradient(
        _: FloatTensor<Self>,
        _: FloatTensor<Self>,
        _: FloatTensor<Self>,
        _: FloatTensor<Self>,
    ) -> AdaptiveGradients<Self> {
        first_order_only!()
    }

    fn norm_gradient(_: NormState<Self>, _: FloatTensor<Self>, _: bool) -> NormGradients<Self> {
        first_order_only!()
    }

    fn scale_shift_gradient(
        _: Optional<Self>,
        _: FloatTensor<Self>,
        _: FloatTensor<Self>,
        _: bool,
    ) -> (FloatTensor<Self>, Option<FloatTensor<Self>>) {
        first_order_only!()
    }

    fn cut_gradient(_: FloatTensor<Self>, _: FloatTensor<Self>, _: f32) -> FloatTensor<Self> {
        first_order_only!()
    }

    fn max_pool2d_nhwc_gradient(_: FloatTensor<Self>, _: FloatTensor<Self>, _: PoolShape) -> FloatTensor<Self> {
        first_order_only!()
    }

    fn average_pool_gradient(_: FloatTensor<Self>, _: usize) -> FloatTensor<Self> {
        first_order_only!()
    }

    fn pixels_to_images_gradient(_: FloatTensor<Self>, _: Colors) -> FloatTensor<Self> {
        first_order_only!()
    }

    fn accumulate(_: FloatTensor<Self>, _: FloatTensor<Self>) -> FloatTensor<Self> {
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
}

impl<B: Backend + VideoOps> ConvState<B> {
    fn new(x: &Plain<B>, weight: &Plain<B>, [x_tracked, weight_tracked]: [bool; 2], shape: ConvShape) -> Self {
        Self { x: weight_tracked.then(|| x.clone()), weight: x_tracked.then(|| weight.clone()), shape }
    }

    fn backward(self, dy: Plain<B>, [to_x, to_weight]: [Option<NodeId>; 2], grads: &mut Gradients) {
        if let (Some(id), Some(x)) = (to_weight, self.x) {
            grads.register::<B>(id, B::conv2d_nhwc_weight_gradient(x, dy.clone(), self.shape));
        }
        if let (Some(id), Some(weight)) = (to_x, self.weight) {
            grads.register::<B>(id, B::conv2d_nhwc_input_gradient(dy, weight, self.shape));
        }
    }
}

impl<B: Backend> NormState<B> {
    pub(super) fn new(
        x: Plain<B>,
        y: &Plain<B>,
        [gamma, beta, mean, inverse]: [Plain<B>; 4],
        residual: bool,
        relu: bool,
    ) -> Self {
        let y = (residual && relu).then(|| y.clone()).into();
        Self { x, y, gamma, beta, mean, inverse_deviation: inverse, relu }
    }
}

/// Registers the gradients to gamma, beta and the residual, as far as they are tracked, and returns that to the input.
pub(super) fn norm_backward<B: Backend + VideoOps>(
    state: NormState<B>,
    dy: Plain<B>,
    parents: [Option<NodeId>; 3],
    grads: &mut Gradients,
) -> Plain<B> {
    let NormGradients { dx, dgamma, dbeta, dresidual } = B::norm_gradient(state, dy, parents[2].is_some());
    register::<B, 3>(grads, parents, [Some(dgamma), Some(dbeta), dresidual.into_option()]);
    dx
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
            let dy = composed::behind_relu::<B>(self.y.clone(), dy.clone());
            let dscale = self.x.map(|x| composed::sum_rows::<B>(B::float_mul(dy.clone(), x)));
            register::<B, 2>(grads, [to_scale, to_shift], [dscale, Some(composed::sum_rows::<B>(dy))]);
        }
        if to_x.is_some() || to_residual.is_some() {
            let (dx, dresidual) = B::scale_shift_gradient(self.y, dy, self.scale, to_residual.is_some());
            register::<B, 2>(grads, [to_x, to_residual], [Some(dx), dresidual]);
        }
    }
}

/// The ids of the tracked inputs of an operation.
pub(super) fn ids<S, const N: usize>(ops: &Ops<S, N>) -> [Option<NodeId>; N] {
    std::array::from_fn(|input| ops.parents[input].as_ref().map(|node| node.id))
}

/// Hands each gradient to its input, where that input is tracked.
pub(super) fn register<B: Backend, const N: usize>(
    grads: &mut Gradients,
    parents: [Option<NodeId>; N],
    gradients: [Option<Plain<B>>; N],
) {
    for (parent, gradient) in parents.into_iter().zip(gradients) {
        if let (Some(id), Some(gradient)) = (parent, gradient) {
            grads.register::<B>(id, gradient);
        }
    }
}

/// The plain tensor and the graph's node of an input that may be absent. The number of an operation's inputs is fixed,
/// so `instead` stands in for an absent one; nothing is ever registered for it.
fn parts<B: Backend, C: CheckpointStrategy>(
    tensor: Optional<Autodiff<B, C>>,
    instead: NodeGuard,
) -> (Optional<B>, NodeGuard) {
    match tensor {
        Optional::Some(tensor) => {
            let (tensor, node) = tensor.into_parts();
            (Optional::Some(tensor), node)
        }
        Optional::None => (Optional::None, instead),
    }
}

/// Lifts the result of a norm into the graph: `record` takes the output with its mean and inverse deviation; the
/// statistics are constants.
pub(super) fn recorded<B: Backend, C: CheckpointStrategy>(
    normalized: Normalized<B>,
    record: impl FnOnce(Plain<B>, [Plain<B>; 2]) -> FloatTensor<Autodiff<B, C>>,
) -> Normalized<Autodiff<B, C>> {
    let Normalized { y, mean, variance, inverse_deviation, .. } = normalized;
    let y = record(y, [mean.clone(), inverse_deviation.clone()]);
    let [mean, variance, inverse_deviation] = [mean, variance, inverse_deviation].map(constant::<B, C>);
    Normalized { y, x: Optional::None, mean, variance, inverse_deviation }
}

/// A value the graph treats as a constant.
fn constant<B: Backend, C: CheckpointStrategy>(value: Plain<B>) -> FloatTensor<Autodiff<B, C>> {
    <Autodiff<B, C> as AutodiffBackend>::from_inner(value)
}
