//! Batch norm with the statistics of the batch.

use burn::backend::{Backend, Dispatch, ExtensionType, tensor::FloatTensor};
use burn::tensor::Tensor;

use super::{Optional, VideoOps};
use crate::trace;

/// Scale and offset of batch norm, and what is added to the variance.
#[derive(Clone, Debug)]
pub struct NormParameters {
    /// `[channels]`
    pub gamma: Tensor<1>,
    /// `[channels]`
    pub beta: Tensor<1>,
    /// Keeps a channel without spread finite.
    pub epsilon: f32,
}

/// The output of batch norm and the statistics it used, as constants.
#[derive(Clone, Debug)]
pub struct Normed<const D: usize> {
    /// `[..., channels]`
    pub y: Tensor<D>,
    /// `[channels]`
    pub mean: Tensor<1>,
    /// Biased, `[channels]`.
    pub variance: Tensor<1>,
}

impl<const D: usize> From<Normalized<Dispatch>> for Normed<D> {
    fn from(normalized: Normalized<Dispatch>) -> Self {
        Self {
            y: Tensor::from_dispatch(normalized.y),
            mean: Tensor::from_dispatch(normalized.mean),
            variance: Tensor::from_dispatch(normalized.variance),
        }
    }
}

/// Batch norm with the statistics of this batch: `relu?(normalise(x) * gamma + beta + residual?)`.
///
/// # Shapes
/// - `x`, `residual`, result: `[..., channels]`, any rank
pub fn batch_norm<const D: usize>(
    x: Tensor<D>,
    norm: NormParameters,
    residual: Option<Tensor<D>>,
    relu: bool,
) -> Normed<D> {
    if trace::is_on() {
        trace::refuse_batch_statistics("a batch norm");
        let (mean, variance) = (norm.gamma.clone(), norm.gamma);
        return Normed { y: x, mean, variance };
    }
    let end = NormEnd { epsilon: norm.epsilon, relu };
    let [gamma, beta] = [norm.gamma, norm.beta].map(Tensor::into_dispatch);
    <Dispatch as VideoOps>::norm_train(x.into_dispatch(), gamma, beta, Optional::of(residual), end).into()
}

/// How batch norm ends.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct NormEnd {
    /// Added to the variance.
    pub epsilon: f32,
    /// Whether negative sums become zero.
    pub relu: bool,
}

/// Batch-norm output with the statistics it used.
#[derive(Debug, Clone, ExtensionType)]
pub struct Normalized<B: Backend> {
    /// The output.
    pub y: FloatTensor<B>,
    /// What was normalised, where that was computed on the way: the output of a convolution.
    #[extension_type]
    pub x: Optional<B>,
    /// Mean, `[channels]`.
    pub mean: FloatTensor<B>,
    /// Biased variance, `[channels]`.
    pub variance: FloatTensor<B>,
    /// `1 / sqrt(variance + epsilon)`, `[channels]`.
    pub inverse_deviation: FloatTensor<B>,
}

/// What the gradient of batch norm reads.
#[derive(Debug, Clone, ExtensionType)]
pub struct NormState<B: Backend> {
    /// The input.
    pub x: FloatTensor<B>,
    /// The output, kept where a ReLU followed the sum with a residual: its zeros tell where the gradient stops. Without
    /// a residual that follows from `x`.
    #[extension_type]
    pub y: Optional<B>,
    /// Scale.
    pub gamma: FloatTensor<B>,
    /// Offset.
    pub beta: FloatTensor<B>,
    /// Mean of the batch.
    pub mean: FloatTensor<B>,
    /// `1 / sqrt(variance + epsilon)` of the batch.
    pub inverse_deviation: FloatTensor<B>,
    /// Whether there was a ReLU.
    pub relu: bool,
}

/// Gradients of batch norm.
#[derive(Debug, Clone, ExtensionType)]
pub struct NormGradients<B: Backend> {
    /// To the input.
    pub dx: FloatTensor<B>,
    /// To the scale.
    pub dgamma: FloatTensor<B>,
    /// To the offset.
    pub dbeta: FloatTensor<B>,
    /// To the residual, where it was asked for.
    #[extension_type]
    pub dresidual: Optional<B>,
}

pub(super) mod composed {
    use burn::backend::{Backend, TensorMetadata, tensor::FloatTensor};

    use crate::ops::composed::{as_row, as_rows, as_vector};
    use crate::ops::scale_shift::composed::{behind_relu, scale_shift};
    use crate::ops::{NormEnd, NormGradients, NormState, Normalized, Optional};

    pub fn norm_train<B: Backend>(
        x: FloatTensor<B>,
        gamma: FloatTensor<B>,
        beta: FloatTensor<B>,
        residual: Optional<B>,
        end: NormEnd,
    ) -> Normalized<B> {
        let rows = as_rows::<B>(x.clone());
        let mean = B::float_mean_dim(rows.clone(), 0);
        let centred = B::float_sub(rows, mean.clone());
        let variance = B::float_mean_dim(B::float_mul(centred.clone(), centred), 0);
        let (mean, variance) = (as_vector::<B>(mean), as_vector::<B>(variance));
        let deviation = B::float_sqrt(B::float_add_scalar(variance.clone(), end.epsilon.into()));
        let inverse_deviation = B::float_recip(deviation);
        let scale = B::float_mul(gamma, inverse_deviation.clone());
        let shift = B::float_sub(beta, B::float_mul(mean.clone(), scale.clone()));
        let y = scale_shift::<B>(x, scale, shift, residual, end.relu);
        Normalized { y, x: Optional::None, mean, variance, inverse_deviation }
    }

    pub fn norm_gradient<B: Backend>(state: NormState<B>, dy: FloatTensor<B>, residual: bool) -> NormGradients<B> {
        let dims = state.x.shape();
        let dy = behind_relu::<B>(rectified::<B>(&state), dy);
        let dresidual = residual.then(|| dy.clone()).into();
        let (rows, dy) = (as_rows::<B>(state.x), as_rows::<B>(dy));
        let count = rows.shape()[0] as f32;
        let inverse = as_row::<B>(state.inverse_deviation);
        let normal = B::float_mul(B::float_sub(rows, as_row::<B>(state.mean)), inverse.clone());
        let dbeta = B::float_sum_dim(dy.clone(), 0);
        let dgamma = B::float_sum_dim(B::float_mul(dy.clone(), normal.clone()), 0);
        // dx = gamma / deviation * (dy - mean(dy) - normal * mean(dy * normal))
        let mean_dy = B::float_div_scalar(dbeta.clone(), count.into());
        let mean_dy_normal = B::float_div_scalar(dgamma.clone(), count.into());
        let inner = B::float_sub(B::float_sub(dy, mean_dy), B::float_mul(normal, mean_dy_normal));
        let dx = B::float_mul(inner, B::float_mul(inverse, as_row::<B>(state.gamma)));
        let (dgamma, dbeta) = (as_vector::<B>(dgamma), as_vector::<B>(dbeta));
        NormGradients { dx: B::float_reshape(dx, dims), dgamma, dbeta, dresidual }
    }

    /// The output of a norm that ended with a ReLU.
    fn rectified<B: Backend>(state: &NormState<B>) -> Optional<B> {
        if !state.relu || state.y.is_some() {
            return state.y.clone();
        }
        let scale = B::float_mul(state.gamma.clone(), state.inverse_deviation.clone());
        let shift = B::float_sub(state.beta.clone(), B::float_mul(state.mean.clone(), scale.clone()));
        Optional::Some(scale_shift::<B>(state.x.clone(), scale, shift, Optional::None, true))
    }
}

pub(super) mod flex {
    use burn::backend::{Flex, flex::FlexTensor};
    use taf_kernels::{
        BatchNormInput, BatchNormSaved, BatchStatistics, SavedRelu, batch_norm_backward_in_place,
        batch_norm_residual_backward_in_place,
    };

    use crate::ops::flex::{Dense, memory_bound, overwritten, vector};
    use crate::ops::{NormEnd, NormGradients, NormState, Normalized, Optional};

    pub fn norm_train(
        x: FlexTensor,
        gamma: FlexTensor,
        beta: FlexTensor,
        residual: Optional<Flex>,
        end: NormEnd,
    ) -> Normalized<Flex> {
        norm(Dense::new(x), [gamma, beta], residual, end, None)
    }

    /// Batch norm of `x`. Where its statistics are known already it was computed on the way, and is handed back.
    pub(in crate::ops) fn norm(
        x: Dense,
        [gamma, beta]: [FlexTensor; 2],
        residual: Optional<Flex>,
        end: NormEnd,
        known: Option<BatchStatistics>,
    ) -> Normalized<Flex> {
        let [gamma, beta] = [gamma, beta].map(Dense::new);
        let residual = Dense::optional(residual);
        let input = BatchNormInput {
            x: x.values(),
            gamma: gamma.values(),
            beta: beta.values(),
            residual: residual.as_ref().map(Dense::values),
            relu: end.relu,
            epsilon: end.epsilon,
        };
        let keep = known.is_some();
        let mut statistics = None;
        let y = memory_bound("batch norm", "forward", x.shape(), || {
            x.like(|y| {
                let known = known.unwrap_or_else(|| BatchStatistics::of(input.x, input.gamma.len(), end.epsilon));
                taf_kernels::batch_norm_forward_with(&input, &known, y);
                statistics = Some(known);
            })
        });
        let BatchStatistics { mean, variance, inv_std, .. } = statistics.expect("the output was filled");
        let [mean, variance, inverse_deviation] = [mean, variance, inv_std].map(vector);
        Normalized { y, x: keep.then_some(x.0).into(), mean, variance, inverse_deviation }
    }

    /// The output gradient's memory becomes that of the input gradient or, with a residual, of the residual's.
    pub fn norm_gradient(state: NormState<Flex>, dy: FlexTensor, residual: bool) -> NormGradients<Flex> {
        let [x, gamma, beta] = [state.x, state.gamma, state.beta].map(Dense::new);
        let [mean, inverse] = [state.mean, state.inverse_deviation].map(Dense::new);
        let y = Dense::optional(state.y);
        let saved = BatchNormSaved {
            x: x.values(),
            mean: mean.values(),
            inv_std: inverse.values(),
            gamma: gamma.values(),
            relu: match &y {
                Some(y) => SavedRelu::Output(y.values()),
                None if state.relu => SavedRelu::Beta(beta.values()),
                None => SavedRelu::None,
            },
        };
        let (mut dgamma, mut dbeta) = (vec![0.0; gamma.channels()], vec![0.0; gamma.channels()]);
        let (dx, dresidual) = memory_bound("batch norm", "gradient", x.shape(), || {
            if !residual {
                let gradients = |dy: &mut [f32]| batch_norm_backward_in_place(&saved, dy, &mut dgamma, &mut dbeta);
                return (overwritten(dy, gradients), None);
            }
            let mut dresidual = None;
            let dx = x.like(|dx| {
                let gradients =
                    |dy: &mut [f32]| batch_norm_residual_backward_in_place(&saved, dy, dx, &mut dgamma, &mut dbeta);
                dresidual = Some(overwritten(dy, gradients));
            });
            (dx, dresidual)
        });
        NormGradients { dx, dgamma: vector(dgamma), dbeta: vector(dbeta), dresidual: dresidual.into() }
    }
}

pub(super) mod gradient {
    use burn::backend::{
        Autodiff, Backend,
        autodiff::{
            NodeId,
            checkpoint::{base::Checkpointer, strategy::CheckpointStrategy},
            grads::Gradients,
            ops::{Backward, Ops, OpsKind},
        },
    };

    use crate::ops::autodiff::{Plain, Tracked, constant, ids, parts, register};
    use crate::ops::{NormEnd, NormGradients, NormState, Normalized, Optional, VideoOps};

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

    pub fn norm_train<B: Backend + VideoOps, C: CheckpointStrategy>(
        x: Tracked<B, C>,
        gamma: Tracked<B, C>,
        beta: Tracked<B, C>,
        residual: Optional<Autodiff<B, C>>,
        end: NormEnd,
    ) -> Normalized<Autodiff<B, C>> {
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

    impl<B: Backend> NormState<B> {
        pub(in crate::ops) fn new(
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

    /// Registers the gradients to gamma, beta and the residual, as far as they are tracked, and returns that to the
    /// input.
    pub(in crate::ops) fn norm_backward<B: Backend + VideoOps>(
        state: NormState<B>,
        dy: Plain<B>,
        parents: [Option<NodeId>; 3],
        grads: &mut Gradients,
    ) -> Plain<B> {
        let NormGradients { dx, dgamma, dbeta, dresidual } = B::norm_gradient(state, dy, parents[2].is_some());
        register::<B, 3>(grads, parents, [Some(dgamma), Some(dbeta), dresidual.into_option()]);
        dx
    }

    /// Lifts the result of a norm into the graph: `record` takes the output with its mean and inverse deviation; the
    /// statistics are constants.
    pub(in crate::ops) fn recorded<B: Backend, C: CheckpointStrategy>(
        normalized: Normalized<B>,
        record: impl FnOnce(Plain<B>, [Plain<B>; 2]) -> Tracked<B, C>,
    ) -> Normalized<Autodiff<B, C>> {
        let Normalized { y, mean, variance, inverse_deviation, .. } = normalized;
        let y = record(y, [mean.clone(), inverse_deviation.clone()]);
        let [mean, variance, inverse_deviation] = [mean, variance, inverse_deviation].map(constant::<B, C>);
        Normalized { y, x: Optional::None, mean, variance, inverse_deviation }
    }
}
