use super::draft::Draft;
use super::error::Result;
use super::graph::Value;
use super::network::FrameModule;
use super::resnet::Trunk;
use crate::model::BlockKind;

/// What the backbone of the published networks shifts.
const SHIFT: FrameModule = FrameModule::Shift { divisor: 8, every: 1 };

impl Draft<'_> {
    /// TPN over TSM: the last two stages brought to one size, pooled over time, mixed from top to bottom and from bottom
    /// to top. The head for training on the last stage but one is left out.
    pub(super) fn tpn(
        &mut self,
        layers: &[usize],
        groups: usize,
        shift_shortcut: bool,
        images: &Value,
    ) -> Result<Value> {
        self.weights.skip("necks.aux_head.");
        let kind = BlockKind::Bottleneck;
        let trunk = Trunk { path: "backbone", layers, kind, module: SHIFT, shift_shortcut };
        let stages = self.resnet(&trunk, images)?;
        let [.., low, high] = stages.as_slice() else { unreachable!("the description has two stages or more") };
        let levels = [self.spatial_modulation(0, low, high.channels)?, high.clone()];
        let fused = self.pyramid(levels, groups)?;
        let pooled = self.graph.global_mean(&fused);
        let pooled = self.graph.flatten(&pooled);
        self.graph.linear(&pooled, &self.weights.linear("cls_head.fc_cls")?)
    }

    /// Halves the sides and doubles the channels until there are as many as in the last stage.
    fn spatial_modulation(&mut self, level: usize, images: &Value, channels: usize) -> Result<Value> {
        let mut x = images.clone();
        let mut step = 0;
        while x.channels < channels {
            let path = format!("necks.spatial_modulation.spatial_modulation.{level}.{step}");
            x = self.conv_norm_relu(&x, &format!("{path}.conv"), &format!("{path}.bn"), 2)?;
            step += 1;
        }
        Ok(x)
    }

    /// The levels' images to fused volumes.
    fn pyramid(&mut self, levels: [Value; 2], groups: usize) -> Result<Value> {
        let low = self.temporal_modulation(0, &levels[0], groups)?;
        let high = self.temporal_modulation(1, &levels[1], groups)?;
        let low = self.graph.add(&low, &high);
        let top_down = self.level_fusion("necks.level_fusion_op2", [&low, &high], groups)?;
        // The published code goes on from the sums of the way down, so the two ways are one after the other.
        let raised = self.graph.conv(&low, &self.weights.filter("necks.downsampling_ops.0.conv")?, 1)?;
        let high = self.graph.add(&high, &raised);
        let bottom_up = self.level_fusion("necks.level_fusion_op", [&low, &high], groups)?;
        let both = self.graph.concat(&[&top_down, &bottom_up], 1);
        self.mix(&both, "necks.pyramid_fusion_op.0", "necks.pyramid_fusion_op.1", 1)
    }

    /// A convolution over time and its largest value in the clip.
    fn temporal_modulation(&mut self, level: usize, images: &Value, groups: usize) -> Result<Value> {
        let filter = self.weights.filter(&format!("necks.temporal_modulation_ops.{level}.conv"))?;
        let volumes = self.graph.volumes_of_images(images, self.frames);
        let volumes = self.graph.grouped_conv(&volumes, &filter, 1, groups)?;
        Ok(self.graph.max_pool_time(&volumes, self.frames))
    }

    /// Each level through a convolution of its own, then all through one.
    fn level_fusion(&mut self, path: &str, levels: [&Value; 2], groups: usize) -> Result<Value> {
        let mut parts = Vec::new();
        for (level, x) in levels.into_iter().enumerate() {
            let op = format!("{path}.ops.{level}");
            parts.push(self.mix(x, &format!("{op}.conv"), &format!("{op}.norm"), groups)?);
        }
        let joined = self.graph.concat(&parts.iter().collect::<Vec<_>>(), 1);
        self.mix(&joined, &format!("{path}.fusion_conv.0"), &format!("{path}.fusion_conv.1"), 1)
    }

    /// A convolution of volumes, the norm behind it and a ReLU.
    fn mix(&mut self, x: &Value, conv: &str, norm: &str, groups: usize) -> Result<Value> {
        let filter = self.weights.folded(conv, norm)?;
        let y = self.graph.grouped_conv(x, &filter, 1, groups)?;
        Ok(self.graph.relu(&y))
    }
}
