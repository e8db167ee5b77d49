//! The temporal shift: a few channels of each frame come from its neighbours.

use burn::backend::Dispatch;
use burn::tensor::Tensor;

use super::VideoOps;
use crate::trace::{self, Operation, input};

/// Temporal shift (Lin et al., "TSM", ICCV 2019): the first `channels / divisor` channels of a frame are taken from
/// the next frame, as many more from the previous one, the others stay. Zeros enter at the ends of the clip.
///
/// # Shapes
/// - `x`, result: `[clips * frames, height, width, channels]`
///
/// # Panics
/// If the images are not whole clips of `frames` frames, or `divisor` is below 2.
pub fn temporal_shift(x: Tensor<4>, frames: usize, divisor: usize) -> Tensor<4> {
    let [images, _, _, channels] = x.dims();
    assert!(divisor >= 2, "at most half of the channels move each way");
    assert!(frames > 0 && images % frames == 0, "{images} images are whole clips of {frames} frames");
    if trace::is_on() {
        return trace::record(Operation::Shift { frames, fold: channels / divisor }, &[input(&x)], x.dims());
    }
    let shifted = <Dispatch as VideoOps>::temporal_shift(x.into_dispatch(), frames, channels / divisor, false);
    Tensor::from_dispatch(shifted)
}

pub(super) mod composed {
    use burn::backend::{Backend, TensorMetadata, tensor::FloatTensor};
    use burn::tensor::Shape;

    use crate::ops::composed::{shift_by_one, take};

    pub fn temporal_shift<B: Backend>(
        x: FloatTensor<B>,
        frames: usize,
        fold: usize,
        backwards: bool,
    ) -> FloatTensor<B> {
        let dims = x.shape();
        let (images, channels) = (dims[0], dims[dims.num_dims() - 1]);
        let pixels = dims.num_elements() / images / channels;
        let x = B::float_reshape(x, Shape::new([images / frames, frames, pixels, channels]));
        let part = |from, to| take::<B>(x.clone(), 3, from, to);
        let parts = vec![
            shift_by_one::<B>(part(0, fold), !backwards),
            shift_by_one::<B>(part(fold, 2 * fold), backwards),
            part(2 * fold, channels),
        ];
        B::float_reshape(B::float_cat(parts, 3), dims)
    }
}

pub(super) mod flex {
    use burn::backend::flex::FlexTensor;
    use taf_kernels::ShiftShape;

    use crate::ops::flex::{Dense, memory_bound};

    pub fn temporal_shift(x: FlexTensor, frames: usize, fold: usize, backwards: bool) -> FlexTensor {
        let x = Dense::new(x);
        let (dims, channels) = (x.shape(), x.channels());
        let shape = ShiftShape {
            clips: dims[0] / frames,
            frames,
            pixels: dims.num_elements() / dims[0] / channels,
            channels,
            fold,
        };
        let shift = if backwards { taf_kernels::temporal_shift_backward } else { taf_kernels::temporal_shift_forward };
        memory_bound("temporal shift", if backwards { "input gradient" } else { "forward" }, dims, || {
            x.like(|y| shift(&shape, x.values(), y))
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

    use crate::ops::VideoOps;
    use crate::ops::autodiff::{Tracked, ids, register};

    pub fn temporal_shift<B: Backend + VideoOps, C: CheckpointStrategy>(
        x: Tracked<B, C>,
        frames: usize,
        fold: usize,
        backwards: bool,
    ) -> Tracked<B, C> {
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
}
