//! The handwritten gradients of the volume operations.

use burn::backend::{
    Autodiff, Backend,
    autodiff::{
        NodeId,
        checkpoint::{base::Checkpointer, strategy::CheckpointStrategy},
        grads::Gradients,
        ops::{Backward, Ops, OpsKind},
    },
    tensor::FloatTensor,
};
use taf_kernels::{Conv3dShape, SpaceTimeShape};

use crate::ops::autodiff::{AffineState, Plain, ids, norm_backward, recorded, register};
use crate::ops::{AdaptiveGradients, NormEnd, NormState, Normalized, Optional, VideoOps};

/// A tensor whose operations are recorded.
type Tracked<B, C> = FloatTensor<Autodiff<B, C>>;

/// What a 3-D convolution keeps for its gradients: each input only if the other one is tracked.
#[derive(Debug, Clone)]
struct Conv3dState<B: Backend> {
    x: Option<Plain<B>>,
    weight: Option<Plain<B>>,
    shape: Conv3dShape,
}

pub(in crate::ops) fn conv3d<B: Backend + VideoOps, C: CheckpointStrategy>(
    x: Tracked<B, C>,
    weight: Tracked<B, C>,
    shape: Conv3dShape,
) -> Tracked<B, C> {
    #[derive(Debug)]
    struct Convolution;
    impl<B: Backend + VideoOps> Backward<B, 2> for Convolution {
        type State = Conv3dState<B>;

        fn backward(self, ops: Ops<Self::State, 2>, grads: &mut Gradients, _: &mut Checkpointer) {
            let [to_x, to_weight] = ids(&ops);
            let dy = grads.consume::<B>(&ops.node);
            let Conv3dState { x, weight, shape } = ops.state;
            if let (Some(id), Some(x)) = (to_weight, x) {
                grads.register::<B>(id, B::conv3d_ndhwc_weight_gradient(x, dy.clone(), shape));
            }
            if let (Some(id), Some(weight)) = (to_x, weight) {
                grads.register::<B>(id, B::conv3d_ndhwc_input_gradient(dy, weight, shape));
            }
        }
    }
    let [x_tracked, weight_tracked] = [x.is_tracked(), weight.is_tracked()];
    let ((x, x_node), (weight, weight_node)) = (x.into_parts(), weight.into_parts());
    let saved = (weight_tracked.then(|| x.clone()), x_tracked.then(|| weight.clone()));
    let y = B::conv3d_ndhwc(x, weight, shape);
    match Convolution.prepare::<C>([x_node, weight_node]).compute_bound().stateful() {
        OpsKind::Tracked(prep) => prep.finish(Conv3dState { x: saved.0, weight: saved.1, shape }, y),
        OpsKind::UnTracked(prep) => prep.finish(y),
    }
}

/// What GST's pair of convolutions keeps for its gradients: each input only if another one is tracked.
#[derive(Debug, Clone)]
struct PairState<B: Backend> {
    x: Option<Plain<B>>,
    weights: Option<[Plain<B>; 2]>,
    shape: SpaceTimeShape,
}

impl<B: Backend + VideoOps> PairState<B> {
    fn new(
        x: &Plain<B>,
        weights: &[Plain<B>; 2],
        [x_tracked, weights_tracked]: [bool; 2],
        shape: SpaceTimeShape,
    ) -> Self {
        Self { x: weights_tracked.then(|| x.clone()), weights: x_tracked.then(|| weights.clone()), shape }
    }

    fn backward(self, dy: Plain<B>, [to_x, to_space, to_time]: [Option<NodeId>; 3], grads: &mut Gradients) {
        if let Some(x) = self.x.filter(|_| to_space.is_some() || to_time.is_some()) {
            let (dspace, dtime) = B::space_time_conv_weight_gradients(x, dy.clone(), self.shape);
            register::<B, 2>(grads, [to_space, to_time], [Some(dspace), Some(dtime)]);
        }
        if let (Some(id), Some([space, time])) = (to_x, self.weights) {
            grads.register::<B>(id, B::space_time_conv_input_gradient(dy, space, time, self.shape));
        }
    }
}

pub(in crate::ops) fn space_time_conv<B: Backend + VideoOps, C: CheckpointStrategy>(
    x: Tracked<B, C>,
    [space, time]: [Tracked<B, C>; 2],
    shape: SpaceTimeShape,
) -> Tracked<B, C> {
    #[derive(Debug)]
    struct Pair;
    impl<B: Backend + VideoOps> Backward<B, 3> for Pair {
        type State = PairState<B>;

        fn backward(self, ops: Ops<Self::State, 3>, grads: &mut Gradients, _: &mut Checkpointer) {
            let parents = ids(&ops);
            let dy = grads.consume::<B>(&ops.node);
            ops.state.backward(dy, parents, grads);
        }
    }
    let tracked = [x.is_tracked(), space.is_tracked() || time.is_tracked()];
    let ((x, x_node), (space, space_node), (time, time_node)) = (x.into_parts(), space.into_parts(), time.into_parts());
    let weights = [space, time];
    let state = PairState::new(&x, &weights, tracked, shape);
    let [space, time] = weights;
    let y = B::space_time_conv(x, space, time, shape);
    match Pair.prepare::<C>([x_node, space_node, time_node]).compute_bound().stateful() {
        OpsKind::Tracked(prep) => prep.finish(state, y),
        OpsKind::UnTracked(prep) => prep.finish(y),
    }
}

pub(in crate::ops) fn space_time_conv_norm_train<B: Backend + VideoOps, C: CheckpointStrategy>(
    x: Tracked<B, C>,
    [space, time]: [Tracked<B, C>; 2],
    [gamma, beta]: [Tracked<B, C>; 2],
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
            convolutions.backward(dx, [to_x, to_space, to_time], grads);
        }
    }
    let tracked = [x.is_tracked(), space.is_tracked() || time.is_tracked()];
    let ((x, x_node), (space, space_node), (time, time_node)) = (x.into_parts(), space.into_parts(), time.into_parts());
    let ((gamma, gamma_node), (beta, beta_node)) = (gamma.into_parts(), beta.into_parts());
    let weights = [space, time];
    let convolutions = PairState::new(&x, &weights, tracked, shape);
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

pub(in crate::ops) fn space_time_conv_affine<B: Backend + VideoOps, C: CheckpointStrategy>(
    x: Tracked<B, C>,
    weights: [Tracked<B, C>; 2],
    [scale, shift]: [Tracked<B, C>; 2],
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
            convolutions.backward(dx, [to_x, None, None], grads);
        }
    }
    if weights.iter().chain([&scale, &shift]).any(|tensor| tensor.is_tracked()) {
        // Training on running statistics: the general way, which keeps what the scale's gradient reads.
        let x = space_time_conv::<B, C>(x, weights, shape);
        return <Autodiff<B, C> as VideoOps>::scale_shift(x, scale, shift, Optional::None, relu);
    }
    let x_tracked = x.is_tracked();
    let (x, x_node) = x.into_parts();
    let weights = weights.map(|tensor| tensor.into_primitive());
    let [scale, shift] = [scale, shift].map(|tensor| tensor.into_primitive());
    let convolutions = PairState::new(&x, &weights, [x_tracked, false], shape);
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

pub(in crate::ops) fn temporal_adaptive<B: Backend + VideoOps, C: CheckpointStrategy>(
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
