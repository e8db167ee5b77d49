//! What the handwritten gradients share.
//!
//! Only what a tracked input asks for is saved and computed: crafting a perturbation tracks the clip alone, so no weight
//! gradient is ever made there.

use burn::backend::{
    Autodiff, AutodiffBackend, Backend, BackendTypes,
    autodiff::{
        NodeId,
        checkpoint::strategy::CheckpointStrategy,
        grads::Gradients,
        ops::{NodeGuard, Ops},
    },
    tensor::FloatTensor,
};

use super::Optional;

/// A tensor of the backend whose operations are recorded.
pub(super) type Plain<B> = <B as BackendTypes>::FloatTensorPrimitive;

/// A tensor whose operations are recorded.
pub(super) type Tracked<B, C> = FloatTensor<Autodiff<B, C>>;

/// What a convolution keeps for its gradients: each input only if the other one is tracked. `W` are its weights, and `S`
/// how it walks over its input.
#[derive(Debug, Clone)]
pub(super) struct ConvState<B: Backend, W, S> {
    pub(super) x: Option<Plain<B>>,
    pub(super) weights: Option<W>,
    pub(super) shape: S,
}

impl<B: Backend, W: Clone, S> ConvState<B, W, S> {
    pub(super) fn new(x: &Plain<B>, weights: &W, [x_tracked, weights_tracked]: [bool; 2], shape: S) -> Self {
        Self { x: weights_tracked.then(|| x.clone()), weights: x_tracked.then(|| weights.clone()), shape }
    }
}

/// A gradient from the output's and one of the inputs, in the order in which the operation takes them.
type ConvGradient<B, S> = fn(Plain<B>, Plain<B>, S) -> Plain<B>;

impl<B: Backend, S: Copy> ConvState<B, Plain<B>, S> {
    /// Registers the gradients to input and weights, as far as they are tracked.
    pub(super) fn backward(
        self,
        dy: Plain<B>,
        [to_x, to_weight]: [Option<NodeId>; 2],
        grads: &mut Gradients,
        [input_gradient, weight_gradient]: [ConvGradient<B, S>; 2],
    ) {
        if let (Some(id), Some(x)) = (to_weight, self.x) {
            grads.register::<B>(id, weight_gradient(x, dy.clone(), self.shape));
        }
        if let (Some(id), Some(weight)) = (to_x, self.weights) {
            grads.register::<B>(id, input_gradient(dy, weight, self.shape));
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
pub(super) fn parts<B: Backend, C: CheckpointStrategy>(
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

/// A value the graph treats as a constant.
pub(super) fn constant<B: Backend, C: CheckpointStrategy>(value: Plain<B>) -> Tracked<B, C> {
    <Autodiff<B, C> as AutodiffBackend>::from_inner(value)
}
