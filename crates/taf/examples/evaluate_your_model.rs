//! A network of your own on videos of your own, without a recipe or a run: accuracy on the videos as they are and spoiled,
//! and how the network spreads its attention.
//!
//! `cargo run --release -p taf --example evaluate_your_model -- MANIFEST SPLIT`
//!
//! The manifest is what `taf data prepare` writes. The network here has random weights; load yours with
//! `taf::model::load_state`.

use std::error::Error;
use std::path::Path;
use std::sync::Arc;

use burn::module::Module;
use burn::nn::conv::{Conv3d, Conv3dConfig};
use burn::nn::{Linear, LinearConfig, PaddingConfig3d};
use burn::tensor::{Device, Int, Tensor, activation::relu};
use taf::adversary::TemporalAdversary;
use taf::evaluate::{Average, Evaluation, Suite, Views};
use taf::model::{Pass, VideoModel, VideoOutput};
use taf_report::page::Report;
use taf_video::corrupt::Severity;
use taf_video::dataset::Manifest;
use taf_video::transform::EvalTransformConfig;
use taf_video::{Sampling, TemporalViews};

/// One 3-D convolution that keeps time, global pooling, a linear classifier.
#[derive(Module, Debug)]
pub struct Smallest3d {
    conv: Conv3d,
    head: Linear,
}

impl Smallest3d {
    /// A network with random weights.
    pub fn new(classes: usize, device: &Device) -> Self {
        let conv = Conv3dConfig::new([3, 16], [3, 3, 3])
            .with_stride([1, 4, 4])
            .with_padding(PaddingConfig3d::Explicit(1, 1, 1));
        Self { conv: conv.init(device), head: LinearConfig::new(16, classes).init(device) }
    }
}

impl VideoModel for Smallest3d {
    fn forward(&self, clips: Tensor<5>, _: &mut Pass) -> VideoOutput {
        // Burn's 3-D convolution wants [batch, channels, time, height, width].
        let features = relu(self.conv.forward((clips - 0.5).swap_dims(1, 2))).permute([0, 2, 3, 4, 1]);
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

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [manifest, split] = &arguments[..] else { return Err("usage: evaluate_your_model MANIFEST SPLIT".into()) };
    let videos = Manifest::read(Path::new(manifest))?.select_splits(&[split])?;
    let device = Device::flex();
    let model = Smallest3d::new(videos.classes().len(), &device);
    let classes = videos.classes().to_vec();
    let evaluation = Evaluation {
        videos: Arc::new(videos),
        views: Views {
            sampling: Sampling::segments(8),
            temporal: TemporalViews::Twice,
            transform: EvalTransformConfig { size: 56, ..Default::default() }.init()?,
        },
        average: Average::Logits,
        batch_size: 8,
        threads: 2,
    };
    let mut report = Report::builder("a network of my own").classes(classes);
    for suite in [Suite::clean(), Suite::time_shifted(&[Severity::new(3)?])] {
        let answers =
            suite.versions.iter().map(|&version| evaluation.predict(&model, version, &device, &mut |_, _| {}));
        let answers = suite.joined(answers.collect::<Result<Vec<_>, _>>()?)?;
        report = report.suite(&suite.name, &suite.description).predictions("mine", &suite.name, answers);
    }
    let adversary = TemporalAdversary::default();
    let summary = evaluation.probe(&model, &evaluation.sample(64), &adversary, &device, &mut |_, _| {})?;
    print!("{}", report.attention("mine", summary).build()?.to_terminal(false));
    Ok(())
}
