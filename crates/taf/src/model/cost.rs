//! What a network costs, read off one traced pass.

use std::collections::HashSet;

use burn::tensor::Device;

use super::state::is_trained;
use super::{ClipShape, Recognizer, RecognizerConfig, VideoModel, num_parameters, shapes, trace};
use crate::trace::{Graph, Operation, Origin, Step, TraceError, ValueId, without_values};

/// Size and work of a network.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Cost {
    /// Weights that training changes; no running statistics, no auxiliary branch of norms.
    pub parameters: usize,
    /// Those of them that inference does without: TPN's auxiliary classifier.
    pub training_parameters: usize,
    /// Multiplications with additions for classifying one clip, in convolutions and linear layers alone, as publications
    /// count them.
    pub multiply_adds: u64,
}

/// What `model` costs for clips of `frames` pictures of `size` by `size` pixels.
///
/// # Errors
/// If its pass leaves the functions of [`ops`](crate::ops).
pub fn cost<M: VideoModel>(model: &M, frames: usize, size: usize) -> Result<Cost, TraceError> {
    let graph = trace(model, ClipShape { batch: 1, frames, height: size, width: size })?;
    let needed = graph.needed();
    let read: HashSet<&str> = graph
        .values
        .iter()
        .zip(&needed)
        .filter_map(|(value, &needed)| match &value.origin {
            Origin::Parameter(name) if needed => Some(name.as_str()),
            _ => None,
        })
        .collect();
    let unread = shapes(model).into_iter().filter(|(name, _)| is_trained(name) && !read.contains(name.as_str()));
    Ok(Cost {
        parameters: num_parameters(model),
        training_parameters: unread.map(|(_, shape)| shape.iter().product::<usize>()).sum(),
        multiply_adds: graph.steps.iter().map(|step| multiply_adds(step, &graph)).sum(),
    })
}

fn multiply_adds(step: &Step, graph: &Graph) -> u64 {
    let count = |value: usize| graph.values[value].shape.iter().product::<usize>();
    let last = |value: usize| graph.values[value].shape.last().copied().unwrap_or(1);
    let result = step.outputs[0];
    let work = match step.operation {
        // Each value is made of all the weights of its channel.
        Operation::Convolution { .. } => count(result) * (count(step.inputs[1]) / last(step.inputs[1])),
        Operation::Linear if result == graph.logits => {
            count(result) * last(step.inputs[0]) * frames_averaged(step.inputs[0], graph)
        }
        Operation::Linear => count(result) * last(step.inputs[0]),
        Operation::Adaptive => count(result) * last(step.inputs[1]),
        _ => 0,
    };
    work as u64
}

/// How many frames' features the classifier's input `value` is the mean of, where it is a mean of means. Publications classify each of them and
/// average what is said, which comes to the same as classifying the mean, and count that.
fn frames_averaged(value: ValueId, graph: &Graph) -> usize {
    let maker = |value: ValueId| graph.steps.iter().find(|step| step.outputs.contains(&value));
    let mean = |step: &&Step| step.operation == Operation::Mean;
    let Some(over_frames) = maker(value).filter(mean) else { return 1 };
    let frames = over_frames.inputs[0];
    let pooled = match maker(frames) {
        Some(step) if step.operation == Operation::Reshape => maker(step.inputs[0]),
        other => other,
    };
    if pooled.filter(mean).is_some() { graph.values[frames].shape[1] } else { 1 }
}

impl RecognizerConfig {
    /// What the network costs for clips of `frames` pictures of `size` by `size` pixels. Its weights are not made.
    pub fn cost(&self, frames: usize, size: usize) -> Cost {
        cost(&self.outline(), frames, size).expect("a recognizer is made of the functions of ops")
    }

    /// [`Cost::parameters`], without making them.
    pub fn parameters(&self) -> usize {
        num_parameters(&self.outline())
    }

    /// The network with weights that have shapes and no values.
    pub(crate) fn outline(&self) -> Recognizer {
        without_values(|| self.init(&Device::flex(), 0))
    }
}

#[cfg(test)]
mod tests {
    use super::super::{
        BlockKind, MobileNetV2Config, Pass, RecognizerConfig, ResNetConfig, VideoModel, num_parameters,
    };
    use crate::profile::record;
    use burn::tensor::{Device, Tensor};

    /// What is known of the published networks: parameters, and the multiply-adds of a clip for 174 classes in units of 10
    /// million.
    fn published(frames: usize, classes: usize) -> [(RecognizerConfig, usize, u64); 4] {
        let longer = (frames / 8) as u64;
        let trunk = ResNetConfig::resnet50;
        let of = |eight: usize| eight - (174 - classes) * 2049;
        let tam = if frames == 16 { 25_134_670 } else { 25_127_246 };
        [
            (RecognizerConfig::tsm(trunk(), classes), of(23_864_558), 3270 * longer),
            (RecognizerConfig::gst(trunk(), classes), of(21_035_246), 2900 * longer),
            (RecognizerConfig::gst_large(trunk(), classes), of(29_523_182), 4010 * longer),
            (RecognizerConfig::tam(trunk(), classes, frames), of(tam), if frames == 16 { 6551 } else { 3276 }),
        ]
    }

    #[test]
    fn the_published_networks_have_the_known_size_and_work() {
        for (frames, classes) in [(8, 174), (16, 174), (8, 48)] {
            for (config, parameters, work) in published(frames, classes) {
                let cost = config.cost(frames, 224);
                assert_eq!(cost.parameters, parameters, "{:?}, {frames} frames, {classes} classes", config.temporal);
                let found = (cost.multiply_adds + 5_000_000) / 10_000_000;
                assert!(classes != 174 || found == work, "{found} for {:?}, {frames} frames", config.temporal);
            }
        }
    }

    #[test]
    fn the_work_is_that_of_the_sizes_published_for_256_pixels() {
        let work = |config: RecognizerConfig, frames| (config.cost(frames, 256).multiply_adds + 5_000_000) / 10_000_000;
        let trunk = ResNetConfig::resnet50;
        assert_eq!(work(RecognizerConfig::tsm(trunk(), 174), 8), 4271);
        assert_eq!(work(RecognizerConfig::tam(trunk(), 174, 8), 8), 4278);
        assert_eq!(work(RecognizerConfig::tam(trunk(), 174, 16), 16), 8556);
        let deep = RecognizerConfig::tsm(ResNetConfig::resnet101(), 174).cost(8, 224);
        assert_eq!((deep.parameters, (deep.multiply_adds + 5_000_000) / 10_000_000), (42_856_686, 6240));
    }

    #[test]
    fn a_pyramid_and_a_mobile_network_have_the_known_size_and_work() {
        let tpn = |classes| RecognizerConfig::tpn(ResNetConfig::resnet50(), classes).cost(8, 224);
        let cost = tpn(174);
        assert_eq!((cost.parameters, cost.parameters - cost.training_parameters), (82_445_724, 63_210_734));
        assert_eq!((cost.multiply_adds + 5_000_000) / 10_000_000, 4123);
        assert_eq!(tpn(48).parameters, 81_929_376);
        // torchvision's MobileNetV2 has 3 504 872, of which 1 281 000 are the classifier of ImageNet; the paper's computes
        // 300 million for a picture.
        let mobile = RecognizerConfig::tsm(MobileNetV2Config::default(), 174).cost(8, 224);
        assert_eq!(mobile.parameters, 2_223_872 + 1281 * 174);
        assert_eq!((mobile.multiply_adds / 8 + 5_000_000) / 10_000_000, 30);
    }

    #[test]
    fn the_work_counted_is_the_work_done() {
        let trunk = || ResNetConfig { block: BlockKind::Bottleneck, layers: vec![1, 1, 1, 1], width: 8 };
        for config in [
            RecognizerConfig::tsm(trunk(), 5),
            RecognizerConfig::gst(trunk(), 5),
            RecognizerConfig::tpn(trunk(), 5),
            RecognizerConfig::tsm(MobileNetV2Config { width: 8 }, 5),
        ] {
            let model = config.init(&Device::flex(), 0);
            let clips = Tensor::zeros([1, 4, 3, 64, 64], &Device::flex());
            let (_, profile) = record(|| model.forward(clips, &mut Pass::inference()));
            let classifier = (4 * config.trunk.channels_out() * config.classes) as u64;
            let (done, counted) = (profile.flops() / 2, config.cost(4, 64).multiply_adds);
            assert!(counted >= done && counted - done <= classifier, "{counted} counted, {done} done: {config:?}");
        }
    }

    #[test]
    fn as_many_parameters_are_counted_as_a_network_has() {
        let small = |block| ResNetConfig { block, layers: vec![2, 1, 1], width: 16 };
        let bottlenecks = || small(BlockKind::Bottleneck);
        for config in [
            RecognizerConfig::tsn(small(BlockKind::Basic), 5),
            RecognizerConfig::tsm(bottlenecks(), 5),
            RecognizerConfig::tam(bottlenecks(), 5, 6),
            RecognizerConfig::gst(bottlenecks(), 5),
            RecognizerConfig::gst_large(bottlenecks(), 5),
            RecognizerConfig::tpn(bottlenecks(), 5),
            RecognizerConfig::tsm(MobileNetV2Config { width: 8 }, 5),
            RecognizerConfig::tsm(MobileNetV2Config { width: 48 }, 5),
        ] {
            let model = config.init(&Device::flex(), 1);
            assert_eq!(config.cost(6, 64).parameters, num_parameters(&model), "{config:?}");
        }
    }
}
