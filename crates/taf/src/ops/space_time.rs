//! GST's pair of convolutions: one over space, one over space and time.

use burn::backend::Dispatch;
use burn::tensor::Tensor;
use taf_kernels::SpaceTimeShape;

use super::{Conv3dOptions, ConvOptions, VideoOps, concatenate, conv2d, conv3d, reshape, slice};
use crate::trace;

/// The weights of GST's pair of convolutions (Luo and Yuille, ICCV 2019), and how they walk over their images. Both pad
/// by one where they reach over, and only space is strided.
#[derive(Clone, Debug)]
pub struct SpaceTimeConv {
    /// 3x3 within each frame, `[3, 3, inputs, outputs]`.
    pub space: Tensor<4>,
    /// 3x3x3 over neighbouring frames, `[3, 3, 3, inputs, outputs]`.
    pub time: Tensor<5>,
    /// Frames per clip.
    pub frames: usize,
    /// Pixels from one window to the next.
    pub stride: usize,
}

impl SpaceTimeConv {
    /// Where the weights take half the channels of `x`, `space` sees the first half and `time` the second.
    pub(super) fn shape(&self, x: &Tensor<4>) -> SpaceTimeShape {
        let ([images, height, width, channels_in], frames) = (x.dims(), self.frames);
        let [_, _, inputs, space] = self.space.dims();
        let [.., time_inputs, time] = self.time.dims();
        assert_eq!(inputs, time_inputs, "input channels of the two convolutions");
        assert!(frames > 0 && images % frames == 0, "{images} images are whole clips of {frames} frames");
        let shared = inputs == channels_in;
        assert!(shared || 2 * inputs == channels_in, "weights for {inputs} channels take all or half of {channels_in}");
        let (clips, channels_out) = (images / frames, [space, time]);
        SpaceTimeShape { clips, frames, height, width, channels_in, channels_out, shared, stride: self.stride }
    }
}

/// GST's pair of convolutions: the outputs of the one over space, and behind them those of the one over space and time.
///
/// # Shapes
/// - `x`: `[clips * frames, height, width, channels_in]`
/// - result: `[clips * frames, height', width', channels_out]`
///
/// # Panics
/// If weights and images do not fit together.
pub fn space_time_conv(x: Tensor<4>, conv: SpaceTimeConv) -> Tensor<4> {
    let shape = conv.shape(&x);
    if trace::is_on() {
        return side_by_side(x, conv, shape);
    }
    let (space, time) = (conv.space.into_dispatch(), conv.time.into_dispatch());
    Tensor::from_dispatch(<Dispatch as VideoOps>::space_time_conv(x.into_dispatch(), space, time, shape))
}

/// [`space_time_conv`] as two convolutions.
fn side_by_side(x: Tensor<4>, conv: SpaceTimeConv, shape: SpaceTimeShape) -> Tensor<4> {
    let SpaceTimeShape { clips, frames, height, width, channels_in, shared, stride, .. } = shape;
    let half = channels_in / 2;
    let [seen_in_space, seen_in_time] =
        if shared { [x.clone(), x] } else { [slice(x.clone(), 3, 0, half), slice(x, 3, half, half)] };
    let over_space = ConvOptions { stride, padding: 1, groups: 1, shift: None };
    let space = conv2d(seen_in_space, conv.space, over_space);
    let inputs = seen_in_time.dims()[3];
    let over_time = Conv3dOptions { stride: [1, stride, stride], padding: [1; 3] };
    let time = conv3d(reshape(seen_in_time, [clips, frames, height, width, inputs]), conv.time, over_time);
    let [_, _, height, width, outputs] = time.dims();
    concatenate(vec![space, reshape(time, [clips * frames, height, width, outputs])], 3)
}

pub(super) mod composed {
    use burn::backend::{Backend, tensor::FloatTensor};
    use burn::tensor::Shape;
    use taf_kernels::SpaceTimeShape;

    use crate::ops::composed::take;
    use crate::ops::conv3d::composed::{conv3d_ndhwc, conv3d_ndhwc_input_gradient, conv3d_ndhwc_weight_gradient};

    pub fn space_time_conv<B: Backend>(
        x: FloatTensor<B>,
        space: FloatTensor<B>,
        time: FloatTensor<B>,
        shape: SpaceTimeShape,
    ) -> FloatTensor<B> {
        let x = as_clips::<B>(x, &shape);
        let outputs = inputs_of_parts::<B>(x, &shape).into_iter().zip(weights_of_parts::<B>(space, time, &shape));
        let outputs =
            outputs.zip(shape.parts()).map(|((x, weight), part)| conv3d_ndhwc::<B>(x, weight, part)).collect();
        let [frames, height, width] = shape.output();
        let dims = Shape::new([shape.clips * frames, height, width, shape.outputs()]);
        B::float_reshape(B::float_cat(outputs, 4), dims)
    }

    pub fn space_time_conv_input_gradient<B: Backend>(
        dy: FloatTensor<B>,
        space: FloatTensor<B>,
        time: FloatTensor<B>,
        shape: SpaceTimeShape,
    ) -> FloatTensor<B> {
        let parts = gradients_of_parts::<B>(dy, &shape).into_iter().zip(weights_of_parts::<B>(space, time, &shape));
        let mut gradients =
            parts.zip(shape.parts()).map(|((dy, weight), part)| conv3d_ndhwc_input_gradient::<B>(dy, weight, part));
        let both = [(); 2].map(|()| gradients.next().expect("two parts"));
        let dx = if shape.shared {
            let [space, time] = both;
            B::float_add(space, time)
        } else {
            B::float_cat(both.into(), 4)
        };
        B::float_reshape(dx, Shape::new([shape.clips * shape.frames, shape.height, shape.width, shape.channels_in]))
    }

    pub fn space_time_conv_weight_gradients<B: Backend>(
        x: FloatTensor<B>,
        dy: FloatTensor<B>,
        shape: SpaceTimeShape,
    ) -> (FloatTensor<B>, FloatTensor<B>) {
        let [space_x, time_x] = inputs_of_parts::<B>(as_clips::<B>(x, &shape), &shape);
        let [space_dy, time_dy] = gradients_of_parts::<B>(dy, &shape);
        let [space, time] = shape.parts();
        let dspace = conv3d_ndhwc_weight_gradient::<B>(space_x, space_dy, space);
        let dspace = B::float_reshape(dspace, Shape::new([3, 3, space.channels_in, space.channels_out]));
        (dspace, conv3d_ndhwc_weight_gradient::<B>(time_x, time_dy, time))
    }

    fn as_clips<B: Backend>(x: FloatTensor<B>, shape: &SpaceTimeShape) -> FloatTensor<B> {
        let SpaceTimeShape { clips, frames, height, width, channels_in, .. } = *shape;
        B::float_reshape(x, Shape::new([clips, frames, height, width, channels_in]))
    }

    fn inputs_of_parts<B: Backend>(x: FloatTensor<B>, shape: &SpaceTimeShape) -> [FloatTensor<B>; 2] {
        shape.first_inputs().map(|first| take::<B>(x.clone(), 4, first, first + shape.inputs()))
    }

    /// 2-D weights become 3-D ones of a single frame.
    fn weights_of_parts<B: Backend>(
        space: FloatTensor<B>,
        time: FloatTensor<B>,
        shape: &SpaceTimeShape,
    ) -> [FloatTensor<B>; 2] {
        let dims = Shape::new([1, 3, 3, shape.inputs(), shape.channels_out[0]]);
        [B::float_reshape(space, dims), time]
    }

    fn gradients_of_parts<B: Backend>(dy: FloatTensor<B>, shape: &SpaceTimeShape) -> [FloatTensor<B>; 2] {
        let [frames, height, width] = shape.output();
        let dy = B::float_reshape(dy, Shape::new([shape.clips, frames, height, width, shape.outputs()]));
        let between = shape.channels_out[0];
        [take::<B>(dy.clone(), 4, 0, between), take::<B>(dy, 4, between, shape.outputs())]
    }
}

pub(super) mod flex {
    use burn::backend::flex::FlexTensor;
    use burn::tensor::Shape;
    use taf_kernels::SpaceTimeShape;

    use crate::ops::flex::{Dense, computing, output, strides};

    pub(in crate::ops) fn output_dims(shape: &SpaceTimeShape) -> Shape {
        let [frames, height, width] = shape.output();
        Shape::new([shape.clips * frames, height, width, shape.outputs()])
    }

    pub fn space_time_conv(x: FlexTensor, space: FlexTensor, time: FlexTensor, shape: SpaceTimeShape) -> FlexTensor {
        let (x, weights) = (Dense::new(x), [space, time].map(Dense::new));
        pair("forward", &shape, || {
            let weights = weights.each_ref().map(Dense::values);
            output(output_dims(&shape), |y| taf_kernels::space_time_forward(&shape, x.values(), weights, y))
        })
    }

    pub fn space_time_conv_input_gradient(
        dy: FlexTensor,
        space: FlexTensor,
        time: FlexTensor,
        shape: SpaceTimeShape,
    ) -> FlexTensor {
        let (dy, weights) = (Dense::new(dy), [space, time].map(Dense::new));
        let SpaceTimeShape { clips, frames, height, width, channels_in, .. } = shape;
        pair("input gradient", &shape, || {
            let weights = weights.each_ref().map(Dense::values);
            output(Shape::new([clips * frames, height, width, channels_in]), |dx| {
                taf_kernels::space_time_input_gradient(&shape, dy.values(), weights, dx);
            })
        })
    }

    pub fn space_time_conv_weight_gradients(
        x: FlexTensor,
        dy: FlexTensor,
        shape: SpaceTimeShape,
    ) -> (FlexTensor, FlexTensor) {
        let (x, dy) = (Dense::new(x), Dense::new(dy));
        let ([space, time], inputs) = (shape.channels_out, shape.inputs());
        pair("weight gradient", &shape, || {
            let mut dspace = None;
            let dtime = output(Shape::new([3, 3, 3, inputs, time]), |dtime| {
                dspace = Some(output(Shape::new([3, 3, inputs, space]), |dspace| {
                    taf_kernels::space_time_weight_gradients(&shape, x.values(), dy.values(), [dspace, dtime]);
                }));
            });
            (dspace.expect("it was computed with the other"), dtime)
        })
    }

    pub(in crate::ops) fn pair<R>(pass: &'static str, shape: &SpaceTimeShape, work: impl FnOnce() -> R) -> R {
        computing(pass, shape.operations(), || pair_layer(shape), work)
    }

    /// `1x3x3 & 3x3x3 64 -> 48 & 16, 2x8x28x28`: kernels, channels, and the clips that are read.
    fn pair_layer(shape: &SpaceTimeShape) -> String {
        let SpaceTimeShape { clips, frames, height, width, channels_out: [space, time], stride, .. } = shape;
        format!(
            "1x3x3 & 3x3x3 {} -> {space} & {time}, {clips}x{frames}x{height}x{width}{}",
            shape.inputs(),
            strides(*stride)
        )
    }
}

pub(super) mod gradient {
    use burn::backend::{
        Backend,
        autodiff::{
            NodeId,
            checkpoint::{base::Checkpointer, strategy::CheckpointStrategy},
            grads::Gradients,
            ops::{Backward, Ops, OpsKind},
        },
    };
    use taf_kernels::SpaceTimeShape;

    use crate::ops::VideoOps;
    use crate::ops::autodiff::{ConvState, Plain, Tracked, ids, register};

    /// What the pair keeps for its gradients.
    pub(in crate::ops) type PairState<B> = ConvState<B, [Plain<B>; 2], SpaceTimeShape>;

    pub(in crate::ops) fn pair_backward<B: Backend + VideoOps>(
        state: PairState<B>,
        dy: Plain<B>,
        [to_x, to_space, to_time]: [Option<NodeId>; 3],
        grads: &mut Gradients,
    ) {
        if let Some(x) = state.x.filter(|_| to_space.is_some() || to_time.is_some()) {
            let (dspace, dtime) = B::space_time_conv_weight_gradients(x, dy.clone(), state.shape);
            register::<B, 2>(grads, [to_space, to_time], [Some(dspace), Some(dtime)]);
        }
        if let (Some(id), Some([space, time])) = (to_x, state.weights) {
            grads.register::<B>(id, B::space_time_conv_input_gradient(dy, space, time, state.shape));
        }
    }

    pub fn space_time_conv<B: Backend + VideoOps, C: CheckpointStrategy>(
        x: Tracked<B, C>,
        space: Tracked<B, C>,
        time: Tracked<B, C>,
        shape: SpaceTimeShape,
    ) -> Tracked<B, C> {
        #[derive(Debug)]
        struct Pair;
        impl<B: Backend + VideoOps> Backward<B, 3> for Pair {
            type State = PairState<B>;

            fn backward(self, ops: Ops<Self::State, 3>, grads: &mut Gradients, _: &mut Checkpointer) {
                let parents = ids(&ops);
                let dy = grads.consume::<B>(&ops.node);
                pair_backward(ops.state, dy, parents, grads);
            }
        }
        let tracked = [x.is_tracked(), space.is_tracked() || time.is_tracked()];
        let ((x, x_node), (space, space_node), (time, time_node)) =
            (x.into_parts(), space.into_parts(), time.into_parts());
        let weights = [space, time];
        let state = ConvState::new(&x, &weights, tracked, shape);
        let [space, time] = weights;
        let y = B::space_time_conv(x, space, time, shape);
        match Pair.prepare::<C>([x_node, space_node, time_node]).compute_bound().stateful() {
            OpsKind::Tracked(prep) => prep.finish(state, y),
            OpsKind::UnTracked(prep) => prep.finish(y),
        }
    }
}
