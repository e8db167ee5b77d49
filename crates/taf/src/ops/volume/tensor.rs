//! The volume operations on Burn tensors.

use burn::backend::Dispatch;
use burn::tensor::Tensor;
use taf_kernels::{Conv3dShape, SpaceTimeShape};

use crate::ops::{Affine, NormEnd, NormParameters, Normed, VideoOps};

/// How a 3-D convolution walks over its clips: `[time, height, width]` each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Conv3dOptions {
    /// Steps from one window to the next.
    pub stride: [usize; 3],
    /// Zeros on every side.
    pub padding: [usize; 3],
}

/// Convolution of channels-last clips.
///
/// # Shapes
/// - `x`: `[clips, frames, height, width, channels_in]`
/// - `weight`: `[kernel_frames, kernel_height, kernel_width, channels_in, channels_out]`
/// - result: `[clips, frames', height', width', channels_out]`
///
/// # Panics
/// If the channels of `x` and `weight` differ, or the kernel does not fit the padded clip.
pub fn conv3d(x: Tensor<5>, weight: Tensor<5>, options: Conv3dOptions) -> Tensor<5> {
    let [clips, frames, height, width, channels_in] = x.dims();
    let [kernel_frames, kernel_height, kernel_width, inputs, channels_out] = weight.dims();
    assert_eq!(inputs, channels_in, "channels of the convolution's weights and of its input");
    let shape = Conv3dShape {
        clips,
        frames,
        height,
        width,
        channels_in,
        channels_out,
        kernel: [kernel_frames, kernel_height, kernel_width],
        stride: options.stride,
        padding: options.padding,
    };
    shape.validate();
    Tensor::from_dispatch(<Dispatch as VideoOps>::conv3d_ndhwc(x.into_dispatch(), weight.into_dispatch(), shape))
}

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
    fn shape(&self, x: &Tensor<4>) -> SpaceTimeShape {
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
    let (space, time) = (conv.space.into_dispatch(), conv.time.into_dispatch());
    Tensor::from_dispatch(<Dispatch as VideoOps>::space_time_conv(x.into_dispatch(), space, time, shape))
}

/// [`space_time_conv`] and [`batch_norm`](crate::ops::batch_norm) in one.
pub fn space_time_conv_batch_norm(x: Tensor<4>, conv: SpaceTimeConv, norm: NormParameters, relu: bool) -> Normed<4> {
    let shape = conv.shape(&x);
    let end = NormEnd { epsilon: norm.epsilon, relu };
    let (x, space, time) = (x.into_dispatch(), conv.space.into_dispatch(), conv.time.into_dispatch());
    let [gamma, beta] = [norm.gamma, norm.beta].map(Tensor::into_dispatch);
    <Dispatch as VideoOps>::space_time_conv_norm_train(x, space, time, gamma, beta, shape, end).into()
}

/// [`space_time_conv`] and [`scale_shift`](crate::ops::scale_shift) in one.
pub fn space_time_conv_affine(x: Tensor<4>, conv: SpaceTimeConv, map: Affine, relu: bool) -> Tensor<4> {
    let shape = conv.shape(&x);
    let (x, space, time) = (x.into_dispatch(), conv.space.into_dispatch(), conv.time.into_dispatch());
    let [scale, shift] = [map.scale, map.shift].map(Tensor::into_dispatch);
    let y = <Dispatch as VideoOps>::space_time_conv_affine(x, space, time, scale, shift, shape, relu);
    Tensor::from_dispatch(y)
}

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
    let (kernels, gates) = (kernels.into_dispatch(), gates.into_dispatch());
    Tensor::from_dispatch(<Dispatch as VideoOps>::temporal_adaptive(x.into_dispatch(), kernels, gates))
}
