use burn::module::{Module, Param};
use burn::tensor::{Device, Tensor, TensorData};
use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use rand_distr::StandardNormal;

use crate::ops;

/// Convolution without bias on channels-last images, weights `[kernel, kernel, channels_in, channels_out]`.
#[derive(Module, Debug)]
pub struct Conv2d {
    weight: Param<Tensor<4>>,
    #[module(skip)]
    stride: usize,
    #[module(skip)]
    padding: usize,
}

impl Conv2d {
    /// Square kernel, padding that keeps the side at stride 1, Kaiming-normal weights over the outputs' fan
    /// (He et al., 2015, the choice of torchvision's ResNet).
    pub fn new(
        [channels_in, channels_out]: [usize; 2],
        kernel: usize,
        stride: usize,
        device: &Device,
        rng: &mut ChaCha8Rng,
    ) -> Self {
        let deviation = (2.0 / (kernel * kernel * channels_out) as f32).sqrt();
        let weight = normal([kernel, kernel, channels_in, channels_out], deviation, device, rng);
        Self { weight: Param::from_tensor(weight), stride, padding: kernel / 2 }
    }

    /// `[n, height, width, channels_in]` to `[n, height', width', channels_out]`.
    pub fn forward(&self, x: Tensor<4>) -> Tensor<4> {
        ops::conv2d(x, self.weight.val(), self.stride, self.padding, 1)
    }
}

/// Normally distributed values around 0, from `rng` on every device.
pub(crate) fn normal<const D: usize>(
    shape: [usize; D],
    deviation: f32,
    device: &Device,
    rng: &mut ChaCha8Rng,
) -> Tensor<D> {
    let count = shape.iter().product();
    let values = (0..count).map(|_| deviation * rng.sample::<f32, _>(StandardNormal)).collect();
    Tensor::from_data(TensorData::new::<f32, _>(values, shape), device)
}
