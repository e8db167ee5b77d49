//! From colour planes to normalised channels-last images.

use burn::backend::Dispatch;
use burn::tensor::Tensor;
use taf_kernels::Colors;

use super::VideoOps;
use crate::trace::{self, Operation, input};

/// Colour planes to channels-last images, less the mean, divided by the deviation.
///
/// # Shapes
/// - `pixels`: `[n, 3, height, width]`
/// - result: `[n, height, width, 3]`
pub fn pixels_to_images(pixels: Tensor<4>, colors: Colors) -> Tensor<4> {
    if trace::is_on() {
        let [n, channels, height, width] = pixels.dims();
        return trace::record(Operation::Pixels(colors), &[input(&pixels)], [n, height, width, channels]);
    }
    Tensor::from_dispatch(<Dispatch as VideoOps>::pixels_to_images(pixels.into_dispatch(), colors))
}

pub(super) mod composed {
    use burn::backend::{Backend, TensorMetadata, tensor::FloatTensor};
    use burn::tensor::TensorData;
    use taf_kernels::Colors;

    use crate::ops::composed::{to_nchw, to_nhwc};

    pub fn pixels_to_images<B: Backend>(pixels: FloatTensor<B>, colors: Colors) -> FloatTensor<B> {
        let device = pixels.device();
        let centred = B::float_sub(to_nhwc::<B>(pixels), row::<B>(colors.mean, &device));
        B::float_mul(centred, row::<B>(colors.std.map(f32::recip), &device))
    }

    pub fn pixels_to_images_gradient<B: Backend>(dy: FloatTensor<B>, colors: Colors) -> FloatTensor<B> {
        let device = dy.device();
        to_nchw::<B>(B::float_mul(dy, row::<B>(colors.std.map(f32::recip), &device)))
    }

    fn row<B: Backend>(values: [f32; 3], device: &B::Device) -> FloatTensor<B> {
        B::float_from_data(TensorData::new(values.to_vec(), [1, 1, 1, 3]), device)
    }
}

pub(super) mod flex {
    use burn::backend::flex::FlexTensor;
    use burn::tensor::Shape;
    use taf_kernels::{ClipPixels, Colors};

    use crate::ops::flex::{Dense, output};

    pub fn pixels_to_images(pixels: FlexTensor, colors: Colors) -> FlexTensor {
        let pixels = Dense::new(pixels);
        let [images, _, height, width] = pixels.shape().dims();
        let shape = ClipPixels { images, pixels: height * width };
        output(Shape::new([images, height, width, 3]), |y| {
            taf_kernels::pixels_to_images(&shape, &colors, pixels.values(), y);
        })
    }

    pub fn pixels_to_images_gradient(dy: FlexTensor, colors: Colors) -> FlexTensor {
        let dy = Dense::new(dy);
        let [images, height, width, _] = dy.shape().dims();
        let shape = ClipPixels { images, pixels: height * width };
        output(Shape::new([images, 3, height, width]), |dx| {
            taf_kernels::pixels_to_images_gradient(&shape, &colors, dy.values(), dx);
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
    use taf_kernels::Colors;

    use crate::ops::VideoOps;
    use crate::ops::autodiff::{Tracked, ids, register};

    pub fn pixels_to_images<B: Backend + VideoOps, C: CheckpointStrategy>(
        pixels: Tracked<B, C>,
        colors: Colors,
    ) -> Tracked<B, C> {
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
}
