//! A network of your own, here a small 3-D CNN, perturbed and fine-tuned like the built-in ones.
//!
//! `cargo run --release -p taf --example bring_your_own_model`

use burn::module::Module;
use burn::nn::conv::{Conv3d, Conv3dConfig};
use burn::nn::{Linear, LinearConfig};
use burn::tensor::{Device, Int, Tensor};
use taf::adversary::TemporalAdversary;
use taf::conformance::{ClipSize, check};
use taf::model::{BatchNorm, Pass, PixelNorm, VideoModel, VideoOutput, cost};
use taf::ops::{self, Conv3dOptions};

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
        let conv = |channels| Conv3dConfig::new(channels, [3, 3, 3]).with_bias(false).init(device);
        Self {
            conv1: conv([3, 16]),
            conv2: conv([16, 32]),
            norm: BatchNorm::new(32, device),
            head: LinearConfig::new(32, classes).init(device),
        }
    }
}

/// Halves height and width. The weights are Burn's, `[out, in, kernel...]`.
fn halved(conv: &Conv3d, x: Tensor<5>) -> Tensor<5> {
    let weight = ops::permute(conv.weight.val(), [2, 3, 4, 1, 0]);
    ops::conv3d(x, weight, Conv3dOptions { stride: [1, 2, 2], padding: [1; 3] })
}

impl VideoModel for Small3d {
    // The functions of `ops` are fast on channels last, and let the pass be followed: what it costs, and an ONNX file.
    fn forward(&self, clips: Tensor<5>, pass: &mut Pass) -> VideoOutput {
        let [batch, time, channels, height, width] = clips.dims();
        let images = PixelNorm::IMAGENET.to_images(clips);
        let x = ops::reshape(images, [batch, time, height, width, channels]);
        let x = halved(&self.conv2, ops::relu(halved(&self.conv1, x)));
        let features = self.norm.forward_relu(x, pass);
        let [batch, time, height, width, channels] = features.dims();
        let pooled = ops::average_pool(ops::reshape(features.clone(), [batch, time * height * width, channels]));
        let weight = ops::permute(self.head.weight.val(), [1, 0]);
        let bias = self.head.bias.as_ref().expect("linear layers have one unless told otherwise").val();
        VideoOutput::new(ops::linear(pooled, weight, bias), features)
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

    println!("cost: {:?}", cost(&model, 8, 32).expect("the pass stays in taf::ops"));

    let failures = check(model, ClipSize { frames: 8, side: 32 });
    println!("conformance: {}", if failures.is_empty() { "passed".into() } else { failures.join("\n") });
    std::process::exit(i32::from(!failures.is_empty()));
}
