//! A network of your own, here a small 3-D CNN, perturbed and fine-tuned like the built-in ones.
//!
//! `cargo run --release -p taf --example bring_your_own_model`

use burn::module::Module;
use burn::nn::conv::{Conv3d, Conv3dConfig};
use burn::nn::{Linear, LinearConfig, PaddingConfig3d};
use burn::tensor::{Device, Int, Tensor, activation::relu};
use taf::adversary::TemporalAdversary;
use taf::conformance::{ClipSize, check};
use taf::model::{BatchNorm, Pass, VideoModel, VideoOutput};

/// Two 3-D convolutions that keep time, global pooling, a linear classifier.
#[derive(Module, Debug)]
pub struct Small3d {
    conv1: Conv3d,
    conv2: Conv3d,
    norm: BatchNorm,
    head: Linear,
}

impl Small3d {
    /// A network with random weights.
    pub fn new(classes: usize, device: &Device) -> Self {
        let conv = |channels, stride| {
            Conv3dConfig::new(channels, [3, 3, 3])
                .with_stride([1, stride, stride])
                .with_padding(PaddingConfig3d::Explicit(1, 1, 1))
                .init(device)
        };
        Self {
            conv1: conv([3, 16], 2),
            conv2: conv([16, 32], 2),
            norm: BatchNorm::new(32, device),
            head: LinearConfig::new(32, classes).init(device),
        }
    }
}

impl VideoModel for Small3d {
    fn forward(&self, clips: Tensor<5>, pass: &mut Pass) -> VideoOutput {
        let x = (clips - 0.5).swap_dims(1, 2); // Burn's 3-D convolution wants [batch, channels, time, height, width]
        let x = self.conv2.forward(relu(self.conv1.forward(x)));
        let features = self.norm.forward_relu(x.permute([0, 2, 3, 4, 1]), pass);
        let [batch, time, height, width, channels] = features.dims();
        let pooled = features.clone().reshape([batch, time * height * width, channels]).mean_dim(1);
        VideoOutput::new(self.head.forward(pooled.reshape([batch, channels])), features)
    }

    fn cam_weights(&self, _: &VideoOutput, classes: Tensor<1, Int>) -> Tensor<2> {
        self.head.weight.val().detach().transpose().select(0, classes)
    }

    fn classes(&self) -> usize {
        self.head.weight.dims()[1]
    }
}

fn main() {
    let device = Device::flex().autodiff();
    let model = Small3d::new(10, &device);
    let clips = Tensor::<5>::zeros([2, 8, 3, 32, 32], &Device::flex()) + 0.5;
    let perturbed = TemporalAdversary::default().perturb(&model, clips, &[3, 7], 0);
    println!("objective before the step: {:?}", perturbed.objective);

    let failures = check(model, ClipSize { frames: 8, side: 32 });
    println!("conformance: {}", if failures.is_empty() { "passed".into() } else { failures.join("\n") });
    std::process::exit(i32::from(!failures.is_empty()));
}
